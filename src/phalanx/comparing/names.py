"""What alternatives are called: by that in which they differ, as short as it goes."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from phalanx.display import short
from phalanx.parts import Part
from phalanx.parts.paths import places
from phalanx.search.designs import Draw

_ABSENT = object()


def names_of_draws(draws: Sequence[Draw]) -> list[str]:
    """Return the names of points of a space: by the values drawn; where these read alike, by the numbers in which the
    parts differ; and where nothing differs, numbered.

    >>> from phalanx import Dense, LeakyReLU, ReLU, choice
    >>> from phalanx.search.designs import design
    >>> names_of_draws(design((Dense(choice(4, 8)), choice(ReLU(), LeakyReLU())), 4, kind="grid"))
    ['units 4, ReLU', 'units 4, LeakyReLU', 'units 8, ReLU', 'units 8, LeakyReLU']
    >>> names_of_draws(design((choice(LeakyReLU(0.1), LeakyReLU(0.3), ReLU()),), 3, kind="grid"))
    ['LeakyReLU, slope 0.1', 'LeakyReLU, slope 0.3', 'ReLU']
    """
    names, details = names_by_difference([draw.values for draw in draws]), [_leaves(draw.spec) for draw in draws]
    if not any(names) and not any(names_by_difference(details)):  # all are alike
        names = [", ".join(map(short, draw.values.values())) for draw in draws]
    return distinct(names, details)


def distinct(names: Sequence[str], details: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return names, with the details in which those differ that have the same one; and numbers where none differ."""
    found = list(names)
    for name, count in Counter(names).items():
        if count > 1:
            at = [i for i, other in enumerate(names) if other == name]
            for i, more in zip(at, names_by_difference([details[i] for i in at]), strict=True):
                found[i] = f"{name}, {more}" if name and more else name or more
    counts, seen = Counter(found), Counter[str]()
    for i, name in enumerate(found):
        if counts[name] > 1:
            seen[name] += 1
            found[i] = f"{name} ({seen[name]})"
    return found


def names_by_difference(items: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return of each item the values in which they differ; paths that always differ together are told once.

    >>> names_by_difference([{"optimizer.learning_rate": 0.1, "trials": 3}, {"optimizer.learning_rate": 0.01}])
    ['learning_rate 0.1, trials 3', 'learning_rate 0.01, without trials']
    """
    columns: dict[str, list[Any]] = {}
    for key in dict.fromkeys(key for item in items for key in item):
        column = [item.get(key, _ABSENT) for item in items]
        if any(value != column[0] for value in column) and column not in columns.values():
            columns[key] = column
    paths = _short_paths(list(columns))
    told = {key: [_told(paths[key], value, len(columns) == 1) for value in column] for key, column in columns.items()}
    return [", ".join(said for each in told.values() if (said := each[i])) for i in range(len(items))]


def _told(path: str, value: Any, alone: bool) -> str:
    """Return a value with its path; without, where it names a part and says by itself what it is."""
    bare = (alone or path.rpartition(".")[2].startswith("choice_")) and (value is None or isinstance(value, str))
    if value is _ABSENT:
        return "" if alone or path.startswith("choice_") else f"without {path}"
    shown = "none" if value in (None, "") else short(value)
    return shown if bare else f"{path} {shown}"


def _short_paths(keys: Sequence[str]) -> dict[str, str]:
    """Return the shortest ends of dotted paths that tell them apart."""
    ends = {}
    for key in keys:
        words = key.split(".")
        tails = [".".join(words[-n:]) for n in range(1, len(words) + 1)]
        others = [f".{other}" for other in keys if other != key]
        ends[key] = next((tail for tail in tails if not any(other.endswith(f".{tail}") for other in others)), key)
    return ends


def _leaves(spec: Any) -> dict[str, Any]:
    """Return the numbers and words of a specification, by path."""
    return {path: value for path, value in places(spec) if not isinstance(value, (Part, tuple))}
