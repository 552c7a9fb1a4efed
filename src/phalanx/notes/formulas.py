"""Formulas: from TeX to MathML, which browsers draw by themselves, and to plain letters for a terminal."""

from functools import cache

from latex2mathml.converter import convert
from pylatexenc.latex2text import LatexNodes2Text


def mathml(tex: str, block: bool = False) -> str:
    """Return a formula as MathML, in a line of its own or within one. Raises `ValueError` for what is not understood.

    >>> mathml("a < b")[-58:]
    '<mrow><mi>a</mi><mo>&#x0003C;</mo><mi>b</mi></mrow></math>'
    """
    made = convert(tex, display="block" if block else "inline")
    if "\\" in made:
        raise ValueError(f"a formula holds what is not understood: {tex}")
    return made


def plain(tex: str) -> str:
    """Return a formula in plain letters.

    >>> plain(r"\\frac{1}{2} \\|w\\|^2")
    '1/2 ‖w‖^2'
    """
    return " ".join(_reader().latex_to_text(tex.replace(r"\|", r"\Vert ")).split())


@cache
def _reader() -> LatexNodes2Text:
    return LatexNodes2Text(math_mode="text", keep_comments=True)
