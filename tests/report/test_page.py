"""The page of a run as text: what it holds, and that nothing of the data can become anything but text."""

import base64
import hashlib
import json
import re
import shlex
from html.parser import HTMLParser
from importlib.resources import files

import numpy as np
import pandas as pd
import pytest
from made_runs import made_figures, made_run

from phalanx import LSTM, Adam, Classifier, Dense, Flatten, Forecaster, InputError, LanguageModel, Tanh, loguniform
from phalanx.jsonable import jsonable
from phalanx.report.page import Contents, as_script_data, board, curves, kept_rounds, page, payload
from phalanx.runs.folder import to_json
from phalanx.runs.reporting import report_command, uses_of_run, write_page, write_report

HOSTILE = [
    "</script><script>alert(1)</script>",
    "<!--<script>",
    "a\"b'c&d",
    "😀 émoji",
    "שלום \u202eabc",
    "x\u2028y",
    "$data",
]


class Page(HTMLParser):
    """The scripts, the elements and the policy of a page."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.scripts, self.texts, self.policy = [], [], [], ""
        self._script = False
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        held = dict(attributes)
        self.elements.append((tag, held))
        self._script = tag == "script"
        if self._script:
            self.scripts.append([held.get("type"), ""])
        if held.get("http-equiv") == "Content-Security-Policy":
            self.policy = held["content"]

    def handle_endtag(self, tag):
        self._script = False

    def handle_data(self, data):
        if self._script:
            self.scripts[-1][1] += data
        else:
            self.texts.append(data)


def test_two_thousand_members_of_200_rounds_are_less_than_three_megabytes():
    contents = made_run(2_000, 200, diverged=50)
    text = page(contents)
    assert len(text.encode()) < 3e6
    found = payload(contents)["curves"]
    assert len(found["members"]) == 2_000
    assert len(found["grid"]) <= 40
    assert max(len(curve["valid"]) for curve in found["members"].values()) <= 41


def test_of_few_members_every_round_is_kept():
    contents = made_run(5, 300)
    found = payload(contents)["curves"]
    for id_, piece in contents.curves.groupby("id"):
        curve = found["members"][id_]
        assert (curve["last"], len(curve["train"])) == (len(piece), len(piece))
        np.testing.assert_allclose(curve["valid"], piece["valid_cost"], rtol=1e-3)
        assert curve["cost"] == pytest.approx(piece["valid_cost"].iloc[curve["best"] - 1], rel=1e-3)
    assert found["grid"] == list(range(1, max(curve["last"] for curve in found["members"].values()) + 1))


@pytest.mark.parametrize(("rounds", "points"), [(1, 40), (39, 40), (41, 40), (5_000, 40), (200, 7)])
def test_thinned_rounds_hold_the_first_and_the_last_and_are_not_too_many(rounds, points):
    kept = kept_rounds(rounds, points)
    assert (kept[0], kept[-1]) == (1, rounds)
    assert len(kept) <= points + 1
    assert (np.diff(kept) > 0).all()


@pytest.mark.parametrize("name", HOSTILE)
def test_whatever_a_name_holds_is_text_and_nothing_else(name):
    contents = made_run(4, 5, source=name, target=name, notes=[name], warnings=[name], hints=[name], mattered=[name])
    contents.board["name"] = name
    contents.board[name] = name
    figures = [{**figure, "title": name, "says": name} for figure in made_figures()]
    column = {"name": name, "kind": "category", "detail": name, "used": True}
    contents.result["columns"] = [column]
    made = Contents(name, contents.result, contents.board, contents.curves, figures, name, [(name, name)])
    usual = Page(page(made_run(4, 5, figures=made_figures())))
    found = Page(page(made))
    assert [tag for tag, _ in found.elements] == [tag for tag, _ in usual.elements]
    assert name in "".join(found.texts)
    data = json.loads(found.scripts[0][1])
    assert (data["name"], data["target"], data["columns"][0][0], data["figures"][0]["title"]) == (name,) * 4
    assert data["board"][-1] == {"name": name, "part": "choice", "number": False, "values": [name] * 7}


@pytest.mark.parametrize("sign", ["<", ">", "&", "\u2028", "\u2029"])
def test_signs_that_end_a_script_are_escaped(sign):
    text = as_script_data({"a": f"x{sign}y"})
    assert sign not in text
    assert json.loads(text) == {"a": f"x{sign}y"}


def test_the_policy_allows_this_script_alone_and_no_request():
    found = Page(page(made_run(3, 3)))
    assert [kind for kind, _ in found.scripts] == ["application/json", None]
    digest = base64.b64encode(hashlib.sha256(found.scripts[1][1].encode()).digest()).decode()
    policy = dict(part.strip().split(" ", 1) for part in found.policy.split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == f"'sha256-{digest}'"
    assert set(policy) == {"default-src", "style-src", "script-src", "img-src", "base-uri", "form-action"}
    addresses = [held[key] for _, held in found.elements for key in ("src", "href") if key in held]
    assert all(address.startswith(("#", "data:")) for address in addresses)


def test_numbers_that_json_cannot_hold_are_null_and_whole_ones_stay_exact():
    made = made_run(3, 4)
    made.board["odd"] = [np.nan, np.inf, -np.inf, 0.123456789, 2**40, None]
    data = json.loads(Page(page(made)).scripts[0][1])
    assert next(column for column in data["board"] if column["name"] == "odd")["values"] == [
        None,
        None,
        None,
        0.123457,
        2**40,
        None,
    ]
    seeds = next(column for column in data["board"] if column["name"] == "seed")["values"]
    assert [seed for seed in seeds if seed is not None] == made.board["seed"].dropna().astype(int).tolist()
    assert jsonable({1: (np.int64(3), np.float32(np.nan), [pd.NA, True])}) == {"1": [3, None, [None, True]]}


def test_columns_are_numbers_only_where_all_are():
    table = pd.DataFrame(
        {
            "mixed": [1, "ReLU", None],
            "numbers": pd.array([1, None, 3], dtype="Int64"),
            "truths": [True, False, True],
            "objects": pd.Series([1, 2.5, None], dtype=object),
        }
    )
    found = {column["name"]: (column["number"], column["values"]) for column in board(table)}
    assert found == {
        "mixed": (False, ["1", "ReLU", None]),
        "numbers": (True, [1, None, 3]),
        "truths": (False, ["True", "False", "True"]),
        "objects": (True, [1, 2.5, None]),
    }


def test_parts_of_the_leaderboard():
    parts = {column["name"]: column["part"] for column in board(made_run(3, 3).board)}
    assert {name for name, part in parts.items() if part == "choice"} == {
        "activation",
        "activation.slope",
        "dropout",
        "units",
        "optimizer.learning_rate",
    }
    assert (parts["rank"], parts["valid_log_loss"], parts["test_accuracy"]) == ("who", "valid", "test")
    assert (parts["seconds"], parts["structure"]) == ("training", "training")


def test_costs_of_diverged_members_are_null_where_they_are_no_numbers():
    made = made_run(6, 20, diverged=2)
    found = payload(made)["curves"]["members"]
    assert found["m006"]["valid"][-1] is None
    assert found["m001"]["valid"][-1] is not None


@pytest.mark.parametrize(
    "changes",
    [
        {"baselines": {}},
        {"test": {}, "rows": {"train": 10, "valid": 5, "test": 0}},
        {"valid": {}, "test": {}, "rows": {"train": 10, "valid": 0, "test": 0}, "baselines": {}},
        {"importances": {}, "mattered": []},
        {"task": "language", "tokens": {"kind": "words", "different": 9, "steps": 8}, "columns": []},
        {"interrupted": True, "n_untrained": 1},
    ],
    ids=str,
)
def test_a_run_that_lacks_something_has_a_page_too(changes):
    text = page(made_run(3, 4, **changes))
    assert Page(text).scripts[1][0] is None


def test_nothing_but_a_leaderboard():
    made = made_run(1, 1)
    empty = pd.DataFrame(columns=["id", "round", "train_cost", "valid_cost"])
    assert curves(empty, made.board) == {"grid": [], "members": {}}
    page(Contents("one", made.result, made.board, empty))


def test_a_page_is_written_in_one_piece(tmp_path, monkeypatch):
    path = tmp_path / "report.html"
    write_page(path, "one")
    write_page(path, "two")
    assert path.read_text() == "two"

    def full(*given):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("phalanx.runs.reporting.os.replace", full)
    with pytest.raises(InputError, match=r"report.html cannot be written: No space left on device; choose another"):
        write_page(path, "three")
    assert [file.name for file in tmp_path.iterdir()] == ["report.html"]
    assert path.read_text() == "two"
    with pytest.raises(InputError, match="cannot be written: No such file or directory"):
        write_page(tmp_path / "no" / "such.html", "")


def test_the_page_of_a_folder(tmp_path, capsys):
    """It is made from the folder alone, which needs neither a configuration nor figures."""
    made, run = made_run(6, 9, diverged=1), tmp_path / "run 1"
    for folder, error in ((run, "no such run folder"), (tmp_path, "result.json cannot be read")):
        with pytest.raises(InputError, match=error):
            report_command(folder, None)
    run.mkdir()
    (run / "result.json").write_text(to_json(made.result), encoding="utf-8")
    made.board.to_csv(run / "leaderboard.csv", index=False)
    made.curves.to_parquet(run / "curves.parquet", index=False)
    report_command(run, tmp_path / "there.html")
    assert capsys.readouterr().out == f"written to {tmp_path / 'there.html'}\n"
    assert not (run / "report.html").exists()
    report_command(run, None)
    assert (run / "report.html").read_text() == (tmp_path / "there.html").read_text()
    found, expected = shown(run / "report.html"), json.loads(Page(page(made)).scripts[0][1])
    assert (found["name"], found["config"]) == ("run 1", "")
    assert shlex.split(found["uses"][0][1])[2] == str(run)
    for data in (found, expected):
        del data["name"], data["config"], data["uses"]
    assert found == expected


def test_what_is_typed_fits_the_run():
    def lines(folder="runs/a-1", **result):
        return dict(uses_of_run(folder, {"ensemble": {"m001": 1.0}, **result}))

    found = lines(task="classify", kind="table")
    assert found["shell"] == (
        "phalanx predict runs/a-1 new.csv --out predictions.csv\nphalanx evaluate runs/a-1 labelled.csv"
    )
    assert "run.predict_proba('new.csv')" in found["Python"]
    assert "predict_interval" not in found["Python"]
    found = lines(task="regress", kind="images")
    assert "run.predict_interval('new-images', 0.9)" in found["Python"]
    assert "predict_proba" not in found["Python"]
    assert found["shell"].endswith("phalanx evaluate runs/a-1 labelled-images")
    assert "new.csv" in lines(task="classify", kind="images", columns=[{"name": "file"}])["shell"]
    assert "phalanx predict runs/a-1 newer.csv" in lines(task="forecast", kind="series")["shell"]
    assert "phalanx generate runs/a-1" in lines(task="language", kind="language")["shell"]
    assert (
        "phalanx predict 'my runs/it'\"'\"'s' new.csv" in lines("my runs/it's", task="classify", kind="table")["shell"]
    )
    assert 'phalanx.load("my runs/it\'s")' in lines("my runs/it's", task="classify", kind="table")["Python"]
    assert list(lines(task="classify", kind="codes", files=False)) == ["Python"]


NET = {"optimizer": Adam(loguniform(1e-3, 1e-1)), "trials": 3, "max_rounds": 2, "batch_size": 16}


def shown(path):
    return json.loads(Page(path.read_text(encoding="utf-8")).scripts[0][1])


def test_an_estimator_and_the_folder_it_saves_show_the_same(tmp_path):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": rng.normal(size=60), "b": rng.choice(["x", "y"], 60)})
    net = Classifier([Dense(4), Tanh()], **NET).fit(frame, np.resize(["up", "down"], 60))
    net.report(tmp_path / "page.html")
    net.save(tmp_path / "saved")
    write_report(tmp_path / "saved")
    one, two = shown(tmp_path / "page.html"), shown(tmp_path / "saved" / "report.html")
    assert (one["name"], two["name"]) == ("Classifier", "saved")
    assert [bool(data["figures"]) for data in (one, two)] == [True, False]  # the rows are not saved
    for data in (one, two):
        del data["name"], data["uses"], data["figures"]
    assert one == two
    assert one["rows"] == {"train": 48, "valid": 12}
    assert [column[0] for column in one["columns"]] == ["a", "b"]
    assert [column["name"] for column in one["board"] if column["part"] == "choice"] == ["optimizer.learning_rate"]
    with pytest.raises(InputError, match="cannot be written"):
        net.report(tmp_path / "no" / "page.html")


@pytest.mark.slow
def test_estimators_of_a_series_and_of_a_text(tmp_path):
    days = pd.date_range("2024-03-01", periods=100, freq="D")
    net = Forecaster(3, window=6, layers=[Flatten()], **NET).fit(pd.Series(np.sin(np.arange(100.0)), days, name="sold"))
    net.report(tmp_path / "series.html")
    assert shown(tmp_path / "series.html")["counted"] == "windows"
    text = LanguageModel([LSTM(4)], steps=8, **NET | {"batch_size": 4}).fit("to and fro " * 60)
    text.report(tmp_path / "text.html")
    assert shown(tmp_path / "text.html")["counted"] == "rows of 8 tokens"


def luminance(hex_):
    """Relative luminance, WCAG 2.2: of sRGB channels c, 0.2126 r + 0.7152 g + 0.0722 b of those made linear."""
    channels = [int(hex_[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, two):
    light, dark = sorted((luminance(one), luminance(two)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_colours_are_told_apart_from_the_ground(scheme):
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    css = (files("phalanx.report") / "page.css").read_text(encoding="utf-8")
    colours = dict(re.findall(r"--(\w+): (#[0-9a-f]{6});", re.findall(r":root \{(.*?)\}", css, re.DOTALL)[scheme]))
    for text in ("ink", "quiet", "link"):
        for ground in ("paper", "panel"):
            assert contrast(colours[text], colours[ground]) >= 4.5, (text, ground)
    assert contrast(colours["ink"], colours["lit"]) >= 4.5
    for mark in ("main", "other", "rule", "best", "middle", "worst", "one", "two", "three", "four", "five", "six"):
        assert contrast(colours[mark], colours["paper"]) >= 3, mark


def test_of_a_source_the_name_is_shown_and_not_where_it_is():
    for source, name in (
        ("digits", "digits"),
        ("/home/me/data/train-images.gz,/home/me/data/train-labels.gz", "train-images.gz, train-labels.gz"),
        ("C:\\\\data\\\\pictures\\\\", "pictures"),
        ("folder/", "folder"),
    ):
        assert payload(made_run(2, 2, source=source))["source"] == name
    assert payload(made_run(2, 2, source=None))["source"] is None
