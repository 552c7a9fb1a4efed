"""What the networks of an estimator begin with, as it is given."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from phalanx.errors import InputError
from phalanx.estimators.members import FittedMember
from phalanx.starting import Start


def starts_of(given: Any, repeats: int) -> tuple[Start | None, ...]:
    """Return what the networks of each seed begin with; None: with weights drawn afresh.

    Raises `InputError` for what holds no weights, and for a list that has not one entry for each of the `repeats`.
    """
    if given is None:
        return ()
    if not isinstance(given, (list, tuple)):
        return (_start(given),) * repeats
    if len(given) != repeats:
        raise InputError(f"start is a list of {len(given):,}, but repeats is {repeats:,}; give one for each seed")
    return tuple(map(_start, given))


def _start(given: Any) -> Start | None:
    if given is None:
        return None
    if isinstance(given, FittedMember):
        if given.params is None:
            raise InputError(f"start: {given.id} has no weights: the time was over before it trained")
        return Start(given.params, given._final.states)
    if not isinstance(given, Mapping):
        raise InputError(
            f"start is of type {type(given).__name__}, but must be a trained member, such as `net.best_`, a dict of "
            "weights by layer and name, or a list of them"
        )
    for layer, held in given.items():
        if not isinstance(held, Mapping):
            raise InputError(f"start: {layer!r} is of type {type(held).__name__}, but must be a dict of arrays by name")
        for name, value in held.items():
            if not _is_finite(value):
                raise InputError(f"start: {name!r} of {layer!r} must be an array of finite numbers")
    return Start(given)


def _is_finite(value: Any) -> bool:
    try:
        return bool(np.isfinite(np.asarray(value, np.float64)).all())
    except (TypeError, ValueError):
        return False
