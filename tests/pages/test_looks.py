"""Short looks on Train: asked for by a button, shown where it stands, and what they suggest is one press away."""

import base64

import numpy as np
import pytest
import sqlalchemy as sa
from streamlit.testing.v1 import AppTest

from builder import limits
from builder.problem import Problem
from builder.store import documents, probes
from builder.store.database import writing
from builder.store.tables import probe as table
from pages.parts.probes import pictures
from tests.pages.conftest import Visit, button, captions, errors, fill, go_to, open_design, open_example, press, sound

SEEN = {
    "rates": [1e-7, 1e-3, 0.1],
    "losses": [2.3, 2.0, 1.5],
    "smooth_rates": [1e-7, 1e-4, 1e-2],
    "smooth_losses": [2.3, 2.1, 1.7],
    "steepest": 0.012,
    "tenth": 0.0045,
    "ended": "exploded",
    "reached": 1.3,
}


@pytest.fixture
def train(visit: Visit) -> AppTest:
    tab = visit()
    open_example(tab, "digits-mlp")
    return go_to(tab, "train.py")


def labels(tab: AppTest) -> list[str]:
    return [button.label for button in tab.button]


def asked() -> probes.Probe:
    probe = probes.claim()
    assert probe is not None
    return probe


def rate(tab: AppTest) -> float:
    found = open_design(tab).document["recipe"]["optimizer"]["params"]["lr"]
    assert isinstance(found, float)
    return found


def test_a_range_test_looks_at_the_design_as_it_is(train: AppTest) -> None:
    press(train, "Range test")
    press(train, "Range test")
    probe = asked()
    assert probes.claim() is None, "pressed again it is the same"
    assert (probe.kind, probe.owner, probe.experiment) == ("rates", "ada", open_design(train).document)
    assert "Close" in labels(train)
    assert not [label for label in labels(train) if label.startswith("Use ")], "nothing is suggested yet"


def test_what_it_suggests_becomes_the_rate_and_can_be_undone(train: AppTest) -> None:
    press(train, "Range test")
    before = rate(train)
    probes.finish(asked().id, SEEN)
    sound(train.run())
    assert "falls fastest at 0.012" in captions(train)
    assert {"Use 0.012", "Use 0.0045"} <= set(labels(train))
    press(train, "Use 0.0045")
    assert rate(train) == 0.0045
    assert "changed since" not in captions(train), "the rate itself is no part of the test"
    documents.undo("ada", open_design(train).id)
    assert rate(train) == before


@pytest.mark.parametrize(("wished", "taken"), [("bfloat16", {"precision": "bfloat16"}), ("tf32", {}), ("float32", {})])
def test_a_range_test_has_the_precision_that_is_wished_for_where_the_cpu_has_it(
    train: AppTest, wished: str, taken: dict[str, str]
) -> None:
    fill(train, f"wish-precision-{open_design(train).id}", wished)
    press(train, "Range test")
    assert asked().wish == taken


def test_a_test_of_another_design_says_that_it_is(train: AppTest) -> None:
    press(train, "Range test")
    probes.finish(asked().id, SEEN)
    sound(train.run())
    assert "changed since" not in captions(train)
    fill(train, "recipe.seed", 5)
    assert "changed since" in captions(train)


def test_a_test_that_is_put_away_is_there_again_when_it_is_asked_for(train: AppTest) -> None:
    press(train, "Range test")
    probes.finish(asked().id, SEEN)
    press(train, "Close")
    assert not {"Close", "Use 0.012"} & set(labels(train))
    press(train, "Range test")
    assert probes.claim() is None
    assert "Use 0.012" in labels(train)


def test_a_test_that_saw_nothing_offers_nothing(train: AppTest) -> None:
    press(train, "Range test")
    probes.finish(asked().id, SEEN | {"steepest": None, "tenth": None})
    sound(train.run())
    assert "nothing to suggest" in captions(train)
    assert not [label for label in labels(train) if label.startswith("Use ")]


def test_a_test_that_failed_can_be_asked_for_again(train: AppTest) -> None:
    press(train, "Range test")
    probes.fail(asked().id, Problem(code="x/y", title="It broke", because="For a test."))
    press(train, "Range test")
    asked()


def test_an_optimizer_without_a_rate_to_find_says_why(train: AppTest) -> None:
    fill(train, "pick.recipe.optimizer", "LBFGS")
    assert button(train, "Range test").disabled
    assert "LBFGS has no rate that a range test could find" in captions(train)


def test_nobody_sees_the_test_of_another(visit: Visit, train: AppTest) -> None:
    press(train, "Range test")
    stranger = go_to(open_example(visit("eve"), "digits-mlp"), "train.py")
    assert "Close" not in labels(stranger)


