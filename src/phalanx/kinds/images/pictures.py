"""The pictures of a run on images: the kernels it learned, what they see in an image, what it got most wrong."""

from pathlib import Path
from typing import Any

import numpy as np

from phalanx.data import ClassTarget, Source, each_column
from phalanx.ensemble import Predictions
from phalanx.errors import InputError
from phalanx.kinds.labelled import PreparedRows
from phalanx.kinds.model import RowModel
from phalanx.population.predict import Folded
from phalanx.report.pictures import draw_features, draw_kernels, draw_wrong


def write_pictures(folder: Path, prepared: PreparedRows, model: RowModel, predictions: Predictions | None) -> None:
    """Write what can be drawn of the best network, and of the test images, of a run on images."""
    best = model.members[model.best]
    pictures = folder / "pictures"
    pictures.mkdir()
    draw_kernels(best, pictures / "kernels.png")
    images = _pixels(prepared.test_inputs) if prepared.test_rows else prepared.problem.valid_inputs[0]
    if len(images):
        draw_features(best, images[0], pictures / "features.png")
    if predictions is not None:
        _draw_wrong(prepared, predictions, pictures / "wrong.png")


def _draw_wrong(prepared: PreparedRows, predictions: Predictions, path: Path) -> None:
    """Draw the test images whose class the ensemble got wrong with the most confidence."""
    ((_, column, values, said),) = each_column(prepared.problem.goals, prepared.test_values, predictions)
    if not isinstance(column, ClassTarget):
        return
    truth, guess = (list(map(str, column.decode(codes))) for codes in (values, said.argmax(1)))
    draw_wrong(np.asarray(_pixels(prepared.test_inputs)), truth, guess, said.max(1), prepared.test_files, path)


def draw_image(model: RowModel, source: Source, out: Path, title: str) -> None:
    """Draw an image, the first of a source, and what every convolution of the best network makes of it."""
    pixels = np.asarray(_pixels(model.encoder.transform(source.inputs)))
    if not draw_features(model.members[model.best], pixels[0], out, title=title):
        raise InputError("the best network has no convolution, so that there is nothing to draw")


def _pixels(inputs: Any) -> np.ndarray:
    """Return the images of encoded rows; an encoder of folds leaves them as they are, too."""
    return inputs.parts[0] if isinstance(inputs, Folded) else inputs
