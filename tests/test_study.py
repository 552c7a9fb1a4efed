"""Every option is declared once, and every door has it: the shell, the configuration, estimators, docstrings, docs."""

import dataclasses
import importlib.util
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

from phalanx import Classifier, Forecaster, InputError, LanguageModel, MultiTask, Regressor
from phalanx.config import Config
from phalanx.declared import again, declared, option, options
from phalanx.experiment import Settings
from phalanx.metrics import SCORE
from phalanx.options import check_options
from phalanx.study import Search, Study

MIXED = {"regularizers": (), "optimizer": None, "stopping": "auto", "batch_size": None, "precision": "float32"}
SEARCH = {
    "trials": None,
    "paired": False,
    "design": "sobol",
    "structures": None,
    "repeats": 1,
    "max_rounds": None,
    "round_steps": None,
    "minutes": None,
    "refit": None,
    "winner": "best",
}
TARGETS = {
    "likelihood": None,
    "metric": None,
    "ensemble": True,
    "bootstrap": False,
    "vote": False,
    "samples": 0,
    "temperature": False,
}
SHARED = {"layers": None, **MIXED, **SEARCH, "validation_fraction": 0.2, "start": None, "random_state": 0}
ROWS = {**SHARED, **TARGETS, "missing": None, "scaling": "robust", "folds": None}
SIGNATURES = {
    Classifier: ("layers", ROWS),
    Regressor: ("layers", ROWS),
    MultiTask: ("layers", ROWS),
    Forecaster: ("horizon", {**SHARED, **TARGETS, "horizon": 1, "window": None}),
    LanguageModel: ("layers", {**SHARED, "validation_fraction": 0.05, "tokens": "characters", "steps": 64}),
}
EACH = pytest.mark.parametrize("cls", SIGNATURES, ids=lambda cls: cls.__name__)

SHELL = """
    target text tokens forecast horizon time window task metric likelihood ignore category number missing id group
    config precision trials repeats design bootstrap no-bootstrap vote no-vote temperature no-temperature refit
    samples winner minutes seed test valid folds size scaling strict no-strict out help
"""


@EACH
def test_the_names_and_defaults_of_estimators(cls):
    first, usual = SIGNATURES[cls]
    held = inspect.signature(cls).parameters
    assert {name: one.default for name, one in held.items()} == usual
    assert [name for name, one in held.items() if one.kind is not one.KEYWORD_ONLY] == [first]
    assert cls().get_params(deep=False) == usual


@EACH
def test_a_docstring_has_every_option_with_its_default_and_a_sentence(cls):
    _, _, rest = inspect.getdoc(cls).partition("\n\nParameters\n----------\n")
    listed, attributes, _ = rest.partition("\n\nAttributes\n----------\n")
    found = re.findall(r"^(\w+) : (.+), default=(.+)\n    (\S.+)$", listed, re.MULTILINE)
    usual = inspect.signature(cls).parameters
    assert [(name, default) for name, _, default, _ in found] == [(n, repr(p.default)) for n, p in usual.items()]
    assert len([line for line in listed.splitlines() if not line.startswith(" ")]) == len(usual)
    assert attributes
    assert max(map(len, inspect.getdoc(cls).splitlines())) <= 120


def test_the_names_of_the_shell(tmp_path):
    code = "import sys; from phalanx.cli import app; app(['train', '--help'], standalone_mode=False); " + (
        "sys.exit(' '.join({'jax', 'numpy', 'pandas', 'sklearn'} & set(sys.modules)))"
    )
    ended = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ended.stderr.strip() == ""  # help is shown before anything slow is loaded
    assert set(re.findall(r"--([a-z-]+)", ended.stdout.partition("Options:")[2])) == set(SHELL.split())


def test_the_help_of_the_shell_says_every_word_that_an_option_takes():
    for one in declared(Study):
        for word in one.option.constraint.choices or ():
            assert re.search(rf"\b{word}\b", one.option.help(one.default)), one.name


def test_one_declaration_is_enough():
    @options
    class More(Search):
        turns: int = option("Parts of the rows that validate in turn", default=1, at_least=1, at_most=100, metavar="K")

    @dataclasses.dataclass(eq=False, repr=False)
    class Mine(More):
        layers: object = None
        k: int = again(More, "turns", default=3)

    (one,) = [one for one in declared(Mine) if one.name == "turns"]
    assert (one.values, one.option.help(one.default)) == (
        "int from 1 to 100",
        "Parts of the rows that validate in turn; default: 1.",
    )
    assert str(inspect.signature(Mine)).startswith("(layers: object = None, k: int = 3, *, trials: int | None = None")
    check_options(Mine(turns=100))
    with pytest.raises(InputError, match=r"^turns is 101, but must be a whole number from 1 to 100$"):
        check_options(Mine(turns=101))
    with pytest.raises(InputError, match=r"^k is 0, but must be a whole number from 1 to 100$"):
        check_options(Mine(k=0))


def test_what_is_checked_stays_as_it_is():
    for value in (Config(), Settings(SCORE)):
        with pytest.raises(dataclasses.FrozenInstanceError, match="cannot assign to field 'trials'"):
            value.trials = 0
    assert dataclasses.replace(Config(target=("a",)), trials=3) == Config(target=("a",), trials=3) != Config(trials=3)


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"target": "price"}, "target is 'price', but must be a list, each element text"),
        ({"ignore": ("a", "")}, "ignore is '', but must be text"),
        ({"ignore": ("a", None)}, "ignore is None, but must be text"),
        ({"rounds": (1, None)}, "rounds is None, but must be a whole number from 0 to 2,147,483,647"),
        ({"time": ""}, "time is '', but must be text"),
        ({"strict": None}, "strict is None, but must be true or false"),
    ],
)
def test_lists_and_texts_of_a_configuration(given, error):
    with pytest.raises(InputError, match=f"^{error}$"):
        Config(**given)
    assert Config(missing=("", "NA"), target=["a"]).target == ("a",)


def test_the_table_of_options_is_up_to_date():
    docs = Path(__file__).parents[1] / "docs"
    spec = importlib.util.spec_from_file_location("make_options", docs / "make_options.py")
    generator = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generator)
    whole = (docs / "options.md").read_text(encoding="utf-8")
    assert whole == generator.table(), "run `python docs/make_options.py`"
    for line in whole.splitlines():
        if line.startswith("| `seed "):
            assert line.split(" | ")[3:] == ["`--seed`", "yes", "`random_state`", "`random_state`", "`random_state` |"]
        if line.startswith("| `valid "):
            assert line.split(" | ")[5:] == [*["`validation_fraction`"] * 2, "`validation_fraction = 0.05` |"]
    named = {line.partition(" = ")[0] for line in whole.splitlines()}
    assert {f"| `{one.name}" for one in declared(Config)} <= named
