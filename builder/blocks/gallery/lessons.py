"""What goes wrong, and what helps: small networks that were made so that it can be seen."""

from builder.blocks.chain import chain, layer
from builder.blocks.gallery.exhibit import Family, digits, network, pick, recipe
from builder.problem import Json

FAMILY = Family("What goes wrong")

HOCHREITER = "S. Hochreiter, Untersuchungen zu dynamischen neuronalen Netzen, 1991"
IOFFE = "S. Ioffe and C. Szegedy, Batch normalization, 2015, arXiv:1502.03167"
MAAS = "A. Maas, A. Hannun and A. Ng, Rectifier nonlinearities improve neural network acoustic models, 2013"
GOLIK = "P. Golik, P. Doetsch and H. Ney, Cross-entropy vs. squared error training, 2013"
ROBBINS = "H. Robbins and S. Monro, A stochastic approximation method, 1951"
TIBSHIRANI = "R. Tibshirani, Regression shrinkage and selection via the lasso, 1996"

MOMENTUM = pick("SGD", lr=0.1, momentum=0.9)


def _learned(nodes: list[dict[str, Json]], loss: str, optimizer: dict[str, Json], epochs: int) -> dict[str, Json]:
    """The digits, seven tenths of them to learn from, the rest to be tested with."""
    data = digits() | {"split": {"train": 0.7, "validation": 0.0}}
    return {"network": network(nodes), "data": data, "recipe": recipe(loss, optimizer, 32, epochs)}


def _deep(depth: int, *bend: str) -> list[dict[str, Json]]:
    """Dense layers of 64 units, and behind each of them what bends."""
    hidden = [
        each
        for at in range(1, depth + 1)
        for each in (
            layer("Linear", id=f"hidden{at}", out_features=64),
            *(layer(kind, id=f"{kind.lower()}{at}") for kind in bend),
        )
    ]
    return chain(
        layer("Input", id="image", shape=[1, 8, 8]),
        layer("Flatten"),
        *hidden,
        layer("Linear", id="scores", out_features=10),
    )


@FAMILY.exhibit("deep-sigmoid", HOCHREITER)
def deep_sigmoid() -> dict[str, Json]:
    """Five sigmoids behind one another learn nothing: each lets a quarter of a gradient through at most.

    Look at the gradients of the first layer beside those of the last. Then make every sigmoid a tanh.
    """
    return _learned(_deep(5, "Sigmoid"), "CrossEntropy", MOMENTUM, 15)


@FAMILY.exhibit("normed-at-a-high-rate", IOFFE)
def normed_at_a_high_rate() -> dict[str, Json]:
    """A learning rate of 1, ten times what this network bears, and it learns all the same: every layer is normed.

    Take the four norms out, and it does no better than chance.
    """
    nodes = _deep(4, "BatchNorm1d", "ReLU")
    for node in nodes:
        if str(node["id"]).startswith("hidden"):
            node["params"] = {**node["params"], "bias": False}
    return _learned(nodes, "CrossEntropy", pick("SGD", lr=1.0), 15)


@FAMILY.exhibit("squared-error", GOLIK)
def squared_error() -> dict[str, Json]:
    """Classes learned by squared error from a softmax: where it is surely wrong its slope is flat, and it takes long to leave.

    Take the softmax out and learn by cross-entropy: it is there in a tenth of the time.
    """
    nodes = chain(
        layer("Input", id="image", shape=[1, 8, 8]),
        layer("Flatten"),
        layer("Linear", id="hidden", out_features=32),
        layer("Sigmoid", id="sigmoid"),
        layer("Linear", id="scores", out_features=10),
        layer("Softmax", id="probabilities"),
    )
    return _learned(nodes, "MSE", pick("SGD", lr=1.0), 40)


@FAMILY.exhibit("dead-relu", MAAS)
def dead_relu() -> dict[str, Json]:
    """Hidden units that begin at -10 are zero for every digit, and have no slope that could bring them back.

    Make it a LeakyReLU with a slope of 0.1, and they come alive.
    """
    nodes = chain(
        layer("Input", id="image", shape=[1, 8, 8]),
        layer("Flatten"),
        layer("Linear", id="hidden", out_features=64) | {"init": {"bias": pick("Constant", val=-10.0)}},
        layer("ReLU", id="relu"),
        layer("Linear", id="scores", out_features=10),
    )
    return _learned(nodes, "CrossEntropy", MOMENTUM, 20)


@FAMILY.exhibit("constant-rate", ROBBINS)
def constant_rate() -> dict[str, Json]:
    """A neuron is to tell the sum of two numbers of which it sees one: what it does not see is noise, and every sample pulls it elsewhere.

    With a constant rate it comes near the best answer, half more than what it sees, and hovers around it. Choose the
    schedule InverseTime with a decay of 1, and it settles.
    """
    nodes = chain(
        layer("Input", id="sequence", shape=[2, 2]),
        layer("Slice", id="seen", stop=1),
        layer("Flatten"),
        layer("Linear", id="guess", out_features=1),
    )
    return {
        "network": network(nodes),
        "data": {"source": pick("AddingProblem", length=2), "split": {"train": 0.5, "validation": 0.0}},
        "recipe": recipe("MSE", pick("SGD", lr=0.3), 1, 20),
    }


@FAMILY.exhibit("sparse-weights", TIBSHIRANI)
def sparse_weights() -> dict[str, Json]:
    """Thirty measurements of a tumour stand beside thirty columns of noise. L1 takes nearly all weights away that are not needed.

    Look at the weights when it is done. Then take L2 in its place: all weights become small, and hardly any zero.
    """
    nodes = chain(
        layer("Input", id="measurements", shape=[60]),
        layer("Linear", id="hidden", out_features=16),
        layer("ReLU", id="relu"),
        layer("Linear", id="scores", out_features=2),
    )
    data = {
        "source": pick("BreastCancer", noise_columns=30),
        "split": {"train": 0.6, "validation": 0.2},
        "prepare": [pick("Standardize", column="measurements")],
    }
    learned = recipe("CrossEntropy", pick("Adam", lr=0.001), 32, 150)
    return {"network": network(nodes), "data": data, "recipe": learned | {"penalties": [pick("L1", strength=0.01)]}}
