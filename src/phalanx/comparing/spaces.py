"""What is compared: an estimator with choices, a choice of parts in a plain network, or estimators by name."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from sklearn.base import clone

from phalanx.comparing.names import names_of_draws
from phalanx.data import infer_task
from phalanx.errors import InputError
from phalanx.estimators import Classifier, Regressor
from phalanx.estimators.base import NetworkEstimator
from phalanx.estimators.parameters import OfRows
from phalanx.layers import Activation, Dense, Layer, MaxoutPool, PReLU, ReLU
from phalanx.likelihoods import Gaussian
from phalanx.network import Network
from phalanx.optimizers import Adam, Optimizer
from phalanx.parts import Distribution, Part, choice
from phalanx.parts.distributions import Choice, Integers, Range, Repeat
from phalanx.regularizers import Regularizer
from phalanx.search.designs import design

MOST = 64
"""Alternatives that are compared at most."""

UNITS = 64
"""Units of each of the two layers of the plain network."""

_ACTIVATIONS = (Activation, PReLU, MaxoutPool)
_WHOLE = {"trials": (None,), "repeats": (1,), "bootstrap": (False,), "minutes": (None,), "folds": (None, 1)}
"""What an estimator with choices leaves to the comparison, with the values that say so."""


@dataclass(frozen=True)
class Alternatives:
    """What is compared, by `names`; `fitted` trains all of them on the same rows with a seed, see `train`."""

    names: list[str]
    estimators: tuple[NetworkEstimator, ...]
    together: bool

    def with_seed(self, seed: int) -> Iterator[NetworkEstimator]:
        """Yield what is fitted for a seed: one estimator whose members are all alternatives, or each by itself."""
        for estimator in self.estimators:
            fresh: NetworkEstimator = clone(estimator).set_params(random_state=seed)
            yield fresh.set_params(design="grid", trials=len(self.names), paired=True) if self.together else fresh


def alternatives(given: Any, y: Any, task: str | None) -> Alternatives:
    """Return what is compared; raise `InputError` for what cannot be.

    A choice of parts stands in the plain network for a target `y`, see `plain_network`.
    """
    if isinstance(given, Mapping):
        return _by_name(given)
    if isinstance(given, Choice):
        return _of_space(plain_network(given, y, task))
    if _is_of_rows(given):
        if task is not None:
            raise InputError(
                "task is for a choice of parts, but an estimator says itself what it predicts; leave it out"
            )
        return _of_space(given)
    raise InputError(
        f"{type(given).__name__} cannot be compared; give an estimator of rows with choices in its parts, a choice of "
        "parts, or a dict of estimators by name"
    )


def plain_network(parts: Choice, y: Any, task: str | None) -> NetworkEstimator:
    """Return an estimator with a choice of parts where such parts stand in a plain network: two layers of 64 units,
    ReLU, Adam, early stopping.

    Activations stand after both layers; layers of another kind after both activations; lists of layers are the whole
    network; optimizers and regularizers are put in their place. `task`: "classify", "regress", or None: by the target.
    """
    kinds = {_kind(option) for option in parts.options} - {"none"}
    if len(kinds) != 1 or (kind := kinds.pop()) == "other":
        raise InputError(
            f"{parts!r} mixes parts, or holds what is none; give activations, other layers, lists of layers, "
            "optimizers or regularizers, or an estimator with choices in it"
        )
    if kind in ("activation", "optimizer") and None in parts.options:
        raise InputError(f"{parts!r}: a network needs an {kind}; leave None out")
    one = choice(*parts.options, name=parts.name or kind)
    hidden: list[Any] = [Dense(UNITS), ReLU(), Dense(UNITS), ReLU()]
    if kind == "activation":
        hidden = [Dense(UNITS), one, Dense(UNITS), one]
    elif kind == "layer":
        hidden = [Dense(UNITS), ReLU(), one, Dense(UNITS), ReLU(), one]
    elif kind == "layers":
        hidden = [one]
    given: dict[str, Any] = {}
    if kind == "optimizer":
        given = {"optimizer": one}
    elif kind == "regularizer":
        given = {"regularizers": [one]}
    if task not in (None, "classify", "regress"):
        raise InputError(f"task is {task!r}, but must be 'classify' or 'regress'")
    return _door(y, task)(hidden, **given)


def _is_of_rows(given: Any) -> bool:
    """Say whether something is an estimator whose rows can be split at random."""
    return isinstance(given, NetworkEstimator) and isinstance(given, OfRows)


def _door(y: Any, task: str | None) -> Callable[..., NetworkEstimator]:
    columns = pd.DataFrame(y)
    found = {task} if task else {infer_task(columns[name], str(name))[0] for name in columns}
    if len(found) > 1:
        raise InputError("y has columns of classes and columns of numbers; give a MultiTask estimator with choices")
    return Classifier if found == {"classify"} else Regressor


def _kind(option: Any) -> str:
    if option is None:
        return "none"
    if isinstance(option, tuple) and all(isinstance(part, (Layer, Distribution)) for part in option):
        return "layers"
    if isinstance(option, _ACTIVATIONS):
        return "activation"
    kinds = {"layer": Layer, "optimizer": Optimizer, "regularizer": Regularizer}
    return next((name for name, kind in kinds.items() if isinstance(option, kind)), "other")


def _by_name(given: Mapping[Any, Any]) -> Alternatives:
    for name, estimator in given.items():
        if not _is_of_rows(estimator):
            raise InputError(f"{name!r} is {type(estimator).__name__}, but must be an estimator of rows")
    if len(given) < 2:
        raise InputError(f"{len(given)} estimators are given, but two are needed for a comparison")
    return Alternatives([str(name) for name in given], tuple(given.values()), together=False)


def _of_space(estimator: NetworkEstimator) -> Alternatives:
    if estimator.layers is None:
        raise InputError("without layers a whole space is searched; give the estimator layers with choices in them")
    for name, usual in _WHOLE.items():
        if (value := getattr(estimator, name, usual[0])) not in usual:
            raise InputError(f"{name} is {value!r}, but each choice is one network with each seed; leave it out")
    if estimator.refit not in (None, "none"):
        raise InputError("refit trains only the best networks again; leave it out")
    given = {name: getattr(estimator, name) for name in ("likelihood", "optimizer", "batch_size", "precision")}
    space = Network(
        estimator.layers,
        **{"likelihood": Gaussian(), "optimizer": Adam(), **{k: v for k, v in given.items() if v is not None}},
        regularizers=estimator.regularizers,
        stopping=None if estimator.stopping == "auto" else estimator.stopping,
    )
    for distribution in _distributions(space):
        if isinstance(distribution, Range) and not isinstance(distribution, Integers):
            raise InputError(f"{distribution!r} has no single values to compare; give a choice of some")
    try:
        draws = design(space, MOST, kind="grid")
    except InputError as error:
        told = str(error).replace("raise trials or choose another design", "give fewer options")
        raise InputError(told) from None
    if len(draws) < 2:
        raise InputError("there is nothing to compare; put a choice of two or more into the estimator's parts")
    return Alternatives(names_of_draws(draws), (estimator,), together=True)


def _distributions(value: Any) -> Iterator[Distribution]:
    """Yield all distributions in a specification, those inside options too."""
    if isinstance(value, Distribution):
        yield value
    inside: Sequence[Any] = ()
    if isinstance(value, Choice):
        inside = value.options
    elif isinstance(value, Repeat):
        inside = (value.count, *value.parts)
    elif isinstance(value, (tuple, list)):
        inside = value
    elif isinstance(value, Part):
        inside = [getattr(value, name) for name in value.kinds]
    for one in inside:
        yield from _distributions(one)
