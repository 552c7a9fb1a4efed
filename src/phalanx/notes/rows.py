"""What the lecture notes hold, row by row, and where it lives in the code; its chapters name it in their `ROWS`."""

from typing import NamedTuple


class Row(NamedTuple):
    """What the notes say, and the modules of `phalanx` that hold it."""

    says: str
    code: tuple[str, ...]


def _row(says: str, *code: str) -> Row:
    return Row(says, code)


ROWS = {
    "A1": _row("One learning algorithm serves sight, sound, tables and text.", "experiment", "kinds"),
    "A2": _row("What is said can be told apart from who says it.", "layers.reversal", "likelihoods.joint"),
    "A3": _row("No free lunch: over all labelings every classifier is equally good.", "notes.chapters.no_free_lunch"),
    "A4": _row("A human neuron has ten thousand connections; most networks have few.", "summaries"),
    "A5": _row("On handwriting, deep networks and the SVM.", "notes.chapters.handwriting"),
    "A6": _row("Bounds say how far training and true error may lie apart.", "notes.chapters.bounds"),
    "A7": _row("Deep networks were first trained layer by layer.", "notes.chapters.layer_by_layer"),
    "A8": _row("What was learned on one sense serves another.", "notes.chapters.rewired"),
    "A9": _row("Three waves: cybernetics, connectionism, deep learning.", "notes.chapters.layer_by_layer"),
    "B1": _row("The kernel SVM: decision function, dual, b from the support vectors.", "support_vectors"),
    "B2": _row("The decision tree: as many leaves as examples.", "baselines"),
    "B3": _row("The curse of dimensionality: 10 values an attribute make 10^d cells.", "notes.chapters.trees"),
    "B4": _row("A linear model on fixed basis functions.", "layers.basis"),
    "B5": _row("One hidden layer approximates any continuous function.", "layers.dense"),
    "B6": _row("Deep rectifier networks have many linear regions.", "notes.chapters.regions"),
    "C1": _row("A linear model cannot do XOR; two rectifiers can.", "layers.dense"),
    "C2": _row("Affine after affine is affine.", "layers.dense"),
    "C3": _row("The affine layer h = g(Wᵀx + c).", "layers.dense"),
    "C4": _row("Activations, from ReLU to maxout and RBF units.", "layers.activations", "layers.bands"),
    "C5": _row("Nothing tells which activation, or how many layers: try.", "superstructure", "search"),
    "C6": _row("Deep from five layers on; a bias is the weight of a unit that is 1.", "summaries", "layers.dense"),
    "D1": _row("Maximum likelihood is minimum cross-entropy is minimum KL divergence.", "likelihoods.likelihood"),
    "D2": _row("Output units are likelihoods.", "likelihoods"),
    "D3": _row("Costs should saturate only where the answer is right.", "likelihoods.classes"),
    "D4": _row("Identities of the sigmoid and the softplus.", "likelihoods.classes", "layers.activations"),
    "D5": _row("The Bernoulli cost and softmax from unnormalized log-probabilities.", "likelihoods.classes"),
    "E1": _row("The computational graph of a network's cost.", "graph"),
    "E2": _row("The chain rule with Jacobians; a matrix as a long vector.", "layers.products"),
    "E3": _row("Back-propagation through three layers with weight decay.", "model"),
    "F1": _row("Penalties on weights, not biases; the constraint as their other form.", "regularizers.penalties"),
    "F2": _row("Noise on inputs, weights and targets.", "layers.noise", "regularizers.noise", "regularizers.targets"),
    "F3": _row("Early stopping, and two ways to use all data after it.", "stopping", "population.refit"),
    "F4": _row("Gradient descent regularizes by itself.", "optimizers.rules"),
    "F5": _row("Shared parameters.", "regularizers.tying", "layers.convolution", "layers.recurrent"),
    "F6": _row("Adversarial examples, and training on them.", "regularizers.adversarial"),
    "F7": _row("Several tasks share a representation.", "likelihoods.joint", "estimators.multitask"),
    "F8": _row("A penalty on the representation.", "regularizers.activity"),
    "F9": _row("Bagging.", "experiment", "ensemble"),
    "F10": _row("Dropout, of units and of connections.", "layers.dropout"),
    "F11": _row("Seven regularizers on one data set.", "regularizers"),
    "F12": _row("A prior is strong when its variance is low.", "regularizers.penalties"),
    "G1": _row(
        "A surrogate for the 0–1 loss; minibatches; learning online.", "population.batches", "estimators.partial"
    ),
    "G2": _row("Gradient descent, with step sizes that change.", "optimizers.rules", "parts.schedules"),
    "G3": _row("Momentum, and Nesterov's.", "optimizers.rules"),
    "G4": _row("AdaGrad, and rare features.", "optimizers.rules"),
    "G5": _row("RMSProp.", "optimizers.rules"),
    "G6": _row("RMSProp with Nesterov momentum.", "optimizers.rules"),
    "G7": _row("Adam.", "optimizers.rules"),
    "G8": _row("Momentum beats plain descent on an ill-conditioned bowl.", "optimizers.rules"),
    "G9": _row("RMSProp is AdaGrad for costs that are not convex.", "optimizers.rules"),
    "H1": _row("A dense layer on an image has weights beyond number.", "layers.convolution"),
    "H2": _row("Convolution smooths noisy readings.", "layers.convolution"),
    "H3": _row("Convolution in two dimensions, flipped and not; edges.", "layers.convolution"),
    "H4": _row("Convolution is a sparse matrix with tied weights.", "layers.convolve"),
    "H5": _row("Convolution and pooling as an infinitely strong prior.", "layers.convolution", "layers.pooling"),
    "H6": _row("Pooling.", "layers.pooling"),
    "H7": _row("First filters look like Gabor functions.", "notes.chapters.gabor"),
    "I1": _row("Recurrent networks, in one direction and in both.", "layers.recurrent"),
    "I2": _row("Back-propagation through time.", "layers.recurrent"),
    "I3": _row("Rules of sequences are found.", "layers.recurrent", "estimators.language"),
    "I4": _row("Gradients vanish and explode.", "layers.cells", "optimizers.clipping"),
    "I5": _row("The LSTM.", "layers.cells"),
    "I6": _row("The GRU.", "layers.cells"),
    "I7": _row("Word vectors, and words from them.", "layers.embedding", "kinds.language"),
    "I8": _row("The rule does not depend on the position.", "layers.recurrent"),
}
"""The rows of the notes, in their order."""


def asserted_in(chapter: str) -> str:
    """Return the file that asserts what a chapter computes."""
    return f"tests/notes/test_{chapter}.py"
