"""What predicts after training: the members of the ensemble and the best member, without anything that trained them."""

from dataclasses import dataclass

import numpy as np

from phalanx.data.encoding import Encoded
from phalanx.data.targets import NumberTarget
from phalanx.ensemble import average
from phalanx.population.predict import Final, predict


@dataclass(frozen=True)
class Predictor:
    """Trained networks by id, their shares in the ensemble, the id of the best, and the target's standardization."""

    members: dict[str, Final]
    shares: dict[str, float]
    best: str
    number: NumberTarget | None

    def predict(self, inputs: Encoded, ensemble: bool = True) -> np.ndarray:
        """Return probabilities (rows, classes), or numbers (rows,) in the target's units."""
        shares = self.shares if ensemble else {self.best: 1.0}
        return average({id_: member_predictions(self.members[id_], inputs, self.number) for id_ in shares}, shares)


def member_predictions(final: Final, inputs: Encoded, number: NumberTarget | None) -> np.ndarray:
    """Return one network's probabilities (rows, classes), or numbers (rows,) in the target's units."""
    found = predict(final, tuple(inputs))
    return found if number is None else number.decode(found[:, 0])
