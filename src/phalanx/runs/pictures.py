"""The pictures of a run on images: the kernels it learned, what they see in an image, what it got most wrong."""

from pathlib import Path

import numpy as np

from phalanx.data import ClassTarget, ImageEncoder, each_column
from phalanx.errors import InputError
from phalanx.report.pictures import draw_features, draw_kernels, draw_wrong
from phalanx.runs.model import Model
from phalanx.runs.prepare import Prepared, load_like
from phalanx.runs.training import Run


def write_pictures(folder: Path, prepared: Prepared, run: Run) -> list[str]:
    """Write what can be drawn of the best network, and of the test images; return the names of the files."""
    if not isinstance(prepared.encoder, ImageEncoder) or len(prepared.encoder.shape) != 3:
        return []
    best = run.model.predictor.members[run.model.predictor.best]
    pictures = folder / "pictures"
    pictures.mkdir()
    drawn = {"kernels.png": draw_kernels(best, pictures / "kernels.png")}
    image = prepared.test_inputs if prepared.test_rows else prepared.problem.valid_inputs
    if len(image):
        drawn["features.png"] = draw_features(best, image[0], pictures / "features.png")
    if run.said is not None:
        drawn["wrong.png"] = _draw_wrong(prepared, run, pictures / "wrong.png")
    return [name for name, made in drawn.items() if made]


def _draw_wrong(prepared: Prepared, run: Run, path: Path) -> bool:
    """Draw the test images whose class the ensemble got wrong with the most confidence."""
    assert run.said is not None
    ((_, column, values, said),) = each_column(prepared.problem.goals, prepared.test_values, run.said)
    if not isinstance(column, ClassTarget):
        return False
    truth, guess = (list(map(str, column.decode(codes))) for codes in (values, said.argmax(1)))
    return draw_wrong(np.asarray(prepared.test_inputs), truth, guess, said.max(1), prepared.test_files, path)


def draw_image(model: Model, image: str, out: Path) -> None:
    """Draw an image and what every convolution of the best network makes of it."""
    source = load_like(model.encoder, (image,))
    pixels = model.encoder.transform(source.inputs)
    best = model.predictor.members[model.predictor.best]
    if not draw_features(best, pixels[0], out, title=Path(image).name):
        raise InputError("the best network has no convolution, so that there is nothing to draw")
