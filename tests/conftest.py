"""A strict session, and the table of parts that the laws run over.

A new part is discovered: a test that asks for `any_layer`, `any_optimizer`, ... runs for it without a line written.
"""

import dataclasses
import importlib
import itertools
import os
import shutil
import sys
import tempfile
import typing
from importlib.util import find_spec
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # as `import phalanx` does, before JAX is loaded

import jax
import jaxtyping
import numpy as np
import pytest

# One empty cache of compiled programs for all workers, which inherit the environment; never the user's own.
_IS_WORKER = "PYTEST_XDIST_WORKER" in os.environ
if not _IS_WORKER:
    os.environ["XDG_CACHE_HOME"] = tempfile.mkdtemp(prefix="phalanx-tests-")

jax.config.update("jax_numpy_dtype_promotion", "strict")
jax.config.update("jax_numpy_rank_promotion", "raise")
jax.config.update("jax_default_matmul_precision", "highest")
jax.config.update("jax_num_cpu_devices", 2)
jax.config.update("jax_disable_most_optimizations", True)  # for what a session or a folder of tests shares, too

_jaxtyped = jaxtyping.jaxtyped


def _checked(*, typechecker):
    """Check every annotation of a function, but not the constructor of a dataclass: parts check their arguments
    themselves, and the tests are about what they say. Nor `Self`, which beartype knows in whole classes only, nor
    protocols, whose properties a check would compute.
    """

    def decorate(thing):
        hints = getattr(thing, "__annotations__", {}).values()
        left_alone = isinstance(thing, type) or any(
            typing.Self in (h, *typing.get_args(h)) or getattr(h, "_is_protocol", False) for h in hints
        )
        return thing if left_alone else _jaxtyped(thing, typechecker=typechecker)

    return decorate


jaxtyping.jaxtyped = _checked
jaxtyping.install_import_hook(["phalanx"], "beartype.beartype(conf=beartype.BeartypeConf(is_pep484_tower=True))")


def pytest_unconfigure() -> None:
    if not _IS_WORKER:
        shutil.rmtree(os.environ["XDG_CACHE_HOME"], ignore_errors=True)


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: item.path.name != "test_tiny.py")  # the smoke ladder first


def _part_classes(base):
    """The package's parts of one base, found by reading which of its files define any."""
    package = Path(find_spec("phalanx").origin).parent
    for path in sorted(package.rglob("*.py")):
        if "\n@part\n" in path.read_text(encoding="utf-8"):
            importlib.import_module(".".join(("phalanx", *path.relative_to(package).with_suffix("").parts)))
    from phalanx.parts import subclasses

    homes = {cls: sys.modules[cls.__module__] for cls in subclasses(base) if cls.__module__.startswith("phalanx.")}
    return [cls for cls, home in homes.items() if getattr(home, cls.__name__, None) is cls]  # not those of examples


def minimal(cls):
    """An instance with a value for each field that has no default."""
    given = {f.name: _some(cls.kinds[f.name]) for f in dataclasses.fields(cls) if f.default is dataclasses.MISSING}
    return cls(**given)


def _some(kind):
    from phalanx import Dense, Tanh
    from phalanx.layers import Layer

    held = kind.named[0]
    if kind.listed:
        several = {str: ("dense_1", "dense_2"), Layer: (Dense(5), Tanh())}
        return several[held] if held in several else tuple(map(minimal, _part_classes(held)[:1] or [held]))
    simple = {float: 0.5, int: 3, bool: True, str: "sgd"}
    return simple[held] if held in simple else minimal(_part_classes(held)[0])


