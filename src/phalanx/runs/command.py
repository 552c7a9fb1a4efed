"""What the commands do, with their printing: from options to a run folder, and from a run folder to answers."""

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from phalanx.config import RECORDED, Config, likelihood_named, read_config
from phalanx.data import Source
from phalanx.display import Display, columns_table, make_console, make_table, number
from phalanx.experiment import Plan
from phalanx.kinds.model import Model
from phalanx.kinds.prepared import Prepared
from phalanx.kinds.registry import kind_of, load_like, prepare
from phalanx.options import check_number
from phalanx.population.train import Clock
from phalanx.runs.folder import load_run, run_folder, to_json, write_run, writing
from phalanx.runs.planning import make_plan, plan_line
from phalanx.runs.reporting import write_report
from phalanx.runs.result import Run
from phalanx.runs.signals import ending_on_signal
from phalanx.runs.summary import show_summary
from phalanx.runs.training import reserve, train_run


def train_command(given: dict[str, Any], config_file: Path | None, out: Path | None, started: float) -> int:
    """Train by the options `given` over those of a file, say what happens, and write the run folder.

    `started` is when the command began (`time.monotonic()`). Returns the exit status.
    """
    config = resolve(given, config_file)
    clock = Clock(None if config.minutes is None or config.rounds else _deadline(started, config.minutes))
    with Display(make_console(), clock) as display:
        display.stage(f"reading {config.source}")
        run, folder = _train(config, out, clock, display, started)
    show_summary(display, run, folder)
    return 130 if clock.interrupted else 0


def _train(config: Config, out: Path | None, clock: Clock, display: Display, started: float) -> tuple[Run, Path]:
    """Train on a source, and write the run folder; return both."""
    prepared = prepare(config, display.count)
    plan, config = make_plan(prepared)
    with run_folder(out, prepared.name) as folder:
        _show_plan(display, prepared, plan)
        with ending_on_signal(clock, lambda: display.view is not None):
            run, tested = train_run(prepared, plan, config, clock, display, started)
            display.stage("writing")
            run.result["seconds"]["total"] = round(time.monotonic() - started, 2)
            write_run(folder, run.config, run.result, run.leaderboard, run.curves, run.model, run.figures)
            prepared.pictures(folder, run.model, tested)
            write_report(folder)
    return run, folder


def predict_command(run: Path, sources: Sequence[str], out: Path | None, level: float, ensemble: bool) -> None:
    """Write the predictions for a source as CSV; `level` is the probability that an interval holds a number."""
    check_number("level", level, above=0.0, below=1.0)
    model = load_run(run)
    loaded = _load(model, sources)
    table = model.table(loaded, level, ensemble)
    if out is None:
        table.to_csv(sys.stdout, index=False)
        sys.stdout.flush()
    else:
        with writing(out, "another --out"):
            table.to_csv(out, index=False)
        print(f"{len(table):,} predictions written to {out}")


def features_command(run: Path, image: str, out: Path | None) -> None:
    """Draw what the convolutions of a run's best network make of an image, as a PNG file."""
    path, model = Path(image).with_suffix(".features.png") if out is None else out, load_run(run)
    source = _load(model, [image])
    with writing(path, "another --out"):
        model.kind.draw(model, source, path, Path(image).name)
    print(f"written to {path}")


def evaluate_command(run: Path, sources: Sequence[str], out: Path | None, ensemble: bool) -> None:
    """Print a model's metrics on a source, and write them as JSON where asked."""
    model = load_run(run)
    scores, count, warnings = model.evaluate(_load(model, sources), ensemble)
    _warn(*warnings)
    title = f"{run} on {' '.join(sources)}: {count:,} {model.kind.counted}"
    table = make_table(title, "metric", "value", right=("value",))
    for name, value in scores.items():
        table.add_row(name, number(value))
    make_console().print(table)
    if out is not None:
        with writing(out, "another --out"):
            out.write_text(to_json(scores), encoding="utf-8")


def generate_command(run: Path, prompt: str, length: int, temperature: float, seed: int, ensemble: bool) -> None:
    """Print a prompt and what a language model makes follow it."""
    model = load_run(run)
    text, noticed = model.continued(prompt, length, temperature, seed, ensemble)
    _warn(*noticed)
    print(text)


def _load(model: Model, sources: Sequence[str]) -> Source:
    """Read what a model is to predict, with a warning of whatever was noticed."""
    loaded = load_like(model, sources)
    _warn(*loaded.notes, *model.unseen(loaded))
    return loaded


def check_command() -> None:
    """Print versions and devices, and train a small network; any failure shows in full."""
    from importlib.metadata import version

    from phalanx import Adam, Classifier, Dense, Tanh
    from phalanx.population.arithmetic import check_apart
    from phalanx.population.backend import devices
    from phalanx.population.cache import cache_folder

    for name in ("phalanx", "jax", "jaxlib", "numpy", "scikit-learn", "pandas"):
        print(f"{name} {version(name)}", flush=True)
    check_apart()
    found = devices()
    print(f"devices: {len(found)} x {found[0].device_kind}")
    print(f"compiled programs are kept in {cache_folder()}", flush=True)
    began = time.monotonic()
    X, y = [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0]
    network = Classifier([Dense(8), Tanh()], optimizer=Adam(0.03), stopping=None, max_rounds=200).fit(X, y)
    if network.predict(X).tolist() != y:
        raise RuntimeError("a small network did not learn exclusive or: the installation computes wrongly")
    print(f"a small network learned exclusive or in {time.monotonic() - began:.1f} s: all is well")


def resolve(given: dict[str, Any], config_file: Path | None) -> Config:
    """Return the configuration of a file with the options `given` in place of its own.

    What a run recorded in the file, to be repeated to the bit, holds only while no option is another one.
    """
    options = {} if config_file is None else read_config(config_file)
    if "likelihood" in given:
        given = {**given, "likelihood": likelihood_named(given["likelihood"])}
    if any(options.get(name) != value for name, value in given.items()):
        options = {name: value for name, value in options.items() if name not in RECORDED}
    options = {**options, **given}
    source = options.get("source")
    usual = (
        {} if source is None else kind_of((source,), Config(source=source, forecast=options.get("forecast"))).defaults
    )
    return Config(**{**usual, **options})


def _deadline(started: float, minutes: float) -> float:
    """Return when training must end, with some of the time kept for scoring and writing."""
    return started + 60 * minutes - reserve(minutes)


def _show_plan(display: Display, prepared: Prepared, plan: Plan) -> None:
    if prepared.columns:
        display.line(columns_table(prepared.columns))
    for line in prepared.notes:
        display.line(line)
    for line in prepared.warnings:
        display.warn(line)
    if plan.settings.bootstrap and plan.members == 1:
        display.warn("bootstrap averages all networks that are trained, but there is one; raise --repeats or --trials")
    display.line(plan_line(plan))


def _warn(*lines: str) -> None:
    for line in lines:
        print(f"warning: {line}", file=sys.stderr)
