"""Train any number of trials: group them by structure, split what does not fit, and let the groups take turns."""

import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from phalanx.model import Batch
from phalanx.population.arithmetic import check_arithmetic
from phalanx.population.backend import devices, memory
from phalanx.population.batches import Fold
from phalanx.population.host import Population, Standing
from phalanx.population.member import bytes_of_a_member
from phalanx.population.rows import Rows
from phalanx.population.stack import group
from phalanx.population.thinning import PROBE, Group, too_many
from phalanx.population.trial import Trained, Trial


@dataclass
class Clock:
    """When a run must end: at a time (`time.monotonic()`, None: never), or as soon as `interrupted` is set."""

    deadline: float | None = None
    interrupted: bool = False

    def left(self) -> float:
        """Return the seconds left."""
        return float("inf") if self.deadline is None else self.deadline - time.monotonic()


@dataclass(frozen=True)
class Progress:
    """What a watcher is told after each round: how the populations of the wave stand, and which one just moved."""

    populations: tuple[Standing, ...]
    moved: int


@dataclass
class Outcome:
    """Trained members in the order of their trials, and of each population the rounds it trained and its width.

    `cut`: of each trial the rounds after which it was stopped in favour of others (0: it was not); empty if none was.
    """

    members: list[Trained]
    rounds: list[int]
    widths: list[int]
    cut: list[int] = field(default_factory=list)


