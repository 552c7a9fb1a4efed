"""Which spellings are one value: yes and true in a column of truths, 01 and 1 in a column of codes."""

import re
from collections.abc import Callable, Sequence

#: PairCosts of words, in lower case, of which a column with no other values is one of truths: (false, true).
PAIRS = (
    ("false", "true"),
    ("no", "yes"),
    ("off", "on"),
    ("0", "1"),
    ("f", "t"),
    ("n", "y"),
    ("falsch", "wahr"),
    ("nein", "ja"),
    ("faux", "vrai"),
    ("non", "oui"),
    ("falso", "verdadero"),
    ("falso", "vero"),
    ("no", "sí"),
    ("no", "si"),
)
_LETTERS = (("f", "t"), ("n", "y"))
_WORDS = tuple(pair for pair in PAIRS if pair not in _LETTERS)
_TRUTH = {word: truth for pair in PAIRS for truth, word in enumerate(pair)}
_ONE = re.compile(r"[01][.,]0*", re.ASCII)
_WHOLE = re.compile(r"([+-]?)0*(\d+)(?:[.,]0*)?", re.ASCII)


def are_truths(texts: Sequence[str]) -> bool:
    """Say whether a column of these values is one of truths.

    It is if its values, in lower case, lie in one of `PAIRS`, or all in the words of several (1, yes, True); f, t, n
    and y are letters unless they are all there is.

    >>> are_truths(["TRUE", "False", "true"]), are_truths(["t", "y"]), are_truths(["1", "2"])
    (True, False, False)
    """
    lowered = {_lower(text) for text in texts}
    within = [{word for pair in _WORDS for word in pair}, *map(set, _LETTERS)]
    return bool(lowered) and any(lowered <= words for words in within)


def stand_ins(texts: Sequence[str], counts: Sequence[int]) -> list[int]:
    """Return for each value the position of the one that stands for it: itself, or the commonest of its truth.

    >>> stand_ins(["yes", "Yes", "no"], [5, 9, 3]), stand_ins(["a", "A"], [1, 1])
    ([1, 1, 2], [0, 1])
    """
    if len(texts) < 2 or len(texts) > 4 * len(PAIRS) or not are_truths(texts):
        return list(range(len(texts)))
    commonest: dict[int, int] = {}
    for position in sorted(range(len(texts)), key=lambda position: -counts[position]):
        commonest.setdefault(_TRUTH[_lower(texts[position])], position)
    return [commonest[_TRUTH[_lower(text)]] for text in texts]


def finder(values: Sequence[str]) -> Callable[[str], int]:
    """Return what finds the position of a text among values, -1: it is none of them.

    A text is found that is spelt alike; where all values are truths, that is true like the one or false like the
    other; and where no two values are the same number, that is a whole number of the same value (1, 1.0 and 01).

    >>> find = finder(["01", "10"])
    >>> find("01"), find("1"), find("10.0"), find("2"), finder(["no", "yes"])("TRUE")
    (0, 0, 1, -1, 1)
    """
    exact = {text: position for position, text in enumerate(values)}
    truths = {_TRUTH[_lower(text)]: position for text, position in exact.items()} if are_truths(values) else {}
    whole = {number: position for text, position in exact.items() if (number := _whole(text)) is not None}
    if len(whole) < sum(_whole(text) is not None for text in exact):
        whole = {}

    def find(text: str) -> int:
        if text in exact:
            return exact[text]
        if (truth := _TRUTH.get(_lower(text))) in truths:
            return truths[truth]
        return -1 if (number := _whole(text)) is None else whole.get(number, -1)

    return find


def _lower(text: str) -> str:
    """Return a word as the pairs have it: in lower case, and 1.0 as 1."""
    return text[0] if _ONE.fullmatch(text) else text.casefold()


def _whole(text: str) -> str | None:
    found = _WHOLE.fullmatch(text)
    if found is None:
        return None
    return found[2] if found[1] != "-" or found[2] == "0" else f"-{found[2]}"
