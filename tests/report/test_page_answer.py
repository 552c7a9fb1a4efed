"""The answer of a run, sentence by sentence, worked by hand."""

import pytest

from phalanx.report.answer import answer, rival, standard_error


def run(metric="accuracy", direction="maximize", valid=0.98, test=None, plain=None, members=20, voices=2, **changes):
    """A result with one score of each kind; `plain` are (validation, test) scores by name."""
    return {
        "task": "classify",
        "metric": metric,
        "direction": direction,
        "valid": {metric: valid},
        "test": {} if test is None else {metric: test},
        "baselines": {
            name: {"valid": {metric: first}, **({} if second is None else {metric: second})}
            for name, (first, second) in (plain or {}).items()
        },
        "ensemble": {f"m{i:03d}": 1 / voices for i in range(voices)},
        "n_members": members,
        "rows": {"train": 800, "valid": 200, "test": 0 if test is None else 400},
        "mattered": ["rate mattered (0.50 ± 0.05 of the spread of ranks): most lie between 0.1 and 1"],
        **changes,
    }


def test_the_standard_error_of_an_accuracy():
    """√(0.8 · 0.2 / 400) = √0.0004 = 0.02; of other metrics it does not follow from the rows."""
    assert standard_error("accuracy", 0.8, 400) == pytest.approx(0.02)
    assert standard_error("accuracy", 1.0, 400) == 0
    assert [standard_error("rmse", 0.8, 400), standard_error("accuracy", None, 400)] == [None, None]
    assert standard_error("accuracy", 0.8, 0) is None


def test_a_difference_within_two_standard_errors_is_not_claimed():
    """0.95 and 0.92 on 400 rows: √(0.0475/400 + 0.0736/400) = 0.0174, and 0.03 < 2 · 0.0174."""
    said = answer(run(test=0.95, plain={"svm": (0.9, 0.92), "dummy": (0.1, 0.1)}))
    assert said[0] == (
        "An ensemble of 2 of 20 networks reaches accuracy 0.950 on 400 rows that were used once, at the end; the plain "
        "model that validates best (svm) reaches 0.920, no difference that 400 rows could show."
    )


def test_a_larger_difference_is_told_as_it_is():
    """0.95 and 0.90: √(0.0475/400 + 0.09/400) = 0.0185, and 0.05 > 2 · 0.0185."""
    assert answer(run(test=0.95, plain={"svm": (0.9, 0.9)}))[0].endswith("(svm) reaches 0.900.")
    assert answer(run(test=0.90, plain={"svm": (0.9, 0.95)}))[0].endswith("(svm) reaches 0.950, which is better.")


def test_the_plain_model_is_the_one_that_validates_best_not_the_one_that_tests_best():
    result = run(test=0.9, plain={"linear": (0.7, 0.99), "svm": (0.8, 0.6), "unranked": (None, 0.5)})
    assert rival(result) == "svm"
    assert "(svm) reaches 0.600." in answer(result)[0]
    assert rival(run(metric="rmse", direction="minimize", plain={"linear": (7.0, 9.0), "svm": (8.0, 6.0)})) == "linear"
    assert rival(run(plain={"unranked": (None, None)})) is None


def test_where_lower_is_better_it_is_said():
    said = answer(run("rmse", "minimize", 54.4, 54.6192, {"linear": (60.0, 52.8253)}))
    assert "reaches rmse 54.6 on 400 rows" in said[0]
    assert said[0].endswith("(linear) reaches 52.8, which is lower and so better.")
    said = answer(run("rmse", "minimize", 54.4, 12345.678, {"dummy": (60.0, 99999.9)}))
    assert said[0].endswith(
        "reaches rmse 12,346 on 400 rows that were used once, at the end; guessing without looking (dummy) reaches "
        "100,000 (lower is better)."
    )
    assert answer(run("r2", "maximize", 0.5, -0.25, {"dummy": (0.0, -0.25)}))[0].endswith("reaches -0.250, the same.")


@pytest.mark.parametrize(
    ("members", "voices", "who"),
    [
        (1, 1, "The one network that was tried"),
        (20, 1, "The best of 20 networks"),
        (20, 20, "The ensemble of all 20 networks"),
        (2000, 3, "An ensemble of 3 of 2,000 networks"),
    ],
)
def test_who_predicts(members, voices, who):
    assert answer(run(members=members, voices=voices, test=0.9))[0].startswith(f"{who} reaches accuracy 0.900 on")


def test_without_test_rows_the_score_is_said_to_be_optimistic():
    said = answer(run(plain={"svm": (0.9, None)}))
    assert said[0] == (
        "An ensemble of 2 of 20 networks reaches accuracy 0.980 on 200 rows that also chose it; the plain model that "
        "validates best (svm) reaches 0.900."
    )
    assert said[2] == (
        "The same 200 rows chose it among 20 networks, so this is optimistic, and no test says by how much."
    )
    alone = answer(run(members=1, voices=1))[2]
    assert alone == "The same 200 rows decided when to stop, so this is optimistic, and no test says by how much."


def test_without_any_score():
    said = answer(run(valid=None))
    assert said[0] == "An ensemble of 2 of 20 networks trained, but there is no accuracy that says how well."
    assert said[2].startswith("No rows were left to validate")


def test_what_mattered():
    assert answer(run())[1] == (
        "Of what was varied, rate mattered (0.50 ± 0.05 of the spread of ranks): most lie between 0.1 and 1."
    )
    two = [*run()["mattered"], "units mattered (0.20 ± 0.05 of the spread of ranks): the best 5 have 64"]
    assert answer(run(mattered=two))[1].endswith("0.1 and 1 (1 more below).")
    assert answer(run(mattered=[]))[1] == ("20 networks are too few, or too much alike, to say which choice mattered.")
    assert answer(run(members=1, mattered=[]))[1].startswith("There was nothing to choose among")


def test_the_caveat_names_how_it_ended_and_what_was_chosen():
    assert answer(run(test=0.95))[2] == (
        "The validation accuracy 0.980 chose it among 20, and is therefore optimistic: the test, which chose nothing, "
        "counts."
    )
    said = answer(run(test=0.95, n_diverged=3, n_untrained=2, interrupted=True), timed_out=6)[2]
    assert said == (
        "The training was interrupted, and this is what it had found until then; 3 of 20 networks diverged; 2 of 20 "
        "networks never trained, since the time was over; 4 of 20 networks were stopped by the time limit; the "
        "validation accuracy 0.980 chose it among 20, and is therefore optimistic: the test, which chose nothing, "
        "counts."
    )
    optimism = {"metric": "accuracy", "best": 0.98, "corrected": 0.9712, "error": 0.01234, "trials": 20}
    assert answer(run(test=0.95, optimism=optimism))[2] == (
        "The validation accuracy 0.980 chose it among 20, and is therefore optimistic: the best network's is about "
        "0.971 ± 0.012 without that luck."
    )
    assert answer(run(optimism=optimism))[2].endswith(
        "so this is optimistic: the best network's is about 0.971 ± 0.012 without that luck."
    )
    assert answer(run(test=0.95, members=1, voices=1))[2] == (
        "It is one split of the rows: another would give other numbers."
    )


def test_a_language_model_counts_rows_of_tokens_and_a_forecast_windows():
    text = run("nats_per_token", "minimize", 1.7, 1.8, task="language", tokens={"steps": 64})
    assert "nats_per_token 1.800 on 400 rows of 64 tokens that were used once" in answer(text)[0]
    assert "mae 1.800 on 400 windows that" in answer(run("mae", "minimize", 1.7, 1.8, task="forecast"))[0]
