"""The kinds of data, in the order in which they are asked whether sources, or rows, are theirs."""

from collections.abc import Callable, Sequence
from typing import Any

from phalanx.config import Config
from phalanx.data import BUNDLED, Reading, Source
from phalanx.errors import InputError
from phalanx.kinds.codes.kind import CODES
from phalanx.kinds.images.kind import IMAGES
from phalanx.kinds.kind import Kind, Request, check_options
from phalanx.kinds.language.kind import LANGUAGE
from phalanx.kinds.mixed.kind import MIXED
from phalanx.kinds.model import Model
from phalanx.kinds.prepared import Prepared
from phalanx.kinds.rows import RowKind
from phalanx.kinds.sequences.kind import SEQUENCES
from phalanx.kinds.series.kind import SERIES
from phalanx.kinds.sounds.kind import SOUNDS
from phalanx.kinds.tables.kind import TABLES
from phalanx.kinds.texts.kind import TEXTS
from phalanx.options import check_word

KINDS: list[Kind] = [LANGUAGE, SERIES, SOUNDS, TEXTS, CODES, SEQUENCES, IMAGES, TABLES, MIXED]
"""A kind of one's own goes to the front: `KINDS.insert(0, Mine())`."""


def kind_named(name: str) -> Kind:
    """Return the kind of a name; raise `KeyError` where none of the kinds has it."""
    try:
        return next(kind for kind in KINDS if kind.name == name)
    except StopIteration:
        raise KeyError(f"the kind of data {name}") from None


def kind_of(sources: Sequence[str], config: Config | None = None) -> Kind:
    """Return the kind that reads sources, given the options of a run."""
    return next((kind for kind in KINDS if kind.holds(sources, config)), IMAGES)


def kind_of_rows(given: Any, layers: Any) -> tuple[RowKind, Any]:
    """Return the kind of rows that are given in Python to learn from, by `layers`, and the rows as it takes them."""
    for kind in KINDS:
        if isinstance(kind, RowKind) and (rows := kind.rows(given, layers)) is not None:
            return kind, rows
    raise InputError(f"X is of no kind of data that is known: {type(given).__name__}")


def load(sources: Sequence[str], request: Request) -> Source:
    """Read sources of any kind, as `request.like` takes them if an encoder is given."""
    return kind_of(sources).load(sources, request)


def load_like(model: Model, sources: Sequence[str]) -> Source:
    """Read what a model is to predict, or to be scored on."""
    if len(sources) > 1 and not any(kind.several and kind.holds(sources) for kind in KINDS) and not model.kind.several:
        raise InputError(
            f"{len(sources)} sources are given, but only images, sounds or texts can be in several files; give one"
        )
    return model.kind.reload(model, sources, load)


def prepare(config: Config, watch: Callable[[int, int], None] | None = None) -> Prepared:
    """Read and encode the source a configuration names; raise `InputError` for what cannot be used.

    `watch` is called with how many of all files are read.
    """
    if config.source is None:
        raise InputError(
            f"no source given: name a table such as data.csv, a folder of images, sounds or texts, or one of "
            f"{' '.join(BUNDLED)}"
        )
    known = {name: Reading(verbatim=True) for name in (config.id, config.group) if name is not None}
    unread = (*config.ignore, *known)
    request = Request(config.image_size, config.strict, watch, config.missing, config.text, unread, known)
    source = kind_of((config.source,), config).load((config.source,), request)
    kind = kind_named(source.kind)  # a table may name the files that are the rows
    check_options(kind, config)
    for name in config.baselines or ():
        check_word("baselines", name, tuple(kind.baselines))
    return kind.prepare(config, source, load)
