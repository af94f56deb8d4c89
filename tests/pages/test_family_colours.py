"""The colours of the families of layers are told apart by everybody."""

import re
from itertools import combinations

import numpy as np
import pytest
from numpy.typing import NDArray

from builder.blocks.palette import BLOCKS, entries, family_of
from pages.parts.style import CSS

FAMILIES = dict(re.findall(r"--family-(\w+): #(\w{6})", CSS.read_text()))

SIGHTS = {
    "full": np.eye(3),
    "without red": np.array([[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]),
    "without green": np.array([[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]),
    "without blue": np.array([[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]),
}  # fmt: skip
"""What of linear RGB is seen: Machado, Oliveira and Fernandes, A Physiologically-based Model for Simulation of Color Vision
Deficiency, IEEE Transactions on Visualization and Computer Graphics 15(6), 2009; the matrices of severity 1.0."""

TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
WHITE = np.array([0.95047, 1.0, 1.08883])
LEAST = 20.0
"""Distance in CIELAB (Delta E 1976) of any two. About 2.3 can just be noticed side by side; these stand far apart, and small."""


def lab(colour: str, sight: NDArray[np.float64]) -> NDArray[np.float64]:
    """Where in CIELAB somebody with that sight sees an sRGB colour."""
    part = np.array([int(colour[at : at + 2], 16) / 255 for at in (0, 2, 4)])
    linear = np.where(part <= 0.04045, part / 12.92, ((part + 0.055) / 1.055) ** 2.4)
    xyz = TO_XYZ @ np.clip(sight @ linear, 0, 1) / WHITE
    x, y, z = np.where(xyz > 216 / 24389, np.cbrt(xyz), (24389 / 27 * xyz + 16) / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("sight", SIGHTS)
def test_any_two_families_are_told_apart(sight: str) -> None:
    seen = {family: lab(colour, SIGHTS[sight]) for family, colour in FAMILIES.items()}
    apart = {pair: float(np.linalg.norm(seen[pair[0]] - seen[pair[1]])) for pair in combinations(seen, 2)}
    nearest = min(apart, key=lambda pair: apart[pair])
    assert apart[nearest] >= LEAST, nearest


def test_each_family_has_a_colour() -> None:
    used = {family_of(entry).lower() for entry in entries().values()} - {BLOCKS.lower()} | {"block"}
    assert used <= set(FAMILIES)
