"""What PyTorch 2.13.0 computes of a few layers, as arrays that tests read without it.

    pip install torch==2.13.0 && python tests/truths/pytorch.py      # writes tests/truths/pytorch.npz

Arrays are double, in PyTorch's own order of axes, gates and parameters; their names begin with that of the case.
"""

from pathlib import Path

import numpy as np
import torch

CONVOLUTIONS = {
    "conv1d": ((2, 4, 9), (6, 2, 3), {"stride": 2, "dilation": 2, "groups": 2}),
    "conv2d": ((2, 3, 9, 8), (6, 1, 3, 5), {"padding": "same", "groups": 3}),
    "conv3d": ((2, 4, 6, 5, 7), (2, 4, 3, 3, 3), {"stride": (2, 1, 2)}),
}
ROWS, STEPS, CHANNELS, UNITS = 3, 6, 2, 4


def main() -> None:
    torch.set_default_dtype(torch.float64)
    torch.manual_seed(0)
    found: dict[str, np.ndarray] = {}
    for name, (shape, kernel, options) in CONVOLUTIONS.items():
        x, weight = torch.randn(shape), torch.randn(kernel)
        y = getattr(torch.nn.functional, name)(x, weight, **options)
        found |= {f"{name}.x": x.numpy(), f"{name}.weight": weight.numpy(), f"{name}.y": y.numpy()}
    for name in ("LSTM", "GRU"):
        layer = getattr(torch.nn, name)(CHANNELS, UNITS, batch_first=True)
        x = torch.randn(ROWS, STEPS, CHANNELS, requires_grad=True)
        y, _ = layer(x)
        weighted = torch.randn(ROWS, STEPS, UNITS)
        (y * weighted).sum().backward()
        held = {"x": x, "dx": x.grad, "y": y, "weighted": weighted}
        for parameter, value in layer.named_parameters():
            held |= {parameter: value, f"d{parameter}": value.grad}
        found |= {f"{name}.{key}": value.detach().numpy() for key, value in held.items()}
    np.savez_compressed(Path(__file__).with_suffix(".npz"), **found)


if __name__ == "__main__":
    main()
