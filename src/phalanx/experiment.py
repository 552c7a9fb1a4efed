"""The one path behind both doors: from encoded rows and a space of networks to trained, ranked, combined members."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from phalanx.data.encoding import Encoded
from phalanx.data.targets import NumberTarget
from phalanx.ensemble import average, greedy
from phalanx.errors import InputError
from phalanx.layers import Columns
from phalanx.metrics import Metric, evaluate
from phalanx.model import Batch, Network, complete
from phalanx.population.batches import Fold
from phalanx.population.host import Trained, Trial
from phalanx.population.train import Clock, Progress, train
from phalanx.predictor import Predictor, member_predictions
from phalanx.search.defaults import size_for
from phalanx.search.designs import Draw, design
from phalanx.search.space import is_space


@dataclass(frozen=True)
class Problem:
    """Rows to learn from, encoded, with the positions that train and those that validate.

    `target` holds class codes (int32), or numbers in their own units (float64) where `number` standardizes them;
    `classes` is 0 then. `weight` (float64) counts rows, None: each once.
    """

    inputs: Encoded
    target: np.ndarray
    train: np.ndarray
    valid: np.ndarray
    cardinalities: tuple[int, ...] = ()
    classes: int = 0
    number: NumberTarget | None = None
    weight: np.ndarray | None = None

    def rows(self) -> Batch:
        """Return what the networks see: standardized numbers, and weights of mean 1 over the training rows."""
        y = self.target.astype(np.int32) if self.number is None else self.number.encode(self.target)
        weight = np.ones(len(y)) if self.weight is None else self.weight / self.weight[self.train].mean()
        return Batch(tuple(self.inputs), y, weight.astype(np.float32))

    @cached_property
    def valid_inputs(self) -> Encoded:
        """The inputs of the validation rows."""
        return Encoded(*(part[self.valid] for part in self.inputs))

    def score(self, predictions: np.ndarray) -> dict[str, float]:
        """Return all metrics of predictions for the validation rows; none where there are no such rows."""
        if not len(self.valid):
            return {}
        weight = None if self.weight is None else self.weight[self.valid]
        return evaluate(self.number is None, self.target[self.valid], predictions, weight)


@dataclass(frozen=True)
class Settings:
    """How much to try: see `phalanx.Classifier`, which has the same names."""

    metric: Metric
    trials: int | None = None
    structures: int = 4
    design: str = "sobol"
    repeats: int = 1
    max_rounds: int | None = None
    round_steps: int | None = None
    seed: int = 0


@dataclass
class Candidate:
    """A trained member with its place in the design and its validation predictions and metrics."""

    id: str
    draw: Draw
    trial: int
    trained: Trained
    structure: int
    valid: np.ndarray
    metrics: dict[str, float]


@dataclass
class Fitted:
    """All members, the positions from best to worst, the shares of the ensemble; rounds and width of each
    population."""

    members: list[Candidate]
    ranking: list[int]
    shares: dict[int, float]
    rounds: list[int]
    widths: list[int]
    number: NumberTarget | None

    @property
    def best(self) -> Candidate:
        """The best member."""
        return self.members[self.ranking[0]]

    def predictor(self) -> Predictor:
        """Return what predicts: the members of the ensemble, and the best one."""
        used = sorted({*self.shares, self.ranking[0]})
        shares = {self.members[i].id: share for i, share in self.shares.items()}
        return Predictor(
            {self.members[i].id: self.members[i].trained.final for i in used}, shares, self.best.id, self.number
        )

    def ensemble_valid(self) -> np.ndarray:
        """Return the ensemble's predictions for the validation rows."""
        return average({i: self.members[i].valid for i in self.shares}, self.shares)


def with_columns(network: Network, cardinalities: tuple[int, ...]) -> Network:
    """Return the network with `Columns` as its first layer, told the categories of the table."""
    first, *rest = network.layers if network.layers else (None,)
    if isinstance(first, Columns):
        return replace(network, layers=(replace(first, cardinalities=cardinalities), *rest))
    return replace(network, layers=(Columns(cardinalities), *network.layers))


