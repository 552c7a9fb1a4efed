"""Names: what that of a column says of it, and several of them in words."""

import re
from collections.abc import Iterable
from typing import Any


def last_word(name: str) -> str:
    """Return the last word of a name, in lower case, empty: it has none.

    >>> last_word("job_type"), last_word("customerID"), last_word("zone 2")
    ('type', 'id', '2')
    """
    words = re.findall(r"[^\W\d_]+|\d+", _HUMPS.sub(" ", name))
    return words[-1].lower() if words else ""


_HUMPS = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z]{2})")


def some(names: Iterable[Any], most: int = 5) -> str:
    """Return the first of some names in quotes, and how many more there are.

    >>> some("abcdefg")
    "'a', 'b', 'c', 'd', 'e' and 2 more"
    """
    every = list(names)
    more = f" and {len(every) - most:,} more" if len(every) > most else ""
    return ", ".join(map(repr, every[:most])) + more
