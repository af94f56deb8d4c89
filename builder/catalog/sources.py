"""Where data can come from. An entry says what columns it has without loading them; `builder.data` loads them."""

from typing import Annotated, ClassVar, Literal, NamedTuple, Self

from pydantic import Field, model_validator

from builder import limits
from builder.catalog.entry import Entry
from builder.catalog.signal import Signal
from builder.problem import say

Seed = Annotated[int, Field(ge=0, lt=2**31)]

TWO_CLASSES = Signal((), "", "int64", 2)


class Scale(NamedTuple):
    """Of one number of a sample: its mean and standard deviation over all samples."""

    mean: float
    deviation: float


class Kept(NamedTuple):
    """Under which changes of a picture its label stays true; of each other one, what becomes of labels, in a sentence."""

    horizontal: str = ""
    """Of left and right swapped; nothing where labels hold."""
    vertical: str = ""
    degrees: float = 180.0
    """Up to this angle labels hold, either way."""
    turned: str = ""
    """Of pictures that are turned further."""


class Source(Entry):
    """A set of samples with named columns. `target` is the function of `builder.data.loaders` that gives them."""

    kind: ClassVar[str] = "data source"

    def scales(self) -> dict[str, tuple[Scale, ...]]:
        """The scale of each number in a row of measurements, by column, to three digits.

        Columns whose numbers are all about as large as 1 need not be told of, nor are pictures and sequences.
        """
        return {}

    def features(self) -> dict[str, Signal]:
        """The columns that can feed an Input, by name."""
        raise TypeError(f"{self.name} does not say what features it has")

    def targets(self) -> dict[str, Signal]:
        """The columns that can be learned, by name."""
        raise TypeError(f"{self.name} does not say what targets it has")

    def columns(self) -> dict[str, Signal]:
        """Every column: what can feed an Input can also be learned, as autoencoders do."""
        return self.features() | self.targets()

    def samples_total(self) -> int:
        """How many samples it has."""
        raise TypeError(f"{self.name} does not say how many samples it has")

    def labels(self) -> tuple[str, ...]:
        """Names of the classes of the first target; empty for numbers."""
        return ()

    def kept(self) -> Kept:
        """Which changes of its pictures leave their classes true: all, unless it says otherwise."""
        return Kept()


class Digits(Source):
    """Handwritten digits as small grey images, 1,797 in all. Black ink is 16, white paper is 0."""

    group, target = "Images", "digits"
    formula = r"x \in [0, 16]^{1 \times s \times s},\quad y \in \{0, \dots, 9\}"

    size: Literal[8, 28] = Field(8, title="Side s", description="Pixels a side; 28 stretches the 8 that there are.")

    def features(self) -> dict[str, Signal]:
        return {"image": Signal((1, self.size, self.size), "CHW")}

    def targets(self) -> dict[str, Signal]:
        return {"digit": Signal((), "", "int64", 10)}

    def samples_total(self) -> int:
        return 1797

    def labels(self) -> tuple[str, ...]:
        return tuple(map(str, range(10)))

    def kept(self) -> Kept:
        return Kept(
            horizontal=say("A mirrored 2 looks like a 5, and 3, 4, 6, 7 and 9 like no digit."),
            vertical=say("Upside down a 2 looks like a 5, a 6 much like a 9, and 4 and 7 like no digit."),
            degrees=45,
            turned=say("Turned far, a 6 becomes a 9, and a 7 something like a 1 or a 2."),
        )


FORMS = ("disc", "square", "triangle", "ring", "plus", "diamond", "frame", "cross", "bar", "half disc")
COLOURS = ("red", "green", "blue", "yellow", "magenta", "cyan", "orange", "violet", "white", "pink")
GROUNDS = ("black", "grey", "maroon", "olive", "navy", "brown", "teal", "slate", "forest", "plum")


