"""Phalanx: deep learning by trial and error, with the trials in formation.

Describe a network, put distributions where you are unsure, and all variants train at once as one compiled program.
The public names stand in `__init__.pyi` and are loaded when they are first used, so that `import phalanx` is quick.
"""

import lazy_loader

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
