"""The ways to convolve that `phalanx/layers/convolve.py` chooses among, one operation at a time.

    taskset -c 1 python benchmarks/convolution.py
    taskset -c 1 python benchmarks/convolution.py --loop

Kernels of 3 x 3, images of 14 x 14 places with 16 channels to 32, and of 28 x 28 with 1 channel to 16, 8 images at a
time; z is the output, W the kernel. It prints the least time of many, and checks that all ways agree.

With --loop: the gradient of W within a loop, as in training, of 16 images of several sizes, by patches and by
convolving images with images, 1 to 16 of them at a time. The ways take turns; it prints GFLOP/s by the least of many
processor times, which other work on the machine changes less than the time on the clock, and marks what the product
takes with an asterisk.
"""

import argparse
import functools
import time
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from phalanx.layers import convolve
from phalanx.layers.convolve import Window

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


SIZES = [
    # places a side, inputs, channels, places of the kernel a side
    *((28, inputs, channels, 3) for inputs, channels in ((8, 16), (16, 16), (16, 32), (32, 32), (32, 3), (16, 64))),
    *((14, inputs, channels, 3) for inputs, channels in ((8, 16), (16, 16), (16, 32), (32, 32), (32, 16), (64, 16))),
    *((14, inputs, channels, 3) for inputs, channels in ((32, 64), (64, 32), (64, 64))),
    *((7, inputs, channels, 3) for inputs, channels in ((16, 32), (32, 32), (32, 64), (64, 64))),
    *((14, inputs, channels, 5) for inputs, channels in ((6, 16), (16, 32), (32, 64))),
    (14, 32, 32, 1),
]
LOOP_ROWS, LOOP_STEPS = 16, 16


def in_loop(by: Callable, window: Window, shape: tuple[int, ...], each: int) -> Way:
    """The gradient of W again and again, `each` rows at a time, of images that change a little each time."""

    def again(_: int, carry: tuple[jax.Array, jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array, jax.Array]:
        x, g, total = carry
        pieces = tuple(a.reshape(-1, each, *a.shape[1:]) for a in (x, g))
        total, _ = lax.scan(lambda sum_, piece: (sum_ + by(window, shape, *piece), None), total, pieces)
        touched = total[0, 0, 0, 0] * 1e-9
        return x.at[0, 0, 0, 0].set(touched), g.at[0, 0, 0, 0].set(touched), total

    return lambda x, g: lax.fori_loop(0, LOOP_STEPS, again, (x, g, jnp.zeros(shape)))[2]


def compare_in_loop(side: int, inputs: int, channels: int, size: int) -> None:
    rng = np.random.default_rng(0)
    x, g = (jnp.asarray(rng.normal(size=(LOOP_ROWS, side, side, n)), float) for n in (inputs, channels))
    window, shape = Window((1, 1), (1, 1), (((size - 1) // 2, size // 2),) * 2), (size, size, inputs, channels)
    each = convolve._divisor(LOOP_ROWS, convolve.PATCHES // convolve._patch_size(window, x.shape, shape))
    way = functools.partial(in_loop, window=window, shape=shape)
    ways = {"patches": way(convolve._weight_slope_by_patches, each=each)}
    ways |= {n: way(convolve._weight_slope_by_images, each=n) for n in (1, 2, 4, 8, 16)}
    chosen = convolve._rows_of_images(window, x.shape, shape[:2], g.shape) or "patches"
    programs = {name: jax.jit(way) for name, way in ways.items()}
    expected = np.asarray(programs["patches"](x, g))
    for program in programs.values():
        np.testing.assert_allclose(program(x, g), expected, atol=1e-3 * np.abs(expected).max())
    least = dict.fromkeys(ways, np.inf)
    for name in REPEATS * [*ways]:
        start = time.process_time()
        programs[name](x, g).block_until_ready()
        least[name] = min(least[name], time.process_time() - start)
    operations = 2 * LOOP_STEPS * LOOP_ROWS * side**2 * size**2 * inputs * channels
    rates = (f"{operations / seconds / 1e9:6.0f}{'*' * (name == chosen):1}" for name, seconds in least.items())
    what = f"{side} x {side}, {inputs} to {channels}, {size} x {size}"
    print(f"{what:28}{''.join(rates)}", flush=True)


def loop() -> None:
    print(f"{'GFLOP/s':28}patches   1      2      4      8      16 rows")
    for sizes in SIZES:
        compare_in_loop(*sizes)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--loop", action="store_true", help="the gradient of W in a loop")
    if parser.parse_args().loop:
        return loop()
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
