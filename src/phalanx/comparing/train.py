"""Train alternatives on the same splits with the same seeds, and score them on the rows that test."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import is_classifier
from sklearn.utils import _safe_indexing

from phalanx.comparing.comparison import Comparison
from phalanx.comparing.spaces import Alternatives, alternatives
from phalanx.data import split_rows
from phalanx.errors import InputError
from phalanx.estimators.base import NetworkEstimator
from phalanx.estimators.targets import check_lengths, group_codes
from phalanx.metrics import Metric, metric_named
from phalanx.options import check_number, check_whole


def compare(
    choices: Any,
    X: Any,
    y: Any,
    *,
    seeds: int | Sequence[int] = 10,
    test: float = 0.25,
    metric: str | None = None,
    difference: float | None = None,
    level: float = 0.95,
    groups: Any = None,
    task: str | None = None,
) -> Comparison:
    """Compare choices on rows `X` with targets `y`, as fairly as so many seeds allow; see docs/comparing.md.

    `choices`: an estimator of rows with `choice(...)` in its parts, of which every combination is an alternative; a
    choice of activations, other layers, lists of layers, optimizers or regularizers, which is put into a plain network;
    or a dict of estimators by name, each of which is compared as it predicts, with its search and ensemble.

    Each of the `seeds`, or the numbers from 0 on, splits the rows into a share that tests and the rest, of which the
    estimator holds some out for early stopping. On these rows all alternatives are trained, as one population from the
    same initial random numbers where they are choices, and are scored by `metric` (default: what ranks members).
    `difference`: how large a difference is worth seeing, in units of the metric (default: see
    `phalanx.comparing.sizes.practical_size`). `level`: the confidence of all intervals together. `groups`: of each row
    its group, whose rows are all on one side of every split. `task`: what a choice of parts predicts, "classify" or
    "regress" (default: by the target).

    Returns a `Comparison`. Raises `InputError` for what cannot be compared.

    >>> from phalanx import Adam, Classifier, Dense, Linear, Tanh, choice
    >>> X = np.random.default_rng(0).choice([-1.0, 1.0], (80, 2))
    >>> net = Classifier([Dense(8), choice(Linear(), Tanh())], optimizer=Adam(0.1), max_rounds=30)
    >>> compare(net, X, X[:, 0] * X[:, 1] > 0, seeds=4).verdict[-1]
    'best: Tanh'
    """
    numbers = _numbers(seeds)
    for name, share in (("test", test), ("level", level)):
        check_number(name, share, above=0.0, below=1.0)
    if difference is not None:
        check_number("difference", difference, above=0.0)
    check_lengths(X, y)
    found = alternatives(choices, y, task)
    codes = None if groups is None else group_codes(groups, len(X))
    classes = y if codes is None and is_classifier(found.estimators[0]) and np.ndim(y) == 1 else None
    rows, diverged = [], dict.fromkeys(found.names, 0)
    chosen: Metric | None = None
    for seed in numbers:
        split = split_rows(len(X), classes=classes, groups=codes, test=test, valid=0.0, seed=seed)
        scores = []
        for name, (one, gone) in zip(found.names, _trained(found, seed, X, y, split.train, groups), strict=True):
            chosen = _metric(one, metric)
            diverged[name] += gone
            scores.append(_score(one, _safe_indexing(X, split.test), _safe_indexing(y, split.test), chosen))
        rows.append(scores)
    assert chosen is not None
    table = pd.DataFrame(rows, pd.Index(numbers, name="seed"), pd.Index(found.names, dtype=str), dtype=float)
    counts = {name: count for name, count in diverged.items() if count}
    return Comparison(table, chosen, len(split.test) / len(split.train), difference, level, counts)


def _trained(
    found: Alternatives, seed: int, X: Any, y: Any, at: np.ndarray, groups: Any
) -> Iterator[tuple[NetworkEstimator, bool]]:
    """Yield of each alternative an estimator that predicts as it does, and whether it diverged."""
    together = {} if groups is None else {"groups": np.asarray(groups)[at]}
    for estimator in found.with_seed(seed):
        estimator.fit(_safe_indexing(X, at), _safe_indexing(y, at), **together)
        board = estimator.leaderboard_.set_index("id")["stopped"]
        if found.together:
            yield from ((member.estimator, board[member.id] == "diverged") for member in estimator.members_)
        else:
            yield estimator, bool((board[board.notna()] == "diverged").all())


def _metric(estimator: NetworkEstimator, name: str | None) -> Metric:
    return metric_named(estimator.metric if name is None else name, estimator._predictor.goals, estimator.likelihood)


def _score(estimator: NetworkEstimator, X: Any, y: Any, metric: Metric) -> float:
    """Return the score of what an estimator says of rows."""
    inputs = estimator._inputs(X)
    values = estimator._values(y, inputs)
    return estimator._predictor.scores(inputs, values, ensemble=estimator.ensemble).get(metric.name, float("nan"))


def _numbers(seeds: int | Sequence[int]) -> list[int]:
    """Return the seeds; raise `InputError` for fewer than two, from which no spread can be told."""
    if isinstance(seeds, (int, np.integer)):
        check_whole("seeds", seeds, 2)
        return list(range(int(seeds)))
    numbers = list(seeds)
    for seed in numbers:
        check_whole("seeds", seed, 0, 2**32 - 1)
    if len(set(numbers)) < max(2, len(numbers)):
        raise InputError(f"seeds is {seeds!r}, but must be two or more different numbers")
    return [int(seed) for seed in numbers]
