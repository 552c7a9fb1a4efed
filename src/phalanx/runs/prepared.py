"""A source ready for training."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from phalanx.data import Column, Reading
from phalanx.kinds.registry import Encoder
from phalanx.problem import Problem
from phalanx.runs.config import Config


@dataclass(frozen=True)
class Prepared:
    """A source ready for training: the problem, the test rows, what was inferred, and `notes` on what was decided.

    `config` has the targets filled in, and the task if all have the same; `columns` are those of a table;
    `test_values` are those of each goal, None: it is not scored; `test_files` the files of test images, where they come
    from files; `readings` say how the columns of a table were read, which later tables repeat.
    """

    config: Config
    name: str
    columns: tuple[Column, ...]
    encoder: Encoder
    problem: Problem
    test_inputs: Any
    test_values: tuple[np.ndarray | None, ...]
    test_files: tuple[str, ...] | None
    notes: tuple[str, ...]
    warnings: tuple[str, ...]
    readings: Mapping[str, Reading] = field(default_factory=dict)

    @property
    def test_rows(self) -> int:
        """The number of test rows."""
        return next(len(values) for values in self.test_values if values is not None)
