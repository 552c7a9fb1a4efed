"""How alike the members of an ensemble are: whether they say the same, or err alike."""

from collections.abc import Mapping, Sequence

import numpy as np

from phalanx.judged import ClassErrors, Errors
from phalanx.report.errors.words import share
from phalanx.report.figures import Figure, matrix, table

_MOST = 20  # members that are compared, the first of them


def agreement(errors: Errors, called: str) -> Figure | None:
    """Return of each two members the share of rows of which they say the same class, or the correlation of what they
    leave over; None where fewer than two speak.
    """
    if isinstance(errors, ClassErrors):
        return _same(errors, called)
    each = {id_: errors.truth - said for id_, said in errors.members.items()}
    return correlated(each, f"Over {called}, the errors", "Do members err alike?")


def correlated(each: Mapping[str, np.ndarray], what: str, title: str) -> Figure | None:
    """Return how numbers that `each` member has, such as its errors, correlate; None where fewer than two have some, or
    they never change.
    """
    ids = list(each)[:_MOST]
    if len(ids) < 2:
        return None
    found = correlations(np.stack([each[id_] for id_ in ids]))
    mean, i, j = _mean_and_least(found)
    if np.isnan(mean):
        return None
    least = f" on average, and least those of {ids[j]} and {ids[i]} ({found[i, j]:.2f})" if len(ids) > 2 else ""
    says = (
        f"{what} of {_who(ids, len(each))} correlate by {mean:.2f}{least}; the less they do, the more the mean of "
        "members gains."
    )
    return _figure(title, says, ids, found, "correlation")


def correlations(each: np.ndarray) -> np.ndarray:
    """Return the correlation of each two of some rows of numbers; NaN where one of them never changes."""
    off = each - each.mean(1, keepdims=True)
    size = np.sqrt((off**2).sum(1))
    size[size == 0] = np.nan
    return np.clip(off @ off.T / np.outer(size, size), -1, 1)


def _same(errors: ClassErrors, called: str) -> Figure | None:
    """Return of each two members the share of rows of which they say the same class."""
    ids = list(errors.members)[:_MOST]
    if len(ids) < 2:
        return None
    each = np.stack([errors.members[id_] for id_ in ids])
    found = np.array([(one == each).mean(1) for one in each])
    mean, i, j = _mean_and_least(found)
    least = f", and least often {ids[j]} and {ids[i]} ({share(float(found[i, j]))})" if len(ids) > 2 else ""
    alike, where = (each == each[0]).all(0), ""
    if alike.any() and not alike.all():
        right, not_alike = (share(float(errors.right[rows].mean())) for rows in (alike, ~alike))
        where = f"; where all say the same, {right} is right, and where not, {not_alike}"
    says = f"Over {called}, {_who(ids, len(errors.members))} say the same in {share(mean)} of cases{least}{where}."
    return _figure("Do members say the same?", says, ids, found, "share")


def _mean_and_least(found: np.ndarray) -> tuple[float, int, int]:
    """Return the mean over pairs of members, and the pair that has least."""
    i, j = np.tril_indices(len(found), -1)
    pairs = found[i, j]
    if np.isnan(pairs).all():
        return float("nan"), 0, 0
    least = int(np.nanargmin(pairs))
    return float(np.nanmean(pairs)), int(i[least]), int(j[least])


def _who(ids: Sequence[str], there: int) -> str:
    if len(ids) == 2:
        return " and ".join(ids)
    return f"two of the {'' if len(ids) == there else 'first '}{len(ids)} members of the ensemble" + (
        "" if len(ids) == there else f" ({there} in all)"
    )


def _figure(title: str, says: str, ids: Sequence[str], found: np.ndarray, scale: str) -> Figure:
    drawn = matrix(ids, ids, found, "member", "member", scale)
    rows = [[id_, *row] for id_, row in zip(ids, found, strict=True)]
    return Figure("members", "members", title, says, drawn, table(["member", *ids], rows))
