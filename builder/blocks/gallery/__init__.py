"""The gallery: whole experiments that train as they are, each with a reason to look at it."""

import difflib
import re
from functools import cache

from builder.blocks.gallery import (
    attention,
    autoencoders,
    classic,
    densenet,
    digits,
    inception,
    lessons,
    mobile,
    perceptrons,
    residual,
    segmentation,
    sequences,
    vgg,
)
from builder.blocks.gallery.exhibit import Exhibit, Published
from builder.design.experiment import Experiment
from builder.problem import Fix, Problem, Refused, Set, say

__all__ = ["GALLERY", "Exhibit", "Published", "example"]

FAMILIES = (
    perceptrons.FAMILY,
    digits.FAMILY,
    classic.FAMILY,
    vgg.FAMILY,
    inception.FAMILY,
    residual.FAMILY,
    densenet.FAMILY,
    mobile.FAMILY,
    segmentation.FAMILY,
    autoencoders.FAMILY,
    sequences.FAMILY,
    attention.FAMILY,
    lessons.FAMILY,
)

GALLERY: dict[str, Exhibit] = {exhibit.name: exhibit for family in FAMILIES for exhibit in family.exhibits}


@cache
def example(name: str) -> Experiment:
    """The gallery's experiment of that name. Raises `Refused` for one that is not there, with the nearest name."""
    if name not in GALLERY:
        near = nearest(name)
        raise Refused(
            Problem(
                code="gallery/unknown",
                title=say("There is no example called {name}", name=name[:80]),
                because=say("Did you mean {near}?", near=near)
                if near
                else say("There are {names}.", names=", ".join(GALLERY)),
                fixes=(Fix(label=say("Use {near}", near=near), edits=(Set(path="name", value=near),)),) if near else (),
            )
        )
    return Experiment.model_validate({"name": name, **GALLERY[name].make()})


def nearest(name: str) -> str | None:
    """The exhibit that was probably meant: people write `ResNet-50`, `vgg16_bn` and `mobilenetv2`."""
    plain = {_plain(known): known for known in GALLERY}
    typed = _plain(name[:80])
    near = difflib.get_close_matches(typed, plain, n=1, cutoff=0.6)
    if near:
        return plain[near[0]]
    return next((known for letters, known in plain.items() if typed and typed in letters), None)


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
