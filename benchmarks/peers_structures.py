"""The peers of the structure sweep: Optuna with PyTorch, KerasTuner, scikit-learn's halving search. Each with its best
settings.

Libraries are imported inside the functions: each contender runs in processes of its own, which pay for what they use.
"""

import functools
import multiprocessing
import os
import pickle
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from structure_problem import (
    ADAM,
    BATCH,
    CLASSES,
    INPUTS,
    MOMENTUM,
    PATIENCE,
    RATES,
    RMSPROP,
    SLOPE,
    SPACES,
    TRAIN_ROWS,
    Candidate,
    Found,
    Problem,
    cost_and_accuracy,
    result,
)

CORES = 2

Share = tuple[list[Found], int]
"""What a process found: the networks that were its best so far, and the rounds that it trained."""


def another_process() -> ProcessPoolExecutor:
    """Return a second process, of the same kind on every system."""
    return ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"))


def together(problem: Problem, one: Share, other: Share) -> dict:
    """Return the result of two processes, the clock stopped."""
    return result(problem, problem.elapsed(), one[0] + other[0], one[1] + other[1])


# Optuna with PyTorch


def optuna_all(problem: Problem) -> dict:
    """Optuna with PyTorch in two processes of one thread."""
    return _optuna(problem, pruning=False)


def optuna_pruned(problem: Problem) -> dict:
    """The same, where Optuna's `MedianPruner` as it comes ends networks that are behind the median."""
    return _optuna(problem, pruning=True)


def _optuna(problem: Problem, pruning: bool) -> dict:
    """Both processes take the next candidate of one study, which a journal file holds for them."""
    with TemporaryDirectory() as folder, another_process() as process:
        process.submit(_import_optuna)  # beside what follows
        journal = str(Path(folder) / "journal")
        study = _study(journal, problem.seed, pruning)
        for number in range(len(problem.candidates())):
            study.enqueue_trial({"candidate": number})
        other = process.submit(_optuna_share, problem, journal, pruning)
        return together(problem, _optuna_share(problem, journal, pruning), other.result())


def _import_optuna() -> None:
    import optuna  # noqa: F401
    import torch  # noqa: F401


def _study(journal: str, seed: int, pruning: bool):
    """Return the study; its sampler has nothing to do, since all trials are enqueued."""
    import optuna
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna.create_study(
        storage=JournalStorage(JournalFileBackend(journal)),
        study_name="structures",
        load_if_exists=True,
        sampler=optuna.samplers.RandomSampler(seed),
        pruner=optuna.pruners.MedianPruner() if pruning else optuna.pruners.NopPruner(),
    )


def _optuna_share(problem: Problem, journal: str, pruning: bool) -> Share:
    from optuna.trial import TrialState

    study, candidates = _study(journal, problem.seed, pruning), problem.candidates()
    train = _torch(problem)
    found: list[Found] = []
    rounds = 0
    while (trial := study.ask()).number < len(candidates):
        number = trial.suggest_int("candidate", 0, len(candidates) - 1)

        def prunes(cost: float, turn: int, trial=trial) -> bool:
            trial.report(cost, turn)
            return trial.should_prune()

        cost, trained, pruned = train(number, candidates[number], found, prunes if pruning else None)
        rounds += trained
        study.tell(trial, None if pruned else cost, TrialState.PRUNED if pruned else None)
    study.tell(trial, state=TrialState.FAIL)  # one more than there are candidates: the queue was empty
    return found, rounds