class _Drawn(Source):
    """Pictures with shapes of random place and size, drawn by rule."""

    samples: int = Field(2_000, ge=10, le=50_000, description="How many pictures are drawn.")
    size: int = Field(32, ge=8, le=512, title="Side s", description="Pixels a side.")
    channels: Literal[1, 3] = Field(3, description="3 for colour, 1 for grey.")
    noise: float = Field(
        0.05, ge=0, le=0.5, title="Noise σ", description="Standard deviation of what every pixel is off."
    )
    seed: Seed = Field(0, title="Data seed", description="Same seed, same pictures.")

    @model_validator(mode="after")
    def fits_in_memory(self) -> Self:
        numbers = self.samples * self.channels * self.size**2
        if numbers > limits.DRAWN_NUMBERS:
            raise ValueError(
                say(
                    "{numbers:,} numbers are more than the {limit:,} allowed",
                    numbers=numbers,
                    limit=limits.DRAWN_NUMBERS,
                )
            )
        return self

    def features(self) -> dict[str, Signal]:
        return {"image": Signal((self.channels, self.size, self.size), "CHW")}

    def samples_total(self) -> int:
        return self.samples

    def forms_told(self) -> int:
        """How many of `FORMS` there are to tell apart."""
        raise TypeError(f"{self.name} does not say how many forms it has")

    def kept(self) -> Kept:
        told = set(FORMS[: self.forms_told()])
        turned = []
        if {"square", "diamond"} <= told:
            turned.append(say("Turned by 45 degrees a square is a diamond."))
        if {"plus", "cross"} <= told:
            turned.append(say("Turned by 45 degrees a plus is a cross."))
        return Kept(degrees=22.5, turned=" ".join(turned)) if turned else Kept()


