"""Which activation, how many layers: nothing but trying tells, and it is another on other data."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from scipy.stats import spearmanr
from sklearn.datasets import load_digits

from phalanx import (
    Absolute,
    Adam,
    Classifier,
    Dense,
    HardTanh,
    InputError,
    Layer,
    LeakyReLU,
    Linear,
    Regressor,
    ReLU,
    Sigmoid,
    Softplus,
    Tanh,
    choice,
    repeat,
)
from phalanx.display import listed

ROWS = ("C5",)

TEXT = r"""
There is no algorithm, the notes say, that chooses an activation, and none for the number of layers: one needs insight
into the domain, or one has to try. The book agrees (sections 6.3 and 6.4.1). Here everything is tried at once.

«source: space»

## The trial

Each of «activations» activations is combined with each number of hidden layers («depths») and each width («units»).
That makes «structures» structures. Each is trained from «seeds» seeds, all «networks» networks as one population, by
the same rule, with the same step size and for the same number of rounds. All are scored on the same «share:.0%» of the
rows, which none of them learned from. This is done on two data sets: «first», and «second».

## What mattered

The scores of «networks» networks are spread. How much of that spread is due to what? As every combination was trained
equally often, the squared deviations from the mean split into parts that add up: the activation, the number of layers
and the width each by itself; what they do only together; and the seed, which is chance.

«source: shares_of_spread»

«effects»

![What the spread of the scores is due to, on each data set.](effects)

On «first» the «mattered_first» mattered most by itself, on «second» the «mattered_second». The two columns on the
right set the structures against chance: how far (as a standard deviation) a structure's score is from the mean of all,
and how far a seed's score is from the mean of its structure. Seeds are not nothing. Two structures that are each
trained once, and whose scores differ by no more than the last column, have not been told apart.

## Does one activation win?

«by_activation»

By the mean over all depths and widths «top_first» leads on the first data set and is number «rank_of_first» of
«activations» on the second, where «top_second» leads. The best structure of the first has «best_first», one of the best
of the second «best_second». Over all «structures» structures the ranks on the two data sets have a correlation of
«correlation:.2f»; 1 would mean that trying on one of them answers for the other.

![Each structure on both data sets: the mean of its scores over seeds. Up and right is better.](both)

How far is the choice decided? Among the better half of the structures a seed moves the score by «top_chance_first:.3f»
on the first data set and by «top_chance_second:.3f» on the second. With «seeds» seeds, «tied_first» structures of the
first are then within two standard errors of the best one, and «tied_second» of the second. Among those one may choose
what is smaller or quicker. So trying does not find *the* structure. It finds which choices matter for the data at hand,
and leaves the others free.

