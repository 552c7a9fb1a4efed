"""The worst mistakes, one by one: wrong answers that were surest, and numbers farthest from what was predicted."""

import base64
import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image

from phalanx.judged import ClassErrors, Errors
from phalanx.kinds.shown import Gallery, Shown
from phalanx.report.errors.words import number, share
from phalanx.report.figures import MOST_CASES, Figure, Plain, case, cases, table, thinned

_SIDE = 96  # pixels of a picture, at most
_STEPS = 200  # points of a line, at most


def worst(errors: Errors, called: str, gallery: Gallery, telling: Sequence[str] = ()) -> Figure | None:
    """Return the worst mistakes; None where there are none. `telling` are the columns to be shown of a table."""
    return (
        _wrong(errors, called, gallery, telling)
        if isinstance(errors, ClassErrors)
        else _far(errors, called, gallery, telling)
    )


def _wrong(errors: ClassErrors, called: str, gallery: Gallery, telling: Sequence[str]) -> Figure | None:
    wrong = np.flatnonzero(~errors.right)
    if not len(wrong):
        return None
    at = wrong[np.argsort(-errors.sure[wrong], kind="stable")][:MOST_CASES]
    truth, said = ([errors.labels[i] for i in codes[at]] for codes in (errors.truth, errors.found))
    these = f"The {len(at)} surest of {len(wrong):,}" if len(at) < len(wrong) else f"The {len(wrong)}"
    says = (
        f"{these} wrong answer{'s' if len(wrong) > 1 else ''} among {called}; the surest says {said[0]} where the "
        f"truth is {truth[0]}, with a probability of {share(float(errors.sure[at[0]]))}."
    )
    return _figure("Wrong answers that were surest", says, at, truth, said, errors.sure[at], "sure", gallery, telling)


def _far(errors: Any, called: str, gallery: Gallery, telling: Sequence[str]) -> Figure | None:
    off = errors.surprise
    at = np.argsort(-off, kind="stable")[:MOST_CASES]
    truth, said = ([number(float(value)) for value in held[at]] for held in (errors.truth, errors.said))
    says = (
        f"The {len(at)} of {called} that lie farthest from their prediction, in deviations that were predicted; the "
        f"farthest by {off[at[0]]:.1f}: predicted {said[0]}, in truth {truth[0]}."
    )
    return _figure(
        "Numbers farthest from their prediction", says, at, truth, said, off[at], "deviations off", gallery, telling
    )


def _figure(
    title: str,
    says: str,
    at: np.ndarray,
    truth: Sequence[str],
    said: Sequence[str],
    how: np.ndarray,
    what: str,
    gallery: Gallery,
    telling: Sequence[str],
) -> Figure:
    shown, names = gallery.show(at, telling), [gallery.names[i] for i in at]
    found = [
        drawn(one, truth[i], said[i], float(how[i]) if what == "sure" else None, names[i])
        for i, one in enumerate(shown)
    ]
    rows = [list(row) for row in zip(names, truth, said, how, [one.text or "" for one in shown], strict=True)]
    return Figure(
        "worst", "errors", title, says, cases(found), table(["name", "truth", "said", what, "what is seen"], rows)
    )


def drawn(shown: Shown, truth: str, said: str, sure: float | None, name: str | None) -> Plain:
    """Return a case of what is shown of a row."""
    lines = None if shown.lines is None else [one[thinned(len(one), _STEPS)] for one in shown.lines]
    picture = None if shown.picture is None else data_uri(shown.picture)
    return case(truth, said, sure, name, picture, shown.text, lines)


def data_uri(pixels: np.ndarray) -> str:
    """Return pixels (height, width, 1 or 3), of bytes, as a PNG image in a URI, at most 96 pixels a side."""
    image = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
    image.thumbnail((_SIDE, _SIDE))
    held = io.BytesIO()
    image.save(held, format="PNG")
    return f"data:image/png;base64,{base64.b64encode(held.getvalue()).decode('ascii')}"
