"""Write docs/options.md, the table of all options and their names at the doors: `python docs/make_options.py`.

With `--check` nothing is written; the exit status is 1 where the file is not what would be written.
"""

import sys
from pathlib import Path

from phalanx.declared import Declared, declared
from phalanx.estimators.parameters import OfRows, OfSeries, OfText
from phalanx.study import Study

FILE = Path(__file__).parent / "options.md"
DOORS = {"`Classifier`, `Regressor`, `MultiTask`": OfRows, "`Forecaster`": OfSeries, "`LanguageModel`": OfText}
INTRODUCTION = """# Options

Every option and where it can be given. Written by `python docs/make_options.py` from `phalanx/study.py`, where each is
declared once: with it follow the options of `phalanx train`, the YAML file of `--config`, and what estimators take. The
first column has the name and the default in YAML; at the other doors "yes" means the same, and what differs is said.
Two names are scikit-learn's: `random_state` for `seed`, and `validation_fraction` for `valid`.
"""


def table() -> str:
    """Return the text of docs/options.md."""
    run = {one.key: one for one in declared(Study)}
    estimators = [{one.key: one for one in declared(cls)} for cls in DOORS.values()]
    pieces, done = [INTRODUCTION], set()
    for group in reversed(Study.__bases__):
        names = [one.name for one in declared(group)]
        pieces += [_head((group.__doc__ or "").partition(".")[0])]
        pieces += [_row(run[name], True, [door.get(name) for door in estimators]) for name in names]
        done.update(names)
    pieces += [_head("Of estimators only")]
    for name in dict.fromkeys(name for door in estimators for name in door if name not in done):
        doors = [door.get(name) for door in estimators]
        pieces += [_row(next(filter(None, doors)), False, doors)]
    return "".join(pieces)


def _head(title: str) -> str:
    columns = ["option", "values", "meaning", "shell", "YAML", *DOORS]
    return f"\n## {title}\n\n| {' | '.join(columns)} |\n|{'---|' * len(columns)}\n"


def _row(first: Declared, of_run: bool, doors: list[Declared | None]) -> str:
    """Return the row of an option, which is one `of_run`: of the configuration, and with a `metavar` of the shell."""
    means = f"; by default: {first.option.means}" if first.option.means else ""
    name = "SOURCE" if first.name == "source" else f"--{first.name}"
    shell = f"`{name}`" if of_run and first.option.metavar is not None else ""
    given = [shell, "yes" if of_run else "", *(_difference(first, one) for one in doors)]
    cells = [f"`{first.name} = {first.default!r}`", first.values, first.option.sentence + means, *given]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def _difference(first: Declared, one: Declared | None) -> str:
    if one is None:
        return ""
    name = one.name if one.name != first.name else ""
    default = f"= {one.default!r}" if one.default != first.default else ""
    return f"`{name} {default}`".replace("` ", "`").replace(" `", "`") if name or default else "yes"


if __name__ == "__main__":
    if "--check" in sys.argv[1:]:
        current = FILE.read_text(encoding="utf-8") if FILE.exists() else ""
        sys.exit(0 if current == table() else f"{FILE} is out of date; run `python docs/make_options.py`")
    FILE.write_text(table(), encoding="utf-8")
