"""What an exhibit of the gallery is, and how one is written down in few lines."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from builder.problem import Json

Make = Callable[[], dict[str, Json]]


@dataclass(frozen=True, slots=True)
class Published:
    """What others say of a network's size. Empty where they do not say it."""

    source: str
    parameters: int | None = None
    gmacs: str = ""
    """Billions of multiply-adds, with the digits that are published."""
    remark: str = ""


@dataclass(frozen=True, slots=True)
class Exhibit:
    """One experiment of the gallery. `make` gives its network, data and recipe."""

    name: str
    family: str
    story: str
    paper: str
    make: Make
    published: Published | None = None
    light: bool = True
    """Whether a processor core trains it in seconds."""


class Family:
    """Exhibits that belong together, in the order in which they are to be looked at."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.exhibits: list[Exhibit] = []

    def exhibit(
        self, name: str, paper: str, published: Published | None = None, light: bool = True, story: str = ""
    ) -> Callable[[Make], Make]:
        """Put what a function makes into the gallery. Its docstring is the story, unless one is given."""

        def put(make: Make) -> Make:
            told = " ".join((story or make.__doc__ or "").split())
            self.exhibits.append(Exhibit(name, self.name, told, paper, make, published, light))
            return make

        return put


def pick(type: str, **params: Json) -> dict[str, Json]:
    """One pick from a shelf."""
    return {"type": type, "params": params} if params else {"type": type}


def network(nodes: list[dict[str, Json]], **rest: Json) -> dict[str, Json]:
    """A network whose output is its last node, unless `outputs` say otherwise."""
    return {"nodes": nodes, "outputs": [nodes[-1]["id"]], **rest}


def recipe(loss: str, optimizer: dict[str, Json], batch: int | None, epochs: int, **objective: Json) -> dict[str, Any]:
    """One objective, an optimizer, the batch size, the length."""
    return {
        "objectives": [{"loss": pick(loss), **objective}],
        "optimizer": optimizer,
        "batch": {"size": batch},
        "length": {"epochs": epochs},
    }


def digits(size: int = 8) -> dict[str, Json]:
    """Handwritten digits, brought to 0 to 1."""
    source = pick("Digits", size=size) if size != 8 else pick("Digits")
    return {"source": source, "prepare": [pick("MinMax", column="image", per="column")]}


def shapes(size: int = 32, classes: int = 10, samples: int = 500) -> dict[str, Json]:
    """Pictures of shapes. With few samples of many classes no part can have all of them."""
    params = {"samples": samples, "size": size, "classes": classes}
    split = {} if samples >= 20 * classes else {"split": {"train": 0.5, "validation": 0.25, "stratify": False}}
    return {"source": pick("Shapes", **params), **split}


def thousand_classes(nodes: list[dict[str, Json]], side: int = 224, **rest: Json) -> dict[str, Json]:
    """A network for pictures of 1,000 classes, with data as light as can be: 64 pictures, so that it opens at once."""
    return {
        "network": network(nodes, **rest),
        "data": shapes(side, classes=1_000, samples=64),
        "recipe": recipe("CrossEntropy", pick("SGD", lr=0.01, momentum=0.9), 16, 5),
    }


def ten_classes(nodes: list[dict[str, Json]], optimizer: dict[str, Json], epochs: int, **rest: Json) -> dict[str, Json]:
    """A network for small pictures of ten forms."""
    return {
        "network": network(nodes, **rest),
        "data": shapes(),
        "recipe": recipe("CrossEntropy", optimizer, 25, epochs),
    }


def torchvision(parameters: int, gmacs: str, weights: str, remark: str = "") -> Published:
    """The figures that torchvision publishes with its weights."""
    return Published(f"torchvision, {weights}", parameters, gmacs, remark)
