"""The one path behind both doors: from a task and a space of networks to trained, ranked, combined members."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from phalanx.candidates import Fitted, candidates, rank, shares
from phalanx.data import Goal
from phalanx.entries import told, with_entry
from phalanx.errors import InputError
from phalanx.layers import Layer
from phalanx.metrics import Metric
from phalanx.network import Network
from phalanx.options import Options
from phalanx.population.batches import Fold
from phalanx.population.building import Meanwhile
from phalanx.population.rows import Rows
from phalanx.population.stack import group
from phalanx.population.train import Clock, train
from phalanx.population.trial import Trial
from phalanx.population.view import Watch
from phalanx.refitting import TRAINING, refit_rule, refit_used
from phalanx.search.designs import Draw, design
from phalanx.search.effort import Size
from phalanx.search.space import is_space
from phalanx.study import NEVER
from phalanx.task import Task


@dataclass
class Settings(Options):
    """The options of a search, and the metric by which its networks are ranked."""

    metric: Metric

    @staticmethod
    def of(options: Options, metric: Metric, **changes: Any) -> "Settings":
        """Return the settings that options say, such as a configuration's, with `changes`."""
        held = {declared.name: getattr(options, declared.name) for declared in fields(Options)}
        return Settings(metric, **{**held, **changes})


@dataclass(frozen=True)
class Plan:
    """What will be trained: points drawn from a space, the network of each, and settings with all defaults filled in,
    of which `max_rounds` is the most rounds of each.
    """

    settings: Settings
    draws: list[Draw]
    networks: list[Network]
    max_rounds: int

    @property
    def rule(self) -> str | None:
        """How the members that predict train again on all rows, None: they do not."""
        return None if self.settings.refit == NEVER else self.settings.refit

    @property
    def members(self) -> int:
        """How many networks are trained."""
        return len(self.draws) * self.settings.repeats

    @property
    def programs(self) -> int:
        """How many programs are compiled for them."""
        return len(group(self.networks))


def plan(task: Task, space: Network, settings: Settings) -> Plan:
    """Draw from a space, and fill in every default.

    Raises `InputError` for a design, an option or a part that does not fit the task.
    """
    _check_vote(settings, task.goals)
    drawn = draws(space, task.entry, settings, task.size)
    if not len(task.valid) and any(draw.spec.stopping is not None for draw in drawn):
        raise InputError("early stopping needs validation rows; set stopping to none or give more rows")
    rule = refit_rule(settings.refit, task.again, drawn, len(task.valid))
    networks = task.networks([draw.spec for draw in drawn])
    max_rounds = settings.max_rounds or task.size.max_rounds
    resolved = replace(settings, trials=len(drawn), max_rounds=max_rounds, refit=rule or NEVER)
    return Plan(resolved, drawn, networks, max_rounds)


def draws(space: Network, entry: Layer, settings: Settings, size: Size) -> list[Draw]:
    """Return the points of the space to train, in order; each has a layer that takes the data, `entry` if no other."""
    trials = trials_for(space, settings, size)
    space = replace(space, layers=told(space.layers, entry))
    drawn = design(space, trials, kind=settings.design, structures=settings.structures, seed=settings.seed)
    return [replace(draw, spec=with_entry(draw.spec, entry)) for draw in drawn]


def trials_for(space: Network, settings: Settings, size: Size) -> int:
    """Return how many trials to draw: as asked, one where nothing is searched, or the usual number."""
    if not is_space(space):
        return settings.trials or 1
    return settings.trials or size.trials


def fit(
    task: Task,
    plan: Plan,
    *,
    clock: Clock | None = None,
    rounds: Sequence[int] | None = None,
    widths: Sequence[int] | None = None,
    cut: Sequence[int] | None = None,
    watch: Watch | None = None,
    meanwhile: Meanwhile | None = None,
) -> Fitted:
    """Train what was planned as populations, rank the members, and choose the ensemble.

    `clock` may end the training early; `rounds` and `widths`, of each population, and `cut` repeat an earlier run to
    the bit, one that a clock had ended too; `watch` sees every round; `meanwhile` is done beside compiling. Where the
    plan has a rule, the members that predict are in the end trained again on all rows; what is said of the validation
    rows stays from before.
    """
    settings, trials = plan.settings, _trials(plan)
    folds = [_fold(task, settings, i) for i in range(len(trials) if settings.bootstrap else settings.repeats)]
    clock, rows = Clock() if clock is None else clock, Rows(task.rows)
    outcome = train(
        trials,
        rows,
        folds,
        max_rounds=plan.max_rounds,
        round_steps=settings.round_steps,
        clock=clock,
        share=TRAINING if plan.rule else 1.0,
        fewest=None if settings.bootstrap or not len(task.valid) else _fewest_rounds(plan.max_rounds),
        cut=cut,
        rounds=rounds,
        widths=widths,
        watch=watch,
        meanwhile=meanwhile,
    )
    judged = task.judge([member.final for member in outcome.members if member.rounds], settings.samples)
    members = candidates(outcome, plan.draws, settings.repeats, judged)
    # in bagging every network has one voice (MAP F9)
    voices = [] if settings.bootstrap else task.voices(judged, settings.metric)
    fitted = Fitted(
        members,
        rank(members, settings.metric),
        shares(members, voices, task.valid_weight),
        outcome.rounds,
        outcome.widths,
        task.goals,
        settings.vote,
        settings.samples,
        outcome.cut,
    )
    if plan.rule:
        refit_used(fitted, rows, plan.rule, folds, clock, rounds, widths, watch, task.between)
    return fitted


def _trials(plan: Plan) -> list[Trial]:
    """Return what is trained: each network with so many seeds, and in bagging on rows of its own."""
    settings = plan.settings
    return [
        Trial(network, _seed(settings.seed, i, repeat), i * settings.repeats + repeat if settings.bootstrap else repeat)
        for i, network in enumerate(plan.networks)
        for repeat in range(settings.repeats)
    ]


def _fewest_rounds(max_rounds: int) -> int:
    """Return how many rounds networks should have in any case: rather fewer networks than fewer rounds."""
    return -(-max_rounds // 3)


def _fold(task: Task, settings: Settings, i: int) -> Fold:
    """Return the rows of repeat `i`: all training rows; or those of member `i` of a bag: as many drawn from them with
    replacement (bootstrap).
    """
    chosen = task.train
    if settings.bootstrap:
        chosen = np.random.default_rng([settings.seed, i]).choice(chosen, len(chosen))
    return Fold(chosen, task.valid, _seed(settings.seed, i))


def _seed(*key: int) -> int:
    return int(np.random.SeedSequence(key).generate_state(1)[0])


def _check_vote(options: Options, goals: Sequence[Goal]) -> None:
    """Raise `InputError` where a vote is asked for, and no goal has classes."""
    if options.vote and not any(goal.classes for goal in goals):
        raise InputError("vote is for classes, but every target holds numbers; leave it out")
