"""Parameters of estimators: which options each has, and those inside parts, whose own fields are parameters too."""

import inspect
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any, Self, TypeVar

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state

from phalanx.constraint import Constraint
from phalanx.declared import again, declared, option, options, parameters
from phalanx.estimators.starts import starts_of
from phalanx.experiment import Settings
from phalanx.metrics import Metric
from phalanx.network import Network
from phalanx.options import check_options, check_whole
from phalanx.parts import Distribution
from phalanx.parts.part import check_field
from phalanx.parts.paths import holds_parts, places, replace_at
from phalanx.study import STEPS, Ensembles, Parts, Search, Seed, Series, Split, Table, Target, Text

_PARTS = ("layers", "likelihood", "regularizers", "optimizer", "stopping")

Estimator = TypeVar("Estimator", bound="PartsEstimator")


@options
class OfAll(Search, Parts):
    """The options of all estimators."""

    validation_fraction: float = again(Split, "valid", constraint=Constraint(at_least=0, below=1))
    start: Any = option(
        "What networks begin with: a trained member, such as `net.best_`, or a dict of weights by layer and name",
        default=None,
        means="weights drawn afresh",
        more="Layers of the same name and shape begin with its weights, others afresh; rows are encoded anew. A list "
        'has one, or None, for each of the `repeats`. `Factor(0, on=["dense_1"])` among the `factors` of an optimizer '
        "keeps a layer as it is.",
        what="FittedMember, dict, list of them or None",
    )


@options
class RandomState:
    """What makes an estimator repeat."""

    random_state: Any = again(Seed, "seed", what="int from 0 to 4,294,967,295, RandomState or None")


@options
class OfTargets(Ensembles, OfAll, Target):
    """The options of estimators of rows and of series."""

    ensemble: bool = option("Predict with the ensemble, or only with the best network", default=True)


@dataclass(eq=False, repr=False)
class OfRows(RandomState, Table, OfTargets):
    """The options of estimators of rows."""

    layers: Any = again(Parts, "layers")
    _: KW_ONLY
    missing: str | Sequence[str] | None = again(Table, "missing")
    folds: int | None = again(Split, "folds")


@dataclass(eq=False, repr=False)
class OfSeries(RandomState, Series, OfTargets):
    """The options of an estimator of a series."""

    horizon: int = again(Series, "horizon", default=1, means="")


@dataclass(eq=False, repr=False)
class OfText(RandomState, Text, OfAll):
    """The options of an estimator of one long text."""

    layers: Any = again(Parts, "layers", means="an LSTM sized by the text", more="They answer at every step.")
    _: KW_ONLY
    tokens: str = again(Text, "tokens", default="characters", means="")
    steps: int = option(
        "Tokens of a stretch, through which the gradient reaches back", default=STEPS, at_least=1, at_most=2**31 - 1
    )
    validation_fraction: float = again(OfAll, "validation_fraction", default=0.05)


def documented(cls: type[Estimator]) -> type[Estimator]:
    """List the options of an estimator in its docstring, before its attributes."""
    if cls.__doc__ is not None:  # it is under `python -OO`
        before, attributes, after = inspect.cleandoc(cls.__doc__).partition("Attributes\n----------\n")
        cls.__doc__ = f"{before}{parameters(cls)}\n\n{attributes}{after}\n"
    return cls


class PartsEstimator(OfAll, BaseEstimator):
    """Base of estimators with parts, and the options of a search, among their parameters."""

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
        seed = self.random_state
        if isinstance(seed, (bool, int, np.integer)):
            check_whole("random_state", seed, 0, 2**32 - 1)
        else:
            seed = check_random_state(seed).randint(2**31)
        check_options(self)
        if self.batch_size is not None and not isinstance(self.batch_size, Distribution):
            check_whole("batch_size", self.batch_size, 1)
        check_field(Network, "precision", self.precision)
        given = {one.key: getattr(self, one.name) for one in declared(type(self))} | {"seed": int(seed)}
        if given.get("likelihood") is not None:
            check_field(Network, "likelihood", given["likelihood"])
        held = {one.name: given[one.name] for one in declared(Settings) if one.name in given}
        return Settings(metric, starts_of(self.start, self.repeats), **held)

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
