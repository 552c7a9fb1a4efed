"""The scikit-learn door, thin over `experiment`."""

from phalanx.estimators.base import FittedMember
from phalanx.estimators.classifier import Classifier
from phalanx.estimators.multitask import MultiTask
from phalanx.estimators.regressor import Regressor

__all__ = ["Classifier", "FittedMember", "MultiTask", "Regressor"]
