"""The layers that take the data: which one an encoder needs, and networks that have it."""

from dataclasses import fields, replace
from typing import Any

from phalanx.errors import InputError
from phalanx.kinds.codes.encoder import CodeEncoder
from phalanx.kinds.images import ImageEncoder
from phalanx.kinds.registry import Encoder
from phalanx.kinds.series import SeriesEncoder
from phalanx.kinds.sounds import SoundEncoder
from phalanx.kinds.texts import TextEncoder
from phalanx.layers import Columns, Embedding, Frames, Layer, Past, Pixels, Wrapper, bare
from phalanx.network import Network
from phalanx.spec.distributions import Choice, Repeat
from phalanx.spec.part import has_default

_UNITS = 32  # of an embedding, where layers are given without one


def entry_for(encoder: Encoder | CodeEncoder) -> Layer:
    """Return the layer that takes what an encoder makes."""
    if isinstance(encoder, ImageEncoder):
        return Pixels(encoder.mean, encoder.deviation)
    if isinstance(encoder, (TextEncoder, CodeEncoder)):
        return Embedding(_UNITS, encoder.tokens)
    if isinstance(encoder, SoundEncoder):
        return Frames()
    if isinstance(encoder, SeriesEncoder):
        return Past(encoder.anchor_kind)
    return Columns(encoder.cardinalities)


def with_entry(network: Network, entry: Layer) -> Network:
    """Return the network with the layer that takes the data: the first, unless it has one of its kind, wrapped or not.

    Raises `InputError` for an embedding of data that are no codes.
    """
    present = [bare(layer) for layer in network.layers]
    if not isinstance(entry, Embedding) and any(isinstance(layer, Embedding) for layer in present):
        raise InputError(
            f"Embedding takes rows of codes, but these data are taken by {type(entry).__name__}: leave it out, or give "
            "an estimator an array of whole numbers, (rows, steps), with Embedding as the first layer"
        )
    if any(isinstance(layer, type(entry)) for layer in present):
        return network
    return replace(network, layers=(entry, *network.layers))


def told(value: Any, entry: Layer) -> Any:
    """Return layers, or a distribution of them, whose entry layers know what the data say.

    Structure, such as the categories of a table's `Columns`, is what the data say; a knob, such as the mean of
    `Pixels`, only where a person left it at its default.
    """
    if isinstance(value, type(entry)):
        left = {f.name for f in fields(value) if not value.kinds[f.name].knob or has_default(value, f)}
        return replace(value, **{name: getattr(entry, name) for name in entry.learned if name in left})
    if isinstance(value, Wrapper):
        return replace(value, layer=told(value.layer, entry))
    if isinstance(value, tuple):
        return tuple(told(layer, entry) for layer in value)
    if isinstance(value, Choice):
        return replace(value, options=told(value.options, entry))
    return replace(value, parts=told(value.parts, entry)) if isinstance(value, Repeat) else value
