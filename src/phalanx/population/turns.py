"""Populations that train in turn, a round each, and do what their watchers decide."""

from collections import deque
from collections.abc import Callable, Sequence
from time import perf_counter

from phalanx.population.host import Population
from phalanx.population.view import Decision, Standing, View, Watch


class Turns:
    """Populations in training.

    `limits`: after how many rounds each ends (None: when its members do). `ahead`: how many are given a round before
    the first of them is waited for, so that a device does not wait for the host.
    `rounds`: those that each has trained; `dropped`: by population and position, the rounds after which a watcher
    dropped a member; `stopped`: whether one stopped all.
    """

    def __init__(
        self, populations: Sequence[Population], limits: Sequence[int | None], watchers: Sequence[Watch], ahead: int
    ) -> None:
        self.rounds = [0] * len(populations)
        self.dropped: dict[tuple[int, int], int] = {}
        self.stopped = False
        self._populations, self._limits, self._watchers, self._ahead = populations, limits, watchers, ahead
        self._waiting, self._training = deque(range(len(populations))), deque[tuple[int, float]]()
        self._seconds = [0.0] * len(populations)
        self._wanted: list[list[Decision]] = [[] for _ in populations]

    def take(self, is_over: Callable[[bool], bool], left: Callable[[], float]) -> None:
        """Train until all are done, a watcher stops them, or `is_over`, which is told whether any population began."""
        begun, since = False, 0.0
        while True:
            while len(self._training) < self._ahead and self._waiting and not (self.stopped or is_over(begun)):
                if self._goes_on(i := self._waiting.popleft()):
                    self._training.append((i, perf_counter()))
                    self._populations[i].begin()
                    begun = True
            if not self._training:
                return
            i, began = self._training.popleft()
            record = self._populations[i].end()
            began, since = max(began, since), perf_counter()
            self._seconds[i] = since - began
            self._populations[i].note(record, self._seconds[i])
            self.rounds[i] += 1
            self._waiting.append(i)
            self._apply(i)
            for watch in self._watchers:
                self._decide(watch(View(self._standings(), i, left())))

    def _goes_on(self, i: int) -> bool:
        limit = self._limits[i]
        return bool(self._populations[i].alive) and (limit is None or self.rounds[i] < limit)

    def _standings(self) -> tuple[Standing, ...]:
        return tuple(map(Population.standing, self._populations, self._seconds))

    def _decide(self, decision: Decision | None) -> None:
        """Do what a watcher wants: of populations that are in a round after it, of others at once."""
        if decision is None:
            return
        self.stopped = self.stopped or decision.stop
        busy = {i for i, _ in self._training}
        for i in {*decision.drop, *decision.enter}:
            self._wanted[i].append(decision)
            if i not in busy:
                self._apply(i)

    def _apply(self, i: int) -> None:
        population = self._populations[i]
        for decision in self._wanted[i]:
            chosen = [k for k in population.alive if k in decision.drop.get(i, ())]
            population.stop(chosen, decision.reason)
            self.dropped.update({(i, k): self.rounds[i] for k in chosen})
            if entering := decision.enter.get(i):
                population.enter(entering)
                if i not in self._waiting:
                    self._waiting.append(i)
        self._wanted[i].clear()
