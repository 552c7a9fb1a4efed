"""One law over all options of all doors: a value that no run can use is told in a sentence, before anything trains."""

import dataclasses
import math
import re

import numpy as np
import pytest

from phalanx import Classifier, Forecaster, LanguageModel, MultiTask, Regressor
from phalanx.config import Config
from phalanx.errors import InputError
from phalanx.options import Options
from phalanx.parts.fields import constraint_of

BAD = [0, -5, math.nan, math.inf, "8", True, 1.5, 10**12, [1], object()]
GOOD = {  # those of `BAD` that an option may have
    "minutes": [1.5, 10**12],
    "seed": [0],
    "samples": [0],
    "bootstrap": [True],
    "vote": [True],
    "paired": [True],
    "temperature": [True],
}


def is_good(name, bad):
    return any(type(bad) is type(good) and bad == good for good in GOOD.get(name, []))


OPTIONS = [(option.name, bad) for option in dataclasses.fields(Options) for bad in BAD if not is_good(option.name, bad)]


@pytest.mark.parametrize(("name", "bad"), OPTIONS)
@pytest.mark.parametrize("door", [Options, Config])
def test_every_bad_value_has_its_sentence(door, name, bad):
    with pytest.raises(InputError, match=rf"^{name} is {re.escape(repr(bad))}, but must be \S"):
        door(**{name: bad})


@pytest.mark.parametrize(("name", "bad"), OPTIONS)
def test_estimators_store_and_fit_says(name, bad):
    name = {"seed": "random_state"}.get(name, name)
    net = Classifier(**{name: bad})
    with pytest.raises(ValueError, match=rf"{name} is |{re.escape(repr(bad))} cannot be used to seed"):
        net.fit([[0.0], [1.0], [2.0]], [0, 1, 0])


def test_the_usual_values_are_allowed_and_numbers_of_numpy_too():
    assert dataclasses.asdict(Options()) == {field.name: field.default for field in dataclasses.fields(Options)}
    assert Options(trials=np.int64(3), minutes=np.float32(0.5), vote=np.bool_(True)) == Options(
        trials=3, minutes=0.5, vote=True
    )
    assert all("constraint" in field.metadata and constraint_of(field) for field in dataclasses.fields(Options))


X, Y = np.arange(12.0)[:, None], np.arange(12) % 2
DOORS = {
    Classifier: (X, Y),
    Regressor: (X, 1.0 * Y),
    MultiTask: (X, np.column_stack([Y, Y])),
    Forecaster: (np.arange(60.0),),
    LanguageModel: ("hello " * 100,),
}


@pytest.mark.parametrize(("door", "name"), [(door, name) for door in DOORS for name in door().get_params(deep=False)])
def test_no_parameter_of_an_estimator_takes_just_anything(door, name):
    with pytest.raises(ValueError, match=rf"(?s){name}.*object|object.*seed") as caught:
        door(**{name: object()}).fit(*DOORS[door])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "bad"), [("validation_fraction", 1), ("validation_fraction", -0.1), ("batch_size", 0)]
)
def test_shares_and_batches_have_their_range(name, bad):
    with pytest.raises(InputError, match=f"^{name} is {bad}, but must be"):
        Regressor(**{name: bad}).fit(X, 1.0 * Y)


def test_a_vote_is_for_classes():
    with pytest.raises(InputError, match="vote is for classes, but every target holds numbers; leave it out"):
        Regressor(vote=True).fit(X, 1.0 * Y)
