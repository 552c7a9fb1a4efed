"""Language models: one long text, of which networks learn which token comes next."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from phalanx.config import DEFAULT, Config
from phalanx.data import Source
from phalanx.errors import InputError
from phalanx.kinds.kind import Kind, Load, Request
from phalanx.kinds.language.baselines import BASELINES
from phalanx.kinds.language.codecs import CODECS
from phalanx.kinds.language.corpus import Corpus
from phalanx.kinds.language.model import LanguagePredictor, split_text
from phalanx.kinds.language.opened import OpenedText
from phalanx.kinds.language.prepare import PreparedText
from phalanx.kinds.language.space import language_space
from phalanx.kinds.texts.read import read_long_text
from phalanx.metrics import NATS
from phalanx.population.predict import Final
from phalanx.study import STEPS


class LanguageKind(Kind):
    """One text file."""

    name = "language"
    counted = "characters"
    opened = OpenedText
    options = frozenset(("tokens",))
    several = True
    defaults: ClassVar = {"test": 0.1, "valid": 0.05}
    baselines: ClassVar = dict.fromkeys(BASELINES)

    @property
    def what(self) -> str:
        return "is a text file, from which a language model is learned"

    def holds(self, sources: Sequence[str], config: Config | None = None) -> bool:
        return (
            config is not None
            and len(sources) == 1
            and Path(sources[0]).suffix.lower() == ".txt"
            and not Path(sources[0]).is_dir()
        )

    def load(self, sources: Sequence[str], request: Request) -> Source:
        """Read text files as one text, a line feed between two."""
        texts = [read_long_text(Path(source)) for source in sources]
        notes = [f"read as {held.encoding}" for held in texts if held.encoding != "UTF-8"]
        rows = np.empty(1, object)
        rows[0] = "\n".join(held.text for held in texts)
        return Source(Path(sources[0]).stem, pd.DataFrame(index=range(1)), None, tuple(notes), rows, self.name)

    def prepare(self, config: Config, source: Source, load: Load) -> PreparedText:
        """Learn the tokens of a text, and cut it into what trains, validates and tests."""
        if config.likelihood not in (DEFAULT, language_space(1).likelihood):
            raise InputError("a language model predicts one of many tokens; leave likelihood out")
        if config.metric not in (None, NATS.name):
            raise InputError(
                f"metric is {config.metric!r}, but language models are ranked by {NATS.name}; leave it out"
            )
        share = float(config.test) if isinstance(config.test, float | int) else 0.0
        learned, test = split_text(source.inputs[0], share)
        if isinstance(config.test, str):
            test = self.load((config.test,), Request()).inputs[0]
        tokens = config.tokens or "characters"
        codec = CODECS[tokens].fit(learned)
        codes = codec.encode(learned)
        corpus = Corpus(codes, codec.encode(test), codec.tokens, STEPS, config.valid, len(learned) / len(codes))
        if 0 < len(corpus.test) < 2:
            raise InputError(f"{config.source}: the test holds one token only; give a larger --test, or 0")
        rows = f"{corpus.border:,} train, {corpus.stretches - corpus.border:,} validate"
        notes = (
            *source.notes,
            f"text: {len(learned) + len(test):,} characters; {tokens}: {len(codes) + len(corpus.test):,} tokens, "
            f"{corpus.tokens:,} of them different",
            f"rows of {STEPS} tokens: {rows}; the test is {len(corpus.test):,} tokens (seed {config.seed})",
        )
        return PreparedText(replace(config, tokens=tokens), source.name, notes, (), self, codec, corpus, test)

    def model(self, plain: Mapping[str, Any], members: dict[str, Final]) -> LanguagePredictor:
        """Return what speaks, whose `to_plain` this is."""
        stored = plain["language"]
        codec = CODECS[stored["tokens"]].from_plain(stored["codec"])
        return LanguagePredictor(self, codec, members, stored["shares"], stored["best"])


LANGUAGE = LanguageKind()
