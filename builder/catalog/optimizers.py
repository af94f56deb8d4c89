"""Optimizers: how weights follow their gradients. Some correct the gradient, some adjust the rate, some do both."""

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from builder.catalog.entry import Entry
from builder.problem import say

Rate = Annotated[float, Field(gt=0, le=100)]
Decay = Annotated[float, Field(ge=0, le=1)]
Beta = Annotated[float, Field(ge=0, lt=1)]

GRADIENT = "Corrects the gradient"
RATE = "Adjusts the rate"
BOTH = "Corrects gradient, adjusts rate"

ADVANCED: dict[str, Any] = {"advanced": True}


class Optimizer(Entry):
    """A rule that changes weights after each batch. `fused`: PyTorch has a one-kernel implementation of it."""

    kind: ClassVar[str] = "optimizer"
    fused: ClassVar[bool] = False
    usual: ClassVar[tuple[float, float]]
    """Learning rates that people use it with."""
    follows_rate: ClassVar[bool] = True
    """Whether its steps go by the learning rate after the first one too, and so by a schedule."""
    repeats: ClassVar[bool] = False
    """Whether one step looks at its batch several times: PyTorch then wants the look as a closure."""

    unswept: ClassVar[str] = ""
    """Why a rate that rises from step to step says nothing of which is good; empty where it does."""

    def swept(self) -> tuple[float, float]:
        """The lowest and the highest rate of a range test: far below what people use, and far above."""
        lowest, highest = self.usual
        return lowest / 100, min(100.0, 100 * highest)

    def slots(self) -> int:
        """Numbers that it remembers for each number that learns, at most."""
        return 0

    def begun_at_zero(self) -> tuple[str, ...]:
        """What PyTorch begins in a first step alone, and only if asked: a branch may ask for it later."""
        return ()

    def grouped(self) -> str:
        """The function of `builder.compile.modules` that puts what learns into groups; empty where it is one group."""
        return ""


class _Decays(Optimizer):
    """What optimizers with a weight decay share."""

    decay_biases_and_norms: bool = Field(
        True,
        title="Decay biases and norms",
        description="As PyTorch does; off, the weight decay pulls at weights alone, as is usual for large networks.",
        json_schema_extra=ADVANCED,
    )

    def args(self) -> dict[str, Any]:
        return self.model_dump(exclude={"decay_biases_and_norms"})

    def grouped(self) -> str:
        return "" if self.decay_biases_and_norms else "decaying_weights"


def _lr(default: float, description: str = "How far each step moves.") -> Any:
    return Field(default, title="Learning rate η", description=description)


def _weight_decay(
    default: float = 0.0, description: str = "Pull towards zero, added to the gradient; 1e-4 is usual."
) -> Any:
    return Field(default, title="Weight decay λ", description=description)


def _eps(default: float) -> Any:
    return Field(default, title="Epsilon ε", description="Keeps the division finite.", json_schema_extra=ADVANCED)


class SGD(_Decays):
    """Goes downhill along the gradient of each batch; with momentum it keeps rolling in the direction it had."""

    group, target, fused = GRADIENT, "optim.SGD", True
    usual = (1e-4, 1.0)
    aliases = ("momentum", "nesterov", "gradient descent", "stochastic gradient descent")
    formula = r"v \leftarrow \mu v + g,\quad \theta \leftarrow \theta - \eta v"

    lr: Rate = _lr(1e-3)
    momentum: Beta = Field(0.0, title="Momentum μ", description="Share of the last step that is kept; 0.9 is usual.")
    nesterov: bool = Field(
        False, title="Nesterov", description="Look ahead by the momentum before measuring the slope."
    )
    weight_decay: Decay = _weight_decay(description="Pull towards zero, added to the gradient.")

    def slots(self) -> int:
        return 1 if self.momentum else 0

    @model_validator(mode="after")
    def nesterov_needs_momentum(self) -> Self:
        if self.nesterov and self.momentum == 0:
            raise ValueError("nesterov needs a momentum above 0")
        return self


class ASGD(_Decays):
    """Gradient descent whose rate falls slowly, with an average of the weights beside it (Polyak and Juditsky 1992).

    PyTorch keeps the average to itself, and the network goes on with its last weights. Use the recipe's average of
    weights to judge an average.
    """

    group, target = GRADIENT, "optim.ASGD"
    usual = (1e-4, 1.0)
    aliases = ("averaged sgd", "averaged stochastic gradient descent", "polyak averaging")
    formula = (
        r"\theta \leftarrow (1 - \lambda_0 \eta_t)\,\theta - \eta_t g,\quad "
        r"\eta_{t+1} = \eta / (1 + \lambda_0 \eta t)^{\alpha}"
    )

    lr: Rate = _lr(1e-2, "How far the first step moves; later ones move less.")
    lambd: Decay = Field(1e-4, title="Fall λ0", description="How soon the rate falls, and a decay of its own.")
    alpha: Decay = Field(0.75, title="Power α", description="How steeply the rate falls; 0.75 is usual.")
    t0: Annotated[float, Field(ge=0, le=1e12)] = Field(
        1e6, title="Average from t0", description="The step after which weights are averaged."
    )
    weight_decay: Decay = _weight_decay()

    def slots(self) -> int:
        return 1


