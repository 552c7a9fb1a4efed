"""Formulas: from TeX to MathML, which browsers draw by themselves, and to plain letters for a terminal."""

import re
from functools import cache

from latex2mathml.converter import convert
from pylatexenc.latex2text import LatexNodes2Text

_FUNCTION = re.compile("(?<!<msub>)(?<!<msup>)(<mi>[a-z]{2,}</mi>)(?=<m(?!o))")
"""A named function, such as log, before what it is taken of, where that has no bracket and it has no index."""
_POWER = re.compile(r"(?<![a-zA-Z\\\d.])(\d[\d.]*)e([-+]?)(\d+)")
"""A number as programs print it, such as 2e-05."""
_BINOMIAL = re.compile(r"\\binom\{([^{}]*)\}\{([^{}]*)\}")
_SPACED = re.compile(r"(\\[a-zA-Z]+) (?!\{)")
"""A command before a space, which it would swallow."""


def mathml(tex: str, block: bool = False) -> str:
    """Return a formula as MathML, in a line of its own or within one. Raises `ValueError` for what is not understood.

    >>> mathml("a < b")[-58:]
    '<mrow><mi>a</mi><mo>&#x0003C;</mo><mi>b</mi></mrow></math>'
    """
    made = convert(_POWER.sub(_of_ten, tex.replace("−", "-")), display="block" if block else "inline")
    if "\\" in made:
        raise ValueError(f"a formula holds what is not understood: {tex}")
    return _FUNCTION.sub(r'\1<mspace width="0.17em"/>', made)


def plain(tex: str) -> str:
    """Return a formula in plain letters.

    >>> plain(r"\\frac{1}{2} \\|w\\|^2")
    '1/2 ‖w‖^2'
    """
    tex = _BINOMIAL.sub(r"C(\1, \2)", _POWER.sub(_of_ten, tex).replace(r"\|", r"\Vert{}"))
    return " ".join(_reader().latex_to_text(_SPACED.sub(r"\1{} ", tex)).split())


def _of_ten(found: re.Match[str]) -> str:
    """Return 2 · 10⁻⁵ for 2e-05, and 10⁻⁵ for 1e-05."""
    power = f"10^{{{int(found[2] + found[3])}}}"
    return power if found[1] == "1" else rf"{found[1]} \cdot {power}"


@cache
def _reader() -> LatexNodes2Text:
    return LatexNodes2Text(math_mode="text", keep_comments=True)
