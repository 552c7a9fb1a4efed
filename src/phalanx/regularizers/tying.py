"""Parameter sharing between layers (MAP F5). Convolution and recurrence share within a layer."""

from typing import Any

from phalanx.errors import InputError
from phalanx.parts import Fixed, Names, field, part
from phalanx.regularizers.regularizer import Parameters, Regularizer


@part
class Tied(Regularizer):
    """Wₐ = W_b = …: layers share one weight, whose gradient is the sum of those at its places.

    The weight is learned as the first layer's; biases stay the layers' own.

    `on`: names of at least two layers that have a parameter `weight`, all of one shape. `transpose`: whether the
    others use the first one's weight transposed, as a decoder does its encoder's (default false).
    Raises `InputError` where the shapes differ.
    Source: notes F5; book 7.9, 14 (tied autoencoders).
    """

    on: Names = field(kw_only=True)
    transpose: Fixed[bool] = field(default=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(set(self.on)) < 2 or len(set(self.on)) < len(self.on):
            raise InputError(f"Tied: on is {self.on!r}, but must be the names of at least two different layers")

    def untie(self, params: Parameters) -> Parameters:
        for layer, held in self.chosen(params).items():
            if "weight" not in held:
                raise InputError(f"Tied: on names `{layer}`, which has no parameter `weight` to share")
        first, *others = self.on
        shared = self._shared(params)
        for layer in others:
            if params[layer]["weight"].shape != shared.shape:
                turned = ", transposed," if self.transpose else ""
                raise InputError(
                    f"Tied: the weight of `{layer}` has shape {params[layer]['weight'].shape}, but that of "
                    f"`{first}`{turned} has {shared.shape}; they must be the same"
                )
        kept = {layer: {name: value for name, value in params[layer].items() if name != "weight"} for layer in others}
        return {**params, **kept}

    def tie(self, params: Parameters) -> Parameters:
        shared = self._shared(params)
        return {**params, **{layer: {**params[layer], "weight": shared} for layer in self.on[1:]}}

    def _shared(self, params: Parameters) -> Any:
        """Return the first layer's weight as the others use it."""
        weight = params[self.on[0]]["weight"]
        return weight.T if self.transpose else weight
