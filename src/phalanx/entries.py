"""The layers that take the data: networks that have the one that an encoder needs."""

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

from phalanx.errors import InputError
from phalanx.layers import Branch, Branches, Embedding, Layer, Wrapper, bare
from phalanx.network import Network
from phalanx.spec.distributions import Choice, Repeat
from phalanx.spec.part import has_default


def with_entry(network: Network, entry: Layer) -> Network:
    """Return the network with the layer that takes the data: the first, unless it has one of its kind, wrapped or not.

    Raises `InputError` for an embedding of data that are no codes.
    """
    return replace(network, layers=_begun(network.layers, entry))


def _begun(layers: Sequence[Layer], entry: Layer) -> tuple[Layer, ...]:
    """Return layers with the one that takes the data; of rows of several parts each branch gets that of its own."""
    present = [bare(layer) for layer in layers]
    if not isinstance(entry, Embedding) and any(isinstance(layer, Embedding) for layer in present):
        raise InputError(
            f"Embedding takes rows of codes, but these data are taken by {type(entry).__name__}: leave it out, or give "
            "an estimator an array of whole numbers, (rows, steps), with Embedding as the first layer"
        )
    if not any(isinstance(layer, type(entry)) for layer in present):
        return (entry, *layers)
    if isinstance(entry, Branches):
        return tuple(_branched(layer, entry) for layer in layers)
    return tuple(layers)


def _branched(layer: Layer, entry: Branches) -> Layer:
    if not isinstance(layer, Branches) or len(layer.branches) != len(entry.branches):
        return layer
    pairs = zip(layer.branches, entry.branches, strict=True)
    return replace(layer, branches=[replace(b, layers=_begun(b.layers, of_data.layers[0])) for b, of_data in pairs])


def told(value: Any, entry: Layer) -> Any:
    """Return layers, or a distribution of them, whose entry layers know what the data say.

    Structure, such as the categories of a table's `Columns`, is what the data say; a knob, such as the mean of
    `Pixels`, only where a person left it at its default. Of rows of several parts each branch is told of its own.
    """
    if isinstance(value, Branches) and isinstance(entry, Branches):
        return _told_branches(value, entry)
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


def _told_branches(value: Branches, entry: Branches) -> Branches:
    if len(value.branches) != len(entry.branches):
        raise InputError(f"Branches has {len(value.branches)} branches, but a row has {len(entry.branches)} parts")
    pairs = zip(value.branches, entry.branches, strict=True)
    return replace(value, branches=[_told_branch(branch, of_data) for branch, of_data in pairs])


def _told_branch(branch: Any, of_data: Branch) -> Any:
    if isinstance(branch, Branch):
        return replace(branch, layers=told(branch.layers, of_data.layers[0]))
    return replace(branch, options=[_told_branch(one, of_data) for one in branch.options])
