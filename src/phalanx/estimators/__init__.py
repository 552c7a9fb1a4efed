"""The scikit-learn door, thin over `experiment`."""

from phalanx.estimators.classifier import Classifier
from phalanx.estimators.forecaster import Forecaster
from phalanx.estimators.language import LanguageModel
from phalanx.estimators.members import FittedMember
from phalanx.estimators.multitask import MultiTask
from phalanx.estimators.regressor import Regressor

__all__ = ["Classifier", "FittedMember", "Forecaster", "LanguageModel", "MultiTask", "Regressor"]
