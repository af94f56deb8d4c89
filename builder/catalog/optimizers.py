"""Optimizers: how weights follow their gradients."""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from builder.catalog.entry import Entry

Rate = Annotated[float, Field(gt=0, le=100)]
Decay = Annotated[float, Field(ge=0, le=1)]
Beta = Annotated[float, Field(ge=0, lt=1)]


class Optimizer(Entry):
    """A rule that changes weights after each batch. `fused`: PyTorch has a one-kernel implementation of it."""

    kind: ClassVar[str] = "optimizer"
    fused: ClassVar[bool] = False
    repeats: ClassVar[bool] = False
    """Whether one step looks at its batch several times: PyTorch then wants the look as a closure."""

    def slots(self) -> int:
        """Numbers that it remembers for each number that learns."""
        return 0


class SGD(Optimizer):
    """Goes downhill along the gradient of each batch; with momentum it keeps rolling in the direction it had."""

    group, target, fused = "Gradient", "optim.SGD", True
    aliases = ("momentum", "nesterov", "gradient descent", "stochastic gradient descent")
    formula = r"v \leftarrow \mu v + g,\quad \theta \leftarrow \theta - \eta v"

    lr: Rate = Field(1e-3, title="Learning rate η", description="How far each step moves.")
    momentum: Beta = Field(0.0, title="Momentum μ", description="Share of the last step that is kept; 0.9 is usual.")
    nesterov: bool = Field(
        False, title="Nesterov", description="Look ahead by the momentum before measuring the slope."
    )
    weight_decay: Decay = Field(0.0, title="Weight decay λ", description="Pull towards zero, added to the gradient.")

    def slots(self) -> int:
        return 1 if self.momentum else 0

    @model_validator(mode="after")
    def nesterov_needs_momentum(self) -> Self:
        if self.nesterov and self.momentum == 0:
            raise ValueError("nesterov needs a momentum above 0")
        return self


class _Adam(Optimizer):
    """What Adam and AdamW share."""

    lr: Rate = Field(1e-3, title="Learning rate η", description="How far each step moves.")
    betas: tuple[Beta, Beta] = Field(
        (0.9, 0.999), title="Betas β1, β2", description="Memory of the gradient's mean and of its square."
    )
    eps: Rate = Field(1e-8, description="Keeps the division finite.", json_schema_extra={"advanced": True})

    def slots(self) -> int:
        return 2


class Adam(_Adam):
    """Gives every weight a step of its own: momentum, divided by the root of the recent squared gradients."""

    group, target, fused = "Adaptive", "optim.Adam", True
    formula = r"\theta \leftarrow \theta - \eta\, \hat m / (\sqrt{\hat v} + \epsilon)"

    weight_decay: Decay = Field(0.0, title="Weight decay λ", description="Pull towards zero, added to the gradient.")


class AdamW(_Adam):
    """Adam with weight decay applied to the weights, not mixed into the gradient."""

    group, target, fused = "Adaptive", "optim.AdamW", True
    aliases = ("adam with weight decay",)
    formula = r"\theta \leftarrow (1 - \eta\lambda)\,\theta - \eta\, \hat m / (\sqrt{\hat v} + \epsilon)"

    weight_decay: Decay = Field(
        0.01, title="Weight decay λ", description="Pull towards zero, on the weights themselves."
    )


class LBFGS(Optimizer):
    """Guesses from the last gradients how the slope bends, and goes for the bottom at once (Liu and Nocedal 1989).

    It looks at its batch many times a step, and needs batches that hardly differ: the whole training part is best.
    """

    group, target, repeats = "Curvature", "optim.LBFGS", True
    aliases = ("l-bfgs", "bfgs", "quasi newton", "newton")
    formula = r"\theta \leftarrow \theta - \eta\, H_k \nabla L,\quad H_k \approx (\nabla^2 L)^{-1}"

    lr: Rate = Field(1.0, title="Learning rate η", description="Share of the guessed way that is gone.")
    max_iter: Annotated[int, Field(ge=1, le=1_000)] = Field(
        20, title="Iterations", description="Most moves within one step."
    )
    history_size: Annotated[int, Field(ge=1, le=1_000)] = Field(
        100, title="Memory", description="How many of the last gradients it guesses from."
    )
    line_search_fn: Literal["strong_wolfe"] | None = Field(
        None, title="Line search", description="Look how far to go each time: slower, and it hardly ever diverges."
    )
    tolerance_grad: Rate = Field(
        1e-7, title="Flat", description="A step ends where no slope is larger.", json_schema_extra={"advanced": True}
    )
    tolerance_change: Rate = Field(
        1e-9,
        title="Still",
        description="A step ends where nothing moves by more.",
        json_schema_extra={"advanced": True},
    )

    def slots(self) -> int:
        return 2 * self.history_size + 4  # pairs of steps and gradients; direction, last gradient, two in the making
