"""What training left in a folder, opened in Python."""

import warnings
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils.metaestimators import available_if

from phalanx.data import ClassTarget, Source, each_column
from phalanx.kinds.language import Speaker
from phalanx.kinds.series import SeriesEncoder
from phalanx.kinds.series.given import forecast_of, frequency_of
from phalanx.options import check_number
from phalanx.runs.folder import load_run, read_curves, read_leaderboard, read_result
from phalanx.runs.given import source_of
from phalanx.runs.model import Model
from phalanx.runs.targets import unseen


class _Folder:
    """The tables that a folder holds beside a model, each read when it is first asked for."""

    folder: Path

    @cached_property
    def leaderboard(self) -> pd.DataFrame:
        """Members, baselines and the ensemble, the best first, with their metrics."""
        return read_leaderboard(self.folder)

    @cached_property
    def curves(self) -> pd.DataFrame:
        """The learning curves of all members: a row a round."""
        return read_curves(self.folder)

    @cached_property
    def result(self) -> dict[str, Any]:
        """What training found, as `result.json` has it."""
        return read_result(self.folder)


def _has_classes(model: "RowModel") -> bool:
    return any(goal.classes for goal in model._model.predictor.goals)


def _has_numbers(model: "RowModel") -> bool:
    return not all(goal.classes for goal in model._model.predictor.goals)


class RowModel:
    """A model that predicts: of tables, images, sounds, texts, rows of codes, or the next steps of a series.

    What it may be given, see `phalanx.runs.given.source_of`. What it notices about a source is a `UserWarning`.
    """

    def __init__(self, model: Model) -> None:
        self._model = model

    @property
    def targets(self) -> tuple[str, ...]:
        """What is predicted: the columns of the target, or the column of a series."""
        encoder = self._model.encoder
        return encoder.layout.columns[:1] if isinstance(encoder, SeriesEncoder) else self._model.targets

    @property
    def classes(self) -> dict[str, np.ndarray]:
        """The classes of each target that has some, in the order of `predict_proba`."""
        found = each_column(self._model.predictor.goals)
        labels = {name: np.array(column.labels) for name, column in found if isinstance(column, ClassTarget)}
        return {name: labels[name] for name in self.targets if name in labels}

    def predict(self, source: Any) -> Any:
        """Return the most probable class, or the expected number, of each row, (rows,); of several targets a DataFrame.

        Of a series: the expected values of the steps after its end, a pandas Series where its times are dates.
        """
        if isinstance(self._model.encoder, SeriesEncoder):
            return self._forecast(source, lambda told: told.means)[0]
        found = {}
        for name, column, said in self._each(self._source(source), lambda told: told.means):
            found[name] = column.decode(said.argmax(1)) if isinstance(column, ClassTarget) else said
        return self._shaped(found)

    @available_if(_has_classes)
    def predict_proba(self, source: Any) -> Any:
        """Return the probability of each class, (rows, classes) float32, in the order of `classes`; of several targets
        those of each that has classes, DataFrames by its name.
        """
        classes, found = self.classes, {}
        for name, _, said in self._each(self._source(source), lambda told: told.means):
            if name in classes:
                found[name] = said.astype(np.float32)
        if len(self.targets) == 1:
            return found[self.targets[0]]
        return {name: pd.DataFrame(found[name], columns=list(labels)) for name, labels in classes.items()}

    @available_if(_has_numbers)
    def predict_interval(self, source: Any, level: float = 0.9) -> tuple[Any, Any]:
        """Return the ends of the intervals that hold each number with probability `level`, shaped as by `predict`."""
        check_number("level", level, above=0.0, below=1.0)
        if isinstance(self._model.encoder, SeriesEncoder):
            low, high = self._forecast(source, lambda told: [end for ends in told.interval(level) for end in ends])
            return low, high
        goals = [goal for goal in self._model.predictor.goals if not goal.classes]
        ends = self._ask(self._source(source), lambda told: told.interval(level))
        low, high = ({name: said for name, _, said in each_column(goals, [end[k] for end in ends])} for k in (0, 1))
        return self._shaped(low), self._shaped(high)

    def table(self, source: Any, level: float = 0.9) -> pd.DataFrame:
        """Return what `phalanx predict` writes: predictions, probabilities and intervals, a row for each."""
        check_number("level", level, above=0.0, below=1.0)
        return self._model.table(self._source(source), level)

    def evaluate(self, source: Any) -> dict[str, float]:
        """Return all metrics on the rows of a source that have the target; of a series, over all its origins."""
        scores, _, noticed = self._model.evaluate(self._source(source))
        _warn(*noticed)
        return scores

    def _source(self, given: Any) -> Source:
        source = source_of(self._model, given)
        _warn(*source.notes, *unseen(self._model.encoder, source))
        return source

    def _ask(self, source: Source, question: Callable[..., Any]) -> Any:
        return self._model.predictor.ask(self._model.encoder.transform(source.inputs), question)

    def _each(self, source: Source, question: Callable[..., Any]) -> Any:
        """Return the name, the target and the answer of each column."""
        return each_column(self._model.predictor.goals, self._ask(source, question))

    def _forecast(self, given: Any, question: Callable[..., Any]) -> list[Any]:
        """Return the answers about the steps after the end of a series, each with their times."""
        encoder = self._model.encoder
        assert isinstance(encoder, SeriesEncoder)
        source = self._source(given)
        series, answers = encoder.read(source.frame), self._ask(source, question)
        return [forecast_of(series, answer[0], self.targets[0], frequency_of(given)) for answer in answers]

    def _shaped(self, found: dict[str, np.ndarray]) -> Any:
        if len(self.targets) == 1:
            return found[self.targets[0]]
        return pd.DataFrame({name: found[name] for name in self.targets if name in found})


