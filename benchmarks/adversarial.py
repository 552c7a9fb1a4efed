"""Accuracy under attack on the digits, with and without adversarial training, as a curve over ε.

Run `python benchmarks/adversarial.py`. Pixels are from 0 to 1, and ε is in the same unit; the attack moves the test
images by FGSM, or by ten steps of PGD, knowing the network it attacks. Each figure is a mean over four seeds.
"""

import jax
import jax.numpy as jnp
import numpy as np
from sklearn.datasets import load_digits

from phalanx import L2, Adam, Adversarial, Dense, EarlyStopping, Multinoulli, Network, ReLU, attack
from phalanx.model import Batch, Noise, cost, forward
from phalanx.network import OutputSize, complete
from phalanx.population.batches import Fold
from phalanx.population.train import train
from phalanx.population.trial import Trial

SIZES, SEEDS, ROUNDS = (0.0, 0.05, 0.1, 0.15, 0.2), 4, 60
WAYS = {
    "plain": [],
    "weight decay (L2 0.001)": [L2(1e-3)],
    "trained with FGSM, ε 0.15": [Adversarial(0.15)],
    "trained with PGD of 3 steps, ε 0.2": [Adversarial(0.2, mix=0.3, steps=3)],
}


def main():
    images, digits = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(digits))
    x, y = (images[order] / 16).astype(np.float32), digits[order].astype(np.int32)
    rows, fold = Batch(x, (y,), np.ones(len(y), np.float32)), Fold(np.arange(1100), np.arange(1100, 1400), 0)
    hidden = [Dense(64), ReLU(), Dense(64), ReLU()]
    print(f"{'':36}{'attack':8}" + "".join(f"{f'ε={size}':>8}" for size in SIZES))
    for name, regularizers in WAYS.items():
        network = Network(hidden, Multinoulli(), regularizers, Adam(0.003), EarlyStopping(30), batch_size=32)
        trials = [Trial(complete(network, OutputSize(10)), seed) for seed in range(SEEDS)]
        members = train(trials, rows, [fold], max_rounds=ROUNDS).members
        for attack_name, steps in (("FGSM", 1), ("PGD", 10)):
            found = [[accuracy(member, x[1400:], y[1400:], size, steps) for size in SIZES] for member in members]
            print(f"{name:36}{attack_name:8}" + "".join(f"{share:8.1%}" for share in np.mean(found, axis=0)))


def accuracy(member, x, y, epsilon, steps):
    network, params, states = jax.tree.map(jnp.asarray, (member.trial.network, member.params, member.states))
    batch, silent = Batch(jnp.asarray(x), (jnp.asarray(y),), jnp.ones(len(y))), Noise({}, {}, {})

    @jax.jit
    def attacked(x):
        return attack(
            lambda x: cost(network, params, states, batch._replace(x=x), silent), x, jnp.float32(epsilon), steps=steps
        )

    z = forward(network, params, states, attacked(batch.x)).z[0]
    return float((np.asarray(z.argmax(-1)) == y).mean())


if __name__ == "__main__":
    main()
