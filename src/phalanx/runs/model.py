"""The model of a run: from a source to a table of predictions."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from phalanx.data import ClassTarget, Reading, Source, each_column
from phalanx.data.columns import unique_names
from phalanx.ensemble import Predictions
from phalanx.errors import InputError
from phalanx.kinds.codes.encoder import CodeEncoder
from phalanx.kinds.registry import Encoder
from phalanx.kinds.series import SeriesEncoder
from phalanx.kinds.series.run import evaluate_forecast, forecast_table
from phalanx.predictor import Predictor
from phalanx.runs.targets import rows_with_targets

Column = tuple[str, np.ndarray]


@dataclass(frozen=True)
class Model:
    """Everything that predictions need: how rows are encoded, the targets in their order, the trained networks, and how
    the columns of a table are read.

    `files`: whether rows may come from files; not where images were arrays of floats, whose scale no file tells.
    """

    encoder: Encoder | CodeEncoder
    targets: tuple[str, ...]
    id_name: str | None
    predictor: Predictor
    readings: Mapping[str, Reading] = field(default_factory=dict)
    files: bool = True

    def alone(self, id_: str) -> "Model":
        """Return the model of which one member alone predicts."""
        return replace(self, predictor=self.predictor.alone(id_, self.predictor.members[id_]))

    def check_files(self) -> None:
        """Raise `InputError` where no file holds what the model takes."""
        if isinstance(self.encoder, CodeEncoder) or not self.files:
            what = "rows of codes" if isinstance(self.encoder, CodeEncoder) else "images that were arrays of floats"
            raise InputError(f"the model was trained on {what}, which no file holds; give an array, in Python")

    def predict(self, source: Source, ensemble: bool = True) -> Predictions:
        """Return of each goal probabilities (rows, classes), or numbers (rows, columns) in their own units."""
        return self.predictor.predict(self.encoder.transform(source.inputs), ensemble)

    def table(self, source: Source, level: float = 0.9, ensemble: bool = True) -> pd.DataFrame:
        """Return predictions as a table: the identifier, or the file, if there is one, then columns for each target.

        These are `prediction`, and of classes `probability_LABEL` each, of numbers `lower` and `upper`, between which
        the number lies with probability `level`. With several targets the name of each follows the first word:
        `prediction_TARGET`, `probability_TARGET_LABEL`, `lower_TARGET`, `upper_TARGET`. Of a series it is the forecast
        of the steps after its end, with their times. An identifier called like one of them is `prediction.1`.
        """
        if isinstance(self.encoder, SeriesEncoder):
            return forecast_table(self.encoder, self.predictor, source, level, ensemble)
        frame, id_name = source.frame, self.id_name or source.id
        if id_name is not None and id_name not in frame:
            raise InputError(f"the table lacks the column {id_name!r}, which identifies rows")
        found = self._columns(source, level, ensemble)
        listed = [column for target in self.targets for column in found[target]]
        # Named last, since a label or the identifier may make two of the names equal.
        names = unique_names([*(name for name, _ in listed), *([] if id_name is None else [id_name])])
        table = pd.DataFrame(dict(zip(names, (values for _, values in listed), strict=False)))
        if id_name is not None:
            # Whole numbers are shown as such, though missing cells make pandas hold them as floats.
            held = frame[id_name].reset_index(drop=True).convert_dtypes()
            table.insert(0, names[-1], held)
        return table

    def evaluate(self, source: Source, ensemble: bool = True) -> tuple[dict[str, float], int, list[str]]:
        """Return all metrics on the rows of a source that have every target, how many have, and warnings.

        Of several targets, those that the source lacks, or whose classes the model cannot have, are not scored.
        """
        if isinstance(self.encoder, SeriesEncoder):
            return *evaluate_forecast(self.encoder, self.predictor, source, ensemble), []
        inputs, values, warnings = rows_with_targets(source, self.encoder, self.predictor.goals)
        rows = next(len(known) for known in values if known is not None)
        return self.predictor.scores(inputs, values, ensemble=ensemble), rows, warnings

    def _columns(self, source: Source, level: float, ensemble: bool) -> dict[str, list[Column]]:
        """Return the named columns of predictions for each target."""
        goals = self.predictor.goals
        inputs = self.encoder.transform(source.inputs)
        found: dict[str, list[Column]] = {}
        of_numbers = [goal for goal in goals if not goal.classes]
        means, ends = self.predictor.ask(inputs, lambda told: (told.means, told.interval(level)), ensemble)
        for name, column, said in each_column(goals, means):
            suffix = "" if len(self.targets) == 1 else f"_{name}"
            if isinstance(column, ClassTarget):
                labelled = [(f"probability{suffix}_{label}", said[:, i]) for i, label in enumerate(column.labels)]
                found[name] = [(f"prediction{suffix}", column.decode(said.argmax(1))), *labelled]
            else:
                found[name] = [(f"prediction{suffix}", said)]
        for name, _, low, high in each_column(of_numbers, [low for low, _ in ends], [high for _, high in ends]):
            suffix = "" if len(self.targets) == 1 else f"_{name}"
            found[name] += [(f"lower{suffix}", low), (f"upper{suffix}", high)]
        return found