None of this is a rule for a third data set, or for another step size or more rounds, under which slow activations may
catch up. That there is no rule is what the notes say, and why Phalanx makes trying cheap: the «networks» networks took
one call of `fit`. Put your own table in the place of the first data set by `--data`.
"""

SHARE = 0.3
"""Of the rows, that validate."""
MOST_ROWS = 2000
STEPS = 40
"""Of the optimizer, a round."""
ACTIVATIONS = (Linear(), ReLU(), LeakyReLU(0.1), Absolute(), Softplus(), HardTanh(), Tanh(), Sigmoid())
CHOICES = ("activation", "layers", "units")


class Rows(NamedTuple):
    """A data set: what it is called in a sentence, its rows and targets, and rounds of training."""

    name: str
    X: Any
    y: Any
    rounds: int


def compute(
    seeds: int = 3,
    activations: Sequence[Layer] = ACTIVATIONS,
    layers: Sequence[int] = (1, 2, 3, 4),
    units: Sequence[int] = (4, 8, 16, 32, 64),
    rounds: tuple[int, int] = (15, 22),
    data: str | None = None,
    target: str | None = None,
) -> dict[str, Any]:
    """Return the scores of every structure on two data sets, and what their spread is due to.

    `data`: a CSV file in place of the first of them, `target`: its column, the last where none is named.
    """
    sets = [digits(rounds[0]) if data is None else of_file(data, target, rounds[0]), spirals(rounds[1])]
    scores = [trial(rows, space(activations, layers, units), seeds) for rows in sets]
    shares = [shares_of_spread(held) for held in scores]
    means = pd.concat([mean_of(held) for held in scores], axis=1, keys=["first", "second"])
    by_activation = means.groupby("activation", sort=False).mean()
    top = by_activation.idxmax()
    found: dict[str, Any] = {
        "activations": len(activations),
        "depths": listed(list(map(str, layers)), "or"),
        "units": listed(list(map(str, units)), "or"),
        "structures": len(means),
        "seeds": seeds,
        "networks": len(scores[0]),
        "share": SHARE,
        "scores": scores,
        "shares": shares,
        "means": means,
        "effects": effects([rows.name for rows in sets], shares, scores),
        "by_activation": activation_table(means, [rows.name for rows in sets]),
        "rank_of_first": int((by_activation["second"] > by_activation["second"][top["first"]]).sum()) + 1,
        "correlation": float(spearmanr(means["first"], means["second"]).statistic),
    }
    for place, rows, held, share in zip(("first", "second"), sets, scores, shares, strict=True):
        best = better_half(held)
        found |= {
            place: rows.name,
            f"mattered_{place}": mattered(share),
            f"top_{place}": top[place],
            f"best_{place}": told(means[place].idxmax()),
            f"top_chance_{place}": chance(best),
            f"tied_{place}": tied(means[place], chance(best), seeds),
        }
    return found


def space(activations: Sequence[Layer], layers: Sequence[int], units: Sequence[int]) -> list[Any]:
    """Return hidden layers of one width and one activation; choices of the same name are made once for all layers."""
    block = [Dense(choice(*units, name="units")), choice(*activations, name="activation")]
    return [repeat(choice(*layers, name="layers"), block)]


def trial(rows: Rows, hidden: list[Any], seeds: int) -> pd.DataFrame:
    """Return the score of every structure from every seed, with what was chosen for it."""
    numbers = pd.api.types.is_float_dtype(rows.y)
    estimator, metric = (Regressor, "r2") if numbers else (Classifier, "accuracy")
    net = estimator(hidden, optimizer=Adam(0.003), stopping=None, max_rounds=rows.rounds, validation_fraction=SHARE)
    net.set_params(design="grid", trials=10_000, repeats=seeds, batch_size=32, round_steps=STEPS, metric=metric)
    net.fit(rows.X, rows.y)
    board = net.leaderboard_.query("kind == 'member'").sort_values("id")
    return board[list(CHOICES)].assign(score=board[f"valid_{metric}"].astype(float)).reset_index(drop=True)


def shares_of_spread(scores: pd.DataFrame) -> dict[str, float]:
    """Return the shares of the squared deviations that each choice, their combination, and seeds are the cause of."""
    score = scores["score"]
    total = ((score - score.mean()) ** 2).sum()

    def due_to(names: list[str]) -> float:
        return float(((scores.groupby(names)["score"].transform("mean") - score.mean()) ** 2).sum() / total)

    alone = {name: due_to([name]) for name in CHOICES}
    structures = due_to(list(CHOICES))
    return {**alone, "together": structures - sum(alone.values()), "seeds": 1 - structures}


def chance(scores: pd.DataFrame) -> float:
    """Return the standard deviation of a score around the mean of its structure, over all structures."""
    return float(np.sqrt(scores.groupby(list(CHOICES))["score"].var(ddof=1).mean()))


def among(scores: pd.DataFrame) -> float:
    """Return the standard deviation of the structures' own scores, without what seeds add to that of their means."""
    groups = scores.groupby(list(CHOICES))["score"]
    return float(np.sqrt(max(groups.mean().var(ddof=1) - chance(scores) ** 2 / groups.size().iloc[0], 0)))


def mean_of(scores: pd.DataFrame) -> pd.Series:
    """Return the mean score of each structure over its seeds."""
    return scores.groupby(list(CHOICES), sort=False)["score"].mean()


