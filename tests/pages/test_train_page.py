"""The Train page: it shows the data first, a press makes one run, and what makes no sense now cannot be pressed."""

import base64
import io
import json
from typing import Any

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from builder.analysis.memory import estimate
from builder.blocks import example
from builder.catalog import Augmentation, Clip, Initializer, Loss, Optimizer, Penalty, Preparation, Schedule, Source
from builder.design import read
from builder.design.experiment import Wish
from builder.problem import Fix, Problem, Set
from builder.store import checkpoints, runs
from builder.store.history import Recorder
from builder.store.runs import Run, Status
from builder.train.execution import choose
from builder.words import memory
from pages.parts import style
from tests.pages.conftest import (
    ONE_OF_EACH_FAMILY,
    Visit,
    button,
    captions,
    errors,
    fill,
    fixes,
    go_to,
    open_design,
    open_example,
    press,
    program,
    remove,
    sound,
    told,
    warnings,
)

CONTROLS = ("Train", "Pause", "Resume", "Stop", "Step", "Epoch")
STEPS = {"Step", "Epoch"}
LIVE: dict[Status | None, set[str]] = {
    None: {"Train"} | STEPS,
    "queued": {"Stop"} | STEPS,
    "starting": {"Stop"} | STEPS,
    "running": {"Pause", "Stop"} | STEPS,
    "paused": {"Resume", "Stop"} | STEPS,
    "finished": {"Train"} | STEPS,
    "stopped": {"Train", "Resume"} | STEPS,
    "failed": {"Train", "Resume"} | STEPS,
    "interrupted": {"Train", "Resume"} | STEPS,
}
"""Buttons that can be pressed, by the status of the run that is shown."""


def the_run(person: str = "ada") -> Run:
    """The person's one run."""
    (run,) = runs.listing(person)
    return run


def started(visit: Visit, status: Status = "queued") -> AppTest:
    """A tab that has pressed Train, and looks at the run when that has come to `status`."""
    tab = press(visit(), "Train")
    if status != "queued":
        runs.update(the_run().id, status=status)
    return sound(tab.run())


# Before anything has been trained --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ONE_OF_EACH_FAMILY)
def test_the_data_of_an_example_of_every_family_are_shown_before_training(visit: Visit, name: str) -> None:
    tab = go_to(open_example(visit(), name), "train.py")
    (chart,) = tab.get("plotly_chart")
    spec = json.loads(chart.proto.spec)
    assert spec["layout"]["title"]["text"]
    assert chart.proto.alt
    values = np.concatenate([numbers(trace) for trace in spec["data"]])
    assert np.isfinite(values).all()
    assert values.std() > 0  # and not blank


def test_pictures_in_colour_are_shown_in_colour_and_masks_below_them(visit: Visit) -> None:
    tab = go_to(open_example(visit(), "unet-small"), "train.py")
    (chart,) = tab.get("plotly_chart")
    pictures = [numbers(trace).reshape(32, 32, -1) for trace in json.loads(chart.proto.spec)["data"]]
    assert len(pictures) == 10
    colourful = [bool((picture.std(axis=2) > 0).any()) for picture in pictures]
    assert sorted(colourful) == [False] * 5 + [True] * 5
    masks = [picture for picture, colours in zip(pictures, colourful, strict=True) if not colours]
    assert {value for mask in masks for value in np.unique(mask)} == {0, 85, 170, 255}  # the ground and three forms


def numbers(trace: dict[str, Any], what: str = "y") -> np.ndarray:
    """What a trace draws, whichever way Plotly has written it down."""
    if trace["type"] == "image":
        picture = base64.b64decode(trace["source"].removeprefix("data:image/png;base64,"))
        return np.ravel(np.asarray(Image.open(io.BytesIO(picture), formats=("PNG",)), float))
    drawn = trace[what]
    if isinstance(drawn, dict):
        return np.frombuffer(base64.b64decode(drawn["bdata"]), drawn["dtype"]).astype(float)
    return np.ravel(np.asarray(drawn, float))


def test_the_preview_holds_the_training_part_alone(visit: Visit) -> None:
    tab = go_to(visit(), "train.py")
    (chart,) = tab.get("plotly_chart")
    drawn = sum(len(numbers(trace)) for trace in json.loads(chart.proto.spec)["data"])
    assert drawn == 250  # half of the 500 samples of Circle
    colours = {trace["name"]: trace["marker"]["color"] for trace in json.loads(chart.proto.spec)["data"]}
    assert colours == {"-1": style.TWO_CLASSES[0], "+1": style.TWO_CLASSES[1]}, "as the boundary has them"
    fill(tab, "data.split.train", "0.2")
    (chart,) = tab.get("plotly_chart")
    assert sum(len(numbers(trace)) for trace in json.loads(chart.proto.spec)["data"]) == 100


def test_large_pictures_are_sent_as_small_as_they_are_drawn(visit: Visit) -> None:
    tab = go_to(open_example(visit(), "alexnet"), "train.py")
    (chart,) = tab.get("plotly_chart")
    sizes = {numbers(trace).size for trace in json.loads(chart.proto.spec)["data"]}
    assert sizes == {3 * 112 * 112}  # every second pixel of 224


