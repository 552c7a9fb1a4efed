"""The ways to convolve that `phalanx/layers/convolve.py` chooses among, one operation at a time.

    taskset -c 1 python benchmarks/convolution.py

Kernels of 3 x 3, images of 14 x 14 places with 16 channels to 32, and of 28 x 28 with 1 channel to 16, 8 images at a
time; z is the output, W the kernel. It prints the least time of many, and checks that all ways agree.
"""

import time
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

ROWS, CALLS, REPEATS = 8, 80, 12
AXES = ("NHWC", "HWIO", "NHWC")
Way = Callable[[jax.Array, jax.Array], jax.Array]


def shifted(x: jax.Array, first: int = 1) -> list[jax.Array]:
    """What x holds at each of the nine places of the kernel; `first` is the first axis of space."""
    height, width = x.shape[first : first + 2]
    around = [(0, 0)] * x.ndim
    around[first : first + 2] = (1, 1), (1, 1)
    padded, before = jnp.pad(x, around), (slice(None),) * first
    return [padded[(*before, slice(i, i + height), slice(j, j + width))] for i in range(3) for j in range(3)]


def compiler(x: jax.Array, w: jax.Array) -> jax.Array:
    return lax.conv_general_dilated(x, w, (1, 1), "SAME", dimension_numbers=AXES)


def patches(x: jax.Array, w: jax.Array) -> jax.Array:
    return jnp.concatenate(shifted(x), -1) @ w.reshape(-1, w.shape[-1])


def terms(x: jax.Array, w: jax.Array) -> jax.Array:
    channels = range(x.shape[-1])
    places = zip(shifted(x), w.reshape(9, *w.shape[2:]), strict=True)
    return sum(shift[..., c, None] * kernel[c] for shift, kernel in places for c in channels)


def blocks(x: jax.Array, w: jax.Array) -> jax.Array:
    """2 x 2 places become channels; W is spread over 3 x 3 of them, for each place of a block of outputs."""
    rows, height, width, _ = x.shape
    folded = x.reshape(rows, height // 2, 2, width // 2, 2).transpose(0, 1, 3, 2, 4)
    spread = jnp.zeros((6, 6, 2, 2, w.shape[-1]))
    for a, b in np.ndindex(2, 2):
        spread = spread.at[a + 1 : a + 4, b + 1 : b + 4, a, b].set(w[:, :, 0])
    kernel = spread.reshape(3, 2, 3, 2, -1).transpose(0, 2, 1, 3, 4).reshape(3, 3, 4, -1)
    z = compiler(folded.reshape(rows, height // 2, width // 2, 4), kernel)
    return (
        z.reshape(rows, height // 2, width // 2, 2, 2, -1).transpose(0, 1, 3, 2, 4, 5).reshape(rows, height, width, -1)
    )


def kernel_by_derivative(x: jax.Array, g: jax.Array) -> jax.Array:
    shape = (3, 3, x.shape[-1], g.shape[-1])
    return jax.vjp(lambda w: compiler(x, w), jnp.zeros(shape))[1](g)[0]


def kernel_by_compiler(x: jax.Array, g: jax.Array) -> jax.Array:
    padded = jnp.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    found = lax.conv_general_dilated(
        padded.transpose(3, 1, 2, 0), g.transpose(1, 2, 0, 3), (1, 1), "VALID", dimension_numbers=AXES
    )
    return found.transpose(1, 2, 0, 3)


def kernel_by_patches(x: jax.Array, g: jax.Array) -> jax.Array:
    rows = jnp.concatenate(shifted(x), -1).reshape(-1, 9 * x.shape[-1])
    return (rows.T @ g.reshape(-1, g.shape[-1])).reshape(3, 3, x.shape[-1], -1)


def kernel_by_turned_patches(x: jax.Array, g: jax.Array) -> jax.Array:
    columns = jnp.stack(shifted(jnp.moveaxis(x, -1, 0), first=2)).reshape(9 * x.shape[-1], -1)
    return (columns @ g.reshape(-1, g.shape[-1])).reshape(3, 3, x.shape[-1], -1)


def kernel_by_places(x: jax.Array, g: jax.Array) -> jax.Array:
    flat = g.reshape(-1, g.shape[-1])
    return jnp.stack([shift.reshape(-1, x.shape[-1]).T @ flat for shift in shifted(x)]).reshape(3, 3, x.shape[-1], -1)


def milliseconds(way: Way, *arrays: jax.Array) -> tuple[float, np.ndarray]:
    compiled = jax.jit(way)
    result = jax.block_until_ready(compiled(*arrays))
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        for _ in range(CALLS):
            last = compiled(*arrays)
        jax.block_until_ready(last)
        times.append((time.perf_counter() - start) / CALLS * 1e3)
    return min(times), np.asarray(result)


def compare(what: str, ways: dict[str, Way], *arrays: jax.Array, operations: int) -> None:
    expected = None
    for name, way in ways.items():
        least, result = milliseconds(way, *arrays)
        expected = result if expected is None else expected
        np.testing.assert_allclose(result, expected, rtol=1e-3, atol=1e-3 * np.abs(expected).max())
        print(f"{what:22} {name:22} {least:8.3f} ms {operations / least / 1e6:8.1f} GFLOP/s", flush=True)


def main() -> None:
    rng = np.random.default_rng(0)
    of_z = {"compiler": compiler, "patches": patches, "terms in one loop": terms}
    of_kernel = {
        "compiler's derivative": kernel_by_derivative,
        "compiler, axes turned": kernel_by_compiler,
        "patches, transposed": kernel_by_patches,
        "patches, turned": kernel_by_turned_patches,
        "a product a place": kernel_by_places,
    }
    for side, inputs, channels in ((14, 16, 32), (28, 1, 16)):
        x, g, w = (
            jnp.asarray(rng.normal(size=shape), float)
            for shape in ((ROWS, side, side, inputs), (ROWS, side, side, channels), (3, 3, inputs, channels))
        )
        operations = 2 * ROWS * side**2 * 9 * inputs * channels
        ways = {**of_z, "blocks as channels": blocks} if inputs == 1 else of_z
        compare(f"z, {inputs} to {channels}", ways, x, w, operations=operations)
        compare(f"slope of W, {inputs} to {channels}", of_kernel, x, g, operations=operations)


if __name__ == "__main__":
    main()
