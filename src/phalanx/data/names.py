"""What the name of a column says of it."""

import re


def last_word(name: str) -> str:
    """Return the last word of a name, in lower case, empty: it has none.

    >>> last_word("job_type"), last_word("customerID"), last_word("zone 2")
    ('type', 'id', '2')
    """
    words = re.findall(r"[^\W\d_]+|\d+", _HUMPS.sub(" ", name))
    return words[-1].lower() if words else ""


_HUMPS = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z]{2})")
