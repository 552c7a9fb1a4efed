"""What seems wrong inside trained networks, in words, from their diagnostics."""

import pandas as pd

DEAD, SATURATED, STILL, WILD = 0.5, 0.8, 1e-6, 0.1


def hints(diagnostics: pd.DataFrame) -> list[str]:
    """Return one sentence for each thing that seems wrong in most members, in the order of the layers.

    `diagnostics`: see `phalanx.leaderboard.diagnostics`. A layer is reported where the median over members has, in
    their last round, more than 50% of its units dead or more than 80% of its outputs saturated; or where a typical
    step changed its weights by more than 10% of their size, or none by more than a millionth.

    >>> table = pd.DataFrame({"id": ["m001"], "round": [1], "layer": ["relu_1"], "saturated": [float("nan")],
    ...     "dead": [0.96], "gradient_norm": [float("nan")], "update_ratio": [float("nan")]})
    >>> hints(table)
    ['relu_1: 96% of units are dead; lower the learning rate or try LeakyReLU']
    """
    last = diagnostics[diagnostics["round"] == diagnostics.groupby("id")["round"].transform("max")]
    units = last.groupby("layer", sort=False)[["saturated", "dead"]].median()
    updates = diagnostics.groupby(["layer", "id"], sort=False)["update_ratio"].agg(["median", "max"])
    steps = updates.groupby("layer", sort=False).median()
    found = []
    for layer in units.index:
        saturated, dead = units.loc[layer]
        typical, largest = steps.loc[layer]
        if dead > DEAD:
            found.append(f"{layer}: {dead:.0%} of units are dead; lower the learning rate or try LeakyReLU")
        elif saturated > SATURATED:
            found.append(f"{layer}: {saturated:.0%} of outputs are saturated; lower the learning rate or try ReLU")
        if typical > WILD:
            found.append(f"{layer}: a step changes the weights by {typical:.0%} of their size; lower the learning rate")
        elif largest < STILL:
            found.append(f"{layer}: no step changes the weights by a millionth; raise the learning rate")
    return found
