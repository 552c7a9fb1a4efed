import json
import os
import stat
import subprocess
import sys
from dataclasses import replace

import jax
import numpy as np
import pandas as pd
import pytest

from phalanx import Columns, Dense, Gaussian, InputError, Multinoulli, Network, Tanh
from phalanx.data import ClassTarget, Goal, NumberTarget, Source, infer_columns
from phalanx.kinds.model import RowModel
from phalanx.kinds.tables.encoder import TableEncoder
from phalanx.kinds.tables.kind import TABLES
from phalanx.likelihoods import Head, Joint
from phalanx.model import initialize
from phalanx.network import OutputSize, complete, with_likelihoods
from phalanx.population.predict import Final, Folded
from phalanx.predictive import in_units_of
from phalanx.predictor import Predictor
from phalanx.runs.folder import load_run, run_folder, save_model, to_json


def as_source(frame):
    return Source("rows", frame, None, ())


FRAME = pd.DataFrame({"key": ["a", "b", "c", "d"] * 5, "x": np.linspace(-1, 1, 20), "z": list("pqrs") * 5})


CLASSES = Goal(("y",), (ClassTarget((1, 2, 3)),))
NUMBERS = Goal(("n", "m"), (NumberTarget(5.0, 2.0, 1.0, 9.0), NumberTarget(-1.0, 0.5, -2.0, 1.0)))
NUMBER = Goal(("n",), NUMBERS.columns[:1])


def untrained(*goals, targets=None, id_name=None, vote=False, samples=0):
    """A model of two networks that nobody trained."""
    inputs = FRAME[["x", "z"]]
    encoder = TableEncoder.fit(infer_columns(inputs), inputs)
    likelihoods = [Multinoulli() if goal.classes else Gaussian(0.04) for goal in goals]
    likelihood = likelihoods[0] if len(goals) == 1 else Joint([Head(part, [Dense(2)]) for part in likelihoods])
    layers = [Columns(encoder.cardinalities), Dense(3), Tanh()]
    network = complete(Network(layers, likelihood), *(OutputSize(goal.size) for goal in goals))
    members = {}
    for seed, name in enumerate(("m001", "m002")):
        # one row: numbers and codes
        shape = ((encoder.n_numbers,), (len(encoder.cardinalities),))
        params, states = initialize(network, seed, shape)
        members[name] = Final(network, *jax.tree.map(np.asarray, (params, states)), 0.5)
    shares = {"m001": 0.25, "m002": 0.75}
    names = targets or tuple(name for goal in goals for name in goal.names)
    return RowModel(TABLES, encoder, names, id_name, Predictor(members, shares, "m002", goals, vote, samples))


@pytest.fixture(scope="module")
def classes():
    return untrained(CLASSES)


@pytest.mark.parametrize("goals", [(CLASSES,), (NUMBER,), (NUMBERS, CLASSES)], ids=["classes", "numbers", "mixed"])
def test_a_model_is_read_back_to_the_bit(tmp_path, goals):
    model = untrained(*goals, vote=True, samples=3)
    save_model(tmp_path / "model", model)
    again = load_run(tmp_path)
    for ensemble in (True, False):
        tables = (held.table(as_source(FRAME), ensemble=ensemble) for held in (again, model))
        pd.testing.assert_frame_equal(*tables, check_exact=True)
    assert (again.targets, again.id_name) == (model.targets, None)
    assert (again.predictor.goals, again.predictor.vote, again.predictor.samples) == (goals, True, 3)


def test_members_of_folds_are_read_back_with_their_units(tmp_path, monkeypatch):
    model = untrained(NUMBERS)
    own = Goal(NUMBERS.names, (NumberTarget(5.3, 2.1, 1.0, 9.0), NumberTarget(-1.1, 0.7, -2.0, 1.0)))
    final = model.predictor.members["m002"]
    network = with_likelihoods(final.network, [in_units_of(Gaussian(0.04), own, NUMBERS)])
    members = {**model.predictor.members, "m002": final._replace(network=network, fold=1)}
    model = replace(model, predictor=replace(model.predictor, members=members))
    save_model(tmp_path / "model", model)
    again = load_run(tmp_path).predictor
    assert [(one.network, one.fold) for one in again.members.values()] == [
        (one.network, one.fold) for one in members.values()
    ]
    numbers, codes = (np.repeat(held, 55, 0) for held in model.encoder.transform(FRAME))  # 1,100 rows
    monkeypatch.setattr("phalanx.predictor._ROWS", 1)  # at a time 1,024
    found = again.predict(Folded(((numbers, codes), (numbers + 1, codes))))[0]
    one, other = (
        Predictor({"m": held}, {"m": 1.0}, "m", (goal,)).predict((numbers + shift, codes))[0]
        for held, goal, shift in ((members["m001"], NUMBERS, 0), (final, own, 1))
    )
    np.testing.assert_allclose(found, 0.25 * one + 0.75 * other, rtol=1e-5, atol=1e-5)


