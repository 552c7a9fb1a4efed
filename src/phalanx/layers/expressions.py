"""Expressions over columns, such as `weight / height**2`: read by Python's grammar, computed by a short list of rules.

No text is ever executed: what is not in the list is refused.
"""

import ast
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from phalanx.errors import InputError
from phalanx.parts.fields import nearest

LONGEST = 1_000
"""Letters of the longest expression."""

FUNCTIONS = {
    "log": 1, "log1p": 1, "exp": 1, "sqrt": 1, "abs": 1, "sin": 1, "cos": 1, "tan": 1, "tanh": 1,
    "minimum": 2, "maximum": 2,
}  # fmt: skip
"""Functions by name, and how many numbers each takes; NumPy and JAX call them so too."""

_OPERATIONS: dict[type[ast.AST], Callable[[Any, Any], Any]] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.Div: lambda a, b: a / b,
    ast.Pow: lambda a, b: a**b,
}
_COMPARISONS: dict[type[ast.AST], Callable[[Any, Any], Any]] = {
    ast.Lt: lambda a, b: a < b,
    ast.LtE: lambda a, b: a <= b,
    ast.Gt: lambda a, b: a > b,
    ast.GtE: lambda a, b: a >= b,
}
_WHOLE = 64  # exponents up to this are products
_DEEPEST = 100  # operations inside each other
_SHOWN = 60  # letters of an expression that a message shows


@dataclass(frozen=True)
class Expression:
    """A text that was read: the columns that it names, in order, and what is computed of them."""

    text: str
    columns: tuple[str, ...]
    tree: ast.expr

    def value(self, columns: Mapping[str, Any], numpy: Any) -> Any:
        """Return the value of each row, given arrays of numbers by name; `numpy` is NumPy or `jax.numpy`."""
        return _value(self.tree, columns, numpy)


@lru_cache(maxsize=1024)
def read_expression(text: str) -> Expression:
    """Read an expression of numbers, columns, + - * / **, comparisons (1 or 0), and `FUNCTIONS`.

    A column whose name is no word stands in quotes. Raises `InputError` for anything else.

    >>> bmi = read_expression("weight / height**2")
    >>> bmi.columns, bmi.value({"weight": np.array([80.0]), "height": np.array([2.0])}, np).tolist()
    (('weight', 'height'), [20.0])
    >>> read_expression("weight.sum()")
    Traceback (most recent call last):
    ...
    phalanx.errors.InputError: expression 'weight.sum()' has `weight.sum()`, but must be made of columns, numbers, \
+ - * / **, comparisons and the functions log, log1p, exp, sqrt, abs, sin, cos, tan, tanh, minimum, maximum
    """
    if len(text) > LONGEST:
        raise InputError(f"expression {_shown(text)} has {len(text):,} letters, but must have at most {LONGEST:,}")
    try:
        tree = ast.parse(text.strip(), mode="eval").body
        columns = tuple(dict.fromkeys(_columns(tree, text)))
    except SyntaxError as error:
        raise InputError(
            f"expression {_shown(text)} cannot be read ({error.msg}); it must be like weight / height**2"
        ) from None
    except (RecursionError, MemoryError):
        raise InputError(f"expression {_shown(text)} is nested too deeply to be read; make it simpler") from None
    if not columns:
        raise InputError(f"expression {_shown(text)} names no column, but must be about one")
    return Expression(text, columns, tree)


def _shown(text: str) -> str:
    return repr(text) if len(text) <= _SHOWN else f"{text[:_SHOWN]!r}..."


def _columns(node: ast.expr, text: str, depth: int = 0) -> Iterator[str]:
    """Yield the columns that a node names; raise `InputError` for one that is not allowed."""
    inside: Sequence[ast.expr] = ()
    match node:
        case ast.Name(id=name) | ast.Constant(value=str(name)):
            yield name
        case ast.Constant(value=(int() | float()) as number) if not isinstance(number, bool) and _is_finite(number):
            pass
        case ast.UnaryOp(op=ast.USub() | ast.UAdd(), operand=operand):
            inside = (operand,)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATIONS:
            inside = left, right
        case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in _COMPARISONS:
            inside = left, right
        case ast.Call(func=ast.Name(id=name), args=args, keywords=[]):
            _check_function(name, len(args), text)
            inside = args
        case _:
            raise InputError(
                f"expression {_shown(text)} has `{ast.unparse(node)}`, but must be made of columns, numbers, "
                f"+ - * / **, comparisons and the functions {', '.join(FUNCTIONS)}"
            )
    if depth > _DEEPEST:
        raise RecursionError
    for one in inside:
        yield from _columns(one, text, depth + 1)


def _check_function(name: str, arguments: int, text: str) -> None:
    if name not in FUNCTIONS:
        near = nearest(name, FUNCTIONS)
        hint = f"did you mean {near}?" if near else f"known are {', '.join(FUNCTIONS)}"
        raise InputError(f"expression {_shown(text)} has the function {name}, which does not exist; {hint}")
    if arguments != FUNCTIONS[name]:
        takes = "one number" if FUNCTIONS[name] == 1 else f"{FUNCTIONS[name]} numbers"
        raise InputError(f"expression {_shown(text)} gives {name} {arguments} numbers, but it takes {takes}")


def _is_finite(number: float) -> bool:
    try:
        return math.isfinite(number)
    except OverflowError:
        return False


def _value(node: ast.expr, columns: Mapping[str, Any], numpy: Any) -> Any:
    match node:
        case ast.Name(id=name) | ast.Constant(value=str(name)):
            return columns[name]
        case ast.Constant(value=number):
            return float(number)  # type: ignore[arg-type]  # neither text nor bytes, see `_columns`
        case ast.UnaryOp(op=op, operand=operand):
            value = _value(operand, columns, numpy)
            return -value if isinstance(op, ast.USub) else value
        case ast.BinOp(left=left, op=ast.Pow(), right=ast.Constant(value=int(whole))) if whole <= _WHOLE:
            return _computed(lambda a: a**whole, numpy, _value(left, columns, numpy))
        case ast.BinOp(left=left, op=op, right=right):
            return _computed(_OPERATIONS[type(op)], numpy, *(_value(one, columns, numpy) for one in (left, right)))
        case ast.Compare(left=left, ops=[op], comparators=[right]):
            holds = _computed(_COMPARISONS[type(op)], numpy, *(_value(one, columns, numpy) for one in (left, right)))
            return numpy.where(holds, 1.0, 0.0)
        case ast.Call(func=ast.Name(id=name), args=args):
            return _computed(getattr(numpy, name), numpy, *(_value(one, columns, numpy) for one in args))
    raise AssertionError(node)


def _computed(function: Callable[..., Any], numpy: Any, *given: Any) -> Any:
    """Return what a function makes of arrays and numbers; of numbers alone another number, which has no type to clash
    with that of arrays.
    """
    if any(not isinstance(one, float) for one in given):
        return function(*given)
    with np.errstate(all="ignore"):
        numbers = [np.float64(one) for one in given]
        return float(getattr(np, function.__name__, function)(*numbers))
