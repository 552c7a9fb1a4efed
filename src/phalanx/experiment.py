"""The one path behind both doors: from encoded rows and a space of networks to trained, ranked, combined members."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any

import jax
import numpy as np

from phalanx.candidates import Candidate, Fitted, candidates, rank, shares, trained_ones
from phalanx.data import CodeEncoder, Encoder, Goal, ImageEncoder, SeriesEncoder, SoundEncoder, TextEncoder
from phalanx.ensemble import Pairs, Voice
from phalanx.errors import InputError
from phalanx.hearing import hear
from phalanx.layers import Columns, Embedding, Frames, Layer, Past, Pixels, Wrapper, bare
from phalanx.metrics import Costs, Metric, evaluate
from phalanx.model import Batch, check_rows, row_shape
from phalanx.network import Aim, Network, complete, heads, with_likelihoods
from phalanx.options import Options
from phalanx.population.batches import Fold
from phalanx.population.building import Meanwhile
from phalanx.population.predict import Final
from phalanx.population.rows import Rows
from phalanx.population.train import Clock, train
from phalanx.population.trial import Trial
from phalanx.population.view import Watch
from phalanx.predictive import Predictive, Said, say_all
from phalanx.refitting import TRAINING, refit_rule, refit_used
from phalanx.search.defaults import REFIT, Kind, size_for
from phalanx.search.designs import Draw, design
from phalanx.search.effort import Size
from phalanx.search.space import is_space
from phalanx.spec.distributions import Choice, Repeat
from phalanx.spec.part import has_default

_UNITS = 32  # of an embedding, where layers are given without one


@dataclass(frozen=True)
class Problem:
    """Rows to learn from, encoded, with the positions that train and those that validate.

    `inputs` is an array, or a tuple of arrays, whose first axis counts the rows; `entry` is the layer that takes them.
    `values` are those of each goal: class codes (rows,) int32, or numbers (rows, columns) float64 in their own units.
    `weight` (float64) counts rows, None: each once. `between`: positions of rows that neither train nor validate, but
    are learned from when networks are trained again.
    """

    inputs: Any
    goals: tuple[Goal, ...]
    values: tuple[np.ndarray, ...]
    train: np.ndarray
    valid: np.ndarray
    entry: Layer
    weight: np.ndarray | None = None
    between: np.ndarray | None = None

    @cached_property
    def rows(self) -> Batch:
        """What the networks see: standardized numbers, and weights of mean 1 over the training rows."""
        y = tuple(goal.encode(held, self.inputs) for goal, held in zip(self.goals, self.values, strict=True))
        weight = np.ones(len(y[0])) if self.weight is None else self.weight / self.weight[self.train].mean()
        return Batch(self.inputs, y, weight.astype(np.float32))

    @cached_property
    def valid_inputs(self) -> Any:
        """The inputs of the validation rows."""
        return rows_at(self.inputs, self.valid)

    @property
    def valid_values(self) -> tuple[np.ndarray, ...]:
        """The values of the validation rows."""
        return tuple(held[self.valid] for held in self.values)

    @property
    def valid_weight(self) -> np.ndarray | None:
        """The weights of the validation rows."""
        return None if self.weight is None else self.weight[self.valid]

    @property
    def kind(self) -> Kind:
        """What a row is, by which defaults are chosen."""
        shape = row_shape(self.inputs)
        return Kind(type(self.entry), shape[0] if isinstance(self.entry, Columns) else shape)

    @property
    def size(self) -> Size:
        """How much to try when nothing is said."""
        return size_for(len(self.train), self.kind)

    def score(self, predictive: Predictive) -> tuple[dict[str, float], list[Costs | None]]:
        """Return all metrics of what is said of the validation rows, and what each row costs; none where there are no
        such rows.
        """
        if not len(self.valid):
            return {}, []
        costs = predictive.costs(self.valid_values)
        return evaluate(self.goals, self.valid_values, predictive.means, self.valid_weight, costs), costs


@dataclass
class Settings(Options):
    """The options of a search, and the metric by which its networks are ranked."""

    metric: Metric

    @staticmethod
    def of(options: Options, metric: Metric, **changes: Any) -> "Settings":
        """Return the settings that options say, such as a configuration's, with `changes`."""
        held = {declared.name: getattr(options, declared.name) for declared in fields(Options)}
        return Settings(metric, **{**held, **changes})


def rows_at(inputs: Any, at: np.ndarray) -> Any:
    """Return the rows at some positions of an array, or of each of a tuple of arrays."""
    return jax.tree.map(lambda part: part[at], inputs)


