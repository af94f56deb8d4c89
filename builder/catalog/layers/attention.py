"""Attention: every step looks at all others and takes what it needs from them."""

from typing import Annotated, Any, Literal

from pydantic import Field

from builder.catalog.layers.activations import SOFTMAX
from builder.catalog.layers.base import Layer, Saved, ShapeProblem, Signals, Suggestion, expect_axes
from builder.catalog.layers.dense import Count
from builder.catalog.layers.normalization import LayerNorm
from builder.catalog.signal import Shape, Signal
from builder.problem import say

Heads = Annotated[int, Field(ge=1, le=255)]
Share = Annotated[float, Field(ge=0, lt=1)]

ADVANCED: dict[str, Any] = {"advanced": True}

Sides = tuple[Shape, ...]
"""Sums of products, each as the sides whose product is their number."""


_PROJECTED = 5
"""Times its input that queries, keys and values take, as they are projected and as the heads want them, beyond what comes out."""


def expect_heads(features: int, heads: int, field: str) -> None:
    """Refuse features that do not fall into equal shares; the nearest numbers of heads that do are offered."""
    if features % heads == 0:
        return
    fewer = max(number for number in range(1, heads) if features % number == 0)
    more = next((number for number in range(heads, min(features, 255) + 1) if features % number == 0), None)
    raise ShapeProblem(
        "shape/heads",
        "{node} cannot share the features among its heads",
        say(
            "Every head works on an equal share of the {features} features, and {features} is not a multiple of {field} = {heads}.",
            features=features, field=field, heads=heads,
        ),
        *(Suggestion(say("Set {field} to {heads}", field=field, heads=number), {field: number}) for number in (fewer, more) if number),
    )  # fmt: skip


def expect_mask(mask: Signal, queries: int, keys: int) -> None:
    """Refuse a mask that does not say of every step (or of every pair of steps) whether it may be looked at."""
    fits = (mask.axes, mask.shape) in (("T", (keys,)), ("TT", (queries, keys)))
    if not fits or mask.dtype == "int64":
        raise ShapeProblem(
            "shape/mask",
            "{node} cannot use the mask",
            say(
                "A mask has axes T and {keys} numbers (one for each step that is looked at), or axes TT and {queries} x {keys} (who looks, at what): "
                "bool, where true means may not look, or float32, which is added to the scores. What comes in has axes {axes}, {shape}, {dtype}.",
                keys=keys, queries=queries, axes=mask.axes or "-", shape=mask, dtype=mask.dtype,
            ),
        )  # fmt: skip


def attention_parameters(features: int, memory: int, bias: bool, prefix: str = "") -> dict[str, Shape]:
    """The tensors of nn.MultiheadAttention; the three projections are one where all read the same width."""
    square = (features, features)
    if memory == features:
        shapes: dict[str, Shape] = {"in_proj_weight": (3 * features, features)}
    else:
        wide = (features, memory)
        shapes = {"q_proj_weight": square, "k_proj_weight": wide, "v_proj_weight": wide}
    if bias:
        shapes["in_proj_bias"] = (3 * features,)
    shapes["out_proj.weight"] = square
    if bias:
        shapes["out_proj.bias"] = (features,)
    return {prefix + name: shape for name, shape in shapes.items()}


def attention_products(query: Shape, memory: Shape) -> Sides:
    """Projections of query, keys and values; every query meets every key, then every value; the projection of what comes out."""
    (queries, features), (keys, wide) = query, memory
    return (
        (queries, features, features),
        (keys, features, wide),
        (keys, features, wide),
        (queries, keys, features),
        (queries, features, keys),
        (queries, features, features),
    )


def attention_saved(query: Shape, memory: Shape, heads: int, dropout: bool) -> int:
    """What attention holds for its way back: what it reads, queries, keys, values, and the heads' answers before and behind the
    last projection, in the numbers that PyTorch 2.13 holds on the CPU. Without dropout its kernel works the looks out again, and
    holds one number of each head and query; with it there are three of every look: scores, what is dropped, and what is left.
    """
    (queries, features), (keys, wide) = query, memory
    looks = 3 * heads * queries * keys + keys * features if dropout else heads * queries
    reads = wide if wide == features else 2 * wide  # by one projection of both keys and values, or by two
    return 3 * queries * features + keys * (2 * features + reads) + looks


def attention_first_terms(query: Shape, memory: Shape, heads: int, bias: bool) -> int:
    """How many sums have no bias, so that they take one addition less than they have products."""
    (queries, features), keys = query, memory[0]
    projected = 0 if bias else 2 * queries * features + 2 * keys * features
    return heads * queries * keys + queries * features + projected


