"""Augmentations: pictures are changed anew each time that the network learns from them, so that it never sees one twice.

They are kornia's, carried out on the run's device, on the training part alone. Values are those of the prepared picture:
where it is standardized, what is filled with 0 gets the mean.
"""

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from builder.catalog.entry import Entry
from builder.catalog.signal import Signal
from builder.catalog.sources import Kept
from builder.problem import say

Share = Annotated[float, Field(gt=0, le=1)]
Part = Annotated[float, Field(ge=0, le=0.9)]
Factor = Annotated[float, Field(ge=0.1, le=10)]
Strength = Annotated[float, Field(gt=0, le=1)]

CHANCE = "Share of the pictures that are changed; the others stay as they are."


class Augmentation(Entry):
    """A random change of pictures. `target` is made with `args`; what it makes is given pictures (samples, channels, height, width)."""

    kind: ClassVar[str] = "augmentation"

    def args(self, *pictures: Signal) -> dict[str, Any]:
        """Keyword arguments for `target`; `pictures` are what it is to change, all of one shape."""
        return self.model_dump()

    def unfit(self, picture: Signal) -> str:
        """Why it cannot change such a picture; nothing where it can."""
        return ""

    def spoils(self, kept: Kept) -> str:
        """What becomes of labels that hold under the changes `kept` alone; nothing where they stay true."""
        return ""


def in_order(pair: tuple[float, float]) -> None:
    """Raises ValueError where the second of two ends is the lower one."""
    low, high = pair
    if low > high:
        raise ValueError(say("the lowest, {low:g}, is above the highest, {high:g}", low=low, high=high))


def around(middle: float, by: float) -> tuple[float, float]:
    """From as much below to as much above, without what floats add behind the digits."""
    return round(middle - by, 12), round(middle + by, 12)


class HorizontalFlip(Augmentation):
    """Swaps left and right. Right for things that have no handedness; letters and digits become others, or none."""

    group, target = "Place", "kornia.augmentation.RandomHorizontalFlip"
    aliases = ("random horizontal flip", "hflip", "fliplr", "mirror")
    formula = r"x'_{ij} = x_{i,\,w-1-j}"

    p: Share = Field(0.5, title="Probability p", description=CHANCE)

    def spoils(self, kept: Kept) -> str:
        return kept.horizontal


class VerticalFlip(Augmentation):
    """Swaps top and bottom. Right where there is no up, as under a microscope or from above."""

    group, target = "Place", "kornia.augmentation.RandomVerticalFlip"
    aliases = ("random vertical flip", "vflip", "flipud", "upside down")
    formula = r"x'_{ij} = x_{h-1-i,\,j}"

    p: Share = Field(0.5, title="Probability p", description=CHANCE)

    def spoils(self, kept: Kept) -> str:
        return kept.vertical


class Shift(Augmentation):
    """Moves a picture by a random share of its sides, and fills what becomes free with 0.

    Pixels between pixels are interpolated, which blurs; Crop moves by whole ones.
    """

    group, target = "Place", "kornia.augmentation.RandomTranslate"
    aliases = ("random translate", "translate", "translation", "random affine translate", "width shift", "height shift")
    formula = r"x'_{ij} = x_{i-\Delta_y,\,j-\Delta_x},\quad \Delta_x \sim \mathcal U(-a w, a w),\ \Delta_y \sim \mathcal U(-b h, b h)"

    translate_x: Part = Field(0.1, title="Sideways a", description="The furthest, as a share of the width.")
    translate_y: Part = Field(0.1, title="Up and down b", description="The furthest, as a share of the height.")
    p: Share = Field(1.0, title="Probability p", description=CHANCE)

    def args(self, *pictures: Signal) -> dict[str, Any]:
        sides = {name: around(0, getattr(self, name)) for name in ("translate_x", "translate_y")}
        return {**sides, "p": self.p}


class Scale(Augmentation):
    """Makes what is in a picture smaller or larger around its middle; the picture keeps its size, and what becomes free is 0."""

    group, target = "Place", "kornia.augmentation.RandomAffine"
    aliases = ("random scale", "zoom", "random zoom", "random affine scale")
    formula = r"x'(u) = x(u / s),\quad s \sim \mathcal U(s_0, s_1)"

    scale: tuple[Factor, Factor] = Field(
        (0.8, 1.2), title="Factors s", description="The smallest and the largest; below 1 it shrinks."
    )
    p: Share = Field(1.0, title="Probability p", description=CHANCE)

    @model_validator(mode="after")
    def is_an_interval(self) -> Self:
        in_order(self.scale)
        return self

    def args(self, *pictures: Signal) -> dict[str, Any]:
        return {"degrees": 0.0, **self.model_dump()}


class Rotate(Augmentation):
    """Turns a picture around its middle by a random angle, either way; corners that become free are 0."""

    group, target = "Place", "kornia.augmentation.RandomRotation"
    aliases = ("random rotation", "rotation", "random rotate")
    formula = r"x'(u) = x(R_{-\alpha} u),\quad \alpha \sim \mathcal U(-d, d)"

    degrees: float = Field(15.0, gt=0, le=180, title="Degrees d", description="The largest angle, either way.")
    p: Share = Field(1.0, title="Probability p", description=CHANCE)

    def spoils(self, kept: Kept) -> str:
        return kept.turned if self.degrees > kept.degrees else ""