def entry_for(encoder: Encoder | CodeEncoder) -> Layer:
    """Return the layer that takes what an encoder makes."""
    if isinstance(encoder, ImageEncoder):
        return Pixels(encoder.mean, encoder.deviation)
    if isinstance(encoder, (TextEncoder, CodeEncoder)):
        return Embedding(_UNITS, encoder.tokens)
    if isinstance(encoder, SoundEncoder):
        return Frames()
    if isinstance(encoder, SeriesEncoder):
        return Past(encoder.anchor_kind)
    return Columns(encoder.cardinalities)


def with_entry(network: Network, entry: Layer) -> Network:
    """Return the network with the layer that takes the data: the first, unless it has one of its kind, wrapped or not.

    Raises `InputError` for an embedding of data that are no codes.
    """
    present = [bare(layer) for layer in network.layers]
    if not isinstance(entry, Embedding) and any(isinstance(layer, Embedding) for layer in present):
        raise InputError(
            f"Embedding takes rows of codes, but these data are taken by {type(entry).__name__}: leave it out, or give "
            "an estimator an array of whole numbers, (rows, steps), with Embedding as the first layer"
        )
    if any(isinstance(layer, type(entry)) for layer in present):
        return network
    return replace(network, layers=(entry, *network.layers))


def told(value: Any, entry: Layer) -> Any:
    """Return layers, or a distribution of them, whose entry layers know what the data say.

    Structure, such as the categories of a table's `Columns`, is what the data say; a knob, such as the mean of
    `Pixels`, only where a person left it at its default.
    """
    if isinstance(value, type(entry)):
        left = {f.name for f in fields(value) if not value.kinds[f.name].knob or has_default(value, f)}
        return replace(value, **{name: getattr(entry, name) for name in entry.learned if name in left})
    if isinstance(value, Wrapper):
        return replace(value, layer=told(value.layer, entry))
    if isinstance(value, tuple):
        return tuple(told(layer, entry) for layer in value)
    if isinstance(value, Choice):
        return replace(value, options=told(value.options, entry))
    return replace(value, parts=told(value.parts, entry)) if isinstance(value, Repeat) else value


def completed(draws: Sequence[Draw], problem: Problem) -> list[Network]:
    """Return the network of each draw, with its output layers.

    Raises `InputError` where names, heads or the shapes of rows do not fit.
    """
    aims = [Aim(goal.size, goal.mean) for goal in problem.goals]
    made = [complete(draw.spec, *aims) for draw in draws]
    for one in {jax.tree.structure(network): network for network in made}.values():
        check_rows(one, problem.inputs)
    return made


def check_vote(options: Options, goals: Sequence[Goal]) -> None:
    """Raise `InputError` where a vote is asked for, and no goal has classes."""
    if options.vote and not any(goal.classes for goal in goals):
        raise InputError("vote is for classes, but every target holds numbers; leave it out")


def trials_for(space: Network, settings: Settings, size: Size) -> int:
    """Return how many trials to draw: as asked, one where nothing is searched, or the usual number."""
    if not is_space(space):
        return settings.trials or 1
    return settings.trials or size.trials


def trials_of(networks: Sequence[Network], settings: Settings) -> list[Trial]:
    """Return what is trained: each network with so many seeds, and in bagging on rows of its own."""
    return [
        Trial(network, _seed(settings.seed, i, repeat), i * settings.repeats + repeat if settings.bootstrap else repeat)
        for i, network in enumerate(networks)
        for repeat in range(settings.repeats)
    ]


def plan_draws(space: Network, entry: Layer, settings: Settings, size: Size) -> list[Draw]:
    """Return the points of the space to train, in order; each has a layer that takes the data, `entry` if no other."""
    trials = trials_for(space, settings, size)
    space = replace(space, layers=told(space.layers, entry))
    draws = design(space, trials, kind=settings.design, structures=settings.structures, seed=settings.seed)
    return [replace(draw, spec=with_entry(draw.spec, entry)) for draw in draws]


