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
from phalanx.layers.augmentation import Augmentation, Brightness, CutOut, Flip
from phalanx.layers.bands import HideBlocks, InstanceNorm, ShiftBands, SpectralAugmentation
from phalanx.layers.basis import BasisFunctions
from phalanx.layers.branches import Branch, Branches
from phalanx.layers.columns import Columns
from phalanx.layers.convolution import Conv
from phalanx.layers.dense import Dense
from phalanx.layers.dropout import DropConnect, Dropout
from phalanx.layers.embedding import Embedding
from phalanx.layers.frames import Frames
from phalanx.layers.layer import EVALUATE, At, Layer, Params
from phalanx.layers.noise import GaussianNoise
from phalanx.layers.normalization import BatchNorm, LayerNorm
from phalanx.layers.past import Past
from phalanx.layers.pixels import Pixels
from phalanx.layers.pooling import AveragePool, GlobalAveragePool, GlobalMaxPool, MaxoutPool, MaxPool
from phalanx.layers.recurrent import GRU, LSTM, Recurrent, Recurring
from phalanx.layers.resampling import Crop, Rotate, Shift
from phalanx.layers.residual import Residual
from phalanx.layers.reversal import ReverseGradient
from phalanx.layers.shape import Flatten
from phalanx.layers.spatial import Spatial
from phalanx.layers.wrapper import Wrapper, bare

__all__ = [
    "EVALUATE",
    "GRU",
    "LSTM",
    "RBF",
    "Absolute",
    "Activation",
    "At",
    "Augmentation",
    "AveragePool",
    "BasisFunctions",
    "BatchNorm",
    "Branch",
    "Branches",
    "Brightness",
    "Columns",
    "Conv",
    "Crop",
    "CutOut",
    "Dense",
    "DropConnect",
    "Dropout",
    "Embedding",
    "Flatten",
    "Flip",
    "Frames",
    "GaussianNoise",
    "GlobalAveragePool",
    "GlobalMaxPool",
    "HardTanh",
    "HideBlocks",
    "InstanceNorm",
    "Layer",
    "LayerNorm",
    "LeakyReLU",
    "Linear",
    "MaxPool",
    "Maxout",
    "MaxoutPool",
    "PReLU",
    "Params",
    "Past",
    "Pixels",
    "ReLU",
    "Recurrent",
    "Recurring",
    "Residual",
    "ReverseGradient",
    "Rotate",
    "Shift",
    "ShiftBands",
    "Sigmoid",
    "Softmax",
    "Softplus",
    "Spatial",
    "SpectralAugmentation",
    "Tanh",
    "Wrapper",
    "bare",
]
