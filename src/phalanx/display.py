"""What a person sees while a run goes on: one live table on a terminal, plain lines elsewhere."""

import time
from collections.abc import Iterable
from types import TracebackType

from rich.console import Console
from rich.live import Live
from rich.table import Table

from phalanx.data import Column
from phalanx.population.host import Population
from phalanx.population.train import Clock, Progress

_SECONDS_BETWEEN_LINES = 5.0


class TrainingDisplay:
    """Shows rounds, members alive, the best validation score so far and the time left, by population."""

    def __init__(self, console: Console, clock: Clock) -> None:
        self._console, self._clock = console, clock
        self._live = Live(console=console, refresh_per_second=4) if console.is_terminal else None
        self._said = time.monotonic()
        self._last: Progress | None = None

    def __enter__(self) -> "TrainingDisplay":
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()
        elif self._last is not None:
            self._say(self._last)

    def update(self, progress: Progress) -> None:
        """Show the state after a round."""
        self._last = progress
        if self._live is not None:
            self._live.update(self._table(progress))
        elif time.monotonic() - self._said >= _SECONDS_BETWEEN_LINES:
            self._said = time.monotonic()
            self._say(progress)

    def _table(self, progress: Progress) -> Table:
        table = Table(caption=self._time_left(), caption_justify="left")
        for heading in ("population", "networks", "alive", "round", "best valid cost"):
            table.add_column(heading, justify="right")
        for i, population in enumerate(progress.populations, start=1):
            cells = (len(population.trained), len(population.alive), _round(population))
            table.add_row(str(i), *map(str, cells), f"{_best([population]):.5g}")
        return table

    def _say(self, progress: Progress) -> None:
        alive = sum(len(population.alive) for population in progress.populations)
        members = sum(len(population.trained) for population in progress.populations)
        rounds = max(map(_round, progress.populations))
        best = _best(progress.populations)
        self._console.print(
            f"round {rounds}: {alive} of {members} networks alive, best valid cost {best:.5g}{self._time_left(', ')}",
            highlight=False,
        )

    def _time_left(self, before: str = "") -> str:
        left = self._clock.left()
        return "" if left == float("inf") else f"{before}{max(left, 0):.0f} s left"


def columns_table(columns: Iterable[Column]) -> Table:
    """Return a table of what each column was taken for; long tables are cut, with the number left out."""
    shown, every = 30, list(columns)
    table = Table(title="Columns", title_justify="left")
    for heading in ("name", "kind", "detail"):
        table.add_column(heading)
    for column in every[:shown]:
        table.add_row(column.name, column.kind if column.used else f"{column.kind}, left out", column.detail)
    if len(every) > shown:
        kinds = [column.kind for column in every[shown:]]
        more = ", ".join(f"{kinds.count(kind)} {kind}" for kind in sorted(set(kinds)))
        table.add_row(f"... {len(kinds):,} more", more, "")
    return table


def _round(population: Population) -> int:
    return max(member.rounds for member in population.trained)


def _best(populations: Iterable[Population]) -> float:
    return min(member.best_score for population in populations for member in population.trained)
