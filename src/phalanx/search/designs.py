"""Designs: which points of a space to try. Structures are drawn as freely as knobs; or, where their number is bounded,
first, and then knob values for each of them.
"""

import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import qmc

from phalanx.errors import InputError
from phalanx.parts import Distribution
from phalanx.parts.fields import unknown
from phalanx.search.space import options_of, resolve, shown
from phalanx.study import DESIGNS

_ENOUGH = 64
"""Random points in a row without a new key, after which all keys are taken to be known."""


@dataclass(frozen=True)
class Draw:
    """One point of a space: the specification without distributions, and the drawn values by key, as shown."""

    spec: Any
    values: dict[str, Any]


@dataclass(frozen=True)
class Structure:
    """What shapes a program: the values drawn for it, and the knobs that are still free, both by key."""

    values: dict[str, Any]
    knobs: dict[str, Distribution]


def design(space: Any, trials: int, *, kind: str = "sobol", structures: int | None = None, seed: int = 0) -> list[Draw]:
    """Return the points to try, as many as `trials` (a grid: at most as many), those of one structure side by side.

    `kind`: "random"; "sobol" (default), a sequence that fills the space evenly (Sobol 1967, scrambled); or "grid",
    every combination: all options of choices, and of continuous ranges as many evenly spaced quantiles as `trials`
    allows. `structures`: the most that are drawn, each of them for as many trials; None (default): a structure for each
    trial (a grid takes all). `seed`: of the first two kinds.

    >>> from phalanx import Dense, choice
    >>> [draw.values for draw in design(Dense(choice(1, 2)), trials=2, kind="grid")]
    [{'units': 1}, {'units': 2}]
    """
    if kind not in DESIGNS:
        raise unknown("design", "kind", kind, DESIGNS)
    for name, number in (("trials", trials), ("structures", structures)):
        if number is not None and number < 1:
            raise InputError(f"{name} is {number}, but must be at least 1")
    if kind == "grid":
        return _grid(space, trials)
    rng = np.random.default_rng(seed)
    if structures is None:
        return _free(space, trials, kind, rng)
    found = _some_structures(space, min(structures, trials), rng)
    counts = [len(share) for share in np.array_split(np.arange(trials), len(found))]
    return [
        _draw(space, structure, [knob.at(u) for knob, u in zip(structure.knobs.values(), row, strict=True)])
        for structure, count in zip(found, counts, strict=True)
        for row in _quantiles(len(structure.knobs), count, kind, rng)
    ]


def _free(space: Any, trials: int, kind: str, rng: np.random.Generator) -> list[Draw]:
    """Return points in which structures are drawn as knobs are: a dimension for each key that some point may have."""
    place: dict[str, int] = {}
    unseen = 0
    while unseen < _ENOUGH:
        structure = _trace(space, lambda key, distribution: distribution.at(rng.random()))
        new = [key for key in (*structure.values, *structure.knobs) if key not in place]
        place |= {key: len(place) + i for i, key in enumerate(new)}
        unseen = 0 if new else unseen + 1
    draws: dict[str, list[Draw]] = {}
    for row in _quantiles(len(place), trials, kind, rng):

        def at(key: str, distribution: Distribution, row: list[float] = row) -> Any:
            return distribution.at(row[place[key]] if key in place else rng.random())

        structure = _trace(space, at)
        made = _draw(space, structure, [at(key, knob) for key, knob in structure.knobs.items()])
        draws.setdefault(repr(structure.values), []).append(made)
    return [draw for drawn in draws.values() for draw in drawn]


def _some_structures(space: Any, most: int, rng: np.random.Generator) -> list[Structure]:
    """Draw distinct structures at random; fewer where the space has fewer."""
    found: dict[str, Structure] = {}
    for _ in range(20 * most):
        structure = _trace(space, lambda key, distribution: distribution.at(rng.random()))
        found.setdefault(repr(structure.values), structure)
        if len(found) == most:
            break
    return list(found.values())


def _quantiles(knobs: int, count: int, kind: str, rng: np.random.Generator) -> list[list[float]]:
    if kind == "random" or not knobs:
        return rng.random((count, knobs)).tolist()
    return qmc.Sobol(knobs, rng=rng).random_base2((count - 1).bit_length())[:count].tolist()


def _grid(space: Any, trials: int) -> list[Draw]:
    structures = list(itertools.islice(_all_structures(space), trials + 1))
    listed = [{key: options_of(knob) for key, knob in s.knobs.items()} for s in structures]
    needed = sum(math.prod(len(options) for options in by_key.values() if options is not None) for by_key in listed)
    if needed > trials:
        raise InputError(f"the grid has more than {trials} combinations; raise trials or choose another design")
    draws = []
    for structure, by_key in zip(structures, listed, strict=True):
        ranges = sum(options is None for options in by_key.values())
        levels = int((trials / needed) ** (1 / ranges) + 1e-9) if ranges else 0
        quantiles = [0.5] if levels == 1 else [i / (levels - 1) for i in range(levels)]
        columns = [
            [structure.knobs[key].at(u) for u in quantiles] if options is None else options
            for key, options in by_key.items()
        ]
        draws += [_draw(space, structure, row) for row in itertools.product(*columns)]
    return draws


def _all_structures(space: Any) -> Iterator[Structure]:
    """Yield every structure: count through the options like an odometer whose wheels depend on those before."""
    turns: list[int] | None = []
    while turns is not None:
        sizes: list[int] = []

        def take(key: str, distribution: Distribution, turns: list[int] = turns, sizes: list[int] = sizes) -> Any:
            options = options_of(distribution)
            if options is None:
                raise InputError(f"{key}: a grid cannot list {distribution!r}; use choice, or another design")
            sizes.append(len(options))
            return options[turns[len(sizes) - 1] if len(sizes) <= len(turns) else 0]

        yield _trace(space, take)
        turns = _next_turn([*turns, *[0] * (len(sizes) - len(turns))], sizes)


def _next_turn(turns: list[int], sizes: list[int]) -> list[int] | None:
    for wheel in reversed(range(len(sizes))):
        if turns[wheel] + 1 < sizes[wheel]:
            return [*turns[:wheel], turns[wheel] + 1]
    return None


def _trace(space: Any, take: Callable[[str, Distribution], Any]) -> Structure:
    """Walk the space with `take` deciding its structure."""
    values: dict[str, Any] = {}
    seen: dict[str, Distribution] = {}

    def pick(key: str, distribution: Distribution, shapes: bool) -> Any:
        if seen.setdefault(key, distribution) != distribution:
            raise InputError(f"two different distributions are called `{key}`; give them different names")
        if not shapes:
            return distribution.at(0.0)
        if key not in values:
            values[key] = take(key, distribution)
        return values[key]

    resolve(space, pick)
    return Structure(values, {key: distribution for key, distribution in seen.items() if key not in values})


def _draw(space: Any, structure: Structure, knobs: Any) -> Draw:
    values = {**structure.values, **dict(zip(structure.knobs, knobs, strict=True))}
    spec = resolve(space, lambda key, distribution, shapes: values[key])
    return Draw(spec, {key: shown(value) for key, value in values.items()})
