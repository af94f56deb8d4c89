"""Blocks of Transformers."""

from typing import Annotated, Self

from pydantic import Field

from builder.blocks.chain import layer
from builder.blocks.template import Nodes, Template, graph, path
from builder.blocks.templates.fields import ADVANCED, Activation, Count, Share
from builder.catalog.signal import Signal
from builder.problem import Json


class TransformerEncoderBlock(Template):
    """Every step of a sequence looks at all others and takes what it needs, then thinks about it by itself.

    Norms come first, so that the skip paths run straight through (Vaswani et al. 2017, arXiv:1706.03762; norms first:
    Xiong et al. 2020, arXiv:2002.04745).
    """

    group, target = "Attention", ""
    formula = (
        r"z = x + \operatorname{attention}(\operatorname{norm}(x)),\quad y = z + W_2\,\phi(W_1 \operatorname{norm}(z))"
    )

    d_model: Count = Field(64, title="Width", description="Features of each step that come in, and come out.")
    nhead: Annotated[int, Field(ge=1, le=256)] = Field(
        4, title="Heads", description="Looks taken side by side; they divide the width."
    )
    dim_feedforward: Count = Field(256, title="Inner width", description="Features inside the second part.")
    dropout: Share = Field(0.1, description="Share dropped behind each part while training.")
    activation: Activation = Field("GELU", description="The bend of the second part.")
    causal: bool = Field(False, description="No step looks at a later one.", json_schema_extra=ADVANCED)

    def following(self, given: Signal) -> Self:
        """As wide as the sequence, with as many heads as divide that."""
        if given.axes != "TF":
            return self
        width = given.shape[-1]
        heads = max(count for count in range(1, self.nhead + 1) if width % count == 0)
        return self.model_copy(update={"d_model": width, "nhead": heads})

    def fitted(self, given: Signal) -> Self:
        fitting = self.following(given)
        return fitting.model_copy(update={"dim_feedforward": 4 * fitting.d_model}) if given.axes == "TF" else fitting

    def graph(self) -> Json:
        drops = iter([[layer("Dropout", id=f"drop{at}", p=self.dropout)] if self.dropout else [] for at in (1, 2)])
        causal = {"causal": True} if self.causal else {}
        first = path(
            layer("LayerNorm", id="norm1"),
            layer("MultiheadAttention", id="attention", inputs=["norm1", "norm1"], num_heads=self.nhead, **causal),
            *next(drops),
        )
        second = path(
            layer("LayerNorm", id="norm2"), layer("Linear", id="widen", out_features=self.dim_feedforward), layer(self.activation, id="act"),
            layer("Linear", id="narrow", out_features=self.d_model), *next(drops),
            start="add1",
        )  # fmt: skip
        return graph([*first, _added("add1", "x", first), *second, _added("add2", "add1", second)])


def _added(id: str, skip: str, nodes: Nodes) -> dict[str, Json]:
    return layer("Add", id=id, inputs=[skip, nodes[-1]["id"]])