def _torch(problem: Problem):
    """Return `train`, which trains a candidate and adds it to those found whenever it is better than all of them. It
    answers with the best validation cost, the rounds, and whether `prunes(cost, turn)` ended it.
    """
    import torch
    from torch import nn

    class Absolute(nn.Module):
        def forward(self, z):
            return z.abs()

    activations = {
        "relu": nn.ReLU,
        "tanh": nn.Tanh,
        "leaky_relu": functools.partial(nn.LeakyReLU, SLOPE),
        "softplus": nn.Softplus,
        "absolute": Absolute,
    }
    torch.set_num_threads(1)
    torch.manual_seed(problem.seed)
    X, y, X_valid, y_valid = (torch.from_numpy(array) for array in problem.rows()[:4])
    batches = torch.from_numpy(problem.batches()).long()

    def network(number, candidate):
        modules = []
        for weight, bias in problem.initial(number, candidate):
            dense = nn.Linear(*weight.shape)
            with torch.no_grad():
                dense.weight.copy_(torch.from_numpy(weight.T))
                dense.bias.copy_(torch.from_numpy(bias))
            modules += [dense, activations[candidate.activation]()]
            modules += [nn.Dropout(candidate.dropout)] * (candidate.dropout > 0)
        return nn.Sequential(*modules[: modules.index(dense) + 1])

    def optimizer(net, candidate):
        parameters, rate = net.parameters(), candidate.learning_rate
        if candidate.optimizer == "adam":
            decays = ADAM["decay1"], ADAM["decay2"]
            return torch.optim.Adam(parameters, rate, decays, ADAM["epsilon"], fused=True)
        if candidate.optimizer == "rmsprop":  # δ stands outside the root here
            return torch.optim.RMSprop(parameters, rate, RMSPROP["decay"], RMSPROP["delta"] ** 0.5)
        momentum = MOMENTUM if candidate.optimizer == "momentum" else 0.0
        return torch.optim.SGD(parameters, rate, momentum, fused=True)

    def train(number, candidate, found, prunes):
        net = network(number, candidate)
        steps = optimizer(net, candidate)
        best_cost, best, worse = float("inf"), None, 0
        for turn, rows in enumerate(batches):
            net.train()
            for x, target in zip(X[rows], y[rows], strict=True):
                steps.zero_grad()
                nn.functional.cross_entropy(net(x), target).backward()
                steps.step()
            net.eval()
            with torch.inference_mode():
                cost = nn.functional.cross_entropy(net(X_valid), y_valid).item()
            if not np.isfinite(cost):
                return best_cost, turn + 1, False
            if cost < best_cost:
                best_cost, worse = cost, 0
                best = [parameter.detach().clone() for parameter in net.parameters()]
                if not found or cost < found[-1].cost:
                    arrays = [parameter.numpy() for parameter in best]
                    layers = [(weight.T, bias) for weight, bias in zip(arrays[::2], arrays[1::2], strict=True)]
                    found.append(Found(problem.elapsed(), cost, candidate.activation, layers))
            else:
                worse += 1
            if prunes is not None and prunes(cost, turn):
                return best_cost, turn + 1, True
            if worse == PATIENCE:
                break
        return best_cost, turn + 1, False

    return train


# KerasTuner


def keras_torch(problem: Problem) -> dict:
    """KerasTuner with Keras on PyTorch in two processes of one thread."""
    return _keras(problem, "torch")


def keras_jax(problem: Problem) -> dict:
    """KerasTuner with Keras on JAX in two processes."""
    return _keras(problem, "jax")


def _keras(problem: Problem, backend: str) -> dict:
    """Every second candidate in each process, in its favour: they need no chief that hands out trials."""
    with another_process() as process:
        other = process.submit(_keras_share, problem, 1, backend)
        return together(problem, _keras_share(problem, 0, backend), other.result())


def _keras_share(problem: Problem, first: int, backend: str) -> Share:
    os.environ["KERAS_BACKEND"] = backend
    import keras
    import keras_tuner

    if backend == "torch":
        import torch

        torch.set_num_threads(1)
    keras.utils.set_random_seed(problem.seed + first)
    share = problem.candidates()[first::CORES]
    X, y, X_valid, y_valid, _, _ = problem.rows()
    found: list[Found] = []
    trained: list[int] = []

    class Watch(keras.callbacks.Callback):
        """Adds to those found, and ends a network that has diverged."""

        def __init__(self, activation):
            super().__init__()
            self.activation = activation

        def on_epoch_end(self, epoch, logs=None):
            cost = float(logs["val_loss"])
            self.model.stop_training = self.model.stop_training or not np.isfinite(cost)
            if np.isfinite(cost) and (not found or cost < found[-1].cost):
                arrays = self.model.get_weights()
                layers = list(zip(arrays[::2], arrays[1::2], strict=True))
                found.append(Found(problem.elapsed(), cost, self.activation, layers))

    class Tuner(keras_tuner.GridSearch):
        """Takes the candidates in order; in its favour, no checkpoint of every better round is written."""

        def run_trial(self, trial, *_, **__):
            candidate = share[trial.hyperparameters.get("candidate")]
            model = _keras_model(keras, candidate)
            stopping = keras.callbacks.EarlyStopping(patience=PATIENCE, restore_best_weights=True)
            history = model.fit(
                X, y, BATCH, problem.rounds, verbose=0, validation_data=(X_valid, y_valid),
                validation_batch_size=len(X_valid), callbacks=[Watch(candidate.activation), stopping],
            ).history["val_loss"]  # fmt: skip
            trained.append(len(history))
            return float(np.nanmin([*history, 1e9]))

    with TemporaryDirectory() as folder:
        numbers = keras_tuner.HyperParameters()
        numbers.Int("candidate", 0, len(share) - 1)
        tuner = Tuner(hyperparameters=numbers, directory=folder, max_retries_per_trial=0)
        tuner.search(verbose=0)
    if len(trained) < len(share):
        raise RuntimeError(f"KerasTuner trained {len(trained)} of {len(share)} networks")
    return found, sum(trained)