class Crop(Augmentation):
    """Adds a border and cuts the picture's own size out at a random place: a shift by whole pixels (He et al. 2015, for CIFAR-10)."""

    group, target = "Place", "kornia.augmentation.RandomCrop"
    aliases = ("random crop", "pad and crop")
    formula = (
        r"x'_{ij} = \operatorname{pad}_b(x)_{i+\Delta_y,\,j+\Delta_x},\quad \Delta \sim \mathcal U\{0, \dots, 2b\}^2"
    )

    padding: int = Field(
        4, ge=1, le=64, title="Border b", description="Pixels added at each side: 4 is usual for 32 x 32, 1 for 8 x 8."
    )
    padding_mode: Literal["constant", "reflect", "replicate"] = Field(
        "constant", title="Filled with", description="Zeros, the picture mirrored, or its outermost pixels."
    )

    def args(self, *pictures: Signal) -> dict[str, Any]:
        return {"size": pictures[0].shape[-2:], **self.model_dump()}

    def unfit(self, picture: Signal) -> str:
        side = min(picture.shape[-2:])
        if self.padding < side:
            return ""
        return say(
            "A border of {padding} pixels around a picture of {side}: nothing of it could be left.",
            padding=self.padding,
            side=" x ".join(map(str, picture.shape[-2:])),
        )


class Noise(Augmentation):
    """Adds a normal number of its own to every pixel: what a network can do with is not in single pixels then."""

    group, target = "Values", "kornia.augmentation.RandomGaussianNoise"
    aliases = ("random gaussian noise", "gaussian noise", "jitter")
    formula = r"x'_{ij} = x_{ij} + \varepsilon_{ij},\quad \varepsilon_{ij} \sim \mathcal N(0, \sigma^2)"

    std: float = Field(
        0.1, gt=0, le=100, title="Standard deviation σ", description="In the values of the prepared picture."
    )
    p: Share = Field(1.0, title="Probability p", description=CHANCE)

    def args(self, *pictures: Signal) -> dict[str, Any]:
        return {"mean": 0.0, **self.model_dump()}


class Brightness(Augmentation):
    """Adds the same random number to all pixels of a picture."""

    group, target = "Values", "kornia.augmentation.RandomBrightness"
    aliases = ("random brightness", "color jitter brightness")
    formula = r"x'_{ij} = x_{ij} + b,\quad b \sim \mathcal U(-\beta, \beta)"

    brightness: Strength = Field(0.2, title="Most β", description="In the values of the prepared picture.")
    p: Share = Field(1.0, title="Probability p", description=CHANCE)

    def args(self, *pictures: Signal) -> dict[str, Any]:
        # Prepared values may lie outside of 0 to 1, to which kornia would cut them.
        return {"brightness": around(1, self.brightness), "clip_output": False, "p": self.p}


class Contrast(Augmentation):
    """Multiplies all pixels of a picture by the same random number."""

    group, target = "Values", "kornia.augmentation.RandomContrast"
    aliases = ("random contrast", "color jitter contrast")
    formula = r"x'_{ij} = c\, x_{ij},\quad c \sim \mathcal U(1 - \gamma, 1 + \gamma)"

    contrast: Strength = Field(0.2, title="Most γ", description="By how much the factor is off 1.")
    p: Share = Field(1.0, title="Probability p", description=CHANCE)

    def args(self, *pictures: Signal) -> dict[str, Any]:
        return {"contrast": around(1, self.contrast), "clip_output": False, "p": self.p}


class Cutout(Augmentation):
    """Sets a random rectangle to 0, so that no single place decides (DeVries and Taylor 2017; Zhong et al. 2020, random erasing)."""

    group, target = "Values", "kornia.augmentation.RandomErasing"
    aliases = ("random erasing", "erasing", "coarse dropout")
    formula = r"x'_{ij} = 0 \text{ for } (i, j) \in R,\quad |R| \sim \mathcal U(s_0, s_1)\, h w"

    scale: tuple[Strength, Strength] = Field(
        (0.02, 0.33), title="Areas s", description="The smallest and the largest, as shares of the picture."
    )
    ratio: tuple[Factor, Factor] = Field(
        (0.3, 3.3), title="Height by width", description="Of the rectangle: the flattest and the tallest."
    )
    p: Share = Field(0.5, title="Probability p", description=CHANCE)

    @model_validator(mode="after")
    def are_intervals(self) -> Self:
        in_order(self.scale)
        in_order(self.ratio)
        return self


class Mixup(Augmentation):
    """Lays another picture of the batch over each one; the loss is that of both targets, by the same shares (Zhang et al. 2018).

    One share a batch. It comes after all other changes, wherever it stands.
    """

    group, target = "Several pictures", "mixed"
    aliases = ("random mixup", "mix up")
    formula = (
        r"x' = \lambda x_i + (1 - \lambda) x_j,\quad \ell = \lambda\, \ell(y_i) + (1 - \lambda)\, \ell(y_j),\quad "
        r"\lambda \sim \mathrm{Beta}(\alpha, \alpha)"
    )

    alpha: float = Field(
        0.2,
        ge=0.05,
        le=10,
        title="Strength α",
        description="1 draws any share alike; near 0 one picture has nearly all.",
    )
