"""Every option of a study, declared once: the shell, the configuration, the estimators and docs/options.md follow.

An option is added to the search by one declaration in `Search`; all doors then have it, and the engine finds it in the
settings by its name. See `phalanx.declared`.
"""

from collections.abc import Sequence
from typing import Any, Literal

from phalanx.declared import COLUMN, DEFAULT, SWITCH, again, option, options

DESIGNS = ("random", "sobol", "grid")

RULES = ("steps", "continue")
"""How members are trained again on all rows; see `phalanx.population.refit`."""
NEVER = "none"
"""What is said in place of a rule where nothing is to be trained again."""

ONE_ERROR = "one_standard_error"
WINNERS = ("best", ONE_ERROR)
"""By which rule one network is called the best; see `phalanx.candidates.choose`."""

SCALINGS = ("robust", "standard", "none")
"""How numbers may be scaled: by median and quartiles, and bent; to mean 0 and deviation 1; or not at all."""

TOKENS = ("characters", "words", "bpe")

STEPS = 64
"""Tokens of a row of a language model: how far back the gradient reaches."""

LIKELIHOODS = (
    "bernoulli, gaussian, gaussian_mixture, heteroscedastic_gaussian, multinoulli, multivariate_gaussian or poisson"
)
"""The names of likelihoods; they stand here since finding them out would take a second before any help is shown."""

_LARGEST_INT = 2**31 - 1


@options
class Search:
    """How much to try, and how."""

    trials: int | None = option(
        "Networks to try",
        default=None,
        means="by the rows",
        more="Each is a point of the space that the distributions in parts span; without any there is one.",
        metavar="N",
        at_least=1,
        at_most=100_000,
    )
    repeats: int = option(
        "Seeds for each trial",
        default=1,
        more="They vary initial weights, noise and batches.",
        metavar="N",
        at_least=1,
        at_most=10_000,
    )
    paired: bool = option(
        "Give the networks of all trials the same seed",
        default=False,
        means="each its own",
        more="Initial weights and noise then differ only as far as networks do, so that choices are compared alike.",
    )
    design: str = option(
        "How trials are drawn: sobol (evenly), random or grid", default="sobol", metavar="NAME", choices=DESIGNS
    )
    structures: int | None = option(
        "Most structures to draw",
        default=None,
        means="as many as trials",
        more="Of those that cannot share a compiled program at most 4 are drawn.",
        at_least=1,
        at_most=10_000,
    )
    max_rounds: int | None = option(
        "Most rounds of training", default=None, means="by the rows", at_least=1, at_most=_LARGEST_INT
    )
    round_steps: int | None = option(
        "Optimizer steps of a round",
        default=None,
        means="one pass over the rows, at most 500",
        at_least=1,
        at_most=2**20,
    )
    minutes: float | None = option(
        "Time limit of the training, in minutes",
        default=None,
        means="no limit",
        metavar="M",
        shell="Time limit of the whole command",
        above=0,
    )
    refit: str | None = option(
        "How the members that predict train again on all rows, those that validate too",
        default=None,
        means="only series and texts that stop early, by steps",
        more='"steps": afresh, for as many steps (the book\'s Algorithm 7.2); "continue": on from their best '
        'parameters (7.3); "none": not at all. Scores are from before.',
        metavar="RULE",
        shell="Train again on all rows: steps (afresh), continue or none",
        choices=(*RULES, NEVER),
    )
    winner: str = option(
        "Which network is the best: best, or one_standard_error",
        default="best",
        more='"best": the one of the best validation score; "one_standard_error": the one of fewest parameters, then '
        "of fewest rounds, among those within one standard error of it.",
        metavar="RULE",
        shell="Which network is the best: best, or one_standard_error (the simplest within one of the best)",
        choices=WINNERS,
    )


@options
class Ensembles:
    """How networks predict together."""

    bootstrap: bool = option(
        "Train each network on a bootstrap sample, and average all",
        default=False,
        more="A sample is as many training rows, drawn with replacement; the ensemble is then the mean over all "
        "networks (bagging).",
        metavar=SWITCH,
        of="rows with targets",
    )
    vote: bool = option(
        "Choose classes by majority vote of the networks",
        default=False,
        means="by mean probabilities",
        metavar=SWITCH,
        of="rows with targets",
    )
    temperature: bool = option(
        "Scale the ensemble's probabilities of classes by a temperature",
        default=False,
        more="It is the one of the least log loss on the validation rows, and changes no predicted class. Measured: no "
        "gain, see benchmarks/README.md.",
        metavar=SWITCH,
        shell="Scale the ensemble's probabilities by the temperature of the least validation log loss",
        of="rows with targets",
    )
    samples: int = option(
        "Average predictions over N dropout masks",
        default=0,
        means="scale weights",
        metavar="N",
        at_least=0,
        at_most=_LARGEST_INT,
        of="rows with targets",
    )


