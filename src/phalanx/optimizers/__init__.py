"""Optimizers (MAP G): rules that turn gradients into steps.

optimizer      what every rule implements and can have: clipping, learning rates by tensor, weight decay
clipping       of gradients
rules          from SGD to Adam
adapter        any optimizer of Optax
least_squares  in place of a rule: the output layer in closed form
"""

from phalanx.optimizers.adapter import Argument, Optax, Transformation
from phalanx.optimizers.clipping import Clip, ClipNorm, ClipValue
from phalanx.optimizers.least_squares import LeastSquares
from phalanx.optimizers.optimizer import Factor, Optimizer, Rule
from phalanx.optimizers.rules import SGD, AdaGrad, Adam, Momentum, Nesterov, RMSProp, RMSPropNesterov

__all__ = [
    "SGD",
    "AdaGrad",
    "Adam",
    "Argument",
    "Clip",
    "ClipNorm",
    "ClipValue",
    "Factor",
    "LeastSquares",
    "Momentum",
    "Nesterov",
    "Optax",
    "Optimizer",
    "RMSProp",
    "RMSPropNesterov",
    "Rule",
    "Transformation",
]
