"""A series ready for training, and what its report shows."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from phalanx.candidates import Fitted
from phalanx.kinds.labelled import PreparedRows
from phalanx.kinds.model import RowModel
from phalanx.kinds.prepared import Tested
from phalanx.kinds.series.encoder import SeriesEncoder
from phalanx.kinds.series.recent import Recent
from phalanx.report.figures import Figure


@dataclass(frozen=True)
class PreparedSeries(PreparedRows):
    """A series ready for training; `recent` are its windows that test, or those that validate where none test."""

    encoder: SeriesEncoder
    recent: Recent

    def looked_at(self, rows: int) -> tuple[np.ndarray, np.ndarray | None]:
        chosen, drawn = np.zeros((2, rows), bool)
        chosen[self.recent.looked_at()] = True
        drawn[chosen] = self.recent.drawn()
        return chosen, drawn

    def figures(self, fitted: Fitted, model: RowModel, tested: Tested, left: Callable[[], float]) -> Iterator[Figure]:
        from phalanx.report.errors.together import forecast_figures  # what it needs takes long to load

        judged = tested.judged or self._validated(fitted)
        if judged is not None:
            yield from forecast_figures(judged, self.recent.ahead(self.encoder.layout.columns[0]), self.recent.names())