@options
class Seed:
    """What makes a study repeat."""

    seed: int = option(
        "Decides splits, trials, weights, batches", default=0, metavar="S", at_least=0, at_most=2**32 - 1
    )


@options
class Parts:
    """What networks are made of; distributions in any part make a search."""

    layers: Any = option(
        "Hidden layers", default=None, means="a space of networks sized by the rows", what="list of Layer"
    )
    regularizers: Any = option(
        "What is done against learning the training rows by heart",
        default=(),
        more="Such as `[L2(loguniform(1e-6, 1e-2))]`.",
        what="list of Regularizer",
    )
    optimizer: Any = option(
        "Rule of the steps, or LeastSquares()",
        default=None,
        means="Adam(), where layers are given",
        what="Optimizer or LeastSquares",
    )
    stopping: Any = option(
        "When to stop early",
        default="auto",
        means="EarlyStopping(), where layers are given",
        more="None: train `max_rounds` rounds, on all rows where nothing is chosen.",
        what="EarlyStopping or 'auto' or None",
    )
    batch_size: Any = option("Rows of a step", default=None, means="by the rows", what="int from 1")
    precision: Any = option(
        "Of the factors of products: float32, bfloat16, or auto, the faster of the two here",
        default="float32",
        more="With bfloat16 factors are rounded to 8 binary digits, which some processors multiply several times "
        "faster; sums and weights stay in float32, and so do convolutions.",
        metavar="NAME",
        what="'float32', 'bfloat16' or 'auto'",
    )


@options
class Target:
    """What networks say of the target, and what ranks them."""

    likelihood: Any = option(
        "Distribution of the target given the outputs",
        default=None,
        means="by the target",
        more="Bernoulli for two classes, Multinoulli for more, Gaussian for numbers; a Joint of Heads for several.",
        metavar="NAME",
        shell=LIKELIHOODS,
        what="Likelihood or Joint",
    )
    metric: str | None = option(
        "What ranks members",
        default=None,
        means="accuracy, rmse, score, or mae of forecasts",
        more="score, of several targets, is the mean of accuracies and r2.",
        metavar="NAME",
    )


@options
class Table:
    """How the cells of a table are read."""

    missing: Sequence[str] | None = option(
        "What means missing in every column, and no other word does",
        default=None,
        means="found out",
        more="Of a DataFrame; see docs/tables.md.",
        metavar="WORD",
        empty=True,
        of="a table",
    )
    scaling: str = option(
        "How the numbers of a table are scaled",
        default="robust",
        more='"robust": in interquartile ranges from the median, and bent so that none lies beyond ±3; "standard": in '
        'deviations from the mean; "none": as they are.',
        metavar="NAME",
        shell="Of a table's numbers: robust, standard or none",
        choices=SCALINGS,
        of="the numbers of a table",
    )


@options
class Series:
    """How a series is cut into windows."""

    horizon: int | None = option(
        "Steps ahead to forecast",
        default=None,
        means="1",
        metavar="H",
        at_least=1,
        at_most=100_000,
        of="a forecast (--forecast COL)",
    )
    window: int | None = option(
        "Steps of the past that a forecast sees",
        default=None,
        means="by the season",
        metavar="N",
        at_least=1,
        at_most=100_000,
        of="a forecast (--forecast COL)",
    )


@options
class Text:
    """How one long text is read."""

    tokens: str | None = option(
        "What a token is",
        default=None,
        means="characters",
        more="Byte pairs (bpe) need the package `tokenizers`.",
        metavar="KIND",
        shell="Of a text file: characters, words or bpe",
        choices=TOKENS,
        of="a text file (.txt)",
    )


