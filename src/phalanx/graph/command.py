"""`phalanx graph`: the computational graph of a run's network, or of one that a configuration trains."""

from collections.abc import Sequence
from pathlib import Path

from phalanx.errors import InputError
from phalanx.graph.draw import graph_of
from phalanx.graph.subject import Subject, of_task
from phalanx.kinds.registry import prepare
from phalanx.model import initialize, parameter_count, row_shape
from phalanx.runs.command import resolve
from phalanx.runs.folder import load_run, writing
from phalanx.runs.planning import make_plan


def graph_command(path: Path, out: Path | None, values: bool, steps: int, unfold: Sequence[str]) -> None:
    """Draw a run's best network, or the largest that a configuration trains, on rows of its data, as an SVG file."""
    if not path.exists():
        raise InputError(f"no such run folder or configuration: {str(path)!r}")
    subject, what = _of_run(path) if path.is_dir() else _of_config(path)
    graph = graph_of(subject, values=values, steps=steps, unfold=unfold)
    out = (path / "graph.svg" if path.is_dir() else path.with_name("graph.svg")) if out is None else out
    with writing(out, "another --out"):
        graph.save(out)
    print(f"{what}: {len(graph.nodes)} nodes and {len(graph.edges)} edges, written to {out}")


def _of_run(folder: Path) -> tuple[Subject, str]:
    model = load_run(folder)
    file = folder / "config.yaml"
    if not file.exists():
        raise InputError(f"{folder} does not name its data, as config.yaml does; draw in Python, by draw_graph")
    config = resolve({}, file)
    subject = of_task(prepare(config).task, model.members[model.best], config.seed)
    return subject, f"{model.best}, the best network of {folder}"


def _of_config(file: Path) -> tuple[Subject, str]:
    config = resolve({}, file)
    prepared = prepare(config)
    networks = make_plan(prepared)[0].networks
    shape = row_shape(prepared.task.rows.x)
    largest = max(networks, key=lambda network: parameter_count(initialize(network, 0, shape)[0]))
    which = "the network" if len(networks) == 1 else f"the largest of the {len(networks):,} networks"
    return of_task(prepared.task, largest, config.seed), f"{which} that {file} trains"
