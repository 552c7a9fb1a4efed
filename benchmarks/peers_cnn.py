"""The peers of the CNN sweep: PyTorch, Keras and a plain loop in JAX, network by network, each with its best settings.

Libraries are imported inside the functions: each contender runs in a process of its own, whose memory should be its
own.
"""

import multiprocessing
import os
import time

import numpy as np
from cnn_problem import ADAM, BATCH, KERNELS, VALID_BATCH, Problem, peak_megabytes, result, scaled

CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

# PyTorch


def _in_processes(problem: Problem, processes: int, channels_last: bool) -> dict:
    """Train a share of the members in each of `processes` processes, which are started and warm before the clock.

    The cores are shared out evenly as threads.
    """
    threads = CORES // processes
    os.environ["OMP_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = str(threads)  # what the processes inherit
    context = multiprocessing.get_context("spawn")
    workers = []
    for first in range(processes):
        here, there = context.Pipe()
        share = list(range(first, problem.members, processes))
        context.Process(target=_serve, args=(there, problem, share, threads, channels_last), daemon=True).start()
        there.close()  # so that `recv` fails, and does not wait, where the process died
        workers.append((here, share))
    for worker, _ in workers:
        worker.recv()
    start = time.perf_counter()
    for worker, _ in workers:
        worker.send("train")
    for worker, _ in workers:
        worker.recv()
    seconds = time.perf_counter() - start
    members, megabytes = {}, 0.0
    for worker, share in workers:
        trained, peak = worker.recv()
        members.update(zip(share, trained, strict=True))
        megabytes += peak
    return result(problem, seconds, [members[i] for i in range(problem.members)], worker_megabytes=megabytes)


def _serve(pipe, problem: Problem, share: list[int], threads: int, channels_last: bool) -> None:
    train = _eager(problem, share, threads, channels_last)
    pipe.send("ready")
    pipe.recv()
    networks = train()
    pipe.send("trained")  # the clock stops here; what follows is reporting
    pipe.send(([_torch_layers(net) for net in networks], peak_megabytes()))


def _eager(problem: Problem, share: list[int], threads: int, channels_last: bool):
    """Warm up, and return `train()`, which trains the members in `share` and returns their networks."""
    import torch
    from torch import nn

    torch.set_num_threads(threads)
    layout = torch.channels_last if channels_last else torch.contiguous_format
    X, y, X_valid, y_valid = (torch.from_numpy(array) for array in problem.normalized())
    X, X_valid = (x.permute(0, 3, 1, 2).contiguous(memory_format=layout) for x in (X, X_valid))
    batches = torch.from_numpy(problem.batches()).long()
    rates = problem.learning_rates()

    def network(member: int):
        net = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Flatten(), nn.Linear(7 * 7 * 32, 64), nn.ReLU(), nn.Linear(64, 10),
        )  # fmt: skip
        with torch.no_grad():
            for module, (weight, bias) in zip(_learning(net), problem.initial(member), strict=True):
                module.weight.copy_(torch.from_numpy(_to_torch(weight)))
                module.bias.copy_(torch.from_numpy(bias))
        return net.to(memory_format=layout)

    def train_one(net, member: int, batches) -> None:
        optimizer = torch.optim.Adam(
            net.parameters(), float(rates[member]), (ADAM["beta1"], ADAM["beta2"]), ADAM["epsilon"], fused=True
        )
        best_cost, best = float("inf"), None
        for numbers in batches:
            for index in numbers:
                optimizer.zero_grad()
                nn.functional.cross_entropy(net(X[index]), y[index]).backward()
                optimizer.step()
            with torch.inference_mode():
                blocks = zip(X_valid.split(VALID_BATCH), y_valid.split(VALID_BATCH), strict=True)
                costs = [nn.functional.cross_entropy(net(x), labels, reduction="sum") for x, labels in blocks]
                cost = torch.stack(costs).sum().item() / len(y_valid)
                if best is None or cost < best_cost:
                    best_cost, best = cost, [parameter.clone() for parameter in net.parameters()]

    train_one(network(share[0]), share[0], batches[:1, :10])
    networks = [network(member) for member in share]

    def train():
        for net, member in zip(networks, share, strict=True):
            train_one(net, member, batches)
        return networks

    return train


def _learning(net) -> list:
    """The modules that have weights, in the order of `KERNELS`."""
    return [module for module in net if hasattr(module, "weight")]


def _to_torch(weight: np.ndarray) -> np.ndarray:
    """PyTorch's order of a weight's axes: outputs first, and channels before places in what is flattened."""
    if weight.ndim == 4:
        return weight.transpose(3, 2, 0, 1)
    if weight.shape == KERNELS[2]:
        return weight.reshape(7, 7, 32, 64).transpose(3, 2, 0, 1).reshape(64, -1)
    return weight.T


def _from_torch(weight: np.ndarray, kernel: tuple[int, ...]) -> np.ndarray:
    """The inverse of `_to_torch`."""
    if weight.ndim == 4:
        return weight.transpose(2, 3, 1, 0)
    if kernel == KERNELS[2]:
        return weight.reshape(64, 32, 7, 7).transpose(2, 3, 1, 0).reshape(kernel)
    return weight.T


def _torch_layers(net) -> list[tuple[np.ndarray, np.ndarray]]:
    return [
        (_from_torch(module.weight.detach().numpy(), kernel), module.bias.detach().numpy())
        for module, kernel in zip(_learning(net), KERNELS, strict=True)
    ]


