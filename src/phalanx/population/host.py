"""The host's side of a population: it sees rounds, keeps the active members in front, and brings results back."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import jax
import numpy as np
from jax.sharding import NamedSharding

from phalanx.model import Batch, parameter_count, remembers
from phalanx.network import Network, layers_of
from phalanx.population.backend import capacity_for, mesh_for, width_for
from phalanx.population.batches import Fold, Readers, Stream, batches_of, batches_shape, in_reading_order, valid_of
from phalanx.population.member import Record, start, valid_block
from phalanx.population.predict import Final
from phalanx.population.program import BY_MEMBER, EVERYWHERE, advance, begin_all, reorder, start_all
from phalanx.population.rows import Rows
from phalanx.population.stack import stack
from phalanx.population.steps import Folds, Limits, Member, State


@dataclass(frozen=True)
class Trial:
    """One network to train: a specification without distributions, the seed of its weights and noise, its fold.

    `rounds` bounds its training (None: the run's `max_rounds`), and so does `goal`, a validation cost that is low
    enough. `trained` are parameters and states to go on from, with a fresh optimizer.
    """

    network: Network
    seed: int
    fold: int = 0
    rounds: int | None = None
    goal: float = float("-inf")
    trained: tuple[Any, Any] | None = None


@dataclass
class Trained:
    """A trained network: its best parameters and states (NumPy), and how it went. Rounds, of `steps`, count from 1.

    `curve` has (training cost, validation cost) of each round, `layers` its diagnostics; `stopped` is the reason:
    patience, max_rounds, goal, diverged, time or interrupt. `seconds` is its share of the time of its rounds.
    """

    trial: Trial
    max_rounds: int
    steps: int
    params: Any = None
    states: Any = None
    best_score: float = float("inf")
    best_round: int = 0
    stopped: str = ""
    seconds: float = 0.0
    curve: list[tuple[float, float]] = field(default_factory=list)
    layers: list[np.ndarray] = field(default_factory=list)

    @property
    def rounds(self) -> int:
        """Rounds trained."""
        return len(self.curve)

    @property
    def structure(self) -> Any:
        """What members of one population share; equal for equal structures."""
        return jax.tree.structure(self.trial.network)

    @property
    def final(self) -> Final:
        """What predicts: the best parameters, and where in the run they were found."""
        return Final(self.trial.network, self.params, self.states, self.best_round / self.max_rounds)


class Standing(NamedTuple):
    """How a population stands after a round: its networks, how many still train, the rounds trained, the best score."""

    members: int
    alive: int
    rounds: int
    best_score: float


class Population:
    """Trials of one structure, trained together as one program."""

    def __init__(
        self,
        trials: Sequence[Trial],
        rows: Batch | Rows,
        folds: Sequence[Fold],
        max_rounds: int,
        round_steps: int | None,
        mesh: jax.sharding.Mesh | None = None,
        width: int | None = None,
    ) -> None:
        network, placed = trials[0].network, Rows.of(rows)
        rows = placed.batch
        shapes = state_shape(network, rows)
        in_order = remembers(shapes.states)
        whole = in_order or any(part.couples_rows for part in network.regularizers)
        splits = 1 if whole else network.batch_size  # a memory belongs to one device, a penalty on means sees all rows
        self.mesh = mesh_for(len(trials), splits) if mesh is None else mesh
        along = self.mesh.shape["member"]
        platform = self.mesh.devices.flat[0].platform
        capacity = capacity_for(len(trials), along)
        flat = all(leaf.ndim <= 2 for leaf in jax.tree.leaves(rows.x))
        rule = width_for(platform, parameter_count(shapes.params), capacity // along, flat)
        self.width = rule if width is None else min(width, capacity // along)
        self.steps = round_steps or steps_of_a_round(folds, network.batch_size)
        self.trained = [Trained(trial, max_rounds, self.steps) for trial in trials]
        self._along, self._max_rounds, self._batch_size = along, max_rounds, network.batch_size
        lengths = lengths_of(network, rows.x)
        self._streams = [
            Readers(fold, network.batch_size) if in_order else Stream(fold, network.batch_size, lengths)
            for fold in folds
        ]
        self._rows = placed.on(self.mesh)
        if in_order:
            folds = [fold._replace(valid=in_reading_order(fold.valid, network.batch_size)) for fold in folds]
        self._valid = self._put(valid_of(folds, valid_block(network, shapes.states)), EVERYWHERE)
        order, self._active = _in_front(list(range(len(trials))), capacity, along)
        self._place = {place: i for i, place in enumerate(order) if place < len(trials)}
        chosen = [trials[i] if i < len(trials) else trials[0] for i in order]
        members = Member(
            stack([t.network for t in chosen], capacity),
            np.array([t.seed for t in chosen], np.uint32),
            np.array([t.fold for t in chosen], np.int32),
            np.array([t.rounds or max_rounds for t in chosen], np.int32),
            np.array([t.goal for t in chosen], np.float32),
        )
        self._members = self._put(members, BY_MEMBER)
        if trials[0].trained is None:
            self.state = start_all(self._members, self._rows.x, self.mesh)
        else:
            trained = self._put(jax.tree.map(lambda *a: np.stack(a), *(t.trained for t in chosen)), BY_MEMBER)
            self.state = begin_all(self._members, trained, self.mesh)

    @property
    def alive(self) -> list[int]:
        """Positions of the members that still train."""
        return [i for i, member in enumerate(self.trained) if not member.stopped]

    @property
    def standing(self) -> Standing:
        """How it stands."""
        rounds = max(member.rounds for member in self.trained)
        return Standing(len(self.trained), len(self.alive), rounds, min(member.best_score for member in self.trained))

    def compile(self) -> None:
        """Build the program of a round by advancing nobody."""
        shape = batches_shape(len(self._streams), self.steps, self._batch_size)
        self._advance(np.zeros_like(self._active), np.zeros(shape, np.int32))

    def advance(self) -> Record:
        """Train a round of every active member; return the record of all, by place. Blocks until it is done."""
        return jax.device_get(self._advance(self._active, batches_of(self._streams, self.steps)))

    def note(self, record: Record, seconds: float) -> None:
        """Write a round's record into the members, and move the active ones to the front where some stopped."""
        alive = self.alive
        for i in alive:
            member, place = self.trained[i], self._place[i]
            member.curve.append((float(record.train_cost[place]), float(record.valid_cost[place])))
            member.layers.append(record.layers[place])
            member.seconds += seconds / len(alive)
            member.best_score, member.best_round = float(record.best_score[place]), int(record.best_round[place])
            if not record.active[place]:
                member.stopped = _reason(member, bool(record.diverged[place]))
        if 0 < len(self.alive) < len(alive):
            self._compact()

    def stop(self, chosen: Sequence[int], reason: str) -> None:
        """Stop the members at some positions, for a reason; the others go on without them."""
        for i in chosen:
            self.trained[i].stopped = reason
        if chosen and self.alive:
            self._compact()

    def parameters(self) -> Any:
        """Return the latest parameters of all members, stacked in their order."""
        at = np.array([self._place[i] for i in range(len(self.trained))])
        return jax.tree.map(lambda a: a[at], jax.device_get(self.state.params))

    def finish(self, reason: str) -> list[Trained]:
        """Stop whoever still trains for `reason`; return all members with their best parameters."""
        params, states = jax.device_get(self.state.best)
        for i, member in enumerate(self.trained):
            member.stopped = member.stopped or reason
            place = self._place[i]
            member.params, member.states = jax.tree.map(lambda a, place=place: a[place].copy(), (params, states))
        return self.trained

    def _advance(self, active: np.ndarray, batches: np.ndarray) -> Record:
        folds = Folds(self._put(batches, EVERYWHERE), *self._valid)
        limits = Limits(np.int32(self.steps), np.int32(self._max_rounds))
        self.state, record = advance(
            self._members,
            self.state,
            self._rows,
            folds,
            limits,
            self._put(active, BY_MEMBER),
            mesh=self.mesh,
            width=self.width,
        )
        return record

    def _compact(self) -> None:
        capacity = len(self.state.step)
        at = {place: i for i, place in self._place.items()}
        order, self._active = _in_front([self._place[i] for i in self.alive], capacity, self._along)
        self._members, self.state = reorder(self._members, self.state, np.array(order, np.int32), mesh=self.mesh)
        self._place = {at[old]: new for new, old in enumerate(order) if old in at}

    def _put(self, tree: Any, spec: Any) -> Any:
        return jax.device_put(tree, NamedSharding(self.mesh, spec))


def _reason(member: Trained, diverged: bool) -> str:
    """Return why a member stopped of itself."""
    if diverged:
        return "diverged"
    if member.curve[-1][1] <= member.trial.goal:
        return "goal"
    return "max_rounds" if member.rounds >= (member.trial.rounds or member.max_rounds) else "patience"


def steps_of_a_round(folds: Sequence[Fold], batch_size: int) -> int:
    """Return the steps of one pass over the training rows, at most 500."""
    return min(-(-max(len(fold.train) for fold in folds) // batch_size), 500)


def lengths_of(network: Network, x: Any) -> np.ndarray | None:
    """Return the steps of each row, where rows are padded and a layer goes through their steps; else None."""
    if not network.layers or not network.layers[0].masks or not any(layer.unrolls for _, layer in layers_of(network)):
        return None
    mask = network.layers[0].mask(x, None)
    return None if mask is None else np.where(mask, np.arange(1, mask.shape[1] + 1), 0).max(1)


def bytes_of_a_member(network: Network, rows: Batch) -> int:
    """Estimate the memory a member takes: its state, three times (where it is moved, or brought to the host)."""
    leaves = jax.tree.leaves(state_shape(network, rows))
    return 3 * sum(leaf.size * leaf.dtype.itemsize for leaf in leaves)


def state_shape(network: Network, rows: Batch) -> State:
    """Return the shapes of a member's state, without making it."""
    member = Member(jax.tree.map(np.float32, network), np.uint32(0), np.int32(0), np.int32(0), np.float32(0))
    return jax.eval_shape(start, member, rows.x)


def _in_front(active: list[int], capacity: int, along: int) -> tuple[list[int], np.ndarray]:
    """Return an order of places that shares the active ones out over devices, in front, and their number on each."""
    per_device = capacity // along
    chosen = set(active)
    rest = [place for place in range(capacity) if place not in chosen]
    order: list[int] = []
    counts = []
    for d in range(along):
        mine = active[d::along]
        filling = per_device - len(mine)
        order += mine + rest[:filling]
        rest = rest[filling:]
        counts.append(len(mine))
    return order, np.array(counts, np.int32)
