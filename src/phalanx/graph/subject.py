"""What a graph is drawn of: one network with its parameters, and a batch of rows."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import jax
import numpy as np
import pandas as pd

from phalanx.blueprint import Blueprint, Noise
from phalanx.errors import InputError
from phalanx.likelihoods import Joint
from phalanx.model import Batch, check_rows, fresh, initialize, row_shape
from phalanx.network import OUTPUT, Network, OutputSize, branches, complete, heads
from phalanx.parts import at_progress
from phalanx.population.predict import Final
from phalanx.problem import Problem
from phalanx.regularizers import Parameters
from phalanx.search.space import is_space
from phalanx.task import FoldRows, Task


@dataclass(frozen=True)
class Subject:
    """A network with output layers, its parameters and states, and rows with the random bytes of a step on them.

    `targets`: what the target of each head is called.
    """

    network: Network
    params: Parameters
    states: dict[str, Any]
    batch: Batch
    noise: Noise
    targets: tuple[str, ...]

    @staticmethod
    def of(
        network: Network, trained: tuple[Parameters, dict[str, Any]], batch: Batch, seed: int, progress: float = 0.0
    ) -> "Subject":
        """Return the subject of a network on a batch, its schedules being so far; `seed` decides the random bytes."""
        params, states = trained
        rows = len(batch.weight)
        needed = Blueprint.of(network, row_shape(batch.x)).noise(params)
        rng = np.random.default_rng(seed)

        def drawn(counts: dict[str, int], *before: int) -> dict[str, Any]:
            return {name: rng.integers(0, 256, (*before, count), np.uint8) for name, count in counts.items()}

        noise = Noise(drawn(needed.rows, rows), drawn(needed.shared), drawn(needed.regularizers))
        named = [name for name, _ in branches(network)] if isinstance(network.likelihood, Joint) else []
        targets = tuple(f"y of {name}" for name in named) or ("y",)
        states = jax.tree.map(np.asarray, fresh(states, rows, np.zeros))
        return Subject(at_progress(network, progress), params, states, batch, noise, targets)


def of_network(network: Network, X: Any, y: Any, params: Parameters | None, seed: int) -> Subject:
    """Return the subject of a network on rows as it takes them; see `draw_graph`."""
    if is_space(network):
        raise InputError("the network holds a distribution, so it is many; give one network, without choice and ranges")
    x = jax.tree.map(_array, X if isinstance(X, tuple) else (X,))
    x = x if isinstance(X, tuple) else x[0]
    known = heads(network)
    given = y if isinstance(network.likelihood, Joint) else (y,)
    if len(given) != len(known):
        raise InputError(f"y has {len(given)} targets, but the network has {len(known)} heads; give one for each")
    pairs = zip(known, given, strict=True)
    targets = tuple(_target(one, head.likelihood.target == "classes") for head, one in pairs)
    rows = {len(array) for array in (*jax.tree.leaves(x), *targets)}
    if len(rows) > 1:
        raise InputError(f"X and y have different numbers of rows: {' and '.join(map(str, sorted(rows)))}")
    if not _complete(network):
        network = complete(network, *(OutputSize(_size(target), _mean(target)) for target in targets))
    classes = known[0].likelihood.target == "classes"
    check_rows(network, x, each_step=targets[0].ndim > (1 if classes else 2))
    fresh_params, states = initialize(network, seed, row_shape(x))
    batch = Batch(x, targets, np.ones(rows.pop(), jax.dtypes.canonicalize_dtype(float)))
    return Subject.of(network, (fresh_params if params is None else params, states), batch, seed)


def of_estimator(estimator: Any, X: Any, y: Any, seed: int) -> Subject:
    """Return the subject of the best network of a fitted estimator on rows like those of `fit`."""
    from sklearn.utils.validation import check_is_fitted

    from phalanx.estimators import Classifier, MultiTask, Regressor

    if not isinstance(estimator, (Classifier, MultiTask, Regressor)):
        raise InputError(
            f"a graph is drawn of a Network, or of a fitted Classifier, Regressor or MultiTask, not of "
            f"{type(estimator).__name__}; of a run it is drawn by `phalanx graph RUN`"
        )
    check_is_fitted(estimator)
    inputs, predictor = estimator._inputs(X), estimator._predictor
    final = predictor.members[predictor.best]
    values = tuple(estimator._values(y, inputs))
    x = getattr(inputs, "parts", (inputs,) * (final.fold + 1))[final.fold]
    x = getattr(x, "x", x)  # of a target for each step
    at = np.arange(len(values[0]))
    part = FoldRows(at, at[:0])
    encoder = estimator.encoder_
    problem = Problem((x,), predictor.goals, values, (part,), encoder.input_layer, encoder.size(len(at)))
    subject = Subject.of(final.network, (final.params, final.states), problem.rows, seed, final.progress)
    return _called(subject, [goal.names for goal in predictor.goals], estimator._called)


def of_task(task: Task, network: Network | Final, seed: int) -> Subject:
    """Return the subject of a network, trained or as it starts, on as many training rows as it sees in a step."""
    specified = network.network if isinstance(network, Final) else network
    train = task.fold_rows[network.fold if isinstance(network, Final) else 0].train
    count = min(specified.batch_size, len(train))
    at = train[np.linspace(0, len(train) - 1, count).astype(int)]
    batch = jax.tree.map(lambda a: a[at], task.rows)
    start = initialize(specified, seed, row_shape(batch.x))
    if not isinstance(network, Final):
        subject = Subject.of(specified, start, batch, seed)
    else:
        shapes, held = (jax.tree.map(np.shape, params) for params in (start[0], network.params))
        if shapes != held:
            raise InputError("the data of the run are others than when it was trained: they do not fit its networks")
        subject = Subject.of(specified, (network.params, network.states), batch, seed, network.progress)
    return _called(subject, [goal.names for goal in task.goals], {}) if task.goals else subject


def _called(subject: Subject, heads: Sequence[Sequence[str]], names: dict[str, str]) -> Subject:
    """Return the subject with the names of its targets."""
    return replace(subject, targets=tuple(", ".join(names.get(one, one) for one in each) for each in heads))


def _complete(network: Network) -> bool:
    """Say whether the network has its output layer, or layers: one called so."""
    stacks = [head.layers for head in heads(network)] if isinstance(network.likelihood, Joint) else [network.layers]
    return all(any(layer.name == OUTPUT for layer in layers) for layers in stacks)


def _array(values: Any) -> np.ndarray:
    """Return rows as an array of numbers in JAX's usual precision, or of whole numbers."""
    array = values.to_numpy() if isinstance(values, (pd.DataFrame, pd.Series)) else np.asarray(values)
    if array.dtype.kind not in "fiub":
        raise InputError(f"X holds {array.dtype}, but a network takes numbers; give a fitted estimator, which encodes")
    if array.dtype == np.uint8:
        return array
    return array.astype(jax.dtypes.canonicalize_dtype(np.int32 if array.dtype.kind in "iu" else float))


def _target(values: Any, classes: bool) -> np.ndarray:
    """Return codes of classes, or numbers (rows, columns)."""
    array = values.to_numpy() if isinstance(values, (pd.DataFrame, pd.Series)) else np.asarray(values)
    if classes and array.dtype.kind in "iu":
        return array.astype(np.int32)
    if classes:
        return np.unique(array, return_inverse=True)[1].reshape(array.shape).astype(np.int32)
    if array.dtype.kind not in "fiub":
        raise InputError(f"y holds {array.dtype}, but the likelihood is of numbers")
    array = array.astype(jax.dtypes.canonicalize_dtype(float))
    return array[:, None] if array.ndim == 1 else array


def _size(target: np.ndarray) -> int:
    return int(target.max()) + 1 if target.dtype.kind == "i" else target.shape[-1]


def _mean(target: np.ndarray) -> float:
    return 1.0 if target.dtype.kind == "i" else float(np.nanmean(target))