def test_the_memory_that_a_run_would_take_is_told(visit: Visit) -> None:
    tab = go_to(open_example(visit(), "digits-cnn"), "train.py")
    (told,) = [caption.value for caption in tab.caption if caption.value.startswith("Memory:")]
    expected = estimate(example("digits-cnn"))
    assert memory(expected.total) in told and "64 samples at once" in told and memory(expected.answering) in told
    tab.selectbox(key=next(box.key for box in tab.selectbox if box.key.startswith("wish-precision"))).set_value("bfloat16").run()  # fmt: skip
    (narrow,) = [caption.value for caption in tab.caption if caption.value.startswith("Memory:")]
    assert memory(estimate(example("digits-cnn"), "bfloat16").total) in narrow


# Starting --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", ["build.py", "train.py"])
def test_train_queues_this_very_design(visit: Visit, page: str) -> None:
    tab = remove(visit(), "tanh1")
    press(go_to(tab, page), "Train")
    run = the_run()
    assert run.status == "queued"
    assert run.experiment == open_design(tab).document
    assert run.design == open_design(tab).id
    assert tab.query_params["run"] == run.id
    assert tab.get("bidi_component")  # the live chart


def test_a_value_that_is_left_by_pressing_train_is_trained_with(visit: Visit) -> None:
    tab = go_to(visit(), "train.py")
    tab.number_input(key="recipe.length.epochs").set_value(3)
    press(tab, "Train")  # both arrive in one script run
    assert the_run().experiment["recipe"]["length"] == {"epochs": 3}


def test_train_pressed_twenty_times_makes_one_run(visit: Visit) -> None:
    tabs = [visit(), visit(page="train.py"), visit(page="train.py")]
    for tab in tabs:  # each has seen a button that could be pressed
        press(tab, "Train")
    for _ in range(17):
        press(go_to(tabs[0], "build.py"), "Train")
    assert {tab.query_params["run"] for tab in tabs} == {the_run().id}


def test_a_changed_design_makes_a_run_of_its_own(visit: Visit) -> None:
    tab = started(visit, "finished")
    fill(tab, "recipe.seed", 7)
    press(tab, "Train")
    assert sorted(run.experiment["recipe"].get("seed", 0) for run in runs.listing("ada")) == [0, 7]
    assert tab.query_params["run"] == runs.listing("ada")[0].id


def test_a_design_with_an_error_cannot_be_trained_until_it_is_repaired(visit: Visit) -> None:
    tab = go_to(remove(open_example(visit(), "digits-mlp"), "scores"), "train.py")
    assert button(tab, "Train").disabled
    assert len(errors(tab)) == 1
    sound(fixes(tab)[0].click().run())
    assert not errors(tab)
    assert not button(tab, "Train").disabled


def test_too_many_waiting_runs_are_refused_with_a_problem(visit: Visit) -> None:
    for number in range(20):
        runs.submit("ada", "Waiting", {"number": number})
    tab = press(go_to(visit(), "train.py"), "Train")
    assert errors(tab) == ["Too many runs are waiting"]
    assert len(runs.listing("ada")) == 20


# Controlling -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", LIVE)
def test_only_what_makes_sense_now_can_be_pressed(visit: Visit, status: Status | None) -> None:
    tab = started(visit, status) if status else go_to(visit(), "train.py")
    assert {label for label in CONTROLS if not button(tab, label).disabled} == LIVE[status]


@pytest.mark.parametrize(
    ("status", "label", "kind"),
    [("running", "Pause", "pause"), ("paused", "Resume", "resume"), ("running", "Stop", "stop"), ("paused", "Stop", "stop")],
)  # fmt: skip
def test_a_control_writes_one_command(visit: Visit, status: Status, label: str, kind: str) -> None:
    press(started(visit, status), label)
    assert [(command.seq, command.kind, command.step) for command in runs.commands_after(the_run().id, 0)] == [
        (1, kind, None)
    ]


@pytest.mark.parametrize("status", ["stopped", "interrupted", "failed"])
def test_a_run_that_ended_early_goes_on(visit: Visit, status: runs.EndStatus) -> None:
    tab = started(visit, "running")
    runs.finish(the_run().id, status)
    press(sound(tab.run()), "Resume")
    assert (the_run().status, len(runs.listing("ada"))) == ("queued", 1)
    assert not errors(tab)


def test_a_run_that_would_diverge_again_cannot_go_on(visit: Visit) -> None:
    tab = started(visit, "running")
    runs.finish(the_run().id, "failed", Problem(code=runs.DIVERGED, title="The loss is infinite", because="It grew."))
    assert button(sound(tab.run()), "Resume").disabled


def test_a_waiting_run_is_stopped_at_once(visit: Visit) -> None:
    tab = press(started(visit), "Stop")
    assert the_run().status == "stopped"
    assert not button(tab, "Train").disabled


# Afterwards ------------------------------------------------------------------------------------------------------


def test_the_scores_of_a_finished_run_are_shown(visit: Visit) -> None:
    tab = started(visit, "running")
    summary = {"train/loss": 0.25, "train/accuracy": 1.0, "test/loss": 0.5, "test/accuracy": 0.875}
    runs.finish(the_run().id, "finished", summary=summary)
    tab.run()
    scores = sound(tab).table[0].value
    assert list(scores.index) == ["train", "test"]
    assert list(scores["loss"]) == ["0.25", "0.5"]
    assert list(scores["accuracy"]) == ["100.00%", "87.50%"]
    assert any("test accuracy 87.5%" in caption.value for caption in tab.caption)  # in the list of runs


