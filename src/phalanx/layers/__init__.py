"""Layers: functions of one batch with parameters of one network, one concept a file."""

from phalanx.layers.activations import (
    RBF,
    Absolute,
    Activation,
    HardTanh,
    LeakyReLU,
    Linear,
    Maxout,
    PReLU,
    ReLU,
    Sigmoid,
    Softmax,
    Softplus,
    Tanh,
)
from phalanx.layers.columns import Columns
from phalanx.layers.dense import Dense
from phalanx.layers.dropout import DropConnect, Dropout
from phalanx.layers.layer import EVALUATE, At, Layer, Params
from phalanx.layers.noise import GaussianNoise

__all__ = [
    "EVALUATE",
    "RBF",
    "Absolute",
    "Activation",
    "At",
    "Columns",
    "Dense",
    "DropConnect",
    "Dropout",
    "GaussianNoise",
    "HardTanh",
    "Layer",
    "LeakyReLU",
    "Linear",
    "Maxout",
    "PReLU",
    "Params",
    "ReLU",
    "Sigmoid",
    "Softmax",
    "Softplus",
    "Tanh",
]
