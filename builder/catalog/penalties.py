"""Penalties: what weights cost besides the loss, so that a network does with small ones, or with few.

They are of weights alone: biases and the numbers of norms are left as the loss wants them, and so is what is frozen.
The gradient is that of loss and penalties together; the loss that is shown is that of the data.
"""

from typing import Annotated, ClassVar

from pydantic import Field

from builder.catalog.entry import Entry

Strength = Annotated[float, Field(gt=0, le=1_000)]


class Penalty(Entry):
    """A price of weights, added to the loss. `target` is the function of all weights that is multiplied by `strength`."""

    kind: ClassVar[str] = "penalty"
    group = "Weights"

    strength: Strength


class L1(Penalty):
    """Pulls every weight towards zero with the same force: those that the loss hardly needs stay near it (Tibshirani 1996).

    Weights become sparse. They end within a step of zero and not at it, so that a rate that falls to the end makes them
    sparser. Biases and norms are left alone.
    """

    target = "sum_of_sizes"
    aliases = ("lasso", "l1 regularization", "l1 regularisation", "sparsity")
    formula = r"L + \lambda \sum |W|"

    strength: Strength = Field(
        1e-4, title="L1 strength λ", description="What a weight of 1 costs; each is pulled by λ, however small it is."
    )


class L2(Penalty):
    """Pulls every weight towards zero, the harder the larger it is: all become small, hardly any zero (Hoerl and Kennard 1970).

    Its gradient is 2 λ W: with SGD it is a weight decay of 2 λ. Others scale it with the rest of the gradient, which the
    weight decay of AdamW is not. Biases and norms are left alone.
    """

    target = "sum_of_squares"
    aliases = ("ridge", "l2 regularization", "l2 regularisation", "tikhonov")
    formula = r"L + \lambda \sum W^2"

    strength: Strength = Field(
        1e-4, title="L2 strength λ", description="What a weight of 1 costs; a weight W is pulled by 2 λ W."
    )