def torch_threads(problem: Problem) -> dict:
    """PyTorch eager, channels last, fused Adam, in one process with a thread a core."""
    return _in_processes(problem, 1, True)


def torch_processes(problem: Problem) -> dict:
    """The same with half of the members in each of two processes, of one thread where there are two cores."""
    return _in_processes(problem, 2, True)


def torch_threads_contiguous(problem: Problem) -> dict:
    """`torch_threads` with channels first, as PyTorch comes."""
    return _in_processes(problem, 1, False)


def torch_processes_contiguous(problem: Problem) -> dict:
    """`torch_processes` with channels first, as PyTorch comes."""
    return _in_processes(problem, 2, False)


# Keras


def keras_jax(problem: Problem) -> dict:
    """Keras on JAX: `fit` of one member after the other, with its validation after every epoch.

    In its favour: all members use one compiled model, whose weights and optimizer are reset, since another model a
    member would be compiled again; and no best parameters are kept. It shuffles for itself. Its first, short `fit`,
    compilation included, counts as compiling.
    """
    os.environ["KERAS_BACKEND"] = "jax"
    import keras

    keras.utils.set_random_seed(problem.seed)
    X, y, X_valid, y_valid = problem.normalized()
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input(X.shape[1:]),
            layers.Conv2D(16, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(2),
            layers.Conv2D(32, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dense(64, activation="relu"),
            layers.Dense(10),
        ]
    )
    optimizer = keras.optimizers.Adam(1e-3, ADAM["beta1"], ADAM["beta2"], ADAM["epsilon"])
    model.compile(optimizer, keras.losses.SparseCategoricalCrossentropy(from_logits=True))

    def fit(X, y, epochs: int) -> None:
        model.fit(
            X, y, batch_size=BATCH, epochs=epochs, shuffle=True, verbose=0,
            validation_data=(X_valid, y_valid), validation_batch_size=VALID_BATCH,
        )  # fmt: skip

    start = time.perf_counter()
    fit(X[:BATCH], y[:BATCH], 1)
    compile_seconds = time.perf_counter() - start
    members = []
    start = time.perf_counter()
    for member, rate in enumerate(problem.learning_rates()):
        model.set_weights([array for layer in problem.initial(member) for array in layer])
        for variable in optimizer.variables:
            variable.assign(np.zeros(variable.shape, variable.dtype))
        optimizer.learning_rate = float(rate)
        fit(X, y, problem.rounds)
        weights = model.get_weights()
        members.append(list(zip(weights[::2], weights[1::2], strict=True)))
    seconds = time.perf_counter() - start
    return result(problem, seconds, members, compile_seconds=compile_seconds)


# JAX


def jax_conv(problem: Problem) -> dict:
    """The obvious loop in JAX: a jitted step with `lax.conv_general_dilated`, called from Python, member by member.

    In its favour: the step is called from Python, since the same step inside a loop of the program is slower still.
    One member trains for one round, after one step to warm up, and its time stands for all members and rounds.
    """
    import jax
    import jax.numpy as jnp
    from jax import lax

    def logits(layers, x):
        for weight, bias in layers[:2]:
            z = lax.conv_general_dilated(x, weight, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))
            x = lax.reduce_window(jnp.maximum(z + bias, 0), -jnp.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")
        (weight, bias), (last_weight, last_bias) = layers[2:]
        return jnp.maximum(x.reshape(len(x), -1) @ weight + bias, 0) @ last_weight + last_bias

    def cost(layers, x, labels):
        z = logits(layers, x)
        return jnp.mean(jax.nn.logsumexp(z, -1) - jnp.take_along_axis(z, labels[:, None], 1)[:, 0])

    beta1, beta2 = ADAM["beta1"], ADAM["beta2"]

    def step(state, x, labels):
        layers, first, second, number = state
        number = number + 1
        gradient = jax.grad(cost)(layers, x, labels)
        first = jax.tree.map(lambda m, g: beta1 * m + (1 - beta1) * g, first, gradient)
        second = jax.tree.map(lambda v, g: beta2 * v + (1 - beta2) * g * g, second, gradient)
        rate = problem.learning_rates()[0] * jnp.sqrt(1 - beta2**number) / (1 - beta1**number)
        layers = jax.tree.map(lambda w, m, v: w - rate * m / (jnp.sqrt(v) + ADAM["epsilon"]), layers, first, second)
        return layers, first, second, number

    X, y, X_valid, y_valid = problem.normalized()
    batches = problem.batches()[0]
    layers = problem.initial(0)
    zeros = jax.tree.map(np.zeros_like, layers)
    state = jax.device_put((layers, zeros, zeros, np.float32(0)))
    start = time.perf_counter()
    train = jax.jit(step, donate_argnums=0).lower(state, X[:BATCH], y[:BATCH]).compile()
    validate = jax.jit(cost).lower(layers, X_valid, y_valid).compile()
    compile_seconds = time.perf_counter() - start
    state = jax.block_until_ready(train(state, X[:BATCH], y[:BATCH]))
    start = time.perf_counter()
    for index in batches:
        state = train(state, X[index], y[index])
    jax.block_until_ready(validate(state[0], X_valid, y_valid))
    return scaled(problem, time.perf_counter() - start, compile_seconds=compile_seconds)
