"""The command line: a thin door. It parses words, prints, and exits with 0, 2 (the input is at fault) or 130 (Ctrl-C)."""

import signal
import sys
import time
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.exceptions import TyperException

from phalanx.errors import InputError

app = typer.Typer(
    name="phalanx", add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None,
    help="Deep learning by trial and error, with the trials in formation.",
)

_SOURCE = "A table (.csv, .tsv, .parquet), or one of digits iris wine breast_cancer diabetes."


@app.command()
def train(
    source: Annotated[str | None, typer.Argument(help=_SOURCE)] = None,
    target: Annotated[list[str] | None, typer.Option(help="Column to predict.")] = None,
    task: Annotated[str | None, typer.Option(help="classify or regress; default: by the target.")] = None,
    metric: Annotated[str | None, typer.Option(help="Metric that ranks; default: accuracy, or rmse.")] = None,
    likelihood: Annotated[str | None, typer.Option(help="gaussian, bernoulli or multinoulli; default: by the target.")] = None,
    ignore: Annotated[list[str] | None, typer.Option(help="Column to leave out; may be given several times.")] = None,
    id: Annotated[str | None, typer.Option(help="Column that identifies rows: left out, copied into predictions.")] = None,
    group: Annotated[str | None, typer.Option(help="Column whose equal values stay on one side of every split.")] = None,
    config: Annotated[Path | None, typer.Option(help="YAML file of options; the command line overrides it.")] = None,
    trials: Annotated[int | None, typer.Option(help="Networks to try; default: by the number of rows.")] = None,
    repeats: Annotated[int | None, typer.Option(help="Seeds a trial; default: 1.")] = None,
    design: Annotated[str | None, typer.Option(help="sobol, random or grid; default: sobol.")] = None,
    minutes: Annotated[float | None, typer.Option(help="Time limit of the whole command; default: none.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of splits, designs, weights and batches; default: 0.")] = None,
    test: Annotated[str | None, typer.Option(help="Table to test on, or a share of the rows; default: 0.2.")] = None,
    valid: Annotated[float | None, typer.Option(help="Share of the other rows to validate on; default: 0.2.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder to write; default: runs/NAME-K.")] = None,
) -> None:
    """Train a population of networks on a table, and write a run folder."""
    started = time.monotonic()
    from phalanx.runs.command import train_command

    given: dict[str, Any] = {
        "source": source, "target": _single("--target", target), "task": task, "metric": metric,
        "likelihood": likelihood, "ignore": tuple(ignore) if ignore else None, "id": id, "group": group,
        "trials": trials, "repeats": repeats, "design": design, "minutes": minutes, "seed": seed,
        "test": _share_or_file(test), "valid": valid,
    }
    train_command({name: value for name, value in given.items() if value is not None}, config, out, started)


@app.command()
def predict(
    run: Annotated[Path, typer.Argument(help="A run folder.")],
    source: Annotated[str, typer.Argument(help=_SOURCE)],
    out: Annotated[Path | None, typer.Option(help="CSV file to write; default: standard output.")] = None,
    ensemble: Annotated[bool, typer.Option(help="Use the ensemble, or only the best member.")] = True,
) -> None:
    """Predict the rows of a table with a trained run: one row of CSV for each, in order."""
    from phalanx.runs.command import predict_command

    predict_command(run, source, out, ensemble)


@app.command()
def evaluate(
    run: Annotated[Path, typer.Argument(help="A run folder.")],
    source: Annotated[str, typer.Argument(help=_SOURCE + " It must have the target column.")],
    out: Annotated[Path | None, typer.Option(help="JSON file to write the metrics to.")] = None,
    ensemble: Annotated[bool, typer.Option(help="Use the ensemble, or only the best member.")] = True,
) -> None:
    """Score a trained run on a table that has the target."""
    from phalanx.runs.command import evaluate_command

    evaluate_command(run, source, out, ensemble)


@app.command()
def check() -> None:
    """Check the installation: versions, devices, and a small network trained."""
    from phalanx.runs.command import check_command

    check_command()


def main() -> None:
    """Run the command line; the entry point of `phalanx`."""
    signal.signal(signal.SIGTERM, lambda *_: _interrupt())
    try:
        code = app(sys.argv[1:] or ["--help"], standalone_mode=False)
    except InputError as error:
        code = _fault(str(error))
    except typer.Abort:
        code = 130
    except TyperException as error:
        code = _fault(error.format_message())
    except KeyboardInterrupt:
        print("interrupted; nothing was written", file=sys.stderr)
        code = 130
    sys.exit(code if isinstance(code, int) else 0)


def _interrupt() -> None:
    raise KeyboardInterrupt


def _fault(message: str) -> int:
    print(f"error: {' '.join(message.split())}", file=sys.stderr)
    return 2


def _single(option: str, values: list[str] | None) -> str | None:
    if values and len(values) > 1:
        raise InputError(f"{option} was given {len(values)} times; give one column")
    return values[0] if values else None


def _share_or_file(test: str | None) -> float | str | None:
    if test is None:
        return None
    try:
        return float(test)
    except ValueError:
        return test
