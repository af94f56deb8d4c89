"""Clips: gradients that are too large are cut before each step, so that one bad batch cannot throw the weights far away."""

from typing import Annotated, ClassVar

from pydantic import Field

from builder.catalog.entry import Entry

Bound = Annotated[float, Field(gt=0, le=1e6)]


class Clip(Entry):
    """A bound for gradients, those of all batches that are added up to a step. `target` changes them in place."""

    kind: ClassVar[str] = "clip"
    group = "Gradients"
    positional = 1


class ByNorm(Clip):
    """Scales all gradients alike where their norm together is above a bound: the step keeps its direction (Pascanu et al. 2013).

    Usual for recurrent networks and Transformers.
    """

    target = "nn.utils.clip_grad_norm_"
    aliases = ("clip_grad_norm", "clipnorm", "gradient norm clipping", "global norm")
    formula = r"g \leftarrow g\, \min\!\left(1,\ \frac{c}{\lVert g \rVert}\right)"

    max_norm: Bound = Field(
        1.0, title="Largest norm c", description="Of the gradients of all parameters, as one vector; 1 is usual."
    )


class ByValue(Clip):
    """Cuts every number of a gradient that is above a bound, or below minus the bound: the direction of a step may change."""

    target = "nn.utils.clip_grad_value_"
    aliases = ("clip_grad_value", "clipvalue", "gradient value clipping")
    formula = r"g \leftarrow \min(\max(g, -c),\ c)"

    clip_value: Bound = Field(0.5, title="Largest value c", description="Of any number of a gradient.")
