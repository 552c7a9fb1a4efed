"""Ctrl-C and SIGTERM: at once while there is nothing to lose, after the round once networks have trained."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from phalanx.population.train import Clock

SIGNALS = (signal.SIGINT, signal.SIGTERM)
_NOTE = b"stopping after this round, to write what was trained (again: stop at once)\n"


@contextmanager
def ending_on_signal(clock: Clock, has_trained: Callable[[], bool]) -> Iterator[None]:
    """Let the first signal set `clock.interrupted` where networks have trained; otherwise raise KeyboardInterrupt."""

    def handle(number: int, frame: FrameType | None) -> None:
        if clock.interrupted or not has_trained():
            raise KeyboardInterrupt
        clock.interrupted = True
        os.write(2, _NOTE)  # not print, which may be at work where the signal came

    before = {number: signal.signal(number, handle) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
