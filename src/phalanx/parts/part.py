"""Parts: what a specification is made of.

A part is a frozen dataclass registered with JAX as a tree. A field annotated `Knob` (a number that may differ between
the members of a population) and a field that holds other parts are the tree's children; every other field is structure
and belongs to the tree's definition. Trees of equal definition can be stacked, leaf by leaf, into a population.
"""

import dataclasses
import re
import typing
from abc import ABC
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, TypeVar

import jax

from phalanx.constraint import Constraint
from phalanx.errors import InputError
from phalanx.parts.distributions import without_numpy
from phalanx.parts.fields import check, field
from phalanx.parts.kinds import FieldKind, kind_of

PartType = TypeVar("PartType", bound="Part")


@typing.dataclass_transform(frozen_default=True, field_specifiers=(field, dataclasses.field))
def part(cls: type[PartType]) -> type[PartType]:
    """Turn a class into a part: a frozen dataclass that checks its fields and is a JAX tree.

    Works for classes of your own, in a notebook cell too; their base says what they are (`Layer`, `Optimizer`, ...).
    """
    made = dataclasses.dataclass(frozen=True, repr=False)(cls)
    hints = typing.get_type_hints(made, include_extras=True)
    made.kinds = {f.name: kind_of(hints[f.name]) for f in dataclasses.fields(made)}
    made.children = tuple(
        n for n, kind in made.kinds.items() if kind.knob or any(issubclass(c, Part) for c in kind.named)
    )
    made.structure = tuple(n for n in made.kinds if n not in made.children)
    jax.tree_util.register_pytree_with_keys(
        made, _flatten_with_keys, lambda structure, children: _unflatten(made, structure, children), _flatten
    )
    return made


@dataclasses.dataclass(frozen=True, repr=False)
class Part(ABC):  # noqa: B024 - its subclasses have abstract methods
    """Base of all parts. `name` labels the part in paths; by default it is the kind and a count, as in `dense_1`."""

    kinds: ClassVar[dict[str, FieldKind]] = {}
    children: ClassVar[tuple[str, ...]] = ()
    structure: ClassVar[tuple[str, ...]] = ()

    internal: ClassVar[bool] = False
    """Whether the program alone makes such parts: no person chooses one, and no list of parts names it."""

    name: str = dataclasses.field(default="", kw_only=True, metadata={"constraint": Constraint()})

    def __post_init__(self) -> None:
        where = type(self).__name__
        if "kinds" not in vars(type(self)):
            raise InputError(f"{where} is not a part yet; write @part above its class")
        for declared in dataclasses.fields(self):
            held = without_numpy(getattr(self, declared.name))
            object.__setattr__(self, declared.name, held)
            check(where, declared, self.kinds[declared.name], held)
            if self.kinds[declared.name].lists_parts:
                names(held)
        if self.name and not re.fullmatch(r"[A-Za-z][A-Za-z0-9]*(_[A-Za-z0-9]+)*", self.name):
            raise InputError(f"{where}: name is {self.name!r}, but must be letters, digits and single underscores")

    def __repr__(self) -> str:
        """Return the call that makes the part, without fields at their default."""
        given = {f.name: getattr(self, f.name) for f in dataclasses.fields(self) if not has_default(self, f)}
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in given.items())})"

    @classmethod
    def kind(cls) -> str:
        """Return the kind in snake case: the first half of the default name."""
        return re.sub(r"(?<=[a-z0-9])(?=[A-Z][a-z])", "_", cls.__name__).lower()


def check_field(cls: type[Part], name: str, value: Any) -> None:
    """Raise `InputError` unless a value may stand in the field of that name of a part."""
    declared = next(declared for declared in dataclasses.fields(cls) if declared.name == name)
    check(cls.__name__, declared, cls.kinds[name], value)


def has_default(value: Part, declared: dataclasses.Field[Any]) -> bool:
    """Say whether a field holds its default, of the same type."""
    held = getattr(value, declared.name)
    return type(held) is type(declared.default) and held == declared.default


def names(elements: Sequence[Any], *, distinct: bool = True) -> list[str]:
    """Return the names of a list's elements: their own, or kind and count (`dense_1`, `leaky_relu_1`, `dense_2`).

    A distribution in the list is named by its kind too (`choice_1`): its own name says which draws it shares.
    Raises `InputError` where two are called the same, unless `distinct` is false.

    >>> from phalanx import Dense, Tanh
    >>> names([Dense(4), Tanh(), Dense(2, name="last"), Dense(1)])
    ['dense_1', 'tanh_1', 'last', 'dense_2']
    """
    counts: dict[str, int] = {}
    result = []
    for element in elements:
        given = element.name if isinstance(element, Part) else ""
        if not given:
            kind = element.kind() if isinstance(element, Part) else type(element).__name__.lower()
            counts[kind] = counts.get(kind, 0) + 1
            given = f"{kind}_{counts[kind]}"
        result.append(given)
    for name in result:
        if distinct and result.count(name) > 1:
            raise InputError(f"two parts of one list are called `{name}`; give them different names")
    return result


def _flatten(value: Part) -> tuple[list[Any], tuple[Any, ...]]:
    return [getattr(value, n) for n in value.children], tuple(getattr(value, n) for n in value.structure)


def _flatten_with_keys(value: Part) -> tuple[list[tuple[Any, Any]], tuple[Any, ...]]:
    children, structure = _flatten(value)
    return [(jax.tree_util.GetAttrKey(n), child) for n, child in zip(value.children, children, strict=True)], structure


def _unflatten(cls: type[PartType], structure: Iterable[Any], children: Iterable[Any]) -> PartType:
    # Not through the constructor: JAX rebuilds trees with tracers in the leaves, which no check should see.
    made = object.__new__(cls)
    for name, value in zip((*cls.structure, *cls.children), (*structure, *children), strict=True):
        object.__setattr__(made, name, value)
    return made
