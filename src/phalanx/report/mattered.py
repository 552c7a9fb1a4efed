"""What mattered, of a whole search: the importance of each choice and of the seed, and how that is said."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from phalanx.candidates import Fitted, trained_ones
from phalanx.display import listed, short
from phalanx.search.importance import Importance, importances, number_of_best
from phalanx.search.pairs import Interaction, interactions

_COLUMNS = ["importance", "error", "chance", "p", "share", "share_error", "share_chance", "best", "trials"]


@dataclass(frozen=True)
class Mattered:
    """What each choice was worth for the rank of a trial, the mean over its members; what two choices did only
    together; how many trials there were; and, with several seeds a trial, what part of the spread of ranks lies between
    members that differ in their seed only.
    """

    choices: dict[str, Importance]
    pairs: list[Interaction]
    trials: int
    seeds: float | None

    @property
    def table(self) -> pd.DataFrame:
        """The importances, a row for each choice."""
        rows = [[getattr(one, column) for column in _COLUMNS] for one in self.choices.values()]
        return pd.DataFrame(rows, columns=_COLUMNS, index=pd.Index(list(self.choices), name="choice", dtype=str))

    @property
    def words(self) -> list[str]:
        """What can be said of the choices, and no more than the trials support."""
        return _in_words(self.choices, self.pairs, self.trials, self.seeds) if self.choices else []

    def to_plain(self) -> dict[str, Any]:
        """Return what result.json holds."""
        importances = {
            name: {column: getattr(one, column) for column in _COLUMNS} | {"best": list(one.best)}
            for name, one in self.choices.items()
        }
        pairs = [asdict(pair) for pair in self.pairs if pair.sure]
        return {"importances": importances, "interactions": pairs, "seeds_share": self.seeds, "mattered": self.words}


def what_mattered(fitted: Fitted) -> Mattered:
    """Return what mattered among the members that trained; of choices nothing where nobody was ranked, or few were."""
    draws, ranks = _trials(fitted)
    means = [float(np.mean(each)) for each in ranks]
    return Mattered(
        importances(draws, means), interactions(draws, means), len(draws), _seeds(ranks) if fitted.folds == 1 else None
    )


def _seeds(ranks: Sequence[Sequence[float]]) -> float | None:
    several = [np.array(each) for each in ranks if len(each) > 1]
    if len(several) < 2:
        return None
    within = sum(((each - each.mean()) ** 2).sum() for each in several) / sum(len(each) - 1 for each in several)
    return float(min(within / np.concatenate(several).var(ddof=1), 1.0))


def _in_words(
    found: Mapping[str, Importance], pairs: Sequence[Interaction], trials: int, seeds: float | None
) -> list[str]:
    best = number_of_best(trials)
    said = [f"{name} mattered ({_part(one)}): {_where(one, best)}" for name, one in found.items() if one.sure]
    said += [
        f"{pair.one} and {pair.other} depend on each other ({_part(pair)}): the best of one differs with the other"
        for pair in pairs
        if pair.sure
    ]
    together = {name for pair in pairs if pair.sure for name in (pair.one, pair.other)}
    unsure = [name for name, one in found.items() if not one.sure and name not in together]
    if unsure:
        said.append(f"{listed(unsure)}: no difference that {trials:,} networks could show")
    if seeds is not None:
        said.append(f"seeds alone make {seeds:.2f} of the spread of ranks")
    return said


def _trials(fitted: Fitted) -> tuple[list[Mapping[str, Any]], list[list[float]]]:
    """Return of each trial what was drawn, and the ranks of its members."""
    place = {member: rank for rank, member in enumerate(fitted.ranking)}
    draws: dict[int, Mapping[str, Any]] = {}
    ranks: dict[int, list[float]] = {}
    for i in trained_ones(fitted.members):
        member = fitted.members[i]
        if member.metrics:
            draws[member.trial] = member.draw.values
            ranks.setdefault(member.trial, []).append(float(place[i]))
    return [draws[trial] for trial in ranks], list(ranks.values())


def _part(one: Importance | Interaction) -> str:
    return f"{one.share:.2f} ± {one.share_error:.2f} of the spread of ranks"


def _where(one: Importance, best: int) -> str:
    if not one.best:
        return f"the best {best} differ in it as all do, or lack it"
    if one.ranged:
        low, high = map(short, one.best)
        return f"most of the best {best} lie between {low} and {high}"
    return f"the best {best} have {listed(list(map(short, one.best)), 'or')} more often than all do"
