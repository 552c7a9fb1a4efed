"""Train any number of trials: group them by structure, split what does not fit, and let the groups take turns."""

import itertools
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from phalanx.model import Batch, row_shape
from phalanx.network import Network
from phalanx.population.arithmetic import check_arithmetic
from phalanx.population.backend import ahead, devices, memory, price
from phalanx.population.batches import Fold
from phalanx.population.building import COMPILING, Meanwhile, Pace, build
from phalanx.population.cache import forget_programs
from phalanx.population.host import Population, steps_of_a_round
from phalanx.population.member import bytes_of_a_member
from phalanx.population.rows import Rows
from phalanx.population.stack import group
from phalanx.population.thinning import Replay, Thinning
from phalanx.population.trial import Trained, Trial
from phalanx.population.turns import Turns
from phalanx.population.view import Watch
from phalanx.superstructure.merge import Merged
from phalanx.superstructure.programs import TRAINING, Work, grouped
from phalanx.superstructure.programs import programs as cheapest

EXPECTED = 0.5
"""Of the most rounds, how many a member is expected to train."""


@dataclass
class Clock:
    """When a run must end: at a time (`time.monotonic()`, None: never), or as soon as `interrupted` is set; and the
    `pace` of its compilations.
    """

    deadline: float | None = None
    interrupted: bool = False
    pace: Pace = field(default_factory=Pace)

    def left(self) -> float:
        """Return the seconds left."""
        return float("inf") if self.deadline is None else self.deadline - time.monotonic()


@dataclass
class Outcome:
    """Trained members in the order of their trials; of each population the rounds it trained and its width; and of
    each structure its program.

    `cut`: of each trial the rounds after which it was dropped in favour of others (0: it was not); empty if none was.
    `entered`: the members that entered later.
    """

    members: list[Trained]
    rounds: list[int]
    widths: list[int]
    programs: list[int] = field(default_factory=list)
    cut: list[int] = field(default_factory=list)
    entered: list[Trained] = field(default_factory=list)


def plan(
    trials: Sequence[Trial], rows: Batch | Rows, limit: int | None = None, programs: Sequence[int] | None = None
) -> list[list[tuple[list[int], Merged]]]:
    """Return waves of populations, positions and what their networks are together; each wave small enough for the
    memory.

    `limit` is in bytes; by default half of what is free. The rows, of which each device holds a copy, come first.
    `programs`: that of each structure, None: one each.
    """
    rows = Rows.of(rows)
    limit = (memory() if limit is None else limit) - rows.missing_bytes(len(devices()))
    waves: list[list[tuple[list[int], Merged]]] = []
    room = 0
    networks = [trial.network for trial in trials]
    chosen = range(len(group(networks))) if programs is None else programs
    for positions, merged in grouped(networks, row_shape(rows.batch.x), chosen):
        each = bytes_of_a_member(merged.network(networks[positions[0]]), rows.batch)
        while positions:
            if room < each:
                waves.append([])
                room = max(limit, each)
            fits = min(len(positions), room // each)
            waves[-1].append((positions[:fits], merged))
            positions, room = positions[fits:], room - fits * each
    return waves


def programs_of(
    networks: Sequence[Network], rows: Batch, folds: Sequence[Fold], max_rounds: int, round_steps: int | None
) -> list[int]:
    """Return the program of each structure of networks to be trained, by what each is expected to compute."""
    batch_size = networks[0].batch_size
    steps = (round_steps or steps_of_a_round(folds, batch_size)) * max_rounds * EXPECTED
    return cheapest(networks, row_shape(rows.x), Work(steps, 3 * steps * batch_size), price(TRAINING))


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
    programs: Iterable[int] | None = None,
    memory_limit: int | None = None,
    share: float = 1.0,
    room: float | None = None,
    at_least_one: bool = True,
    fewest: int | None = None,
    cut: Sequence[int] | None = None,
    ages: int = 1,
    watch: Watch | None = None,
    meanwhile: Meanwhile | None = None,
) -> Outcome:
    """Train all trials.

    `rows` holds every row (as `Rows` they stay on the devices for what follows), `folds` say which a member trains on
    and watches. `max_rounds` bounds each member and is the horizon of schedules; `round_steps` are the optimizer steps
    of a round (None: one pass, at most 500).
    `clock` ends the run between rounds, but, with `at_least_one`, not before the first. `rounds` and `widths`, one for
    each population, repeat a run: how long each may train, and its members side by side; so does `programs`, that of
    each structure, which otherwise is decided by `programs_of`. `memory_limit`, in bytes,
    bounds what trains at one time. `share` of the time left may be used. A population that would not be compiled in
    half of it, or so that `room` seconds are left for training, is left out: its members have no parameters. Where the
    time does not suffice for `fewest` rounds of all others, those go on that are best after two rounds, see `thinning`;
    `cut` repeats this.
    `watch` is called after every round, and may answer what is to be done; where trials are to enter, `ages` says how
    many numbers of rounds members may have behind them. `meanwhile` is called once, while the first are compiled.
    """
    clock, rows = Clock() if clock is None else clock, Rows.of(rows)
    check_arithmetic()
    networks = [trial.network for trial in trials]
    if programs is None:
        chosen = programs_of(networks, rows.batch, folds, max_rounds, round_steps) if trials else []
    else:
        chosen = list(itertools.islice(programs, len(group(networks))))
    waves = plan(trials, rows, memory_limit, chosen)
    end = partial(_end, clock, time.monotonic(), clock.left(), share)
    limits, sides = iter(() if rounds is None else rounds), iter(() if widths is None else widths)
    done: dict[int, Trained] = {}
    stopped: dict[int, int] = {}
    outcome = Outcome([], [], [], chosen)
    for number, wave in enumerate(waves):
        forget_programs()
        allowed = _Allowance(clock, end, time.monotonic(), len(waves) - number, at_least_one and not number)
        allowed.room = (1 - COMPILING) * allowed.left() if room is None else room
        places = [
            _Place(
                [trials[i] for i in positions],
                [cut[i] if cut else 0 for i in positions],
                max_rounds,
                round_steps or steps_of_a_round(folds, trials[positions[0]].network.batch_size),
                next(limits, None),
                next(sides, None),
                ages,
                merged,
            )
            for positions, merged in wave
        ]
        order = [i for positions, _ in wave for i in positions]
        watchers: list[Watch] = [] if watch is None else [watch]
        if cut:
            watchers.insert(0, Replay([place.cut for place in places]))
        elif fewest and clock.deadline is not None:
            watchers.insert(0, Thinning(fewest))
        trained = _wave(places, rows, folds, allowed, watchers, None if number else meanwhile)
        outcome.rounds += trained.rounds
        outcome.widths += trained.widths
        outcome.entered += trained.entered
        stopped.update(zip(order, trained.cut, strict=True))
        done.update(zip(order, trained.members, strict=True))
    outcome.members += [done[i] for i in range(len(trials))]
    outcome.cut += [stopped[i] for i in range(len(trials))] if any(stopped.values()) else []
    return outcome


