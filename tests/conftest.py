"""A strict session, and the table of parts that the laws run over.

A new part is discovered: a test that asks for `any_layer`, `any_optimizer`, ... runs for it without a line written.
"""

import dataclasses
import importlib
import os
import shutil
import tempfile
import typing
from importlib.util import find_spec
from pathlib import Path

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

_jaxtyped = jaxtyping.jaxtyped


def _checked(*, typechecker):
    """Check every annotation of a function, but not the constructor of a dataclass: parts check their arguments
    themselves, and the tests are about what they say. Nor `Self`, which beartype knows in whole classes only.
    """

    def decorate(thing):
        left_alone = isinstance(thing, type) or typing.Self in getattr(thing, "__annotations__", {}).values()
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
    from phalanx.spec import subclasses

    return [cls for cls in dict.fromkeys(subclasses(base)) if cls.__module__.startswith("phalanx.")]


def minimal(cls):
    """An instance with a value for each field that has no default."""
    return cls(
        **{f.name: _some(cls.kinds[f.name]) for f in dataclasses.fields(cls) if f.default is dataclasses.MISSING}
    )


def _some(kind):
    if kind.listed:
        return ()
    simple = {float: 0.5, int: 3, bool: True}
    return simple[kind.named[0]] if kind.named[0] in simple else minimal(_part_classes(kind.named[0])[0])


def further_instances():
    """Instances that reach what the minimal one of their class does not."""
    import phalanx as p

    return [
        p.Dense(3, "glorot", bias=False),
        p.LeakyReLU(-0.3),
        p.Maxout(2, pieces=3),
        p.RBF(3, sigma=1.5),
        p.Columns((3, 12), one_hot=9, embedding=2, frequencies=3, features=2, spread=0.3),
        p.Dropout(0.25),
        p.Gaussian(0.3),
        p.L2(0.1, on=("dense_1",)),
        p.L1(0.1, on=("output",)),
        p.SGD(0.1, weight_decay=0.2),
        p.Momentum(0.1, momentum=0.8, weight_decay=0.2),
        p.Adam(0.1, weight_decay=0.2),
        p.Step(0.1, factor=0.5, every=0.1),
        p.Cosine(0.1, end=0.02, warmup=0.25),
    ]


def instances(base):
    return [minimal(cls) for cls in _part_classes(base)] + [i for i in further_instances() if isinstance(i, base)]


_TABLES = {
    "any_part": "Part",
    "any_layer": "Layer",
    "any_likelihood": "Likelihood",
    "any_regularizer": "Regularizer",
    "any_optimizer": "Optimizer",
    "any_schedule": "Schedule",
    "any_trained_part": "Layer Likelihood Regularizer Optimizer Schedule",
}


def pytest_generate_tests(metafunc):
    wanted = _TABLES.keys() & set(metafunc.fixturenames)
    if "any_part_class" in metafunc.fixturenames:
        from phalanx.spec import Part

        metafunc.parametrize("any_part_class", _part_classes(Part), ids=lambda cls: cls.__name__)
    for fixture in sorted(wanted):
        bases = importlib.import_module("phalanx.spec" if _TABLES[fixture] == "Part" else "phalanx")
        rows = [row for base in _TABLES[fixture].split() for row in instances(getattr(bases, base))]
        trained = fixture == "any_trained_part"
        if trained:  # compiled for each: one instance of a class, the one that reaches most
            rows = list({type(row): row for row in rows}.values())
        # The scope groups tests by row, so that the programs of a row are built once.
        metafunc.parametrize(fixture, rows, ids=repr, scope="module" if trained else "function")


@pytest.fixture
def part_classes():
    """A function from a base to the package's parts under it."""
    return _part_classes


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def table_of():
    """A function that returns rows of input for a layer (NumPy), and the shape of one row."""

    def make(layer, rows):
        from phalanx import Columns

        rng = np.random.default_rng(0)
        if not isinstance(layer, Columns):
            return rng.normal(size=(rows, 5)).astype(np.float32), (5,)
        codes = rng.integers(0, layer.cardinalities, (rows, len(layer.cardinalities)))
        numbers = rng.normal(size=(rows, 2)).astype(np.float32)
        return (numbers, codes.astype(np.int32)), ((2,), (len(layer.cardinalities),))

    return make
