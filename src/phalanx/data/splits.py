"""Splitting rows into training, validation and test: seeded, stratified for classes, whole for groups."""

from dataclasses import dataclass
from math import ceil

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.model_selection import (
    GroupKFold,
    GroupShuffleSplit,
    KFold,
    ShuffleSplit,
    StratifiedKFold,
    StratifiedShuffleSplit,
)

from phalanx.data.names import some
from phalanx.errors import InputError

#: The fewest rows a training part may have.
FEWEST_ROWS = 2


@dataclass(frozen=True)
class Split:
    """Row positions (int64, ascending) of each part, and ``notes`` on what could not be done as asked."""

    train: np.ndarray
    valid: np.ndarray
    test: np.ndarray
    notes: tuple[str, ...] = ()


def split_rows(
    n: int,
    *,
    classes: npt.ArrayLike | None = None,
    groups: npt.ArrayLike | None = None,
    test: float = 0.2,
    valid: float = 0.2,
    seed: int = 0,
) -> Split:
    """Split ``n`` rows at random; the same arguments give the same split everywhere.

    ``test`` is a share of all rows and ``valid`` a share of the rest; either may be 0. With
    ``classes`` (n,), the label of each row, every part has about the same shares of them, and a
    class of one row stays in training. With ``groups`` (n,) the rows of one group are in one
    part, shares count groups, and classes are not balanced. Raises InputError for shares outside
    [0, 1) and for too few rows or groups.

    >>> split = split_rows(10, classes=[0, 1] * 5)
    >>> len(split.train), len(split.valid), len(split.test)
    (6, 2, 2)
    """
    for share, part in ((test, "test"), (valid, "validation")):
        if not 0 <= share < 1:
            raise InputError(f"the {part} share must be at least 0 and below 1, not {share}")
    parts = (test > 0) + (valid > 0)
    if n < FEWEST_ROWS + parts:
        rows = f"{n:,} row{'s are' if n != 1 else ' is'} too few"
        raise InputError(f"{rows}: {FEWEST_ROWS} are needed for training and 1 for each other part")
    labels = None if classes is None else pd.factorize(np.asarray(classes), sort=True)[0]
    members = None if groups is None else pd.factorize(np.asarray(groups), use_na_sentinel=False)[0]
    rest = np.arange(n)
    held_out = []
    for share, part, later in ((test, "test", int(valid > 0)), (valid, "validation", 0)):
        drawn = rest[_draw(rest, share, labels, members, seed, part, later)] if share else rest[:0]
        rest = np.setdiff1d(rest, drawn)
        held_out.append(np.sort(drawn))
    notes = [] if classes is None else _class_notes(np.asarray(classes), rest, held_out)
    return Split(rest, held_out[1], held_out[0], tuple(notes))


def split_folds(
    n: int, folds: int, *, classes: npt.ArrayLike | None = None, groups: npt.ArrayLike | None = None, seed: int = 0
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Split ``n`` rows at random into so many folds; return of each the positions of the rows outside and inside it.

    With ``classes`` (n,), the label of each row, every fold has about the same shares of them. With ``groups`` (n,) the
    rows of one group are in one fold, and folds hold about as many groups. Raises InputError for too few of either.

    >>> [valid.tolist() for _, valid in split_folds(6, 3, groups=["a", "b", "c"] * 2)]
    [[2, 5], [1, 4], [0, 3]]
    """
    count, what = (n, "rows") if groups is None else (len(pd.unique(np.asarray(groups))), "groups")
    if count < folds or n - -(-n // folds) < FEWEST_ROWS:
        raise InputError(f"{count:,} {what} are too few for {folds} folds; give fewer folds, or more {what}")
    rows = np.zeros((n, 0))
    if groups is not None:
        members = pd.factorize(np.asarray(groups), use_na_sentinel=False)[0]
        return list(GroupKFold(folds, shuffle=True, random_state=seed).split(rows, groups=members))
    if classes is not None:
        labels = pd.factorize(np.asarray(classes), sort=True)[0]
        counts = np.bincount(labels)
        common = np.where(counts[labels] >= folds, labels, counts.argmax())  # rarer ones go wherever there is room
        if counts.max() >= folds:
            return list(StratifiedKFold(folds, shuffle=True, random_state=seed).split(rows, common))
    return list(KFold(folds, shuffle=True, random_state=seed).split(rows))


def _draw(
    rows: np.ndarray,
    share: float,
    labels: np.ndarray | None,
    members: np.ndarray | None,
    seed: int,
    part: str,
    later: int,
) -> np.ndarray:
    """Draw a share of rows for one part, with ``later`` parts still to come; return their positions in ``rows``."""
    if members is not None:
        return _draw_groups(members[rows], share, seed, part, later)
    size = min(ceil(share * len(rows)), len(rows) - FEWEST_ROWS - later)
    if labels is None:
        return next(ShuffleSplit(1, test_size=size, random_state=seed).split(rows))[1]
    return _draw_classes(labels[rows], size, seed, part)


def _draw_groups(members: np.ndarray, share: float, seed: int, part: str, later: int) -> np.ndarray:
    n_groups = len(np.unique(members))
    if n_groups < 2 + later:
        raise InputError(f"{n_groups} groups are too few: each part needs one, and none is left for the {part} part")
    size = min(ceil(share * n_groups), n_groups - 1 - later)
    return next(GroupShuffleSplit(1, test_size=size, random_state=seed).split(members, groups=members))[1]


def _draw_classes(labels: np.ndarray, size: int, seed: int, part: str) -> np.ndarray:
    counts = np.bincount(labels)
    common = np.flatnonzero(counts[labels] > 1)
    n_common = int((counts > 1).sum())
    if size >= n_common and len(common) - size >= n_common:
        splitter = StratifiedShuffleSplit(1, test_size=size, random_state=seed)
        drawn = common[next(splitter.split(common, labels[common]))[1]]
        if len(np.unique(np.delete(labels, drawn))) == len(counts[counts > 0]):
            return drawn
    # Too few places for shares: one row of each class stays, and the others are drawn at random.
    shuffled = np.random.RandomState(seed).permutation(len(labels))
    classes, first = np.unique(labels[shuffled], return_index=True)
    free = np.delete(shuffled, first)
    if len(free) == 0:
        raise InputError(
            f"no row is left for the {part} part, since each of {len(classes)} classes needs one to train on; "
            "choose a target of fewer classes, or of numbers to regress"
        )
    return free[:size]


def _class_notes(classes: np.ndarray, train: np.ndarray, held_out: list[np.ndarray]) -> list[str]:
    """Name classes that are only in training, or not there."""
    learnt = set(classes[train].tolist())
    others = set(classes[np.concatenate(held_out)].tolist())
    notes = []
    if others and (rare := sorted(learnt - others, key=str)):
        notes.append(f"classes whose few rows are all in training: {some(rare, 10)}")
    if unlearnt := sorted(others - learnt, key=str):
        notes.append(f"classes with no row in training: {some(unlearnt, 10)}")
    return notes