def further_instances():
    """Instances that reach what the minimal one of their class does not."""
    import phalanx as p

    return [
        p.Dense(3, "glorot", bias=False),
        p.LeakyReLU(-0.3),
        p.Maxout(2, pieces=3),
        p.RBF(3, sigma=1.5),
        p.Columns((3, 12), one_hot=9, embedding=2, frequencies=3, features=2, spread=0.3),
        p.BasisFunctions(
            ["a * b / (2 + c**2)", "exp(-abs(d))"], 2, 3, 1.5, columns=("a", "b", "c", "d", "d is missing")
        ),
        p.Dropout(0.25),
        p.DropConnect(p.Dense(4), 0.3),
        p.GaussianNoise(0.3),
        p.Pixels(0.3, 2.0),
        p.Shift(1.5),
        p.Flip(1.0),
        p.Rotate(45.0),
        p.InstanceNorm(0.1),
        p.ShiftBands(1.5),
        p.HideBlocks(3.0, 1.5),
        p.Crop(0.5),
        p.Brightness(1.0),
        p.CutOut(2.5),
        p.Conv(4, (3, 1), stride=(2, 1), padding="circular"),
        p.Conv(4, 2, dilation=2, groups=2, bias=False),
        p.Conv(3, padding="valid", flip=True),
        p.MaxPool(3, stride=2, padding="same"),
        p.AveragePool(3, stride=1, padding="same"),
        p.MaxoutPool(5),
        p.BatchNorm(0.5, 1e-2),
        p.LayerNorm(0.1),
        p.Embedding(3, tokens=9),
        p.Recurrent(3, "all", both=True, initial="learned", activation="relu"),
        p.LSTM(3, "mean", both=True, initializer="glorot", candidate="sigmoid", forget_bias=0.5),
        p.LSTM(3, "all", carry=True),
        p.GRU(3, "all", initial="learned", reset="before"),
        p.Past("last"),
        p.Past("ratio"),
        p.ReverseGradient(0.5),
        p.Branches([[p.Columns((3, 12)), p.PReLU(0.2)], [p.Embedding(3, tokens=9), p.Dropout(0.1), p.GRU(2)]]),
        p.Residual([p.Conv(6), p.ReLU(), p.Conv(4)]),
        p.Residual([p.Conv(8, bias=False), p.BatchNorm(), p.MaxoutPool(), p.LayerNorm()]),
        p.Gaussian(0.3),
        p.HeteroscedasticGaussian(0.01),
        p.MultivariateGaussian(0.01),
        p.GaussianMixture(2, floor=0.01),
        p.Poisson(2.0),
        p.Joint([p.Head(p.Multinoulli(), weight=0.7), p.Head(p.Gaussian(), [p.Dense(3)], "dense_1", weight=1.3)]),
        p.L2(0.1, on=("dense_1",)),
        p.L1(0.1, on=("output",)),
        p.WeightNoise(0.05, kept=True),
        p.LabelSmoothing(0.2),
        p.Adversarial(0.05, mix=0.4, steps=2),
        p.MaxNorm(0.5, per="layer"),
        p.Optax(0.1, rule="sgd", arguments=[p.Argument(0.8, name="momentum")]),
        p.ActivityL1(0.1, on=("dense_1",)),
        p.ActivityKL(0.1, target=0.2, on=("dense_1",)),
        p.Tied(on=("dense_2", "dense_3"), transpose=True),
        p.ClipNorm(0.5),
        p.ClipValue(0.5),
        p.Factor(0.5, on=("output.bias",)),
        p.Nesterov(0.1, momentum=0.8, weight_decay=0.2),
        p.AdaGrad(0.1, delta=1e-3, weight_decay=0.2),
        p.RMSProp(0.01, decay=0.8, delta=1e-3),
        p.RMSPropNesterov(0.01, decay=0.8, momentum=0.7, delta=1e-3),
        p.SGD(0.1, weight_decay=0.2),
        p.Momentum(0.1, momentum=0.8, weight_decay=0.2),
        p.Adam(0.1, weight_decay=0.2),
        p.Step(0.1, factor=0.5, every=0.1),
        p.Cosine(0.1, end=0.02, warmup=0.25),
    ]


def internal_likelihoods():
    """Likelihoods that no person chooses, each of three numbers a row."""
    import phalanx as p
    from phalanx.likelihoods import rescaled

    return [rescaled(p.HeteroscedasticGaussian(0.01), np.array([0.3, -2.0, 1.0]), np.array([0.5, 4.0, 1.0]))]


def instances(base):
    return [minimal(cls) for cls in _part_classes(base)] + [i for i in further_instances() if isinstance(i, base)]


_TABLES = {
    "any_part": "Part",
    "any_layer": "Layer",
    "any_likelihood": "Likelihood",
    "any_regularizer": "Regularizer",
    "any_optimizer": "Optimizer",
    "any_schedule": "Schedule",
    "any_trained_part": "Layer Likelihood Joint Regularizer Optimizer Clip Factor Schedule",
}


def _base(name):
    homes = map(importlib.import_module, _HOMES)
    return next(getattr(home, name) for home in homes if name in home.__all__)


_HOMES = [f"phalanx.{home}" for home in ("parts", "layers", "likelihoods", "regularizers", "optimizers")]


_MOST = 16
"""Layers in one network: so many still learn within a few rounds."""


def _together(rows):
    """The rows with all layers that fit into one network as one, all regularizers, all likelihoods, and a schedule with
    one way to clip and factors: one compilation.
    """
    from phalanx.layers import Layer
    from phalanx.likelihoods import Likelihood
    from phalanx.optimizers import Clip, Factor
    from phalanx.parts import Schedule
    from phalanx.regularizers import Regularizer

    def those(base):
        return [row for row in rows if isinstance(row, base)]

    steps = itertools.zip_longest(those(Schedule), those(Clip), those(Factor))
    groups = [*_networks(those(Layer)), tuple(those(Regularizer)), tuple(those(Likelihood)), *steps]
    groups = [tuple(row for row in group if row is not None) for group in groups]
    return [*groups, *(row for row in rows if not any(row in group for group in groups))]