class MultiheadAttention(Layer):
    """Every step of `query` looks at all steps of `memory` and mixes what it finds there, each head in its own way.

    Connect both to the same layer for self-attention. A `mask` says what may not be looked at: true, or minus infinity.
    """

    group, target = "Attention", "MultiheadAttention"
    aliases = (
        "attention",
        "selfattention",
        "crossattention",
        "mha",
        "multi head self attention",
        "scaled dot product attention",
        "dot product attention",
    )
    positional = 2
    formula = r"y = W_o \big[\operatorname{softmax}\!\big(\tfrac{Q_h K_h^\top}{\sqrt{d_h}}\big) V_h\big]_h,\quad Q = W_q x,\ K = W_k m,\ V = W_v m"
    inputs = ("query", "memory", "mask?")
    initialized = ("nn.MultiheadAttention", "nn.Linear")

    num_heads: Heads = Field(4, title="Heads", description="Ways of looking; each works on its share of the features.")
    causal: bool = Field(False, description="Nobody looks at later steps, as when the next word is to be guessed.")
    dropout: Share = Field(0.0, description="Share of the looks dropped in training.")
    bias: bool = Field(True, description="Learned numbers added in every projection.", json_schema_extra=ADVANCED)

    def args(self, *x: Signal) -> dict[str, Any]:
        features, wide = x[0].shape[-1], x[1].shape[-1]
        wider = {} if wide == features else {"kdim": wide, "vdim": wide}
        own = {"dropout": self.dropout, "bias": self.bias, "causal": self.causal}
        return {"embed_dim": features, "num_heads": self.num_heads, **own, **wider}

    def infer(self, *x: Signal) -> Signals:
        query, memory, *masks = x
        expect_axes(query, "TF")
        expect_axes(memory, "TF", port=1)
        expect_heads(query.shape[1], self.num_heads, "num_heads")
        for mask in masks:
            expect_mask(mask, query.shape[0], memory.shape[0])
        return (query,)

    def parameters(self, *x: Signal) -> dict[str, Shape]:
        return attention_parameters(x[0].shape[1], x[1].shape[1], self.bias)

    def products(self, x: Signals, y: Signals) -> Sides:
        return attention_products(x[0].shape, x[1].shape)

    def flops(self, x: Signals, y: Signals) -> int:
        return 2 * self.macs(x, y) - attention_first_terms(x[0].shape, x[1].shape, self.num_heads, self.bias)

    def operations(self, x: Signals, y: Signals) -> dict[str, int]:
        return {"activation": SOFTMAX * self.num_heads * x[0].shape[0] * x[1].shape[0]}

    def saved(self, x: Signals, y: Signals) -> Saved:
        held = attention_saved(x[0].shape, x[1].shape, self.num_heads, self.dropout > 0)
        return Saved(besides=held, working=_PROJECTED * x[0].numbers)


class _Transformer(Layer):
    """What a layer of a transformer's encoder and one of its decoder share: attention, then a dense net at every step."""

    group = "Attention"
    positional = 2
    initialized = ("nn.MultiheadAttention", "nn.Linear")

    nhead: Heads = Field(4, title="Heads", description="Ways of looking; each works on its share of the features.")
    dim_feedforward: Count = Field(2048, title="Hidden units", description="Of the dense net, at every step.")
    dropout: Share = Field(0.1, description="Share dropped in training: of looks, of hidden units, of each result.")
    activation: Literal["relu", "gelu"] = Field("relu", description="Of the dense net's hidden units.")
    norm_first: bool = Field(
        False, description="Normalize what goes into each part, not the sum behind it; deep stacks learn more easily."
    )
    layer_norm_eps: Annotated[float, Field(gt=0, le=1)] = Field(
        1e-5, description="Keeps the division finite.", json_schema_extra=ADVANCED
    )
    bias: bool = Field(True, description="Learned numbers added everywhere.", json_schema_extra=ADVANCED)

    def args(self, *x: Signal) -> dict[str, Any]:
        return {"d_model": x[0].shape[-1], **self.model_dump()}

    def _attends(self, x: Signals) -> dict[str, Shape]:
        """What each attention looks at, by its name."""
        raise TypeError(f"{self.name} does not say what it attends to")

    def parameters(self, *x: Signal) -> dict[str, Shape]:
        features, hidden = x[0].shape[1], self.dim_feedforward
        shapes: dict[str, Shape] = {}
        for name in self._attends(x):
            shapes |= attention_parameters(features, features, self.bias, f"{name}.")
        sides: dict[str, Shape] = {"linear1": (hidden, features), "linear2": (features, hidden)}
        sides |= {f"norm{number + 1}": (features,) for number in range(len(self._attends(x)) + 1)}
        for name, shape in sides.items():
            shapes[f"{name}.weight"] = shape
            if self.bias:
                shapes[f"{name}.bias"] = shape[:1]
        return shapes

    def products(self, x: Signals, y: Signals) -> Sides:
        (steps, features), hidden = x[0].shape, self.dim_feedforward
        looks = [sides for memory in self._attends(x).values() for sides in attention_products(x[0].shape, memory)]
        return (*looks, (steps, hidden, features), (steps, features, hidden))

    def flops(self, x: Signals, y: Signals) -> int:
        steps, features = x[0].shape
        looks = sum(
            attention_first_terms(x[0].shape, memory, self.nhead, self.bias) for memory in self._attends(x).values()
        )
        return 2 * self.macs(x, y) - looks - (0 if self.bias else steps * (features + self.dim_feedforward))

    def operations(self, x: Signals, y: Signals) -> dict[str, int]:
        steps, parts = x[0].shape[0], len(self._attends(x)) + 1
        looks = sum(self.nhead * steps * memory[0] for memory in self._attends(x).values())
        norm = LayerNorm.model_validate({"bias": self.bias}).operations(x[:1], x[:1])["normalization"]
        return {
            "activation": SOFTMAX * looks + steps * self.dim_feedforward,
            "normalization": parts * norm,
            "merge": parts * x[0].numbers,
        }

    def saved(self, x: Signals, y: Signals) -> Saved:
        """What its attentions hold; what its norms read, and the dense net's hidden units; of every dropout what is dropped."""
        looks, drops = self._attends(x).values(), self.dropout > 0
        attended = sum(attention_saved(x[0].shape, memory, self.nhead, drops) for memory in looks)
        parts, hidden = len(looks) + 1, x[0].shape[0] * self.dim_feedforward
        besides = (2 * parts + 1) * x[0].numbers + 3 * hidden if drops else parts * x[0].numbers + hidden
        return Saved(besides=attended + besides, working=max(_PROJECTED * x[0].numbers, 2 * hidden))


