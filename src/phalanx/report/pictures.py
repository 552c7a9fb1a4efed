"""Pictures as PNG files: the kernels of a network, what its layers see in an image, and where it is wrong.

For each picture one function makes the figure, and one writes it.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from matplotlib.figure import Figure

from phalanx.layers import Conv
from phalanx.model import forward
from phalanx.network import Network, layers_of
from phalanx.parts import at_progress
from phalanx.population.predict import Final
from phalanx.report.sheet import DPI, GAP, MARGIN, TOP, Box, Sheet, drawable, fitting, grid, length

_WIDTH, _LARGEST = 12.0, 0.72  # inches, as all lengths here; the latter from one small picture to the next
_MOST_KERNELS, _KERNELS_A_ROW, _LINES_A_ROW = 128, 16, 8
_MOST_INPUTS, _MOST_COLUMNS = 8, 32
_MOST_MAPS, _WRONG_A_ROW = 16, 6
_SCALE = "red: above 0, blue: below"


def draw_kernels(final: Final, path: Path) -> bool:
    """Write the learned kernels of the first convolution; return False, and write nothing, where there is none."""
    return _saved(kernels_figure(final), path)


def draw_features(final: Final, pixels: np.ndarray, path: Path, title: str = "") -> bool:
    """Write an image and what every convolution makes of it; return False, and write nothing, where there is none.

    `pixels`: (height, width, channels), as the network reads them.
    """
    return _saved(features_figure(final, pixels, title), path)


def draw_wrong(
    pixels: np.ndarray,
    truth: Sequence[str],
    said: Sequence[str],
    confidence: np.ndarray,
    names: Sequence[str] | None,
    path: Path,
    most: int = 24,
) -> bool:
    """Write the images whose wrong answers the network was surest of; return False, and write nothing, without any.

    `pixels`: (images, height, width, channels). `confidence`: the probability of what was said, from 0 to 1.
    `names`: of the files, if there are any. `most`: how many images at most.
    """
    return _saved(wrong_figure(pixels, truth, said, confidence, names, most), path)


def kernels_figure(final: Final) -> Figure | None:
    """Return the kernels of the first convolution, as they lie on its input; None where there is none.

    Kernels of three inputs are colours, each on its own scale. Others share one scale; where there are several inputs,
    each kernel is a column with a row for each input. Of volumes the middle slice is shown, of series lines.
    """
    found = next(((name, layer) for name, layer in layers_of(final.network) if isinstance(layer, Conv)), None)
    if found is None:
        return None
    name, layer = found
    params = jax.tree.map(jnp.asarray, final.params)
    for regularizer in final.network.regularizers:
        params = regularizer.tie(params)
    weight = np.asarray(params[name]["weight"], np.float32)
    *size, inputs, channels = weight.shape
    if layer.flip:
        weight = np.flip(weight, tuple(range(len(size))))
    heading = f"{name}: {channels} kernel{'s' if channels > 1 else ''} of size {_times(size)}"
    kernels = np.moveaxis(weight, (-1, -2), (0, 1))  # (channels, inputs, *size)
    if len(size) == 1:
        return _line_kernels(kernels, heading)
    middle = ""
    if len(size) == 3:
        kernels, middle = kernels[:, :, size[0] // 2], "the middle slice of each; "
    if inputs == 3 and layer.groups == 1:
        return _colour_kernels(np.moveaxis(kernels, 1, -1), heading, middle)
    return _scaled_kernels(kernels, heading, middle)


def _line_kernels(kernels: np.ndarray, heading: str) -> Figure:
    """Return kernels (channels, inputs, size) as lines."""
    channels, inputs, _ = kernels.shape
    shown = kernels[:_MOST_KERNELS, :_MOST_INPUTS]
    bound = _bound(shown)
    each = f"a line for each input{_first(_MOST_INPUTS, inputs)}; " if inputs > 1 else ""
    note = f"{each}all from {-bound:.2g} to {bound:.2g}, dotted: 0{_first(_MOST_KERNELS, channels)}"
    sheet, boxes = grid(len(shown), _LINES_A_ROW, 1.4, 0.7, heading, note)
    for box, kernel in zip(boxes, shown, strict=True):
        sheet.lines(box, kernel, 1.05 * bound)
    return sheet.figure


def _colour_kernels(kernels: np.ndarray, heading: str, note: str) -> Figure:
    """Return kernels (channels, height, width, 3) as colours."""
    shown = kernels[:_MOST_KERNELS]
    note += "the inputs are red, green and blue, each kernel on its own scale" + _first(_MOST_KERNELS, len(kernels))
    sheet, boxes = grid(len(shown), _KERNELS_A_ROW, _LARGEST, _ratio(shown[0]), heading, note)
    for box, kernel in zip(boxes, shown, strict=True):
        sheet.pixels(box, kernel)
    return sheet.figure


def _scaled_kernels(kernels: np.ndarray, heading: str, note: str) -> Figure:
    """Return kernels (channels, inputs, height, width) on one scale around 0, with its colour bar."""
    channels, inputs = kernels.shape[:2]
    if inputs == 1:
        shown, columns = kernels[:_MOST_KERNELS, 0], _KERNELS_A_ROW
        note += f"{_SCALE}{_first(_MOST_KERNELS, channels)}"
    else:
        chosen = kernels[:_MOST_COLUMNS, :_MOST_INPUTS]
        shown, columns = chosen.swapaxes(0, 1).reshape(-1, *kernels.shape[2:]), len(chosen)
        note += f"a column for each kernel{_first(_MOST_COLUMNS, channels)}, "
        note += f"a row for each of its inputs{_first(_MOST_INPUTS, inputs)}; {_SCALE}"
    bound = _bound(shown)
    pitch = min(_LARGEST, (_WIDTH - 2 * MARGIN - Sheet.BAR) / columns)
    sheet, boxes = grid(len(shown), columns, pitch, _ratio(shown[0]), heading, note, Sheet.BAR)
    for box, kernel in zip(boxes, shown, strict=True):
        sheet.around_0(box, kernel, bound)
    right = max(box.left + box.width for box in boxes)
    sheet.bar(right + 0.15, min(max(boxes[-1].top + boxes[-1].height - TOP, 0.6), 2.5), bound)
    return sheet.figure


def features_figure(final: Final, pixels: np.ndarray, title: str = "") -> Figure | None:
    """Return an image and the outputs of every convolution for it, before an activation; None where there is none.

    The maps of one layer share a scale around 0: what a rectifier lets through is red.
    """
    names = tuple(name for name, layer in layers_of(final.network) if isinstance(layer, Conv))
    if not names:
        return None
    knobs = jax.tree.map(np.float32, final.network)
    kept = _kept(knobs, final.params, final.states, pixels[None], np.float32(final.progress), names)
    maps = {name: np.asarray(kept[name][0], np.float32) for name in names}

    pitch, above, below, high = (_WIDTH - 2 * MARGIN) / _MOST_MAPS, 0.25, 0.15, 2 * min(_ratio(pixels), 1)
    heights = [(pitch - GAP) * _ratio(each) for each in maps.values()]
    sheet = Sheet(
        _WIDTH,
        TOP + high + below + sum(above + height + below for height in heights) + MARGIN - below,
        title or "What the convolutions see",
        f"the image, and the outputs of every convolution before its activation; {_SCALE}, a scale for each layer",
    )
    sheet.pixels(Box(MARGIN, TOP, high / _ratio(pixels), high), pixels)
    top = TOP + high + below
    for (name, each), height in zip(maps.items(), heights, strict=True):
        bound, channels = _bound(each), each.shape[-1]
        text = f"{name}: {_times(each.shape)}{_first(_MOST_MAPS, channels)}; from {-bound:.2g} to {bound:.2g}"
        sheet.write(MARGIN, top, text, 9)
        for i in range(min(channels, _MOST_MAPS)):
            sheet.around_0(Box(MARGIN + i * pitch, top + above, pitch - GAP, height), each[..., i], bound)
        top += above + height + below
    return sheet.figure


@partial(jax.jit, static_argnames="names")
def _kept(
    network: Network, params: Any, states: Any, x: Any, progress: Any, names: tuple[str, ...]
) -> dict[str, jax.Array]:
    """Return the outputs of the named layers."""
    return forward(at_progress(network, progress), params, states, x, keep=names).kept


def wrong_figure(
    pixels: np.ndarray,
    truth: Sequence[str],
    said: Sequence[str],
    confidence: np.ndarray,
    names: Sequence[str] | None = None,
    most: int = 24,
) -> Figure | None:
    """Return the images whose wrong answers were surest, the surest first; None where none is wrong."""
    wrong = np.flatnonzero([a != b for a, b in zip(truth, said, strict=True)])
    if not len(wrong):
        return None
    chosen = wrong[np.argsort(-confidence[wrong], kind="stable")][:most]
    points, gap, pitch = 8, 0.15, (_WIDTH - 2 * MARGIN) / _WRONG_A_ROW
    captions = [_caption(truth[i], said[i], f" ({confidence[i]:.1%})", points, pitch - gap) for i in chosen]
    above = 0.16 * max(map(len, captions))
    sheet, boxes = grid(
        len(chosen),
        _WRONG_A_ROW,
        pitch,
        _ratio(pixels[chosen[0]]),
        f"The {len(chosen)} surest of {len(wrong):,} wrong answers" if len(wrong) > len(chosen) else "Wrong answers",
        f"{len(wrong):,} of {len(truth):,} images; in brackets the probability of what was said",
        gap=gap,
        above=above,
        below=0.1 if names is None else 0.3,
    )
    for box, i, caption in zip(boxes, chosen, captions, strict=True):
        sheet.pixels(box, pixels[i])
        middle = box.left + box.width / 2
        for line, text in enumerate(caption):
            sheet.write(middle, box.top - 0.16 * (len(caption) - line), text, points, "center")
        if names is not None:
            name = fitting(names[i], points - 1, box.width)
            sheet.write(middle, box.top + box.height + 0.04, name, points - 1, "center")
    return sheet.figure


def _caption(truth: str, said: str, sure: str, points: float, wide: float) -> list[str]:
    """Return what is written above a wrong image: one line, or two where one is too long."""
    line = f"truth {drawable(truth)}, said {drawable(said)}{sure}"
    if length(line, points) <= wide:
        return [line]
    return [fitting(truth, points, wide, "truth "), fitting(said, points, wide, "said ", sure)]


def _bound(values: np.ndarray) -> float:
    """Return the largest magnitude, 1 where all are 0."""
    return float(np.abs(values[np.isfinite(values)]).max(initial=0)) or 1.0


def _ratio(pixels: np.ndarray) -> float:
    """Return height / width of a tile for pixels (height, width, ...): theirs, within what still reads well."""
    return float(np.clip(pixels.shape[0] / pixels.shape[1], 0.25, 2))


def _times(numbers: Sequence[int]) -> str:
    return " × ".join(map(str, numbers))


def _first(shown: int, there: int) -> str:
    """Return a remark that not all are shown, empty where they are."""
    return f" (the first {shown} of {there})" if there > shown else ""


def _saved(figure: Figure | None, path: Path) -> bool:
    if figure is not None:
        figure.savefig(path, format="png", dpi=DPI, facecolor="white")
    return figure is not None
