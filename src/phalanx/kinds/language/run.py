"""A run on one text file: a language model, from the text to what the run folder holds."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from phalanx.display import Display, number
from phalanx.errors import InputError
from phalanx.experiment import Plan, fit
from phalanx.kinds.language import Corpus, Speaker, language_baselines, scores, split_text
from phalanx.kinds.language.codecs import CODECS, Codec
from phalanx.kinds.language.space import language_space
from phalanx.kinds.texts import read_book
from phalanx.leaderboard import curves, leaderboard
from phalanx.metrics import NATS
from phalanx.population.train import Clock
from phalanx.runs.budget import Budget, sample_sizes
from phalanx.runs.config import DEFAULT, Config
from phalanx.runs.folder import run_folder, write_run
from phalanx.runs.planning import compiling, make_plan, plan_line
from phalanx.runs.result import Run, Stopwatch, how_it_ended, left_out, make_result, refit_result
from phalanx.runs.signals import ending_on_signal
from phalanx.study import NEVER, STEPS

BOOK = {"test": 0.1, "valid": 0.05}
"""Shares of a text where none are given: of the whole, its end; and of what comes before, its end."""

_OTHERS = (
    *("target", "text", "forecast", "task", "ignore", "id", "group", "size", "strict", "scaling"),
    *("bootstrap", "vote", "samples", "baselines"),
)


@dataclass(frozen=True)
class Book:
    """A text ready for training: what is drawn, how much of it, and `config` with every default filled in."""

    config: Config
    name: str
    codec: Codec
    corpus: Corpus
    test: str
    plan: Plan
    notes: tuple[str, ...]


def is_book(source: str | None) -> bool:
    """Tell whether a source is one text file, from which a language is learned."""
    return source is not None and Path(source).suffix.lower() == ".txt" and not Path(source).is_dir()


def train_book(config: Config, out: Path | None, clock: Clock, display: Display, started: float) -> tuple[Run, Path]:
    """Train a language model on the text file of a configuration, and write the run folder; return both."""
    book = prepare_book(config)
    with run_folder(out, book.name) as folder:
        for note in book.notes:
            display.line(note)
        display.stage("baselines")
        plain = _baselines(book, clock)
        learned, tokens = plain["dummy"]["tokens"], book.corpus.border * book.corpus.steps
        few = "" if learned == tokens else f", trained on the last {learned:,} of {tokens:,} tokens"
        for name, held in plain.items():
            display.line(f"baseline {name}: valid {NATS.name} {number(held['valid'][NATS.name])}{few}")
        with ending_on_signal(clock, lambda: display.view is not None):
            run = _train(book, plain, clock, display, started)
            display.stage("writing")
            run.result["seconds"]["total"] = round(time.monotonic() - started, 2)
            write_run(folder, run.config, run.result, run.leaderboard, run.curves, run.model)
    return run, folder


def prepare_book(config: Config) -> Book:
    """Read the text, learn its tokens, and fill in every default; raise `InputError` for what cannot be used."""
    _check(config)
    path = Path(str(config.source))
    share = float(config.test) if isinstance(config.test, float | int) else 0.0
    held = read_book(path)
    learned, test = split_text(held.text, share)
    if isinstance(config.test, str):
        test = read_book(Path(config.test)).text
    tokens = config.tokens or "characters"
    codec = CODECS[tokens].fit(learned)
    codes = codec.encode(learned)
    corpus = Corpus(codes, codec.encode(test), codec.tokens, STEPS, config.valid, len(learned) / len(codes))
    if 0 < len(corpus.test) < 2:
        raise InputError(f"{config.source}: the test holds one token only; give a larger --test, or 0")
    space = config.space(language_space(len(codes)))
    plan, resolved = make_plan(corpus, space, replace(config, tokens=tokens), NATS)
    rows = f"{corpus.border:,} train, {corpus.stretches - corpus.border:,} validate"
    notes = (
        *([] if held.encoding == "UTF-8" else [f"read as {held.encoding}"]),
        f"text: {len(learned) + len(test):,} characters; {tokens}: {len(codes) + len(corpus.test):,} tokens, "
        f"{corpus.tokens:,} of them different",
        f"rows of {STEPS} tokens: {rows}; the test is {len(corpus.test):,} tokens (seed {config.seed})",
        plan_line(plan),
    )
    return Book(resolved, path.stem, codec, corpus, test, plan, notes)


def _check(config: Config) -> None:
    """Raise `InputError` for options that a language model has not."""
    usual = Config()
    for name in _OTHERS:
        if getattr(config, name) != getattr(usual, name):
            raise InputError(f"{name} is not for a text file, from which a language model is learned; leave it out")
    if config.likelihood not in (DEFAULT, language_space(1).likelihood):
        raise InputError("a language model predicts one of many tokens; leave likelihood out")
    if config.metric not in (None, NATS.name):
        raise InputError(f"metric is {config.metric!r}, but language models are ranked by {NATS.name}; leave it out")


def _train(book: Book, plain: Mapping[str, Mapping[str, Any]], clock: Clock, display: Display, started: float) -> Run:
    """Train and score."""
    corpus, watch = book.corpus, Stopwatch(started)
    display.stage(compiling(book.plan))
    fitted = fit(
        corpus,
        book.plan,
        clock=clock,
        rounds=book.config.rounds,
        widths=book.config.widths,
        cut=book.config.cut,
        watch=display.update,
    )
    watch.trained()
    display.line(how_it_ended(fitted))
    if line := left_out(fitted):
        display.warn(line)
    display.stage("scoring")
    speaker = Speaker.of(fitted, book.codec)
    valid = corpus.score(fitted.ensemble_valid().means)
    test = {name: held["test"] for name, held in plain.items()}
    if book.test:
        test |= {"ensemble": speaker.score(book.test), fitted.best.id: speaker.score(book.test, ensemble=False)}
    beside = {name: {key: held[key] for key in ("valid", "seconds", "tokens")} for name, held in plain.items()}
    config = replace(book.config, **fitted.recorded)
    stretches = {"train": corpus.border, "valid": corpus.stretches - corpus.border}
    result = {
        "task": "language",
        **make_result(fitted, NATS, valid, test, beside, watch, clock),
        "refit": refit_result(fitted, book.plan.settings.refit),
        "rows": {**stretches, "test": len(corpus.test) // corpus.steps},
        "tokens": {"kind": book.config.tokens, "different": corpus.tokens, "steps": corpus.steps},
        "seed": book.config.seed,
    }
    board = leaderboard(fitted, NATS, valid, beside, test)
    return Run(config.to_plain(), result, board, curves(fitted), speaker, fitted.best.draw.values, None)


def _baselines(book: Book, clock: Clock) -> dict[str, dict[str, Any]]:
    """Return by name the validation and test metrics of the baselines, the tokens they learned from before they were
    validated, and the seconds they took together: at most the share of the time that baselines have, see `Budget`.

    Like the networks, they learn from what validates too before they are tested, unless this is not wanted. Where the
    time is short, they learn from what comes last before a test.
    """
    began, corpus = time.monotonic(), book.corpus
    border, budget = corpus.border * corpus.steps, Budget[dict[str, dict[str, float]]](clock)
    again = book.plan.settings.refit != NEVER
    sizes = sample_sizes(border, numbers=1)

    def validated(size: int) -> dict[str, dict[str, float]]:
        return language_baselines(corpus.codes[border - size : border], {"valid": corpus.codes[border:]}, corpus.tokens)

    found, size, _ = budget.grow(validated, sizes, others=1)
    learned = corpus.codes if again else corpus.codes[:border]
    tested = language_baselines(
        learned if size == border else learned[-size:], {"test": corpus.test} if book.test else {}, corpus.tokens
    )
    seconds = round(time.monotonic() - began, 3)
    return {
        name: {
            "valid": corpus.metrics(nats["valid"]),
            "test": scores(tested[name]["test"], len(book.test) / len(corpus.test)) if book.test else {},
            "seconds": seconds,
            "tokens": size,
        }
        for name, nats in found.items()
    }