def _networks(layers):
    """Tuples of layers whose rows have equal places, all axes but the last, for whose width an affine layer cares.

    One that takes something else than plain numbers can only stand first, where what it makes has the places of others.
    """
    firsts, others = {}, {}
    for layer in layers:
        row, shape = layer.example, jax.tree.map(np.shape, layer.example)
        plain = isinstance(row, np.ndarray) and np.issubdtype(row.dtype, np.floating) and np.isfinite(row).all()
        places = (shape if plain else layer.output_shape(shape))[:-1]
        (others if plain else firsts).setdefault(places, []).append(layer)
    for places, held in others.items():
        networks = -(-len(held) // _MOST)
        for i in range(networks):
            first = [firsts[places].pop(0)] if firsts.get(places) else []
            yield (*first, *held[i::networks])
    yield from ((layer,) for held in firsts.values() for layer in held)


def _apart(row):
    """What a row is the only one of among those that are compiled: its class, and the padding of its windows."""
    return type(row), getattr(row, "padding", None)


def _trained(rows):
    """The rows as populations are compiled for them: one instance of a class, the one that reaches most."""
    return _together(list({_apart(row): row for row in rows}.values()))


def _seldom(row):
    """Say whether the laws of populations are run for a row when slow tests are only: the rules of steps, all but the
    usual one, differ by what they do after the gradient, which `tests/optimizers` checks of each.
    """
    from phalanx import Adam, Optimizer, Schedule

    return isinstance(row, (Optimizer, Schedule)) and not isinstance(row, Adam)


def _label(row):
    return ", ".join(type(part).__name__ for part in row) if isinstance(row, tuple) else repr(row)


def pytest_generate_tests(metafunc):
    wanted = _TABLES.keys() & set(metafunc.fixturenames)
    if "any_part_class" in metafunc.fixturenames:
        from phalanx.parts import Part

        metafunc.parametrize("any_part_class", _part_classes(Part), ids=lambda cls: cls.__name__)
    for fixture in sorted(wanted):
        rows = [row for base in _TABLES[fixture].split() for row in instances(_base(base))]
        rows += internal_likelihoods() if fixture == "any_likelihood" else []
        trained = fixture == "any_trained_part"
        if trained:
            rows = [
                pytest.param(row, marks=pytest.mark.slow, id=_label(row)) if _seldom(row) else row
                for row in _trained(rows)
            ]
        # The scope groups tests by row, so that the programs of a row are built once.
        metafunc.parametrize(fixture, rows, ids=_label, scope="module" if trained else "function")


@pytest.fixture(scope="module", autouse=True)
def _programs(request):
    """Compile the laws of populations as users do, the rest quickly: programs that run a few times on small arrays do
    not earn the compiler's costly passes. And forget them: a process that holds thousands traces three times slower.
    """
    jax.config.update("jax_disable_most_optimizations", request.path.name != "test_laws.py")
    yield
    jax.config.update("jax_disable_most_optimizations", True)
    jax.clear_caches()


@pytest.fixture
def part_classes():
    """A function from a base to the package's parts under it."""
    return _part_classes


@pytest.fixture
def every_layer():
    """Instances of all layers together."""
    return instances(_base("Layer"))


@pytest.fixture
def trained_layers():
    """A function that returns what `any_trained_part` would be of layers now."""
    return lambda: _trained(instances(_base("Layer")))


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def table_of():
    """A function that returns random rows of input for a layer (NumPy) by its `example`, and the shape of one row.

    A class of each row, 0 or 1, shows in the first half of each array.
    """

    def make(layer, rows, classes=None):
        rng = np.random.default_rng(0)

        def array(like):
            size, whole = (rows, *like.shape), np.issubdtype(like.dtype, np.integer)
            x = rng.integers(0, like, size, like.dtype, endpoint=True) if whole else rng.normal(size=size)
            if classes is not None:
                half = -(-len(like) // 2)
                shown = x[:, :half] // 2 + like[:half] // 2 if whole else x[:, :half] + 2
                x[classes == 1, :half] = shown[classes == 1]
            missing = np.isnan(like) & (np.arange(rows) % 3 == 0).reshape(-1, *[1] * like.ndim)
            return np.where(missing, like, x).astype(like.dtype)

        return jax.tree.map(array, layer.example), jax.tree.map(np.shape, layer.example)

    return make
