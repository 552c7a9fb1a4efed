"""The worst mistakes, one by one: wrong answers that were surest, and numbers farthest from what was predicted."""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from phalanx.judged import ClassErrors, Errors, NumberErrors
from phalanx.kinds.shown import Gallery, Shown
from phalanx.report.errors.words import number, share
from phalanx.report.figures import MOST_CASES, Figure, Plain, case, cases, table, thinned

_SIDE = 96  # pixels of a picture, at most
_STEPS = 200  # points of a line, at most


@dataclass(frozen=True)
class _Worst:
    """The worst mistakes: where they are, what was true, what was said, how bad each is, and what that is called."""

    at: np.ndarray
    truth: list[str]
    said: list[str]
    how: np.ndarray
    called: str


def worst(errors: Errors, called: str, gallery: Gallery, telling: Sequence[str] = ()) -> Figure | None:
    """Return the worst mistakes; None where there are none. `telling` are the columns to be shown of a table."""
    if gallery.at is not None and len(gallery.at) < len(errors.truth):
        errors, called = errors.only(gallery.at), f"{len(gallery.at):,} of {called}"
    if isinstance(errors, NumberErrors):
        found = _far(errors)
        title = "Numbers farthest from their prediction"
        says = (
            f"The {len(found.at)} of {called} that lie farthest from their prediction, in deviations that were "
            f"predicted; the farthest by {found.how[0]:.1f}: predicted {found.said[0]}, in truth {found.truth[0]}."
        )
    else:
        wrong = np.flatnonzero(~errors.right)
        if not len(wrong):
            return None
        found = _surest(errors, wrong)
        title = "Wrong answers that were surest"
        these = f"The {len(found.at)} surest of {len(wrong):,}" if len(found.at) < len(wrong) else f"The {len(wrong)}"
        says = (
            f"{these} wrong answer{'s' if len(wrong) > 1 else ''} among {called}; the surest says {found.said[0]} "
            f"where the truth is {found.truth[0]}, with a probability of {share(float(found.how[0]))}."
        )
    shown, names = gallery.show(found.at, telling), [gallery.names[i] for i in found.at]
    sure = [float(one) if isinstance(errors, ClassErrors) else None for one in found.how]
    drawn = [case_of(*each) for each in zip(shown, found.truth, found.said, sure, names, strict=True)]
    texts = [one.text or "" for one in shown]
    rows = list(zip(names, found.truth, found.said, found.how, texts, strict=True))
    return Figure("worst", "errors", title, says, cases(drawn),
                  table(["name", "truth", "said", found.called, "what is seen"], rows))  # fmt: skip


def _surest(errors: ClassErrors, wrong: np.ndarray) -> _Worst:
    at = wrong[np.argsort(-errors.sure[wrong], kind="stable")][:MOST_CASES]
    truth, said = ([errors.labels[i] for i in codes[at]] for codes in (errors.truth, errors.found))
    return _Worst(at, truth, said, errors.sure[at], "probability of what was said")


def _far(errors: NumberErrors) -> _Worst:
    at = np.argsort(-errors.surprise, kind="stable")[:MOST_CASES]
    truth, said = ([number(float(value)) for value in held[at]] for held in (errors.truth, errors.said))
    return _Worst(at, truth, said, errors.surprise[at], "predicted deviations off")


def case_of(shown: Shown, truth: str, said: str, sure: float | None, name: str | None) -> Plain:
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
