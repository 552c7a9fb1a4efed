"""The head that learns backwards: its gradient, what is still there to be read, and what a voice is, by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import ttest_rel

from phalanx import Dense, Flatten, InstanceNorm, Network, ReverseGradient, Tanh
from phalanx.layers import EVALUATE
from phalanx.model import Batch, Noise, cost, initialize
from phalanx.network import OutputSize, complete
from phalanx.notes.chapters import speakers as chapter


@pytest.mark.row("A2")
def test_what_a_voice_adds_is_gone_after_instance_norm():
    """Each band's mean takes it along: (x + c) − mean (x + c) = x − mean x, within the rounding of numbers near 10."""
    rng = np.random.default_rng(0)
    sounds = np.array([chapter.spoken(word, rng) for word in range(chapter.WORDS)], np.float32)
    colour = np.float32(chapter.voice(rng))
    assert np.abs(colour).max() > 0.3
    plain, spoken = (np.asarray(InstanceNorm()({}, {}, jnp.asarray(x), EVALUATE)[0]) for x in (sounds, sounds + colour))
    np.testing.assert_allclose(spoken, plain, atol=1e-5)


@pytest.mark.row("A2")
def test_the_shared_layers_go_down_the_difference_of_the_costs():
    """∇(L_word − λ L_speaker) in the trunk, ∇L_speaker in its head: from the two costs apart, without a reversal.

    Sums of 48 rows in float32: relative rounding of about √48 · 2⁻²⁴, 4e-7 of slopes below 1.
    """
    X, words, who = chapter.recordings(0, chapter.SPEAKERS, 8)
    rows = Batch(jnp.asarray(X), (jnp.asarray(words), jnp.asarray(who)), jnp.ones(len(X)))
    trunk = [Flatten(), Dense(6, name="low"), Tanh(name="shared")]
    sizes = OutputSize(chapter.WORDS), OutputSize(chapter.SPEAKERS)
    start = complete(Network(trunk, chapter.heads([], 1.0)), *sizes)
    params, states = initialize(start, 0, X.shape[1:])

    def slope(before, weight, held=params, kept=states):
        network = complete(Network(trunk, chapter.heads(before, weight)), *sizes)
        return jax.grad(cost, argnums=1, has_aux=True)(network, held, kept, rows, Noise({}, {}, {}))[0]

    reversal = {"speaker.reverse_gradient_1": {}}
    turned = slope([ReverseGradient(0.7)], 1.0, params | reversal, states | reversal)
    both, word = slope([], 1.0), slope([], 0.0)
    for name, weight in word["low"].items():
        of_speaker = both["low"][name] - weight
        np.testing.assert_allclose(turned["low"][name], weight - 0.7 * of_speaker, atol=2e-6)
    for layer in ("speaker.asked", "speaker.output", "word.output"):
        np.testing.assert_allclose(turned[layer]["weight"], both[layer]["weight"], atol=2e-6)


@pytest.fixture(scope="module")
def backwards():
    """Of each of three worlds: the scores by strength, and what is read off the shared layer by least squares."""
    found = []
    for world in range(3):
        net = chapter.nets(1, 25)["backwards"]
        known, new = chapter.recordings(world, chapter.SPEAKERS, 100), chapter.recordings(1000 + world, 20, 20)
        scores = chapter.scores(net, 1, known, new)
        found.append(
            (scores, [by_least_squares(chapter.shared(member, known[0]), known[2]) for member in net.members_])
        )
    return [np.array(each) for each in zip(*found, strict=True)]


def by_least_squares(h, who):
    first = 4 * len(h) // 5
    with_one = np.column_stack([h, np.ones(len(h))])
    weights = np.linalg.lstsq(with_one[:first], np.eye(chapter.SPEAKERS)[who[:first]], rcond=None)[0]
    return np.mean((with_one[first:] @ weights).argmax(1) == who[first:])


@pytest.mark.row("A2")
def test_the_head_is_misled_and_the_speaker_still_there(backwards):
    """Paired over worlds: the head names fewer speakers, a reader that comes later as many, and more at strength 1."""
    scores, read = backwards
    assert ttest_rel(scores[:, 0, 2], scores[:, 1, 2], alternative="greater").pvalue < 0.05
    assert (read[:, 1] > scores[:, 1, 2]).all()
    assert ttest_rel(read[:, -1], read[:, 0], alternative="greater").pvalue < 0.05
    np.testing.assert_allclose(read, scores[:, :, 3], atol=0.13)  # 2 · √(¼ / 120) + as much, from two linear readers


@pytest.mark.slow
@pytest.mark.row("A2")
def test_a_little_reversal_helps_with_new_speakers_and_knowing_voices_more():
    """One-sided, paired over worlds others than those of the text."""
    known = [chapter.recordings(50 + world, chapter.SPEAKERS, 100) for world in range(8)]
    new = [chapter.recordings(2000 + world, 20, 20) for world in range(8)]
    nets = [chapter.nets(2, 25) for _ in known]
    back, norm = (
        np.array([chapter.scores(net[name], 2, *of) for net, *of in zip(nets, known, new, strict=True)])
        for name in ("backwards", "norm")
    )
    assert ttest_rel(back[:, 1, 1], back[:, 0, 1], alternative="greater").pvalue < 0.05
    assert ttest_rel(norm[:, 0, 1], back[:, 0, 1], alternative="greater").pvalue < 0.05
    assert np.mean(norm[:, 0, 1] - back[:, 1, 1]) > 0
