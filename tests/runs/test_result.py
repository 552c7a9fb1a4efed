"""What a run spent, where something else is done beside compiling."""

from phalanx.population import compilation
from phalanx.population.compilation import _COMPILED, Compilations
from phalanx.runs import result
from phalanx.runs.result import Stopwatch


def test_what_is_done_beside_compiling_is_no_training(monkeypatch):
    """From 0 to 10 something else is done, from 2 to 6 and from 8 to 13 a program is built; training ends at 20."""
    now = [0.0]
    counted = Compilations()
    monkeypatch.setattr(compilation, "compilations", counted)
    monkeypatch.setattr(result, "compilations", counted)
    monkeypatch.setattr(compilation, "_spans", [])
    for module in (compilation, result):
        monkeypatch.setattr(module.time, "monotonic", lambda: now[0])

    def built(end, seconds):
        now[0] = end
        compilation._listen(_COMPILED, seconds)

    watch = Stopwatch(-5.0)
    with watch.beside():
        built(6.0, 4.0)
        now[0] = 10.0
    built(13.0, 5.0)
    now[0] = 20.0
    watch.trained()
    assert watch.to_plain() == {"seconds": {"total": 25.0, "compile": 9.0, "train": 7.0}, "programs": 2}
