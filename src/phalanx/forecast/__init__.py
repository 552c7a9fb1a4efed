"""Forecasts: a series as a problem for `experiment`, and the plain forecasts beside the networks."""

from phalanx.forecast.baselines import Method, forecast_baselines
from phalanx.forecast.problem import Forecasting, forecasting

__all__ = ["Forecasting", "Method", "forecast_baselines", "forecasting"]
