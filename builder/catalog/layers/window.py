"""Windows that slide over a line, an image or a volume: what convolutions and pooling have in common."""

from collections.abc import Iterator
from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from builder.catalog.layers.base import ShapeProblem, Suggestion, Worked, times
from builder.catalog.signal import Shape
from builder.problem import Json, say

Small = Annotated[int, Field(ge=1, le=255)]
Pad = Annotated[int, Field(ge=0, le=255)]

Small2: TypeAlias = Small | tuple[Small, Small]
Small3: TypeAlias = Small | tuple[Small, Small, Small]
Pad2: TypeAlias = Pad | tuple[Pad, Pad]
Pad3: TypeAlias = Pad | tuple[Pad, Pad, Pad]

Rule: TypeAlias = Literal["same", "valid"]
"""TensorFlow's words: `same` gives ceil(side / stride) positions, `valid` pads nothing."""

Margins: TypeAlias = tuple[tuple[int, int], ...]
"""Per side, how many positions are added before and after it."""

SIDES = {1: ("length",), 2: ("height", "width"), 3: ("depth", "height", "width")}
AXES = {1: "CL", 2: "CHW", 3: "CDHW"}


def per_side(value: int | Shape, rank: int) -> Shape:
    """One number for every side."""
    return value if isinstance(value, tuple) else (value,) * rank


def reach(kernel: Shape, dilation: Shape) -> Shape:
    """How far apart the first and the last tap of a window lie, both counted: d(k - 1) + 1."""
    return tuple(d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True))


def margins(padding: int | Shape | Rule, sides: Shape, reaches: Shape, stride: Shape) -> Margins:
    """What `padding` adds to each side.

    A number for all sides, one for each, or two for each in the order of `torch.nn.functional.pad`: left, right, top,
    bottom. `same` is TensorFlow's rule, also with a stride, where PyTorch has none: as much as ceil(side / stride)
    positions need, the odd one after the side.
    """
    rank = len(sides)
    if padding == "valid":
        return ((0, 0),) * rank
    if padding == "same":
        needed = (
            max(0, (-(-side // step) - 1) * step + wide - side)
            for side, wide, step in zip(sides, reaches, stride, strict=True)
        )
        return tuple((total // 2, total - total // 2) for total in needed)
    if isinstance(padding, tuple) and len(padding) == 2 * rank:
        return tuple((padding[at], padding[at + 1]) for at in range(2 * rank - 2, -1, -2))
    return tuple((pad, pad) for pad in per_side(padding, rank))  # `same` and `valid` are gone


def as_pad(added: Margins) -> Shape:
    """Margins in the order of `torch.nn.functional.pad`."""
    return tuple(number for pair in reversed(added) for number in pair)


def padded(side: int, added: tuple[int, int]) -> str:
    """`28 + 2 x 1`."""
    before, after = added
    return f"{side} + 2 x {before}" if before == after else f"{side} + {before} + {after}"


def mirrors(mode: str, sides: Shape, added: Margins, without: Suggestion) -> None:
    """Refuse a border that is longer than what it repeats: a mirror shows all but the edge, a circle shows all."""
    spare = {"reflect": 1, "circular": 0}.get(mode)
    for side, pair, name in zip(sides, added, SIDES[len(sides)], strict=True):
        if spare is not None and max(pair) > side - spare:
            raise ShapeProblem(
                "shape/padding-too-large",
                "{node} has too much padding",
                say(
                    "With {mode} the border repeats what is inside, at most {most} along the {side}; {padding} are asked for.",
                    mode=mode, most=side - spare, side=name, padding=max(pair),
                ),
                without,
            )  # fmt: skip


def is_even(added: Margins) -> bool:
    """Whether every side gets as much before it as after it, which PyTorch's own layers can do."""
    return all(before == after for before, after in added)


def slide(
    sides: Shape,
    kernel: Shape,
    stride: Shape,
    added: Margins,
    dilation: Shape,
    most_padding: Shape | None = None,
    ceil: bool = False,
) -> Shape:
    """How many positions a window has along each side: floor((n + p - d(k - 1) - 1) / s) + 1 (torch.nn.Conv2d).

    With `ceil` a last window may reach over the end, as long as it begins inside the side or the padding before it.
    Raises `ShapeProblem` where it is larger than a side with what is added to it.
    """
    reaches = reach(kernel, dilation)
    rooms = tuple(side + before + after for side, (before, after) in zip(sides, added, strict=True))
    for at, (wide, room) in enumerate(zip(reaches, rooms, strict=True)):
        least = wide - (stride[at] - 1 if ceil else 0)
        if least > room:
            raise ShapeProblem(
                "shape/window-too-large",
                "{node} does not fit",
                say(
                    "A window of {kernel} needs a {side} of at least {reach}; here it is {sum} = {room}.",
                    kernel=times(kernel), side=SIDES[len(sides)][at], reach=least,
                    sum=padded(sides[at], added[at]) + say(" padding"), room=room,
                ),
                *_repairs(sides, kernel, rooms, reaches, dilation, most_padding),
            )  # fmt: skip
    return tuple(
        _count(side, pair, wide, step, ceil)
        for side, pair, wide, step in zip(sides, added, reaches, stride, strict=True)
    )


def _count(side: int, pair: tuple[int, int], wide: int, step: int, ceil: bool) -> int:
    free = side + sum(pair) - wide
    if not ceil:
        return free // step + 1
    count = -(-free // step) + 1
    return count - 1 if (count - 1) * step >= side + pair[0] else count


def slide_worked(
    sides: Shape, kernel: Shape, stride: Shape, added: Margins, dilation: Shape, ceil: bool = False
) -> tuple[Worked, ...]:
    """The arithmetic of `slide`, once for sides that are alike."""
    found = {}
    for side, k, step, pair, d in zip(sides, kernel, stride, added, dilation, strict=True):
        wide = str(k) if d == 1 else f"({d} x ({k} - 1) + 1)"
        free, result = f"{padded(side, pair)} - {wide}", _count(side, pair, d * (k - 1) + 1, step, ceil)
        floor = _count(side, pair, d * (k - 1) + 1, step, ceil=False)
        found[f"({free}) // {step} + 1" + (" + 1" if result > floor else "")] = result
    return tuple(Worked("size", expression, result) for expression, result in found.items())


def _repairs(
    sides: Shape, kernel: Shape, rooms: Shape, reaches: Shape, dilation: Shape, most_padding: Shape | None
) -> Iterator[Suggestion]:
    """More padding, a smaller window, taps closer together."""
    needed = tuple(max(0, -(-(wide - side) // 2)) for wide, side in zip(reaches, sides, strict=True))
    wanted = max(needed)
    if most_padding is None or wanted <= min(most_padding):
        yield Suggestion(say("Set padding to {padding}", padding=wanted), {"padding": wanted})
    if any(d > 1 for d in dilation):
        yield Suggestion(say("Set dilation to 1"), {"dilation": 1})
    else:
        smaller = tuple(map(min, kernel, rooms))
        value: Json = smaller[0] if len(set(smaller)) == 1 else list(smaller)
        yield Suggestion(say("Set kernel_size to {kernel}", kernel=_short(smaller)), {"kernel_size": value})


def _short(sides: Shape) -> str:
    return str(sides[0]) if len(set(sides)) == 1 else times(sides)
