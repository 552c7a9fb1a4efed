"""Connections of well-known networks: the counts that others published, and the brain's by hand."""

import math

import pytest

from phalanx.notes.chapters import connections as chapter


@pytest.fixture(scope="module")
def found():
    return chapter.compute()


@pytest.mark.row("A4")
def test_parameters_are_those_that_were_published(found):
    """LeNet-5 with full maps, AlexNet, VGG-16 and ResNet-34 as torchvision counts them; the last with normalization of
    its projections, of 128, 256 and 512 channels, which have none here. Ciresan et al. 2010 and Zaremba et al. 2014
    round to 12.11 and 66 million.
    """
    told = {name: one.parameters for name, one in found["summaries"].items()}
    assert (told["LeNet-5"], told["AlexNet"], told["VGG-16"]) == (61_706, 60_965_224, 138_357_544)
    assert told["ResNet-34"] == 21_797_672 - 2 * (128 + 256 + 512)
    assert told["dense on digits"] // 10_000 == 1_211
    assert round(told["LSTM, large"] / 1e6) == 66
    assert told["Adaline"] == 16 + 1


@pytest.mark.row("A4")
def test_depths_are_those_of_the_names(found):
    told = {name: one.depth for name, one in found["summaries"].items()}
    assert (told["VGG-16"], told["ResNet-34"], told["AlexNet"], told["LeNet-5"], told["Adaline"]) == (16, 34, 8, 5, 1)


@pytest.mark.row("A4")
def test_connections_beside_those_of_a_neuron(found):
    assert found["first"] == 5 * 5
    assert found["largest"] == 7 * 7 * 512 > 10_000
    assert found["lstm"] == 4 * (1500 + 1500) > 10_000
    assert found["resnet"] == 3 * 3 * 512
    # By hand for LeNet-5: units 28²·6, 10²·16, 120, 84, 10, of 25, 150, 400, 120, 84 connections
    units = (4704, 1600, 120, 84, 10)
    mean = sum(n * c for n, c in zip(units, (25, 150, 400, 120, 84), strict=True)) / sum(units)
    assert found["summaries"]["LeNet-5"].fan_in == pytest.approx(mean)
    means = found["table"].set_index("network")["mean fan-in"]
    assert means.max() < 10_000  # most models are nowhere near, by the mean
    assert sorted(means[means < 1_000].index) == ["Adaline", "LeNet-5", "ResNet-34"]
    assert found["nowhere"] == 3


@pytest.mark.row("A4")
def test_a_unit_of_ten_thousand_connections(found):
    units, window = 8 * 181 * 181, 20 * 20 * 25  # 181 = 200 − 20 + 1 places an axis
    assert window == 10_000
    assert found["shared"] == 8 * (window + 1)
    assert found["own_billions"] == pytest.approx(units * (window + 1) / 1e9)
    assert found["own_gigabytes"] == pytest.approx(4 * found["own_billions"])


def test_what_is_missing_is_units(found):
    alexnet = 55**2 * 96 + 27**2 * 256 + 2 * 13**2 * 384 + 13**2 * 256 + 2 * 4096 + 1000
    assert found["alexnet_units"] == alexnet
    assert found["petabytes"] == pytest.approx(3.44)
    assert alexnet * 2 ** ((found["year"] - 2012) / 2.4) == pytest.approx(8.6e10)
    assert math.floor(found["year"]) in range(2050, 2060)  # the book: not before the 2050s