class Muon(_Decays):
    """Makes the momentum of every weight matrix orthogonal, so that all of its directions move alike (Jordan et al. 2024).

    It takes matrices: weights of dense, recurrent and attention layers. Kernels of convolutions, embeddings, biases and
    norms go by AdamW with the same rate and weight decay.
    """

    group, target = GRADIENT, "MuonWithAdamW"
    usual = (1e-4, 0.1)
    aliases = ("momentum orthogonalized by newton-schulz", "orthogonal momentum")
    formula = (
        r"B \leftarrow \mu B + (1 - \mu)\, G,\quad (1 - \mu)\, G + \mu B = U \Sigma V^\top,\quad "
        r"W \leftarrow (1 - \eta\lambda)\, W - 0.2\,\eta \sqrt{\max(m, n)}\; U V^\top"
    )

    lr: Rate = _lr(1e-3, "How far each step moves; one for AdamW fits.")
    weight_decay: Decay = _weight_decay(0.1, "Pull towards zero, on the weights themselves.")
    momentum: Beta = Field(0.95, title="Momentum μ", description="Memory of the gradients of matrices; 0.95 is usual.")
    nesterov: bool = Field(True, title="Nesterov", description="Count the newest gradient once more.")
    adjust_lr_fn: Literal["match_rms_adamw", "original"] = Field(
        "match_rms_adamw",
        title="Rate of matrices",
        description="Scaled to move as far as AdamW (Liu et al. 2025), so that one rate fits both, or as Muon was published.",
    )
    betas: tuple[Beta, Beta] = Field(
        (0.9, 0.999),
        title="Betas β1, β2",
        description="AdamW's memory of the gradient's mean and of its square.",
        json_schema_extra=ADVANCED,
    )
    eps: Rate = Field(1e-8, title="Epsilon ε", description="Keeps AdamW's division finite.", json_schema_extra=ADVANCED)
    ns_steps: Annotated[int, Field(ge=1, le=99)] = Field(
        5,
        title="Iterations",
        description="Of Newton and Schulz towards an orthogonal matrix; 5 are usual.",
        json_schema_extra=ADVANCED,
    )

    def slots(self) -> int:
        return 2  # AdamW's; a matrix has one

    def grouped(self) -> str:
        return "matrices_first" if self.decay_biases_and_norms else "decaying_matrices_first"


class LBFGS(Optimizer):
    """Guesses from the last gradients how the slope bends, and goes for the bottom at once (Liu and Nocedal 1989).

    It looks at its batch many times a step, and needs batches that hardly differ: the whole training part is best.
    """

    group, target, repeats = GRADIENT, "optim.LBFGS", True
    usual = (0.01, 2.0)
    unswept = "It guesses from its last steps how far to go, and a rate of 1 goes all of the way."
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
        1e-7, title="Flat", description="A step ends where no slope is larger.", json_schema_extra=ADVANCED
    )
    tolerance_change: Rate = Field(
        1e-9, title="Still", description="A step ends where nothing moves by more.", json_schema_extra=ADVANCED
    )

    def slots(self) -> int:
        return 2 * self.history_size + 4  # pairs of steps and gradients; direction, last gradient, two in the making


class Adagrad(_Decays):
    """Divides every weight's step by the root of all its squared gradients so far (Duchi et al. 2011).

    Rare inputs keep large steps; the sum only grows, so that learning slows down and stops early.
    """

    group, target = RATE, "optim.Adagrad"
    usual = (1e-4, 0.5)
    aliases = ("adaptive gradient",)
    formula = r"s \leftarrow s + g^2,\quad \theta \leftarrow \theta - \eta\, g / (\sqrt{s} + \epsilon)"

    lr: Rate = _lr(1e-2, "How far the first step moves.")
    lr_decay: Decay = Field(0.0, title="Rate decay", description="Divides the rate by 1 plus this for each step done.")
    weight_decay: Decay = _weight_decay()
    initial_accumulator_value: Annotated[float, Field(ge=0, le=100)] = Field(
        0.0, title="First sum s", description="Makes the first steps shorter; 0.1 is usual elsewhere."
    )
    eps: Rate = _eps(1e-10)

    def slots(self) -> int:
        return 1


