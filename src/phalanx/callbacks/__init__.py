"""Callbacks that write how a training goes for the tools that show it: `net.set_callbacks(TensorBoard("logs/1"))`."""

from .mlflow import MLflow as MLflow
from .tensorboard import TensorBoard as TensorBoard