def trials_for(space: Network, settings: Settings, rows: int) -> int:
    """Return how many trials to draw: as asked, one where nothing is searched, or by the number of rows."""
    if not is_space(space):
        return settings.trials or 1
    return settings.trials or size_for(rows).trials


def plan_draws(space: Network, settings: Settings, rows: int) -> list[Draw]:
    """Return the points of the space to train, in order."""
    trials = trials_for(space, settings, rows)
    return design(space, trials, kind=settings.design, structures=settings.structures, seed=settings.seed)


def fit(
    problem: Problem,
    space: Network,
    settings: Settings,
    *,
    clock: Clock | None = None,
    rounds: Sequence[int] | None = None,
    widths: Sequence[int] | None = None,
    watch: Callable[[Progress], None] | None = None,
) -> Fitted:
    """Train a design drawn from a space as populations, rank the members, and choose the ensemble.

    `clock` may end the training early; `rounds` and `widths`, of each population, repeat an earlier run to the bit, one
    that a clock had ended too; `watch` sees every round.
    """
    draws = plan_draws(with_columns(space, problem.cardinalities), settings, len(problem.train))
    if not len(problem.valid) and any(draw.spec.stopping is not None for draw in draws):
        raise InputError("early stopping needs validation rows; set stopping to none or give more rows")
    max_rounds = settings.max_rounds or size_for(len(problem.train)).max_rounds
    trials = [
        Trial(complete(draw.spec, problem.classes), _seed(settings.seed, i, repeat), repeat)
        for i, draw in enumerate(draws)
        for repeat in range(settings.repeats)
    ]
    folds = [Fold(problem.train, problem.valid, _seed(settings.seed, repeat)) for repeat in range(settings.repeats)]
    outcome = train(
        trials,
        problem.rows(),
        folds,
        max_rounds=max_rounds,
        round_steps=settings.round_steps,
        clock=clock,
        rounds=rounds,
        widths=widths,
        watch=watch,
    )
    structures: dict[Any, int] = {}
    members = []
    for i, member in enumerate(outcome.members):
        draw = draws[i // settings.repeats]
        valid = member_predictions(member.final, problem.valid_inputs, problem.number)
        structure = structures.setdefault(member.structure, len(structures) + 1)
        members.append(
            Candidate(f"m{i + 1:03d}", draw, i // settings.repeats, member, structure, valid, problem.score(valid))
        )
    ranking = _rank(members, settings.metric, problem.classes > 0)
    return Fitted(members, ranking, _shares(members, problem), outcome.rounds, outcome.widths, problem.number)


def _seed(*key: int) -> int:
    return int(np.random.SeedSequence(key).generate_state(1)[0])


def _rank(members: list[Candidate], metric: Metric, classify: bool) -> list[int]:
    """Return positions from best to worst: by the metric, then by the log loss or the cost, which break ties."""

    def key(i: int) -> tuple[float, ...]:
        member = members[i]
        if not member.metrics:
            return (member.trained.curve[-1][0] if member.trained.curve else float("inf"), i)
        tie = member.metrics["log_loss"] if classify else member.trained.best_score
        return (metric.loss(member.metrics[metric.name]), tie, i)

    return sorted(range(len(members)), key=key)


def _shares(members: list[Candidate], problem: Problem) -> dict[int, float]:
    """Choose the ensemble on the validation rows; without such rows every member that did not diverge has one voice."""
    sound = [i for i, m in enumerate(members) if m.trained.stopped != "diverged"] or list(range(len(members)))
    if not len(problem.valid):
        return {i: 1 / len(sound) for i in sound}
    weight = None if problem.weight is None else problem.weight[problem.valid]
    target = problem.target[problem.valid]
    chosen = greedy(np.stack([members[i].valid for i in sound]), problem.number is None, target, weight)
    return {sound[i]: share for i, share in chosen.items()}