class Adadelta(_Decays):
    """Adagrad that forgets, and takes its rate from how far the last steps went (Zeiler 2012)."""

    group, target = RATE, "optim.Adadelta"
    usual = (0.01, 10.0)
    formula = (
        r"s \leftarrow \rho s + (1 - \rho) g^2,\quad \Delta = \sqrt{\tfrac{u + \epsilon}{s + \epsilon}}\; g,\quad "
        r"u \leftarrow \rho u + (1 - \rho) \Delta^2,\quad \theta \leftarrow \theta - \eta \Delta"
    )

    lr: Rate = _lr(1.0, "Multiplies the step, which has a length of its own; 1 is as published.")
    rho: Beta = Field(
        0.9, title="Memory ρ", description="Of squared gradients and squared steps; 0.9 to 0.95 is usual."
    )
    weight_decay: Decay = _weight_decay()
    eps: Rate = Field(
        1e-6, title="Epsilon ε", description="Sets how far the first steps go.", json_schema_extra=ADVANCED
    )

    def slots(self) -> int:
        return 2


class RMSprop(_Decays):
    """Divides every weight's step by the root of its recent squared gradients (Hinton 2012): Adagrad that forgets.

    Good where the slopes change as learning goes on, as in recurrent networks.
    """

    group, target = RATE, "optim.RMSprop"
    usual = (1e-5, 0.02)
    aliases = ("rms", "root mean square propagation")
    formula = (
        r"s \leftarrow \alpha s + (1 - \alpha) g^2,\quad \theta \leftarrow \theta - \eta\, g / (\sqrt{s} + \epsilon)"
    )

    lr: Rate = _lr(1e-2, "How far each step moves; 0.001 is usual for networks.")
    alpha: Beta = Field(0.99, title="Memory α", description="Of squared gradients; 0.9 to 0.99 is usual.")
    weight_decay: Decay = _weight_decay()
    momentum: Beta = Field(0.0, title="Momentum μ", description="Share of the last step that is kept; 0.9 is usual.")
    centered: bool = Field(
        False, title="Centered", description="Subtract the squared mean: divide by the spread of the gradients."
    )
    eps: Rate = _eps(1e-8)

    def slots(self) -> int:
        return 1 + len(self.begun_at_zero())

    def begun_at_zero(self) -> tuple[str, ...]:
        return ("momentum_buffer",) * (self.momentum > 0) + ("grad_avg",) * self.centered


class Adafactor(_Decays):
    """RMSprop that remembers one number for each row and each column of a matrix (Shazeer and Stern 2018).

    For networks that hardly fit into memory. Steps are relative to the size of the weights.
    """

    group, target = RATE, "optim.Adafactor"
    usual = (1e-5, 0.1)
    formula = (
        r"V \approx r c^\top / \bar r,\quad U = G / \sqrt{V},\quad "
        r"\theta \leftarrow \theta - \min\!\left(\eta, \tfrac{1}{\sqrt t}\right) \max(\epsilon_2, \mathrm{RMS}(\theta))\,"
        r" \frac{U}{\max(1, \mathrm{RMS}(U) / d)}"
    )

    lr: Rate = _lr(1e-2, "Most that a step moves, as a share of the weights' size.")
    beta2_decay: Annotated[float, Field(ge=-10, le=0)] = Field(
        -0.8, title="Memory τ", description="The memory of squared gradients at step t is 1 - t^τ; -0.8 is usual."
    )
    d: Annotated[float, Field(ge=1, le=1_000)] = Field(
        1.0, title="Clip d", description="A step that would be longer than this is made so long."
    )
    weight_decay: Decay = _weight_decay(description="Pull towards zero, on the weights themselves.")

    def swept(self) -> tuple[float, float]:
        return 1e-7, 0.1  # at step t no rate above 1/√t counts

    def slots(self) -> int:
        return 1  # of biases and norms, and under way in a step; of matrices it keeps a row and a column


class Rprop(Optimizer):
    """Every weight has a step of its own, longer while its slope keeps its sign, else shorter (Riedmiller and Braun 1993).

    Only the sign of a slope counts, so that batches must hardly differ: the whole training part is best. A schedule
    changes nothing after the first step.
    """

    group, target = RATE, "optim.Rprop"
    usual, follows_rate = (1e-5, 0.1), False
    unswept = "The rate is that of its first step alone; after that every weight finds its own."
    aliases = ("resilient propagation", "resilient backpropagation")
    formula = (
        r"\Delta \leftarrow \begin{cases} \eta_+ \Delta & g_t g_{t-1} > 0 \\ \eta_- \Delta & g_t g_{t-1} < 0 \end{cases},"
        r"\quad \theta \leftarrow \theta - \mathrm{sign}(g)\, \Delta"
    )

    lr: Rate = _lr(1e-2, "How far the first step moves; later ones find their own length.")
    etas: tuple[
        Annotated[float, Field(gt=0, lt=1)],
        Annotated[float, Field(gt=1, le=100)],
    ] = Field((0.5, 1.2), title="Factors η-, η+", description="Make a step shorter, or longer; 0.5 and 1.2 are usual.")
    step_sizes: tuple[Rate, Rate] = Field(
        (1e-6, 50), title="Shortest, longest", description="Bounds of a weight's step."
    )

    def slots(self) -> int:
        return 2

    @model_validator(mode="after")
    def bounds_are_in_order(self) -> Self:
        shortest, longest = self.step_sizes
        if shortest > longest:
            raise ValueError(
                say("the shortest step, {a:g}, must not be above the longest, {b:g}", a=shortest, b=longest)
            )
        return self


