"""Runs that were never trained: what their folders would hold, for the page to show."""

import base64
import math
import struct
import zlib

import numpy as np
import pandas as pd

from phalanx.report.page import Contents


def made_run(members=24, rounds=60, diverged=0, seed=0, figures=(), **changes):
    """The contents of a run of classification; `changes` are of its result. Costs fall at the rate that was drawn."""
    rng = np.random.default_rng(seed)
    ids = [f"m{i + 1:03d}" for i in range(members)]
    rate = np.exp(rng.uniform(np.log(1e-4), np.log(1e-1), members))
    dropout, units = rng.uniform(0, 0.5, members), rng.choice([32, 64, 128], members)
    kind = rng.choice(["relu", "tanh"], members)
    slope = np.where(kind == "relu", rng.uniform(0, 0.3, members), np.nan)
    accuracy = np.clip(0.97 - 0.05 * np.abs(np.log10(rate) + 2.5) - 0.1 * dropout + rng.normal(0, 0.01, members), 0, 1)
    last = rng.integers(max(rounds // 2, 1), rounds + 1, members)
    gone = np.arange(members) >= members - diverged
    accuracy[gone] = 0.1
    best = np.maximum(last - 5, 1)
    order = np.argsort(-accuracy, kind="stable")
    rows = [
        {
            "id": ids[i],
            "kind": "member",
            "name": f"network {units[i]}",
            "valid_accuracy": accuracy[i],
            "valid_log_loss": 1.2 - accuracy[i],
            "rounds": last[i],
            "best_round": best[i],
            "stopped": "diverged" if gone[i] else "patience",
            "seconds": last[i] / 100,
            "seed": int(rng.integers(2**32)),
            "structure": 1 + int(units[i] > 32),
            "activation": kind[i],
            "activation.slope": slope[i],
            "dropout": dropout[i],
            "units": units[i],
            "optimizer.learning_rate": rate[i],
        }
        for i in order
    ]
    leader = rows[0]["id"]
    top = {
        "id": "ensemble",
        "kind": "ensemble",
        "name": "mean of 1 network",
        "valid_accuracy": rows[0]["valid_accuracy"],
    }
    plain = [
        {"id": name, "kind": "baseline", "name": name, "valid_accuracy": score, "test_accuracy": score, "seconds": 0.1}
        for name, score in (("svm", 0.9), ("dummy", 0.1))
    ]
    board = pd.DataFrame([{**top, "test_accuracy": 0.95}, {**rows[0], "test_accuracy": 0.95}, *rows[1:], *plain])
    board.insert(0, "rank", np.arange(1, len(board) + 1))
    result = {
        "task": "classify",
        "kind": "table",
        "source": "made.csv",
        "target": "y",
        "metric": "accuracy",
        "direction": "maximize",
        "valid": {"accuracy": rows[0]["valid_accuracy"]},
        "test": {"accuracy": 0.95},
        "best_member": {"id": leader, "valid": {"accuracy": rows[0]["valid_accuracy"]}},
        "ensemble": {leader: 1.0},
        "n_members": members,
        "n_structures": 2,
        "n_diverged": diverged,
        "n_untrained": 0,
        "hints": [],
        "seconds": {"total": 12.5, "compile": 2.0, "train": 4.0},
        "programs": 3,
        "baselines": {
            name: {"accuracy": score, "valid": {"accuracy": score}, "seconds": 0.1, "rows": 1000}
            for name, score in (("svm", 0.9), ("dummy", 0.1))
        },
        "versions": {"phalanx": "0"},
        "interrupted": False,
        "columns": [
            {"name": "a", "kind": "number", "detail": "0 to 1", "used": True},
            {"name": "b", "kind": "constant", "detail": "is always 'x'", "used": False},
        ],
        "notes": ["rows: 1,000 train"],
        "warnings": ["column 'b' is always 'x': left out"],
        "rows": {"train": 1000, "valid": 200, "test": 300},
        "seed": 0,
        "importances": {
            name: {
                "importance": share * 4,
                "error": 0.2,
                "chance": 0.3,
                "p": p,
                "share": share,
                "share_error": 0.05,
                "share_chance": 0.06,
                "best": best_values,
                "trials": members,
            }
            for name, share, p, best_values in (
                ("optimizer.learning_rate", 0.5, 0.001, [0.001, 0.01]),
                ("dropout", 0.2, 0.01, [0.01, 0.1]),
                ("units", 0.01, 0.8, [64]),
            )
        },
        "interactions": [],
        "seeds_share": None,
        "mattered": [
            "optimizer.learning_rate mattered (0.50 ± 0.05 of the spread of ranks): most of the best 5 lie between "
            "0.001 and 0.01",
            "units: no difference that 24 networks could show",
        ],
        **changes,
    }
    uses = [("shell", "phalanx predict runs/made-1 new.csv"), ("Python", "import phalanx")]
    curves = _curves(ids, last, rate, gone, rounds)
    return Contents("made-1", result, board, curves, figures, "source: made.csv\nseed: 0\n", uses)


def _curves(ids, last, rate, gone, rounds):
    pieces = []
    for i, id_ in enumerate(ids):
        at = np.arange(1, last[i] + 1)
        speed = 3 / rounds * (1 + 0.3 * math.sin(i))
        cost = 0.1 + 2.2 * np.exp(-speed * at) + 0.02 * np.abs(np.log10(rate[i]) + 2.5)
        if gone[i]:
            cost = np.where(at < last[i] - 2, cost * 10.0 ** (6 * at / last[i]), np.inf)
        pieces.append(pd.DataFrame({"id": id_, "round": at, "train_cost": cost * 0.9, "valid_cost": cost}))
    return pd.concat(pieces, ignore_index=True)


def made_figures():
    """One figure of each type that can be drawn, with missing numbers."""
    months = [f"{2000 + i // 12}-{1 + i % 12:02d}-01" for i in range(40)]
    plain, dates = {"label": "input", "log": False}, {"label": "month", "log": False, "dates": True}
    labels = ["ant", "bee", "cat"]
    draws = {
        "confusion": {
            "type": "matrix",
            "rows": labels,
            "columns": labels,
            "values": [[40, 2, 0], [5, 30, 1], [0, None, 22]],
            "x": "said",
            "y": "truth",
            "scale": "count",
        },
        "alike": {
            "type": "matrix",
            "rows": labels,
            "columns": labels,
            "values": [[1, -0.6, 0.2], [-0.6, 1, 0.1], [0.2, 0.1, 1]],
            "x": "one",
            "y": "other",
            "scale": "correlation",
        },
        "series": {
            "type": "lines",
            "x": dates,
            "y": {"label": "sold", "log": False},
            "lines": [
                {"name": "truth", "x": months, "y": [math.sin(i / 4) for i in range(40)]},
                {"name": "said", "x": months, "y": [None, *(math.sin(i / 4) + 0.2 for i in range(39))]},
            ],
            "bands": [
                {
                    "name": "90%",
                    "x": months,
                    "low": [math.sin(i / 4) - 0.5 for i in range(40)],
                    "high": [math.sin(i / 4) + 0.5 for i in range(40)],
                }
            ],
            "reference": "zero",
        },
        "residuals": {
            "type": "points",
            "x": plain,
            "y": {"label": "output", "log": False},
            "x_values": [i / 50 for i in range(50)],
            "y_values": [None, *(i / 50 + 0.1 * math.sin(i) for i in range(1, 50))],
            "names": [f"row {i}" for i in range(50)],
            "reference": "diagonal",
        },
        "permuted": {
            "type": "bars",
            "names": ["width", "height", "none at all"],
            "values": [0.3, -0.05, None],
            "low": [0.25, -0.1, None],
            "high": [0.35, 0.01, None],
            "label": "loss of accuracy when shuffled",
        },
        "mistakes": {
            "type": "cases",
            "cases": [
                {
                    "picture": _pixel(),
                    "text": None,
                    "lines": None,
                    "truth": "3",
                    "said": "8",
                    "sure": 0.93,
                    "name": "a.png",
                },
                {
                    "picture": None,
                    "text": "not bad at all",
                    "lines": None,
                    "truth": "good",
                    "said": "bad",
                    "sure": None,
                    "name": None,
                },
                {
                    "picture": None,
                    "text": None,
                    "lines": [[0, 1, None, 0.5], [1, 0, 1, 0]],
                    "truth": "up",
                    "said": "down",
                    "sure": 0.6,
                    "name": "7",
                },
            ],
        },
    }
    sections = {"permuted": "columns", "alike": "members"}
    return [
        {
            "id": name,
            "section": sections.get(name, "errors"),
            "title": name.capitalize(),
            "says": f"What the figure of {name} says.",
            "draw": draw,
            "table": {"columns": ["what", "value"], "rows": [["first", 0.25], ["second", None]]},
        }
        for name, draw in draws.items()
    ]  # fmt: skip


def _pixel():
    """A PNG of one grey pixel."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    inside = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)) + chunk(b"IDAT", zlib.compress(b"\0\x80"))
    data = b"\x89PNG\r\n\x1a\n" + inside + chunk(b"IEND", b"")
    return f"data:image/png;base64,{base64.b64encode(data).decode()}"
