"""The command line: a thin door. It parses words and exits with 0, 2 (the input is at fault) or 130 (Ctrl-C)."""

import functools
import inspect
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import Annotated, Any, NoReturn

import typer
from typer.exceptions import TyperException

from phalanx.declared import SWITCH, Declared, declared
from phalanx.errors import InputError
from phalanx.study import Study

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


_PARSERS = {(int,): _whole, (float,): _number, (float, str): _share_or_file}


def _parameter(one: Declared) -> inspect.Parameter:
    """Return an option of a study as the shell has it; None where it is not given."""
    kind: Any = list[str] if one.several or one.name == "source" else str
    text, metavar = one.option.help(one.default), one.option.metavar or ""
    if one.name == "source":
        info = typer.Argument(metavar=metavar, help=text)
    elif metavar == SWITCH:
        kind, info = bool, typer.Option(help=text)
    else:
        info = _option(metavar, text, _PARSERS.get(one.types))
    annotation = Annotated[kind | None, info]
    return inspect.Parameter(one.name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)


def _with_study(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options of a study beside its own, for typer to read."""
    own = [one for one in inspect.signature(command).parameters.values() if one.kind is not one.VAR_KEYWORD]
    shared = [_parameter(one) for one in declared(Study) if one.option.metavar is not None]
    command.__signature__ = inspect.Signature([*shared, *own])  # type: ignore[attr-defined]
    return command


@app.command()
@_with_study
@_stoppable
def train(
    *,
    config: Annotated[Path | None, _option("FILE", "YAML file of options; the command line overrides it.")] = None,
    out: Annotated[Path | None, _option("RUN", "Folder to write; default: runs/NAME-K.")] = None,
    **given: Any,
) -> int:
    """Train a population of networks on data of any kind."""
    started = monotonic()
    from phalanx.runs.command import train_command

    options = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in given.items()
        if value not in (None, [])
    }
    if "source" in options:
        options["source"] = ",".join(options["source"])
    return train_command(options, config, out, started)


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
def compare(
    runs: Annotated[
        list[Path], typer.Argument(metavar="RUN...", help="Run folders of several options, each with several seeds.")
    ],
    metric: Annotated[
        str | None, _option("NAME", "What to compare by; default: what ranked the networks of the runs.")
    ] = None,
    difference: Annotated[
        float | None,
        _option("D", "How large a difference is worth seeing; default: 0.005, or of errors 1%.", _number),
    ] = None,
    out: Annotated[Path | None, _option("FILE", "JSON file to write, or a .csv of the differences.")] = None,
    ensemble: Annotated[bool, typer.Option(help="Compare ensembles, or only the best networks.")] = True,
) -> None:
    """Compare the test scores of runs, paired by seed."""
    from phalanx.runs.comparing import compare_command

    compare_command(runs, metric, difference, ensemble, out)


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
def report(
    run: _Run,
    out: Annotated[Path | None, _option("FILE", "HTML file to write; default: RUN/report.html.")] = None,
) -> None:
    """Make the page of a run again, from what its folder holds."""
    from phalanx.runs.reporting import report_command

    report_command(run, out)


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
def summary(
    path: Annotated[
        Path, typer.Argument(metavar="RUN|CONFIG", help="A run folder, or a YAML file of options, as train takes it.")
    ],
) -> None:
    """Show the layers of a network, its parameters and connections."""
    from phalanx.runs.networks import summary_command

    summary_command(path)


@app.command()
@_stoppable
def graph(
    path: Annotated[
        Path, typer.Argument(metavar="RUN|CONFIG", help="A run folder, or a YAML file of options, as train takes it.")
    ],
    out: Annotated[Path | None, _option("FILE", "SVG file to write; default: graph.svg beside it.")] = None,
    values: Annotated[
        bool, typer.Option("--values", help="Tell values and gradients of a batch at each node.")
    ] = False,
    steps: Annotated[
        int | None, _option("K", "Draw so many steps of a recurrent layer one by one; default: none.", _whole)
    ] = None,
    unfold: Annotated[
        list[str] | None, _option("LAYER", "Draw each operation of a layer, or of `all`; may be given several times.")
    ] = None,
) -> None:
    """Draw the computational graph of a network's cost."""
    from phalanx.graph.command import graph_command

    graph_command(path, out, values, steps or 0, unfold or [])


@app.command()
@_stoppable
def notes(
    chapter: Annotated[
        str | None, typer.Argument(metavar="CHAPTER", help="Its name, or a row of the notes; default: list all.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Run every chapter, and write the book.")] = False,
    out: Annotated[Path | None, _option("FOLDER", "Write pages there, beginning with index.html.")] = None,
    data: Annotated[Path | None, _option("FILE", "Compute a chapter on a table of one's own.")] = None,
    target: Annotated[
        str | None, _option("COLUMN", "What of that is to be predicted; default: the last column.")
    ] = None,
) -> None:
    """Compute a chapter of the lecture notes, or all."""
    from phalanx.notes.command import notes_command

    notes_command(chapter, every, out, data, target)


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
