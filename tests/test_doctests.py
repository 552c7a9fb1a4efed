"""Every example of every docstring runs."""

import doctest
import importlib
import pkgutil

import jax
import pytest

import phalanx

MODULES = [module.name for module in pkgutil.walk_packages(phalanx.__path__, "phalanx.")]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name):
    module = importlib.import_module(name)
    # as a person would run them: under JAX's standard rules
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        result = doctest.testmod(module)
    assert result.failed == 0
