"""Figures of a language model: which tokens cost most, where in the text, and the passages that surprised it most."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from phalanx.kinds.language.judged import TextErrors
from phalanx.kinds.language.scoring import nats
from phalanx.report.errors.classes import SIGMAS
from phalanx.report.errors.members import correlated
from phalanx.report.errors.words import number
from phalanx.report.figures import Figure, Plain, axis, bars, case, cases, line, lines, table

_PASSAGE, _BEFORE, _PASSAGES = 40, 40, 12  # tokens of a passage, tokens shown before it, and passages
_BLOCKS = 100  # into which the text is cut
_CLASSES = ("line ends", "white space", "digits", "upper case", "other letters", "signs")


def class_of(token: str) -> str:
    """Return what kind of token this is, by its first character that is no space.

    >>> class_of("\\n"), class_of("  "), class_of(" The"), class_of("'"), class_of("7")
    ('line ends', 'white space', 'upper case', 'signs', 'digits')
    """
    first = token.strip()[:1]
    if not first:
        return _CLASSES[0] if "\n" in token else _CLASSES[1]
    if first.isdigit():
        return _CLASSES[2]
    return _CLASSES[3] if first.isupper() else _CLASSES[4] if first.isalpha() else _CLASSES[5]


def by_class(errors: TextErrors) -> Figure:
    """Return the mean cost of each class of tokens."""
    codes = np.unique(errors.codes[1:])
    of_code = np.zeros(int(codes.max()) + 1, int)
    of_code[codes] = [_CLASSES.index(class_of(errors.codec.decode(codes[i : i + 1]))) for i in range(len(codes))]
    of_each, cost = of_code[errors.codes[1:]], errors.cost
    found: list[tuple[str, float, float, int, float]] = []
    for i, name in enumerate(_CLASSES):
        held = cost[of_each == i]
        if len(held):
            error = float(held.std() / np.sqrt(len(held)))
            found.append((name, float(held.mean()), SIGMAS * error, len(held), float(held.sum() / cost.sum())))
    found.sort(key=lambda one: -one[1])
    names, means, wide, _, _ = zip(*found, strict=True)
    low, high = np.array(means) - wide, np.array(means) + wide
    says = (
        f"Over {errors.called}, a token costs {number(float(cost.mean()))} nats on average (perplexity "
        f"{number(float(np.exp(cost.mean())))}); {names[0]} cost most ({number(means[0])}), {names[-1]} least "
        f"({number(means[-1])})."
    )
    drawn = bars(names, means, "nats per token", low, high)
    columns = ["tokens", "nats per token", "± 1.96 standard errors", "count", "share of the whole cost"]
    return Figure("by_class", "errors", "Which tokens cost most", says, drawn, table(columns, found))


def along(errors: TextErrors) -> Figure:
    """Return the mean cost along the text, in blocks of equally many tokens."""
    blocks = [part for part in np.array_split(np.arange(len(errors.said)), _BLOCKS) if len(part)]
    cost = errors.cost
    means, at = np.array([cost[part].mean() for part in blocks]), np.array([part[0] + 1 for part in blocks])
    far, near = int(means.argmax()), int(means.argmin())
    says = (
        f"Over {errors.called}, the cost goes from {number(float(means[near]))} nats per token (from token "
        f"{at[near]:,}) to {number(float(means[far]))} (from token {at[far]:,}), in {len(blocks)} parts of the text."
    )
    mean = np.full(len(at), cost.mean())
    drawn = lines(
        axis("token of the text"), axis("nats per token"), [line("this text", at, means), line("mean", at, mean)]
    )
    return Figure("along", "errors", "Where the text is hard", says, drawn,
                  table(["from token", "nats per token"], list(zip(at, means, strict=True))))  # fmt: skip


def passages(errors: TextErrors) -> Figure:
    """Return the passages that cost most, none of which overlap, each with what was before it."""
    cost, size = errors.cost, min(_PASSAGE, len(errors.said))
    means = np.convolve(cost, np.full(size, 1 / size), "valid")
    found, rows = list[Plain](), list[list[Any]]()
    left = means.copy()
    while len(found) < _PASSAGES and np.isfinite(left).any():
        first = int(left.argmax())
        left[max(0, first - size + 1) : first + size] = -np.inf
        worst = first + int(cost[first : first + size].argmax())
        before, passage, token = (
            errors.codec.decode(errors.codes[max(0, a) : b])
            for a, b in ((first + 1 - _BEFORE, first + 1), (first + 1, first + 1 + size), (worst + 1, worst + 2))
        )
        said = f"probability {number(float(errors.said[worst]))} for it"
        found.append(
            case(repr(token), said, float(errors.said[worst]), f"token {first + 2:,}", None, f"…{before}▸{passage}")
        )
        rows.append([first + 2, float(means[first]), passage, repr(token), float(errors.said[worst])])
    says = (
        f"The {len(found)} passages of {size} tokens that cost most among {errors.called}; the first costs "
        f"{number(rows[0][1])} nats per token, where {number(float(cost.mean()))} are usual."
    )
    columns = ["from token", "nats per token", "passage", "most surprising token", "its probability"]
    return Figure("worst", "errors", "Passages that surprised most", says, cases(found), table(columns, rows))


def members(errors: TextErrors) -> Figure | None:
    """Return the correlation of what each two members say a token costs; None where fewer than two speak."""
    each = {id_: nats(said) for id_, said in errors.members.items()}
    return correlated(each, f"Over {errors.called}, the costs", "Do members find the same hard?")


def text_figures(errors: TextErrors) -> Iterator[Figure]:
    """Yield all figures of a text that was read, without its members."""
    yield by_class(errors)
    yield along(errors)
    yield passages(errors)
