"""Input that is odd but good: it trains, and a line of warning says what is lost or was guessed."""

import numpy as np
import pandas as pd
import pytest


def with_rare_class(frame):
    return frame.assign(y=np.where(frame.index == 17, "perhaps", frame.y))


def text_with_comma(column):
    return column.astype(str).str.replace(".", ",")


HARD = {
    "a column of 10^30": (lambda t: t.assign(a=t.a * 1e30), ""),
    "a class with one row": (with_rare_class, "classes whose few rows are all in training: 'perhaps'"),
    "rows without a target": (
        lambda t: t.assign(y=t.y.where(t.index > 3)),
        "4 rows without a value of 'y' left out",
    ),
    "a decimal comma": (lambda t: t.assign(b=text_with_comma(t.b)), "numbers with a decimal comma in 'b'"),
    "a constant": (lambda t: t.assign(k=1), "column 'k' is always '1': left out"),
    "many constants": (
        lambda t: t.assign(**{f"k{i}": i for i in range(9)}),
        "9 columns of kind constant are left out: 'k0', 'k1', 'k2' and 6 more",
    ),
    "an identifier": (
        lambda t: t.assign(customer_id=t.index + 1000),
        "column 'customer_id' numbers the rows: taken for an identifier and left out",
    ),
    "names of customers": (
        lambda t: t.assign(customer=[f"customer {i}" for i in t.index]),
        "column 'customer' holds 48 distinct texts in 48 rows: taken for an identifier and left out",
    ),
    "ambiguous dates": (
        lambda t: t.assign(day=[f"0{1 + i % 9}/0{1 + i // 9}/2024" for i in t.index]),
        "column 'day': dates read as %m/%d/%Y, though they also fit %d/%m/%Y",
    ),
}


@pytest.mark.parametrize(("change", "warning"), HARD.values(), ids=HARD)
def test_it_trains_with_a_warning(phalanx, tmp_path, table, change, warning):
    change(table).to_csv(tmp_path / "hard.csv", index=False)
    ended = phalanx("train", "hard.csv", "--target", "y", "--config", "tiny.yaml", "--out", "run")
    assert (ended.status, ended.err) == (0, "")
    warnings = [line for line in ended.out.splitlines() if line.startswith("warning: ")]
    assert warnings == ([f"warning: {warning}"] if warning else [])
    assert phalanx("predict", "run", "hard.csv").status == 0


def test_repeated_column_names(phalanx, tmp_path, table):
    (tmp_path / "hard.csv").write_text(table.to_csv(index=False).replace("a,b,c,y", "a,a,c,y", 1))
    ended = phalanx("train", "hard.csv", "--target", "y", "--config", "tiny.yaml")
    assert "warning: column names occur twice: the later ones are called 'a.1'\n" in ended.out


def test_names_that_look_like_markup(phalanx, tmp_path, table):
    frame = table.rename(columns={"a": "len [cm]", "b": "[/bold]", "c": ":smile:"})
    frame.to_csv(tmp_path / "hard.csv", index=False)
    ended = phalanx("train", "hard.csv", "--target", "y", "--config", "tiny.yaml")
    assert ended.status == 0
    listed = ended.out.split("─\n")[1].splitlines()
    assert [line.split("  ")[0] for line in listed[:3]] == ["len [cm]", "[/bold]", ":smile:"]


@pytest.mark.parametrize("metric", ["roc_auc", "average_precision"])
def test_a_metric_that_the_validation_rows_cannot_have(phalanx, tmp_path, table, metric):
    with_rare_class(table).to_csv(tmp_path / "hard.csv", index=False)
    words = ("train", "hard.csv", "--target", "y", "--config", "tiny.yaml", "--metric", metric)
    said = f"warning: {metric} needs every class among the validation rows: ranked by log_loss instead\n"
    assert said in phalanx(*words).out


@pytest.mark.parametrize(
    ("cells", "labels"),
    [
        (["no", "yes"], ["no", "yes"]),
        (["False", "True"], ["False", "True"]),
        (["1", "2"], ["1", "2"]),
        (["1.0", "2.0"], ["1", "2"]),
        (["-1", "+1"], ["-1", "1"]),
    ],
    ids=repr,
)
def test_labels(phalanx, tmp_path, table, cells, labels):
    table.assign(y=np.where(table.y == "yes", *reversed(cells))).to_csv(tmp_path / "hard.csv", index=False)
    ended = phalanx("train", "hard.csv", "--target", "y", "--config", "tiny.yaml", "--out", "run")
    assert ended.status == 0
    phalanx("predict", "run", "hard.csv", "--out", "predictions.csv")
    found = pd.read_csv(tmp_path / "predictions.csv", dtype={"prediction": str})
    assert list(found) == ["prediction", *(f"probability_{label}" for label in labels)]
    chosen = np.where(found.iloc[:, 1] > 0.5, *labels)
    assert found["prediction"].tolist() == chosen.tolist()


@pytest.mark.slow
@pytest.mark.parametrize("columns", [2000])
def test_thousands_of_columns(phalanx, tmp_path, columns):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(300, columns))).rename(columns=lambda i: f"f{i}")
    frame.assign(y=np.where(frame.f0 > 0, "a", "b")).to_csv(tmp_path / "wide.csv", index=False)
    (tmp_path / "all.yaml").write_text("max_rounds: 2\ntrials: 2\n")
    ended = phalanx("train", "wide.csv", "--target", "y", "--config", "all.yaml")
    assert (ended.status, ended.err) == (0, "")
    assert "... 1,980 more" in ended.out


@pytest.mark.slow
@pytest.mark.parametrize("copies", [1, 2])
def test_a_hundred_thousand_categories(phalanx, tmp_path, copies):
    rng = np.random.default_rng(0)
    names = rng.permutation(np.repeat([f"name {i}" for i in range(100_000)], copies))
    frame = pd.DataFrame({"name": names, "a": rng.normal(size=len(names)).round(3)})
    frame.assign(y=np.where(frame.a > 0, "a", "b")).to_csv(tmp_path / "long.csv", index=False)
    ended = phalanx("train", "long.csv", "--target", "y", "--config", "tiny.yaml")
    assert f"column 'name' holds 100,000 distinct texts in {len(names):,} rows" in ended.out
    assert ended.status == 0
