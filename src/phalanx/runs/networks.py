"""What the networks of a run, or of a configuration, consist of, printed."""

from collections.abc import Sequence
from pathlib import Path

import jax

from phalanx.display import make_console
from phalanx.errors import InputError
from phalanx.kinds.registry import prepare
from phalanx.model import row_shape
from phalanx.runs.command import resolve
from phalanx.runs.folder import load_run
from phalanx.runs.planning import make_plan
from phalanx.summaries import Summary, summary, summary_of


def summary_command(path: Path) -> None:
    """Print the layers of a run's best network, or of the largest that a configuration trains, and a line on others."""
    if not path.exists():
        raise InputError(f"no such run folder or configuration: {str(path)!r}")
    title, shown, others = _of_run(path) if path.is_dir() else _of_config(path)
    console = make_console()
    for line in (title, shown, *others):
        console.print(line)


def _of_run(folder: Path) -> tuple[str, Summary, list[str]]:
    model = load_run(folder)
    others = [summary_of(model, model.row_shape, id_) for id_ in model.members if id_ != model.best]
    return f"{model.best}, the best network of {folder}", summary_of(model, model.row_shape), _others(others, "kept")


def _of_config(file: Path) -> tuple[str, Summary, list[str]]:
    prepared = prepare(resolve({}, file))
    plan, _ = make_plan(prepared)
    shape = row_shape(prepared.task.rows.x)
    each = {jax.tree.structure(network): summary(network, shape) for network in plan.networks}
    found = sorted((each[jax.tree.structure(network)] for network in plan.networks), key=lambda one: -one.parameters)
    which = "the network" if len(found) == 1 else f"the largest of the {len(found):,} networks"
    return f"{which} that {file} trains", found[0], _others(found[1:], "planned")


def _others(found: Sequence[Summary], how: str) -> list[str]:
    """Return a line on further networks, nothing where there are none."""
    if not found:
        return []
    parameters, layers = (_range([getattr(one, name) for one in found]) for name in ("parameters", "depth"))
    what = "network is" if len(found) == 1 else "networks are"
    return [f"{len(found):,} more {what} {how}, of {parameters} parameters and {layers} layers with weights"]


def _range(numbers: Sequence[int]) -> str:
    low, high = min(numbers), max(numbers)
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"