class Shapes(_Drawn):
    """Pictures of one shape each. Its form, then its colour, then the ground it lies on make the class: up to 1,000 of them."""

    group, target = "Images", "shapes"
    formula = r"y = \text{form} + 10\,\text{colour} + 100\,\text{ground}"

    classes: int = Field(
        10, ge=2, le=1_000, description="Up to 10 tell forms apart, up to 100 colours too, more grounds too."
    )

    def targets(self) -> dict[str, Signal]:
        return {"shape": Signal((), "", "int64", self.classes)}

    def forms_told(self) -> int:
        return min(self.classes, len(FORMS))

    def labels(self) -> tuple[str, ...]:
        return tuple(map(self._label, range(self.classes)))

    def _label(self, label: int) -> str:
        """`red disc on black`, as far as the classes tell it."""
        form, colour, ground = FORMS[label % 10], COLOURS[label // 10 % 10], GROUNDS[label // 100]
        if self.classes <= 10:
            return form
        return f"{colour} {form}" if self.classes <= 100 else f"{colour} {form} on {ground}"


class ShapeMasks(_Drawn):
    """Pictures of three shapes each, which may cover one another. Which form is at every pixel? Class 0 is the ground."""

    group, target = "Images", "shape_masks"
    formula = r"y_{ij} \in \{0, \dots, k\}"

    size: int = Field(64, ge=8, le=512, title="Side s", description="Pixels a side.")
    forms: int = Field(5, ge=1, le=10, title="Forms k", description="How many different forms there are.")

    def targets(self) -> dict[str, Signal]:
        return {"mask": Signal((self.size, self.size), "HW", "int64", self.forms + 1)}

    def forms_told(self) -> int:
        return self.forms

    def labels(self) -> tuple[str, ...]:
        return ("ground", *FORMS[: self.forms])


class Iris(Source):
    """Length and width of sepals and petals of 150 irises, in centimetres. Which of three species is it?"""

    group, target = "Measurements", "iris"
    formula = r"x \in \mathbb R^4,\quad y \in \{0, 1, 2\}"

    def scales(self) -> dict[str, tuple[Scale, ...]]:
        return {"measurements": (Scale(5.84, 0.825), Scale(3.06, 0.434), Scale(3.76, 1.76), Scale(1.2, 0.76))}

    def features(self) -> dict[str, Signal]:
        return {"measurements": Signal((4,), "F")}

    def targets(self) -> dict[str, Signal]:
        return {"species": Signal((), "", "int64", 3)}

    def samples_total(self) -> int:
        return 150

    def labels(self) -> tuple[str, ...]:
        return ("setosa", "versicolor", "virginica")


class Wine(Source):
    """Thirteen chemical measurements of 178 wines on very different scales. Which of three vines is it from?"""

    group, target = "Measurements", "wine"
    formula = r"x \in \mathbb R^{13},\quad y \in \{0, 1, 2\}"

    def scales(self) -> dict[str, tuple[Scale, ...]]:
        means = (13.0, 2.34, 2.37, 19.5, 99.7, 2.3, 2.03, 0.362, 1.59, 5.06, 0.957, 2.61, 747.0)
        deviations = (0.81, 1.11, 0.274, 3.33, 14.2, 0.624, 0.996, 0.124, 0.571, 2.31, 0.228, 0.708, 314.0)
        return {"measurements": tuple(map(Scale, means, deviations))}

    def features(self) -> dict[str, Signal]:
        return {"measurements": Signal((13,), "F")}

    def targets(self) -> dict[str, Signal]:
        return {"cultivar": Signal((), "", "int64", 3)}

    def samples_total(self) -> int:
        return 178

    def labels(self) -> tuple[str, ...]:
        return ("class_0", "class_1", "class_2")


class BreastCancer(Source):
    """Thirty measurements of the cell nuclei of 569 tumours, on very different scales. Which are malignant, which benign?

    Columns of noise can be put behind them, from which nothing is to be learned.
    """

    group, target = "Measurements", "breast_cancer"
    aliases = ("wisconsin", "tumours", "tumors")
    formula = r"x \in \mathbb R^{30 + k},\quad y \in \{0, 1\}"

    noise_columns: int = Field(
        0, ge=0, le=100, title="Columns of noise k", description="Drawn from N(0, 1), always the same ones."
    )

    def scales(self) -> dict[str, tuple[Scale, ...]]:
        means = (
            *(14.1, 19.3, 92.0, 655.0, 0.0964, 0.104, 0.0888, 0.0489, 0.181, 0.0628),
            *(0.405, 1.22, 2.87, 40.3, 0.00704, 0.0255, 0.0319, 0.0118, 0.0205, 0.00379),
            *(16.3, 25.7, 107.0, 881.0, 0.132, 0.254, 0.272, 0.115, 0.29, 0.0839),
        )
        deviations = (
            *(3.52, 4.3, 24.3, 352.0, 0.0141, 0.0528, 0.0796, 0.0388, 0.0274, 0.00705),
            *(0.277, 0.551, 2.02, 45.5, 0.003, 0.0179, 0.0302, 0.00616, 0.00826, 0.00264),
            *(4.83, 6.14, 33.6, 569.0, 0.0228, 0.157, 0.208, 0.0657, 0.0618, 0.018),
        )
        return {"measurements": (*map(Scale, means, deviations), *(Scale(0.0, 1.0),) * self.noise_columns)}

    def features(self) -> dict[str, Signal]:
        return {"measurements": Signal((30 + self.noise_columns,), "F")}

    def targets(self) -> dict[str, Signal]:
        return {"diagnosis": TWO_CLASSES}

    def samples_total(self) -> int:
        return 569

    def labels(self) -> tuple[str, ...]:
        return ("malignant", "benign")


class _Plane(Source):
    """Points of a plane, each on the side -1 (class 0) or +1 (class 1)."""

    samples: int = Field(500, ge=10, le=10_000, description="How many points are made.")
    noise: float = Field(0.0, ge=0, le=0.5, title="Noise ν", description="0 leaves the pattern clean.")
    seed: Seed = Field(0, title="Data seed", description="Same seed, same points.")

    def features(self) -> dict[str, Signal]:
        return {"point": Signal((2,), "F")}

    def targets(self) -> dict[str, Signal]:
        return {"side": TWO_CLASSES}

    def samples_total(self) -> int:
        return self.samples

    def labels(self) -> tuple[str, ...]:
        return ("-1", "+1")


class Circle(_Plane):
    """A disc of +1 inside a ring of -1. Noise blurs which side a point counts to, and moves none."""

    group, target = "Plane", "circle"
    formula = r"y = +1 \iff \lVert x + \varepsilon \rVert < 2.5,\quad \varepsilon_i \sim \mathcal U(-5\nu, 5\nu)"


class Xor(_Plane):
    """Four squares: +1 where both coordinates have one sign. Noise blurs which side a point counts to, and moves none."""

    group, target = "Plane", "xor"
    formula = (
        r"y = +1 \iff (x_1 + \varepsilon_1)(x_2 + \varepsilon_2) \ge 0,\quad \varepsilon_i \sim \mathcal U(-5\nu, 5\nu)"
    )


class Gauss(_Plane):
    """Two round clouds that a straight line can part. Noise makes them wider until they overlap."""

    group, target = "Plane", "gauss"
    formula = r"x \sim \mathcal N\big(\pm(2, 2),\ \sigma^2 I\big),\quad \sigma^2 = 0.5 + 7\nu"


class Spiral(_Plane):
    """Two arms wound around each other. Noise pushes the points off their arm."""

    group, target = "Plane", "spiral"
    formula = (
        r"x = r\,(\sin t, \cos t) + \varepsilon,\quad r = 5\tfrac{i}{n},\ t = 3.5\pi\tfrac{i}{n} + \delta,\quad "
        r"\varepsilon_i \sim \mathcal U(-\nu, \nu),\quad \delta = 0\ (y = +1),\ \pi\ (y = -1)"
    )


class Gates(Source):
    """The four rows of a logic gate with two inputs, repeated. Noise moves the inputs away from 0 and 1."""

    group, target = "Logic", "gates"
    formula = r"x \in \{0, 1\}^2 + \mathcal N(0, \sigma^2),\quad y = \operatorname{gate}(x_1, x_2)"

    gate: Literal["and", "or", "nand", "xor"] = Field("and", description="The rule that gives the output.")
    repeats: int = Field(50, ge=1, le=2_500, description="How often each of the four rows occurs.")
    noise: float = Field(
        0.0, ge=0, le=0.5, title="Noise σ", description="Standard deviation of what is added to the inputs."
    )
    seed: Seed = Field(0, title="Data seed", description="Same seed, same noise.")

    def features(self) -> dict[str, Signal]:
        return {"inputs": Signal((2,), "F")}

    def targets(self) -> dict[str, Signal]:
        return {"output": TWO_CLASSES}

    def samples_total(self) -> int:
        return 4 * self.repeats

    def labels(self) -> tuple[str, ...]:
        return ("0", "1")


class AddingProblem(Source):
    """Sequences of numbers, two of them marked, one in each half; learn the sum of the two. A test of long memory.

    After Hochreiter and Schmidhuber (1997), with numbers from 0 to 1 as later papers have them. Always answering 1 has
    a mean squared error of 1/6.
    """

    group, target = "Sequences", "adding_problem"
    formula = r"y = v_i + v_j,\quad v_t \sim \mathcal U(0, 1),\ i < \lfloor T/2 \rfloor \le j"

    samples: int = Field(2_000, ge=10, le=20_000, description="How many sequences are made.")
    length: int = Field(20, ge=2, le=200, title="Length T", description="Steps in a sequence.")
    seed: Seed = Field(0, title="Data seed", description="Same seed, same sequences.")

    def features(self) -> dict[str, Signal]:
        return {"sequence": Signal((self.length, 2), "TF")}

    def targets(self) -> dict[str, Signal]:
        return {"sum": Signal((1,), "F")}

    def samples_total(self) -> int:
        return self.samples


class FirstSymbol(Source):
    """Sequences of symbols of different lengths, filled up with 0; learn which symbol came first. A test of long memory.

    After the latching problem of Bengio, Simard and Frasconi (1994): what decides stands at the beginning, and all that
    follows is noise. `length` says how many steps of a sample count, `padding` is true at those that do not.
    """

    group, target = "Sequences", "first_symbol"
    formula = r"y = x_1,\quad x_t \sim \mathcal U\{1, \dots, k\}\ (t \le l),\quad x_t = 0\ (t > l),\quad l \sim \mathcal U\{\lceil T/2 \rceil, \dots, T\}"

    samples: int = Field(2_000, ge=10, le=20_000, description="How many sequences are made.")
    length: int = Field(
        12, ge=2, le=200, title="Length T", description="Steps of the longest sequences; none has less than half of it."
    )
    symbols: int = Field(4, ge=2, le=20, title="Symbols k", description="How many different symbols there are.")
    seed: Seed = Field(0, title="Data seed", description="Same seed, same sequences.")

    def features(self) -> dict[str, Signal]:
        return {
            "symbols": Signal((self.length,), "T", "int64", self.symbols + 1),
            "length": Signal((), "", "int64"),
            "padding": Signal((self.length,), "T", "bool"),
        }

    def targets(self) -> dict[str, Signal]:
        return {"first": Signal((), "", "int64", self.symbols)}

    def samples_total(self) -> int:
        return self.samples

    def labels(self) -> tuple[str, ...]:
        return tuple(map(str, range(1, self.symbols + 1)))
