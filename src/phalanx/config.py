"""The configuration of a run: what `config.yaml` holds and the command line overrides."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from phalanx.data.letters import one_form
from phalanx.declared import COLUMN, DEFAULT, declared
from phalanx.errors import InputError
from phalanx.likelihoods import Likelihood
from phalanx.network import Network
from phalanx.options import Options, is_text
from phalanx.parts import subclasses
from phalanx.parts.fields import unknown
from phalanx.parts.kinds import kind_of
from phalanx.parts.part import check_field
from phalanx.parts.plain import field_from_plain, to_plain
from phalanx.parts.yaml import read_yaml
from phalanx.stopping import EarlyStopping
from phalanx.study import RULES, Parts, Record, Study

RECORDED = tuple(one.name for one in declared(Record))
"""What a run writes down so that it can be repeated; meaningless for a run with other options."""

PARTS = ("likelihood", *(one.name for one in declared(Parts)))
"""What a configuration says of the space of networks."""

_LARGEST_SIDE = 4096


@dataclass(kw_only=True)
class Config(Options, Study):
    """All options of a run; see `phalanx.study` and docs/options.md. Parts are specifications, or "default".

    Raises `InputError` for a value that no run can use.
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        for one in declared(Config):
            if one.option.metavar == COLUMN:
                object.__setattr__(self, one.name, _one_form(getattr(self, one.name)))
        if both := set(self.category) & set(self.number):
            raise InputError(f"category and number both name {min(both)!r}; leave one out")
        if self.precision != DEFAULT:
            check_field(Network, "precision", self.precision)
        self._check_columns()
        _ = self.image_size
        if (self.folds or 1) > 1 and self.valid != Config.valid:
            raise InputError("valid does not go with folds, each of which validates once; leave one of the two out")
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

    def space(self, default: Network) -> Network:
        """Return the space of networks to search: the parts given, and the default ones for the rest."""
        given = {name: getattr(self, name) for name in PARTS if getattr(self, name) != DEFAULT}
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
    known = {one.name: one for one in declared(Config)}
    if not isinstance(data, dict):
        raise InputError(f"{path}: should be a map of options, such as `target: price`")
    for name in data:
        if name not in known:
            raise unknown(str(path), "option", str(name), known)
    options = {name: value for name, value in data.items() if value is not None or name == "stopping"}
    for name, value in options.items():
        if name in PARTS:
            options[name] = value if value == DEFAULT else field_from_plain(Network, name, value, str(path))
        elif kind_of(known[name].hint).listed:
            options[name] = tuple(value) if isinstance(value, list) else (value,)
        if is_text(known[name]):  # YAML reads the name of column `3` as a number
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
    raise unknown("likelihood", "likelihood", name, known)


def _bare(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "")


def _as_text(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(map(_as_text, value))
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _one_form(names: Any) -> Any:
    """Return the name of a column, or several, with each letter in one form; what is no text as it is."""
    if isinstance(names, tuple):
        return tuple(map(_one_form, names))
    return (one_form(names) or names) if isinstance(names, str) else names
