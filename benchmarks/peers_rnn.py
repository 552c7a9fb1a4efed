"""The peers of the RNN sweep: PyTorch's fused LSTM and GRU, network by network, in threads or in processes.

PyTorch is imported inside the functions: each contender runs in a process of its own, whose memory should be its own.
"""

import multiprocessing
import os
import time

import numpy as np
from rnn_problem import ADAM, EMBEDDING, HELD_OUT, UNITS, Problem, result

CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
ORDER = {"lstm": (0, 1, 3, 2), "gru": (0, 1, 2)}  # PyTorch's blocks i, f, c, o and r, u, c among ours


def torch_threads(problem: Problem) -> dict:
    """One member after the other, with a thread on every core."""
    train = _prepare(problem, list(range(problem.members)), CORES)
    start = time.perf_counter()
    train()
    seconds = time.perf_counter() - start
    return result(seconds, 0.0, float(np.mean(train.costs())))


def torch_processes_autocast(problem: Problem) -> dict:
    """The same, under PyTorch's automatic mixed precision with bfloat16."""
    return torch_processes(problem, autocast=True)


def torch_processes(problem: Problem, autocast: bool = False) -> dict:
    """A process for each core, with a share of the members, started and warm before the clock."""
    processes = min(CORES, problem.members)
    os.environ["OMP_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = "1"
    context = multiprocessing.get_context("spawn")
    pipes = []
    for first in range(processes):
        here, there = context.Pipe()
        share = list(range(first, problem.members, processes))
        context.Process(target=_serve, args=(there, problem, share, autocast), daemon=True).start()
        there.close()
        pipes.append(here)
    for pipe in pipes:
        pipe.recv()
    start = time.perf_counter()
    for pipe in pipes:
        pipe.send("train")
    for pipe in pipes:
        pipe.recv()
    seconds = time.perf_counter() - start
    costs = [cost for pipe in pipes for cost in pipe.recv()]
    return result(seconds, 0.0, float(np.mean(costs)))


def _serve(pipe, problem: Problem, share: list[int], autocast: bool) -> None:
    train = _prepare(problem, share, 1, autocast)
    pipe.send("ready")
    pipe.recv()
    train()
    pipe.send("trained")
    pipe.send(train.costs())


def _prepare(problem: Problem, share: list[int], threads: int, autocast: bool = False):
    """Warm up, and return `train()`, after which `train.costs()` are those of the held-out rows."""
    import torch
    from torch import nn

    torch.set_num_threads(threads)
    x, y = (torch.from_numpy(rows).long() for rows in problem.rows)
    batches = torch.from_numpy(problem.batches()).long()
    rates = problem.learning_rates()

    class Net(nn.Module):
        def __init__(self, member: int) -> None:
            super().__init__()
            self.embedding = nn.Embedding(problem.letters, EMBEDDING)
            kind = nn.LSTM if problem.cell == "lstm" else nn.GRU
            self.cell = kind(EMBEDDING, UNITS, batch_first=True)
            self.output = nn.Linear(UNITS, problem.letters)
            given = problem.initial(member)
            with torch.no_grad():
                for parameter in self.parameters():
                    parameter.zero_()
                self.embedding.weight.copy_(torch.from_numpy(given["embedding"]))
                self.output.weight.copy_(torch.from_numpy(given["output"].T))
                for name, weight in (("weight_ih_l0", given["input"]), ("weight_hh_l0", given["recurrent"])):
                    blocks = np.split(weight, len(ORDER[problem.cell]), axis=1)
                    turned = np.concatenate([blocks[i].T for i in ORDER[problem.cell]])
                    getattr(self.cell, name).copy_(torch.from_numpy(turned))

        def forward(self, codes):
            return self.output(self.cell(self.embedding(codes))[0])

    def cost(net, rows):
        with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
            z = net(x[rows]).flatten(0, 1)
        return nn.functional.cross_entropy(z.float(), y[rows].flatten())

    def train_one(net, member: int, batches) -> float:
        optimizer = torch.optim.Adam(
            net.parameters(), float(rates[member]), (ADAM["beta1"], ADAM["beta2"]), ADAM["epsilon"], fused=True
        )
        for rows in batches:
            optimizer.zero_grad()
            cost(net, rows).backward()
            optimizer.step()
        with torch.inference_mode():
            return cost(net, torch.arange(len(x) - HELD_OUT, len(x))).item()

    train_one(Net(share[0]), share[0], batches[:3])
    networks, found = [Net(member) for member in share], []

    def train() -> None:
        found.extend(train_one(net, member, batches) for net, member in zip(networks, share, strict=True))

    train.costs = lambda: found
    return train
