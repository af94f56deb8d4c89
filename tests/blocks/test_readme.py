"""The README of blocks: its tables are what the command writes, its figures are the published ones, its code is ours."""

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest

from builder.analysis import analyze
from builder.blocks import GALLERY, Template, example, readme
from builder.problem import Refused

FOLDER = Path(readme.__file__).parent
README = (FOLDER / "README.md").read_text(encoding="utf-8")


class Size(NamedTuple):
    trainable: int
    macs: int


@pytest.fixture(scope="module")
def sizes() -> Mapping[str, readme.Size]:
    return {name: analyze(example(name).network) for name in GALLERY}


def rows(text: str) -> dict[str, list[str]]:
    """The cells of each row whose first cell is a name, by that name."""
    found = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in text.splitlines() if line[:3] == "| `"]
    assert len({row[0] for row in found}) == len(found)
    return {row[0].strip("`"): row for row in found}


def test_the_committed_tables_are_what_the_command_would_write(sizes: Mapping[str, readme.Size]):
    assert readme.with_tables(README, sizes) == README


def test_a_figure_changed_by_hand_is_put_right(sizes: Mapping[str, readme.Size]):
    assert README.count("| 25,557,032 | 25,557,032 |") == 1
    changed = README.replace("| 25,557,032 | 25,557,032 |", "| 25,557,033 | 25,557,033 |")
    assert readme.with_tables(changed, sizes) == README


def test_every_network_and_every_catalog_block_has_its_row():
    assert rows(README).keys() == GALLERY.keys() | Template.shelf.keys()


def test_what_is_published_stands_beside_ours_and_is_equal():
    found = rows(README)
    assert found["resnet50"][1:6] == ["25,557,032", "25,557,032", "4,089,184,256", "4.09", "yes"]
    assert found["googlenet"][1:6] == ["6,624,904", "6,624,904", "1,498,376,192", "1.50", "yes"]
    assert found["lenet5-1998"][1:6] == ["60,000", "60,000", "327,256", "", "yes"]
    assert found["perceptron"][1:6] == ["3", "", "2", "", ""]
    for name, exhibit in GALLERY.items():
        compared = exhibit.published and (exhibit.published.parameters or exhibit.published.gmacs)
        assert found[name][5] == ("yes" if compared else ""), name


@pytest.mark.parametrize(
    ("trainable", "macs", "verdict"),
    [
        (25_557_032, 4_089_184_256, "yes"),
        (25_557_032, 4_094_999_999, "yes"),
        (25_557_031, 4_089_184_256, "**no**"),
        (25_557_032, 4_095_000_001, "**no**"),
        (25_557_032, 4_084_999_999, "**no**"),
    ],
)
def test_a_size_that_is_not_the_published_one_is_said_not_to_be(trainable: int, macs: int, verdict: str):
    assert readme.network(GALLERY["resnet50"], Size(trainable, macs))[5] == verdict


@pytest.mark.parametrize("wrong", [{"parameters": 25_557_033}, {"gmacs": "4.10"}])
def test_a_published_figure_that_is_wrong_is_said_to_differ(sizes: Mapping[str, readme.Size], wrong: dict):
    exhibit = GALLERY["resnet50"]
    assert exhibit.published
    told = replace(exhibit, published=replace(exhibit.published, **wrong))
    assert readme.network(told, sizes["resnet50"])[5] == "**no**"


def test_a_file_without_the_mark_is_refused_and_what_is_written_by_hand_stays(sizes: Mapping[str, readme.Size]):
    with pytest.raises(Refused) as refused:
        readme.with_tables("# Notes\n", sizes)
    assert refused.value.problems[0].code == "file/no-mark" and readme.MARK in refused.value.problems[0].because
    by_hand = f"# Notes\n\n{readme.MARK}"
    assert readme.with_tables(by_hand, sizes) == f"{by_hand}\n\n{readme.tables(sizes)}"


def test_the_examples_in_the_text_are_the_code_itself():
    files = [path.read_text(encoding="utf-8") for path in sorted(FOLDER.glob("*/*.py"))]
    code = "\n\n\n".join([*files, ""])
    quoted = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert len(quoted) == 2
    for text in quoted:
        assert f"\n\n\n{text}\n\n" in code, text.splitlines()[0]  # whole, from its first line to its last