def test_the_ensemble_is_the_weighted_mean(classes):
    members, inputs = classes.predictor.members, classes.encoder.transform(FRAME)
    one, two = (Predictor(members, {}, id_, (CLASSES,)).predict(inputs, ensemble=False)[0] for id_ in members)
    found = classes.probabilities(as_source(FRAME))["y"]
    np.testing.assert_allclose(found, 0.25 * one + 0.75 * two, rtol=1e-6)


def test_nothing_is_said_of_a_run_that_predicts(tmp_path):
    save_model(tmp_path / "model", untrained(NUMBER))
    FRAME.to_csv(tmp_path / "t.csv", index=False)
    code = "import sys; from phalanx.cli import app; app(['predict', *sys.argv[1:]], standalone_mode=False)"
    given = [sys.executable, "-c", code, str(tmp_path), str(tmp_path / "t.csv")]
    ended = subprocess.run(given, capture_output=True, text=True, check=True)
    assert ended.stderr == ""
    assert ended.stdout.startswith("prediction,lower,upper\n")


def test_nothing_is_drawn_of_a_table(classes, tmp_path):
    error = "^the run learned from a source that is a table, of which nothing is drawn; give a run on images$"
    with pytest.raises(InputError, match=error):
        classes.kind.draw(classes, as_source(FRAME), tmp_path / "t.png", "t")


def test_a_table_of_predictions(classes):
    table = classes.table(as_source(FRAME))
    assert list(table) == ["prediction", "probability_1", "probability_2", "probability_3"]
    assert table["prediction"].tolist() == (table.iloc[:, 1:].to_numpy().argmax(1) + 1).tolist()


def test_a_table_of_numbers_has_intervals():
    model = untrained(NUMBER)
    table = model.table(as_source(FRAME), level=0.5, ensemble=False)
    assert list(table) == ["prediction", "lower", "upper"]
    # A Gaussian of deviation 0.2, in units of 2; its quartiles lie 0.67449 deviations from the mean.
    np.testing.assert_allclose(table["upper"] - table["prediction"], 0.67449 * 0.2 * 2, rtol=1e-3)
    np.testing.assert_allclose(table["prediction"] - table["lower"], 0.67449 * 0.2 * 2, rtol=1e-3)
    wide = model.table(as_source(FRAME), ensemble=False)  # 0.9: 1.64485 deviations
    np.testing.assert_allclose(wide["upper"] - wide["lower"], 2 * 1.64485 * 0.2 * 2, rtol=1e-3)


def test_a_table_of_several_targets_has_their_order():
    model = untrained(NUMBERS, CLASSES, targets=("m", "y", "n"))
    table = model.table(as_source(FRAME))
    assert list(table) == [
        *("prediction_m", "lower_m", "upper_m"),
        *("prediction_y", "probability_y_1", "probability_y_2", "probability_y_3"),
        *("prediction_n", "lower_n", "upper_n"),
    ]
    found = model.predict(as_source(FRAME))
    for name in ("m", "y", "n"):
        np.testing.assert_array_equal(table[f"prediction_{name}"], found[name])
    probabilities = table.filter(like="probability").astype(np.float32)
    np.testing.assert_array_equal(probabilities, model.probabilities(as_source(FRAME))["y"])


def test_columns_of_one_name_stay_apart():
    goals = (Goal(("a",), (ClassTarget(("b_c", "d")),)), Goal(("a_b",), (ClassTarget(("c", "e")),)))
    table = untrained(*goals).table(as_source(FRAME))
    assert [name for name in table if "a_b_c" in name] == ["probability_a_b_c", "probability_a_b_c.1"]
    assert table.shape == (20, 6)


def test_evaluation_leaves_out_rows_that_lack_a_target():
    model = untrained(NUMBERS, CLASSES)
    frame = FRAME.assign(n=np.arange(20.0), m=0.0, y=[1, 2] * 10)
    frame.loc[3, "n"], frame.loc[5, "y"] = None, None
    scores, rows, warnings = model.evaluate(as_source(frame))
    assert (rows, warnings) == (18, ["2 rows without a value of 'n' or 'm' or 'y' left out"])
    table, kept = model.table(as_source(frame)).drop(index=[3, 5]), frame.drop(index=[3, 5])
    assert scores["n.mae"] == pytest.approx((table["prediction_n"] - kept["n"]).abs().mean())
    assert scores["y.accuracy"] == pytest.approx((table["prediction_y"] == kept["y"]).mean())
    assert scores["score"] == pytest.approx((scores["n.r2"] + scores["m.r2"] + scores["y.accuracy"]) / 3)


