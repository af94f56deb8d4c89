"""From class numbers to features, and where in a sequence they stand."""

from typing import Annotated, Any

from pydantic import Field

from builder.catalog.layers.base import AXES_IN_WORDS, Layer, Saved, ShapeProblem, Signals, Suggestion, expect_axes
from builder.catalog.layers.dense import Count
from builder.catalog.signal import Shape, Signal
from builder.problem import say


def expect_classes(x: Signal, *allowed: str) -> int:
    """How many classes there are. Refuses what is no class number, or has other axes than `allowed`."""
    if x.dtype != "int64":
        raise ShapeProblem(
            "dtype/not-classes",
            "{node} needs class numbers",
            say("It looks numbers up (int64: 0, 1, 2 ...), and what comes in is {dtype}: {shape}.", dtype=x.dtype, shape=x),
        )  # fmt: skip
    if x.classes is None:
        raise ShapeProblem(
            "shape/no-classes",
            "{node} does not know how many classes there are",
            say("It keeps something for each of them. Set `classes` of the Input that the numbers come from: values are 0 to classes - 1."),
        )  # fmt: skip
    if x.axes not in allowed:
        raise ShapeProblem(
            "shape/wrong-axes",
            "{node} gets the wrong kind of input",
            say(
                "It works on {wanted}, and what comes in is {given}: {shape}.",
                wanted=" or ".join(AXES_IN_WORDS[axes] for axes in allowed), given=AXES_IN_WORDS[x.axes], shape=x,
            ),
        )  # fmt: skip
    return x.classes


class Embedding(Layer):
    """Learns a row of features for every class number (a word, a symbol, a user) and looks it up."""

    group, target = "Embedding", "nn.Embedding"
    aliases = ("lookup", "wordvectors", "word embedding", "token embedding")
    positional = 2
    formula = r"y_t = W_{x_t}"
    initialized = ("nn.Embedding",)

    embedding_dim: Count = Field(32, title="Features", description="Numbers that stand for one class.")
    padding_idx: Annotated[int, Field(ge=0)] | None = Field(
        None,
        title="Padding",
        description="The class that means nothing and only fills up: its row is zero and stays zero.",
    )

    def runs(self, *x: Signal) -> str:
        return self.target if self.padding_idx is None else "PaddedEmbedding"

    def last_word(self) -> str | None:
        return None if self.padding_idx is None else "empty_padding"

    def args(self, *x: Signal) -> dict[str, Any]:
        return {"num_embeddings": x[0].classes, **self.model_dump()}

    def infer(self, *x: Signal) -> Signals:
        classes = expect_classes(x[0], "T", "F", "")
        if self.padding_idx is not None and self.padding_idx >= classes:
            raise ShapeProblem(
                "shape/no-such-class",
                "{node} has no such padding",
                say("The classes are 0 to {last}; padding_idx is {padding}.", last=classes - 1, padding=self.padding_idx),
                Suggestion(say("Set padding_idx to {last}", last=classes - 1), {"padding_idx": classes - 1}),
                Suggestion(say("Use no padding"), {"padding_idx": None}),
            )  # fmt: skip
        return (Signal((*x[0].shape, self.embedding_dim), "TF" if x[0].shape else "F"),)

    def parameters(self, *x: Signal) -> dict[str, Shape]:
        return {"weight": (x[0].classes or 0, self.embedding_dim)}

    def saved(self, x: Signals, y: Signals) -> Saved:
        return Saved(inputs=True)


class OneHot(Layer):
    """Makes a row of zeros with a single 1 of every class number, at the place of its class. Nothing is learned."""

    group, target = "Embedding", "OneHot"
    aliases = ("one hot encoding", "category encoding")
    positional = 1
    formula = r"y_{tk} = \begin{cases} 1 & x_t = k \\ 0 & \text{else} \end{cases}"

    def args(self, *x: Signal) -> dict[str, Any]:
        return {"classes": x[0].classes}

    def infer(self, *x: Signal) -> Signals:
        classes = expect_classes(x[0], "T", "F", "HW", "")
        if x[0].axes == "HW":
            return (Signal((classes, *x[0].shape), "CHW"),)
        return (Signal((*x[0].shape, classes), "TF" if x[0].shape else "F"),)


class PositionalEncoding(Layer):
    """Adds to every step a pattern that tells where it stands, since attention alone cannot tell first from last.

    The pattern is made of sines and cosines of different lengths (Vaswani et al. 2017, section 3.5), or learned.
    """

    group, target = "Embedding", "SinusoidalEncoding"
    aliases = ("positionalembedding", "positionembedding", "position encoding")
    positional = 2
    formula = (
        r"y_{t,2i} = x_{t,2i} + \sin\frac{t}{10000^{2i/F}},\quad y_{t,2i+1} = x_{t,2i+1} + \cos\frac{t}{10000^{2i/F}}"
    )

    learned: bool = Field(
        False, description="Learn a row of numbers for every step, from small random ones (σ = 0.02), instead."
    )

    def runs(self, *x: Signal) -> str:
        return "LearnedEncoding" if self.learned else self.target

    def args(self, *x: Signal) -> dict[str, Any]:
        steps, features = x[0].shape
        return {"steps": steps, "features": features}

    def infer(self, *x: Signal) -> Signals:
        expect_axes(x[0], "TF")
        return (x[0],)

    def parameters(self, *x: Signal) -> dict[str, Shape]:
        return {"encoding": x[0].shape} if self.learned else {}

    def buffers(self, *x: Signal) -> dict[str, Shape]:
        return {} if self.learned else {"encoding": x[0].shape}

    def operations(self, x: Signals, y: Signals) -> dict[str, int]:
        return {"merge": y[0].numbers}
