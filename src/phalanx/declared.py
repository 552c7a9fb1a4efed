"""How an option is declared, once: with its default, its range and its sentence, from which every door follows.

A group of options is a class under `@options`; what derives from it has them as fields and in its signature: the
configuration of a run, which checks them at once, and estimators, which store them and check in `fit`, as scikit-learn
asks. Nothing is imported here that is slow, since the help of the shell is made of the declarations.
"""

import dataclasses
import textwrap
import types
import typing
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

from phalanx.constraint import Constraint

SWITCH = ""
"""The `metavar` of an option of the shell that takes no value: `--NAME` or `--no-NAME`."""

COLUMN = "COL"
"""The `metavar` of an option that names columns of a table."""

DEFAULT = "default"
"""What stands in a configuration for a part that is not given: the default for the data at hand."""

Group = TypeVar("Group")


@dataclass(frozen=True)
class Option:
    """What is declared of an option beside its name, type and default.

    `sentence` says what it is, without a full stop; `means` what the default stands for, and `more` what only the
    docstring of an estimator has room for. `metavar` stands for its value in the shell's help, None: the shell has no
    such option; `shell` is the sentence there, if another. `what` are words for its values where its type is `Any`.
    `of`: which data have it, in the words of a message, where not all do. `empty`: whether it may hold an empty text.
    `key` is its name in the configuration, if another.
    """

    sentence: str
    means: str = ""
    more: str = ""
    metavar: str | None = None
    shell: str = ""
    what: str = ""
    of: str = ""
    empty: bool = False
    constraint: Constraint = Constraint()
    key: str = ""

    def help(self, default: Any) -> str:
        """Return the sentence for the shell, with the default."""
        given = None if default in (None, (), DEFAULT) or isinstance(default, bool) else default
        usual = ", ".join(str(part) for part in (given, self.means or None) if part is not None)
        return (self.shell or self.sentence) + (f"; default: {usual}." if usual else ".")

    def description(self, default: Any) -> str:
        """Return the sentences of the docstring."""
        usual = f"; {default!r}: {self.means}" if self.means else ""
        return f"{self.sentence}{usual}." + (f" {self.more}" if self.more else "")


class Declared(NamedTuple):
    """An option of a class, with the annotation of its field."""

    name: str
    hint: Any
    default: Any
    option: Option

    @property
    def key(self) -> str:
        """Its name in the configuration."""
        return self.option.key or self.name

    @property
    def types(self) -> tuple[Any, ...]:
        """The alternatives of its annotation, without None."""
        union = typing.get_origin(self.hint) in (typing.Union, types.UnionType)
        return tuple(one for one in (typing.get_args(self.hint) if union else [self.hint]) if one is not types.NoneType)

    @property
    def several(self) -> bool:
        """Whether it holds a list of values."""
        return any(typing.get_origin(one) in (tuple, Sequence) for one in self.types)

    @property
    def values(self) -> str:
        """The values that it may have, in words."""
        if self.option.what:
            return self.option.what
        words, limits = list(dict.fromkeys(_words(self.hint))), self.option.constraint
        if limits.choices is not None:
            chosen = "{" + ", ".join(map(repr, limits.choices)) + "}"
            words = [chosen if word == "str" else word for word in words]
        elif limits.at_least is not None and limits.at_most is not None:
            words[0] += f" from {limits.at_least:,} to {limits.at_most:,}"
        elif limits != Constraint():
            words[0] += f" {limits}"
        return " or ".join(words)


def option(
    sentence: str,
    *,
    default: Any,
    means: str = "",
    more: str = "",
    metavar: str | None = None,
    shell: str = "",
    what: str = "",
    of: str = "",
    empty: bool = False,
    at_least: float | None = None,
    above: float | None = None,
    at_most: float | None = None,
    below: float | None = None,
    choices: Iterable[str] | None = None,
) -> Any:
    """Declare an option as a field of a group, with its range; see `Option`."""
    limits = Constraint(at_least, above, at_most, below, None if choices is None else tuple(choices))
    return _field(default, Option(sentence, means, more, metavar, shell, what, of, empty, limits))


def again(group: type, name: str, **changes: Any) -> Any:
    """Declare an option of another group once more: under another name, or with `changes`, such as another default.

    >>> from phalanx.study import Search
    >>> @options
    ... class Mine:
    ...     seeds: int = again(Search, "repeats", default=5)
    >>> [(one.name, one.key, one.default, one.option.sentence) for one in declared(Mine)]
    [('seeds', 'repeats', 5, 'Seeds for each trial')]
    """
    (held,) = [one for one in declared(group) if one.name == name]
    default = changes.pop("default", held.default)
    return _field(default, dataclasses.replace(held.option, **{"key": held.key, **changes}))


@typing.dataclass_transform(eq_default=False, kw_only_default=True)
def options(cls: type[Group]) -> type[Group]:
    """Make a class a group of options, which stand as keywords in the signature of what derives from it."""
    return dataclass(kw_only=True, eq=False, repr=False)(cls)


def declared(cls: type) -> Iterator[Declared]:
    """Yield the options of a class, in the order of its signature."""
    hints = typing.get_type_hints(cls)
    for held in sorted(dataclasses.fields(cls), key=lambda held: bool(held.kw_only)):
        if "option" in held.metadata:
            yield Declared(held.name, hints[held.name], held.default, held.metadata["option"])


def parameters(cls: type) -> str:
    """Return a docstring's list of the options of a class, as numpydoc has it."""
    lines = ["Parameters", "----------"]
    for one in declared(cls):
        lines.append(f"{one.name} : {one.values}, default={one.default!r}")
        lines += textwrap.wrap(
            one.option.description(one.default), 116, initial_indent="    ", subsequent_indent="    "
        )
    return "\n".join(lines)


def _field(default: Any, held: Option) -> Any:
    return dataclasses.field(default=default, metadata={"option": held, "constraint": held.constraint})


def _words(hint: Any) -> Iterator[str]:
    """Yield words for the types that an annotation names, None last."""
    arguments = typing.get_args(hint)
    if isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union:
        for one in sorted(arguments, key=lambda one: one is types.NoneType):
            yield from _words(one)
    elif typing.get_origin(hint) is typing.Literal:
        yield "str"
    elif arguments:
        yield f"list of {next(_words(arguments[0]))}"
    else:
        yield "None" if hint is types.NoneType else getattr(hint, "__name__", str(hint))
