"""Which networks go on where the time does not suffice for all: few, trained properly, rather than many, hardly."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from phalanx.population.view import Decision, Standing, View

PROBE = 2
"""Rounds after which it is decided; the last of them says how long a round takes."""


class Group(NamedTuple):
    """A population where it is decided: the best score of each member that still trains, by its position, and the
    seconds of a round of all of them.
    """

    scores: dict[int, float]
    seconds: float


class Thinning:
    """A watcher that drops, once, members for which there is no time, so that all others can train `fewest` rounds."""

    def __init__(self, fewest: int) -> None:
        self._fewest, self._decided = fewest, fewest <= PROBE

    def __call__(self, view: View) -> Decision | None:
        """Decide when each population has trained long enough."""
        training = [standing for standing in view.populations if standing.alive]
        if self._decided or not training or min(standing.rounds for standing in training) < PROBE:
            return None
        self._decided = True
        chosen = too_many([_group(standing) for standing in view.populations], view.left, self._fewest - PROBE)
        return Decision(drop=dict(enumerate(chosen)), reason="time")


def _group(standing: Standing) -> Group:
    training = np.flatnonzero(standing.trains).tolist()
    return Group({k: float(standing.scores[k]) for k in training}, standing.seconds)


class Replay:
    """A watcher that drops members after as many rounds as an earlier run did, by population; 0: it did not."""

    def __init__(self, cut: Sequence[Sequence[int]]) -> None:
        self._cut = [np.array(rounds) for rounds in cut]

    def __call__(self, view: View) -> Decision:
        """Decide of the population that moved."""
        cut, standing = self._cut[view.moved], view.populations[view.moved]
        due = np.flatnonzero(cut == standing.rounds_of[: len(cut)]).tolist()
        return Decision(drop={view.moved: due}, reason="time")


def too_many(groups: Sequence[Group], left: float, rounds: int) -> list[list[int]]:
    """Return for each group the positions of the members to stop, so that the others can train so many more rounds.

    Nobody is stopped where `left` seconds suffice for all. Else those stay whose scores are lowest, as many as there is
    time for, but the best of each group in any case; members of a group are taken to share the seconds of its rounds.

    >>> too_many([Group({0: 1.0, 1: 2.0, 2: 3.0}, 3.0), Group({0: 4.0}, 1.0)], left=30.0, rounds=10)
    [[2], []]
    """
    if sum(group.seconds for group in groups if group.scores) * rounds <= left:
        return [[] for _ in groups]
    each = [group.seconds / max(len(group.scores), 1) for group in groups]
    order = []
    for i, group in enumerate(groups):
        ranked = sorted((_sound(score), position) for position, score in group.scores.items())
        order += [(place > 0, score, i, position) for place, (score, position) in enumerate(ranked)]
    spent, stopped = 0.0, list[list[int]]([] for _ in groups)
    for another, _, i, position in sorted(order):
        if another and (spent + each[i]) * rounds > left:
            stopped[i].append(position)
        else:
            spent += each[i]
    return [sorted(positions) for positions in stopped]


def _sound(score: float) -> float:
    return score if score == score else float("inf")