def test_an_interrupted_run_says_why(visit: Visit) -> None:
    tab = started(visit, "running")
    problem = Problem(code="run/interrupted", title="The engine has ended", because="It was stopped.")
    runs.finish(the_run().id, "interrupted", problem)
    assert errors(sound(tab.run())) == ["The engine has ended"]


def test_a_failed_run_is_told_of_once_by_the_live_chart(visit: Visit) -> None:
    tab = started(visit, "running")
    problem = Problem(code="run/diverged", title="The loss is not a number", because="At step 3.")
    runs.finish(the_run().id, "failed", problem)
    assert not errors(sound(tab.run()))
    (chart,) = tab.get("bidi_component")
    assert json.loads(chart.proto.json)["run"] == the_run().id


# What is told of a run ---------------------------------------------------------------------------------------------

SLOWER = Fix(label="Learn at a rate of 0.003", edits=(Set(path="recipe.optimizer.params.lr", value=0.003),))
LEAKY = Fix(label="Use ReLU in their place", edits=(Set(path="network.nodes.tanh1.type", value="ReLU"),))
TOLD = Problem(
    code="run/saturated-units", severity="warning", title="Most units of tanh1 are saturated", because="4 of 4.", fixes=(SLOWER, LEAKY)
)  # fmt: skip


def advised(run: Run, *problems: Problem, pulse: dict[str, Any] | None = None) -> None:
    """A worker tells this of a run."""
    recorder = Recorder(run.id)
    recorder.view("advice", 5, {"problems": [problem.model_dump(mode="json") for problem in problems]}, b"")
    if pulse is not None:
        recorder.view("pulse", 7, pulse, b"")
    recorder.close()


@pytest.mark.parametrize("status", ["running", "finished"])
def test_advice_is_shown_with_fixes_that_edit_the_design(visit: Visit, status: Status) -> None:
    tab = started(visit, status)
    assert not warnings(tab) and told(tab, "live")["advised"] is None
    advised(the_run(), TOLD)
    tab = sound(tab.run())
    assert warnings(tab) == ["Most units of tanh1 are saturated"] and told(tab, "live")["advised"] == 5
    assert [fix.label.replace("\\", "") for fix in fixes(tab)] == [
        "Learn at a rate of 0.003",
        "Use ReLU in their place",
    ]
    press(tab, "Learn at a rate of 0.003")
    assert open_design(tab).document["recipe"]["optimizer"]["params"]["lr"] == 0.003
    assert the_run().experiment["recipe"]["optimizer"]["params"]["lr"] == 0.01, "a run is not altered"
    assert [fix.label.replace("\\", "") for fix in fixes(tab)] == ["Use ReLU in their place"], (
        "the rate has changed since"
    )
    assert warnings(tab) == ["Most units of tanh1 are saturated"]


def test_what_cannot_be_read_of_advice_is_not_shown(visit: Visit) -> None:
    tab = started(visit, "running")
    advised(the_run(), TOLD, pulse={"step": "x"})
    recorder = Recorder(the_run().id)
    recorder.view("advice", 6, {"problems": [{"title": 3}]}, b"")
    recorder.close()
    tab = sound(tab.run())
    assert not warnings(tab) and not tab.get("plotly_chart")


def test_gradients_are_drawn_by_layer(visit: Visit) -> None:
    tab = started(visit, "running")
    weights = [
        {"layer": "hidden1", "gradient": 0.002, "weight": 0.5, "update": None},
        {"layer": "<b>", "gradient": 0.0, "weight": 0.5, "update": 0.1},
    ]
    advised(the_run(), pulse={"step": 7, "samples": 250, "weights": weights, "units": []})
    (chart,) = sound(tab.run()).get("plotly_chart")
    figure = json.loads(chart.proto.spec)
    (bars,) = figure["data"]
    assert (bars["x"], bars["y"]) == (["hidden1", "&lt;b&gt;"], [0.002, None])
    assert (
        figure["layout"]["yaxis"]["type"] == "log" and "root mean square" in figure["layout"]["yaxis"]["title"]["text"]
    )
    assert figure["layout"]["title"]["text"] == "Gradient by layer at step 7"


def test_an_earlier_run_can_be_opened_again(visit: Visit) -> None:
    tab = started(visit, "finished")
    first = the_run().id
    press(fill(tab, "recipe.seed", 7), "Train")
    assert tab.query_params["run"] != first
    press(tab, f"run-{first}")
    assert tab.query_params["run"] == first
    assert not button(tab, "Train").disabled


# Settings --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "shelf"),
    [
        ("pick.data.source", Source),
        ("pick.recipe.objectives.0.loss", Loss),
        ("pick.recipe.optimizer", Optimizer),
        ("pick.recipe.schedule", Schedule),
        ("pick.recipe.clip", Clip),
        ("pick.recipe.init.weight", Initializer),
        ("pick.recipe.init.bias", Initializer),
        ("pick.prepare.point", Preparation),
    ],
)
def test_everything_on_a_shelf_can_be_picked_and_has_a_form(visit: Visit, key: str, shelf: type[Any]) -> None:
    tab = go_to(visit(), "train.py")
    names = [name for name in names_in(tab, key) if name in shelf.shelf]
    assert set(shelf.shelf) - set(names) <= {"Values"}  # numbers by hand are written in a file
    for name in names:
        fill(tab, key, name)
        assert tab.selectbox(key=key).value == name


def names_in(tab: AppTest, key: str) -> list[str]:
    """The names that a picker offers, without the groups behind them."""
    return [option.partition(" · ")[0] for option in tab.selectbox(key=key).options]


