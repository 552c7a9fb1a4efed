"""Training again on all rows, of the members that predict: by which rule, and what it changes in them."""

from collections.abc import Sequence

import numpy as np

from phalanx.candidates import Fitted
from phalanx.errors import InputError
from phalanx.network import heads, with_likelihoods
from phalanx.population.batches import Fold
from phalanx.population.refit import refit
from phalanx.population.rows import Rows
from phalanx.population.train import Clock
from phalanx.population.view import Watch
from phalanx.search.designs import Draw
from phalanx.study import RULES

TRAINING = 0.7
"""Share of the time for the first training, where networks are trained again on all rows."""


def refit_rule(asked: str | None, usual: str | None, draws: Sequence[Draw], valid: int, folds: int = 1) -> str | None:
    """Return by which rule members train again on all rows, None: they do not; `usual` holds where nothing is asked.

    Early stopping says how long, and without `valid` rows there are no others: `InputError` where a rule is asked for
    without early stopping, while `usual` then does not hold. With `folds` every row trains some member already.
    """
    if folds > 1:
        if asked in RULES:
            raise InputError(
                f"refit {asked!r} does not go with folds, whose networks together saw every row; leave it out"
            )
        return None
    stops = all(draw.spec.stopping is not None for draw in draws)
    if asked in RULES and not stops:
        raise InputError(f"refit {asked!r} needs early stopping, which says how long to train; set stopping")
    rule = usual if asked is None else asked
    return rule if rule in RULES and stops and valid else None


def refit_used(
    fitted: Fitted,
    rows: Rows,
    rule: str,
    folds: Sequence[Fold],
    clock: Clock,
    rounds: Sequence[int] | None,
    widths: Sequence[int] | None,
    programs: Sequence[int] | None,
    watch: Watch | None,
    between: np.ndarray | None = None,
) -> None:
    """Train the members that predict again on all rows, and note it in them."""
    trained, decided = len(fitted.rounds), len(fitted.programs)
    chosen = [fitted.members[i] for i in fitted.used if fitted.members[i].trained.best_round]
    again, outcome = refit(
        rule,
        [m.trained for m in chosen],
        rows,
        folds,
        clock=clock,
        rounds=None if rounds is None else rounds[trained:],
        widths=None if widths is None else widths[trained:],
        programs=None if programs is None else programs[decided:],
        watch=watch,
        between=between,
    )
    for member, refitted in zip(chosen, again, strict=True):
        member.refitted = refitted
        if refitted.finished:
            learned = [head.likelihood for head in heads(member.final.network)]
            member.final = refitted.final._replace(network=with_likelihoods(refitted.final.network, learned))
    fitted.rounds += outcome.rounds
    fitted.widths += outcome.widths
    fitted.programs += outcome.programs
