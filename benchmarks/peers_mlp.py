"""The peers of the MLP sweep: PyTorch network by network, PyTorch stacked, scikit-learn. Each with its best settings.

Libraries are imported inside the functions: each contender runs in a process of its own, whose memory should be its
own.
"""

import multiprocessing
import resource
import time
import warnings

import numpy as np
from mlp_problem import ADAM, BATCH, Problem, result

CORES = 2


def peak_megabytes() -> float:
    """Peak resident memory of this process, in MB (2^20 bytes)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _in_processes(problem: Problem, processes: int, worker, *arguments) -> dict:
    """Train a share of the members in each of `processes` processes, all of them started and warm before the clock.

    `worker(problem, share, *arguments)` prepares and returns `train`; `train()` trains and returns `layers()`, which
    gives the final parameters as `Problem.initial` does. Only `train` is timed.
    """
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(processes + 1)
    queues = [context.Queue() for _ in range(processes)]
    workers = []
    for first, answers in enumerate(queues):
        share = list(range(first, problem.members, processes))
        workers.append(
            context.Process(target=_serve, args=(problem, share, barrier, answers, worker, *arguments), daemon=True)
        )
        workers[-1].start()
    barrier.wait(timeout=300)  # a worker that failed would be waited for for ever
    start = time.perf_counter()
    for answers in queues:
        answers.get()
    seconds = time.perf_counter() - start
    shares, megabytes = zip(*(answers.get() for answers in queues), strict=True)
    for process in workers:
        process.join()
    layers = [
        tuple(np.concatenate(arrays) for arrays in zip(*layer, strict=True)) for layer in zip(*shares, strict=True)
    ]
    return result(problem, seconds, layers, worker_megabytes=sum(megabytes))


def _serve(problem: Problem, share, barrier, answers, worker, *arguments) -> None:
    train = worker(problem, share, *arguments)
    barrier.wait()
    layers = train()
    answers.put(None)  # the clock stops here; what follows is reporting
    answers.put((layers(), peak_megabytes()))


# PyTorch, one network after the other


def _eager(problem: Problem, share: list[int], fused: bool):
    import torch
    from torch import nn

    torch.set_num_threads(1)
    X, y, X_valid, y_valid = (torch.from_numpy(array) for array in problem.rows())
    batches = torch.from_numpy(problem.batches()).long()
    initial, rates, learning_rates = problem.initial(), problem.dropout_rates(), problem.learning_rates()

    def network(member):
        modules = []
        for number, (weight, bias) in enumerate(initial):
            dense = nn.Linear(*weight.shape[1:])
            with torch.no_grad():
                dense.weight.copy_(torch.from_numpy(weight[member].T))
                dense.bias.copy_(torch.from_numpy(bias[member]))
            modules.append(dense)
            if number < len(initial) - 1:
                modules.append(nn.ReLU())
                if rates is not None:
                    modules.append(nn.Dropout(float(rates[member, number])))
        return nn.Sequential(*modules)

    def train_one(net, member, rounds):
        optimizer = torch.optim.Adam(net.parameters(), float(learning_rates[member]), fused=fused)
        best_cost, best, best_round, worse = float("inf"), None, 0, 0
        for number in range(rounds):
            net.train()
            xs, ys = X[batches[number]], y[batches[number]]  # one gather a round is faster than one a step
            for x, target in zip(xs, ys, strict=True):
                optimizer.zero_grad()
                nn.functional.cross_entropy(net(x), target).backward()
                optimizer.step()
            net.eval()
            with torch.inference_mode():
                cost = nn.functional.cross_entropy(net(X_valid), y_valid).item()
                if cost < best_cost:
                    best_cost, best_round, worse = cost, number, 0
                    best = [parameter.clone() for parameter in net.parameters()]
                else:
                    worse += 1
        return best, best_round, worse

    train_one(network(share[0]), share[0], 1)  # warm-up
    networks = [network(member) for member in share]

    def layers():
        dense = [[module for module in net if isinstance(module, nn.Linear)] for net in networks]
        return [
            (
                np.stack([module.weight.detach().numpy().T for module in layer]),
                np.stack([module.bias.detach().numpy() for module in layer]),
            )
            for layer in zip(*dense, strict=True)
        ]

    def train():
        for net, member in zip(networks, share, strict=True):
            train_one(net, member, problem.rounds)
        return layers

    return train


def torch_fused(problem: Problem) -> dict:
    """PyTorch eager in two processes of one thread, `torch.optim.Adam(fused=True)`."""
    return _in_processes(problem, CORES, _eager, True)


def torch_default(problem: Problem) -> dict:
    """PyTorch eager in two processes of one thread, `torch.optim.Adam` as it comes."""
    return _in_processes(problem, CORES, _eager, False)


# PyTorch, all networks of a process stacked


class _StackedAdam:
    """Adam over stacked parameters with a learning rate a member, which torch.optim does not have.

    A row of one buffer is a member, `views` are the stacked tensors in it, and a step is PyTorch's fused kernel called
    once a row: as fast as or faster than `torch._foreach_*` and plain operations over the stacked tensors.
    """

    def __init__(self, arrays, learning_rates):
        import torch

        self.parameters = torch.cat([torch.from_numpy(array).flatten(1) for array in arrays], 1)
        self.gradients = torch.zeros_like(self.parameters)
        sizes = [array[0].size for array in arrays]

        def views(buffer):
            parts = buffer.split(sizes, 1)
            return [part.unflatten(1, array.shape[1:]) for part, array in zip(parts, arrays, strict=True)]

        self.views = [view.requires_grad_() for view in views(self.parameters)]
        self._gradient_views = views(self.gradients)
        moments = torch.zeros_like(self.parameters), torch.zeros_like(self.parameters)
        buffers = (self.parameters.detach(), self.gradients, *moments)
        self._rows = [[[row] for row in rows] for rows in zip(*buffers, strict=True)]
        self._learning_rates = [float(rate) for rate in learning_rates]
        self._steps = torch.tensor(0.0)

    def step(self, gradients):
        import torch

        torch._foreach_copy_(self._gradient_views, gradients)
        self._steps += 1
        for (parameters, gradient, first, second), rate in zip(self._rows, self._learning_rates, strict=True):
            torch._fused_adam_(
                parameters, gradient, first, second, [], [self._steps],
                lr=rate, beta1=ADAM["beta1"], beta2=ADAM["beta2"], eps=ADAM["epsilon"],
                weight_decay=0.0, amsgrad=False, maximize=False,
            )  # fmt: skip


def _stacked(problem: Problem, share: list[int], threads: int, prepare):
    """`prepare(problem)` gives `gradients(views, x, y, masks)`, the gradients of the stacked tensors."""
    import torch

    torch.set_num_threads(threads)
    gradients = prepare(problem)
    members = len(share)
    X, y, X_valid, y_valid = (torch.from_numpy(array) for array in problem.rows())
    batches = torch.from_numpy(problem.batches()).long()
    rates = problem.dropout_rates()
    if rates is not None:
        rates = rates[share].T
        thresholds = torch.from_numpy(np.round(rates * 256).astype(np.uint8))[:, :, None, None]
        scales = torch.from_numpy(1 / (1 - rates))[:, :, None, None]

    def masks():
        """Multipliers (2, members, BATCH, 64) of the hidden values."""
        if rates is None:
            return None
        # 64 random bits a draw, read as eight bytes: faster than a float an entry.
        bits = torch.empty(2 * members * BATCH * 64 // 8, dtype=torch.int64).random_(-(2**63), None)
        return (bits.view(torch.uint8).view(2, members, BATCH, 64) >= thresholds) * scales

    def fresh():
        arrays = [array[share] for layer in problem.initial() for array in layer]
        return _StackedAdam(arrays, problem.learning_rates()[share])

    def train_rounds(adam, rounds):
        best, best_cost = adam.parameters.detach().clone(), torch.full((members,), torch.inf)
        best_round, worse = torch.zeros(members, dtype=torch.int32), torch.zeros(members, dtype=torch.int32)
        for number in range(rounds):
            for x, target in zip(X[batches[number]], y[batches[number]], strict=True):
                adam.step(gradients(adam.views, x, target, masks()))
            with torch.inference_mode():
                logits = _forward(adam.views, X_valid.expand(members, -1, -1))
                costs = torch.nn.functional.cross_entropy(
                    logits.flatten(0, 1), y_valid.repeat(members), reduction="none"
                )
                cost = costs.view(members, -1).mean(1)
                better = cost < best_cost
                best_cost = torch.where(better, cost, best_cost)
                worse = torch.where(better, 0, worse + 1)
                best_round[better] = number
                best[better] = adam.parameters[better]

    train_rounds(fresh(), 1)  # warm-up
    adam = fresh()

    def layers():
        arrays = [view.detach().numpy() for view in adam.views]
        return list(zip(arrays[::2], arrays[1::2], strict=True))

    def train():
        train_rounds(adam, problem.rounds)
        return layers

    return train


def _forward(views, values, masks=None):
    import torch

    for number in range(3):
        values = torch.baddbmm(views[2 * number + 1].unsqueeze(1), values, views[2 * number])
        if number < 2:
            values = torch.relu(values)
            if masks is not None:
                values = values * masks[number]
    return values


def _baddbmm(problem: Problem):
    import torch

    def gradients(views, x, y, masks):
        members = len(views[0])
        logits = _forward(views, x.expand(members, -1, -1), masks)
        cost = torch.nn.functional.cross_entropy(logits.flatten(0, 1), y.repeat(members), reduction="sum")
        return torch.autograd.grad(cost / BATCH, views)

    return gradients


def _func(problem: Problem):
    import torch
    from torch import nn
    from torch.func import functional_call, grad, stack_module_state, vmap

    class Network(nn.Module):
        def __init__(self):
            super().__init__()
            self.dense = nn.ModuleList([nn.Linear(64, 64), nn.Linear(64, 64), nn.Linear(64, 10)])

        def forward(self, x, masks):
            for number in range(2):
                x = torch.relu(self.dense[number](x))
                if masks is not None:
                    x = x * masks[number]
            return self.dense[2](x)

    skeleton = Network()
    names = list(stack_module_state([skeleton])[0])  # in the order of `Problem.initial`

    def cost(parameters, x, y, masks):
        return nn.functional.cross_entropy(functional_call(skeleton, parameters, (x, masks)), y)

    derivative = vmap(grad(cost), in_dims=(0, None, None, 1 if problem.dropout else None))

    def turned(arrays):
        """nn.Linear keeps (outputs, inputs): transposed views, no copies."""
        return [array.transpose(1, 2) if array.ndim == 3 else array for array in arrays]

    def gradients(views, x, y, masks):
        parameters = dict(zip(names, turned([view.detach() for view in views]), strict=True))
        return turned(derivative(parameters, x, y, masks).values())

    return gradients


def torch_baddbmm(problem: Problem) -> dict:
    """PyTorch with stacked tensors and `torch.baddbmm`, half of the members in each of two processes of one thread."""
    return _in_processes(problem, CORES, _stacked, 1, _baddbmm)


def torch_baddbmm_threads(problem: Problem) -> dict:
    """PyTorch with stacked tensors and `torch.baddbmm`, all members in one process of two threads."""
    return _in_processes(problem, 1, _stacked, CORES, _baddbmm)


def torch_func(problem: Problem) -> dict:
    """PyTorch with `vmap` of `grad` of `functional_call`, half of the members in each of two processes of one thread.

    The masks come from the bulk draw of `_stacked`: `vmap(..., randomness="different")` draws a float an entry.
    """
    return _in_processes(problem, CORES, _stacked, 1, _func)


# scikit-learn


def _sklearn_member(X, y, learning_rate: float, rounds: int, seed: int):
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the number of steps is what ends it, on purpose
        net = MLPClassifier(
            hidden_layer_sizes=(64, 64),
            batch_size=BATCH,
            learning_rate_init=learning_rate,
            max_iter=rounds,
            alpha=0.0,
            tol=0.0,
            n_iter_no_change=10**9,
            beta_1=ADAM["beta1"],
            beta_2=ADAM["beta2"],
            epsilon=ADAM["epsilon"],
            random_state=seed,
        ).fit(X, y)
    return list(zip(net.coefs_, net.intercepts_, strict=True)), peak_megabytes()


def sklearn_mlp(problem: Problem) -> dict:
    """scikit-learn's MLPClassifier, two joblib processes, float32.

    In its favour: a plain `fit`, so no validation and no best parameters are paid for. It has its own initial
    weights (Glorot uniform), and its epoch of 45 batches ends with one of 29 rows. It has no dropout.
    """
    from joblib import Parallel, delayed

    X, y, _, _ = problem.rows()
    with Parallel(n_jobs=CORES) as parallel:
        parallel(delayed(_sklearn_member)(X, y, 1e-3, 1, 0) for _ in range(2 * CORES))  # processes up, imports done
        start = time.perf_counter()
        members, megabytes = zip(
            *parallel(
                delayed(_sklearn_member)(X, y, float(rate), problem.rounds, number)
                for number, rate in enumerate(problem.learning_rates())
            ),
            strict=True,
        )
        seconds = time.perf_counter() - start
    layers = [tuple(np.stack(arrays) for arrays in zip(*layer, strict=True)) for layer in zip(*members, strict=True)]
    return result(problem, seconds, layers, worker_megabytes=CORES * max(megabytes))
