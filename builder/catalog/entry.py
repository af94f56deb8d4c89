"""The one shape that every catalog entry has.

An entry is a class: its fields are the form, its docstring is the help, its methods are its rules. Whatever else the
product needs of it (validation, JSON, compile, source, documentation, tests) is derived. `target` names what PyTorch
runs; it is a class attribute and is never read from a user's file.
"""

import difflib
import re
from typing import Any, ClassVar, Self

from pydantic_core import PydanticCustomError

from builder.problem import Json, Value


class Entry(Value):
    """A thing that a person can pick from a shelf."""

    group: ClassVar[str]
    """The family it stands in, as the palette shows it."""
    target: ClassVar[str]
    """What runs it: `nn.Linear`, `optim.Adam`; a name without a dot is a class or function of `builder.compile.modules` or `.losses`."""
    formula: ClassVar[str]
    """LaTeX."""
    positional: ClassVar[int] = 0
    """How many of the first `args` source prints by position."""
    aliases: ClassVar[tuple[str, ...]] = ()
    """What else people call it, in small letters: typed instead of its name, they lead to it."""
    shelf: ClassVar[dict[str, type[Self]]]
    """All entries of this kind by name."""
    kind: ClassVar[str]
    """What a person calls this kind of thing: layer, optimizer, loss."""

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        if Entry in cls.__bases__:
            cls.shelf = {}
        elif "target" not in vars(cls):
            return  # a shared base of some entries, itself not on the shelf
        elif cls.__name__ in cls.shelf:
            raise TypeError(f"two catalog entries are named {cls.__name__}")
        else:
            cls.shelf[cls.__name__] = cls  # type: ignore[assignment]  # pydantic calls this with the class itself

    @classmethod
    def pick(cls, name: object, params: object) -> Self:
        """The entry called `name` with `params`; a `PydanticCustomError` of type `pick` or `params` where it cannot be."""
        if not isinstance(name, str) or name not in cls.shelf:
            raise PydanticCustomError(
                "pick",
                "There is no {kind} called {name}.",
                {"kind": cls.kind, "name": str(name)[:80], "shelf": cls},
            )
        return cls.shelf[name].model_validate(params)

    @classmethod
    def meant(cls, name: str) -> str | None:
        """The entry that is probably meant: by its name or an alias, by how one begins, or by one spelled much like it."""
        names = {_letters(alias): known for known, entry in cls.shelf.items() for alias in (*entry.aliases, known)}
        typed = _letters(name)
        begun = [known for known in names if known.startswith(typed)] if len(typed) > 2 else []
        near = [typed] if typed in names else begun or difflib.get_close_matches(typed, names, n=1, cutoff=0.75)
        return names[min(near, key=len)] if near else None

    @property
    def name(self) -> str:
        return type(self).__name__

    def args(self) -> dict[str, Any]:
        """Keyword arguments for `target`, in the order in which source should print them."""
        return self.model_dump()

    def json_pick(self) -> Json:
        """`{"type", "params"}`, with defaults left out."""
        params = self.model_dump(mode="json", exclude_defaults=True)
        return {"type": self.name, "params": params} if params else {"type": self.name}

    @classmethod
    def about(cls) -> str:
        """The help text: the docstring as one paragraph, without the marks for code."""
        return " ".join((cls.__doc__ or "").replace("`", "").split())


def _letters(name: str) -> str:
    """A name without what people write differently: capitals, spaces, hyphens, underscores."""
    return re.sub(r"[\s_-]", "", name.lower())


def suggest(word: str, known: object) -> str | None:
    """The known word that `word` was probably meant to be."""
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)  # type: ignore[call-overload]
    return str(near[0]) if near else None