def better_half(scores: pd.DataFrame) -> pd.DataFrame:
    """Return the scores of the structures that are at least as good as the median one."""
    means = scores.groupby(list(CHOICES))["score"].transform("mean")
    return scores[means >= means.median()]


def tied(means: pd.Series, deviation: float, seeds: int) -> int:
    """Return how many structures are within two standard errors, of a difference of means, of the best one."""
    return int((means >= means.max() - 2 * deviation * np.sqrt(2 / seeds)).sum())


def effects(names: Sequence[str], shares: Sequence[dict[str, float]], scores: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Return what the spread of the scores is due to, and how large it is among structures and among seeds."""
    table = pd.DataFrame(shares, index=pd.Index(names, name="data")).map("{:.0%}".format)
    deviations = {"among structures": map(among, scores), "among seeds": map(chance, scores)}
    return table.assign(**{name: [round(one, 3) for one in held] for name, held in deviations.items()})


def mattered(shares: dict[str, float]) -> str:
    """Return the choice to which most of the spread is due."""
    named = {"activation": "activation", "layers": "number of layers", "units": "width"}
    return named[max(CHOICES, key=lambda name: shares[name])]


def activation_table(means: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """Return the mean score of each activation over all depths and widths, and its best one, on each data set."""
    groups = means.groupby("activation", sort=False)
    table = pd.concat([groups.mean(), groups.max()], axis=1).round(3).iloc[:, [0, 2, 1, 3]]
    return table.set_axis([f"{name}, {what}" for name in names for what in ("mean", "best")], axis=1)


def told(structure: Any) -> str:
    """Return a structure, an activation with layers and units, in words."""
    activation, layers, units = structure
    return f"{layers} layer{'s' if layers > 1 else ''} of {units} units with {activation}"


def digits(rounds: int) -> Rows:
    """Return handwritten digits of 8 × 8 pixels."""
    X, y = load_digits(return_X_y=True)
    return Rows("handwritten digits", X, y, rounds)


def spirals(rounds: int, rows: int = 1000) -> Rows:
    """Return points of two spirals around each other, which are to be told apart."""
    rng = np.random.default_rng(0)
    radius, y = rng.uniform(0.3, 1, rows), rng.integers(0, 2, rows)
    angle = np.pi * (3 * radius + y)
    X = radius[:, None] * np.column_stack([np.cos(angle), np.sin(angle)]) + rng.normal(0, 0.03, (rows, 2))
    return Rows("two spirals", X, y, rounds)


def of_file(data: str, target: str | None, rounds: int) -> Rows:
    """Return at most 2,000 rows of a CSV file; a target of numbers with a point is predicted, any other classified."""
    table = pd.read_csv(data)
    name = str(table.columns[-1]) if target is None else target
    if name not in table:
        raise InputError(f"{data} has no column {name!r}")
    table = table[table[name].notna()]
    table = table.sample(min(len(table), MOST_ROWS), random_state=0)
    y = table.pop(name)
    return Rows(f"the column {name} of {Path(data).name}", table, y.to_numpy(), rounds)


def draw(found: dict[str, Any]) -> dict[str, Figure]:
    """Return the pictures by name."""
    names = [found["first"], found["second"]]
    effects = Figure(figsize=(5.5, 2.8), layout="constrained")
    axes = effects.subplots()
    left = np.zeros(2)
    for part in found["shares"][0]:
        width = np.array([shares[part] for shares in found["shares"]])
        axes.barh(names, width, left=left, label=part)
        left += width
    axes.invert_yaxis()
    axes.set(xlabel="share of the spread")
    effects.legend(loc="outside upper center", ncols=3)
    both = Figure(figsize=(5.5, 4), layout="constrained")
    axes = both.subplots()
    means = found["means"]
    for i, (activation, held) in enumerate(means.groupby("activation", sort=False)):
        axes.plot(held["first"], held["second"], "os^vDP*X"[i % 8], color=f"C{i}", alpha=0.7, label=str(activation))
    axes.set(xlabel=f"score on {names[0]}", ylabel=f"score on {names[1]}")
    both.legend(loc="outside right upper")
    return {"effects": effects, "both": both}
