"""How alike the members of an ensemble are: whether they say the same, or err alike."""

import numpy as np

from phalanx.judged import ClassErrors, Errors
from phalanx.report.errors.words import share
from phalanx.report.figures import Figure, matrix, table

_MOST = 20  # members that are compared, the first of them


def agreement(errors: Errors, called: str) -> Figure | None:
    """Return of each two members the share of rows of which they say the same class, or the correlation of what they
    leave over; None where fewer than two speak.
    """
    ids = list(errors.members)[:_MOST]
    if len(ids) < 2:
        return None
    each = np.stack([errors.members[id_] for id_ in ids])
    few = "" if len(ids) == len(errors.members) else f"first {len(ids)} of {len(errors.members)} "
    who = f"two of the {few or f'{len(ids)} '}members of the ensemble" if len(ids) > 2 else " and ".join(ids)
    found = _of_classes(errors, each) if isinstance(errors, ClassErrors) else correlations(errors.truth - each)
    pairs = [(i, j) for i in range(len(ids)) for j in range(i)]
    of_pairs = np.array([found[pair] for pair in pairs])
    if np.isnan(of_pairs).all():
        return None
    i, j = pairs[int(np.nanargmin(of_pairs))]
    mean = float(np.nanmean(of_pairs))
    if isinstance(errors, ClassErrors):
        least = f", and least often {ids[j]} and {ids[i]} ({share(float(found[i, j]))})" if len(ids) > 2 else ""
        says = f"Over {called}, {who} say the same in {share(mean)} of cases{least}{_where_alike(errors, each)}."
        title, scale = "Do members say the same?", "share"
    else:
        least = f" on average, and least those of {ids[j]} and {ids[i]} ({found[i, j]:.2f})" if len(ids) > 2 else ""
        says = (
            f"Over {called}, the errors of {who} correlate by {mean:.2f}{least}; the less they do, the more the mean "
            "of members gains."
        )
        title, scale = "Do members err alike?", "correlation"
    drawn = matrix(ids, ids, found, "member", "member", scale)
    rows = [[id_, *row] for id_, row in zip(ids, found, strict=True)]
    return Figure("members", "members", title, says, drawn, table(["member", *ids], rows))


def correlations(each: np.ndarray) -> np.ndarray:
    """Return the correlation of each two of some rows of numbers; NaN where one of them never changes."""
    off = each - each.mean(1, keepdims=True)
    size = np.sqrt((off**2).sum(1))
    size[size == 0] = np.nan
    return np.clip(off @ off.T / np.outer(size, size), -1, 1)


def _of_classes(errors: ClassErrors, each: np.ndarray) -> np.ndarray:
    return np.array([(one == each).mean(1) for one in each])


def _where_alike(errors: ClassErrors, each: np.ndarray) -> str:
    """Return how often the ensemble is right where all members say the same, and where they do not."""
    alike = (each == each[0]).all(0)
    if alike.all() or not alike.any():
        return ""
    return (
        f"; where all say the same, {share(float(errors.right[alike].mean()))} is right, and where not, "
        f"{share(float(errors.right[~alike].mean()))}"
    )
