"""The output layer of a linear model in closed form, in place of steps."""

from typing import Any

from phalanx.optimizers.optimizer import Tree
from phalanx.parts import Part, part


@part
class LeastSquares(Part):
    """(W, b) = argmin (1/n) Σ_i ‖h_i W + b − y_i‖² / 2σ² + ½ α ‖W‖²: the output layer is solved at once, not learned
    step by step. With X = (h_i, 1): (XᵀX/n + ασ² I₀) (W, b) = XᵀY/n, where I₀ is the identity with 0 for b.

    It stands in place of an optimizer. The layers before the output are fixed, as `BasisFunctions` are; σ² is the
    `variance` of the likelihood, `Gaussian`, and α that of the regularizer `L2`, the only one. Of several solutions,
    where α is 0 and columns of h depend on each other, the shortest is taken. It is computed from all training rows in
    double precision by QR decompositions of blocks of them, which is more exact than the normal equations are. Such a
    network trains for one round, in which nothing moves.
    Raises `InputError` where another layer learns, or is random, and for another likelihood, regularizer or a schedule.

    >>> import numpy as np
    >>> from phalanx import L2, Regressor
    >>> x = np.arange(8.0)[:, None]
    >>> line = Regressor([], optimizer=LeastSquares(), scaling="standard", stopping=None).fit(x, 3 * x[:, 0] + 1)
    >>> line.predict([[10.0]]).round(4).tolist()
    [31.0]

    Source: notes B4, C1; book 5.1.4, 7.1.1.
    """

    @property
    def factors(self) -> tuple[()]:
        """The learning rates by tensor: there are none."""
        return ()

    @property
    def shares_state(self) -> bool:
        """Whether its state is that of other rules."""
        return False

    def init(self, params: Tree) -> Tree:
        """Return the state: there is none."""
        return {}

    def look(self, params: Tree, state: Tree) -> Tree:
        """Return the parameters."""
        return params

    def step(self, grads: Tree, state: Tree, params: Tree) -> tuple[Tree, Any]:
        """Return the parameters, which stay."""
        return params, state
