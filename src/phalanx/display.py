"""What a person sees while a run goes on: a live view on a terminal, plain lines elsewhere, never a long silence."""

import math
import os
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from rich.box import SIMPLE_HEAD
from rich.console import Console, Group, JustifyMethod, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table

from phalanx.data import Column
from phalanx.population.train import Clock
from phalanx.population.view import Standing, View

_PIPE_WIDTH = 120
_BETWEEN_LINES, _LONGEST_SILENCE = 5.0, 8.0  # seconds
_COLUMNS_SHOWN, _COLUMNS_ALL = 20, 30
_LONGEST_NAME = 32


class _Console(Console):
    """A console that goes quiet when its reader leaves: what is trained is worth keeping."""

    def on_broken_pipe(self) -> None:
        self.quiet = True
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def make_console() -> Console:
    """Return a console for standard output; names from a user's data are never taken for markup."""
    width = None if sys.stdout.isatty() else _PIPE_WIDTH
    return _Console(width=width, markup=False, emoji=False, highlight=False)


def make_table(title: str, *headings: str, right: Sequence[str] = (), wrap: str = "") -> Table:
    """Return an empty table; the columns in `right` are flush right, and where it is too wide `wrap` is narrowed."""
    table = Table(
        title=title,
        title_justify="left",
        title_style="bold",
        box=SIMPLE_HEAD,
        show_edge=False,
        padding=(0, 1, 0, 0),
        pad_edge=False,
    )
    for heading in headings:
        justify: JustifyMethod = "right" if heading in right else "left"
        table.add_column(heading, justify=justify, no_wrap=heading != wrap, overflow="ellipsis")
    return table


def number(value: float) -> str:
    """Return a score with five significant digits, or "none" where it cannot be computed.

    >>> number(0.975), number(123456.7), number(float("nan"))
    ('0.97500', '123457', 'none')
    """
    if math.isnan(value):
        return "none"
    return f"{value:.0f}" if 1e4 <= abs(value) < 1e12 else f"{value:#.5g}"


def short(value: object) -> str:
    """Return a value that was drawn, numbers with three significant digits.

    >>> short(0.12345), short(64), short("ReLU")
    ('0.123', '64', 'ReLU')
    """
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def listed(words: Sequence[str], last: str = "and") -> str:
    """Return words in a row, with one before the last.

    >>> listed(["a", "b", "c"]), listed(["a", "b"], "or"), listed(["a"])
    ('a, b and c', 'a or b', 'a')
    """
    return f"{', '.join(words[:-1])} {last} {words[-1]}" if len(words) > 1 else words[0]


class Display:
    """Says what is going on: stages, lines, and while networks train rounds, members alive, best cost, time left.

    On a terminal the current stage or round is a live view below the lines; elsewhere it becomes a line when nothing
    has been said for some seconds. Use as a context.
    """

    def __init__(self, console: Console, clock: Clock) -> None:
        self._console, self._clock = console, clock
        self._stage, self._since, self._said = "", time.monotonic(), time.monotonic()
        self._done, self._bar = "", ProgressBar(width=40)
        self._beside: Callable[[], str] | None = None
        self._live = Live(get_renderable=self._view, console=console, refresh_per_second=4, transient=True)
        self._spinner = Spinner("dots")
        self._ended = threading.Event()
        self._beat = threading.Thread(target=self._break_silence, daemon=True)
        self.view: View | None = None

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live.start()
        else:
            self._beat.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        if self._console.is_terminal:
            self._live.stop()
        else:
            self._beat.join()

    def stage(self, text: str) -> None:
        """Say what is being done from now on."""
        self._stage, self._since, self._done = text, time.monotonic(), ""

    @contextmanager
    def beside(self, say: Callable[[], str]) -> Iterator[None]:
        """Show with every stage of the body what else goes on, as `say` has it then; "": nothing."""
        self._beside = say
        try:
            yield
        finally:
            self._beside = None

    def count(self, done: int, total: int) -> None:
        """Show how much of the stage is done."""
        self._bar.total, self._bar.completed = total, done
        self._done = f", {done:,} of {total:,}"

    def line(self, text: RenderableType = "") -> None:
        """Print a line or a table."""
        self._said = time.monotonic()
        self._console.print(text, soft_wrap=isinstance(text, str) and not self._console.is_terminal)

    def warn(self, text: str) -> None:
        """Print a warning."""
        self._said = time.monotonic()
        self._console.print(f"warning: {text}", style="yellow", soft_wrap=not self._console.is_terminal)

    def update(self, view: View) -> None:
        """Show the state of training after a round."""
        self.view = view
        self.stage(self._round())
        if not self._console.is_terminal and time.monotonic() - self._said >= _BETWEEN_LINES:
            self.line(self._stage + self._time_left())

    def _break_silence(self) -> None:
        while not self._ended.wait(0.5):
            if self._stage and time.monotonic() - self._said >= _LONGEST_SILENCE:
                spent = f"{time.monotonic() - self._since:.0f} s so far"
                self.line(f"{self._stage}{self._done}{self._others()}: {spent}{self._time_left()}")

    def _view(self) -> RenderableType:
        if not self._stage:
            return ""
        spent = f"{time.monotonic() - self._since:.0f} s{self._time_left()}"
        self._spinner.update(text=f"{self._stage}{self._done}{self._others()}, {spent}")
        if self._done:
            return Group(self._bar, self._spinner)
        return self._spinner if self.view is None else Group(_populations(self.view.populations), self._spinner)

    def _others(self) -> str:
        say = self._beside
        said = "" if say is None else say()
        return said and f" ({said})"

    def _round(self) -> str:
        populations = self.view.populations if self.view else ()
        alive, members = (sum(counts) for counts in ((p.alive for p in populations), (p.members for p in populations)))
        rounds, best = max(p.rounds for p in populations), min(p.best_score for p in populations)
        return f"round {rounds}: {alive} of {members} networks alive, best valid cost {number(best)}"

    def _time_left(self) -> str:
        left = self._clock.left()
        return "" if left == float("inf") else f", {max(left, 0):.0f} s left"


def columns_table(columns: Iterable[Column]) -> Table:
    """Return a table of what each column was taken for; of many columns the first ones, and the others counted."""
    every = list(columns)
    shown = every if len(every) <= _COLUMNS_ALL else every[:_COLUMNS_SHOWN]
    table = make_table("Columns", "name", "kind", "holds", wrap="holds")
    for column in shown:
        name = column.name if len(column.name) <= _LONGEST_NAME else column.name[: _LONGEST_NAME - 3] + "..."
        table.add_row(name, column.kind if column.used else f"{column.kind}, left out", column.detail)
    if len(every) > len(shown):
        kinds = Counter(column.kind for column in every[len(shown) :])
        counts = ", ".join(f"{count:,} of kind {kind}" for kind, count in kinds.most_common())
        table.add_row(f"... {kinds.total():,} more", "", counts)
    return table


def _populations(populations: Iterable[Standing]) -> Table:
    headings = ("population", "networks", "alive", "round", "best valid cost")
    table = make_table("", *headings, right=headings)
    for i, population in enumerate(populations, start=1):
        cells = (i, population.members, population.alive, population.rounds)
        table.add_row(*map(str, cells), number(population.best_score))
    return table
