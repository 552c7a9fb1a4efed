"""Regularizers (MAP F): whatever is done to a network in training so that it does well on rows it has not seen.

regularizer   the hooks of a training step
penalties     on weights
constraints   on weights, by projection
noise         on weights
targets       label smoothing
adversarial   examples that mislead, and training on them
activity      penalties on what units do
tying         layers that share a weight
"""

from phalanx.regularizers.activity import Activity, ActivityKL, ActivityL1
from phalanx.regularizers.adversarial import Adversarial, attack
from phalanx.regularizers.constraints import MaxNorm
from phalanx.regularizers.noise import WeightNoise
from phalanx.regularizers.penalties import L1, L2
from phalanx.regularizers.regularizer import Cost, Parameters, Regularizer, is_weight
from phalanx.regularizers.targets import LabelSmoothing
from phalanx.regularizers.tying import Tied

__all__ = [
    "L1",
    "L2",
    "Activity",
    "ActivityKL",
    "ActivityL1",
    "Adversarial",
    "Cost",
    "LabelSmoothing",
    "MaxNorm",
    "Parameters",
    "Regularizer",
    "Tied",
    "WeightNoise",
    "attack",
    "is_weight",
]
