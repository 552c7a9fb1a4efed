"""When a member stops."""

from phalanx.parts import Fixed, Knob, Part, field, part


@part
class EarlyStopping(Part):
    """Algorithm 7.1 of the book (MAP F3): keep the best parameters, stop after `patience` rounds without a better one.

    Better means strictly lower validation score. A round is one pass over the training rows (at most 500 steps)
    unless the run says otherwise.

    `patience`: worse rounds in a row that end the training (default 10).
    `watch`: the validation score: "cost" (default; the mean negative log-likelihood, without penalties) or
    "error" (share of wrong classes; for numbers the mean absolute error).
    Source: notes F3; book 7.8.
    """

    patience: Knob = field(default=10, at_least=1)
    watch: Fixed[str] = field(default="cost", choices=("cost", "error"))
