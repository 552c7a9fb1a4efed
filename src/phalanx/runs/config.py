"""The configuration of a run: what `config.yaml` holds and the command line overrides."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from phalanx.baselines import baselines
from phalanx.data import Task
from phalanx.data.encoding import SCALINGS
from phalanx.data.letters import one_form
from phalanx.data.texts import CODECS
from phalanx.errors import InputError
from phalanx.forecast import forecast_baselines
from phalanx.likelihoods import Likelihood
from phalanx.network import Network
from phalanx.options import Options, check_number, check_whole, check_word
from phalanx.population.refit import RULES
from phalanx.spec import subclasses
from phalanx.spec.fields import field, unknown
from phalanx.spec.plain import field_from_plain, to_plain
from phalanx.spec.yaml import read_yaml
from phalanx.stopping import EarlyStopping

DEFAULT = "default"
"""Where a part is not given: the default for the data at hand."""

RECORDED = ("rounds", "widths", "cut")
"""What a run writes down so that it can be repeated; meaningless for a run with other options."""

_PARTS = ("layers", "likelihood", "regularizers", "optimizer", "stopping", "batch_size")
_COLUMNS = ("target", "forecast", "time", "text", "id", "group", "ignore", "category", "number", "missing", "size")
_LISTS = ("target", "ignore", "category", "number", "missing", "baselines", *RECORDED)
_LARGEST_SIDE = 4096


@dataclass(frozen=True, kw_only=True)
class Config(Options):
    """All options of a run. Parts are specifications, or "default".

    `source`, `target` (columns; in plain data one is a word), `text` (a table's column of texts); of a text
    file `tokens` ("characters", "words" or "bpe"; None: characters); of a series
    `forecast` (the column), `horizon` (steps ahead; default 1), `window` (steps of the past; None: found out),
    `time` (its column; None: the only one of dates, or the order of rows); `task`, `metric`,
    `ignore`, `category` and `number` (columns whose numbers are names, or that are numbers, whatever they seem),
    `missing` (spellings that mean missing in every column, in place of those found out; see docs/tables.md), `id`,
    `group`, `test` (a share of the rows, or a source; None: rows that the source itself holds out, or
    else 0.2), `valid` (a share of the rest), `seed`; of images `size` ("28" or "28x32", height first; None: their own);
    of files `strict` (a broken one is an error); of the numbers of a table `scaling` (see `phalanx.Classifier`);
    `trials`, `design`, `structures`, `repeats`, `max_rounds`,
    `round_steps`, `minutes`, `baselines` (their names; None: all that the time allows); `refit`,
    `bootstrap`, `vote`, `samples` (see `phalanx.Classifier`); `layers`, `likelihood`, `regularizers`, `optimizer`,
    `stopping`, `batch_size`. `rounds`, `widths` and `cut` are written by a run: the rounds each population trained, its
    width, and where the time was short the rounds after which each network was stopped in favour of others (0: it was
    not), by which the run can be repeated to the bit. Raises `InputError` for a value that no run can use.
    """

    source: str | None = None
    target: tuple[str, ...] = ()
    text: str | None = None
    tokens: str | None = field(default=None, choices=tuple(CODECS))
    forecast: str | None = None
    horizon: int | None = field(default=None, at_least=1, at_most=100_000)
    window: int | None = field(default=None, at_least=1, at_most=100_000)
    time: str | None = None
    task: Task | None = None
    metric: str | None = None
    ignore: tuple[str, ...] = ()
    category: tuple[str, ...] = ()
    number: tuple[str, ...] = ()
    missing: tuple[str, ...] | None = None
    id: str | None = None
    group: str | None = None
    test: float | str | None = None
    valid: float = field(default=0.2, above=0, below=1)
    size: str | None = None
    strict: bool = field(default=False)
    scaling: str = field(default="robust", choices=SCALINGS)
    baselines: tuple[str, ...] | None = None
    layers: Any = DEFAULT
    likelihood: Any = DEFAULT
    regularizers: Any = ()
    optimizer: Any = DEFAULT
    stopping: Any = DEFAULT
    batch_size: Any = DEFAULT
    rounds: tuple[int, ...] | None = None
    widths: tuple[int, ...] | None = None
    cut: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("text", "forecast", "time", "id", "group"):
            if isinstance(given := getattr(self, name), str):
                object.__setattr__(self, name, one_form(given) or given)
        for name in ("target", "ignore", "category", "number"):
            if isinstance(given := getattr(self, name), tuple):
                names = tuple((one_form(one) or one) if isinstance(one, str) else one for one in given)
                object.__setattr__(self, name, names)
        for name in ("source", "text", "forecast", "time", "metric", "id", "group"):
            _check_texts(name, () if getattr(self, name) is None else (getattr(self, name),))
        _check_texts("target", self.target)
        for name in ("ignore", "category", "number"):
            _check_texts(name, getattr(self, name))
        for word in self.missing or ():
            if not isinstance(word, str):
                raise InputError(f"missing is {word!r}, but must be text")
        if both := set(self.category) & set(self.number):
            raise InputError(f"category and number both name {min(both)!r}; leave one out")
        if self.task is not None:
            check_word("task", self.task, ("classify", "regress"))
        for name in self.baselines or ():
            check_word("baselines", name, tuple({**baselines("classify"), **forecast_baselines()}))
        for name, least in (("rounds", 0), ("widths", 1), ("cut", 0)):
            for value in getattr(self, name) or ():
                check_whole(name, value, least)
        if self.test is not None and not isinstance(self.test, str):
            check_number("test", self.test, at_least=0, below=1)
        self._check_columns()
        self._check_forecast()
        _ = self.image_size
        if self.refit in RULES and self.stopping is None:
            raise InputError(f"refit is {self.refit!r}, which needs early stopping to say how long; set stopping")

    @property
    def image_size(self) -> tuple[int, int] | None:
        """The height and width that images become, None: found out."""
        if self.size is None:
            return None
        sides = self.size.lower().split("x") if isinstance(self.size, str) else []
        if not 1 <= len(sides) <= 2 or not all(side.isdecimal() and 1 <= int(side) <= _LARGEST_SIDE for side in sides):
            raise InputError(
                f"size is {self.size!r}, but must be a side of 1 to {_LARGEST_SIDE:,} pixels, or HEIGHTxWIDTH, as 28x32"
            )
        return int(sides[0]), int(sides[-1])

    def _check_columns(self) -> None:
        for target in self.target:
            if self.target.count(target) > 1:
                raise InputError(f"target names {target!r} {self.target.count(target)} times; once is enough")
            for name, held in (
                ("text", (self.text,)),
                ("ignore", self.ignore),
                ("id", (self.id,)),
                ("group", (self.group,)),
            ):
                if target in held:
                    raise InputError(f"{name} names the target {target!r}; give another column")

    def _check_forecast(self) -> None:
        if self.forecast is None:
            for name in ("horizon", "window", "time"):
                if getattr(self, name) is not None:
                    raise InputError(f"{name} is for forecasts; say which column with --forecast, or leave it out")
            return
        for name in ("target", "text", "task", "id", "group", "scaling"):
            if getattr(self, name) != getattr(Config, name):
                raise InputError(f"{name} does not go with --forecast, which says what to predict; leave one out")

    def space(self, default: Network) -> Network:
        """Return the space of networks to search: the parts given, and the default ones for the rest."""
        given = {name: getattr(self, name) for name in _PARTS if getattr(self, name) != DEFAULT}
        if "layers" in given and "optimizer" not in given:
            given["optimizer"] = Network(given["layers"], default.likelihood).optimizer
        if "layers" in given and "stopping" not in given:
            given["stopping"] = EarlyStopping()
        return dataclasses.replace(default, **given)

    def to_plain(self) -> dict[str, Any]:
        """Return the configuration as plain data, parts included; no target is None, and one a word."""
        plain = {f.name: to_plain(getattr(self, f.name)) for f in dataclasses.fields(self)}
        return plain if len(self.target) > 1 else {**plain, "target": self.target[0] if self.target else None}


def read_config(path: Path) -> dict[str, Any]:
    """Read the options of a YAML file, with parts in place of their plain form; names that do not exist are errors.

    An option without a value has its default, but `stopping: null` is training without early stopping.
    """
    data = {} if (read := read_yaml(path)) is None else read
    known = [f.name for f in dataclasses.fields(Config)]
    if not isinstance(data, dict):
        raise InputError(f"{path}: should be a map of options, such as `target: price`")
    for name in data:
        if name not in known:
            raise unknown(str(path), "option", str(name), known)
    options = {name: value for name, value in data.items() if value is not None or name == "stopping"}
    for name, value in options.items():
        if name in _PARTS:
            options[name] = value if value == DEFAULT else field_from_plain(Network, name, value, str(path))
        elif name in _LISTS:
            options[name] = tuple(value) if isinstance(value, list) else (value,)
        if name in _COLUMNS:  # YAML reads the name of column `3` as a number
            options[name] = _as_text(options[name])
    try:
        Config(**options)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    return options


def likelihood_named(name: str) -> Likelihood:
    """Return a likelihood with its defaults by its name; capitals, hyphens and underscores do not matter.

    Raises `InputError` for an unknown one.

    >>> likelihood_named("Heteroscedastic-Gaussian")
    HeteroscedasticGaussian()
    """
    known = {cls.kind(): cls for cls in subclasses(Likelihood)}
    for kind, cls in known.items():
        if _bare(kind) == _bare(name):
            return cls()
    raise unknown("--likelihood", "likelihood", name, known)


def _bare(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "")


def _as_text(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(map(_as_text, value))
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _check_texts(name: str, values: Any) -> None:
    for value in values:
        if not isinstance(value, str) or not value:
            raise InputError(f"{name} is {value!r}, but must be text")
