"""Several targets of one network (MAP F7): a shared trunk whose paths split into heads."""

from phalanx.layers import Layer
from phalanx.likelihoods.likelihood import Likelihood
from phalanx.parts import Fixed, Knob, Listed, Names, Part, field, part


@part
class Head(Part):
    """What one network says of one target: layers of its own on top of a layer of the trunk, and a likelihood.

    `likelihood`: of its target. `layers`: hidden layers of this head alone (default none). `after`: name of the
    trunk's layer whose output the head sees ("", the default: the last). `weight`: of its cost in the sum
    (default 1). `targets`: names of its columns; (): one column, in order of the heads. Several columns of numbers
    may share a head, whose likelihood then is of a vector.
    Source: notes F7; book 7.7.
    """

    likelihood: Fixed[Likelihood] = field()
    layers: Listed[Layer] = field(default=())
    after: Fixed[str] = field(default="")
    weight: Knob = field(default=1.0, at_least=0)
    targets: Names = field(default=())


@part
class Joint(Part):
    """Several targets that are independent given the input: −log p = Σ_h weight_h · −log p_h(y_h | z_h).

    Stands in the place of a network's likelihood. `heads`: one for each target.
    Source: notes F7; book 7.7.
    """

    heads: Listed[Head] = field()
