"""The one path behind both doors: from a task and a space of networks to trained, ranked, combined members."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import jax
import numpy as np

from phalanx.candidates import Candidate, Fitted, candidates, choose, evaluated_of, rank, shares, whole
from phalanx.errors import InputError
from phalanx.input_layers import with_input_layer, with_learned
from phalanx.layers import Layer
from phalanx.metrics import Metric
from phalanx.model import row_shape
from phalanx.network import Network
from phalanx.options import Options
from phalanx.population.batches import Fold
from phalanx.population.building import Meanwhile
from phalanx.population.precision import at_precision, precision_of
from phalanx.population.rows import Rows
from phalanx.population.train import Clock, programs_of, train
from phalanx.population.trial import Trial
from phalanx.population.view import Watch
from phalanx.refitting import TRAINING, refit_rule, refit_used
from phalanx.search.designs import Draw, design
from phalanx.search.effort import Size
from phalanx.search.space import is_space
from phalanx.solving import check_solvable, is_solved
from phalanx.starting import Start
from phalanx.study import NEVER
from phalanx.superstructure.programs import kin
from phalanx.task import Scored, Task

MOST_LEFT_OUT = 32
"""Members of an ensemble of which each is left out in turn, to see what it adds."""

MOST_KINDS = 4
"""Kinds of structures that cannot share a program, of which networks are drawn where nothing is said."""


@dataclass
class Settings(Options):
    """The options of a search, the metric by which its networks are ranked, and what those of each seed begin with;
    None, or none there: with weights drawn afresh.
    """

    metric: Metric
    starts: Sequence[Start | None] = ()

    @staticmethod
    def of(options: Options, metric: Metric, **changes: Any) -> "Settings":
        """Return the settings that options say, such as a configuration's, with `changes`."""
        held = {declared.name: getattr(options, declared.name) for declared in fields(Options)}
        return Settings(metric, **{**held, **changes})


@dataclass(frozen=True)
class Plan:
    """What will be trained: points drawn from a space, the network of each, and settings with all defaults filled in,
    of which `max_rounds` is the most rounds of each; each network is trained on so many `folds`. `structures`: the
    program of each structure of networks, in the order in which they appear. `precision`: what those have that left it
    open; None: none did.
    """

    settings: Settings
    draws: list[Draw]
    networks: list[Network]
    max_rounds: int
    folds: int = 1
    structures: Sequence[int] = ()
    precision: str | None = None

    @property
    def programs(self) -> int:
        """How many programs are compiled for them."""
        return len(set(self.structures))

    @property
    def rule(self) -> str | None:
        """How the members that predict train again on all rows, None: they do not."""
        return None if self.settings.refit == NEVER else self.settings.refit

    @property
    def members(self) -> int:
        """How many networks are trained."""
        return len(self.draws) * self.settings.repeats * self.folds


def plan(task: Task, space: Network, settings: Settings) -> Plan:
    """Draw from a space, and fill in every default.

    Raises `InputError` for a design, an option or a part that does not fit the task.
    """
    _check_of_classes(settings, task)
    drawn, networks = _of_few_kinds(task, space, settings)
    for network in {jax.tree.structure(network): network for network in networks if is_solved(network)}.values():
        check_solvable(network, row_shape(task.rows.x))
    precision = precision_of(networks, row_shape(task.rows.x))
    networks = [at_precision(network, precision) for network in networks]
    drawn = [replace(draw, spec=at_precision(draw.spec, precision)) for draw in drawn]
    if not len(task.fold_rows[0].valid) and any(draw.spec.stopping is not None for draw in drawn):
        raise InputError("early stopping needs validation rows; set stopping to none or give more rows")
    folds = len(task.fold_rows)
    rule = refit_rule(settings.refit, task.again, drawn, len(task.fold_rows[0].valid), folds)
    max_rounds = settings.max_rounds or task.size.max_rounds
    resolved = replace(settings, trials=len(drawn), max_rounds=max_rounds, refit=rule or NEVER)
    programs = _programs(task, networks, max_rounds, settings.round_steps)
    return Plan(resolved, drawn, networks, max_rounds, folds, programs, precision)


