"""Run folders: where a run is written, and how its model is read back. Nothing in a folder is ever executed."""

import itertools
import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from phalanx.errors import InputError
from phalanx.jsonable import jsonable
from phalanx.kinds.model import Model
from phalanx.kinds.registry import kind_named
from phalanx.network import Network, layers_of
from phalanx.parts.plain import from_plain, to_plain
from phalanx.parts.yaml import write_yaml
from phalanx.population.predict import Final
from phalanx.report.figures import Figure

_PLAIN, _ARRAYS = "model.json", "parameters.safetensors"
_RESULT, _BOARD, _CURVES = "result.json", "leaderboard.csv", "curves.parquet"
_FIGURES = "figures.json"
_FORMAT = 5  # of model.json; a change of its meaning is another number


@contextmanager
def run_folder(out: Path | None, name: str, another: str = "another --out") -> Iterator[Path]:
    """Make the folder of a run: `out`, or runs/NAME-K with the next free K. It goes again if the body raises.

    Parents are made where they are missing. Raises `InputError` for a folder that exists or cannot be made, which asks
    for `another`.
    """
    numbered = (Path("runs") / f"{name}-{k}" for k in itertools.count(1))
    made: list[Path] = []
    try:
        folder = next(
            path for path in ([out] if out else numbered) if _make(path, made, again=out is None, another=another)
        )
        yield folder
    except BaseException:
        for path in reversed(made):
            with suppress(OSError):  # something else was put beside the run
                shutil.rmtree(path) if path == made[-1] else path.rmdir()
        raise


def _make(folder: Path, made: list[Path], again: bool, another: str) -> bool:
    """Make a folder and its missing parents, and add them to `made`; with `again`, tell whether it was free."""
    try:
        for parent in reversed(folder.parents):
            if not parent.exists():
                parent.mkdir()
                made.append(parent)
        folder.mkdir()
        made.append(folder)
    except FileExistsError:
        if not again:
            raise InputError(f"{folder} exists already; choose {another}, or remove it first") from None
        return False
    except OSError as error:
        raise InputError(f"{folder} cannot be made: {error.strerror}; choose {another}") from None
    return True


def write_run(
    folder: Path,
    config: dict[str, Any],
    result: dict[str, Any],
    board: pd.DataFrame,
    learning: pd.DataFrame,
    model: Model,
    figures: Sequence[Figure] = (),
) -> None:
    """Write a run into its empty folder; raise `InputError` where the disk refuses."""
    with writing(folder):
        (folder / "config.yaml").write_text(write_yaml(config), encoding="utf-8")
        plain = {"figures": [figure.to_plain() for figure in figures]}
        (folder / _FIGURES).write_text(json.dumps(plain, allow_nan=False, ensure_ascii=False), encoding="utf-8")
    write_trained(folder, result, board, learning, model)


def write_trained(
    folder: Path, result: dict[str, Any], board: pd.DataFrame, learning: pd.DataFrame, model: Model
) -> None:
    """Write what training found into a folder; raise `InputError` where the disk refuses."""
    with writing(folder):
        (folder / _RESULT).write_text(to_json(result), encoding="utf-8")
        board.to_csv(folder / _BOARD, index=False)
        learning.to_parquet(folder / _CURVES, index=False)
        save_model(folder / "model", model)


@contextmanager
def writing(path: Path, another: str = "") -> Iterator[None]:
    """Raise `InputError` where the disk refuses what the body writes at a path; it asks for `another` place, if any."""
    try:
        yield
    except OSError as error:
        what_to_do = f"; choose {another}" if another else ""
        raise InputError(f"{path} cannot be written: {error.strerror or error}{what_to_do}") from None


def read_result(folder: Path) -> dict[str, Any]:
    """Return what a run found; NaN and infinite numbers are None. Raises `InputError` where it cannot be read."""
    with reading(folder / _RESULT) as path:
        return json.loads(path.read_text(encoding="utf-8"))


