"""The gallery and a person's designs, as cards over Build."""

import base64
import time
from xml.etree import ElementTree

import pytest
import sqlalchemy as sa
from streamlit.testing.v1 import AppTest

from builder import limits
from builder.blocks import GALLERY, example
from builder.design.network import to_json
from builder.store import documents
from builder.store.database import writing
from builder.store.tables import draft
from pages.parts.words import ago
from tests.pages.conftest import Visit, button, errors, fill, open_design, opened, press, sound

DAY = 86_400


def cards(tab: AppTest, prefix: str) -> list[str]:
    """What the buttons of that kind are about, in their order."""
    return [button.key.removeprefix(prefix) for button in tab.button if (button.key or "").startswith(prefix)]


def captions(tab: AppTest) -> str:
    return " ".join(text.value.replace("\\", "") for text in tab.caption)


def pictures(tab: AppTest) -> list[str]:
    """What is said of each picture to those who cannot see it."""
    return [image.alt for found in tab.get("image") for image in found.proto.imgs]


def in_store(design: str, **values: object) -> None:
    with writing() as connection:
        connection.execute(sa.update(draft).where(draft.c.id == design).values(values))


# The gallery -----------------------------------------------------------------------------------------------------


def test_the_gallery_opens_on_a_button_with_one_family_as_cards(visit: Visit) -> None:
    tab = visit()
    assert not cards(tab, "example-")
    tab = press(tab, "Examples")
    assert cards(tab, "example-") == [name for name, each in GALLERY.items() if each.family == "Neurons and gates"]
    assert pictures(tab)[0] == "perceptron: from 2 to 1; 1 dense"
    assert "One neuron learns a NAND gate: a straight line through four points." in captions(tab)
    assert "3 parameters · 2 MACs" in captions(tab) and "2 classes · trains in seconds" in captions(tab)
    tab = press(tab, "example-xor-mlp")
    assert open_design(tab).name == "xor-mlp" and not cards(tab, "example-"), "it is open, and the gallery closed"


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("attention is all you need", ["transformer-small"]),
        ("Deep Residual 152", ["resnet152"]),
        ("mobilenetv2", ["mobilenet-v2"]),
        ("VGG-16-bn", ["vgg16-bn"]),
        ("vgg batch norm", ["vgg11-bn", "vgg13-bn", "vgg16-bn", "vgg19-bn"]),
        ("gives its input back", ["autoencoder-dense", "autoencoder-conv"]),
        ("segmentation", ["unet-small"]),
    ],
)
def test_search_looks_at_name_family_story_and_task_in_every_family(visit: Visit, words: str, found: list[str]) -> None:
    tab = fill(opened(visit(), "examples"), "find-example", words)
    assert cards(tab, "example-") == found
    assert len(pictures(tab)) == len(found)


def test_what_is_called_so_comes_before_what_only_tells_of_it(visit: Visit) -> None:
    tab = fill(opened(visit(), "examples"), "find-example", "LeNet")
    assert cards(tab, "example-")[:3] == ["lenet5", "lenet5-1998", "googlenet"]
    tab = fill(tab, "find-example", "resnet")
    assert cards(tab, "example-")[:2] == ["resnet18", "resnet34"], "before digits-resnet, which stands before them"


def test_families_say_how_many_are_found_and_narrow_the_search(visit: Visit) -> None:
    tab = fill(opened(visit(), "examples"), "find-example", "resnet")
    families = tab.button_group(key="gallery-family")
    assert families.value == "All" and f"All {len(cards(tab, 'example-'))}" in families.options[0]
    tab = fill(tab, "gallery-family", "Digits")
    assert cards(tab, "example-") == ["digits-resnet"]
    tab = fill(tab, "gallery-family", "Autoencoders")
    assert not cards(tab, "example-") and "Not in this family" in tab.info[0].value


def test_a_search_without_a_hit_says_so_and_offers_what_was_meant(visit: Visit) -> None:
    tab = fill(opened(visit(), "examples"), "find-example", "resnet51")
    assert not cards(tab, "example-") and "Did you mean" in tab.info[0].value
    tab = press(tab, "nearest-example")
    assert open_design(tab).name.startswith("resnet")
    tab = fill(opened(tab, "examples"), "find-example", "zzzzzzzzzz")
    assert "No example is like that" in tab.info[0].value and not cards(tab, "nearest-")


# One's designs ---------------------------------------------------------------------------------------------------


def test_one_s_designs_are_cards_that_open_and_are_duplicated_and_thrown_away(visit: Visit) -> None:
    tab = visit()
    here = open_design(tab)
    other = documents.create("ada", "Reader *x*", to_json(example("lenet5")))
    tab = press(opened(tab, "file"), "Your designs")
    assert cards(tab, "remove-own-") == [other.id, here.id] and cards(tab, "design-") == [other.id]
    assert pictures(tab)[0].startswith("Reader *x*: from 1 x 28 x 28 to 10")
    assert "61,706 parameters" in captions(tab) and "Changed just now" in captions(tab) and "Open now" in captions(tab)
    tab = press(tab, f"copy-own-{other.id}")
    assert [listed.name for listed in documents.listing("ada")] == ["Reader *x* copy", "Reader *x*", "playground"]
    tab = press(tab, f"remove-own-{other.id}")
    assert [listed.name for listed in documents.listing("ada", binned=True)] == ["Reader *x*"]
    (copy, _) = documents.listing("ada")
    tab = press(tab, f"design-{copy.id}")
    assert open_design(tab).id == copy.id and not cards(tab, "design-")