def fit(
    problem: Problem,
    space: Network,
    settings: Settings,
    *,
    clock: Clock | None = None,
    rounds: Sequence[int] | None = None,
    widths: Sequence[int] | None = None,
    cut: Sequence[int] | None = None,
    watch: Watch | None = None,
    meanwhile: Meanwhile | None = None,
) -> Fitted:
    """Train a design drawn from a space as populations, rank the members, and choose the ensemble.

    `clock` may end the training early; `rounds` and `widths`, of each population, and `cut` repeat an earlier run to
    the bit, one that a clock had ended too; `watch` sees every round; `meanwhile` is done beside compiling.
    """
    check_vote(settings, problem.goals)
    draws = plan_draws(space, problem.entry, settings, problem.size)
    if not len(problem.valid) and any(draw.spec.stopping is not None for draw in draws):
        raise InputError("early stopping needs validation rows; set stopping to none or give more rows")
    rule = refit_rule(settings.refit, REFIT.get(type(problem.entry)), draws, len(problem.valid))
    max_rounds = settings.max_rounds or problem.size.max_rounds
    trials = trials_of(completed(draws, problem), settings)
    folds = [_fold(problem, settings, i) for i in range(len(trials) if settings.bootstrap else settings.repeats)]
    clock, rows = Clock() if clock is None else clock, Rows(problem.rows)
    outcome = train(
        trials,
        rows,
        folds,
        max_rounds=max_rounds,
        round_steps=settings.round_steps,
        clock=clock,
        share=TRAINING if rule else 1.0,
        fewest=None if settings.bootstrap or not len(problem.valid) else fewest_rounds(max_rounds),
        cut=cut,
        rounds=rounds,
        widths=widths,
        watch=watch,
        meanwhile=meanwhile,
    )

    def judge(finals: Sequence[Final]) -> Sequence[tuple[Final, Said, dict[str, float], Sequence[Costs | None]]]:
        found: list[tuple[Final, Said, dict[str, float], Sequence[Costs | None]]] = []
        for final, valid in _with_fitted_likelihoods(finals, problem, settings.samples):
            alone = Predictive.of({0: valid}, {0: 1.0}, problem.goals, problem.valid_inputs)
            found.append((final, valid, *problem.score(alone)))
        return found

    members = candidates(outcome, draws, settings.repeats, judge)
    ranking = rank(members, settings.metric)
    # in bagging every network has one voice (MAP F9)
    heard = [] if settings.bootstrap else _heard(members, problem, settings.metric)
    chosen = shares(members, heard, problem.valid_weight)
    fitted = Fitted(
        members, ranking, chosen, outcome.rounds, outcome.widths, problem.goals, settings.vote, settings.samples
    )
    fitted.cut = outcome.cut
    if rule:
        refit_used(fitted, rows, rule, folds, clock, rounds, widths, watch, problem.between)
    return fitted


def fewest_rounds(max_rounds: int) -> int:
    """Return how many rounds networks should have in any case: rather fewer networks than fewer rounds."""
    return -(-max_rounds // 3)


def _fold(problem: Problem, settings: Settings, i: int) -> Fold:
    """Return the rows of repeat `i`: all training rows; or those of member `i` of a bag: as many drawn from them with
    replacement (bootstrap).
    """
    chosen = problem.train
    if settings.bootstrap:
        chosen = np.random.default_rng([settings.seed, i]).choice(chosen, len(chosen))
    return Fold(chosen, problem.valid, _seed(settings.seed, i))


def _seed(*key: int) -> int:
    return int(np.random.SeedSequence(key).generate_state(1)[0])


def _heard(members: Sequence[Candidate], problem: Problem, metric: Metric) -> list[Voice | Pairs]:
    if not len(problem.valid):
        return []
    heard = [members[i] for i in trained_ones(members)]
    said, costs = [member.valid for member in heard], [member.costs for member in heard]
    inputs, weight = problem.valid_inputs, problem.valid_weight
    return hear(problem.goals, problem.valid_values, said, costs, metric, inputs, weight)


def _with_fitted_likelihoods(finals: Sequence[Final], problem: Problem, samples: int) -> list[tuple[Final, Said]]:
    """Return the networks with what training left out of their likelihoods, such as a fixed variance, estimated, and
    what they then say of the validation rows.

    From the validation rows, or the training rows where there are none.
    """
    valid = seen = say_all(finals, problem.valid_inputs, problem.goals, samples)
    at, estimated = problem.valid, [any(h.likelihood.estimated for h in heads(final.network)) for final in finals]
    if not len(at) and any(estimated):
        at = problem.train
        seen = say_all(finals, rows_at(problem.inputs, at), problem.goals, samples)
    found = []
    for final, said, learned_from, needed in zip(finals, valid, seen, estimated, strict=True):
        if not needed:
            found.append((final, said))
            continue
        learned = [
            part if output is None else part.fitted(output.z, y[at], problem.rows.weight[at])
            for part, output, y in zip(
                (head.likelihood for head in heads(final.network)), learned_from.outputs, problem.rows.y, strict=True
            )
        ]
        outputs = tuple(
            None if output is None else output._replace(likelihood=part)
            for part, output in zip(learned, said.outputs, strict=True)
        )
        network = with_likelihoods(final.network, learned)
        found.append((final._replace(network=network), said._replace(outputs=outputs)))
    return found
