"""How numbers are written in the sentences of a report."""

import numpy as np


def share(value: float) -> str:
    """Return a share as a percentage.

    >>> share(0.98056), share(1.0), share(0.9999)
    ('98.1%', '100%', '99.99%')
    """
    for digits in (1, 2, 3):
        text = f"{value:.{digits}%}"
        if value in (0, 1) or float(text[:-1]) not in (0, 100):
            break
    return text if value not in (0, 1) else f"{value:.0%}"


def number(value: float) -> str:
    """Return a number with three significant digits, more before the decimal point where it has more.

    >>> number(0.12345), number(12345.6), number(-2.0)
    ('0.123', '12,346', '-2.00')
    """
    if not np.isfinite(value):
        return "none"
    return f"{value:,.0f}" if 1000 <= abs(value) < 1e9 else f"{value:#.3g}".removesuffix(".")


def some(count: int, what: str) -> str:
    """Return a count of something, in the plural where it is not 1.

    >>> some(1, "time"), some(2_000, "time")
    ('1 time', '2,000 times')
    """
    return f"{count:,} {what}{'' if count == 1 else 's'}"
