"""Compare runs that were trained with several seeds: group them by their options, and pair them by seed."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from phalanx.comparing import Comparison
from phalanx.comparing.names import distinct, names_by_difference
from phalanx.comparing.sizes import SHARES
from phalanx.config import RECORDED, Config, read_config
from phalanx.declared import declared
from phalanx.display import make_console, make_table, number
from phalanx.errors import InputError
from phalanx.metrics import Metric
from phalanx.options import check_number
from phalanx.parts import Part
from phalanx.parts.paths import holds_parts
from phalanx.runs.folder import read_result, to_json, writing

_ROWS = ("source", "target", "test", "task", "forecast", "time", "horizon", "window", "text", "tokens")
"""Options that say which rows, or tokens, test, and what of them."""
_DRAWN = ("ignore", "id", "group", "missing", "strict")
"""Further ones, where the rows that test are a share: they decide which rows there are, and in which order."""
_APART = ("seed", "baselines", *RECORDED)
"""Options that make no other alternative."""


@dataclass(frozen=True)
class Compared:
    """A run: its folder, its options, and its result."""

    folder: Path
    config: Config
    result: Mapping[str, Any]

    @property
    def seed(self) -> int:
        """The seed of its splits, weights and batches."""
        return self.config.seed

    @property
    def shares(self) -> bool:
        """Whether the rows that test are drawn by the seed."""
        ordered = self.config.forecast is not None or self.result["task"] == "language"
        return not ordered and isinstance(self.config.test, (int, float))

    @property
    def options(self) -> dict[str, Any]:
        """What another seed would not change, by path."""
        names = [one.name for one in declared(Config) if one.name not in _APART]
        return dict(held for name in names for held in _flat(getattr(self.config, name), name))

    @property
    def overlap(self) -> float:
        """Rows that test by all others, where they are drawn by the seed, else 0."""
        rows = self.result["rows"]
        return rows["test"] / (rows["train"] + rows["valid"]) if self.shares else 0.0


def compare_command(
    folders: Sequence[Path],
    metric: str | None,
    difference: float | None,
    ensemble: bool,
    out: Path | None,
) -> None:
    """Print how runs compare, and write it as JSON, or as a table of differences (.csv), where asked."""
    if difference is not None:
        check_number("difference", difference, above=0.0)
    found = compare_runs(folders, metric, difference, ensemble)
    _show(found)
    if out is not None:
        text = found.differences.to_csv(index=False) if out.suffix == ".csv" else to_json(found.to_plain())
        with writing(out, "another --out"):
            out.write_text(text, encoding="utf-8")


def compare_runs(
    folders: Sequence[Path], metric: str | None = None, difference: float | None = None, ensemble: bool = True
) -> Comparison:
    """Return how runs compare on the rows that test: runs of the same options but for the seed are one alternative,
    which is called by the options in which it differs, and those of one seed are paired.

    `metric`: one that all runs know (default: by which they ranked). Without `ensemble` the best network of each run is
    scored. Raises `InputError` for runs of different data, rows that test, or metrics, and for fewer than two
    alternatives.
    """
    runs = [_read(folder) for folder in folders]
    _check_alike(runs, metric)
    groups: list[list[Compared]] = []
    for run in runs:
        same = next((group for group in groups if group[0].options == run.options), None)
        if same is None:
            groups.append([run])
            continue
        if twice := next((other for other in same if other.seed == run.seed), None):
            raise InputError(f"{twice.folder} and {run.folder} have the same options and seed; leave one of them out")
        same.append(run)
    if len(groups) < 2:
        raise InputError("all runs have the same options but for the seed; give runs that differ in what they tried")
    shared = set.intersection(*({run.seed for run in group} for group in groups))
    if not shared:
        raise InputError("no seed is shared by all alternatives; train each of them with the same seeds (--seed)")
    names = distinct(names_by_difference([group[0].options for group in groups]), [{} for _ in groups])
    scores = {
        name: {run.seed: _score(run, metric, ensemble) for run in group if run.seed in shared}
        for name, group in zip(names, groups, strict=True)
    }
    table = pd.DataFrame(scores).sort_index().rename_axis("seed")
    lost = len(runs) - table.size
    left_out = f"{lost} run{'s' if lost > 1 else ''} left out: not every alternative has a run of that seed"
    notes = (left_out,) if lost else ()
    return Comparison(table, _metric(runs[0], metric), runs[0].overlap, difference, notes=notes)


def _read(folder: Path) -> Compared:
    if not (folder / "config.yaml").exists():
        missing = f"{folder} is not a run folder: config.yaml is missing"
        raise InputError(missing if folder.exists() else f"no such run folder: {str(folder)!r}")
    return Compared(folder, Config(**read_config(folder / "config.yaml")), read_result(folder))


def _check_alike(runs: Sequence[Compared], metric: str | None) -> None:
    """Raise `InputError` unless runs are scored on the same rows by the same metric."""
    first = runs[0]
    for run in runs[1:]:
        for name in (*_ROWS, *(_DRAWN if first.shares else ())):
            if getattr(run.config, name) != getattr(first.config, name):
                raise InputError(
                    f"{first.folder} and {run.folder} differ in {name}, {_option(first, name)} and "
                    f"{_option(run, name)}, so that they are not tested alike; compare runs on the same data"
                )
        if run.result["rows"]["test"] != first.result["rows"]["test"]:
            raise InputError(f"{first.folder} and {run.folder} differ in how many rows test; train both again")
        if metric is None and run.result["metric"] != first.result["metric"]:
            ranked = f"{first.result['metric']} and {run.result['metric']}"
            raise InputError(f"{first.folder} and {run.folder} were ranked by {ranked}; choose one with --metric")
    for run in runs:
        name, known = metric or first.result["metric"], list(run.result["test"])
        if not known:
            raise InputError(f"{run.folder} has no rows that test; train with --test")
        if name not in known:
            raise InputError(f"{run.folder} has no metric {name!r}; choose one of {', '.join(known)}")


def _option(run: Compared, name: str) -> str:
    value = getattr(run.config, name)
    return "nothing" if value is None else repr(value)


def _metric(run: Compared, name: str | None) -> Metric:
    """Return a metric by its name alone: its scores are known."""
    named = name or run.result["metric"]
    maximize = named.rpartition(".")[2] in SHARES
    return Metric(named, maximize, lambda y, p, weight: float("nan"))


def _score(run: Compared, metric: str | None, ensemble: bool) -> float:
    held = run.result["test"] if ensemble else run.result["best_member"]["test"]
    value = held.get(metric or run.result["metric"])
    return float("nan") if value is None else float(value)


def _flat(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Yield (path, value) for the numbers and words of an option, and for the names of its parts."""
    if isinstance(value, Part):
        yield path, type(value).__name__
        for name in value.kinds:
            yield from _flat(getattr(value, name), f"{path}.{name}")
    elif isinstance(value, tuple) and holds_parts(value):
        for i, one in enumerate(value, start=1):
            yield from _flat(one, f"{path}.{i}")
    else:
        yield path, value


def _show(found: Comparison) -> None:
    console = make_console()
    seeds = len(found.scores)
    title = f"{len(found.scores.columns)} alternatives, {seeds} seed{'s' if seeds > 1 else ''}"
    name = found.metric.name
    table = make_table(title, "rank", "alternative", name, "s.e.", right=("rank", name, "s.e."), wrap="alternative")
    for row in found.table.to_dict("records"):
        table.add_row(str(row["rank"]), row["alternative"], number(row["mean"]), number(row["error"]))
    console.print(table)
    for line in (*found.verdict, *found.notes):
        console.print(line, soft_wrap=True)
