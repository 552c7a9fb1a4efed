"""Networks that leave the precision of products open, and populations that round them."""

import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest
import yaml

from phalanx import Classifier, Dense, Gaussian, Tanh, choice
from phalanx.config import Config
from phalanx.errors import InputError
from phalanx.network import Network, OutputSize, complete
from phalanx.population import precision
from phalanx.population.precision import at_precision, pays, precision_of
from phalanx.superstructure.programs import kin


def net(units=3, **options):
    return complete(Network([Dense(units), Tanh()], Gaussian(), **options), OutputSize(1))


@pytest.mark.parametrize(("faster", "found"), [(True, "bfloat16"), (False, "float32")])
def test_the_largest_product_is_tried(monkeypatch, faster, found):
    tried = []
    monkeypatch.setattr(precision, "pays", lambda *sizes: tried.append(sizes) or faster)
    networks = [net(7, precision="auto", batch_size=16), net(90), net(5, precision="auto", batch_size=16)]
    assert precision_of(networks, (4,)) == found
    assert tried == [(16, 4, 7)]
    assert [at_precision(network, found).precision for network in networks] == [found, "float32", found]


def test_where_nothing_is_open_nothing_is_tried(monkeypatch):
    monkeypatch.setattr(precision, "pays", None)
    networks = [net(), net(precision="bfloat16")]
    assert precision_of(networks, (4,)) is None
    assert [at_precision(network, None) for network in networks] == networks


@pytest.mark.parametrize(("seconds", "expected"), [((1.0, 0.7), True), ((1.0, 0.9), False), ((0.5, 1.0), False)])
def test_rounding_pays_where_it_saves_a_fifth(monkeypatch, seconds, expected):
    found = iter(seconds)

    def slow(*_):
        time.sleep(0.01)  # so that each is asked once
        return next(found)

    monkeypatch.setattr(precision, "_seconds", slow)
    assert pays.__wrapped__(2, 3, 4) is expected


def test_a_trial_starts_jax_with_all_cores():
    """It may be the first to compute; what starts the backend says how many devices there are."""
    code = (
        "import jax; from phalanx.population.precision import pays; pays(2, 3, 4); "
        "from phalanx.population.backend import devices; import joblib; "
        "assert len(jax.devices()) == joblib.cpu_count() == len(devices()), jax.devices()"
    )
    ended = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr


def test_structures_of_different_precision_have_programs_of_their_own():
    assert kin([net(2), net(3), net(3, precision="bfloat16")], (4,)) == [0, 0, 1]


def test_a_search_among_precisions_repeats_its_members(rng):
    """Members that round take turns, so that each is to the bit as it would be alone."""
    X = rng.normal(size=(60, 5)).astype(np.float32)
    y = (X[:, 0] > 0).astype(int)
    given = {"layers": [Dense(6), Tanh()], "max_rounds": 2, "random_state": 0, "trials": 1}
    alone = Classifier(**given, repeats=1, precision="bfloat16").fit(X, y)
    among = Classifier(**given, repeats=3, precision="bfloat16").fit(X, y)
    full = Classifier(**given, repeats=1).fit(X, y)
    costs = [np.array(net.leaderboard_.set_index("id").loc["m001", "valid_log_loss"]) for net in (alone, among, full)]
    assert costs[0] == costs[1] != costs[2]
    assert abs(costs[0] - costs[2]) < 0.01
    both = Classifier(**{**given, "trials": 2}, precision=choice("float32", "bfloat16"), design="grid").fit(X, y)
    assert sorted(both.leaderboard_.precision.dropna()) == ["bfloat16", "float32"]


def test_a_precision_that_does_not_exist_is_an_error(rng):
    with pytest.raises(InputError, match="precision is 'half', but must be one of float32, bfloat16, auto"):
        Config(source="x.csv", precision="half")
    with pytest.raises(InputError, match="precision is 'half'"):
        Classifier(precision="half").fit(rng.normal(size=(20, 2)), np.arange(20) % 2)


def test_what_was_found_is_recorded(monkeypatch, tmp_path):
    from phalanx.runs.command import train_command

    monkeypatch.setattr(precision, "pays", lambda *sizes: True)
    given = {"source": "iris", "precision": "auto", "trials": 2, "minutes": 0.5, "max_rounds": 2}
    train_command(given, None, tmp_path / "one", time.monotonic())
    assert yaml.safe_load((tmp_path / "one" / "config.yaml").read_text())["precision"] == "bfloat16"
    monkeypatch.setattr(precision, "pays", None)  # a run that is repeated tries nothing
    train_command({}, tmp_path / "one" / "config.yaml", tmp_path / "two", time.monotonic())
    one, two = (pd.read_csv(tmp_path / name / "leaderboard.csv").drop(columns="seconds") for name in ("one", "two"))
    pd.testing.assert_frame_equal(one, two)
