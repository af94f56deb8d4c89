"""Single neurons, gates, and the first networks of more than one layer."""

from builder.blocks.chain import chain, layer
from builder.blocks.gallery.exhibit import Family, network, pick, recipe
from builder.problem import Json

FAMILY = Family("Neurons and gates")

ROSENBLATT = (
    "F. Rosenblatt, The perceptron: a probabilistic model for information storage and organization in the brain, 1958"
)
MCCULLOCH = "W. McCulloch and W. Pitts, A logical calculus of the ideas immanent in nervous activity, 1943"
MINSKY = "M. Minsky and S. Papert, Perceptrons, 1969"
RUMELHART = "D. Rumelhart, G. Hinton and R. Williams, Learning representations by back-propagating errors, 1986"


def _gates(gate: str) -> dict[str, Json]:
    return {"source": pick("Gates", gate=gate), "split": {"train": 0.5, "validation": 0.0}}


def _neuron(
    id: str, weights: list[float], bias: float, inputs: list[str] | None = None, **more: Json
) -> dict[str, Json]:
    """A neuron with one output, whose numbers are set by hand."""
    init = {"weight": pick("Values", values=[weights]), "bias": pick("Values", values=[bias])}
    return {**layer("Linear", id=id, inputs=inputs, out_features=1), "init": init, **more}


def _gate(gate: str, weights: list[float], bias: float) -> dict[str, Json]:
    """One neuron that is a gate from the start. What it learns from is its sum; the step is there to be looked at."""
    nodes = chain(layer("Input", id="inputs", shape=[2]), _neuron("neuron", weights, bias), layer("Step", id="fires"))
    return {
        "network": network(nodes, outputs=["neuron", "fires"]),
        "data": _gates(gate),
        "recipe": recipe("BCEWithLogits", pick("SGD", lr=0.1), 10, 5),
    }


@FAMILY.exhibit("perceptron", ROSENBLATT)
def perceptron() -> dict[str, Json]:
    """One neuron learns a NAND gate: a straight line through four points.

    The oldest network there is; watch the line turn until all four points lie on their side of it.
    """
    return {
        "network": network(chain(layer("Input", id="inputs", shape=[2]), layer("Linear", id="neuron", out_features=1))),
        "data": _gates("nand"),
        "recipe": recipe("BCEWithLogits", pick("SGD", lr=0.5), 10, 50),
    }


@FAMILY.exhibit("nand-gate", MCCULLOCH)
def nand_gate() -> dict[str, Json]:
    """A NAND gate with weights set by hand: -2, -2 and a bias of 3.

    The sums are 3, 1, 1 and -1, so it fires unless both inputs are on. Any circuit can be built of NAND gates, and so
    of neurons.
    """
    return _gate("nand", [-2, -2], 3)


@FAMILY.exhibit("and-gate", MCCULLOCH)
def and_gate() -> dict[str, Json]:
    """An AND gate with weights set by hand: 2, 2 and a bias of -3.

    One input alone does not reach the threshold, both together do.
    """
    return _gate("and", [2, 2], -3)


@FAMILY.exhibit("or-gate", MCCULLOCH)
def or_gate() -> dict[str, Json]:
    """An OR gate with weights set by hand: 2, 2 and a bias of -1.

    The same weights as AND: only the threshold is lower, so that one input is enough.
    """
    return _gate("or", [2, 2], -1)


@FAMILY.exhibit("xor-gate", MINSKY)
def xor_gate() -> dict[str, Json]:
    """XOR as a circuit: an OR gate and a NAND gate, and an AND gate behind them.

    No single neuron can do it, because no straight line parts its points; two layers can. The first layer's weights are
    set by hand and frozen, since nothing can be learned through a step.
    """
    nodes = chain(
        layer("Input", id="inputs", shape=[2]),
        _neuron("or_gate", [2, 2], -1, ["inputs"], frozen=True), layer("Step", id="or_fires"),
        _neuron("nand_gate", [-2, -2], 3, ["inputs"], frozen=True), layer("Step", id="nand_fires"),
        layer("Concat", id="both", inputs=["or_fires", "nand_fires"]),
        _neuron("and_gate", [2, 2], -3), layer("Step", id="fires"),
    )  # fmt: skip
    return {
        "network": network(nodes, outputs=["and_gate", "fires"]),
        "data": _gates("xor"),
        "recipe": recipe("BCEWithLogits", pick("SGD", lr=0.1), 10, 5),
    }


@FAMILY.exhibit(
    "linear-regression", "A.-M. Legendre, Nouvelles méthodes pour la détermination des orbites des comètes, 1805"
)
def linear_regression() -> dict[str, Json]:
    """One neuron without a bend learns to add two numbers.

    Its weights can be read off when it is done: 1 for each of the numbers. Least squares have one lowest point, and
    gradient descent walks straight to it.
    """
    nodes = chain(
        layer("Input", id="sequence", shape=[2, 2]), layer("Flatten"), layer("Linear", id="sum", out_features=1)
    )
    return {
        "network": network(nodes),
        "data": {"source": pick("AddingProblem", samples=500, length=2)},
        "recipe": recipe("MSE", pick("SGD", lr=0.1), 20, 40),
    }


@FAMILY.exhibit("logistic-regression", "D. Cox, The regression analysis of binary sequences, 1958")
def logistic_regression() -> dict[str, Json]:
    """Which of two clouds is a point from?

    One neuron and a sigmoid give a probability. The line where it is one half is straight, whatever the data are.
    """
    return {
        "network": network(chain(layer("Input", id="point", shape=[2]), layer("Linear", id="score", out_features=1))),
        "data": {"source": pick("Gauss", noise=0.2), "split": {"train": 0.5, "validation": 0.2}},
        "recipe": recipe("BCEWithLogits", pick("SGD", lr=0.1), 10, 30),
    }


@FAMILY.exhibit("xor-mlp", RUMELHART)
def xor_mlp() -> dict[str, Json]:
    """What one neuron cannot do, two layers can: XOR, which no straight line separates.

    Nobody tells the hidden layer what to look for; the gradient does.
    """
    nodes = chain(
        layer("Input", id="inputs", shape=[2]),
        layer("Linear", id="hidden", out_features=8),
        layer("Tanh"),
        layer("Linear", id="output", out_features=1),
    )
    return {
        "network": network(nodes),
        "data": _gates("xor"),
        "recipe": recipe("BCEWithLogits", pick("Adam", lr=0.05), 10, 50),
    }


@FAMILY.exhibit("playground", "TensorFlow Playground, playground.tensorflow.org, 2016")
def playground() -> dict[str, Json]:
    """A circle of points inside a ring of others. Four tanh neurons bend the plane until a line can part them."""
    nodes = chain(
        layer("Input", id="point", shape=[2]),
        layer("Linear", id="hidden1", out_features=4),
        layer("Tanh", id="tanh1"),
        layer("Linear", id="hidden2", out_features=2),
        layer("Tanh", id="tanh2"),
        layer("Linear", id="output", out_features=1),
        layer("Tanh", id="tanh3"),
    )
    return {
        "network": network(nodes),
        "data": {"source": pick("Circle"), "split": {"train": 0.5, "validation": 0.2}},
        "recipe": recipe("MSE", pick("Adam", lr=0.01), 10, 200),
    }
