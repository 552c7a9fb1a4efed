"""Expressions over columns: the values of Python's own arithmetic, and a sentence for all that is not in the list."""

import math

import jax.numpy as jnp
import numpy as np
import pytest

from phalanx.errors import InputError
from phalanx.layers.expressions import FUNCTIONS, read_expression

HEIGHT, WEIGHT = np.array([1.6, 1.8, 2.0]), np.array([50.0, 81.0, 100.0])
COLUMNS = {"height": HEIGHT, "weight": WEIGHT, "body mass": WEIGHT}
NUMBERS = list(zip(HEIGHT, WEIGHT, strict=True))

VALUES = {
    "weight / height**2": lambda h, w: w / h**2,
    "-height + +weight * 2 - 1": lambda h, w: -h + w * 2 - 1,
    "(weight - 60) ** 3": lambda h, w: (w - 60) ** 3,
    "height ** -1.5": lambda h, w: h**-1.5,
    "2 ** height": lambda h, w: 2**h,
    "'body mass' * height": lambda h, w: w * h,
    "log(weight) + log1p(height) * log(2)": lambda h, w: math.log(w) + math.log1p(h) * math.log(2),
    "exp(-height) * sqrt(weight)": lambda h, w: math.exp(-h) * math.sqrt(w),
    "abs(sin(weight)) + cos(height) + tan(1) + tanh(height)": lambda h, w: (
        abs(math.sin(w)) + math.cos(h) + math.tan(1) + math.tanh(h)
    ),
    "minimum(weight, 60) + maximum(height, 1.7)": lambda h, w: min(w, 60) + max(h, 1.7),
    "(weight > 81) + (weight >= 81) + (height < 1.8) + (height <= 1.8)": lambda h, w: (
        int(w > 81) + int(w >= 81) + int(h < 1.8) + int(h <= 1.8)
    ),
}


@pytest.mark.parametrize("text", VALUES)
def test_values_are_those_of_arithmetic(text):
    expression = read_expression(text)
    expected = [VALUES[text](float(h), float(w)) for h, w in NUMBERS]
    np.testing.assert_allclose(expression.value(COLUMNS, np), expected, rtol=1e-13)
    found = expression.value({name: jnp.asarray(held, jnp.float32) for name, held in COLUMNS.items()}, jnp)
    assert found.dtype == jnp.float32
    size = max(map(abs, expected)) + 100  # of the largest number on the way
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=8 * size * np.finfo(np.float32).eps)


def test_columns_stand_in_the_order_of_the_text():
    assert read_expression("b * a + b / 'c d'").columns == ("b", "a", "c d")


ALLOWED = (
    "but must be made of columns, numbers, + - * / **, comparisons and the functions log, log1p, exp, sqrt, abs, sin, "
    "cos, tan, tanh, minimum, maximum"
)
REFUSED = {
    "x.y": f"expression 'x.y' has `x.y`, {ALLOWED}",
    "x[0]": f"expression 'x[0]' has `x[0]`, {ALLOWED}",
    "x if y else z": f"expression 'x if y else z' has `x if y else z`, {ALLOWED}",
    "(lambda: x)()": f"expression '(lambda: x)()' has `(lambda: x)()`, {ALLOWED}",
    "[i for i in x]": f"expression '[i for i in x]' has `[i for i in x]`, {ALLOWED}",
    "f'{x}'": f"""expression "f'{{x}}'" has `f'{{x}}'`, {ALLOWED}""",
    "x and y": f"expression 'x and y' has `x and y`, {ALLOWED}",
    "x @ y": f"expression 'x @ y' has `x @ y`, {ALLOWED}",
    "x // y": f"expression 'x // y' has `x // y`, {ALLOWED}",
    "x < y < z": f"expression 'x < y < z' has `x < y < z`, {ALLOWED}",
    "True * x": f"expression 'True * x' has `True`, {ALLOWED}",
    "1j * x": f"expression '1j * x' has `1j`, {ALLOWED}",
    "log(*x)": f"expression 'log(*x)' has `*x`, {ALLOWED}",
    "log(x=1)": f"expression 'log(x=1)' has `log(x=1)`, {ALLOWED}",
    "__import__('os').system('ls')": (
        f"""expression "__import__('os').system('ls')" has `__import__('os').system('ls')`, {ALLOWED}"""
    ),
    "open('x')": (
        """expression "open('x')" has the function open, which does not exist; known are log, log1p, exp, sqrt, abs, """
        "sin, cos, tan, tanh, minimum, maximum"
    ),
    "sine(x)": "expression 'sine(x)' has the function sine, which does not exist; did you mean sin?",
    "log(x, 2)": "expression 'log(x, 2)' gives log 2 numbers, but it takes one number",
    "minimum(x)": "expression 'minimum(x)' gives minimum 1 numbers, but it takes 2 numbers",
    "1 + 2": "expression '1 + 2' names no column, but must be about one",
    "weight /": "expression 'weight /' cannot be read (invalid syntax); it must be like weight / height**2",
    "": "expression '' cannot be read (invalid syntax); it must be like weight / height**2",
    "-" * 200 + "x": f"expression {'-' * 60!r}... is nested too deeply to be read; make it simpler",
    "x" * 1001: f"expression {'x' * 60!r}... has 1,001 letters, but must have at most 1,000",
}


@pytest.mark.parametrize("text", REFUSED)
def test_all_else_is_refused_in_one_sentence(text):
    with pytest.raises(InputError) as caught:
        read_expression(text)
    assert str(caught.value) == REFUSED[text]


def test_numbers_that_are_too_large_are_infinite_at_once():
    assert read_expression("9**9**9**9 * x").value({"x": np.ones(1)}, np).tolist() == [math.inf]


def test_numpy_and_jax_have_the_functions():
    assert all(callable(getattr(home, name)) for home in (np, jnp) for name in FUNCTIONS)
