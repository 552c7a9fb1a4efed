"""Parameters of estimators that hold parts, whose own fields are parameters too."""

from dataclasses import fields
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state

from phalanx.experiment import Settings
from phalanx.metrics import Metric
from phalanx.network import Network
from phalanx.options import Options, check_number, check_switch, check_text, check_whole
from phalanx.spec import Distribution
from phalanx.spec.part import check_field
from phalanx.spec.paths import holds_parts, places, replace_at

_PARTS = ("layers", "likelihood", "regularizers", "optimizer", "stopping")


class PartsEstimator(BaseEstimator):
    """Base of estimators with parts, and the options of a search, among their parameters."""

    batch_size: Any
    validation_fraction: Any
    random_state: Any

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters; with `deep` also those inside parts, by path: `layers__dense_1__units`."""
        params = super().get_params(deep=False)
        if deep:
            for name in _PARTS:
                if holds_parts(params.get(name)):
                    params.update(places(params[name], f"{name}__", "__"))
        return params

    def _settings(self, metric: Metric) -> Settings:
        """Return what the parameters say of the search; raise `InputError` for one that no search can use."""
        params = self.get_params(deep=False)
        seed = self.random_state
        if isinstance(seed, (bool, int, np.integer)):
            check_whole("random_state", seed, 0, 2**32 - 1)
        else:
            seed = check_random_state(seed).randint(2**31)
        check_number("validation_fraction", self.validation_fraction, at_least=0, below=1)
        if self.batch_size is not None and not isinstance(self.batch_size, Distribution):
            check_whole("batch_size", self.batch_size, 1)
        if "ensemble" in params:
            check_switch("ensemble", params["ensemble"])
        if params.get("metric") is not None:
            check_text("metric", params["metric"])
        if params.get("likelihood") is not None:
            check_field(Network, "likelihood", params["likelihood"])
        given = {option.name: params[option.name] for option in fields(Options) if option.name in params}
        return Settings(metric, seed=int(seed), **given)

    def set_params(self, **params: Any) -> Self:
        """Replace parameters, also inside parts: `set_params(layers__dense_1__units=32)`; parts stay as they are."""
        known = self.get_params(deep=False)
        for path, value in params.items():
            name, *rest = path.split("__")
            if name not in known:
                raise ValueError(
                    f"Invalid parameter {name!r} for estimator {self}. Valid parameters are: {list(known)}."
                )
            setattr(self, name, replace_at(getattr(self, name), rest, value) if rest else value)
        return self
