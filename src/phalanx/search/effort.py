"""How much to try when nothing is said."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Size:
    """Defaults for up to `rows` training rows: rows a step, networks to try, and the most rounds each trains."""

    rows: float
    batch_size: int
    trials: int
    max_rounds: int
