"""Specifications: parts, the distributions and schedules that may stand in them, and their plain form.

distributions what a person is unsure of
kinds         what the annotation of a field says
fields        what a field accepts
part          frozen dataclasses that are JAX trees
schedules     numbers that change during a run
paths         the names of places inside a specification
plain         specifications as plain data and YAML
"""

from phalanx.parts.distributions import (
    Distribution,
    Fixed,
    Listed,
    MaybePerAxis,
    Names,
    Number,
    PerAxis,
    choice,
    integers,
    loguniform,
    repeat,
    uniform,
)
from phalanx.parts.fields import field
from phalanx.parts.kinds import subclasses
from phalanx.parts.part import Part, names, part
from phalanx.parts.schedules import Cosine, Exponential, Knob, MaybeKnob, Schedule, Step, at_progress

__all__ = [
    "Cosine",
    "Distribution",
    "Exponential",
    "Fixed",
    "Knob",
    "Listed",
    "MaybeKnob",
    "MaybePerAxis",
    "Names",
    "Number",
    "Part",
    "PerAxis",
    "Schedule",
    "Step",
    "at_progress",
    "choice",
    "field",
    "integers",
    "loguniform",
    "names",
    "part",
    "repeat",
    "subclasses",
    "uniform",
]
