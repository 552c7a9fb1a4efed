"""The estimator of series."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from sklearn.callback import with_callbacks
from sklearn.metrics import r2_score
from sklearn.utils.validation import check_is_fitted

from phalanx.data.cells import numbers
from phalanx.errors import InputError
from phalanx.estimators.base import NetworkEstimator
from phalanx.estimators.evidence import evidence_of
from phalanx.estimators.parameters import OfSeries, documented
from phalanx.experiment import plan, trials_for
from phalanx.kinds.series.encoder import SeriesEncoder
from phalanx.kinds.series.given import forecast_of, frequency_of, is_dated, on_the_clock, table_of
from phalanx.kinds.series.grid import Series, read_series
from phalanx.kinds.series.kind import SERIES
from phalanx.kinds.series.layout import Layout, infer_layout
from phalanx.kinds.series.problem import Forecasting, forecasting
from phalanx.kinds.series.recent import Recent
from phalanx.metrics import SCORE, metric_named


@documented
class Forecaster(OfSeries, NetworkEstimator):
    """Forecast a series with networks, one or a population of them.

    A network says all steps ahead at once. Splits are in the order of time: the last `validation_fraction` of the
    windows validates, and members rank by the mean absolute error over all steps ahead (mae) where `metric` names no
    other. With early stopping and no word of `refit` the networks that predict are in the end trained again on these
    newest windows too, by "steps". For the space of networks that is searched see `Classifier`.

    Attributes
    ----------
    leaderboard_, curves_, diagnostics_, hints_, importances_, mattered_, members_, best_
        As of `Classifier`.
    optimism_, ensemble_, encoder_
        As of `Classifier`.

    Examples
    --------
    >>> from phalanx import Adam, Flatten, Forecaster
    >>> y = np.sin(2 * np.pi * np.arange(200) / 12)
    >>> net = Forecaster(3, window=12, layers=[Flatten()], optimizer=Adam(0.01), stopping=None, max_rounds=100).fit(y)
    >>> net.predict().round(1).tolist(), np.sin(2 * np.pi * np.arange(200, 203) / 12).round(1).tolist()
    ([-0.9, -1.0, -0.9], [-0.9, -1.0, -0.9])
    """

    @with_callbacks
    def fit(self, y: Any, X: Any = None) -> "Forecaster":
        """Train on a series `y` of numbers, NaN where missing.

        Its times are the index of a pandas Series, if they are dates; otherwise values are in order. `X`: further
        columns of numbers, known up to the present only, a row for each value. Returns the estimator.
        """
        settings = self._settings(SCORE)
        frame, column, times = table_of(y, X)
        layout, _ = infer_layout(frame, column, times)
        series = read_series(frame, layout)
        made = self._made(series, layout, self.validation_fraction)
        space = self._space(made.encoder.space(len(made.problem.train), made.problem.goals), made.problem)
        chooses = trials_for(space, settings, made.problem.size) > 1 or (
            settings.repeats > 1 and not settings.bootstrap
        )
        if not chooses and space.stopping is None:
            made = self._made(series, layout, 0.0)
        settings = replace(settings, metric=metric_named(self.metric, made.problem.goals, self.likelihood))
        self._kind, self.encoder_, self._in_files = SERIES, made.encoder, True
        self._called: dict[str, str] = {}
        self._series, self._column, self._frequency = series, column, frequency_of(y)
        fitted = self._train(made.problem, plan(made.problem, space, settings), settings, X, y)
        recent = Recent(series, made.origins[made.problem.valid], made.encoder.horizon)
        self._told = evidence_of(made.problem, fitted, self.ensemble, recent=recent)
        return self

    def predict(self, horizon: int | None = None, *, y: Any = None, X: Any = None) -> Any:
        """Return the expected values of the steps after the end of a series, as a Series where its times are dates.

        `horizon`: how many of them (default all that were learned). `y`, `X`: the series up to the present, like those
        of `fit`; default: those of `fit`.
        """
        series = self._read(y, X)
        return self._shaped(series, self._predictor.predict(self._window(series), self.ensemble)[0], horizon, y)

    def predict_interval(
        self, level: float = 0.9, horizon: int | None = None, *, y: Any = None, X: Any = None
    ) -> tuple[Any, Any]:
        """Return the ends of the intervals that hold each value with probability `level`; see `predict`."""
        series = self._read(y, X)
        ((low, high),) = self._predictor.ask(
            self._window(series), lambda predicted: predicted.interval(level), self.ensemble
        )
        return self._shaped(series, low, horizon, y), self._shaped(series, high, horizon, y)

    def log_density(self, future: Any, *, y: Any = None, X: Any = None) -> Any:
        """Return log p of each of the values that follow a series, given the series alone, per unit of its numbers.

        `future`: the values at the steps ahead in order, all that are forecast or the first of them; NaN where one is
        not known, which has NaN. The times of a Series must be those that `predict` gives. Each step is by itself: log
        p(y_{t+h} | y_1 … y_t), a Series where the times are dates, as of `predict`. `y`, `X`: see `predict`.

        Raises `InputError` for more values than are forecast, for other times, and for what is no number.
        """
        series = self._read(y, X)
        horizon = self._encoder.horizon
        values = numbers(pd.Series(future), self._column)
        if not 1 <= len(values) <= horizon:
            raise InputError(f"future has {len(values):,} values, but the steps that are forecast are 1 to {horizon:,}")
        whole = np.full((1, horizon), np.nan)
        whole[0, : len(values)] = values
        (found,) = self._predictor.ask(
            self._window(series), lambda predicted, *of: predicted.marginal_log_density(of), self.ensemble, (whole,)
        )
        said = self._shaped(series, found, len(values), y)
        if isinstance(future, pd.Series) and isinstance(said, pd.Series) and is_dated(future):
            given = on_the_clock(future.index)
            if not given.equals(on_the_clock(said.index)):
                raise InputError(
                    f"future begins at {future.index[0]}, but the steps that are forecast begin at {said.index[0]}; "
                    "give the values in order"
                )
        return said

    def score(self, y: Any, X: Any = None) -> float:
        """Return r2 over all steps of the forecasts from every value of a series that has a full past and future."""
        series = self._read(y, X)
        origins = self._encoder.origins(series)
        if not len(origins):
            raise InputError(
                f"the series holds {len(series):,} steps, but one window and what follows it are "
                f"{self._encoder.steps + self._encoder.horizon:,}"
            )
        (said,) = self._predictor.predict(self._encoder.windows(series, origins), self.ensemble)
        values = self._encoder.targets(series, origins)
        known = ~np.isnan(values)
        return float(r2_score(values[known], said[known]))

    @property
    def _encoder(self) -> SeriesEncoder:
        check_is_fitted(self)
        assert isinstance(self.encoder_, SeriesEncoder)
        return self.encoder_

    def _made(self, series: Series, layout: Layout, valid: float) -> Forecasting:
        return forecasting(
            series,
            layout,
            horizon=int(self.horizon),
            steps=None if self.window is None else int(self.window),
            likelihood=self.likelihood,
            test=0.0,
            valid=valid,
        )

    def _read(self, y: Any, X: Any) -> Series:
        encoder = self._encoder
        if y is None:
            return self._series
        frame, column, times = table_of(y, X)
        renamed = {column: self._column} | ({} if times is None else {times: encoder.layout.time})
        return encoder.read(frame.rename(columns=renamed))

    def _window(self, series: Series) -> np.ndarray:
        return self._encoder.windows(series, np.array([len(series) - 1]))

    def _shaped(self, series: Series, found: np.ndarray, horizon: int | None, y: Any) -> Any:
        """Return the first values of a forecast, a row; see `forecast_of`."""
        steps = self._encoder.horizon if horizon is None else horizon
        if not 1 <= steps <= self._encoder.horizon:
            raise InputError(
                f"horizon is {steps}, but the steps ahead that were learned are 1 to {self._encoder.horizon}"
            )
        frequency = self._frequency if y is None else frequency_of(y)
        return forecast_of(series, found[0, :steps], self._column, frequency)
