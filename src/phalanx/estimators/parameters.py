"""Parameters of estimators that hold parts, whose own fields are parameters too."""

from typing import Any, Self

from sklearn.base import BaseEstimator

from phalanx.spec.paths import holds_parts, places, replace_at

_PARTS = ("layers", "likelihood", "regularizers", "optimizer", "stopping")


class PartsEstimator(BaseEstimator):
    """Base of estimators with parts among their parameters."""

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters; with `deep` also those inside parts, by path: `layers__dense_1__units`."""
        params = super().get_params(deep=False)
        if deep:
            for name in _PARTS:
                if holds_parts(params.get(name)):
                    params.update(places(params[name], f"{name}__", "__"))
        return params

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
