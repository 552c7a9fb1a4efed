"""A text beside what an ensemble and its members say of it: what figures of a language model are computed from."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from phalanx.candidates import Fitted
from phalanx.kinds.language.codecs import Codec
from phalanx.kinds.language.corpus import Corpus
from phalanx.kinds.language.scoring import nats


@dataclass(frozen=True)
class TextErrors:
    """A text that was read: its codes, (n,), and how probable each but the first was said to be by the ensemble, and by
    each of its members; `what` its tokens are called.
    """

    what: str
    codec: Codec
    codes: np.ndarray
    said: np.ndarray
    members: Mapping[str, np.ndarray] = field(default_factory=dict)

    @property
    def cost(self) -> np.ndarray:
        """What each token but the first costs, −log p, in nats."""
        return nats(self.said)

    @property
    def called(self) -> str:
        """What a sentence calls the tokens that are judged."""
        return f"{len(self.said):,} {self.what}"


def read_in_validation(corpus: Corpus, fitted: Fitted, codec: Codec) -> TextErrors | None:
    """Return the text that validates, as it was read before networks were trained again; None where there is none."""
    if not fitted.valid.predictions:
        return None
    members = {fitted.members[i].id: fitted.members[i].valid.predictions[0] for i in fitted.shares}
    return TextErrors("validation tokens", codec, corpus.valid_codes, fitted.valid.predictions[0], members)