@pytest.mark.parametrize(
    ("key", "shelf"),
    [
        ("pick.recipe.objectives.0.loss", Loss),
        ("pick.recipe.optimizer", Optimizer),
        ("pick.recipe.schedule", Schedule),
        ("pick.recipe.init.weight", Initializer),
    ],
)
def test_what_is_of_one_group_stands_together_and_says_so(visit: Visit, key: str, shelf: type[Any]) -> None:
    options = go_to(visit(), "train.py").selectbox(key=key).options
    names, groups = zip(*(option.split(" · ") for option in options), strict=True)
    assert set(shelf.shelf) - {"Values"} == set(names)
    assert list(groups) == [shelf.shelf[name].group for name in names]
    assert list(groups) == sorted(groups, key=groups.index)


def test_an_optimizer_says_what_it_does(visit: Visit) -> None:
    tab = go_to(visit(), "train.py")
    names = names_in(tab, "pick.recipe.optimizer")
    groups = [Optimizer.shelf[name].group for name in names]
    assert groups == sorted(groups, key=groups.index), "what does the same does not stand together"
    for name, does in (("Adagrad", "Adjusts the rate"), ("Muon", "Corrects the gradient"), ("NAdam", "Corrects gradient, adjusts rate")):  # fmt: skip
        fill(tab, "pick.recipe.optimizer", name)
        assert tab.selectbox(key="pick.recipe.optimizer").help.startswith(f"{does}: ")


def test_a_loss_and_first_weights_are_suggested_by_a_rule_that_is_told(visit: Visit) -> None:
    tab = go_to(visit(), "train.py")  # the playground: two classes, one output, MSE behind tanh
    press(tab, "suggest-loss-0")
    network, recipe = (open_design(tab).document[part] for part in ("network", "recipe"))
    assert recipe["objectives"] == [{"loss": {"type": "BCEWithLogits"}}] and network["outputs"] == ["output"]
    assert program(go_to(tab, "build.py")).count("nn.BCEWithLogitsLoss()") == 1
    go_to(tab, "train.py")
    assert "the surprise at the truth" in captions(tab) and "Bishop 2006" in captions(tab)
    press(tab, "suggest-init")
    assert open_design(tab).document["recipe"]["init"]["weight"] == {"type": "XavierUniform"}
    assert "Glorot and Bengio 2010" in captions(tab) and "Bishop" not in captions(tab)
    before = open_design(tab).revision
    for at, again in (("suggest-loss-0", "Already so: BCEWithLogits"), ("suggest-init", "Already so: XavierUniform")):
        press(tab, at)
        assert again in captions(tab) and open_design(tab).revision == before
    assert not errors(tab)


def test_a_setting_changes_the_recipe_and_the_program(visit: Visit) -> None:
    tab = go_to(visit(), "train.py")
    fill(tab, "recipe.optimizer.params.lr", "3e-4")
    fill(tab, "recipe.length.epochs", 3)
    recipe = open_design(tab).document["recipe"]
    assert recipe["optimizer"]["params"]["lr"] == 3e-4
    assert recipe["length"]["epochs"] == 3
    assert recipe["objectives"] == example("playground").model_dump(mode="json", exclude_defaults=True)["recipe"]["objectives"]  # fmt: skip
    go_to(tab, "build.py")
    assert "0.0003" in program(tab)


def test_class_weights_are_typed_one_by_one_and_as_many_as_there_are_classes(visit: Visit) -> None:
    tab = go_to(visit(), "train.py")
    fill(tab, "pick.recipe.objectives.0.loss", "Focal")
    fill(tab, "recipe.objectives.0.loss.params.alpha", "0.75, 0.25, 1")
    assert button(tab, "Train").disabled  # there are two classes: a Problem says so
    fill(tab, "recipe.objectives.0.loss.params.alpha", "0.75, 0.25")
    assert open_design(tab).document["recipe"]["objectives"][0]["loss"]["params"] == {"alpha": [0.75, 0.25]}
    assert not button(tab, "Train").disabled
    fill(tab, "recipe.objectives.0.loss.params.alpha", "")
    assert open_design(tab).document["recipe"]["objectives"][0]["loss"] == {"type": "Focal"}


def test_what_is_learned_can_be_chosen(visit: Visit) -> None:
    tab = go_to(open_example(visit(), "autoencoder-dense"), "train.py")
    learn = tab.selectbox(key="column.recipe.objectives.0.target")
    assert (learn.value, learn.options) == ("image", ["image", "digit"])
    fill(tab, "column.recipe.objectives.0.target", "digit")
    assert open_design(tab).document["recipe"]["objectives"][0]["target"] == "digit"
    assert button(tab, "Train").disabled  # an image is no guess at a digit: a Problem says so


def test_which_column_an_input_reads_can_be_chosen_where_there_are_several(visit: Visit) -> None:
    tab = go_to(visit(), "train.py")
    assert not [box for box in tab.selectbox if box.label.endswith(" reads")]
    tab = go_to(open_example(visit("bea"), "transformer-small"), "train.py")
    reads = tab.selectbox(key="column.data.bind.inputs.symbols")
    assert (reads.value, reads.options) == ("symbols", ["symbols", "length", "padding"])
    fill(tab, "column.data.bind.inputs.symbols", "length")
    assert open_design(tab, "bea").document["data"]["bind"]["inputs"] == {"symbols": "length"}
    assert button(tab, "Train").disabled


