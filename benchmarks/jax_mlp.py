"""The yardstick of the MLP sweep: the same training written by hand in JAX for this one problem, as fast as we can.

One program, `shard_map` over one host device a core, on each a loop over blocks of members, in it a loop over steps.
What was measured to matter on the CPU: the batches are gathered once a round, also transposed (the first layer's weight
gradient is then a plain matmul); the transpose of the hidden values is made before its matmul, not in it; the last
weight is stored (outputs, inputs), since a minor axis of 10 is slow; members in blocks of 8 by `vmap`.
"""

import time
from functools import partial

import jax
import numpy as np
from mlp_problem import ADAM, BATCH, ROUND_STEPS, Problem, result

DEVICES = 2
WIDTH = 8  # members of a block
HIDDEN = 64
CHUNK = 15  # steps whose random bytes are drawn at once; divides ROUND_STEPS

jax.config.update("jax_num_cpu_devices", DEVICES)

import jax.numpy as jnp  # noqa: E402
from jax import lax  # noqa: E402
from jax.sharding import AxisType, NamedSharding  # noqa: E402
from jax.sharding import PartitionSpec as P  # noqa: E402


@jax.custom_vjp
def first_dense(x, x_transposed, weight):
    return x @ weight


def _first_forward(x, x_transposed, weight):
    return x @ weight, x_transposed


def _first_backward(x_transposed, gradient):
    return None, None, x_transposed @ gradient


first_dense.defvjp(_first_forward, _first_backward)


@jax.custom_vjp
def dense(x, weight):
    return x @ weight


def _dense_forward(x, weight):
    return x @ weight, (x, weight)


def _dense_backward(kept, gradient):
    x, weight = kept
    return gradient @ weight.T, lax.optimization_barrier(x.T) @ gradient


dense.defvjp(_dense_forward, _dense_backward)


def logits(params, x, x_transposed=None, noise=None, rates=None):
    first = x @ params["weight_1"] if x_transposed is None else first_dense(x, x_transposed, params["weight_1"])
    values = jnp.maximum(first + params["bias_1"], 0)
    if noise is not None:
        values = drop(values, noise[0], rates[0])
    values = jnp.maximum(dense(values, params["weight_2"]) + params["bias_2"], 0)
    if noise is not None:
        values = drop(values, noise[1], rates[1])
    return values @ params["weight_3"].T + params["bias_3"]


def drop(values, noise, rate):
    """Dropout: a value stays where its byte is at least 256 x rate."""
    return jnp.where(noise >= jnp.round(rate * 256).astype(jnp.uint8), values * (1 / (1 - rate)), 0)


def cost(z, labels):
    return jnp.mean(jax.nn.logsumexp(z, -1) - jnp.sum(z * labels, -1))


def adam(member, gradient, learning_rate):
    beta1, beta2 = ADAM["beta1"], ADAM["beta2"]
    power1, power2 = member["power1"] * beta1, member["power2"] * beta2
    root = jnp.sqrt(1 - power2)
    rate, epsilon = learning_rate * root / (1 - power1), ADAM["epsilon"] * root
    first = jax.tree.map(lambda m, g: beta1 * m + (1 - beta1) * g, member["first"], gradient)
    second = jax.tree.map(lambda v, g: beta2 * v + (1 - beta2) * g * g, member["second"], gradient)
    params = jax.tree.map(lambda p, m, v: p - rate * m / (jnp.sqrt(v) + epsilon), member["params"], first, second)
    return dict(
        member, params=params, first=first, second=second, power1=power1, power2=power2, step=member["step"] + 1
    )


