"""The table of parts in the docs is the one that the code gives."""

import importlib.util
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[1] / "docs"


@pytest.fixture(scope="module")
def generator():
    spec = importlib.util.spec_from_file_location("make_parts", DOCS / "make_parts.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_table_is_up_to_date(generator):
    assert (DOCS / "parts.md").read_text(encoding="utf-8") == generator.table(), "run `python docs/make_parts.py`"


def test_every_part_is_in_the_table(generator, part_classes):
    from phalanx import Network
    from phalanx.notes.parts import is_base
    from phalanx.parts import Part

    whole = generator.table()
    made = {cls for cls in part_classes(Part) if not is_base(cls)} - {Network}
    assert not [cls.__name__ for cls in made if f"| `{cls.__name__}` |" not in whole]