def test_a_schedule_is_drawn_before_training(visit: Visit) -> None:
    tab = go_to(visit(), "train.py")
    before = len(tab.get("plotly_chart"))
    fill(tab, "pick.recipe.schedule", "Cosine")
    charts = [chart.proto for chart in tab.get("plotly_chart")]
    assert len(charts) == before + 1
    (drawn,) = (chart for chart in charts if json.loads(chart.spec)["layout"]["title"]["text"] == "Learning rate")
    assert drawn.alt.startswith("The learning rate goes from 0.01 to ")
    assert open_design(tab).document["recipe"]["schedule"] == {"type": "Cosine"}


@pytest.mark.parametrize("name", [name for name in Schedule.shelf if name not in ("Constant", "ReduceOnPlateau")])
def test_every_schedule_and_its_warm_up_are_drawn_as_they_will_be(visit: Visit, name: str) -> None:
    tab = go_to(visit(), "train.py")
    fill(tab, "pick.recipe.schedule", name)
    fill(tab, "recipe.warm_up", "3")
    (chart,) = (each.proto for each in tab.get("plotly_chart") if "Learning rate" in each.proto.spec)
    (line,) = json.loads(chart.spec)["data"]
    rates = read.experiment(open_design(tab).document).recipe.rate
    # 25 steps an epoch, 200 epochs
    assert [numbers(line, "x")[at] for at in (0, -1)] == [0, 4_999]
    assert list(numbers(line, "y")) == pytest.approx([rates(int(at), 5_000, 25, 0.01) for at in numbers(line, "x")])


# Steps, goals, rates ---------------------------------------------------------------------------------------------


def asked(run: Run) -> list[tuple[str, Any]]:
    """What was asked of a run, in order."""
    return [(command.kind, command.payload) for command in runs.commands_after(run.id, 0)]


def test_a_step_of_nothing_yet_makes_a_run_that_halts_behind_it(visit: Visit) -> None:
    press(go_to(visit(), "train.py"), "Step")
    assert asked(the_run()) == [("step", {"steps": 1})]


def test_steps_of_a_paused_run_are_asked_of_it(visit: Visit) -> None:
    tab = started(visit, "paused")
    for label in ("Step", "Step", "Epoch"):
        press(tab, label)
    assert asked(the_run()) == [("step", {"steps": 1}), ("step", {"steps": 1}), ("step", {"epochs": 1})]


def test_a_step_of_a_stopped_run_lets_it_go_on(visit: Visit) -> None:
    tab = started(visit, "running")
    runs.finish(the_run().id, "stopped")
    press(sound(tab.run()), "Step")
    assert the_run().status == "queued"
    assert asked(the_run()) == [("step", {"steps": 1})]


@pytest.mark.parametrize(
    ("goal", "typed", "order"),
    [("epoch", "12", {"epoch": 12}), ("loss", "0,05", {"loss": 0.05}), ("accuracy", "0.9", {"accuracy": 0.9})],
)
def test_a_run_goes_on_until_what_was_typed(visit: Visit, goal: str, typed: str, order: dict[str, float]) -> None:
    tab = started(visit, "running")
    fill(tab, "until-what", goal)
    fill(tab, "until-value", typed)
    press(tab, "until-go")
    assert asked(the_run()) == [("until", order)]


def test_where_nothing_has_classes_no_accuracy_is_waited_for(visit: Visit) -> None:
    tab = go_to(visit(), "train.py")
    fill(tab, "until-what", "accuracy")
    go_to(tab, "build.py")
    tab = go_to(open_example(tab, "linear-regression"), "train.py")
    (goals,) = (group for group in tab.button_group if group.key == "until-what")
    assert goals.options == ["Epoch", "Loss at most"]
    fill(tab, "until-value", "3")
    press(tab, "until-go")
    assert asked(the_run()) == [("until", {"epoch": 3})]


@pytest.mark.parametrize("ending", ["stopped", "finished"])
def test_an_order_goes_to_the_run_as_it_is_by_now(visit: Visit, ending: runs.EndStatus) -> None:
    tab = started(visit, "running")
    first = the_run().id
    runs.finish(first, ending)  # the page still shows a run that goes on
    press(tab, "Step")
    (asked_one,) = (run for run in runs.listing("ada") if run.status == "queued")
    assert asked(asked_one) == [("step", {"steps": 1})]
    assert (asked_one.id == first) is (ending == "stopped") and not errors(tab)


@pytest.mark.parametrize(("goal", "typed"), [("epoch", "1.5"), ("loss", "low"), ("accuracy", ""), ("accuracy", "7")])
def test_a_goal_that_makes_no_sense_is_told(visit: Visit, goal: str, typed: str) -> None:
    tab = started(visit, "running")
    fill(tab, "until-what", goal)
    fill(tab, "until-value", typed)
    press(tab, "until-go")
    assert errors(tab)
    assert asked(the_run()) == []


def test_the_rate_of_a_running_run_is_changed(visit: Visit) -> None:
    tab = started(visit, "running")
    fill(tab, "rate-value", "1e-4")
    press(tab, "rate-go")
    assert asked(the_run()) == [("rate", {"rate": 0.0001})]
    fill(tab, "rate-value", "-3")
    press(tab, "rate-go")
    assert errors(tab) == ["That cannot be asked of a run"]


