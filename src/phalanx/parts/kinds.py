"""What the annotation of a field says: which values may stand there, one or a list, knob or structure."""

import dataclasses
import types
import typing
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Literal

from phalanx.parts.distributions import KNOB, Distribution

_WORDS = {float: "a number", int: "a whole number", bool: "true or false", str: "a word"}


@dataclasses.dataclass(frozen=True)
class FieldKind:
    """What may stand in a field: `classes` of a value, or where it is `listed` of its elements; `knob`: see `Knob`.

    `alone`: where it is listed, one value without a list may stand there too.
    """

    classes: tuple[type, ...]
    listed: bool = False
    knob: bool = False
    alone: bool = False

    @property
    def named(self) -> tuple[type, ...]:
        """The classes without distributions and None: what the field is about."""
        return tuple(c for c in self.classes if c not in (Distribution, types.NoneType))

    @property
    def lists_parts(self) -> bool:
        """Whether it is a list of parts."""
        return self.listed and not set(_WORDS) & set(self.classes)

    def admits(self, value: Any) -> bool:
        """Say whether one plain value, part or distribution has a class that may stand here."""
        if isinstance(value, bool):
            return bool in self.classes or object in self.classes
        if isinstance(value, int) and float in self.classes:
            return True
        # An array without axes is a knob of a part that is made inside a compiled function.
        return isinstance(value, self.classes) or (self.knob and getattr(value, "shape", None) == ())

    def __str__(self) -> str:
        articles = {c: "an" if c.__name__[0] in "AEIO" else "a" for c in self.named}
        return " or ".join(_WORDS.get(c, f"{article} {c.__name__}") for c, article in articles.items())


def subclasses(base: type[Any], *, internal: bool = False) -> Iterator[type[Any]]:
    """Yield every part class under `base` that can be instantiated, the user's own included, the newest last.

    With `internal` those too that the program alone makes.
    """
    for cls in base.__subclasses__():
        made = "kinds" in vars(cls) and not getattr(cls, "__abstractmethods__", None)
        if made and (internal or not cls.internal):
            yield cls
        yield from subclasses(cls, internal=internal)


def kind_of(hint: Any) -> FieldKind:
    """Return the kind that an annotation declares; one that says nothing of use admits any object."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is Annotated:
        kind = kind_of(arguments[0])
        return dataclasses.replace(kind, knob=kind.knob or KNOB in arguments[1:])
    if origin is Literal:
        return FieldKind(tuple(dict.fromkeys(map(type, arguments))))
    if origin in (typing.Union, types.UnionType, tuple, Sequence, list):
        kinds = [kind_of(argument) for argument in arguments if argument is not ...]
        union = origin in (typing.Union, types.UnionType)
        return FieldKind(
            classes=tuple(dict.fromkeys(c for kind in kinds for c in kind.classes)),
            listed=not union or any(kind.listed for kind in kinds),
            knob=any(kind.knob for kind in kinds),
            alone=union and len({kind.listed for kind in kinds if kind.classes != (types.NoneType,)}) > 1,
        )
    return FieldKind((hint,) if isinstance(hint, type) else (object,))
