"""Everything that can be wrong with what a person made, as values, and the edits that repair it.

A checker never raises for a user's mistake: it returns `Problem`s. A `Fix` is data, a label and edits, so that a page
can offer it as a button, a command line can print it, and a test can apply it. The vocabulary of edits stands here,
beside `Fix`; `builder.design.edits` carries them out.
"""

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

Json: TypeAlias = Any
"""What `json.loads` can return."""


class Value(BaseModel):
    """A frozen value with a JSON form: unknown fields, NaN and infinities are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Set(Value):
    """Give the field at `path` a value: `recipe.optimizer.params.lr`, `network.nodes.conv1.params.padding`."""

    edit: Literal["set"] = "set"
    path: str
    value: Json


class Unset(Value):
    """Take the field at `path` away, which puts it back to its default."""

    edit: Literal["unset"] = "unset"
    path: str


class Insert(Value):
    """Put `node` into the document behind the node `after` (first, if that is null).

    With `splice` whatever read the first output of `after` reads the new node's first output instead.
    `block` names the block whose inside is meant; null is the network itself.
    """

    edit: Literal["insert"] = "insert"
    node: dict[str, Json]
    after: str | None = None
    splice: bool = True
    block: str | None = None


class Remove(Value):
    """Take a node out; whatever read it reads the node's first input instead."""

    edit: Literal["remove"] = "remove"
    node: str
    block: str | None = None


class Move(Value):
    """Take a node out of its chain and put it behind `after`, joined as `Remove` and `Insert` join.

    With `after` null it comes first inside a block: it reads what the block is given, and what read that reads the node.
    """

    edit: Literal["move"] = "move"
    node: str
    after: str | None
    block: str | None = None


class Connect(Value):
    """Let the input `port` of a node read `source` (`id` or `id:output`), or nothing (null)."""

    edit: Literal["connect"] = "connect"
    node: str
    port: int = Field(ge=0, le=1_000)
    source: str | None
    block: str | None = None


class Group(Value):
    """Let nodes become one block called `name`: their place is taken by one node that uses it."""

    edit: Literal["group"] = "group"
    nodes: tuple[str, ...] = Field(min_length=1, max_length=2_000)
    name: str
    block: str | None = None


class Ungroup(Value):
    """Put what is inside the block that a node uses in the node's place, as often as it is repeated."""

    edit: Literal["ungroup"] = "ungroup"
    node: str
    block: str | None = None


Edit: TypeAlias = Annotated[
    Set | Unset | Insert | Remove | Move | Connect | Group | Ungroup, Field(discriminator="edit")
]


class Fix(Value):
    """One way out of a Problem: what a button says, and the edits that it makes."""

    label: str
    edits: tuple[Edit, ...]


class Problem(Value):
    """One thing that is wrong (`error`: it cannot run) or doubtful (`warning`: it can).

    `node` is the id of the node it is about, as in the layer table; null where it is about the whole.
    """

    code: str
    severity: Literal["error", "warning"] = "error"
    node: str | None = None
    title: str
    because: str
    fixes: tuple[Fix, ...] = ()


def say(message: str, /, **values: object) -> str:
    """A whole sentence with its named values put in: the one door through which a translation can come."""
    return message.format(**values)


class Refused(Exception):
    """A user's mistake that a caller may not go on from; carries every Problem found. Shown, never a traceback."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__("; ".join(problem.title for problem in problems))
        self.problems = problems
