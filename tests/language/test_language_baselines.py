"""Baselines of language models against counts done by hand."""

import numpy as np
import pytest

from phalanx.kinds.language.baselines import language_baselines


def test_by_hand():
    # Learned from a b a b c: of 5 tokens and 3 kinds p(a) = 3/8, p(b) = 3/8, p(c) = 2/8.
    # a is followed by b twice, that is by 1 kind: p(b | a) = (2 + 3/8) / 3; b by a and c, 2 kinds: p(c | b) =
    # (1 + 2 * 2/8) / 4; c by none: p(a | c) = p(a).
    found = language_baselines(np.array([0, 1, 0, 1, 2]), {"test": np.array([0, 1, 2, 0])}, tokens=3)
    assert found["dummy"]["test"] == pytest.approx(-np.log([3 / 8, 2 / 8, 3 / 8]).mean())
    assert found["bigram"]["test"] == pytest.approx(-np.log([(2 + 3 / 8) / 3, (1 + 0.5) / 4, 3 / 8]).mean())


def test_probabilities_add_up_to_one():
    train = np.random.default_rng(0).integers(0, 6, 60)
    for before in range(7):  # 6 never occurs
        found = [language_baselines(train, {"t": np.array([before, after])}, tokens=7) for after in range(7)]
        for name in ("dummy", "bigram"):
            assert sum(np.exp(-each[name]["t"]) for each in found) == pytest.approx(1)
