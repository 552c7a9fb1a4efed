"""Which structures share a program: by prices under which the cheapest partition can be found by hand."""

import itertools

import pytest

from phalanx import Conv, Dense, Flatten, Gaussian, ReLU, Tanh
from phalanx.errors import InputError
from phalanx.network import Network, OutputSize, complete
from phalanx.superstructure.programs import TRAINING, Price, Work, grouped, kin, programs

WORK = Work(steps=0, rows=1)


def net(*layers):
    return complete(Network(layers, Gaussian()), OutputSize(1))


def price(program, number=1.0):
    return Price(program, layer=0.0, step=0.0, number=number)


def test_a_program_is_worth_it_where_it_saves_more_than_it_costs():
    # Of 9 inputs a unit has 10 products with the one output; alone 1 and 3 units take 10 and 30, together 30 each.
    networks = [net(Dense(1)), net(Dense(3))]
    assert programs(networks, (9,), WORK, price(program=19)) == [0, 1]  # saves 20
    assert programs(networks, (9,), WORK, price(program=21)) == [0, 0]
    assert programs([networks[0], *networks], (9,), WORK, price(program=39)) == [0, 1]  # two of one unit: saves 40


def test_the_cheapest_of_all_cuts_by_size_is_taken():
    widths = [1, 2, 3, 8, 9]
    networks = [net(Dense(units)) for units in widths]

    def cost(cuts):
        groups = [widths[a:b] for a, b in itertools.pairwise([0, *cuts, len(widths)])]
        return sum(35 + len(group) * 10 * max(group) for group in groups)

    every = [cuts for n in range(5) for cuts in itertools.combinations(range(1, 5), n)]
    best = min(every, key=cost)
    expected = [sum(i >= cut for cut in best) for i in range(5)]
    assert best == (3,)
    assert programs(networks, (9,), WORK, price(program=35)) == expected
    assert programs(networks[::-1], (9,), WORK, price(program=35)) == [0, 0, 1, 1, 1]


def test_what_cannot_share_a_program_has_its_own_at_any_price():
    flat = [net(Flatten(), Dense(2)), net(Flatten(), Dense(3), Tanh())]
    images = [net(Conv(2, padding="valid"), Flatten()), net(Conv(3, padding="valid"), ReLU(), Flatten())]
    assert kin([*flat, *images], (6, 6, 1)) == [0, 0, 1, 1]
    assert programs([*flat, *images], (6, 6, 1), WORK, price(1e9)) == [0, 0, 1, 1]


def test_a_population_holds_the_networks_of_its_program():
    networks = [net(Dense(2)), net(Dense(3)), net(Dense(2))]
    (positions, together), *rest = grouped(networks, (4,), [0, 0])
    assert not rest
    assert positions == [0, 1, 2]
    assert len(together.networks) == 2
    assert [positions for positions, _ in grouped(networks, (4,), [0, 1])] == [[0, 2], [1]]
    with pytest.raises(InputError, match="programs names those of 1 structures, but 2 are trained"):
        grouped(networks, (4,), [0])
    other = complete(Network([Dense(2)], Gaussian(), batch_size=7), OutputSize(1))
    with pytest.raises(InputError, match="programs puts structures together that cannot share one; leave it out"):
        grouped([networks[0], other], (4,), [0, 0])


def test_small_networks_share_a_program_and_large_ones_trained_for_long_do_not():
    small, large = [net(Dense(n), ReLU()) for n in (8, 16)], [net(Dense(n), ReLU()) for n in (64, 4096)]
    work = Work(steps=1_000, rows=100_000)
    assert programs(small, (10,), work, TRAINING["cpu"]) == [0, 0]
    assert programs(large, (1_000,), Work(20_000, 2_000_000), TRAINING["cpu"]) == [0, 1]
