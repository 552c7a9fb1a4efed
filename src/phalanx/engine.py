"""The way below the estimators: one network on one batch, and populations of networks, for those who write their own
loop or search. Everything else in `phalanx.population` and `phalanx.model` may change without notice.

- `complete(network, OutputSize(...))` gives a network its output layers; `initialize` makes its parameters, `forward`
  runs it on a batch, and `cost` is what training descends.
- `Trial` is a network with its seed, `Fold` the rows that it trains on and those that it watches, and `train` trains
  any number of trials on the rows of a `Batch`, those of one structure together; `Trained.final`, a `Final`, is what
  `predict` predicts with.
- A `Decision` is what a function given to `train` as `watch` may answer to the `View` of a round: drop members, let
  others enter, or stop. `Population` is one group for a loop of one's own: `advance`, `note`, `snapshot`, `restore`.

`docs/engine.md` has an example of each.
"""

from phalanx.model import Batch, Noise, cost, forward, initialize
from phalanx.network import OutputSize, complete
from phalanx.population.batches import Fold
from phalanx.population.host import Population
from phalanx.population.predict import Final, predict
from phalanx.population.train import train
from phalanx.population.trial import Trained, Trial
from phalanx.population.view import Decision, View

__all__ = [
    "Batch",
    "Decision",
    "Final",
    "Fold",
    "Noise",
    "OutputSize",
    "Population",
    "Trained",
    "Trial",
    "View",
    "complete",
    "cost",
    "forward",
    "initialize",
    "predict",
    "train",
]
