"""The layers that take the data: networks that have the one that an encoder needs."""

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

from phalanx.errors import InputError
from phalanx.layers import BasisFunctions, Branch, Branches, Columns, Embedding, Layer, Wrapper, bare
from phalanx.network import Network
from phalanx.parts.distributions import Choice, Repeat
from phalanx.parts.part import has_default


def with_input_layer(network: Network, input_layer: Layer) -> Network:
    """Return the network with the layer that takes the data: the first, unless it has one of its kind, wrapped or not.

    Raises `InputError` for an embedding of data that are no codes.
    """
    return replace(network, layers=_begun(network.layers, input_layer))


def _begun(layers: Sequence[Any], input_layer: Layer) -> tuple[Any, ...]:
    """Return layers with the one that takes the data; of rows of several parts each branch gets that of its own."""
    present = [bare(layer) for layer in layers]
    if not isinstance(input_layer, Embedding) and any(isinstance(layer, Embedding) for layer in present):
        raise InputError(
            f"Embedding takes rows of codes, but these data are taken by {type(input_layer).__name__}: leave it out, "
            "or give an estimator an array of whole numbers, (rows, steps), with Embedding as the first layer"
        )
    if not any(isinstance(layer, type(input_layer)) for layer in present):
        layers = (_without_names(input_layer), *layers)
    if isinstance(input_layer, Branches):
        return tuple(_branched(layer, input_layer) for layer in layers)
    return _with_names(layers, input_layer)


def _without_names(input_layer: Layer) -> Layer:
    """Return the layer that takes the data without the names of columns, which its networks need not know."""
    if isinstance(input_layer, Branches):
        branches = [
            replace(branch, layers=tuple(map(_without_names, branch.layers))) for branch in input_layer.branches
        ]
        return replace(input_layer, branches=branches)
    return replace(input_layer, names=()) if isinstance(input_layer, Columns) else input_layer


def _with_names(layers: Sequence[Any], input_layer: Layer) -> tuple[Any, ...]:
    """Return layers of which the one after the columns of a table, if it asks for their names, knows them."""
    if len(layers) < 2 or not isinstance(input_layer, Columns) or not isinstance(bare(layers[0]), Columns):
        return tuple(layers)
    first, second, *rest = layers
    told = isinstance(second, BasisFunctions) and not second.columns
    return (first, replace(second, columns=input_layer.names) if told else second, *rest)


def _branched(layer: Any, input_layer: Branches) -> Any:
    if not isinstance(layer, Branches) or len(layer.branches) != len(input_layer.branches):
        return layer
    pairs = zip(layer.branches, input_layer.branches, strict=True)
    return replace(layer, branches=[replace(b, layers=_begun(b.layers, of_data.layers[0])) for b, of_data in pairs])


def with_learned(value: Any, input_layer: Layer) -> Any:
    """Return layers, or a distribution of them, whose input layers know what the data say.

    Structure, such as the categories of a table's `Columns`, is what the data say; a knob, such as the mean of
    `Pixels`, only where a person left it at its default. Of rows of several parts each branch is told of its own.
    """
    if isinstance(value, Branches) and isinstance(input_layer, Branches):
        return _branches_with_learned(value, input_layer)
    if isinstance(value, type(input_layer)):
        left = {f.name for f in fields(value) if not value.kinds[f.name].knob or has_default(value, f)}
        return replace(value, **{name: getattr(input_layer, name) for name in input_layer.learned if name in left})
    if isinstance(value, Wrapper):
        return replace(value, layer=with_learned(value.layer, input_layer))
    if isinstance(value, tuple):
        return tuple(with_learned(layer, input_layer) for layer in value)
    if isinstance(value, Choice):
        return replace(value, options=with_learned(value.options, input_layer))
    return replace(value, parts=with_learned(value.parts, input_layer)) if isinstance(value, Repeat) else value


def _branches_with_learned(value: Branches, input_layer: Branches) -> Branches:
    if len(value.branches) != len(input_layer.branches):
        raise InputError(
            f"Branches has {len(value.branches)} branches, but a row has {len(input_layer.branches)} parts"
        )
    pairs = zip(value.branches, input_layer.branches, strict=True)
    return replace(value, branches=[_branch_with_learned(branch, of_data) for branch, of_data in pairs])


def _branch_with_learned(branch: Any, of_data: Branch) -> Any:
    if isinstance(branch, Branch):
        return replace(branch, layers=with_learned(branch.layers, of_data.layers[0]))
    return replace(branch, options=[_branch_with_learned(one, of_data) for one in branch.options])
