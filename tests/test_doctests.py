"""Every example of every docstring runs."""

import doctest
import importlib
import pkgutil
from pathlib import Path

import jax
import pytest

import phalanx

MODULES = [module.name for module in pkgutil.walk_packages(phalanx.__path__, "phalanx.")]
PAGES = sorted((Path(__file__).parents[1] / "docs").glob("*.md"))
SLOW = ("phalanx.estimators.language", "texts.md", "series.md", "sequences.md")


def apart(examples, name):
    """Mark the examples that take long, since they compile recurrent networks."""
    return [pytest.param(one, marks=pytest.mark.slow if name(one) in SLOW else (), id=name(one)) for one in examples]


@pytest.mark.parametrize("name", apart(MODULES, str))
def test_examples(name):
    module = importlib.import_module(name)
    # as a person would run them: under JAX's standard rules
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        result = doctest.testmod(module)
    assert result.failed == 0


@pytest.mark.parametrize("page", apart(PAGES, lambda page: page.name))
def test_pages(page):
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        result = doctest.testfile(str(page), module_relative=False)
    assert result.failed == 0
