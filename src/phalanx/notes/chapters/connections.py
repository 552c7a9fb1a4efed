"""Connections of a unit: how many weights enter a unit of well-known networks, beside the 10,000 of a neuron."""

import math
from typing import Any, NamedTuple

import pandas as pd
from matplotlib.figure import Figure

from phalanx import (
    LSTM,
    AveragePool,
    BatchNorm,
    Conv,
    Dense,
    Embedding,
    Flatten,
    Gaussian,
    GlobalAveragePool,
    Layer,
    MaxPool,
    Multinoulli,
    Network,
    ReLU,
    Residual,
    Tanh,
    summary,
)
from phalanx.summaries import HUMAN, Summary

ROWS = ("A4",)

TEXT = r"""
The notes count connections: a neuron of the human brain has about $10^4$ of them, a machine that was built to learn
without labels has reached that, and most of our models are nowhere near. The numbers are those of the book (section
1.2.3, figure 1.10). Here the count is made from the networks themselves.

## Counting

`summary` takes a network and the shape of a row, and says of each layer how many weights enter one of its units (the
*fan-in*), how many numbers are learned, and how often a row multiplies with a weight. A shell has the same as `phalanx
summary`, and a trained network as its method `summary()`. This is LeNet-5 of 1998, as it is written down here:

«source: lenet»

«layers»

A unit of the first layer sees «first» weights, that is «first_share:.2%» of what a neuron has.

## Seven networks

«networks»

![Connections of a unit in each network: the mean over its units, and the most that a unit has. The line is a neuron of
the human brain.](fan_in)

By the mean the notes are right: no network reaches $10^4$, and «nowhere» of «count» stay below a tenth of it. The
most that a unit has is another matter. It passed $10^4$ in the first dense layer of VGG-16 («largest:,» weights a unit)
and in a large LSTM, where the four gates of a unit have «lstm:,» together. Nobody aimed at that number. A wide layer
has it as a matter of course, and ResNet-34, with «resnet:,» at most and «fewer:.0%» fewer weights in all than VGG-16,
makes fewer errors on the same photographs (He et al. 2015, table 3). Connections of a unit do not say how good a
network is.

## The machine that reached it

The notes mean a convolutional network of 2013 that learned from images without labels, on a cluster of graphics
processors (Coates et al.). To have $10^4$ connections a unit needs a window of 20 × 20 places in 25 channels, say.
Eight maps of such units on images of 200 × 200 pixels:

«reached»

The connections are the same in both rows. If the units of a map share their weights, as in a convolution, «shared:,»
numbers are learned. If each place has weights of its own, they are «own_billions:.1f» billion, which take
«own_gigabytes:.0f» GB in single precision. The machine is reported to have had 11 billion weights, which windows that
share theirs do not need, and so it took a cluster. *Connections are not parameters*: connections set the time, and what
is learned sets the memory.

## What is missing is units

A brain has about $8.6 \cdot 10^{10}$ neurons. At $10^4$ connections each, with 4 bytes for a weight, it would fill
«petabytes:.1f» petabytes. AlexNet has «alexnet_units:,» units, «times_fewer:,.0f» times fewer. The book finds that
networks double in units every 2.4 years. From AlexNet on, that takes until «year:.0f», as the book says. The notes date
the jump in hardware to 2015; the networks of 2010 and 2012 in the table were already trained on graphics processors.

Even then such a machine may not think as well, the notes add, and perhaps nobody wants to simulate a brain. Deep
learning took ideas from it: units that do little by themselves, layers, local windows. What a unit computes, and how it
learns, is chosen by what works.
"""

NEURONS = 8.6e10
DOUBLING = 2.4  # years, book section 1.2.3


class Known(NamedTuple):
    """A network that is known, and what it was built for."""

    name: str
    year: int
    layers: list[Layer]
    rows: tuple[int, ...]
    outputs: int


def compute() -> dict[str, Any]:
    """Return the connections, units and parameters of well-known networks, and of one whose units have 10^4."""
    known = networks()
    told = {one.name: summary(Network(one.layers, Multinoulli()), one.rows, one.outputs) for one in known}
    table = pd.DataFrame([line(one, told[one.name]) for one in known])
    most = {name: int(number) for name, number in zip(table["network"], table["most"], strict=True)}
    shown = told["LeNet-5"].frame.dropna(subset="fan_in")[["layer", "output", "parameters", "fan_in", "multiply_adds"]]
    first = int(shown["fan_in"].iloc[0])
    window = summary(Network([Conv(8, 20, padding="valid")], Gaussian()), (200, 200, 25)).layers[0]
    units = math.prod(window.output)
    own = units * (HUMAN + 1)
    alexnet = units_of(told["AlexNet"])
    reached = pd.DataFrame(
        {
            "weights": ["shared by a map", "of each unit's own"],
            "units": units,
            "connections of a unit": window.fan_in,
            "multiply-adds": window.multiply_adds,
            "learned": [window.parameters, own],
        }
    )
    return {
        "layers": with_commas(shown.assign(output=[" × ".join(map(str, shape)) for shape in shown["output"]])),
        "first": first,
        "first_share": first / HUMAN,
        "networks": with_commas(table.drop(columns="year").set_index(table["year"])),
        "table": table,
        "summaries": told,
        "count": len(table),
        "nowhere": int((table["mean fan-in"] < HUMAN / 10).sum()),
        "largest": most["VGG-16"],
        "lstm": most["LSTM, large"],
        "resnet": most["ResNet-34"],
        "fewer": 1 - told["ResNet-34"].parameters / told["VGG-16"].parameters,
        "reached": with_commas(reached),
        "shared": window.parameters,
        "own_billions": own / 1e9,
        "own_gigabytes": 4 * own / 1e9,
        "petabytes": 4 * NEURONS * HUMAN / 1e15,
        "alexnet_units": alexnet,
        "times_fewer": NEURONS / alexnet,
        "year": 2012 + DOUBLING * math.log2(NEURONS / alexnet),
    }