@pytest.mark.parametrize(
    ("key", "shown"),
    [(["007", "b"], ["007", "b"]), ([3, 1], ["3", "1"]), ([3.0, None], ["3", ""]), ([0.5, 1.0], ["0.5", "1.0"])],
    ids=repr,
)
def test_identifiers_are_copied(key, shown):
    frame = FRAME.iloc[:2].assign(key=key)
    text = untrained(CLASSES, id_name="key").table(as_source(frame)).to_csv(index=False)
    assert [line.split(",")[0] for line in text.splitlines()] == ["key", *shown]


def test_identifiers_may_be_called_like_a_prediction():
    frame = FRAME.assign(prediction=FRAME["key"])
    table = untrained(CLASSES, id_name="prediction").table(as_source(frame))
    assert list(table)[:2] == ["prediction.1", "prediction"]
    assert table.iloc[:, 0].tolist() == FRAME["key"].tolist()


def test_a_missing_identifier_is_named():
    with pytest.raises(InputError, match=r"^the table lacks the column 'key', which identifies rows$"):
        untrained(CLASSES, id_name="key").table(as_source(FRAME.drop(columns="key")))


def test_the_parameters_can_be_read_by_whom_the_rest_can(tmp_path, classes):
    save_model(tmp_path / "model", classes)
    modes = {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "model").iterdir()}
    assert len(modes) == 1


def test_damage_is_told(tmp_path, classes):
    save_model(tmp_path / "model", classes)
    plain = tmp_path / "model" / "model.json"
    whole = plain.read_text()
    for text, found in (
        (whole[:-9], "JSONDecodeError"),
        (json.dumps({**json.loads(whole), "members": 3}), "AttributeError"),
        (json.dumps({}), "KeyError: 'format'"),
        (json.dumps({"format": 1}), "ValueError: its format is 1, but this version reads 5"),
        (json.dumps({"format": 5, "members": {}, "encoder": {"kind": "x"}}), "KeyError: 'the kind of data x'"),
    ):
        plain.write_text(text)
        with pytest.raises(
            InputError, match=rf"^the model in {tmp_path} cannot be read \({found}.*\); train it again$"
        ):
            load_run(tmp_path)
    plain.write_text(whole)
    (tmp_path / "model" / "parameters.safetensors").write_bytes(b"nothing")
    with pytest.raises(InputError, match=r"cannot be read \(SafetensorError"):
        load_run(tmp_path)
    (tmp_path / "model" / "parameters.safetensors").unlink()
    with pytest.raises(InputError, match=r"is not a run folder: model/parameters.safetensors is missing$"):
        load_run(tmp_path)


def test_folders_are_numbered(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for k in (1, 2):
        with run_folder(None, "table") as folder:
            assert (str(folder), folder.is_dir()) == (f"runs/table-{k}", True)
    (tmp_path / "runs" / "table-1").rmdir()
    with run_folder(None, "table") as folder:
        assert str(folder) == "runs/table-1"


def fail_after_writing(out, path, error):
    with run_folder(out, "table"):
        path.write_text("written")
        raise error


@pytest.mark.parametrize("error", [InputError("no"), KeyboardInterrupt()], ids=repr)
def test_a_folder_goes_again_where_the_run_fails(tmp_path, error):
    folder = tmp_path / "a" / "b" / "run"
    with pytest.raises(type(error)):
        fail_after_writing(folder, folder / "half", error)
    assert list(tmp_path.iterdir()) == []


def test_what_others_put_beside_a_run_stays(tmp_path):
    with pytest.raises(InputError):
        fail_after_writing(tmp_path / "a" / "run", tmp_path / "a" / "other", InputError("no"))
    assert [path.name for path in tmp_path.rglob("*")] == ["a", "other"]


def test_folders_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    for out, error in (
        (tmp_path / "file", "exists already; choose another --out, or remove it first"),
        (tmp_path, "exists already; choose another --out, or remove it first"),
        (tmp_path / "file" / "run", "cannot be made: Not a directory; choose another --out"),
    ):
        with pytest.raises(InputError, match=rf"^{out} {error}$"), run_folder(out, "table"):
            raise AssertionError("there is no folder to write to")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(InputError, match=r"cannot be made: Permission denied; choose another --out$"):
        run_folder(tmp_path / "new" / "run", "table").__enter__()


def test_json_has_no_nan():
    assert json.loads(to_json({"a": float("nan"), "b": [1.5, float("-inf")], 3: "é"})) == {
        "a": None,
        "b": [1.5, None],
        "3": "é",
    }