def read_figures(folder: Path) -> list[Figure]:
    """Return the figures of a run, none where it has no such file; raise `InputError` where they cannot be read."""
    path = folder / _FIGURES
    if not path.exists():
        return []
    with reading(path):
        try:
            return [Figure.from_plain(plain) for plain in json.loads(path.read_text(encoding="utf-8"))["figures"]]
        except (KeyError, TypeError) as error:
            raise ValueError(f"it holds no figures ({type(error).__name__}: {error})") from None


def read_leaderboard(folder: Path) -> pd.DataFrame:
    """Return the leaderboard of a run, numbers to the bit; raise `InputError` where it cannot be read."""
    with reading(folder / _BOARD) as path:
        return pd.read_csv(path, engine="pyarrow")  # pandas' own reading of floats may miss the last bit


def read_curves(folder: Path) -> pd.DataFrame:
    """Return the learning curves of a run; raise `InputError` where they cannot be read."""
    with reading(folder / _CURVES) as path:
        return pd.read_parquet(path)


@contextmanager
def reading(path: Path) -> Iterator[Path]:
    """Raise `InputError` in place of what goes wrong when a file of a run is read in the body."""
    try:
        yield path
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read: {error}") from None


def to_json(value: Any) -> str:
    """Return plain data as JSON text; numbers that JSON cannot hold are null."""
    return json.dumps(jsonable(value), indent=2, allow_nan=False, ensure_ascii=False) + "\n"


def save_model(folder: Path, model: Model) -> None:
    """Write a model as plain data (model.json) and arrays (parameters.safetensors)."""
    folder.mkdir()
    arrays: dict[str, np.ndarray] = {}
    for id_, final in model.members.items():
        for group, tree in (("params", final.params), ("states", final.states)):
            for layer, held in tree.items():
                arrays |= {f"{id_}/{group}/{layer}/{name}": np.asarray(array) for name, array in held.items()}
    plain = {
        "format": _FORMAT,
        **model.to_plain(),
        "members": {
            id_: {"network": to_plain(final.network), "progress": final.progress, "fold": final.fold}
            for id_, final in model.members.items()
        },
    }
    (folder / _PLAIN).write_text(json.dumps(plain, indent=1, ensure_ascii=False), encoding="utf-8")
    (folder / _ARRAYS).write_bytes(save(arrays))


def check_folder(run: Path) -> None:
    """Raise `InputError` for what is no folder."""
    if not run.is_dir():
        raise InputError(f"{run} is not a run folder" if run.exists() else f"no such run folder: {str(run)!r}")


def load_run(run: Path) -> Model:
    """Read what a run folder holds; raise `InputError` where there is nothing or it is damaged."""
    check_folder(run)
    for name in (_PLAIN, _ARRAYS):
        if not (run / "model" / name).exists():
            raise InputError(f"{run} is not a run folder: model/{name} is missing")
    try:
        plain = json.loads((run / "model" / _PLAIN).read_text(encoding="utf-8"))
        return _model(plain, load_file(run / "model" / _ARRAYS))
    except (AttributeError, KeyError, TypeError, ValueError, OSError, SafetensorError) as error:
        raise InputError(
            f"the model in {run} cannot be read ({type(error).__name__}: {error}); train it again"
        ) from None


def _model(plain: dict[str, Any], arrays: dict[str, np.ndarray]) -> Model:
    if plain["format"] != _FORMAT:
        raise ValueError(f"its format is {plain['format']}, but this version reads {_FORMAT}")
    members = {}
    for id_, stored in plain["members"].items():
        network = from_plain(stored["network"], f"member {id_}")
        trees = {group: _tree(arrays, f"{id_}/{group}/", network) for group in ("params", "states")}
        members[id_] = Final(network, trees["params"], trees["states"], stored["progress"], stored.get("fold", 0))
    kind = "language" if "language" in plain else plain["encoder"]["kind"]
    return kind_named(kind).model(plain, members)


def _tree(arrays: dict[str, np.ndarray], prefix: str, network: Network) -> dict[str, dict[str, np.ndarray]]:
    tree: dict[str, dict[str, np.ndarray]] = {name: {} for name, _ in layers_of(network)}
    for key, array in arrays.items():
        if key.startswith(prefix):
            layer, name = key[len(prefix) :].split("/")
            tree[layer][name] = array
    return tree
