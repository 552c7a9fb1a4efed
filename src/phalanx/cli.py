"""The command line: a thin door. It parses words and exits with 0, 2 (the input is at fault) or 130 (Ctrl-C)."""

import functools
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import Annotated, Any, NoReturn

import typer
from typer.exceptions import TyperException

from phalanx.errors import InputError

LIKELIHOODS = (
    "bernoulli, gaussian, gaussian_mixture, heteroscedastic_gaussian, multinoulli, multivariate_gaussian or poisson"
)
"""The names of likelihoods; they stand here since finding them out would take a second before any help is shown."""

app = typer.Typer(
    name="phalanx",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _stoppable(command: Callable[..., Any]) -> Callable[..., Any]:
    """Make Ctrl-C end a command at once: an ordinary exit would wait for threads that are compiling."""

    @functools.wraps(command)
    def run(*args: Any, **options: Any) -> Any:
        try:
            return command(*args, **options)
        except KeyboardInterrupt:
            print("interrupted: nothing was written", file=sys.stderr, flush=True)
            os._exit(130)

    return run


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a whole number") from None


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a number") from None


def _share_or_file(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def _print_version(wanted: bool) -> bool:
    if wanted:
        from phalanx import __version__

        print(f"phalanx {__version__}")
        raise typer.Exit
    return wanted


def _option(metavar: str, text: str, parser: Any = None) -> Any:
    return typer.Option(metavar=metavar, help=text, parser=parser)


_Sources = Annotated[
    list[str], typer.Argument(metavar="SOURCE...", help="Data of the kind that the run was trained on.")
]
_Run = Annotated[Path, typer.Argument(metavar="RUN", help="A run folder.")]
_Ensemble = Annotated[bool, typer.Option(help="Use the ensemble, or only the best network.")]


@app.callback()
def _phalanx(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Deep learning by trial and error, with the trials in formation."""


@app.command()
@_stoppable
def train(
    source: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[SOURCE]",
            help="A .csv, .tsv or .parquet table; a folder with a folder of images, sounds or texts for each class; a "
            "table that names WAV files; a text file (.txt); a pair of IDX files; a .npz of X and y; or one of digits "
            "iris wine breast_cancer diabetes.",
        ),
    ] = None,
    target: Annotated[list[str] | None, _option("COL", "Column to predict; may be given several times.")] = None,
    text: Annotated[str | None, _option("COL", "Column of texts to learn from, instead of all others.")] = None,
    tokens: Annotated[
        str | None, _option("KIND", "Of a text file: characters, words or bpe; default: characters.")
    ] = None,
    forecast: Annotated[str | None, _option("COL", "Column of a series to forecast.")] = None,
    horizon: Annotated[int | None, _option("H", "Steps ahead to forecast; default: 1.", _whole)] = None,
    time: Annotated[str | None, _option("COL", "Column of the times; default: the only one of dates.")] = None,
    window: Annotated[
        int | None, _option("N", "Steps of the past that a forecast sees; default: by the season.", _whole)
    ] = None,
    task: Annotated[str | None, _option("TASK", "classify or regress; default: by the target.")] = None,
    metric: Annotated[
        str | None, _option("NAME", "What ranks; default: accuracy, rmse, score, or mae of forecasts.")
    ] = None,
    likelihood: Annotated[str | None, _option("NAME", f"{LIKELIHOODS}; default: by the target.")] = None,
    ignore: Annotated[list[str] | None, _option("COL", "Column to leave out; may be given several times.")] = None,
    category: Annotated[list[str] | None, _option("COL", "Column of names, though they look like numbers.")] = None,
    number: Annotated[list[str] | None, _option("COL", "Column of numbers, whatever it looks like.")] = None,
    missing: Annotated[
        list[str] | None,
        _option("WORD", "What means missing in every column, and no other word does; default: found out."),
    ] = None,
    id: Annotated[str | None, _option("COL", "Column to leave out and copy into predictions.")] = None,
    group: Annotated[
        str | None, _option("COL", "Column to leave out; rows equal in it stay on one side of every split.")
    ] = None,
    config: Annotated[Path | None, _option("FILE", "YAML file of options; the command line overrides it.")] = None,
    trials: Annotated[int | None, _option("N", "Networks to try; default: by the rows.", _whole)] = None,
    repeats: Annotated[int | None, _option("N", "Seeds for each trial; default: 1.", _whole)] = None,
    design: Annotated[str | None, _option("NAME", "sobol, random or grid; default: sobol.")] = None,
    bootstrap: Annotated[
        bool | None, typer.Option(help="Train each network on a bootstrap sample, and average all.")
    ] = None,
    vote: Annotated[bool | None, typer.Option(help="Choose classes by majority vote of the networks.")] = None,
    refit: Annotated[
        str | None,
        _option("RULE", "Train again on all rows: steps (afresh), continue, none; default: only series, books."),
    ] = None,
    samples: Annotated[
        int | None, _option("N", "Average predictions over N dropout masks; default: 0, scale weights.", _whole)
    ] = None,
    minutes: Annotated[float | None, _option("M", "Time limit of the whole command; default: none.", _number)] = None,
    seed: Annotated[int | None, _option("S", "Decides splits, trials, weights, batches; default: 0.", _whole)] = None,
    test: Annotated[
        Any, _option("SOURCE|SHARE", "What to test on, or share of the rows; default: 0.2.", _share_or_file)
    ] = None,
    valid: Annotated[float | None, _option("SHARE", "Share of the rest to validate on; default: 0.2.", _number)] = None,
    size: Annotated[
        str | None, _option("PIXELS", "Side of all images, or HEIGHTxWIDTH; default: theirs, at most 64.")
    ] = None,
    scaling: Annotated[
        str | None, _option("NAME", "Of a table's numbers: robust, standard or none; default: robust.")
    ] = None,
    strict: Annotated[bool | None, typer.Option(help="Stop at a broken file instead of leaving it out.")] = None,
    out: Annotated[Path | None, _option("RUN", "Folder to write; default: runs/NAME-K.")] = None,
) -> int:
    """Train a population of networks on data of any kind."""
    started = monotonic()
    given: dict[str, Any] = {
        "source": ",".join(source) if source else None,
        "target": tuple(target) if target else None,
        "text": text,
        "tokens": tokens,
        "forecast": forecast,
        "horizon": horizon,
        "time": time,
        "window": window,
        "task": task,
        "metric": metric,
        "likelihood": likelihood,
        "ignore": tuple(ignore) if ignore else None,
        "category": tuple(category) if category else None,
        "number": tuple(number) if number else None,
        "missing": tuple(missing) if missing else None,
        "id": id,
        "group": group,
        "trials": trials,
        "repeats": repeats,
        "design": design,
        "bootstrap": bootstrap,
        "vote": vote,
        "refit": refit,
        "samples": samples,
        "minutes": minutes,
        "seed": seed,
        "test": test,
        "valid": valid,
        "size": size,
        "scaling": scaling,
        "strict": strict,
    }
    from phalanx.runs.command import train_command

    return train_command({name: value for name, value in given.items() if value is not None}, config, out, started)


@app.command()
@_stoppable
def predict(
    run: _Run,
    source: _Sources,
    out: Annotated[Path | None, _option("FILE", "CSV file to write; default: standard output.")] = None,
    level: Annotated[
        float | None, _option("P", "Probability that a number lies from lower to upper; default: 0.9.", _number)
    ] = None,
    ensemble: _Ensemble = True,
) -> None:
    """Predict new data with a trained run, as CSV."""
    from phalanx.runs.command import predict_command

    predict_command(run, source, out, 0.9 if level is None else level, ensemble)


@app.command()
@_stoppable
def evaluate(
    run: _Run,
    source: _Sources,
    out: Annotated[Path | None, _option("FILE", "JSON file to write the metrics to.")] = None,
    ensemble: _Ensemble = True,
) -> None:
    """Score a trained run on a source that has the target."""
    from phalanx.runs.command import evaluate_command

    evaluate_command(run, source, out, ensemble)


@app.command()
@_stoppable
def generate(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder of a language model.")],
    prompt: Annotated[str, _option("TEXT", "What the text begins with; default: the beginning of a line.")] = "",
    length: Annotated[int | None, _option("N", "Tokens that follow the prompt; default: 500.", _whole)] = None,
    temperature: Annotated[
        float | None,
        _option("T", "Below 1 likelier tokens are preferred, at 0 the likeliest is taken; default: 1.", _number),
    ] = None,
    seed: Annotated[int | None, _option("S", "Decides what is drawn; default: 0.", _whole)] = None,
    ensemble: _Ensemble = True,
) -> None:
    """Continue a text with a language model."""
    from phalanx.runs.command import generate_command

    length, temperature = 500 if length is None else length, 1.0 if temperature is None else temperature
    generate_command(run, prompt, length, temperature, seed or 0, ensemble)


@app.command()
@_stoppable
def features(
    run: _Run,
    image: Annotated[str, typer.Argument(metavar="IMAGE", help="An image file.")],
    out: Annotated[Path | None, _option("FILE", "PNG file to write; default: beside the image.")] = None,
) -> None:
    """Draw what a run's convolutions see in an image."""
    from phalanx.runs.command import features_command

    features_command(run, image, out)


@app.command()
@_stoppable
def check() -> None:
    """Check the installation by training a small network."""
    from phalanx.runs.command import check_command

    check_command()


def main() -> None:
    """Run the command line; the entry point of `phalanx`."""
    signal.signal(signal.SIGINT, _interrupt)
    signal.signal(signal.SIGTERM, _interrupt)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # JAX 0.10 warns of each program that it finds in its cache
    try:
        status = app(sys.argv[1:] or ["--help"], standalone_mode=False)
    except InputError as error:
        status = _fault(str(error))
    except TyperException as error:
        status = _fault(error.format_message())
    sys.exit(status)


def _interrupt(number: int, frame: Any) -> NoReturn:
    raise KeyboardInterrupt


def _fault(message: str) -> int:
    print(f"error: {' '.join(message.split())}", file=sys.stderr)
    return 2
