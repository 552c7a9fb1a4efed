"""The target: which column it is, which task it sets, and its codes or standardized values."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from pandas.api import types

from phalanx.data.alike import finder
from phalanx.data.cells import check_finite, keys, numbers, text_of, tidy
from phalanx.errors import InputError

#: A target of at most this many distinct integers is taken as classes.
MANY_CLASSES = 20

Task = Literal["classify", "regress"]
Label = str | int | bool | float

_USUAL_NAMES = ("target", "label", "class", "y", "outcome", "response")


def check_target(frame: pd.DataFrame, target: str | None) -> str:
    """Return the name of the target column, or raise InputError with the likely or nearest names."""
    names = [str(name) for name in frame.columns]
    if target is None:
        usual = [name for name in names if name.lower() in _USUAL_NAMES]
        likely = list(dict.fromkeys([*usual, names[-1]]))
        raise InputError(f"no target given: name the column to predict, likely {' or '.join(map(repr, likely))}")
    if target not in names:
        raise no_column(target, "the target", names)
    return target


def no_column(name: str, purpose: str, names: Sequence[str]) -> InputError:
    """Return the error for a column that a table does not have, with the nearest of its names, or the first ones."""
    near = get_close_matches(name, names, n=1) or [other for other in names if other.lower() == name.lower()]
    more = ", ..." if len(names) > 10 else ""
    hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(map(repr, names[:10]))}{more}"
    return InputError(f"no column {name!r} for {purpose}; {hint}")


def target_present(values: pd.Series, name: str = "target") -> tuple[np.ndarray, int]:
    """Return which rows have a target, as a boolean mask, and how many have none.

    Raises InputError if none has.
    """
    present = values.notna().to_numpy()
    if not present.any():
        raise InputError(f"target {name!r} has no value in any row; choose another target or table")
    return present, int(len(present) - present.sum())


def infer_task(values: pd.Series, name: str = "target") -> tuple[Task, str]:
    """Say whether a target sets classes or numbers to predict, and why.

    Text, booleans, categorical columns and at most 20 distinct integers are classes.

    >>> infer_task(pd.Series([5, 6, 5, 7]))
    ('classify', 'it has 3 distinct integers')
    """
    if isinstance(values.dtype, pd.CategoricalDtype):
        return "classify", "it is a categorical column"
    values = tidy(values)
    if types.is_bool_dtype(values.dtype):
        return "classify", "it is true or false"
    if types.is_datetime64_any_dtype(values.dtype):
        raise InputError(f"target {name!r} holds dates, which are neither classes nor numbers; choose another target")
    if not types.is_numeric_dtype(values.dtype):
        return "classify", "it is text"
    check_finite(values.to_numpy(dtype=np.float64), name)
    if not holds_whole_numbers(values):
        return "regress", "it holds numbers with fractions"
    distinct = pd.unique(values.dropna())
    if len(distinct) <= MANY_CLASSES:
        return "classify", f"it has {len(distinct)} distinct integers"
    return "regress", f"it has {len(distinct):,} distinct integers"


def holds_whole_numbers(values: pd.Series) -> bool:
    """Say whether every value of a target is a whole number: such a target may be classes, numbers or counts.

    >>> holds_whole_numbers(pd.Series([5, 6, None])), holds_whole_numbers(pd.Series(["a", "b"]))
    (True, False)
    """
    values = tidy(values).dropna()
    if not types.is_numeric_dtype(values.dtype) or types.is_bool_dtype(values.dtype):
        return False
    return bool((values == np.floor(values)).all())


@dataclass(frozen=True)
class ClassTarget:
    """Classes: labels as in the data, sorted; whole floats are integers.

    Spellings of one truth are one class, called by the commonest of them in training: yes, Yes and later TRUE.

    >>> target = ClassTarget.fit(["no", "yes", "no"])
    >>> target.labels, target.encode(["yes", "no"]), target.decode(np.array([0, 1]))
    (('no', 'yes'), array([1, 0], dtype=int32), array(['no', 'yes'], dtype='<U3'))
    """

    labels: tuple[Label, ...]

    @staticmethod
    def fit(values: npt.ArrayLike | pd.Series, name: str = "target") -> "ClassTarget":
        """Collect the labels. Raises InputError if there is only one."""
        _, distinct, _ = keys(_series(values))
        labels = sorted((_label(value) for value in distinct), key=lambda label: (isinstance(label, str), label))
        if len(labels) < 2:
            found = f"one class only, {labels[0]!r}" if labels else "no values"
            raise InputError(f"target {name!r} has {found}: there is nothing to predict; choose another target")
        return ClassTarget(tuple(labels))

    def encode(self, values: npt.ArrayLike | pd.Series, name: str = "target") -> np.ndarray:
        """Return each label's position as int32.

        Raises InputError naming a label that was not seen in training, or the row (from 1) of a missing one.
        """
        position = finder([text_of(label) for label in self.labels])
        rows, distinct, texts = keys(_series(values))
        if (rows < 0).any():
            raise InputError(f"target {name!r} is missing in row {int((rows < 0).argmax()) + 1}")
        for value, text in zip(distinct, texts, strict=True):
            if position(text) < 0:
                known = ", ".join(repr(label) for label in self.labels[:10])
                raise InputError(
                    f"target {name!r} has the class {_label(value)!r}, which was not seen in training ({known})"
                )
        return np.array([position(text) for text in texts], dtype=np.int32)[rows]

    def decode(self, codes: np.ndarray) -> np.ndarray:
        """Return the labels at given positions."""
        mixed = len({type(label) for label in self.labels}) > 1
        return np.array(self.labels, dtype=object if mixed else None)[codes]

    def to_plain(self) -> dict[str, Any]:
        """Return the state as a map of a list."""
        return {"labels": list(self.labels)}

    @staticmethod
    def from_plain(plain: Mapping[str, Any]) -> "ClassTarget":
        """Return the target whose ``to_plain`` this is."""
        return ClassTarget(tuple(plain["labels"]))


@dataclass(frozen=True)
class NumberTarget:
    """Numbers, standardized in float64; ``low`` and ``high`` are the least and the greatest in training.

    >>> target = NumberTarget.fit([1.0, 3.0])
    >>> target.encode([1.0, 3.0, 4.0]), target.decode(np.array([-1.0, 1.0]))
    (array([-1.,  1.,  2.], dtype=float32), array([1., 3.]))
    """

    mean: float
    deviation: float
    low: float
    high: float

    @staticmethod
    def fit(
        values: npt.ArrayLike | pd.Series, weight: np.ndarray | None = None, name: str = "target"
    ) -> "NumberTarget":
        """Learn mean and standard deviation; an integer ``weight`` (n,) counts exactly as that many copies.

        Raises InputError for a cell that is not a finite number and for a constant target.
        """
        exact = _numbers(values, name)
        # Merging equal values first makes weights and copies the same sum to the last bit.
        distinct, rows = np.unique(exact, return_inverse=True)
        mass = np.bincount(rows, weights=weight, minlength=len(distinct))
        distinct, mass = distinct[mass > 0], mass[mass > 0]
        if len(distinct) < 2:
            found = f"is always {distinct[0]:g}" if len(distinct) else "has no values"
            raise InputError(f"target {name!r} {found}: there is nothing to predict; choose another target")
        share = mass / mass.sum()
        mean = float(share @ distinct)
        # In units of the largest value no square overflows or vanishes.
        unit = float(np.abs(distinct - mean).max())
        deviation = unit * float(np.sqrt(share @ ((distinct - mean) / unit) ** 2))
        return NumberTarget(mean, deviation, float(distinct[0]), float(distinct[-1]))

    @staticmethod
    def values(values: npt.ArrayLike | pd.Series, name: str = "target") -> np.ndarray:
        """Return the numbers of a column, float64. Raises InputError for a cell that is not a finite number."""
        return _numbers(values, name)

    def encode(self, values: npt.ArrayLike | pd.Series, name: str = "target") -> np.ndarray:
        """Return (y - mean) / deviation as float32. Raises InputError for a cell that is not a finite number."""
        return ((_numbers(values, name) - self.mean) / self.deviation).astype(np.float32)

    def decode(self, standardized: np.ndarray) -> np.ndarray:
        """Return values in the target's own units, float64."""
        return np.asarray(standardized, dtype=np.float64) * self.deviation + self.mean

    def to_plain(self) -> dict[str, Any]:
        """Return the state as a map of numbers."""
        return asdict(self)

    @staticmethod
    def from_plain(plain: Mapping[str, Any]) -> "NumberTarget":
        """Return the target whose ``to_plain`` this is."""
        return NumberTarget(**plain)


def _series(values: npt.ArrayLike | pd.Series) -> pd.Series:
    return values if isinstance(values, pd.Series) else pd.Series(values)


def _label(value: Any) -> Label:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, (str, int, float)) else text_of(value)


def _numbers(values: npt.ArrayLike | pd.Series, name: str) -> np.ndarray:
    """Return a target as float64 without missing cells."""
    if isinstance(values, np.ndarray) and values.dtype.kind in "fiu":
        exact = values.astype(np.float64)
        check_finite(exact, name)
    else:
        exact = numbers(_series(values), name)
    missing = np.isnan(exact)
    if missing.any():
        raise InputError(f"target {name!r} is missing in row {int(missing.argmax()) + 1}")
    return exact