def networks() -> list[Known]:
    """Return the networks, in the order of years."""
    return [
        Known("Adaline", 1960, [], (16,), 1),
        Known("LeNet-5", 1998, lenet(), (32, 32, 1), 10),
        Known("dense on digits", 2010, dense(2500, 2000, 1500, 1000, 500), (841,), 10),
        Known("AlexNet", 2012, alexnet(), (227, 227, 3), 1000),
        Known("VGG-16", 2014, vgg(), (224, 224, 3), 1000),
        Known("LSTM, large", 2014, language(10_000, 1500), (1,), 10_000),
        Known("ResNet-34", 2015, resnet(), (224, 224, 3), 1000),
    ]


def lenet() -> list[Layer]:
    """Return LeNet-5, with every map of the second convolution connected to every map before it."""
    return [
        *(Conv(6, 5, padding="valid"), Tanh(), AveragePool()),
        *(Conv(16, 5, padding="valid"), Tanh(), AveragePool()),
        Flatten(),
        *dense(120, 84),
    ]


def dense(*widths: int) -> list[Layer]:
    """Return dense layers with rectifiers."""
    return [layer for units in widths for layer in (Dense(units), ReLU())]


def alexnet() -> list[Layer]:
    """Return AlexNet (Krizhevsky et al. 2012), whose channels were halved between two processors."""
    return [
        *(Conv(96, 11, stride=4, padding="valid"), ReLU(), overlapping()),
        *(Conv(256, 5, groups=2), ReLU(), overlapping()),
        *(Conv(384), ReLU(), Conv(384, groups=2), ReLU()),
        *(Conv(256, groups=2), ReLU(), overlapping()),
        Flatten(),
        *dense(4096, 4096),
    ]


def overlapping(padding: str = "valid") -> MaxPool:
    """Return pooling of 3 × 3 places at every second one."""
    return MaxPool(3, 2, padding)


def vgg() -> list[Layer]:
    """Return VGG-16 (Simonyan & Zisserman 2014): convolutions of 3 × 3 in five groups."""
    groups = ((2, 64), (2, 128), (3, 256), (3, 512), (3, 512))
    layers: list[Layer] = []
    for number, channels in groups:
        layers += [*[Conv(channels), ReLU()] * number, MaxPool()]
    return [*layers, Flatten(), *dense(4096, 4096)]


def language(tokens: int, units: int) -> list[Layer]:
    """Return a language model of two LSTM layers (Zaremba et al. 2014), for a row of one word."""
    lstm = LSTM(units, "all", initializer="glorot")
    return [Embedding(units, tokens, padding=False), lstm, lstm]


def resnet() -> list[Layer]:
    """Return ResNet-34 (He et al. 2015)."""
    layers: list[Layer] = [Conv(64, 7, stride=2, bias=False), BatchNorm(), ReLU(), overlapping("same")]
    for number, channels in ((3, 64), (4, 128), (6, 256), (3, 512)):
        for i in range(number):
            layers += block(channels, stride=2 if i == 0 and channels > 64 else 1)
    return [*layers, GlobalAveragePool()]


def block(channels: int, stride: int) -> list[Layer]:
    """Return two convolutions, around which their input goes."""
    first = [Conv(channels, stride=stride, bias=False), BatchNorm(), ReLU()]
    return [Residual([*first, Conv(channels, bias=False), BatchNorm()]), ReLU()]


def units_of(told: Summary) -> int:
    """Return how many units have weights."""
    return sum(math.prod(layer.output) for layer in told.layers if layer.fan_in is not None)


def line(known: Known, told: Summary) -> dict[str, Any]:
    """Return what the table says of a network."""
    return {
        "year": known.year,
        "network": known.name,
        "layers": told.depth,
        "units": units_of(told),
        "parameters": told.parameters,
        "mean fan-in": told.fan_in,
        "most": max(layer.fan_in for layer in told.layers if layer.fan_in is not None),
    }


def with_commas(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a table whose whole numbers are written with commas."""
    whole = [str(name) for name in frame if pd.api.types.is_integer_dtype(frame[name])]
    return frame.assign(**{name: [f"{number:,}" for number in frame[name]] for name in whole})


def draw(found: dict[str, Any]) -> dict[str, Figure]:
    """Return the pictures by name."""
    table = found["table"]
    figure = Figure(figsize=(5.5, 3.4), layout="constrained")
    axes = figure.subplots()
    names = [f"{name}, {year}" for name, year in zip(table["network"], table["year"], strict=True)]
    axes.axvline(HUMAN, color="C3", linestyle="--", label="a neuron")
    axes.hlines(names, table["mean fan-in"], table["most"], color="C0", alpha=0.4)
    axes.plot(table["mean fan-in"], names, "o", color="C0", label="mean over units")
    axes.plot(table["most"], names, "^", color="C1", label="the most of a unit")
    axes.invert_yaxis()
    axes.set(xlabel="connections of a unit", xscale="log")
    axes.legend(loc="lower left", fontsize=8)
    return {"fan_in": figure}
