"""What a language model gains by learning, in the end, from the text that validated: the newest before the test.

    python benchmarks/language_refit.py ../shared/data/text/tinyshakespeare.txt --rounds 8

Networks are trained with the defaults of `phalanx train TEXT` (by characters; --rounds: shorter), and those that speak
are then trained again on all before the test (Algorithm 7.2). Printed are the costs of the test, its last tenth, in
nats a character, of the ensemble and of the best network, before and after. One training serves both.
"""

import argparse
import time
from dataclasses import replace
from pathlib import Path

from phalanx.experiment import fit
from phalanx.kinds.registry import prepare
from phalanx.runs.command import resolve
from phalanx.runs.planning import make_plan


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("text", type=Path)
    parser.add_argument("--rounds", type=int, help="most rounds of training; default: by the length of the text")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    began = time.monotonic()
    given = {"source": str(options.text), "max_rounds": options.rounds, "seed": options.seed, "refit": "steps"}
    book = prepare(resolve(given, None))
    plan, _ = make_plan(book)
    fitted = fit(book.task, plan)
    speaker = book.model(fitted)
    trained = {member.id: member.trained.final for member in fitted.members}
    before = replace(speaker, members={name: trained[name] for name in speaker.members})
    rounds = [member.trained.best_round for member in fitted.members]
    print(f"best rounds {rounds}, {time.monotonic() - began:.0f} s")
    print("| | before | after |")
    print("|---|---|---|")
    for name, ensemble in (("ensemble", True), ("best network", False)):
        costs = [one.score(book.held_out, ensemble=ensemble)["nats_per_token"] for one in (before, speaker)]
        print(f"| {name} | {costs[0]:.4f} | {costs[1]:.4f} |")


if __name__ == "__main__":
    main()
