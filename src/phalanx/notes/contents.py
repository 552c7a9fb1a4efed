"""The order of the chapters: that of the notes."""

CONTENTS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "What learning is",
        (
            "one_algorithm",
            "speakers",
            "connections",
            "layer_by_layer",
            "rewired",
            "no_free_lunch",
            "bounds",
            "handwriting",
        ),
    ),
    ("Classical models", ("kernel_machine", "trees", "basis_functions", "universal", "regions")),
    ("Feedforward networks", ("xor", "units", "which_activation")),
    ("Costs", ("likelihood", "saturation")),
    ("Back-propagation", ("back_propagation",)),
    (
        "Regularization",
        (
            "polynomial",
            "noise",
            "early_stopping",
            "implicit",
            "adversarial",
            "sharing",
            "bagging",
            "dropout",
            "seven_regularizers",
        ),
    ),
    ("Optimization", ("surrogate", "online", "descent_paths", "rare_features")),
    ("Convolution", ("convolution", "prior", "gabor")),
    ("Recurrence", ("unrolled", "rules", "vanishing", "gates")),
)
"""The parts of the book, and the chapters of each."""