@dataclass
class _Place:
    """What makes a population: its trials, of each the rounds after which it is `cut` (0: never), the horizon of
    schedules, the steps of a round, where a run is repeated the rounds that it trains, and its width, the `ages`, and
    what its networks are together.
    """

    trials: list[Trial]
    cut: list[int]
    max_rounds: int
    steps: int
    rounds: int | None
    width: int | None
    ages: int
    merged: Merged

    def build(self, rows: Rows, folds: Sequence[Fold]) -> Population:
        """Return the population with its program compiled."""
        given: dict[str, Any] = {"width": self.width, "ages": self.ages, "merged": self.merged}
        population = Population(self.trials, rows, folds, self.max_rounds, self.steps, **given)
        population.compile()
        return population

    def left_out(self, reason: str) -> list[Trained]:
        """Return the members where no population is built."""
        return [Trained(trial, self.max_rounds, self.steps, stopped=reason, left_out=True) for trial in self.trials]


def _end(clock: Clock, began: float, left: float, share: float) -> float:
    """Return when a training ends that began when so many seconds were left: after its share of them, or with the clock
    where the rest would be too short to compile another program.
    """
    rest = (1 - share) * left if share < 1 else float("inf")
    return began + (left if clock.pace.expected() > rest else share * left)


@dataclass
class _Allowance:
    """How long a wave may take that `began` at a time: an equal one of `parts` of what is left until the `end`. Where
    it is to train `at_least_one`, its first population is built, and trains a round, in any case. Of its time `room`
    seconds are kept for training.
    """

    clock: Clock
    end: Callable[[], float]
    began: float
    parts: int
    at_least_one: bool
    room: float = 0.0

    def left(self) -> float:
        """Return the seconds left."""
        return self.began + (self.end() - self.began) / self.parts - time.monotonic()

    def builds(self, place: int) -> bool:
        """Return whether to build a further population, at some place."""
        if self.clock.interrupted:
            return False
        return (self.at_least_one and not place) or self.clock.pace.expected() + self.room <= self.left()

    def is_over(self, begun: bool) -> bool:
        """Return whether no further round is to begin, where none or some did."""
        must = self.at_least_one and not begun
        return self.clock.interrupted or (self.left() <= 0 and not must)


def _wave(
    places: Sequence[_Place],
    rows: Rows,
    folds: Sequence[Fold],
    allowed: _Allowance,
    watchers: Sequence[Watch],
    meanwhile: Meanwhile | None,
) -> Outcome:
    """Train the populations that there is time to build; what they hold is free when this returns."""
    makers = [partial(place.build, rows, folds) if place.rounds != 0 else None for place in places]
    built = build(makers, allowed.builds, allowed.clock.pace, len(devices()), meanwhile)
    going = [(place, population) for place, population in zip(places, built, strict=True) if population is not None]
    turns = Turns([population for _, population in going], [place.rounds for place, _ in going], watchers, ahead())
    turns.take(allowed.is_over, allowed.left)
    allowed.clock.interrupted = allowed.clock.interrupted or turns.stopped
    reason = "interrupt" if allowed.clock.interrupted else "time"
    outcome, turn = Outcome([], [], []), itertools.count()
    for place, population in zip(places, built, strict=True):
        if population is None:
            outcome.rounds.append(0)
            outcome.widths.append(1)
            outcome.members += place.left_out(reason)
            outcome.cut += place.cut
            continue
        i, trained, first = next(turn), population.finish(reason), len(place.trials)
        outcome.rounds.append(turns.rounds[i])
        outcome.widths.append(population.width)
        outcome.members += trained[:first]
        outcome.entered += trained[first:]
        outcome.cut += [turns.dropped.get((i, k), 0) for k in range(first)]
    return outcome