class TrainedModel(_Folder, RowModel):
    """A run, or an estimator that was saved, opened by `phalanx.load`. Its ensemble predicts.

    `members`: the networks that are kept, those of the ensemble and the best one, by id; each predicts alone by the
    same methods. `ensemble`: their shares. `best`: the id of the best.
    """

    def __init__(self, folder: Path, model: Model) -> None:
        super().__init__(model)
        self.folder = folder
        self.members = {id_: RowModel(model.alone(id_)) for id_ in model.predictor.members}
        self.ensemble, self.best = dict(model.predictor.shares), model.predictor.best

    def __repr__(self) -> str:
        return f"TrainedModel({str(self.folder)!r})"


class TextModel:
    """A language model that continues and scores texts."""

    def __init__(self, speaker: Speaker) -> None:
        self._speaker = speaker

    def generate(self, prompt: str = "", length: int = 200, temperature: float = 1.0, random_state: int = 0) -> str:
        """Return the prompt and `length` tokens that follow it; see `phalanx.LanguageModel.generate`."""
        return self._speaker.generate(prompt, length, temperature, random_state)

    def evaluate(self, text: str) -> dict[str, float]:
        """Return `nats_per_token`, `bits_per_character` and `perplexity` of a text."""
        return self._speaker.score(text)

    def log_density(self, texts: list[str]) -> np.ndarray:
        """Return log P(text) of each text, (texts,), in nats; see `phalanx.LanguageModel.log_density`."""
        return np.array([self._speaker.log_density(text) for text in texts])


class TrainedLanguageModel(_Folder, TextModel):
    """A run on a text file, or a `LanguageModel` that was saved, opened by `phalanx.load`; see `TrainedModel`."""

    def __init__(self, folder: Path, speaker: Speaker) -> None:
        super().__init__(speaker)
        self.folder = folder
        self.members = {id_: TextModel(speaker.alone(id_, final)) for id_, final in speaker.members.items()}
        self.ensemble, self.best = dict(speaker.shares), speaker.best

    def __repr__(self) -> str:
        return f"TrainedLanguageModel({str(self.folder)!r})"


def load(folder: str | Path) -> Any:
    """Open a run folder, or what an estimator's `save` wrote: a `TrainedModel`, or of language a
    `TrainedLanguageModel`.

    It is plain data and arrays; nothing in it is executed. Predictions are those of `phalanx predict`, to the bit.
    Raises `InputError` where there is no such folder, or it is damaged.
    """
    path = Path(folder)
    model = load_run(path)
    return TrainedLanguageModel(path, model) if isinstance(model, Speaker) else TrainedModel(path, model)


def _warn(*lines: str) -> None:
    for line in lines:
        warnings.warn(line, UserWarning, stacklevel=4)