def _of_few_kinds(task: Task, space: Network, settings: Settings) -> tuple[list[Draw], list[Network]]:
    """Return the points to train, and the network of each. Where nothing bounds their structures, those are left out
    that cannot share a program with one of the first few kinds, and further points are drawn in their place.
    """
    trials = trials_for(space, settings, task.size)
    free = settings.structures is None and settings.design != "grid"

    def few(number: int) -> tuple[list[Draw], list[Network]]:
        drawn = draws(space, task.input_layer, settings, number)
        networks = task.networks([draw.spec for draw in drawn])
        kinds = kin(networks, row_shape(task.rows.x)) if free else [0] * len(drawn)
        chosen = [i for i, kind in enumerate(kinds) if kind < MOST_KINDS][:trials]
        return [drawn[i] for i in chosen], [networks[i] for i in chosen]

    first = few(trials)
    return first if not free or len(first[0]) == trials else few(4 * trials)


def draws(space: Network, entry: Layer, settings: Settings, trials: int) -> list[Draw]:
    """Return the points of the space to train, in order; each has a layer that takes the data, `entry` if no other."""
    space = replace(space, layers=with_learned(space.layers, entry))
    drawn = design(space, trials, kind=settings.design, structures=settings.structures, seed=settings.seed)
    return [replace(draw, spec=with_input_layer(draw.spec, entry)) for draw in drawn]


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
    programs: Sequence[int] | None = None,
    cut: Sequence[int] | None = None,
    watch: Watch | None = None,
    meanwhile: Meanwhile | None = None,
) -> Fitted:
    """Train what was planned as populations, rank the members, and choose the ensemble.

    `clock` may end the training early; `rounds` and `widths`, of each population, `programs`, of each structure, and
    `cut` repeat an earlier run to the bit, one that a clock had ended too; `watch` sees every round; `meanwhile` is
    done beside compiling. Where the plan has a rule, the members that predict are in the end trained again on all rows;
    what is said of the validation rows stays from before.
    """
    settings, parts = plan.settings, task.fold_rows
    trials = _trials(plan, len(parts), row_shape(task.rows.x))
    number = len(trials) if settings.bootstrap else settings.repeats * len(parts)
    folds = [_fold(task, settings, i) for i in range(number)]
    clock, rows = Clock() if clock is None else clock, Rows(task.rows)
    validates = len(parts[0].valid) > 0
    outcome = train(
        trials,
        rows,
        folds,
        max_rounds=plan.max_rounds,
        round_steps=settings.round_steps,
        clock=clock,
        share=TRAINING if plan.rule else 1.0,
        fewest=None if settings.bootstrap or not validates else _fewest_rounds(plan.max_rounds),
        cut=cut,
        rounds=rounds,
        widths=widths,
        programs=iter(plan.structures if programs is None else programs),
        watch=watch,
        meanwhile=meanwhile,
    )
    trained = [member for member in outcome.members if member.rounds]
    finals = [member.final._replace(fold=member.trial.fold % len(parts)) for member in trained]
    evaluated = task.evaluate_networks(finals, settings.samples)
    members = candidates(task, outcome, plan.draws, settings.repeats, evaluated)
    there = whole(members, len(parts))
    # in bagging every network has one voice (MAP F9)
    of_each = [[evaluated_of(members[i]) for i in each] for each in there]
    errors = task.errors(of_each, settings.metric) if of_each and not settings.bootstrap else []
    chosen = shares(members, len(parts), errors, task.valid_weight)
    ranking = rank(members, settings.metric)
    scores = task.row_scores(of_each, settings.metric)
    valid = _scored(task, members, there, chosen, settings.vote)
    temperatures: tuple[float, ...] = ()
    if settings.temperature and valid.metrics:
        temperatures = task.temperatures(valid.predictions)
        valid = _scored(task, members, there, chosen, settings.vote, temperatures)
    fitted = Fitted(
        members,
        ranking,
        chosen,
        valid,
        outcome.rounds,
        outcome.widths,
        outcome.programs,
        task.goals,
        choose(members, ranking, there, scores, settings.metric, settings.winner, settings.seed),
        folds=len(parts),
        vote=settings.vote,
        samples=settings.samples,
        cut=outcome.cut,
        adds=_adds(task, members, there, chosen, settings, valid, temperatures),
        temperatures=temperatures,
    )
    if plan.rule:
        refit_used(fitted, rows, plan.rule, folds, clock, rounds, widths, programs, watch, task.between)
    return fitted