def test_a_run_is_begun_again_with_its_seed_and_with_another(visit: Visit) -> None:
    tab = started(visit, "running")
    runs.finish(the_run().id, "finished")
    tab = press(sound(tab.run()), "again-:material/replay:")
    first, second = sorted(runs.listing("ada"), key=lambda run: run.created)
    assert second.experiment == first.experiment
    runs.finish(second.id, "finished")
    press(sound(tab.run()), "again-:material/casino:")
    newest = max(runs.listing("ada"), key=lambda run: run.created)
    assert newest.experiment["recipe"]["seed"] != first.experiment["recipe"].get("seed", 0)


# How it is carried out -------------------------------------------------------------------------------------------


def test_what_is_wished_for_goes_with_the_run_and_is_remembered_by_the_next(visit: Visit) -> None:
    tab = go_to(visit(), "train.py")
    design = open_design(tab).id
    fill(tab, f"wish-precision-{design}", "bfloat16")
    fill(tab, f"wish-threads-{design}", 2)
    press(tab, "Train")
    assert {name: the_run().execution[name] for name in ("device", "precision", "threads")} == {
        "device": "auto", "precision": "bfloat16", "threads": 2,
    }  # fmt: skip
    runs.finish(the_run().id, "finished")
    fresh = go_to(visit(), "train.py")  # another tab, later
    assert fresh.selectbox(key=f"wish-precision-{design}").value == "bfloat16"


def start(run: Run) -> None:
    """Choose for the run what was left open, as the worker does at its first start, and let it end."""
    execution = choose(read.experiment(run.experiment), Wish.model_validate(run.execution))
    runs.update(run.id, execution=execution.model_dump(mode="json"))
    runs.finish(run.id, "finished")


def test_what_auto_has_chosen_was_not_wished_for(visit: Visit) -> None:
    tab = go_to(visit(), "train.py")
    design = open_design(tab).id
    fill(tab, f"wish-threads-{design}", 2)
    press(tab, "Train")
    start(the_run())
    fresh = go_to(visit(), "train.py")  # another tab, later
    wished = {name: fresh.selectbox(key=f"wish-{name}-{design}").value for name in ("device", "memory_format")}
    assert wished == {"device": "auto", "memory_format": "auto"}
    assert fresh.number_input(key=f"wish-threads-{design}").value == 2


def test_what_was_wished_for_and_not_left_open_is_remembered_after_the_start_too(visit: Visit) -> None:
    tab = go_to(visit(), "train.py")
    design = open_design(tab).id
    fill(tab, f"wish-device-{design}", "cpu")
    fill(tab, f"wish-memory_format-{design}", "contiguous")
    press(tab, "Train")
    start(the_run())
    fresh = go_to(visit(), "train.py")  # another tab, later
    wished = {name: fresh.selectbox(key=f"wish-{name}-{design}").value for name in ("device", "memory_format")}
    assert wished == {"device": "cpu", "memory_format": "contiguous"}


@pytest.mark.parametrize(
    "damage",
    [
        {"experiment": {"format": "layerlab.experiment", "version": 2, "recipe": {"seed": 3}}},
        {"experiment": {"recipe": []}},
        {"experiment": {}, "epochs": 10**9},
        {"problem": {"sentence": "of a newer version"}},
        {"execution": {"device": "cpu", "threads": "x"}},
        {"execution": {"device": "tpu", "threads": 2, "torch": "9"}},
    ],
    ids=str,
)
def test_a_run_that_cannot_be_read_hides_no_other(visit: Visit, damage: dict[str, Any]) -> None:
    whole = started(visit, "running")
    runs.finish(the_run().id, "finished")
    press(sound(whole.run()), "again-:material/casino:")
    newest = max(runs.listing("ada"), key=lambda run: run.created)
    runs.update(newest.id, **damage)
    runs.finish(newest.id, "failed")
    for page in ("train.py", "runs.py"):
        tab = go_to(visit(), page)
        if page == "train.py":
            assert {button.key for button in tab.button} >= {f"run-{run.id}" for run in runs.listing("ada")}
            assert bool(errors(tab)) is ("execution" not in damage)
    assert not go_to(visit(chosen=newest.id), "runs.py").exception


def test_how_large_and_how_sparse_the_weights_ended_is_told_beside_the_scores(visit: Visit) -> None:
    tab = started(visit, "running")
    summary = {"train/loss": 0.25, "test/loss": 0.5, "weights/norm": 5.90625, "weights/sparsity": 0.125}
    runs.finish(the_run().id, "finished", summary=summary)
    tab = sound(tab.run())
    assert "Weights: norm 5.906, 12.50% of them below 0.001." in [caption.value for caption in tab.caption]
    (scores,) = (table.value for table in tab.table if table.value.index.name == "Last weights on")
    assert list(scores.columns) == ["loss"] and list(scores.index) == ["train", "test"]


def test_early_stopping_metrics_and_averages_are_edits_of_the_design(visit: Visit) -> None:
    tab = go_to(visit(), "train.py")
    fill(tab, "pick.recipe.early_stopping", True)
    fill(tab, "recipe.early_stopping.patience", 3)
    fill(tab, "pick.recipe.metrics", ["F1", "AUROC"])
    fill(tab, "recipe.ema", "0.99")
    fill(tab, "recipe.batch.accumulation", 4)
    recipe = open_design(tab).document["recipe"]
    assert recipe["early_stopping"] == {"patience": 3}
    assert recipe["metrics"] == [{"type": "F1"}, {"type": "AUROC"}]
    assert (recipe["ema"], recipe["batch"]["accumulation"]) == (0.99, 4)
    assert tab.multiselect(key="pick.recipe.metrics").options == ["Precision", "Recall", "F1", "AUROC"]  # two classes
    fill(tab, "pick.recipe.early_stopping", False)
    assert "early_stopping" not in open_design(tab).document["recipe"]


