"""Which samples go to which part. Decided by the split and the classes alone, before anything is prepared."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from builder.design.data import PARTS, Split
from builder.problem import Fix, Problem, Refused, Set, say

Integers = NDArray[np.int64]


def rows_of_parts(split: Split, samples: int, classes: Integers | None, labels: tuple[str, ...]) -> dict[str, Integers]:
    """Numbers of the samples of each part, in random order. A part without a share is empty.

    `classes` (samples,) is what the split is stratified by, if it is to be; null where there are no classes. Raises
    `Refused` where a part would have none of some class.
    """
    order = np.random.default_rng(split.seed).permutation(samples)
    if not split.stratify or classes is None:
        groups, counts = [order], np.array([split.sizes(samples)])
    else:
        present, per_class = np.unique(classes, return_counts=True)
        counts = stratified(per_class, split.sizes(samples))
        if not (counts[:, np.array(split.sizes(samples)) > 0] > 0).all():
            raise Refused(_too_few(split, per_class, [labels[at] if at < len(labels) else str(at) for at in present]))
        groups = [order[classes[order] == at] for at in present]
    part = np.empty(samples, np.int64)
    for group, count in zip(groups, counts, strict=True):
        part[group] = np.repeat(np.arange(len(PARTS)), count)
    # Taken in the order that was drawn, so that the classes of a part are mixed.
    return {name: order[part[order] == at] for at, name in enumerate(PARTS)}


def stratified(per_class: NDArray[Any], sizes: tuple[int, ...]) -> Integers:
    """How many samples of each class (rows) go to each part (columns), with exactly `sizes` in the parts.

    Each count is the exact share, rounded down or up. Only where that leaves a part without a class that has samples
    enough for all parts, another class trades a sample with it.
    """
    exact = np.outer(per_class, sizes) / sum(sizes)
    counts = np.outer(per_class, sizes) // sum(sizes)
    missing = np.array(sizes) - counts.sum(axis=0)
    # Always to the parts that miss most: every other choice can end with a part that is one too small (Gale, Ryser).
    for of_class, left in zip(counts, per_class - counts.sum(axis=1), strict=True):
        parts = np.lexsort((of_class, -missing))[:left]
        of_class[parts] += 1
        missing[parts] -= 1
    used = np.flatnonzero(sizes)
    for at, part in np.argwhere(counts == 0):
        giver = np.where(counts[:, part] > 1, counts[:, part] - exact[:, part], -np.inf).argmax()
        if part in used and per_class[at] >= len(used) and counts[giver, part] > 1:
            source = counts[at].argmax()
            counts[at, [part, source]] += 1, -1
            counts[giver, [part, source]] += -1, 1
    return counts


def _too_few(split: Split, per_class: NDArray[Any], names: list[str]) -> Problem:
    """The Problem of a class that is missing in a part, told of the rarest."""
    rarest, samples = int(per_class.argmin()), int(per_class.sum())
    fixes = [Fix(label=say("Do not stratify"), edits=(Set(path="data.split.stratify", value=False),))]
    sizes = split.model_copy(update={"validation": 0.0}).sizes(samples)
    if split.validation and (stratified(per_class, sizes)[:, np.flatnonzero(sizes)] > 0).all():
        fixes.append(Fix(label=say("Use no validation part"), edits=(Set(path="data.split.validation", value=0.0),)))
    return Problem(
        code="data/too-few-of-a-class",
        title=say("The classes cannot be shared out among the parts"),
        because=say(
            "A stratified part has samples of every class. The class {label} has {count}, and the parts have {sizes}.",
            label=names[rarest],
            count=int(per_class[rarest]),
            sizes=", ".join(map(str, split.sizes(samples))),
        ),
        fixes=tuple(fixes),
    )