def _programs(task: Task, networks: Sequence[Network], max_rounds: int, round_steps: int | None) -> list[int]:
    """Return the program of each structure."""
    folds = [Fold(train, valid, 0) for train, valid in task.fold_rows]
    return programs_of(networks, task.rows, folds, max_rounds, round_steps)


def _scored(
    task: Task,
    members: Sequence[Candidate],
    there: Sequence[Sequence[int]],
    shares: Mapping[int, float],
    vote: bool,
    temperatures: Sequence[float] = (),
) -> Scored:
    """Return what the ensemble is worth on the validation rows."""
    speaking = [each for each in there if each[0] in shares]
    if not speaking:
        return Scored({}, ())
    said = [[members[i].valid for i in each] for each in speaking]
    return task.score(said, [shares[each[0]] * len(each) for each in speaking], vote, temperatures)


def _adds(
    task: Task,
    members: Sequence[Candidate],
    there: Sequence[Sequence[int]],
    shares: Mapping[int, float],
    settings: Settings,
    valid: Scored,
    temperatures: Sequence[float],
) -> dict[int, float]:
    """Return by how much the score of the ensemble is worse without each of its members, the others with their shares;
    those of several folds are left out together. Nothing of one member alone, nor of a bag of many.
    """
    metric = settings.metric
    speaking = [each for each in there if each[0] in shares]
    if not 1 < len(speaking) <= MOST_LEFT_OUT or metric.name not in valid.metrics:
        return {}
    adds: dict[int, float] = {}
    for left_out in speaking:
        rest = {i: share for i, share in shares.items() if i not in left_out}
        rest = {i: share / sum(rest.values()) for i, share in rest.items()}
        without = _scored(task, members, there, rest, settings.vote, temperatures).metrics[metric.name]
        adds |= dict.fromkeys(left_out, metric.loss(without) - metric.loss(valid.metrics[metric.name]))
    return adds


def _trials(plan: Plan, folds: int, shape: Any) -> list[Trial]:
    """Return what is trained: each network with so many seeds, each of these on every fold; in bagging each on rows of
    its own. `shape` is that of one row. Networks that are paired have the seeds of the first.
    """
    settings = plan.settings
    trials: list[Trial] = []
    for i, network in enumerate(plan.networks):
        of = 0 if settings.paired else i
        for repeat in range(settings.repeats):
            for fold in range(folds):
                seed = _seed(settings.seed, of, repeat, *([fold] if fold else []))
                start = settings.starts[repeat] if settings.starts else None
                rows = len(trials) if settings.bootstrap else repeat * folds + fold
                rounds = 1 if is_solved(network) else None
                begun = None if start is None else start.begin(network, seed, shape)
                trials.append(Trial(network, seed, rows, rounds, trained=begun))
    return trials


def _fewest_rounds(max_rounds: int) -> int:
    """Return how many rounds networks should have in any case: rather fewer networks than fewer rounds."""
    return -(-max_rounds // 3)


def _fold(task: Task, settings: Settings, i: int) -> Fold:
    """Return the rows of repeat and fold `i`: all that train in the fold; or those of member `i` of a bag: as many
    drawn from them with replacement (bootstrap).
    """
    train, valid = task.fold_rows[i % len(task.fold_rows)]
    if settings.bootstrap:
        train = np.random.default_rng([settings.seed, i]).choice(train, len(train))
    return Fold(train, valid, _seed(settings.seed, i))


def _seed(*key: int) -> int:
    return int(np.random.SeedSequence(key).generate_state(1)[0])


def _check_of_classes(options: Options, task: Task) -> None:
    """Raise `InputError` where a vote or a temperature is asked for, and no goal has classes, or no row validates."""
    for name in ("vote", "temperature"):
        if getattr(options, name) and not any(goal.classes for goal in task.goals):
            raise InputError(f"{name} is for classes, but every target holds numbers; leave it out")
    if options.temperature and not len(task.fold_rows[0].valid):
        raise InputError("temperature is what validation rows say, but there are none; leave it out or give more rows")