# Augmented pictures ----------------------------------------------------------------------------------------------


def sheet(*colours: int) -> dict[str, object]:
    """Rows of two grey pictures of 2 x 3 pixels each, one colour a row."""
    rows = np.stack([np.full((2, 2, 3, 1), colour, np.uint8) for colour in colours])
    return {"shape": list(rows.shape), "pixels": base64.b64encode(rows.tobytes()).decode()}


def test_augmented_pictures_are_shown_below_their_settings(train: AppTest) -> None:
    assert "Preview" not in labels(train), "nothing is changed"
    fill(train, "pick.recipe.augment", ["Noise"])
    press(train, "Preview")
    probe = asked()
    assert (probe.kind, probe.experiment["recipe"]["augment"]) == ("augmented", [{"type": "Noise"}])
    assert not train.image, "there is nothing to see yet"
    probes.finish(probe.id, sheet(0, 255))
    sound(train.run())
    (image,) = train.image
    assert image.proto.imgs[0].alt.startswith("2 training pictures in a row, as they are; below each, 1 times")
    assert "Top row: as they are" in captions(train) and "changed since" not in captions(train)
    fill(train, "recipe.augment.0.params.std", "0.5")
    assert "changed since" in captions(train)
    press(train, "Close")
    assert not train.image and "Close" not in labels(train)


def test_a_sheet_has_rows_of_pictures_with_lines_between_them_made_larger() -> None:
    drawn = pictures(sheet(0, 255))
    factor = 640 // 7
    assert drawn.shape == (5 * factor, 7 * factor, 3)
    small = drawn[::factor, ::factor, 0]
    assert small.tolist() == [[0] * 3 + [128] + [0] * 3] * 2 + [[128] * 7] + [[255] * 3 + [128] + [255] * 3] * 2


def test_a_preview_that_failed_can_be_asked_for_again(train: AppTest) -> None:
    fill(train, "pick.recipe.augment", ["Noise"])
    press(train, "Preview")
    probes.fail(asked().id, Problem(code="x/y", title="It broke", because="For a test."))
    assert "Close" in labels(sound(train.run())) and not train.image
    press(train, "Preview")
    asked()


# The first step --------------------------------------------------------------------------------------------------

SPREADS = {
    "samples": 256,
    "nodes": [{"id": "hidden", "title": "hidden", "type": "Linear"}, {"id": "scores", "title": "scores", "type": "Linear"}],
    "schemes": [
        {"name": "As it is", "activation": [1.0, 1.0], "gradient": [0.001, 1.0]},
        {"name": "He normal", "activation": [1.0, 50.0], "gradient": [1.0, 1.0]},
    ],
    "kept": [],
}  # fmt: skip


def test_the_first_step_opens_over_the_page_and_says_what_becomes_of_each_way_to_begin(train: AppTest) -> None:
    press(train, "Spread at the first step")
    probe = asked()
    assert (probe.kind, probe.experiment, probe.wish) == ("spread", open_design(train).document, {})
    probes.finish(probe.id, SPREADS)
    sound(train.run())
    assert "gradients shrink 1,000 times on their way back" in captions(train)
    assert "activations grow 50 times on their way" in captions(train)
    assert "256 samples of the training part through 2 nodes" in captions(train)
    assert labels(train).count("Use") == 1, "as it is, it is already"


def test_a_way_to_begin_is_adopted_and_the_page_behind_is_there_again(train: AppTest) -> None:
    press(train, "Spread at the first step")
    probes.finish(asked().id, SPREADS)
    sound(train.run())
    press(train, "Use")
    assert open_design(train).document["recipe"]["init"]["weight"] == {"type": "HeNormal"}
    assert "Use" not in labels(train)
    documents.undo("ada", open_design(train).id)
    assert open_design(train).document["recipe"].get("init", {}).get("weight", {}).get("type") != "HeNormal"


def test_a_look_that_was_cleared_out_closes_what_showed_it(train: AppTest) -> None:
    press(train, "Spread at the first step")
    probes.finish(asked().id, SPREADS)
    sound(train.run())
    with writing() as connection:
        connection.execute(sa.delete(table))
    sound(train.run())
    assert "Use" not in labels(train)


def test_weights_that_stay_are_named(train: AppTest) -> None:
    press(train, "Spread at the first step")
    probes.finish(asked().id, SPREADS | {"kept": ["first", "second"]})
    sound(train.run())
    assert "stay as they are: first, second." in captions(train)


def test_where_too_much_waits_the_page_says_so_and_nothing_opens(
    train: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "PROBES_WAITING_PER_OWNER", 0)
    press(train, "Spread at the first step")
    assert "Too many tests are waiting" in " ".join(errors(train))
    press(train, "Range test")
    assert "Close" not in labels(train)
