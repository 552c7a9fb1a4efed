"""A text ready for training, and what a run says of it."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from phalanx.candidates import Fitted
from phalanx.display import Display, number
from phalanx.experiment import Plan
from phalanx.kinds.budget import Budget, sample_sizes
from phalanx.kinds.kind import Kind
from phalanx.kinds.language.baselines import language_baselines
from phalanx.kinds.language.codecs import Codec
from phalanx.kinds.language.corpus import Corpus, scores
from phalanx.kinds.language.judged import TextErrors, read_in_validation
from phalanx.kinds.language.model import LanguagePredictor
from phalanx.kinds.language.space import language_space
from phalanx.kinds.prepared import Compared, Prepared, Scores, Tested
from phalanx.metrics import NATS, Metric
from phalanx.network import Network
from phalanx.population.train import Clock
from phalanx.report.figures import Figure
from phalanx.study import NEVER


@dataclass(frozen=True)
class PreparedText(Prepared):
    """A text ready for training; `test` is the text that tests."""

    kind: Kind
    codec: Codec
    corpus: Corpus
    held_out: str

    @property
    def task(self) -> Corpus:
        return self.corpus

    @property
    def space(self) -> Network:
        return language_space(len(self.corpus.codes))

    @property
    def metric(self) -> Metric:
        return NATS

    @property
    def rows(self) -> dict[str, int]:
        corpus = self.corpus
        test = len(corpus.test) // corpus.steps
        return {"train": corpus.border, "valid": corpus.stretches - corpus.border, "test": test}

    def compare(self, plan: Plan, clock: Clock, display: Display) -> dict[str, Compared]:
        """Count tokens, as many of the last as the share of the time allows; see `Budget`.

        Like the networks, plain models learn from what validates too before they are tested, unless this is not wanted.
        """
        display.stage("baselines")
        began, corpus = time.monotonic(), self.corpus
        border, budget = corpus.border * corpus.steps, Budget[dict[str, dict[str, float]]](clock)

        def validated(size: int) -> dict[str, dict[str, float]]:
            learned = corpus.codes[border - size : border]
            return language_baselines(learned, {"valid": corpus.codes[border:]}, corpus.tokens)

        nats, size, _ = budget.grow(validated, sample_sizes(border, numbers=1), others=1)
        learned = corpus.codes[:border] if plan.settings.refit == NEVER else corpus.codes
        texts = {"test": corpus.test} if self.held_out else {}
        tested = language_baselines(learned if size == border else learned[-size:], texts, corpus.tokens)
        seconds, found = time.monotonic() - began, {}
        names = self.config.baselines
        for name in nats if names is None else [name for name in nats if name in names]:
            valid = corpus.metrics(nats[name]["valid"])
            found[name] = Compared(valid, seconds, {"tokens": size}, partial(self._scores, tested[name].get("test")))
            few = "" if size == border else f", trained on the last {size:,} of {border:,} tokens"
            display.line(f"baseline {name}: valid {NATS.name} {number(valid[NATS.name])}{few}")
        return found

    def model(self, fitted: Fitted) -> LanguagePredictor:
        return LanguagePredictor.of(self.kind, fitted, self.codec)

    def test(self, fitted: Fitted, model: Any, compared: Mapping[str, Compared]) -> Tested:
        if not self.held_out:
            return Tested({})
        found: dict[str, Scores] = {name: baseline.test() for name, baseline in compared.items()}
        found["ensemble"], said = model.read(self.held_out)
        found[fitted.best.id] = model.score(self.held_out, ensemble=False)
        return Tested(found, (said,))

    def facts(self) -> dict[str, Any]:
        kept = {"kind": self.config.tokens, "different": self.corpus.tokens, "steps": self.corpus.steps}
        return {"task": "language", "tokens": kept}

    def figures(self, fitted: Fitted, model: Any, tested: Tested, left: Callable[[], float]) -> Iterator[Figure]:
        """Yield what a report shows of the test, or of the validation text where there is none; of members the latter,
        of which each was asked alone.
        """
        from phalanx.report.errors.language import members, text_figures

        validated = read_in_validation(self.corpus, fitted, self.codec)
        if tested.predictions is not None:
            yield from text_figures(TextErrors("test tokens", self.codec, self.corpus.test, tested.predictions[0]))
        elif validated is not None:
            yield from text_figures(validated)
        alike = None if validated is None else members(validated)
        if alike is not None:
            yield alike

    def pictures(self, folder: Path, model: Any, tested: Tested) -> None:
        """Of a text nothing is drawn."""

    def _scores(self, nats: float | None) -> dict[str, float]:
        return {} if nats is None else scores(nats, len(self.held_out) / len(self.corpus.test))