def _keras_model(keras, candidate: Candidate):
    activations = {
        "leaky_relu": functools.partial(keras.ops.leaky_relu, negative_slope=SLOPE),
        "absolute": keras.ops.absolute,
    }
    model = keras.Sequential([keras.Input((INPUTS,))])
    for units in candidate.widths:
        activation = activations.get(candidate.activation, candidate.activation)
        model.add(keras.layers.Dense(units, activation, kernel_initializer="he_normal"))
        if candidate.dropout:
            model.add(keras.layers.Dropout(candidate.dropout))
    model.add(keras.layers.Dense(CLASSES))
    rate = candidate.learning_rate
    if candidate.optimizer == "adam":
        optimizer = keras.optimizers.Adam(rate, ADAM["decay1"], ADAM["decay2"], ADAM["epsilon"])
    elif candidate.optimizer == "rmsprop":
        optimizer = keras.optimizers.RMSprop(rate, RMSPROP["decay"], epsilon=RMSPROP["delta"])
    else:
        optimizer = keras.optimizers.SGD(rate, MOMENTUM if candidate.optimizer == "momentum" else 0.0)
    model.compile(optimizer, keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model


# scikit-learn


def sklearn_halving(problem: Problem) -> dict:
    """scikit-learn's `HalvingRandomSearchCV` over `MLPClassifier`, two joblib processes, float32.

    It draws as many candidates of its own, from the same widths and learning rates and the activations it has; the
    best third of each stage begins anew with three times as many rounds, of 45 batches, the last of 29 rows. In its
    favour: nothing is validated within a fit, and the best is not trained again.
    """
    from scipy.stats import loguniform
    from sklearn.experimental import enable_halving_search_cv  # noqa: F401
    from sklearn.model_selection import HalvingRandomSearchCV, PredefinedSplit
    from sklearn.neural_network import MLPClassifier

    X, y, X_valid, y_valid, _, _ = problem.rows()
    candidates, optimizers = problem.candidates(), SPACES[problem.name].optimizers
    common = {
        "hidden_layer_sizes": [candidate.widths for candidate in candidates],
        "activation": ["relu", "tanh", "logistic"],
        "alpha": loguniform(1e-6, 1e-2),
    }
    solvers = {
        "adam": {"solver": ["adam"]},
        "sgd": {"solver": ["sgd"], "momentum": [0.0]},
        "momentum": {"solver": ["sgd"], "momentum": [MOMENTUM], "nesterovs_momentum": [False]},
    }
    spaces = [
        {**common, **solver, "learning_rate_init": loguniform(*RATES[name])}
        for name, solver in solvers.items()
        if name in optimizers
    ]
    net = MLPClassifier(
        batch_size=BATCH,
        beta_1=ADAM["decay1"],
        beta_2=ADAM["decay2"],
        epsilon=ADAM["epsilon"],
        random_state=problem.seed,
    )
    with TemporaryDirectory() as folder:
        HalvingRandomSearchCV(
            net, spaces, n_candidates=len(candidates), resource="max_iter", max_resources=problem.rounds,
            min_resources="exhaust", scoring=functools.partial(_score, problem, folder),
            cv=PredefinedSplit(np.repeat([-1, 0], [TRAIN_ROWS, len(X_valid)])), refit=False, n_jobs=CORES,
            return_train_score=False, random_state=problem.seed,
        ).fit(np.concatenate([X, X_valid]), np.concatenate([y, y_valid]))  # fmt: skip
        seconds = problem.elapsed()
        told = [pickle.loads(path.read_bytes()) for path in Path(folder).iterdir()]
    return result(problem, seconds, [found for found, _ in told], sum(rounds for _, rounds in told))


def _score(problem: Problem, folder: str, net, X: np.ndarray, y: np.ndarray) -> float:
    """Return minus the validation cost of a network; what it found is written to the folder."""
    layers = list(zip(net.coefs_, net.intercepts_, strict=True))
    cost, _ = cost_and_accuracy(net.activation, layers, X, y)
    told = Found(problem.elapsed(), cost, net.activation, layers), net.n_iter_
    (Path(folder) / f"{os.getpid()}-{time.perf_counter_ns()}").write_bytes(pickle.dumps(told))
    return -cost
