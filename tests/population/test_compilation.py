import pytest

from phalanx.population import compilation
from phalanx.population.compilation import _COMPILED, _STAGES, Compilations


@pytest.fixture
def at(monkeypatch):
    """A function that ends a stage of some duration at a time, in seconds; what is counted starts from nothing."""
    monkeypatch.setattr(compilation, "compilations", Compilations())
    monkeypatch.setattr(compilation, "_spans", [])

    def end(time, duration, event=_COMPILED):
        monkeypatch.setattr(compilation.time, "monotonic", lambda: time)
        compilation._listen(event, duration)
        return compilation.compilations

    return end


def test_seconds_in_which_several_programs_are_built_count_once(at):
    assert at(5.0, 5.0).seconds == 5  # 0 to 5
    assert at(8.0, 6.0).seconds == 8  # 2 to 8, in another thread
    assert at(20.0, 2.0).seconds == 10  # 18 to 20
    assert at(21.0, 20.0).seconds == 21  # 1 to 21, which holds all but the first second


def test_stages_within_a_stage_count_once(at):
    at(3.0, 1.0, _STAGES[1])
    assert at(4.0, 4.0, _STAGES[1]) == Compilations(programs=0, seconds=4.0)
    assert at(4.5, 0.5) == Compilations(programs=1, seconds=4.5)


def test_other_events_do_not_count(at):
    assert at(3.0, 1.0, "/jax/core/other") == Compilations()