class TransformerEncoderLayer(_Transformer):
    """Self-attention, then a small dense net at every step, each with a skip connection and a norm (Vaswani et al. 2017).

    A `mask` says what may not be looked at: true, or minus infinity.
    """

    target = "TransformerEncoderLayer"
    aliases = ("transformer", "encoderlayer", "transformer encoder", "transformer block", "encoder")
    formula = r"h = \operatorname{norm}(x + \operatorname{attend}(x, x)),\quad y = \operatorname{norm}(h + W_2\,\sigma(W_1 h))"
    inputs = ("x", "mask?")

    causal: bool = Field(False, description="Nobody looks at later steps, as in GPT.")

    def infer(self, *x: Signal) -> Signals:
        expect_axes(x[0], "TF")
        expect_heads(x[0].shape[1], self.nhead, "nhead")
        for mask in x[1:]:
            expect_mask(mask, x[0].shape[0], x[0].shape[0])
        return (x[0],)

    def _attends(self, x: Signals) -> dict[str, Shape]:
        return {"self_attn": x[0].shape}


class TransformerDecoderLayer(_Transformer):
    """Self-attention that does not look ahead, then attention to a memory (what an encoder gave), then a small dense net.

    Each has a skip connection and a norm (Vaswani et al. 2017). A `mask` says what of the memory may not be looked at:
    true, or minus infinity.
    """

    target = "TransformerDecoderLayer"
    aliases = ("decoderlayer", "transformer decoder", "decoder")
    formula = (
        r"g = \operatorname{norm}(x + \operatorname{attend}(x, x)),\quad h = \operatorname{norm}(g + \operatorname{attend}(g, m)),"
        r"\quad y = \operatorname{norm}(h + W_2\,\sigma(W_1 h))"
    )
    inputs = ("x", "memory", "mask?")

    causal: bool = Field(True, description="Nobody looks at later steps of its own sequence.")

    def infer(self, *x: Signal) -> Signals:
        own, memory, *masks = x
        expect_axes(own, "TF")
        expect_axes(memory, "TF", port=1)
        expect_heads(own.shape[1], self.nhead, "nhead")
        if memory.shape[1] != own.shape[1]:
            raise ShapeProblem(
                "shape/memory-width",
                "{node} and its memory differ in width",
                say(
                    "Both must have the same number of features; it has {own}, and the memory {memory}.",
                    own=own.shape[1], memory=memory.shape[1],
                ),
                Suggestion(
                    say("Insert a Linear that makes the memory {features} wide", features=own.shape[1]),
                    insert=("Linear", {"out_features": own.shape[1]}),
                    port=1,
                ),
            )  # fmt: skip
        for mask in masks:
            expect_mask(mask, own.shape[0], memory.shape[0])
        return (own,)

    def _attends(self, x: Signals) -> dict[str, Shape]:
        return {"self_attn": x[0].shape, "multihead_attn": x[1].shape}