def draw(seed, step):
    """Random bytes (CHUNK, 2, BATCH, HIDDEN) of the steps from `step` on."""
    key = jax.random.fold_in(jax.random.key(seed), step)
    words = jax.random.bits(key, (CHUNK * 2 * BATCH * HIDDEN // 4,), jnp.uint32)
    return lax.bitcast_convert_type(words, jnp.uint8).reshape(CHUNK, 2, BATCH, HIDDEN)


def member_round(knobs, member, best, batches, valid):
    """ROUND_STEPS steps of one member, then its validation and the bookkeeping of Algorithm 7.1."""
    x, x_transposed, labels = batches

    def step(number, noise, member):
        def batch_cost(params):
            z = logits(params, x[number], x_transposed[number], noise, knobs["rates"])
            return cost(z, labels[number])

        return adam(member, jax.grad(batch_cost)(member["params"]), knobs["learning_rate"])

    def chunk(number, member):
        noise = draw(knobs["seed"], member["step"])
        first = number * CHUNK
        return lax.fori_loop(first, first + CHUNK, lambda i, m: step(i, noise[i - first], m), member)

    if knobs["rates"] is None:
        member = lax.fori_loop(0, ROUND_STEPS, lambda i, m: step(i, None, m), member)
    else:
        member = lax.fori_loop(0, ROUND_STEPS // CHUNK, chunk, member)
    X_valid, labels_valid = valid
    found = cost(logits(member["params"], X_valid), labels_valid)
    better = found < best["cost"]
    best = {
        "params": jax.tree.map(partial(jnp.where, better), member["params"], best["params"]),
        "cost": jnp.where(better, found, best["cost"]),
        "step": jnp.where(better, member["step"], best["step"]),
        "worse": jnp.where(better, 0, best["worse"] + 1),
    }
    return member, best


def device_rounds(knobs, member, best, batches, X, labels, X_valid, labels_valid):
    """All rounds of the members of one device."""
    blocks = knobs["seed"].shape[0] // WIDTH

    def one_round(number, state):
        rows = batches[number]
        x = X[rows]
        gathered = lax.optimization_barrier((x, x.swapaxes(1, 2), labels[rows]))  # once, not in the loops below

        def block(index, state):
            part = jax.tree.map(lambda a: lax.dynamic_slice_in_dim(a, index * WIDTH, WIDTH), (knobs, *state))
            new = jax.vmap(partial(member_round, batches=gathered, valid=(X_valid, labels_valid)))(*part)
            return jax.tree.map(lambda a, b: lax.dynamic_update_slice_in_dim(a, b, index * WIDTH, 0), state, new)

        return lax.fori_loop(0, blocks, block, state)

    return lax.fori_loop(0, batches.shape[0], one_round, (member, best))


def run(problem: Problem) -> dict:
    if problem.members % (DEVICES * WIDTH):
        raise SystemExit(f"the loop written by hand needs a multiple of {DEVICES * WIDTH} members")
    mesh = jax.make_mesh((DEVICES,), ("member",), axis_types=(AxisType.Auto,))
    by_member, everywhere = NamedSharding(mesh, P("member")), NamedSharding(mesh, P())

    def state():
        params = {}
        for number, (weight, bias) in enumerate(problem.initial(), 1):
            params[f"weight_{number}"] = weight if number < 3 else np.ascontiguousarray(weight.swapaxes(1, 2))
            params[f"bias_{number}"] = bias
        zeros, counts = jax.tree.map(np.zeros_like, params), np.zeros(problem.members, np.int32)
        ones = np.ones(problem.members, np.float32)
        member = {"params": params, "first": zeros, "second": zeros, "power1": ones, "power2": ones, "step": counts}
        best = {"params": params, "cost": np.full(problem.members, np.inf, np.float32), "step": counts, "worse": counts}
        return jax.device_put((member, best), by_member)

    knobs = {"learning_rate": problem.learning_rates(), "seed": np.arange(problem.members), "rates": None}
    if problem.dropout:
        knobs["rates"] = problem.dropout_rates()
    knobs = jax.device_put(knobs, by_member)
    X, y, X_valid, y_valid = problem.rows()
    one_hot = np.eye(10, dtype=np.float32)
    data = jax.device_put((problem.batches(), X, one_hot[y], X_valid, one_hot[y_valid]), everywhere)

    sharded = jax.shard_map(
        device_rounds, mesh=mesh, in_specs=(P("member"),) * 3 + (P(),) * 5, out_specs=P("member"), check_vma=False
    )
    train = jax.jit(sharded, donate_argnums=(1, 2))
    start = time.perf_counter()
    train = train.lower(knobs, *state(), *data).compile()
    compile_seconds = time.perf_counter() - start
    jax.block_until_ready(train(knobs, *state(), *data))  # warm-up
    begin = jax.block_until_ready(state())
    start = time.perf_counter()
    member, _ = jax.block_until_ready(train(knobs, *begin, *data))
    seconds = time.perf_counter() - start
    params = jax.tree.map(np.asarray, member["params"])
    layers = [
        (params["weight_1"], params["bias_1"]),
        (params["weight_2"], params["bias_2"]),
        (params["weight_3"].swapaxes(1, 2), params["bias_3"]),
    ]
    return result(problem, seconds, layers, compile_seconds=compile_seconds)
