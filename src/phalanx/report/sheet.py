"""A sheet of small pictures with their captions, in inches: what all pictures of a report are drawn on."""

from functools import cache
from typing import Any, NamedTuple

import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.patches import Rectangle
from matplotlib.textpath import text_to_path

DPI = 150
_NARROWEST, MARGIN, TOP = 6.0, 0.25, 0.75  # inches, as all lengths here; the heading is above TOP
GAP = 0.06  # between small pictures
_FONT = "DejaVu Sans"  # comes with Matplotlib


class Box(NamedTuple):
    """Where a small picture is, in inches from the upper left corner of the sheet."""

    left: float
    top: float
    width: float
    height: float


class Sheet:
    """A white sheet with a heading and a smaller line under it; all lengths are inches from its upper left corner.

    Everything is drawn into one pair of axes: some hundred of them would take seconds. What a user's Matplotlib
    settings say of fonts and colours does not matter.
    """

    BAR = 0.75
    """Width of a colour bar with its numbers."""

    def __init__(self, width: float, height: float, heading: str, note: str) -> None:
        self.figure = Figure((width, height), dpi=DPI, facecolor="white")
        self.figure.set_layout_engine("none")
        self._axes = self.figure.add_axes((0, 0, 1, 1), xlim=(0, width), ylim=(height, 0), autoscale_on=False)
        self._axes.set_axis_off()
        self.write(MARGIN, 0.2, fitting(heading, 12, width - 2 * MARGIN), 12)
        self.write(MARGIN, 0.47, fitting(note, 8, width - 2 * MARGIN), 8)

    def write(self, left: float, top: float, text: str, points: float, align: str = "left") -> None:
        """Write a line as it is: labels are data, in which $ begins no formula."""
        plain: dict[str, Any] = {"family": _FONT, "color": "#222222", "parse_math": False, "usetex": False}
        self._axes.text(left, top, text, fontsize=points, ha=align, va="top", **plain)

    def pixels(self, box: Box, pixels: np.ndarray) -> None:
        """Show pixels (height, width, channels): bytes as they are, other numbers scaled from minimum to maximum.

        Three channels are colours; so are four, whose last is the opacity of bytes and is left out of other numbers.
        Of any other number of channels the first is shown in gray.
        """
        channels = pixels.shape[-1]
        if channels not in (3, 4):
            pixels = pixels[..., 0]
        if pixels.dtype != np.uint8:
            colours = (pixels[..., :3] if channels == 4 else pixels).astype(np.float64)
            low, high = colours.min(), colours.max()
            pixels = ((colours - low) / ((high - low) or 1) * 255).round().astype(np.uint8)
        self._image(box, pixels, "gray", 0, 255)

    def around_0(self, box: Box, values: np.ndarray, bound: float) -> None:
        """Show numbers (height, width): white at 0, red at the bound, blue at its negative."""
        self._image(box, values, "RdBu_r", -bound, bound)

    def bar(self, left: float, height: float, bound: float) -> None:
        """Draw the scale of `around_0`, from −bound to bound, at the height of the pictures."""
        self.around_0(Box(left, TOP, 0.12, height), np.linspace(bound, -bound, 201)[:, None], bound)
        for share, text in ((0, f"{bound:.2g}"), (0.5, "0"), (1, f"{-bound:.2g}")):
            self.write(left + 0.18, TOP + share * height - 0.055, text, 7)

    def lines(self, box: Box, lines: np.ndarray, bound: float) -> None:
        """Draw lines (lines, places), from −bound to bound, with a dotted one at 0."""
        x = box.left + (np.arange(lines.shape[1]) + 0.5) / lines.shape[1] * box.width
        y = box.top + (1 - lines / bound) / 2 * box.height
        middle = box.top + box.height / 2
        self._axes.plot((box.left, box.left + box.width), (middle, middle), ":", color="#999999", linewidth=0.6)
        for i, line in enumerate(y):
            self._axes.plot(x, line, "-", color=colormaps["tab10"](i), linewidth=1, marker=".", markersize=3)
        self._frame(box)

    def _image(self, box: Box, values: np.ndarray, colours: str, low: float, high: float) -> None:
        sides = (box.left, box.left + box.width, box.top + box.height, box.top)
        plain: dict[str, Any] = {"origin": "upper", "aspect": "auto", "interpolation": "nearest"}
        self._axes.imshow(values, cmap=colours, vmin=low, vmax=high, extent=sides, **plain)
        self._frame(box)

    def _frame(self, box: Box) -> None:
        corner, width, height = box[:2], box.width, box.height
        self._axes.add_patch(Rectangle(corner, width, height, fill=False, edgecolor="#bbbbbb", linewidth=0.5))


def grid(
    count: int,
    columns: int,
    pitch: float,
    ratio: float,
    heading: str,
    note: str,
    side: float = 0.0,
    *,
    gap: float = GAP,
    above: float = 0.0,
    below: float = GAP,
) -> tuple[Sheet, list[Box]]:
    """Return a sheet and the places of `count` pictures on it, in rows of about equal length, at most `columns` each.

    `pitch`: from a picture to the next, `gap` of it free. `ratio`: height / width of a picture. `side`: what is left
    free at the right. `above` and `below`: what is left free for the text of a picture.
    """
    rows = -(-count // columns)
    columns = -(-count // rows)
    width, height = pitch - gap, (pitch - gap) * ratio
    step = above + height + below
    wide = max(_NARROWEST, columns * pitch + side + 2 * MARGIN)
    sheet = Sheet(wide, TOP + max(rows * step, side) + MARGIN, heading, note)
    places = ((i % columns * pitch, i // columns * step) for i in range(count))
    return sheet, [Box(MARGIN + left, TOP + above + top, width, height) for left, top in places]


def fitting(text: str, points: float, wide: float, before: str = "", after: str = "") -> str:
    """Return before + text + after, the text shortened in the middle until all is at most so wide."""
    text = whole = drawable(text)
    keep = min(len(whole), 500)
    while keep > 1 and length(before + text + after, points) > wide:
        keep -= 1
        text = whole[: -(-keep // 2)] + "…" + whole[len(whole) - keep // 2 :]
    return before + text + after


def drawable(text: str) -> str:
    """Return the text in one line, with a box for each sign that the font does not have."""
    return "".join(sign if ord(sign) in _signs() else "□" for sign in " ".join(text.split()))


def length(text: str, points: float) -> float:
    """Return the length of a line in inches, and a little more: drawn signs keep to whole dots."""
    font = FontProperties(family=_FONT, size=points)
    return 1.04 / 72 * text_to_path.get_text_width_height_descent(text, font, ismath=False)[0]


@cache
def _signs() -> frozenset[int]:
    """Return the code points of the signs that the font has."""
    return frozenset(get_font(findfont(FontProperties(family=_FONT))).get_charmap())
