"""The host's side of a population: it sees rounds, keeps the active members in front, and brings results back."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Self

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding

from phalanx.layers import Branches, Layer, bare
from phalanx.layers.products import ROUNDED
from phalanx.model import Batch, parameter_count, remembers, row_shape
from phalanx.network import Network, heads
from phalanx.population.backend import capacity_for, mesh_for, width_for
from phalanx.population.batches import (
    Fold,
    batches_in_order,
    batches_of,
    in_reading_order,
    padded_batches,
    valid_of,
)
from phalanx.population.beginning import begun
from phalanx.population.member import Record, state_shape, valid_block
from phalanx.population.program import BY_MEMBER, EVERYWHERE, advance, begin_all, exchange, reorder
from phalanx.population.rows import Rows
from phalanx.population.stack import power_of_two, stack
from phalanx.population.steps import Folds, Limits, Member, State
from phalanx.population.trial import Trained, Trial
from phalanx.population.view import Standing
from phalanx.superstructure.merge import Merged
from phalanx.superstructure.programs import together


@dataclass(frozen=True)
class Snapshot:
    """A population between two rounds, as plain data and NumPy arrays: enough to go on in another process.

    `rounds`: how many it trained. `members`: each with its trial and how it went; `entered`: of each, the rounds before
    it entered. `places`: how many may train at a time. `held`: the members whose state is kept, in the order of the
    first axis of all arrays of `state`.
    """

    rounds: int
    places: int
    members: tuple[Trained, ...]
    entered: tuple[int, ...]
    held: tuple[int, ...]
    state: State


class Population:
    """Trials of one structure, or of several that are `merged`, trained together as one program.

    Where further trials are to `enter` later, `ages` says how many different numbers of rounds its members may have
    behind them at one time.
    """

    def __init__(
        self,
        trials: Sequence[Trial],
        rows: Batch | Rows,
        folds: Sequence[Fold],
        max_rounds: int,
        round_steps: int | None,
        mesh: Mesh | None = None,
        width: int | None = None,
        ages: int = 1,
        merged: Merged | None = None,
    ) -> None:
        steps = round_steps or steps_of_a_round(folds, trials[0].network.batch_size)
        self.trained = [Trained(trial, max_rounds, steps) for trial in trials]
        self.rounds, self._entered = 0, [0] * len(trials)
        self._prepare(len(trials), Rows.of(rows), folds, mesh, width, ages, merged)
        self._lay_out(range(len(trials)))
        self.state = self._begun()

    @classmethod
    def restore(
        cls,
        snapshot: Snapshot,
        rows: Batch | Rows,
        folds: Sequence[Fold],
        mesh: Mesh | None = None,
        width: int | None = None,
        ages: int = 1,
        merged: Merged | None = None,
    ) -> Self:
        """Return a population that goes on where another was, on the same rows and folds; the devices may be others.

        With one member at a time (`width` 1) it goes on bit for bit.
        """
        population = cls.__new__(cls)
        population.trained = [_copied(member) for member in snapshot.members]
        population.rounds, population._entered = snapshot.rounds, list(snapshot.entered)
        population._prepare(snapshot.places, Rows.of(rows), folds, mesh, width, ages, merged)
        population._lay_out(snapshot.held)
        row = {i: k for k, i in enumerate(snapshot.held)}
        order = np.array([row.get(i, 0) for i in population._by_place()])
        population.state = population._put(jax.tree.map(lambda a: a[order], snapshot.state), BY_MEMBER)
        return population

    def snapshot(self) -> Snapshot:
        """Return all that goes on from here, as plain data."""
        held = tuple(sorted(self._place))
        places = np.array([self._place[i] for i in held])
        state = jax.tree.map(lambda a: np.asarray(a)[places], jax.device_get(self.state))
        return Snapshot(self.rounds, self._places, tuple(map(_copied, self.trained)), tuple(self._entered), held, state)

    def _prepare(
        self,
        places: int,
        rows: Rows,
        folds: Sequence[Fold],
        mesh: Mesh | None,
        width: int | None,
        ages: int,
        merged: Merged | None,
    ) -> None:
        """Set what stays the same while it trains."""
        first = self.trained[0]
        self._merged = merged or together([m.trial.network for m in self.trained], row_shape(rows.batch.x))
        network = self._merged.network(first.trial.network)
        shapes = state_shape(network, rows.batch.x)
        in_order = remembers(shapes.states)
        whole = in_order or any(part.couples_rows for part in network.regularizers)
        splits = 1 if whole else network.batch_size  # a memory belongs to one device, a penalty on means sees all rows
        self.mesh = mesh_for(places, splits) if mesh is None else mesh
        along = self.mesh.shape["member"]
        self._places, self._capacity = places, capacity_for(places, along)
        platform = self.mesh.devices.flat[0].platform
        flat = all(leaf.ndim <= 2 for leaf in jax.tree.leaves(rows.batch.x))
        turns = self._merged.switches or network.precision == ROUNDED
        rule = width_for(platform, parameter_count(shapes.params), self._capacity // along, flat, turns)
        self.width = rule if width is None else min(width, self._capacity // along)
        self.steps, self._max_rounds, self._batch_size = first.steps, first.max_rounds, network.batch_size
        lengths = lengths_of(first.trial.network, rows.batch.x)
        self._batches = batches_in_order if in_order else partial(batches_of, lengths=lengths)
        self._folds, self._room = folds, power_of_two(len(folds) * ages)
        self._rows = rows
        if in_order:
            folds = [fold._replace(valid=in_reading_order(fold.valid, network.batch_size)) for fold in folds]
        self._valid = valid_of(folds, valid_block(network, shapes.states))
        if rows.fit(self.mesh.size):  # so that a round sends its batches only
            self._valid = self._put(self._valid, EVERYWHERE)

    def _lay_out(self, held: Sequence[int]) -> None:
        """Give each of these members a place, those that train in front, and a line to those of equal batches."""
        row = {i: k for k, i in enumerate(held)}
        order, self._active = _in_front([row[i] for i in self.alive], self._capacity, self.mesh.shape["member"])
        self._place = {held[k]: place for place, k in enumerate(order) if k < len(held)}
        self._lines = sorted({(self._entered[i], self.trained[i].trial.fold) for i in self.alive})
        self._members = self._put(self._stacked(), BY_MEMBER)

    def _by_place(self) -> list[int]:
        """Return the member at each place; where there is none, the first."""
        at = {place: i for i, place in self._place.items()}
        return [at.get(place, 0) for place in range(self._capacity)]

    def _stacked(self) -> Member:
        chosen = self._by_place()
        trials = [self.trained[i].trial for i in chosen]
        lines = {line: number for number, line in enumerate(self._lines)}
        return Member(
            stack([self._merged.network(trial.network) for trial in trials], self._capacity),
            np.array([trial.seed for trial in trials], np.uint32),
            np.array([trial.fold for trial in trials], np.int32),
            np.array([lines.get((self._entered[i], self.trained[i].trial.fold), 0) for i in chosen], np.int32),
            np.array([trial.rounds or self._max_rounds for trial in trials], np.int32),
            np.array([trial.goal for trial in trials], np.float32),
        )

    def _begun(self) -> State:
        """Return the state of a beginner at each place."""
        chosen = self._by_place()
        trials = {i: self.trained[i].trial for i in chosen}
        first = {
            i: self._merged.widen(trial.network, *begun(trial, self._rows.batch, self._folds[trial.fold].train))
            for i, trial in trials.items()
        }
        stacked = jax.tree.map(lambda *a: np.stack(a), *(first[i] for i in chosen))
        return begin_all(self._members, self._put(stacked, BY_MEMBER), self.mesh)

    @property
    def alive(self) -> list[int]:
        """Positions of the members that still train."""
        return [i for i, member in enumerate(self.trained) if not member.stopped]

    @property
    def free(self) -> int:
        """How many trials may enter."""
        return self._capacity - len(self.alive)

    def standing(self, seconds: float = 0.0) -> Standing:
        """Return how it stands after a round that took so many seconds."""
        told = [(member.best_score, member.rounds, not member.stopped) for member in self.trained]
        scores, rounds, trains = map(np.array, zip(*told, strict=True))
        return Standing(scores, rounds, trains, seconds)

    def compile(self) -> None:
        """Build the program of a round by advancing nobody."""
        self._advance(np.zeros_like(self._active))

    def begin(self) -> None:
        """Let the devices train a round of every active member, without waiting for them."""
        self._record = self._advance(self._active)

    def end(self) -> Record:
        """Wait for the round that began; return the record of all members, by place."""
        return jax.device_get(self._record)

    def advance(self) -> Record:
        """Train a round of every active member; return the record of all, by place."""
        self.begin()
        return self.end()

    def note(self, record: Record, seconds: float) -> None:
        """Write a round's record into the members, and move the active ones to the front where some stopped."""
        alive = self.alive
        self.rounds += 1
        for i in alive:
            member, place = self.trained[i], self._place[i]
            member.curve.append((float(record.train_cost[place]), float(record.valid_cost[place])))
            member.layers.append(self._merged.by_layer(member.trial.network, record.layers[place]))
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

    def enter(self, trials: Sequence[Trial]) -> list[int]:
        """Let further trials of the same structure train along, in the places of those that have stopped.

        Returns their positions. Each begins with its own first step and meets the batches that it would meet alone.
        Raises `ValueError` where there are not so many `free` places, or too many ages of members.
        """
        if not all(self._merged.holds(trial.network) for trial in trials):
            raise ValueError("trials cannot enter whose structure none of the population had when it began")
        alive, new = self.alive, range(len(self.trained), len(self.trained) + len(trials))
        entered, folds = {(self._entered[i], self.trained[i].trial.fold) for i in alive}, {t.fold for t in trials}
        if len(trials) > self.free or len(entered | {(self.rounds, fold) for fold in folds}) > self._room:
            raise ValueError(
                f"{len(trials)} trials cannot enter: {self.free} of {self._capacity} places are free, and there is "
                f"room for members of {self._room} folds and ages; make a population of more members, or of more ages"
            )
        self._collect(i for i in self._place if i not in alive)
        self.trained += [Trained(trial, self._max_rounds, self.steps) for trial in trials]
        self._entered += [self.rounds] * len(trials)
        before = self._place
        self._lay_out([*alive, *new])
        order = np.array([before.get(i, 0) for i in self._by_place()], np.int32)
        _, moved = reorder(self._members, self.state, order, mesh=self.mesh)
        enters = self._put(np.array([i in new for i in self._by_place()]), BY_MEMBER)
        self.state = exchange(enters, self._begun(), moved, mesh=self.mesh)
        return list(new)

    def parameters(self) -> Any:
        """Return the latest parameters of all members, as the program has them, stacked in their order."""
        at = np.array([self._place[i] for i in range(len(self.trained))])
        return jax.tree.map(lambda a: a[at], jax.device_get(self.state.params))

    def finish(self, reason: str) -> list[Trained]:
        """Stop whoever still trains for `reason`; return all members, with their best parameters if they trained."""
        for member in self.trained:
            member.stopped = member.stopped or reason
        self._collect(i for i in self._place if self.trained[i].rounds)
        return self.trained

    def _collect(self, chosen: Iterable[int]) -> None:
        """Bring the best parameters of some members to the host."""
        params, states = jax.device_get(self.state.best)
        for i in chosen:
            member, place = self.trained[i], self._place[i]
            best = jax.tree.map(lambda a, place=place: a[place].copy(), (params, states))
            member.params, member.states = self._merged.cut(member.trial.network, *best)

    def _advance(self, active: np.ndarray) -> Record:
        lines = [
            self._batches(self._folds[fold], self._batch_size, self.rounds - entered, self.steps)
            for entered, fold in self._lines
        ]
        rows, (batches, valid) = self._rows.on(self.mesh, padded_batches(lines, self._room), self._valid[0])
        folds = Folds(self._put(batches, EVERYWHERE), self._put(valid, EVERYWHERE), self._valid[1])
        limits = Limits(np.int32(self.steps), np.int32(self._max_rounds))
        self.state, record = advance(
            self._members,
            self.state,
            rows,
            folds,
            limits,
            self._put(active, BY_MEMBER),
            mesh=self.mesh,
            width=self.width,
        )
        return record

    def _compact(self) -> None:
        at = {place: i for i, place in self._place.items()}
        places = [self._place[i] for i in self.alive]
        order, self._active = _in_front(places, self._capacity, self.mesh.shape["member"])
        self._members, self.state = reorder(self._members, self.state, np.array(order, np.int32), mesh=self.mesh)
        self._place = {at[old]: new for new, old in enumerate(order) if old in at}

    def _put(self, tree: Any, spec: Any) -> Any:
        return jax.device_put(tree, NamedSharding(self.mesh, spec))


def _copied(member: Trained) -> Trained:
    return replace(member, curve=[*member.curve], layers=[*member.layers])


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
    """Return the steps of each row, where rows are padded and a layer goes through their steps; else None.

    Of rows of several parts it is the sum over those of which this is so.
    """
    return _lengths([*network.layers, *(layer for head in heads(network) for layer in head.layers)], x)


def _lengths(layers: Sequence[Layer], x: Any) -> np.ndarray | None:
    first = bare(layers[0]) if layers else None
    if isinstance(first, Branches):
        each = (_lengths(branch.layers, part) for branch, part in zip(first.branches, x, strict=True))
        found = [steps for steps in each if steps is not None]
        return np.sum(found, axis=0) if found else None
    if first is None or not first.masks or not any(map(_unrolls, layers)):
        return None
    mask = first.mask(x, None)
    return None if mask is None else np.where(mask, np.arange(1, mask.shape[1] + 1), 0).max(1)


def _unrolls(layer: Layer) -> bool:
    return layer.unrolls or any(map(_unrolls, layer.inner))


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
