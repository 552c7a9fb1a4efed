import numpy as np
import pandas as pd

from phalanx.data.columns import infer_columns
from phalanx.data.copies import telling_columns

ROWS = 100


def telling(frame, target, classes):
    return telling_columns(infer_columns(frame), frame, target, classes)


def test_copies_of_the_target_are_named():
    rng = np.random.default_rng(0)
    classes = rng.integers(0, 3, ROWS)
    numbers = rng.normal(size=ROWS)
    frame = pd.DataFrame(
        {
            "other_name": np.array(["u", "v", "w"])[classes],
            "finer": np.array(["a", "b", "c"])[classes] + rng.choice(["1", "2"], ROWS),
            "noise": rng.choice(["x", "y"], ROWS),
            "pounds": numbers * 2.2 + 3,
            "against": -np.exp(numbers),
            "near": numbers + 0.1 * rng.normal(size=ROWS),
        }
    )
    assert telling(frame, classes, classes=True) == ("other_name", "finer")
    assert telling(frame, numbers, classes=False) == ("pounds", "against")


def test_columns_that_hardly_repeat_tell_nothing():
    rng = np.random.default_rng(0)
    names = pd.DataFrame({"name": [f"n{i // 2}" for i in range(ROWS)]}).astype("category")
    assert telling(names, (np.arange(ROWS) // 2) % 2, classes=True) == ()
    few = pd.DataFrame({"x": rng.normal(size=10)})
    assert telling(few, few["x"].to_numpy(), classes=False) == ()
