"""Comparing choices on the same splits with the same seeds: alternatives, statistics, words."""

from .comparison import Comparison as Comparison
from .train import compare as compare
