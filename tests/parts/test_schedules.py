"""Schedules against values worked by hand from the formulas of their docstrings."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from phalanx import Adam, Cosine, Dense, Dropout, Exponential, Step, choice, loguniform, part, uniform
from phalanx.parts import Number, Schedule, at_progress


@pytest.mark.parametrize(
    ("schedule", "progress", "value"),
    [
        (Step(0.8, factor=0.5, every=0.25), 0.0, 0.8),
        (Step(0.8, factor=0.5, every=0.25), 0.24, 0.8),
        (Step(0.8, factor=0.5, every=0.25), 0.25, 0.4),
        (Step(0.8, factor=0.5, every=0.25), 0.6, 0.2),
        (Step(0.8, factor=0.5, every=0.25), 0.99, 0.1),
        (Exponential(0.1), 0.0, 0.1),
        (Exponential(0.1), 0.5, 0.01),  # 0.1 · 0.01^0.5 = 0.1 · 0.1
        (Exponential(0.1), 1.0, 0.001),
        (Cosine(0.1), 0.0, 0.1),
        (Cosine(0.1), 1 / 3, 0.075),  # ½(1 + cos 60°) = ¾
        (Cosine(0.1), 0.5, 0.05),
        (Cosine(0.1), 2 / 3, 0.025),
        (Cosine(0.1), 1.0, 0.0),
        (Cosine(0.1, end=0.02), 0.5, 0.06),  # halfway between
        (Cosine(0.1, end=0.02), 1.0, 0.02),
        (Cosine(0.1, warmup=0.2), 0.0, 0.0),
        (Cosine(0.1, warmup=0.2), 0.05, 0.025),  # a quarter of the way up
        (Cosine(0.1, warmup=0.2), 0.2, 0.1),
        (Cosine(0.1, warmup=0.2), 0.6, 0.05),  # half of the 0.8 that is left
    ],
)
def test_values_by_hand(schedule, progress, value):
    np.testing.assert_allclose(schedule.value(progress), value, rtol=1e-5, atol=1e-8)


def test_every_schedule_stays_between_its_extremes(any_schedule):
    values = [float(any_schedule.value(p)) for p in np.linspace(0, 1, 41)]
    low, high = min(any_schedule.extremes()), max(any_schedule.extremes())
    assert low * (1 - 1e-6) <= min(values)
    assert max(values) <= high * (1 + 1e-6)


starts = st.floats(0.01, 10)


@given(starts, st.floats(0.01, 3), st.floats(0.05, 1), starts, st.floats(0, 0.9), st.floats(0, 1))
@example(start=1.0, factor=0.5, share=0.05000000000000001, end=1.0, warmup=0.0, progress=1.0)
@settings(max_examples=40, deadline=None)
def test_extremes_hold_for_any_numbers(start, factor, share, end, warmup, progress):
    for schedule in (Step(start, factor, share), Exponential(start, factor), Cosine(start, end, warmup)):
        low, high = min(schedule.extremes()), max(schedule.extremes())
        low = low * (1 - 1e-4) - np.finfo(np.float32).tiny  # what is smaller still is rounded to 0
        assert low <= float(schedule.value(progress)) <= high * (1 + 1e-4), schedule


def test_extremes_cover_the_distributions_of_its_numbers():
    assert set(Cosine(uniform(1.0, 2.0), end=choice(0.5, uniform(3.0, 4.0))).extremes()) == {1.0, 2.0, 0.5, 3.0, 4.0}
    assert Cosine(1.0, end=0.5, warmup=uniform(0, 0.1)).extremes() == (1.0, 0.5, 0.0)
    assert set(Exponential(loguniform(1.0, 2.0), factor=0.5).extremes()) == {1.0, 2.0, 0.5}
    assert max(Step(1.0, factor=10.0, every=1e-300).extremes()) == float("inf")


def test_at_progress_replaces_schedules_wherever_they_stand():
    spec = (Dense(3), Dropout(Exponential(0.5, factor=0.25)), Adam(Cosine(0.1), weight_decay=0.3))
    dense, dropout, adam = at_progress(spec, 0.5)
    assert dense == Dense(3)
    np.testing.assert_allclose([dropout.rate, adam.learning_rate], [0.25, 0.05], rtol=1e-6)
    assert (adam.weight_decay, adam.decay1) == (0.3, 0.9)


def test_its_numbers_may_differ_between_members():
    rates = jax.vmap(lambda start: at_progress(Adam(Cosine(start)), 0.5).learning_rate)(jnp.array([0.2, 0.4]))
    np.testing.assert_allclose(rates, [0.1, 0.2], rtol=1e-6)


def test_a_schedule_of_a_person_works_like_ours():
    @part
    class Linear(Schedule):
        start: Number = 1.0

        def value(self, progress):
            return self.start * (1 - progress)

        def extremes(self):
            return self.start, 0

    assert at_progress(Dropout(Linear(0.8)), 0.25).rate == pytest.approx(0.6)
