"""TensorBoard and MLflow: what they are told is read back by their own readers."""

import sys

import numpy as np
import pytest

import phalanx
from phalanx import Adam, Dense, Regressor, Tanh, choice, loguniform
from phalanx.callbacks import MLflow, TensorBoard
from phalanx.errors import InputError

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 2))
    return X, X[:, 0] + 0.1 * rng.normal(size=60)


def net(**options):
    layers = [Dense(choice(2, 3), name="hidden"), Tanh()]
    options = {"max_rounds": 4, "trials": 4, "stopping": None, "validation_fraction": 0.2, **options}
    return Regressor(layers, optimizer=Adam(loguniform(1e-3, 1e-1, name="rate")), **options)


@pytest.fixture
def events(tmp_path):
    """A function that reads a folder as TensorBoard does: scalars by name, as (step, value)."""
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")

    def read(folder):
        held = accumulator.EventAccumulator(str(folder), size_guidance={"scalars": 0})
        held.Reload()
        scalars = {name: [(e.step, e.value) for e in held.Scalars(name)] for name in held.Tags()["scalars"]}
        return scalars, held.summary_metadata

    return read


def test_tensorboard_reads_rounds_and_members(rows, tmp_path, events):
    pytest.importorskip("tensorboardX")
    fitted = net().set_callbacks(TensorBoard(tmp_path / "logs", members=2)).fit(*rows)
    scalars, _ = events(tmp_path / "logs")
    alive = [scalars[name] for name in sorted(scalars) if name.endswith("/alive")]
    assert sum(each[0][1] for each in alive) == 4
    assert [step for step, _ in alive[0]] == [1, 2, 3, 4]
    lowest = min(scalars[name][-1][1] for name in scalars if name.endswith("/best_cost"))
    assert lowest == pytest.approx(fitted.curves_["valid_cost"].min(), rel=1e-5)
    for place, member in enumerate(fitted.leaderboard_.query("kind == 'member'").to_dict("records")):
        of_member, metadata = events(tmp_path / "logs" / member["id"])
        assert of_member["valid_rmse"] == [(0, pytest.approx(member["valid_rmse"]))]
        assert any("hparams" in name for name in metadata)
        assert ("valid_cost" in of_member) == (place < 2)
    best = fitted.best_.id
    costs = fitted.curves_.query("id == @best")["valid_cost"].tolist()
    told, _ = events(tmp_path / "logs" / best)
    assert [value for _, value in told["valid_cost"]] == pytest.approx(costs, rel=1e-5)


def test_tensorboard_writes_no_folder_over_and_tells_training_again_apart(rows, tmp_path, events):
    pytest.importorskip("tensorboardX")
    told = TensorBoard(tmp_path / "logs")
    net(trials=1, stopping="auto", refit="steps").set_callbacks(told).fit(*rows)
    scalars, _ = events(tmp_path / "logs")
    assert {"population_1/alive", "refit/population_1/alive"} <= set(scalars)
    with pytest.raises(InputError, match="logs exists already; choose another folder, or remove it first"):
        net().set_callbacks(told).fit(*rows)


@pytest.fixture
def server(tmp_path):
    """Where MLflow keeps its runs, and a client of it."""
    mlflow = pytest.importorskip("mlflow")
    pytest.importorskip("sqlalchemy")
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    return uri, mlflow.MlflowClient(tracking_uri=uri)


def test_mlflow_has_a_run_and_one_for_each_of_the_best_members(rows, server):
    uri, client = server
    fitted = net().set_callbacks(MLflow("mine", run="first", uri=uri, members=3)).fit(*rows)
    experiment = client.get_experiment_by_name("mine").experiment_id
    found = client.search_runs([experiment])
    (parent,) = [run for run in found if "mlflow.parentRunId" not in run.data.tags]
    assert parent.info.run_name == "first"
    assert parent.info.status == "FINISHED"
    assert parent.data.params["trials"] == "4"
    assert "ensemble" not in parent.data.params
    history = client.get_metric_history(parent.info.run_id, "population_1/best_cost")
    assert [one.step for one in history] == [1, 2, 3, 4]
    board = fitted.leaderboard_.set_index("id")
    assert parent.data.metrics["valid_rmse"] == pytest.approx(board.loc["ensemble", "valid_rmse"])
    nested = {run.info.run_name: run for run in found if run is not parent}
    ranked = board[board["kind"] == "member"].index.tolist()
    assert set(nested) == set(ranked[:3])
    for member in ranked[:3]:
        run = nested[member]
        assert run.data.tags["mlflow.parentRunId"] == parent.info.run_id
        assert float(run.data.params["rate"]) == pytest.approx(board.loc[member, "rate"])
        assert run.data.metrics["valid_rmse"] == pytest.approx(board.loc[member, "valid_rmse"])
        costs = [one.value for one in client.get_metric_history(run.info.run_id, "valid_cost")]
        assert costs == pytest.approx(fitted.curves_.query("id == @member")["valid_cost"].tolist())


def test_a_fit_that_fails_is_a_run_that_failed(rows, server):
    class Broken:
        def setup(self, estimator, context): ...
        def teardown(self, estimator, context): ...
        def on_fit_task_begin(self, estimator, context): ...
        def on_fit_task_end(self, estimator, context):
            raise RuntimeError("no")

    uri, client = server
    with pytest.raises(RuntimeError, match="no"):
        net().set_callbacks(MLflow(uri=uri), Broken()).fit(*rows)
    (run,) = client.search_runs([client.get_experiment_by_name("phalanx").experiment_id])
    assert run.info.status == "FAILED"


def test_without_their_packages_they_say_what_is_missing(monkeypatch):
    for name in ("tensorboardX", "mlflow"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(InputError, match=r"needs the package tensorboardX: pip install 'phalanx\[tensorboard\]'"):
        phalanx.callbacks.TensorBoard("logs")
    with pytest.raises(InputError, match=r"needs the package mlflow: pip install 'phalanx\[mlflow\]'"):
        phalanx.callbacks.MLflow()
