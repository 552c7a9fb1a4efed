import json
import os
import stat

import jax
import numpy as np
import pandas as pd
import pytest

from phalanx import Columns, Dense, Gaussian, InputError, Multinoulli, Network, Tanh
from phalanx.data import ClassTarget, NumberTarget, TableEncoder, infer_columns
from phalanx.model import complete, initialize
from phalanx.population.predict import Final
from phalanx.predictor import Predictor
from phalanx.runs.folder import Model, load_model, run_folder, save_model, to_json

FRAME = pd.DataFrame({"key": ["a", "b", "c", "d"] * 5, "x": np.linspace(-1, 1, 20), "z": list("pqrs") * 5})


def untrained(target, id_name=None):
    """A model of two networks that nobody trained."""
    inputs = FRAME[["x", "z"]]
    encoder = TableEncoder.fit(infer_columns(inputs), inputs)
    classes = len(target.labels) if isinstance(target, ClassTarget) else 0
    network = complete(
        Network([Columns(encoder.cardinalities), Dense(3), Tanh()], Multinoulli() if classes else Gaussian()), classes
    )
    members = {}
    for seed, name in enumerate(("m001", "m002")):
        # one row: numbers and codes
        shape = ((encoder.n_numbers,), (len(encoder.cardinalities),))
        params, states = initialize(network, jax.random.key(seed), shape)
        members[name] = Final(network, *jax.tree.map(np.asarray, (params, states)), 0.5)
    number = None if classes else target
    return Model(encoder, target, "y", id_name, Predictor(members, {"m001": 0.25, "m002": 0.75}, "m002", number))


@pytest.fixture(scope="module")
def classes():
    return untrained(ClassTarget((1, 2, 3)))


@pytest.mark.parametrize(
    "target", [ClassTarget((1, 2, 3)), NumberTarget(5.0, 2.0, 1.0, 9.0)], ids=["classes", "numbers"]
)
def test_a_model_is_read_back_to_the_bit(tmp_path, target):
    model = untrained(target)
    save_model(tmp_path / "model", model)
    again = load_model(tmp_path)
    np.testing.assert_array_equal(again.predict(FRAME), model.predict(FRAME))
    np.testing.assert_array_equal(again.predict(FRAME, ensemble=False), model.predict(FRAME, ensemble=False))
    assert (again.target, again.target_name, again.id_name) == (target, "y", None)


def test_the_ensemble_is_the_weighted_mean(classes):
    one, two = (classes.predictor.__class__(classes.predictor.members, {}, id_, None) for id_ in ("m001", "m002"))
    inputs = classes.encoder.transform(FRAME)
    mean = 0.25 * one.predict(inputs, ensemble=False) + 0.75 * two.predict(inputs, ensemble=False)
    np.testing.assert_allclose(classes.predict(FRAME), mean, rtol=1e-6)


def test_a_table_of_predictions(classes):
    table = classes.table(FRAME)
    assert list(table) == ["prediction", "probability_1", "probability_2", "probability_3"]
    assert table["prediction"].tolist() == (table.iloc[:, 1:].to_numpy().argmax(1) + 1).tolist()
    numbers = untrained(NumberTarget(5.0, 2.0, 1.0, 9.0)).table(FRAME)
    assert list(numbers) == ["prediction"]


@pytest.mark.parametrize(
    ("key", "shown"),
    [(["007", "b"], ["007", "b"]), ([3, 1], ["3", "1"]), ([3.0, None], ["3", ""]), ([0.5, 1.0], ["0.5", "1.0"])],
    ids=repr,
)
def test_identifiers_are_copied(key, shown):
    frame = FRAME.iloc[:2].assign(key=key)
    text = untrained(ClassTarget((1, 2, 3)), "key").table(frame).to_csv(index=False)
    assert [line.split(",")[0] for line in text.splitlines()] == ["key", *shown]


def test_identifiers_may_be_called_like_a_prediction():
    frame = FRAME.assign(prediction=FRAME["key"])
    table = untrained(ClassTarget((1, 2, 3)), "prediction").table(frame)
    assert list(table)[:2] == ["prediction", "prediction"]
    assert table.iloc[:, 0].tolist() == FRAME["key"].tolist()


def test_a_missing_identifier_is_named():
    with pytest.raises(InputError, match=r"^the table lacks the column 'key', which identifies rows$"):
        untrained(ClassTarget((1, 2, 3)), "key").table(FRAME.drop(columns="key"))


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
        (json.dumps({"format": 2}), "ValueError: its format is 2, but this version reads 1"),
    ):
        plain.write_text(text)
        with pytest.raises(
            InputError, match=rf"^the model in {tmp_path} cannot be read \({found}.*\); train it again$"
        ):
            load_model(tmp_path)
    plain.write_text(whole)
    (tmp_path / "model" / "parameters.safetensors").write_bytes(b"nothing")
    with pytest.raises(InputError, match=r"cannot be read \(SafetensorError"):
        load_model(tmp_path)
    (tmp_path / "model" / "parameters.safetensors").unlink()
    with pytest.raises(InputError, match=r"is not a run folder: model/parameters.safetensors is missing$"):
        load_model(tmp_path)


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