def test_penalties_and_limits_are_edits_of_the_design(visit: Visit) -> None:
    tab = go_to(visit(), "train.py")
    assert tab.multiselect(key="pick.recipe.penalties").options == list(Penalty.shelf)
    fill(tab, "pick.recipe.penalties", ["L2", "L1"])
    fill(tab, "recipe.penalties.0.params.strength", "0.01")
    fill(tab, "pick.recipe.clip", "ByNorm")
    fill(tab, "recipe.clip.params.max_norm", "0.5")
    fill(tab, "recipe.max_norm", "3")
    recipe = open_design(tab).document["recipe"]
    assert recipe["penalties"] == [{"type": "L2", "params": {"strength": 0.01}}, {"type": "L1"}]
    assert recipe["clip"] == {"type": "ByNorm", "params": {"max_norm": 0.5}} and recipe["max_norm"] == 3
    fill(tab, "pick.recipe.penalties", ["L2"])
    fill(tab, "pick.recipe.clip", "off")
    fill(tab, "recipe.max_norm", "")
    recipe = open_design(tab).document["recipe"]
    assert recipe["penalties"] == [{"type": "L2", "params": {"strength": 0.01}}]  # what was set stays
    assert not {"clip", "max_norm"} & recipe.keys()
    assert not errors(tab) and not button(tab, "Train").disabled


def test_augmentation_is_an_edit_of_the_design_in_the_order_of_the_choices(visit: Visit) -> None:
    tab = go_to(open_example(visit(), "digits-cnn"), "train.py")
    assert tab.multiselect(key="pick.recipe.augment").options == list(Augmentation.shelf)
    fill(tab, "pick.recipe.augment", ["Noise", "Crop"])
    fill(tab, "recipe.augment.0.params.std", "0.5")
    fill(tab, "recipe.augment.1.params.padding", 2)
    changes = [{"type": "Noise", "params": {"std": 0.5}}, {"type": "Crop", "params": {"padding": 2}}]
    assert open_design(tab).document["recipe"]["augment"] == changes
    fill(tab, "pick.recipe.augment", ["Crop", "Cutout", "Noise"])
    assert open_design(tab).document["recipe"]["augment"] == [changes[1], {"type": "Cutout"}, changes[0]]
    assert not errors(tab) and not warnings(tab) and not button(tab, "Train").disabled
    fill(tab, "pick.recipe.augment", [])
    assert "augment" not in open_design(tab).document["recipe"]


@pytest.mark.parametrize("kind", Augmentation.shelf)
def test_every_augmentation_has_a_form_of_its_fields(visit: Visit, kind: str) -> None:
    tab = go_to(open_example(visit(), "digits-cnn"), "train.py")
    fill(tab, "pick.recipe.augment", [kind])
    keys = {widget.key for widget in (*tab.text_input, *tab.number_input, *tab.selectbox)}
    assert {f"recipe.augment.0.params.{field}" for field in Augmentation.shelf[kind].model_fields} <= keys


def test_a_mirror_that_makes_labels_wrong_is_warned_of_where_it_is_chosen(visit: Visit) -> None:
    tab = go_to(open_example(visit(), "digits-cnn"), "train.py")
    fill(tab, "pick.recipe.augment", ["Noise", "HorizontalFlip"])
    assert warnings(tab) == ["HorizontalFlip makes labels wrong"] and not button(tab, "Train").disabled
    press(tab, "Leave HorizontalFlip out")
    assert open_design(tab).document["recipe"]["augment"] == [{"type": "Noise"}] and not warnings(tab)


def test_where_there_are_no_pictures_there_is_nothing_to_augment(visit: Visit) -> None:
    tab = go_to(visit(), "train.py")
    assert "no pictures" in captions(tab)
    assert not [box for box in tab.multiselect if box.key == "pick.recipe.augment"]
    tab = go_to(open_example(visit("bea"), "digits-cnn"), "train.py")
    fill(tab, "pick.recipe.augment", ["Noise"])
    fill(tab, "pick.data.source", "Wine")
    assert "There is no picture to augment" in errors(tab)
    assert tab.multiselect(key="pick.recipe.augment").value == ["Noise"], "it can be taken out"


def test_a_clip_that_cannot_be_is_taken_away_with_one_press(visit: Visit) -> None:
    tab = go_to(visit(), "train.py")
    fill(tab, "pick.recipe.clip", "ByValue")
    fill(tab, "pick.recipe.optimizer", "LBFGS")
    assert button(tab, "Train").disabled
    press(tab, "Do not clip")
    assert "clip" not in open_design(tab).document["recipe"] and not button(tab, "Train").disabled


# Moments that are kept -------------------------------------------------------------------------------------------


