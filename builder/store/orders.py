"""What a person can ask of a run that goes on, and what each order has to say."""

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field, TypeAdapter, ValidationError

from builder import limits
from builder.catalog.optimizers import Rate as RateField
from builder.problem import Json, Problem, Refused, Value, say

CommandKind: TypeAlias = Literal["pause", "resume", "stop", "step", "until", "rate"]


class Steps(Value):
    """Go on for so many steps, and pause."""

    steps: int = Field(ge=1, le=10**12)


class Epochs(Value):
    """Go on to the end of an epoch, and to those of so many more, and pause."""

    epochs: int = Field(ge=1, le=limits.EPOCHS)


class UntilEpoch(Value):
    """Go on to the end of that epoch, and pause."""

    epoch: int = Field(ge=1, le=limits.EPOCHS)


class UntilLoss(Value):
    """Go on until the loss, at the end of an epoch, is as small as that, and pause."""

    loss: Annotated[float, Field(ge=-1e30, le=1e30)]


class UntilAccuracy(Value):
    """Go on until the accuracy, at the end of an epoch, is as high as that, and pause."""

    accuracy: Annotated[float, Field(ge=0, le=1)]


class Rate(Value):
    """Learn at another rate from now on; a schedule starts from it."""

    rate: RateField


_SAYS: dict[CommandKind, TypeAdapter[Any]] = {
    "step": TypeAdapter(Steps | Epochs),
    "until": TypeAdapter(UntilEpoch | UntilLoss | UntilAccuracy),
    "rate": TypeAdapter(Rate),
}


def checked(kind: CommandKind, payload: Json) -> Json:
    """What an order says, if it makes sense. Raises Refused where it does not; pause, resume and stop say nothing."""
    if kind not in _SAYS:
        return None
    try:
        order: Value = _SAYS[kind].validate_python(payload)
    except ValidationError as error:
        told = [one for one in error.errors() if one["type"] not in ("extra_forbidden", "missing")]
        reason = told[0]["msg"] if told else say("It has to say one thing, and a number with it")
        because = say("{given} was asked for. {reason}.", given=str(payload)[:80], reason=reason)
        raise Refused(Problem(code="run/order", title=say("That cannot be asked of a run"), because=because)) from None
    return order.model_dump()
