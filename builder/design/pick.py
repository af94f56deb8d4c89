"""A pick in a design: a catalog entry in memory, `{"type", "params"}` in JSON."""

from typing import Annotated, Any, TypeVar

from pydantic import BeforeValidator, PlainSerializer, ValidationError
from pydantic_core import PydanticCustomError

from builder.catalog.entry import Entry
from builder.problem import Json

E = TypeVar("E", bound=Entry)


def entry_of(kind: type[E], pick: Json) -> E:
    """The entry that `pick` names. Errors inside its parameters travel on in the context `errors`."""
    if isinstance(pick, kind):
        return pick
    if not isinstance(pick, dict) or not pick.keys() <= {"type", "params"} or "type" not in pick:
        raise PydanticCustomError(
            "pick_form", 'A {kind} is written {{"type": ..., "params": {{...}}}}.', {"kind": kind.kind}
        )
    try:
        return kind.pick(pick["type"], pick.get("params", {}))
    except ValidationError as error:
        raise PydanticCustomError(
            "params",
            "Its parameters do not fit.",
            {"errors": error.errors(include_url=False), "entry": pick["type"], "kind": kind},
        ) from None


class _Picked:
    """`Picked[Loss]`: a field that holds an entry of that shelf."""

    def __class_getitem__(cls, kind: type[Entry]) -> Any:
        return Annotated[
            kind, BeforeValidator(lambda pick: entry_of(kind, pick)), PlainSerializer(lambda entry: entry.json_pick())
        ]


Picked: Any = _Picked
