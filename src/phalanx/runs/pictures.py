"""The pictures of a run on images: the kernels it learned, what they see in an image, what it got most wrong."""

from pathlib import Path

import numpy as np

from phalanx.data import ClassTarget, each_column
from phalanx.ensemble import Predictions
from phalanx.errors import InputError
from phalanx.report.pictures import draw_features, draw_kernels, draw_wrong
from phalanx.runs.model import Model
from phalanx.runs.prepare import Prepared, load_like
from phalanx.runs.result import Run


def write_pictures(folder: Path, prepared: Prepared, run: Run) -> None:
    """Write what can be drawn of the best network, and of the test images, of a run on images."""
    best = run.model.predictor.members[run.model.predictor.best]
    pictures = folder / "pictures"
    pictures.mkdir()
    draw_kernels(best, pictures / "kernels.png")
    image = prepared.test_inputs if prepared.test_rows else prepared.problem.valid_inputs
    if len(image):
        draw_features(best, image[0], pictures / "features.png")
    if run.said is not None:
        _draw_wrong(prepared, run.said, pictures / "wrong.png")


def _draw_wrong(prepared: Prepared, predictions: Predictions, path: Path) -> None:
    """Draw the test images whose class the ensemble got wrong with the most confidence."""
    ((_, column, values, said),) = each_column(prepared.problem.goals, prepared.test_values, predictions)
    if not isinstance(column, ClassTarget):
        return
    truth, guess = (list(map(str, column.decode(codes))) for codes in (values, said.argmax(1)))
    draw_wrong(np.asarray(prepared.test_inputs), truth, guess, said.max(1), prepared.test_files, path)


def draw_image(model: Model, image: str, out: Path) -> None:
    """Draw an image and what every convolution of the best network makes of it."""
    model.check_files()
    source = load_like(model.encoder, (image,), model.readings)
    pixels = np.asarray(model.encoder.transform(source.inputs))
    best = model.predictor.members[model.predictor.best]
    if not draw_features(best, pixels[0], out, title=Path(image).name):
        raise InputError("the best network has no convolution, so that there is nothing to draw")