def test_the_open_design_goes_to_the_bin_from_its_card_too(visit: Visit) -> None:
    tab = visit()
    here = open_design(tab)
    other = documents.create("ada", "Other", to_json(example("xor-mlp")))
    tab = press(opened(tab, "designs"), f"remove-own-{here.id}")
    assert open_design(tab).id == other.id


def test_more_designs_than_are_drawn_are_there_on_request_and_found_by_name(visit: Visit) -> None:
    tab = visit()
    assert not [field for field in opened(tab, "designs").text_input if field.key == "find-design"]
    for number in range(14):
        documents.create("ada", f"Number {number}", to_json(example("perceptron")))
    tab = press(opened(tab, "file"), "Your designs")
    assert len(cards(tab, "remove-own-")) == 12
    assert button(tab, "Show more: 3 older designs")
    tab = press(tab, "designs-more")
    assert len(cards(tab, "remove-own-")) == 15 and not cards(tab, "designs-more")
    tab = fill(tab, "find-design", "number 1")
    assert len(cards(tab, "design-")) == 5  # 1, 10 .. 13
    tab = fill(tab, "find-design", "nothing of mine")
    assert not cards(tab, "design-") and "No design is called that" in tab.info[0].value


def test_the_bin_says_when_and_asks_before_it_deletes(visit: Visit) -> None:
    tab = opened(visit(), "designs", designs_where="Bin")
    assert "The bin is empty" in tab.info[0].value
    old = documents.create("ada", "Old", to_json(example("perceptron")))
    documents.throw_away("ada", old.id)
    in_store(old.id, binned=time.time() - (limits.BIN_DAYS - 1.5) * DAY)
    tab = sound(tab.run())
    assert "Deleted for good in 2 days" in captions(tab) and not tab.info
    assert any("Nothing brings it back" in text.value for text in tab.markdown)
    assert documents.get("ada", old.id) is not None
    press(tab, "Yes, delete")
    assert documents.get("ada", old.id) is None


@pytest.mark.parametrize("label", ["Duplicate", "To the bin"])
def test_the_menu_goes_when_it_has_done_what_it_was_opened_for(visit: Visit, label: str) -> None:
    tab = opened(visit(), "file")
    before = open_design(tab).id
    tab = press(tab, label)
    assert open_design(tab).id != before
    assert label not in [button.label for button in tab.button]


@pytest.mark.parametrize("kept", ['{"format": "layerlab.experiment", "version": 99}', "{ damaged"])
def test_a_design_that_cannot_be_read_is_listed_with_its_problem_among_the_others(visit: Visit, kept: str) -> None:
    tab = visit()
    here = open_design(tab)
    strange = documents.create("ada", "From <b>later</b>", to_json(example("perceptron")))
    with writing() as connection:
        put = sa.text("UPDATE draft SET document = :kept WHERE id = :id")
        connection.execute(put, {"kept": kept, "id": strange.id})
    tab = opened(tab, "designs")
    assert cards(tab, "remove-own-") == [strange.id, here.id] and len(errors(tab)) == 1
    assert any(text.value.replace("\\", "") == "**From <b>later</b>**" for text in tab.markdown)
    assert len(pictures(tab)) == 1 and not cards(tab, "design-") and not cards(tab, f"copy-own-{strange.id}")
    saved = [each for each in tab.get("download_button") if each.label.startswith("Save ")]
    assert len(saved) == (0 if "damaged" in kept else 1), "what is JSON can be saved"
    fresh = visit()  # the newest is not to be read: the newest of the others opens
    assert open_design(fresh).id == here.id
    tab = press(tab, f"remove-own-{strange.id}")
    tab = opened(tab, "designs", designs_where="Bin")
    assert len(errors(tab)) == 1 and cards(tab, "take-") == [strange.id]


def test_no_name_gets_markup_into_a_card(visit: Visit) -> None:
    tab = visit()
    name = '"><script>alert(1)</script>'
    documents.create("ada", name, to_json(example("perceptron")))
    tab = opened(tab, "designs")
    (image, *_) = tab.get("image")
    (kept,) = image.proto.imgs
    assert kept.alt.startswith(name)
    svg = base64.b64decode(kept.url.partition("base64,")[2]).decode()
    assert "<script" not in svg and ElementTree.fromstring(svg).get("aria-label", "").startswith(name)


def test_how_long_ago_is_said_in_words() -> None:
    told = {
        seconds: ago(seconds)
        for seconds in (0, 59, 60, 3599, 3600, DAY - 1, DAY, 2 * DAY, 29 * DAY, 60 * DAY, 800 * DAY)
    }
    assert list(told.values()) == [
        "just now", "just now", "1 minute ago", "59 minutes ago", "1 hour ago", "23 hours ago", "yesterday", "2 days ago",
        "29 days ago", "2 months ago", "2 years ago",
    ]  # fmt: skip