def plan(trials: Sequence[Trial], rows: Batch | Rows, limit: int | None = None) -> list[list[list[int]]]:
    """Return waves of groups of positions: each group one structure, each wave small enough for the memory.

    `limit` is in bytes; by default half of what is free. The rows, of which each device holds a copy, come first.
    """
    rows = Rows.of(rows)
    limit = (memory() if limit is None else limit) - rows.missing_bytes(len(devices()))
    waves: list[list[list[int]]] = []
    room = 0
    for positions in group([trial.network for trial in trials]):
        each = bytes_of_a_member(trials[positions[0]].network, rows.batch)
        while positions:
            if room < each:
                waves.append([])
                room = max(limit, each)
            fits = min(len(positions), room // each)
            waves[-1].append(positions[:fits])
            positions, room = positions[fits:], room - fits * each
    return waves


def train(
    trials: Sequence[Trial],
    rows: Batch | Rows,
    folds: Sequence[Fold],
    *,
    max_rounds: int = 200,
    round_steps: int | None = None,
    clock: Clock | None = None,
    rounds: Iterable[int] | None = None,
    widths: Iterable[int] | None = None,
    memory_limit: int | None = None,
    share: float = 1.0,
    fewest: int | None = None,
    cut: Sequence[int] | None = None,
    watch: Callable[[Progress], None] | None = None,
) -> Outcome:
    """Train all trials.

    `rows` holds every row (as `Rows` they stay on the devices for what follows), `folds` say which a member trains on
    and watches. `max_rounds` bounds each member and is the horizon of schedules; `round_steps` are the optimizer steps
    of a round (None: one pass, at most 500).
    `clock` ends the run between rounds, but not before the first. `rounds` and `widths`, one for each population,
    repeat a run: how long each may train, and its members side by side. `memory_limit`, in bytes, bounds what trains
    at one time. `share` of the time left may be used. Where it does not suffice for `fewest` rounds of all, those go
    on that are best after two rounds, see `thinning`; `cut` repeats this. `watch` is called after every round.
    """
    clock, rows = Clock() if clock is None else clock, Rows.of(rows)
    waves = plan(trials, rows, memory_limit)
    check_arithmetic()
    end = None if clock.deadline is None else time.monotonic() + share * clock.left()
    allowed, sides = iter(() if rounds is None else rounds), iter(() if widths is None else widths)
    done: dict[int, Trained] = {}
    stopped: dict[int, int] = {}
    outcome = Outcome([], [], [])
    for number, wave in enumerate(waves):
        now = time.monotonic()
        until = Clock(None if end is None else now + (end - now) / (len(waves) - number))
        cuts = [[cut[i] if cut else 0 for i in positions] for positions in wave]
        limits = [next(allowed, max_rounds) for _ in wave]
        chosen = [[trials[i] for i in positions] for positions in wave]
        making = [
            (group, rows, folds, max_rounds, round_steps, next(sides, None), until if place else Clock())
            for place, group in enumerate(chosen)
        ]
        trained = _wave(making, limits, cuts, fewest, clock, until, watch)
        outcome.rounds += trained.rounds
        outcome.widths += trained.widths
        stopped.update(zip((i for positions in wave for i in positions), trained.cut, strict=True))
        done.update(zip((i for positions in wave for i in positions), trained.members, strict=True))
    outcome.members += [done[i] for i in range(len(trials))]
    outcome.cut += [stopped[i] for i in range(len(trials))] if any(stopped.values()) else []
    return outcome


def _wave(
    making: Sequence[tuple[Any, ...]],
    limits: list[int],
    cuts: list[list[int]],
    fewest: int | None,
    clock: Clock,
    until: Clock,
    watch: Callable[[Progress], None] | None,
) -> Outcome:
    """Train the populations that are made of the arguments of `_prepared`; what they hold is free when this returns."""
    with ThreadPoolExecutor(len(devices())) as pool:  # a compilation uses one core, so several at a time
        populations = list(pool.map(lambda arguments: _prepared(*arguments), making))
    rounds = _take_turns(populations, limits, cuts, fewest, clock, until, watch)
    reason = "interrupt" if clock.interrupted else "time"
    members = [member for population in populations for member in population.finish(reason)]
    return Outcome(
        members, rounds, [population.width for population in populations], [after for cut in cuts for after in cut]
    )


def _prepared(
    trials: Sequence[Trial],
    rows: Rows,
    folds: Sequence[Fold],
    max_rounds: int,
    round_steps: int | None,
    width: int | None,
    until: Clock,
) -> Population:
    """Return a population, with its program compiled unless the time is over before it could train."""
    population = Population(trials, rows, folds, max_rounds, round_steps, width=width)
    if until.left() > 0:
        population.compile()
    return population


def _take_turns(
    populations: list[Population],
    limits: list[int],
    cuts: list[list[int]],
    fewest: int | None,
    clock: Clock,
    until: Clock,
    watch: Callable[[Progress], None] | None,
) -> list[int]:
    """Train the populations round by round in turn until each is done or the time is over; return their rounds.

    Members are stopped after as many rounds as `cuts` says, where that is not 0; whoever is stopped in favour of others
    is noted there.
    """
    rounds, seconds = [0] * len(populations), [0.0] * len(populations)
    while True:
        moved = False
        for i, population in enumerate(populations):
            if clock.interrupted or (until.left() <= 0 and any(rounds)):
                return rounds
            if not population.alive or rounds[i] >= limits[i]:
                continue
            began = time.perf_counter()
            record = population.advance()
            seconds[i] = time.perf_counter() - began
            population.note(record, seconds[i])
            rounds[i] += 1
            population.stop([k for k in population.alive if cuts[i][k] == rounds[i]], "time")
            moved = True
            if watch is not None:
                watch(Progress(tuple(each.standing for each in populations), i))
        if not moved:
            return rounds
        if fewest and fewest > PROBE and until.deadline is not None and max(rounds) == PROBE:
            for i, chosen in enumerate(too_many(_groups(populations, seconds), until.left(), fewest - PROBE)):
                populations[i].stop(chosen, "time")
                for k in chosen:
                    cuts[i][k] = rounds[i]


def _groups(populations: list[Population], seconds: list[float]) -> list[Group]:
    """Return how populations stand, to decide who goes on."""
    return [
        Group({k: population.trained[k].best_score for k in population.alive}, spent)
        for population, spent in zip(populations, seconds, strict=True)
    ]