def kept(visit: Visit) -> tuple[AppTest, Run]:
    """A tab that looks at a stopped run of which three moments are kept."""
    tab = started(visit, "running")
    run = the_run()
    keeper = checkpoints.Keeper(run.id)
    recorder = Recorder(run.id)
    for step in range(1, 31):
        recorder.add("train/loss", step, 1 / step)
        if step % 10 == 0:
            recorder.flush()
            keeper.keep(step, b"moment %d" % step, epoch=step // 10, score={10: 0.5, 20: 0.25, 30: 0.375}[step])
    recorder.close()
    runs.update(run.id, step=30, total_steps=1000, epochs=200)
    runs.finish(run.id, "stopped")
    return sound(tab.run()), the_run()


def test_the_slider_goes_back_to_any_moment_and_knows_the_best(visit: Visit) -> None:
    tab, run = kept(visit)
    (slider,) = tab.select_slider
    assert slider.options == ["step 10, epoch 1", "step 20, epoch 2 (best)", "step 30, epoch 3"]
    assert slider.value == 30
    fill(tab, f"moment-{run.id}", 20)
    (table,) = [table.value for table in tab.table if "train/loss" in table.value]
    assert table.loc["step 20, epoch 2 (best)", "train/loss"] == "0.05"


def test_the_boundary_of_a_moment_is_drawn_where_there_is_one(visit: Visit) -> None:
    tab, run = kept(visit)
    assert not tab.get("plotly_chart")
    recorder = Recorder(run.id)
    meta = {"x": [0, 1], "y": [0, 2], "size": 2, "classes": 2, "labels": ["-1", "+1"]}
    recorder.view("boundary_20", 20, meta, np.array([-1, 0, 0.5, 1], "<f4").tobytes())
    recorder.view("points", 0, {"count": 1, "labels": ["-1", "+1"]}, np.array([0.5, 1, 1, 0], "<f4").tobytes())
    recorder.close()
    assert not sound(tab.run()).get("plotly_chart")  # the newest moment has none
    fill(tab, f"moment-{run.id}", 20)
    (chart,) = tab.get("plotly_chart")
    field, *clouds = json.loads(chart.proto.spec)["data"]
    assert numbers(field, "z").tolist() == [-1, 0, 0.5, 1]
    assert [len(numbers(cloud)) for cloud in clouds] == [0, 1]
    assert "step 20, epoch 2 (best)" in chart.proto.alt


def test_another_run_goes_on_from_a_moment_at_another_rate(visit: Visit) -> None:
    tab, run = kept(visit)
    fill(tab, f"moment-{run.id}", 20)
    fill(tab, f"moment-rate-{run.id}", "0.5")
    fill(tab, f"moment-epochs-{run.id}", 250)
    press(tab, "Branch from here")
    branch = max(runs.listing("ada"), key=lambda run: run.created)
    assert (branch.parent, branch.parent_step, branch.status) == (run.id, 20, "queued")
    assert branch.experiment["recipe"]["optimizer"]["params"]["lr"] == 0.5
    assert branch.experiment["recipe"]["length"]["epochs"] == 250


def test_a_moment_s_rate_that_cannot_be_read_is_told(visit: Visit) -> None:
    tab, run = kept(visit)
    fill(tab, f"moment-rate-{run.id}", "fast")
    press(tab, "Branch from here")
    assert errors(tab) == ["'fast' cannot be read"]
    assert len(runs.listing("ada")) == 1


def test_what_would_help_a_run_that_was_too_large_changes_the_design(visit: Visit) -> None:
    tab = started(visit, "running")
    fix = Fix(label="Try batch 4", edits=(Set(path="recipe.batch.size", value=4),))
    runs.finish(the_run().id, "failed", Problem(code="run/too-large", title="Too large", because="", fixes=(fix,)))
    tab = sound(tab.run())
    assert [fix.label.replace("\\", "") for fix in fixes(tab)] == ["Try batch 4"]
    press(tab, "Try batch 4")
    assert open_design(tab).document["recipe"]["batch"]["size"] == 4


def test_an_objective_is_added_weighed_and_removed(visit: Visit) -> None:
    tab = go_to(open_example(visit(), "digits-mlp"), "train.py")
    before = open_design(tab).document["recipe"]["objectives"]
    press(tab, "add-objective")
    first, second = open_design(tab).document["recipe"]["objectives"]
    assert first["loss"] == before[0]["loss"] and {"output": "scores", "target": "digit"}.items() <= first.items()
    assert second == {"output": "scores", "target": "digit", "loss": {"type": "CrossEntropy"}}
    fill(tab, "pick.recipe.objectives.1.loss", "Focal")
    fill(tab, "recipe.objectives.1.weight", "0.5")
    assert not button(tab, "Train").disabled
    kept = open_design(tab).document["recipe"]["objectives"][1]
    assert kept == {"output": "scores", "target": "digit", "loss": {"type": "Focal"}, "weight": 0.5}
    press(tab, "drop-objective-0")
    assert open_design(tab).document["recipe"]["objectives"] == [kept]
    assert [key for key in (each.key or "" for each in tab.button) if key.startswith("drop-objective")] == []


def test_an_objective_more_looks_at_what_none_looks_at_yet(visit: Visit) -> None:
    tab = go_to(open_example(visit(), "xor-gate"), "train.py")
    press(tab, "add-objective")
    assert [each["output"] for each in open_design(tab).document["recipe"]["objectives"]] == ["and_gate", "fires"]
    choose = tab.selectbox(key="column.recipe.objectives.1.output")
    assert (choose.value, choose.options) == ("fires", ["and_gate", "fires"])
    press(tab, "drop-objective-0")
    (left,) = open_design(tab).document["recipe"]["objectives"]
    assert left["output"] == "fires", "it keeps what it looks at, though it stands in another place"
