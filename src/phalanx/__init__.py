"""Phalanx: deep learning by trial and error, with the trials in formation.

Describe a network, put distributions where you are unsure, and all variants train at once as one compiled program.
The public names stand in `__init__.pyi` and are loaded when they are first used, so that `import phalanx` is quick.
"""

import os
import sys

import lazy_loader

if sys.version_info < (3, 12):  # whose JAX warns at length of each program that it finds in its cache, see docs/jax.md
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
