"""From target columns and a likelihood to goals: which columns share a head, and which likelihood each head gets."""

from collections.abc import Sequence
from typing import Any

from phalanx.data.goals import Goal
from phalanx.data.targets import ClassTarget, NumberTarget
from phalanx.errors import InputError
from phalanx.likelihoods import Bernoulli, Gaussian, Head, Joint, Likelihood, Multinoulli
from phalanx.parts.distributions import Choice
from phalanx.parts.fields import unknown


def group_columns(likelihood: Any, names: Sequence[str], classes: Sequence[bool]) -> list[list[int]]:
    """Return the positions of the columns of each head, for columns of which `classes` says whether they hold classes.

    With a `Joint`, its heads say so, or have one column each, in order. Otherwise columns of numbers alone share one
    head, and mixed ones have one each.
    """
    joint = next((option for option in _options(likelihood) if isinstance(option, Joint)), None)
    if joint is None:
        return [[i] for i in range(len(names))] if any(classes) else [list(range(len(names)))]
    named = [name for head in joint.heads for name in head.targets]
    for name in named:
        if name not in names:
            raise unknown("Head: targets", "target", name, names)
    rest = [i for i, name in enumerate(names) if name not in named]
    unnamed = sum(not head.targets for head in joint.heads)
    if len(set(named)) < len(named) or len(rest) != unnamed:
        count = f"{len(joint.heads)} head{'s' if len(joint.heads) != 1 else ''}"
        targets = f"target{'s' if len(names) > 1 else ''} {', '.join(names)}"
        raise InputError(f"Joint has {count} for the {targets}; each target needs one head")
    return [[names.index(name) for name in head.targets] if head.targets else [rest.pop(0)] for head in joint.heads]


def likelihood_of_each(likelihood: Any, names: Sequence[str]) -> list[Likelihood | None]:
    """Return for each target a likelihood that it may have, None: it gets the usual one."""
    found: list[Likelihood | None] = [None] * len(names)
    if likelihood is not None:
        for head, group in enumerate(group_columns(likelihood, names, [False] * len(names))):
            for i in group:
                found[i] = _of_head(likelihood, head)[0]
    return found


def make_goal(likelihood: Any, head: int, names: Sequence[str], columns: Sequence[ClassTarget | NumberTarget]) -> Goal:
    """Return the goal of a head over columns; they are counts where its likelihood is of counts."""
    kinds = {part.target for part in _of_head(likelihood, head)}
    if len(kinds) > 1:
        raise InputError(f"the likelihoods to choose from are of {' and '.join(sorted(kinds))}; give those of one kind")
    goal = Goal(tuple(names), tuple(columns), counts=kinds == {"counts"})
    for part in _of_head(likelihood, head):
        _check(part, goal)
    return goal


def likelihood_for(goals: Sequence[Goal]) -> Likelihood | Joint:
    """Return the usual likelihood: of numbers, of two classes, of more; and a head for each of several goals."""
    if len(goals) > 1:
        return Joint([Head(_usual(goal), targets=goal.names) for goal in goals])
    return _usual(goals[0])


def _usual(goal: Goal) -> Likelihood:
    return Gaussian() if not goal.classes else Bernoulli() if goal.classes == 2 else Multinoulli()


def _options(likelihood: Any) -> tuple[Any, ...]:
    return likelihood.options if isinstance(likelihood, Choice) else () if likelihood is None else (likelihood,)


def _of_head(likelihood: Any, head: int) -> list[Likelihood]:
    """Return the likelihoods that a head may have."""
    found: list[Likelihood] = []
    for option in _options(likelihood):
        found += _options(option.heads[head].likelihood) if isinstance(option, Joint) else [option]
    return found


def _check(likelihood: Likelihood, goal: Goal) -> None:
    fits = likelihood.target == goal.kind and not (isinstance(likelihood, Bernoulli) and goal.classes > 2)
    if not fits:
        what = f"a target of {goal.classes} classes" if goal.classes else "a target of numbers"
        raise InputError(
            f"likelihood {likelihood.kind()} does not fit {what} ({', '.join(goal.names)}); use {_usual(goal).kind()}"
        )
