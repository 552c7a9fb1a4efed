import dataclasses
import re

import pytest

from phalanx import L2, Adam, Dense, EarlyStopping, Gaussian, InputError, Network, ReLU, choice, loguniform
from phalanx.config import Config, likelihood_named, read_config
from phalanx.likelihoods import HeteroscedasticGaussian, Likelihood
from phalanx.parts.yaml import write_yaml
from phalanx.study import LIKELIHOODS

DEFAULTS = Network([Dense(64), ReLU()], Gaussian(), optimizer=Adam(0.5), stopping=EarlyStopping(3), batch_size=128)


def options(tmp_path, text):
    (tmp_path / "c.yaml").write_text(text)
    return read_config(tmp_path / "c.yaml")


def test_reading(tmp_path):
    read = options(
        tmp_path,
        """
        source: no.csv
        target: no
        test: 1e-1
        ignore: [a, 7]
        layers: [{Dense: {units: {choice: [8, 16]}}}, ReLU]
        optimizer: {Adam: {learning_rate: {loguniform: [1e-4, 1e-1]}}}
        regularizers: [L2]
        """,
    )
    assert read == {
        "source": "no.csv",
        "target": ("no",),
        "test": 0.1,
        "ignore": ("a", "7"),
        "layers": (Dense(choice(8, 16)), ReLU()),
        "optimizer": Adam(loguniform(1e-4, 1e-1)),
        "regularizers": (L2(),),
    }


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("", {}),
        ("# only a remark", {}),
        ("trials:\nlayers: null\nignore: null", {}),  # no value: the default
        ("stopping: null", {"stopping": None}),  # no early stopping
        ("layers: default", {"layers": "default"}),
        ("layers: []", {"layers": ()}),
        ("ignore: age", {"ignore": ("age",)}),
        ("target: 3", {"target": ("3",)}),
        ("target: [a, 3]", {"target": ("a", "3")}),
        ("refit: steps\nvote: true\nsamples: 8", {"refit": "steps", "vote": True, "samples": 8}),
        ("baselines: []", {"baselines": ()}),
    ],
)
def test_short_forms(tmp_path, text, read):
    assert options(tmp_path, text) == read


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("- a", r"should be a map of options, such as `target: price`$"),
        ("trails: 3", r"unknown option `trails`; did you mean `trials`\?$"),
        ("trials: many", r"trials is 'many', but must be a whole number from 1 to 100,000$"),
        ("trials: true", r"trials is True, but must be a whole number"),
        ("max_rounds: 0", r"max_rounds is 0, but must be a whole number from 1 to 2,147,483,647$"),
        ("structures: 1.5", r"structures is 1.5, but must be a whole number from 1 to 10,000$"),
        ("rounds: [3, x]", r"rounds is 'x', but must be a whole number from 0"),
        ("widths: [0]", r"widths is 0, but must be a whole number from 1"),
        ("minutes: .nan", r"minutes is nan, but must be a number above 0$"),
        ("test: true", r"test is True, but must be a number at least 0 and below 1$"),
        ("valid: 1", r"valid is 1, but must be a number above 0 and below 1$"),
        ("source: [a.csv]", r"source is \['a.csv'\], but must be text$"),
        ("target: 1.5", r"target is 1.5, but must be text$"),
        ("target: ''", r"target is '', but must be text$"),
        ("target: [a, b, a]", r"target names 'a' 2 times; once is enough$"),
        ("target: [a, b]\ngroup: b", r"group names the target 'b'; give another column$"),
        ("refit: 7.2", r"refit is 7.2, but must be one of steps, continue, none$"),
        (
            "refit: steps\nstopping: null",
            r"refit is 'steps', which needs early stopping to say how long; set stopping$",
        ),
        ("vote: yes", r"vote is 'yes', but must be true or false$"),
        ("samples: -3", r"samples is -3, but must be a whole number from 0 to 2,147,483,647$"),
        ("ignore: [true]", r"ignore is True, but must be text$"),
        ("task: 3", r"task is 3, but must be one of classify, regress$"),
        ("target: a\nid: a", r"id names the target 'a'; give another column$"),
        ("layers: 3", r"layers is 3, but must be a list, each element a Layer$"),
        ("batch_size: 0", r"batch_size is 0, but must be at least 1$"),
        ("stopping: {EarlyStopping: {patience: -1}}", r"stopping: EarlyStopping: patience is -1, but must be at least"),
    ],
)
def test_what_no_run_can_use(tmp_path, text, error):
    with pytest.raises(InputError, match=rf"^{tmp_path}/c\.yaml: {error}"):
        options(tmp_path, text)


@pytest.mark.parametrize("target", [(), ("1e-4",), ("a", "true")], ids=repr)
def test_what_is_written_is_read_back(tmp_path, target):
    config = Config(
        source="/data/a.csv",
        target=target,
        task="regress",
        ignore=("no", "null"),
        test="later.csv",
        minutes=0.5,
        baselines=("dummy",),
        bootstrap=True,
        vote=True,
        samples=4,
        layers=(Dense(choice(8, 16)), ReLU()),
        likelihood=Gaussian(0.5),
        optimizer=Adam(loguniform(1e-4, 1e-1)),
        stopping=None,
        batch_size=choice(16, 32),
        rounds=(3, 4),
        widths=(1, 1),
    )
    assert Config(**options(tmp_path, write_yaml(config.to_plain()))) == config
    assert list(config.to_plain()) == [field.name for field in dataclasses.fields(Config)]


def test_the_space_has_what_is_given_and_defaults_for_the_rest():
    assert Config().space(DEFAULTS) == DEFAULTS
    assert Config(batch_size=16).space(DEFAULTS) == dataclasses.replace(DEFAULTS, batch_size=16)
    assert Config(stopping=None).space(DEFAULTS).stopping is None


def test_layers_of_ones_own_have_an_optimizer_and_a_stopping_rule_of_no_search():
    own = Config(layers=(Dense(8),)).space(DEFAULTS)
    assert own == Network([Dense(8)], Gaussian(), optimizer=Adam(), stopping=EarlyStopping(), batch_size=128)
    assert Config(layers=(Dense(8),), optimizer=Adam(0.2)).space(DEFAULTS).optimizer == Adam(0.2)


def test_a_single_target_is_a_word():
    assert Config(target=("a",)).to_plain()["target"] == "a"
    assert Config(target=("a", "b")).to_plain()["target"] == ["a", "b"]


@pytest.mark.parametrize("name", ["heteroscedastic_gaussian", "HeteroscedasticGaussian", "heteroscedastic-Gaussian"])
def test_likelihoods_by_name(name):
    assert likelihood_named(name) == HeteroscedasticGaussian()


def test_a_name_that_is_no_likelihood():
    with pytest.raises(InputError, match=r"^likelihood: unknown likelihood `gauss`; did you mean `gaussian`\?$"):
        likelihood_named("gauss")
    for base in ("number_likelihood", "likelihood", "joint", "rescaled"):
        with pytest.raises(InputError, match=rf"^likelihood: unknown likelihood `{base}`"):
            likelihood_named(base)


def test_every_likelihood_has_a_name_that_the_help_lists(part_classes):
    known = {cls.kind(): cls for cls in part_classes(Likelihood)}
    assert {likelihood_named(name).kind() for name in known} == set(known)
    assert set(re.split(", | or ", LIKELIHOODS)) == set(known)