@options
class Split:
    """Which rows test and validate."""

    test: float | str | None = option(
        "What to test on, or share of the rows", default=None, means="0.2", metavar="SOURCE|SHARE", at_least=0, below=1
    )
    valid: float = option(
        "Share of the training rows to validate on",
        default=0.2,
        more="Of series and texts the last ones.",
        metavar="SHARE",
        shell="Share of the rest to validate on",
        above=0,
        below=1,
    )

    folds: int | None = option(
        "Parts of the training rows, each of which validates networks that train on the others",
        default=None,
        means="5 of a table of 10 to 999 rows whose space of networks is the usual one, else 1",
        more="1: one part, the share that validates. Folds are usual only where nothing else says what validates (a "
        "share, rows, refit, bootstrap) and no class has fewer than 5 rows. Every trial is then as many networks, "
        "which are ranked and chosen by what each says of the rows that it never saw (cross-validation), and predict "
        "together.",
        metavar="K",
        shell="Folds: each part of the rows validates networks that train on the others; 1: the share that validates",
        of="rows with targets",
        at_least=1,
        at_most=1_000,
    )


@options
class Data:
    """What the data are, and what their columns are for."""

    source: str | None = option(
        "A .csv, .tsv or .parquet table; a folder with a folder of images, sounds or texts for each class; a table "
        "that names WAV files; a text file (.txt); a pair of IDX files; a .npz of X and y; or one of digits iris wine "
        "breast_cancer diabetes",
        default=None,
        metavar="[SOURCE]",
    )
    target: tuple[str, ...] = option(
        "Column to predict; may be given several times", default=(), metavar=COLUMN, of="rows with targets"
    )
    text: str | None = option(
        "Column of texts to learn from, instead of all others", default=None, metavar=COLUMN, of="a table"
    )
    forecast: str | None = option("Column of a series to forecast", default=None, metavar=COLUMN, of="a table")
    time: str | None = option(
        "Column of the times",
        default=None,
        means="the only one of dates",
        metavar=COLUMN,
        of="a forecast (--forecast COL)",
    )
    task: Literal["classify", "regress"] | None = option(
        "classify or regress",
        default=None,
        means="by the target",
        metavar="TASK",
        choices=("classify", "regress"),
        of="rows with targets",
    )
    ignore: tuple[str, ...] = option(
        "Column to leave out; may be given several times", default=(), metavar=COLUMN, of="a table"
    )
    category: tuple[str, ...] = option(
        "Column of names, though they look like numbers", default=(), metavar=COLUMN, of="a table"
    )
    number: tuple[str, ...] = option(
        "Column of numbers, whatever it looks like", default=(), metavar=COLUMN, of="a table"
    )
    id: str | None = option(
        "Column to leave out and copy into predictions", default=None, metavar=COLUMN, of="rows with targets"
    )
    group: str | None = option(
        "Column to leave out; rows equal in it stay on one side of every split",
        default=None,
        metavar=COLUMN,
        of="rows with targets",
    )
    size: str | None = option(
        "Side of all images, or HEIGHTxWIDTH", default=None, means="theirs, at most 64", metavar="PIXELS", of="images"
    )
    strict: bool = option(
        "Stop at a broken file instead of leaving it out", default=False, metavar=SWITCH, of="many files"
    )


@options
class Record:
    """What a run writes down, so that it can be repeated to the bit. It is meaningless for a run with other options."""

    rounds: tuple[int, ...] | None = option(
        "Rounds that each population trained", default=None, at_least=0, at_most=_LARGEST_INT
    )
    widths: tuple[int, ...] | None = option(
        "Members that each population trained side by side", default=None, at_least=1, at_most=_LARGEST_INT
    )
    programs: tuple[int, ...] | None = option(
        "The compiled program of each structure, in the order in which they are trained",
        default=None,
        at_least=0,
        at_most=_LARGEST_INT,
    )
    cut: tuple[int, ...] | None = option(
        "Rounds after which each network was stopped in favour of others where the time was short; 0: it was not",
        default=None,
        at_least=0,
        at_most=_LARGEST_INT,
    )


@options
class Comparison:
    """What networks are compared with."""

    baselines: tuple[str, ...] | None = option("Plain models", default=None, means="all that the time allows")


@options
class Study(Record, Comparison, Seed, Ensembles, Search, Parts, Split, Text, Series, Table, Target, Data):
    """All options of a run, by the names that they have in its configuration."""

    layers: Any = again(Parts, "layers", default=DEFAULT)
    likelihood: Any = again(Target, "likelihood", default=DEFAULT)
    optimizer: Any = again(Parts, "optimizer", default=DEFAULT)
    stopping: Any = again(Parts, "stopping", default=DEFAULT)
    batch_size: Any = again(Parts, "batch_size", default=DEFAULT)
    precision: Any = again(Parts, "precision", default=DEFAULT)
