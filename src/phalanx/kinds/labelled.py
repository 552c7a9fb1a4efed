"""From a source to rows with targets ready for training: which columns are targets, which rows have them, the test."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from phalanx.candidates import Fitted
from phalanx.config import DEFAULT, Config
from phalanx.data import BUNDLED, Goal, Reading, Source, check_target
from phalanx.data.cells import check_finite, text_of
from phalanx.data.paths import paths_of
from phalanx.data.targets import no_column
from phalanx.display import Display
from phalanx.errors import InputError
from phalanx.experiment import Plan
from phalanx.hints import rare_class_hints
from phalanx.judged import MOST, Asked, Judged, ask_and_judge, asked_by_fold, judge, of_validation
from phalanx.kinds.comparison import compare
from phalanx.kinds.kind import Encoder, How, Load, Request
from phalanx.kinds.learning import folds_asked, learn
from phalanx.kinds.model import Model, RowModel
from phalanx.kinds.prepared import Compared, Prepared, Scores, Tested
from phalanx.kinds.shown import Gallery
from phalanx.kinds.targets import choose_tasks, lost_rows, present_rows, read_target, rows_with_targets, task_of
from phalanx.metrics import Metric, evaluate, metric_named
from phalanx.network import Network
from phalanx.population.train import Clock
from phalanx.problem import Problem, rows_at
from phalanx.report.figures import Figure, spread_out
from phalanx.study import RULES

if TYPE_CHECKING:
    from phalanx.kinds.rows import RowKind

TEST = 0.2
"""Share of the rows that test where nothing is said and the source holds none out."""


@dataclass(frozen=True)
class PreparedRows(Prepared):
    """Rows with targets ready for training, with those that test: `test_values` are those of each goal, None: it is not
    scored; `test_files` the files of test rows, where they come from files; `readings` say how the columns of a table
    were read, which later tables repeat. `names` and what is `kept` of them, see `RowKind.kept`, are of the rows that
    figures look at: test rows, or validation rows where none test.
    """

    kind: "RowKind"
    encoder: Encoder
    problem: Problem
    test_inputs: Any
    test_values: tuple[np.ndarray | None, ...]
    test_files: tuple[str, ...] | None
    readings: Mapping[str, Reading]
    names: tuple[str, ...] = field(default=(), kw_only=True)
    kept: Any = field(default=None, kw_only=True)

    @property
    def task(self) -> Problem:
        return self.problem

    @property
    def space(self) -> Network:
        return self.encoder.space(len(self.problem.folds[0].train), self.problem.goals)

    @property
    def metric(self) -> Metric:
        return metric_named(self.config.metric, self.problem.goals, self.config.likelihood)

    @property
    def test_rows(self) -> int:
        """The number of test rows."""
        return next(len(values) for values in self.test_values if values is not None)

    @property
    def rows(self) -> dict[str, int]:
        return {"train": len(self.problem.train), "valid": len(self.problem.valid), "test": self.test_rows}

    def compare(self, plan: Plan, clock: Clock, display: Display) -> dict[str, Compared]:
        again = plan.settings.refit in RULES
        return compare(self, self.kind.baselines, plan.settings.metric, again, clock, display)

    def model(self, fitted: Fitted) -> RowModel:
        config, predictor = self.config, fitted.predictor()
        return self.kind.model_class(self.kind, self.encoder, config.target, config.id, predictor, self.readings)

    def test(self, fitted: Fitted, model: Model, compared: Mapping[str, Compared]) -> Tested:
        if not self.test_rows:
            return Tested({})
        inputs, values, goals = self.test_inputs, self.test_values, self.problem.goals
        scores: dict[str, Scores] = {name: baseline.test() for name, baseline in compared.items()}
        (means, costs, best), judged = ask_and_judge(
            fitted.predictor(), inputs, values, f"test {self.kind.unit}s", *self.looked_at(self.test_rows)
        )
        scores["ensemble"] = evaluate(goals, values, means, costs=costs)
        scores[fitted.best.id] = evaluate(goals, values, best[0], costs=best[1])
        return Tested(scores, means, judged)

    def looked_at(self, rows: int) -> tuple[np.ndarray, np.ndarray | None]:
        """Return which of so many rows figures look at, and of which a forecast is shown, None: of none."""
        chosen = np.zeros(rows, bool)
        chosen[looked_at(rows)] = True
        return chosen, None

    def figures(self, fitted: Fitted, model: RowModel, tested: Tested, left: Callable[[], float]) -> Iterator[Figure]:
        from phalanx.report.errors.together import all_figures  # what it needs takes long to load

        judged = tested.judged or self._validated(fitted)
        if judged is not None:
            yield from all_figures(judged, self._asked(fitted), self.metric, left, self.gallery())

    def gallery(self) -> Gallery:
        """Return the rows that figures look at, to be shown."""
        if self.test_rows:
            inputs, at = self.test_inputs, np.arange(self.test_rows)
        else:
            inputs, at = self.problem.inputs[0], self.problem.valid
        return Gallery(self.kind, self.encoder, rows_at(inputs, at[looked_at(len(at))]), self.kept, self.names)

    def _asked(self, fitted: Fitted) -> list[Asked]:
        """Return the rows that figures look at, to be asked of again: test rows, or validation rows fold by fold."""
        predictor = fitted.predictor()
        if self.test_rows:
            return [Asked(predictor, self.test_inputs, self.test_values, self.encoder)]
        values = [self.problem.valid_values(fold) for fold in range(fitted.folds)]
        return asked_by_fold(predictor, self.problem.valid_inputs, values, self.encoder)

    def _validated(self, fitted: Fitted) -> Judged | None:
        """Return what was said of the validation rows, None: there are none."""
        rows = len(self.problem.valid)
        if not rows or not fitted.shares:
            return None
        chosen, drawn = self.looked_at(rows)
        shown = None if drawn is None else drawn[chosen]
        parts = of_validation(self.problem, fitted, np.flatnonzero(chosen), drawn=shown)
        return judge(parts, f"validation {self.kind.unit}s", rows, fitted.again)

    def facts(self) -> dict[str, Any]:
        return {
            "task": task_of(self.problem.goals),
            "target": self.config.forecast or self.config.to_plain()["target"],
            "columns": [column.to_plain() for column in self.columns],
        }

    def hints(self, fitted: Fitted) -> list[str]:
        return rare_class_hints(self.problem, fitted.valid.predictions, self.metric)

    def pictures(self, folder: Path, model: Any, tested: Tested) -> None:
        self.kind.write_pictures(folder, self, model, tested.predictions)


def prepare_rows(kind: "RowKind", config: Config, source: Source, load: Load) -> PreparedRows:
    """Choose targets and tasks of a source, and learn from the rows that have them.

    `load` reads a further source, to test on. Raises `InputError` for what cannot be used.
    """
    _check_label(config, source)
    frame = source.frame
    names = tuple(check_target(frame, name) for name in config.target or (source.target,))
    config = replace(config, target=names)
    if config.test is None and source.test is None:
        config = replace(config, test=TEST)
    columns = _input_columns(frame, config)
    if not columns and source.rows is None:
        listed = f"target{'s' if len(names) > 1 else ''} {', '.join(map(repr, names))}"
        raise InputError(f"{config.source} has no column left to learn from besides the {listed}")
    for name in [*columns, *names]:  # before any row is dropped, so that errors count rows as the file does
        if frame[name].dtype.kind == "f":
            check_finite(frame[name].to_numpy(np.float64), name)
    present, lost = present_rows(frame, names)
    missing = {name: source.readings[name].missing for name in names if name in source.readings}
    likelihood = None if config.likelihood == DEFAULT else config.likelihood
    tasks, notes = choose_tasks(frame, names, config.task, likelihood)
    config = replace(config, task=tasks[0] if len(set(tasks)) == 1 else None)
    _check_enough(int(present.sum()), config)
    targets = [read_target(frame[name], present, task, name) for name, task in zip(names, tasks, strict=True)]
    how = How(
        seed=config.seed,
        test=float(config.test) if isinstance(config.test, float | int) else 0.0,
        valid=config.valid,
        folds=folds_asked(config.folds, config, config.valid != Config.valid or config.layers != DEFAULT),
        likelihood=likelihood,
        column=config.text,
        scaling=config.scaling,
        category=[name for name in config.category if name in columns],
        number=[name for name in config.number if name in columns],
        readings=source.readings,
        ignore=" (--ignore {})",
    )
    groups = None if config.group is None else pd.factorize(frame.loc[present, config.group], sort=True)[0]
    rows = source.inputs.loc[present, columns] if source.rows is None else source.rows[present]
    learned = learn(kind, rows, targets, how, groups=groups)
    problem, encoder = learned.problem, learned.encoder
    if usual := config.folds is None:
        config = replace(config, folds=len(problem.folds))
    test_values: tuple[np.ndarray | None, ...]
    further = isinstance(config.test, str)
    held_out = _test_source(config, learned.kind, encoder, source, load) if further else source.test
    if held_out is not None and not isinstance(config.test, float | int):
        test_inputs, test_values, looked, tested = _test_rows(held_out, config, encoder, problem.goals)
        files, seen = _files(held_out, looked), held_out
    else:
        test_inputs, tested = rows_at(problem.whole, learned.test), []
        test_values = tuple(held[learned.test] for held in problem.values)
        looked = np.flatnonzero(present)[learned.at[learned.test if len(learned.test) else problem.valid]]
        files, seen = _files(source, np.flatnonzero(present)[learned.at[learned.test]]), source
    warnings = (
        *source.notes,
        *(_left_out(columns, source, config) if source.rows is not None else ()),
        *lost_rows(lost, names, missing=missing),
        *tested,
        *learned.of_split,
        *learned.warnings,
    )
    prepared = PreparedRows(
        config,
        source.name,
        (*encoder.describe(len(frame)), *learned.notes, *notes),
        warnings,
        learned.kind,
        encoder,
        problem,
        test_inputs,
        test_values,
        files,
        source.readings,
        columns=learned.columns,
        names=_names(seen, looked, config.id),
        kept=learned.kind.kept(seen.inputs, looked[looked_at(len(looked))], encoder),
    )
    return replace(prepared, notes=(*prepared.notes, _rows_note(prepared.rows, config, usual)))


def _rows_note(rows: Mapping[str, int], config: Config, usual: bool) -> str:
    if config.folds and config.folds > 1:
        why = ", as they are few (--folds 1: one part validates)" if usual else ""
        return f"rows: {rows['train']:,} in {config.folds} folds{why}, {rows['test']:,} test (seed {config.seed})"
    return f"rows: {rows['train']:,} train, {rows['valid']:,} validate, {rows['test']:,} test (seed {config.seed})"


def _check_label(config: Config, source: Source) -> None:
    """Raise `InputError` where rows with a folder for each class have no label, or another target is asked for."""
    if source.rows is None or source.target is None:
        return
    if source.target not in source.frame:
        raise InputError(f"{config.source} has no labels; put the {source.kind} of each class into a folder of its own")
    if config.target not in ((), (source.target,)):
        raise InputError(f"target is {', '.join(config.target)}, but {source.kind} have only their label; leave it out")


def _left_out(names: Sequence[str], source: Source, config: Config) -> tuple[str, ...]:
    """Return the note that columns beside a column of texts, or of files, are not learned from."""
    names = [name for name in names if name != source.id]
    column = config.text or source.id
    if column is None or not names:
        return ()
    listed = ", ".join(map(repr, names[:3])) + (f" and {len(names) - 3:,} more" if len(names) > 3 else "")
    return (f"column {column!r} alone is learned from, not {listed}",)


def _names(source: Source, rows: np.ndarray, id_name: str | None) -> tuple[str, ...]:
    """Return what rows of a source that figures look at are called: by their file, their identifier, or their number
    from 1.
    """
    rows = rows[looked_at(len(rows))]
    column = id_name if id_name is not None and id_name in source.frame else source.id
    if column is None:
        return tuple(f"row {row + 1:,}" for row in rows)
    return tuple(map(text_of, source.frame[column].convert_dtypes().iloc[rows]))


def looked_at(rows: int) -> np.ndarray:
    """Return the positions of so many rows at which figures look."""
    return spread_out(rows, MOST)


def _files(source: Source, rows: np.ndarray | None = None) -> tuple[str, ...] | None:
    """Return the files that rows come from, None where they do not."""
    if source.id is None:
        return None
    files = source.frame[source.id]
    return tuple(files if rows is None else files.iloc[rows])


def _input_columns(frame: pd.DataFrame, config: Config) -> list[str]:
    """Return the columns of the table that are neither targets nor left out."""
    for option, names in (("category", config.category), ("number", config.number)):
        for name in names:
            if name not in frame:
                raise no_column(name, f"--{option}", list(frame.columns))
    left_out = {"ignore": config.ignore, "id": (config.id,), "group": (config.group,)}
    named = [(option, name) for option, names in left_out.items() for name in names if name is not None]
    for option, name in named:
        if name not in frame:
            raise no_column(name, f"--{option}", list(frame.columns))
    out = {*config.target, *(name for _, name in named)}
    return [str(name) for name in frame if name not in out]


def _check_enough(rows: int, config: Config) -> None:
    parts = ["2 to train on", "1 to validate on"]
    if isinstance(config.test, float | int) and config.test > 0:
        parts.append("1 to test on")
    if rows <= len(parts):
        have = "a target" if len(config.target) == 1 else "every target"
        are = f"row that has {have} is" if rows == 1 else f"rows that have {have} are"
        raise InputError(f"{config.source}: {rows} {are} too few; there must be at least {', '.join(parts)}")


def _test_rows(
    source: Source, config: Config, encoder: Encoder, goals: Sequence[Goal]
) -> tuple[Any, tuple[np.ndarray | None, ...], np.ndarray, list[str]]:
    """Return inputs and values of test rows that are a source of their own, where they stand in it, and warnings."""
    try:
        inputs, found, at, warnings = rows_with_targets(source, encoder, goals, "test row")
    except InputError as error:
        raise InputError(f"{config.test or f'the test {source.kind}'}: {error}") from None
    return inputs, found, at, [*source.notes, *warnings, *encoder.unseen(source.inputs)]


def _test_source(config: Config, kind: "RowKind", encoder: Encoder, source: Source, load: Load) -> Source:
    test = str(config.test)
    if not paths_of(test) and test not in BUNDLED and not Path(test).suffix:
        raise InputError(f"test is {test!r}, but must be a share of the rows, such as 0.2, or a source")
    return kind.like((test,), Request(strict=config.strict, known=source.readings, like=encoder), load)
