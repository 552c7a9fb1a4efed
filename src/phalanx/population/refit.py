"""Training on all rows once early stopping has said how long (MAP F3; book, Algorithms 7.2 and 7.3)."""

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from phalanx.model import Batch, fresh, remembers
from phalanx.network import Network
from phalanx.parts import at_progress
from phalanx.population.backend import mesh_for
from phalanx.population.batches import Fold, in_reading_order, valid_of
from phalanx.population.member import valid_block
from phalanx.population.predict import Final
from phalanx.population.program import mean_cost
from phalanx.population.rows import Rows
from phalanx.population.train import Clock, Outcome, train
from phalanx.population.trial import Trained, Trial
from phalanx.population.view import Watch

FINISHED = ("steps", "goal", "max_rounds")
"""How training again ends where it comes to its end; see `Refitted`."""


@dataclass(frozen=True)
class Refitted:
    """A member trained on all rows: what predicts, the rounds it took, and which rule `ended` it.

    "steps": the i* steps of Algorithm 7.2 are done. "goal": the validation cost fell to `goal`, the training cost at
    θ* (7.3). "max_rounds": it never did. "time", "interrupt", "diverged": it is unfinished, and is not used.
    """

    final: Final
    rounds: int
    ended: str
    goal: float | None

    @property
    def finished(self) -> bool:
        """Whether training on all rows came to its end."""
        return self.ended in FINISHED


def refit(
    rule: str,
    members: Sequence[Trained],
    rows: Batch | Rows,
    folds: Sequence[Fold],
    *,
    clock: Clock,
    rounds: Iterable[int] | None = None,
    widths: Iterable[int] | None = None,
    programs: Iterable[int] | None = None,
    watch: Watch | None = None,
    between: np.ndarray | None = None,
) -> tuple[list[Refitted], Outcome]:
    """Train members again on the training and validation rows of their folds, and on the rows `between` the two.

    `rule` "steps" is Algorithm 7.2: afresh from the same initial weights for i* optimizer steps, the number at which
    early stopping found θ* (the book's other choice would be as many passes). "continue" is Algorithm 7.3: on from θ*,
    with a fresh optimizer state and the value that schedules had at θ*, while the mean cost of the validation rows is
    above that of the training rows at θ*, both without penalties and with dropout off; for at most `max_rounds`
    rounds, as the cost may never get there. Other arguments, and the outcome, are as for `train`; without time to
    compile a program and then to train, nobody is trained.
    """
    left = np.zeros(0, np.intp) if between is None else between
    whole = [Fold(np.concatenate([fold.train, left, fold.valid]), fold.valid, fold.seed) for fold in folds]
    rows = Rows.of(rows)
    limits, sides, shared = (None if given is None else iter(given) for given in (rounds, widths, programs))
    found: dict[int, Refitted] = {}
    outcome = Outcome([], [], [])
    goals = {i: _goal(member, rows, folds) for i, member in enumerate(members) if rule == "continue"}
    for i, (low, now) in goals.items():
        if now <= low:
            found[i] = Refitted(members[i].final, 0, "goal", low)
    for steps in dict.fromkeys(member.steps for member in members):  # a round of refitting has as many steps
        chosen = [i for i, member in enumerate(members) if member.steps == steps and i not in found]
        if not chosen:
            continue
        trials = [_afresh(members[i]) if rule == "steps" else _onwards(members[i], goals[i][0], steps) for i in chosen]
        part = train(
            trials,
            rows,
            whole,
            max_rounds=members[0].max_rounds,
            round_steps=steps,
            clock=clock,
            rounds=limits,
            widths=sides,
            programs=shared,
            room=sum(_seconds(members[i]) for i in chosen) if rule == "steps" else None,
            at_least_one=False,
            watch=watch,
        )
        outcome.rounds += part.rounds
        outcome.widths += part.widths
        outcome.programs += part.programs
        for i, again in zip(chosen, part.members, strict=True):
            done = rule == "steps" and again.stopped == "max_rounds"
            goal = goals[i][0] if i in goals else None
            found[i] = Refitted(_final(again, members[i]), again.rounds, "steps" if done else again.stopped, goal)
    return [found[i] for i in range(len(members))], outcome


def still(network: Network, progress: float) -> Network:
    """Return a network with the values that its schedules have at some progress, and without early stopping."""
    held: Any = at_progress(network, np.float32(progress))
    return dataclasses.replace(jax.tree.map(float, held), stopping=None)


def _seconds(member: Trained) -> float:
    """Return how long it took to train to the best round."""
    return member.seconds * member.best_round / member.rounds


def _afresh(member: Trained) -> Trial:
    network = dataclasses.replace(member.trial.network, stopping=None)
    return dataclasses.replace(member.trial, network=network, rounds=member.best_round)


def _onwards(member: Trained, goal: float, steps: int) -> Trial:
    """Return the trial that goes on from the best parameters; its noise is not that of the first training."""
    network = still(member.trial.network, member.best_round / member.max_rounds)
    seed = (member.trial.seed + 1) % 2**32
    states = jax.device_get(fresh(member.states, member.trial.network.batch_size))  # reading begins anew
    return dataclasses.replace(member.trial, network=network, seed=seed, goal=goal, trained=(member.params, states))


def _final(again: Trained, member: Trained) -> Final:
    """Return what predicts; with the stopping rule that it had, so that it is of one structure with the first."""
    final = dataclasses.replace(again, best_round=again.rounds).final
    network = dataclasses.replace(final.network, stopping=member.trial.network.stopping)
    return final._replace(network=network)


def _goal(member: Trained, rows: Rows, folds: Sequence[Fold]) -> tuple[float, float]:
    """Return the mean cost of the training rows, and of the validation rows, at θ*."""
    final, fold = member.final, folds[member.trial.fold]
    knobs = jax.tree.map(np.float32, final.network)

    def at(chosen: np.ndarray) -> float:
        if remembers(final.states):
            chosen = in_reading_order(chosen, final.network.batch_size)
        index, number = valid_of([Fold(chosen, chosen, 0)], valid_block(final.network, final.states))
        held, (index,) = rows.alone(mesh_for(1, 1), index)
        progress = np.float32(final.progress)
        return float(mean_cost(knobs, final.params, final.states, held, index[0], number[0], progress))

    return at(fold.train), at(fold.valid)
