"""What a person may write of parts, which type checkers must accept too: `mypy` reads this file."""

import dataclasses

import pytest

from phalanx import (
    RBF,
    AveragePool,
    BasisFunctions,
    Conv,
    Dense,
    Dropout,
    Exponential,
    Factor,
    Head,
    MaxPool,
    Multinoulli,
    Tied,
    choice,
    uniform,
)
from phalanx.parts import Part

WRITTEN: list[Part] = [
    MaxPool(3, stride=2),
    MaxPool(stride=None),
    AveragePool(2, stride=(1, 2)),
    Conv(choice(8, 16), (3, 1), dilation=2),
    RBF(1, sigma=1.0),
    RBF(4, sigma=uniform(0.5, 2)),
    BasisFunctions(degree=2, sigma=None, columns=["a", "b"]),
    Dense(choice(8, 16), name="hidden"),
    Dropout(Exponential(0.5)),
    Factor(0.1, on=["dense_1"]),
    Tied(on=["a", "b"]),
    Head(Multinoulli(), targets=["a"]),
]


@pytest.mark.parametrize("written", WRITTEN, ids=repr)
def test_what_is_written_is_kept_and_lists_are_tuples(written: Part) -> None:
    for field in dataclasses.fields(written):
        if field.name in ("on", "targets", "columns"):
            assert isinstance(getattr(written, field.name), tuple)