class _Adam(_Decays):
    """What Adam and its kin share."""

    usual = (1e-5, 0.1)

    lr: Rate = _lr(1e-3)
    betas: tuple[Beta, Beta] = Field(
        (0.9, 0.999), title="Betas β1, β2", description="Memory of the gradient's mean and of its square."
    )
    eps: Rate = _eps(1e-8)

    def slots(self) -> int:
        return 2


class _AdamMax(_Adam):
    """What Adam and AdamW share besides."""

    amsgrad: bool = Field(
        False,
        title="AMSGrad",
        description="Divide by the largest mean square so far: steps never grow again (Reddi et al. 2018).",
        json_schema_extra=ADVANCED,
    )

    def slots(self) -> int:
        return 2 + self.amsgrad

    def begun_at_zero(self) -> tuple[str, ...]:
        return ("max_exp_avg_sq",) * self.amsgrad


class Adam(_AdamMax):
    """Gives every weight a step of its own: momentum, divided by the root of the recent squared gradients (Kingma and Ba 2014)."""

    group, target, fused = BOTH, "optim.Adam", True
    aliases = ("amsgrad", "adaptive moments")
    formula = r"\theta \leftarrow \theta - \eta\, \hat m / (\sqrt{\hat v} + \epsilon)"

    weight_decay: Decay = _weight_decay(description="Pull towards zero, added to the gradient.")


class AdamW(_AdamMax):
    """Adam with weight decay applied to the weights, not mixed into the gradient (Loshchilov and Hutter 2017)."""

    group, target, fused = BOTH, "optim.AdamW", True
    aliases = ("adam with weight decay",)
    formula = r"\theta \leftarrow (1 - \eta\lambda)\,\theta - \eta\, \hat m / (\sqrt{\hat v} + \epsilon)"

    weight_decay: Decay = _weight_decay(0.01, "Pull towards zero, on the weights themselves.")


class Adamax(_Adam):
    """Adam that divides by the largest recent gradient instead of the root of their squares (Kingma and Ba 2014)."""

    group, target = BOTH, "optim.Adamax"
    formula = r"u \leftarrow \max(\beta_2 u,\ |g| + \epsilon),\quad \theta \leftarrow \theta - \eta\, \hat m / u"

    lr: Rate = _lr(2e-3)
    betas: tuple[Beta, Beta] = Field(
        (0.9, 0.999), title="Betas β1, β2", description="Memory of the gradient's mean and of its largest size."
    )
    weight_decay: Decay = _weight_decay()


class _Decoupled(_Adam):
    """What NAdam and RAdam share."""

    weight_decay: Decay = _weight_decay()
    decoupled_weight_decay: bool = Field(
        False,
        title="Decay as AdamW",
        description="Pull at the weights themselves, instead of adding to the gradient.",
        json_schema_extra=ADVANCED,
    )


class NAdam(_Decoupled):
    """Adam with Nesterov's look ahead, and a momentum that grows in the first steps (Dozat 2016)."""

    group, target = BOTH, "optim.NAdam"
    aliases = ("nesterov adam",)
    formula = (
        r"\theta \leftarrow \theta - \eta \left(\mu_{t+1} \hat m + \tfrac{1 - \mu_t}{1 - \prod \mu}\, g\right) / (\sqrt{\hat v} + \epsilon),\quad "
        r"\mu_t = \beta_1 \left(1 - \tfrac12\, 0.96^{\,t \psi}\right)"
    )

    lr: Rate = _lr(2e-3)
    momentum_decay: Decay = Field(
        4e-3, title="Growth ψ", description="How soon the momentum reaches β1; 0.004 is usual."
    )


class RAdam(_Decoupled):
    """Adam that waits with dividing until it has seen enough gradients to know their size (Liu et al. 2019)."""

    group, target = BOTH, "optim.RAdam"
    aliases = ("rectified adam",)
    formula = r"\theta \leftarrow \theta - \eta\, r_t\, \hat m / (\sqrt{\hat v} + \epsilon)\ \text{if}\ \rho_t > 5,\ \text{else}\ \theta - \eta\, \hat m"
