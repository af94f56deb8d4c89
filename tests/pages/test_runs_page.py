"""The Runs page: the list, one run in detail with all that can be done with it, several beside each other, and the bin."""

import io
import json
import zipfile
from typing import Any

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from builder.analysis.memory import estimate
from builder.blocks import example
from builder.design import edits, read
from builder.design.network import to_json
from builder.problem import Fix, Json, Problem, Set
from builder.store import archive, documents, runs
from builder.store.history import Recorder
from builder.store.runs import Run, Status
from builder.words import memory
from pages.parts import run_list
from tests.pages.conftest import Visit, button, errors, fill, fixes, go_to, opened, press, sound, warnings

SCORES = {"train/loss": 0.25, "test/loss": 0.5, "test/accuracy": 0.875}


def made(
    name: str = "playground", person: str = "ada", status: Status = "finished", design: bool = False, **changes: Json
) -> Run:
    """A run of the playground that has come to `status`; `changes` are values by path, with _ for the dots."""
    document = edits.apply(
        to_json(example("playground")),
        [Set(path=path.replace("_", "."), value=value) for path, value in changes.items()],
    )
    draft = documents.create(person, name, document).id if design else None
    run = runs.submit(person, name, document, design=draft)
    recorder = Recorder(run.id)
    for step in range(1, 101):
        recorder.add("train/loss", step, 1 / step)
    recorder.flush()
    recorder.close()
    runs.update(run.id, step=100, total_steps=100, epoch=4, epochs=4, seconds=2.0, status="running")
    if status == "finished":
        runs.finish(run.id, "finished", summary=SCORES)
    else:
        runs.update(run.id, status=status)
    return stored(run, person)


def stored(run: Run, person: str = "ada") -> Run:
    found = runs.get(person, run.id)
    assert found is not None
    return found


def at_runs(visit: Visit, *chosen: Run, person: str = "ada") -> AppTest:
    """A tab on the Runs page in which these runs are chosen."""
    tab = visit(person)
    tab.session_state["chosen"] = [run.id for run in chosen]
    return go_to(tab, "runs.py")


def listed(tab: AppTest) -> pd.DataFrame:
    """The list of runs."""
    return next(frame.value for frame in tab.dataframe if "Status" in frame.value.columns)


def selected(tab: AppTest) -> list[int]:
    """The rows of the list that are shown as chosen."""
    (key,) = (frame.key for frame in tab.dataframe if "Status" in frame.value.columns)
    return list(tab.session_state[key]["selection"]["rows"])


def names(tab: AppTest) -> list[str]:
    frames = [frame.value for frame in tab.dataframe if "Status" in frame.value.columns]
    return list(frames[0]["Name"]) if frames else []


def differences(tab: AppTest) -> dict[str, list[str]]:
    frame = next(frame.value for frame in tab.dataframe if "Setting or result" in frame.value.columns)
    return {row[0]: list(row[1:]) for row in frame.itertuples(index=False)}


def components(tab: AppTest) -> list[dict[str, Any]]:
    """What the live components of the page were given."""
    return [json.loads(component.proto.json) for component in tab.get("bidi_component")]


def enter(tab: AppTest, key: str, value: Any) -> AppTest:
    for kind in (tab.multiselect, tab.text_area, tab.pills, tab.segmented_control):
        for widget in kind:
            if widget.key == key:
                return sound(widget.set_value(value).run())
    return fill(tab, key, value)


# The list --------------------------------------------------------------------------------------------------------


def test_without_runs_the_page_says_how_one_is_made(visit: Visit) -> None:
    tab = at_runs(visit)
    assert any("No runs yet" in info.value for info in tab.info)
    assert [link.proto.page for link in tab.get("page_link")] == ["train"]


def test_the_list_tells_name_status_scores_and_course_of_every_run_the_newest_first(visit: Visit) -> None:
    first = made("first")
    runs.annotate("ada", first.id, tags=["baseline"], notes="It was good.\nReally.")
    made("second", status="paused")
    made("hers", "eve")
    frame = listed(at_runs(visit))
    assert list(frame["Name"]) == ["second", "first"]
    assert list(frame["Status"]) == [run_list.WORDS["paused"], run_list.WORDS["finished"]]
    assert list(frame["Tags"].iloc[1]) == ["baseline"]
    assert frame["Notes"].iloc[1] == "It was good."
    assert list(frame["Epochs"]) == ["4", "4 of 4"]
    assert frame["Accuracy"].iloc[1] == 0.875 and frame["Loss"].iloc[1] == 0.5
    assert len(frame["Course"].iloc[0]) == 60
    assert "Mark" not in frame and "Design" not in frame


def test_every_status_has_a_sign_of_its_own() -> None:
    signs = [words.split()[0] for words in run_list.WORDS.values()]
    assert len(set(signs)) == len(signs)
    assert set(run_list.WORDS) == {*runs.ALIVE, *runs.RESUMABLE, "finished"}


def test_runs_are_found_by_words_and_by_status(visit: Visit) -> None:
    tagged = made("tagged")
    runs.annotate("ada", tagged.id, tags=["wide"])
    made("stopped early", status="stopped")
    tab = at_runs(visit)
    assert names(fill(tab, "find-runs", "WIDE")) == ["tagged"]
    assert names(fill(tab, "find-runs", "")) == ["stopped early", "tagged"]
    assert names(enter(tab, "runs-kind", "Ended early")) == ["stopped early"]
    enter(tab, "runs-kind", "Going")
    assert names(tab) == [] and any("No run is like that" in info.value for info in tab.info)


def test_a_long_list_is_shown_piece_by_piece(visit: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_list, "AT_FIRST", 2)
    for number in range(5):
        made(f"run {number}")
    tab = at_runs(visit)
    assert names(tab) == ["run 4", "run 3"]
    press(tab, "Show more")
    assert len(names(tab)) == 4
    press(tab, "Show more")
    assert len(names(tab)) == 5 and not [each for each in tab.button if each.label == "Show more"]


def test_a_run_that_goes_on_has_a_line_that_follows_it(visit: Visit) -> None:
    made("done")
    going = made("going", status="running")
    (lines,) = components(at_runs(visit))
    assert lines["panels"] == []
    assert lines["runs"] == [{"id": going.id, "label": "going", "color": None, "status": "running"}]


def test_what_is_chosen_stays_with_its_run_when_a_newer_one_comes(visit: Visit) -> None:
    first = made("first")
    tab = at_runs(visit, first)
    assert selected(tab) == [0]
    made("second")
    sound(tab.run())
    assert names(tab) == ["second", "first"]
    assert selected(tab) == [1]
    assert tab.query_params["chosen"] == first.id


def test_the_address_names_what_is_chosen_and_nobody_elses_run_is_opened_by_it(visit: Visit) -> None:
    mine, hers = made("mine"), made("hers", "eve")
    tab = visit(chosen=f"{mine.id},{hers.id}")
    tab.query_params["chosen"] = f"{mine.id},{hers.id}"
    go_to(tab, "runs.py")
    assert tab.text_input(key=f"run-name-{mine.id}").value == "mine"
    assert "hers" not in str(components(tab))


# One run ---------------------------------------------------------------------------------------------------------


def test_name_tags_and_notes_are_kept(visit: Visit) -> None:
    run = made()
    tab = at_runs(visit, run)
    fill(tab, f"run-name-{run.id}", "A better name")
    enter(tab, f"run-tags-{run.id}", ["new", "newer"])
    enter(tab, f"run-notes-{run.id}", "What I saw")
    kept = stored(run)
    assert (kept.name, kept.tags, kept.notes) == ("A better name", ("new", "newer"), "What I saw")
    assert names(tab) == ["A better name"]
    assert not errors(tab)


def test_a_name_that_a_run_cannot_have_is_told_and_the_old_one_stays(visit: Visit) -> None:
    run = made("old")
    tab = fill(at_runs(visit, run), f"run-name-{run.id}", "  ")
    assert errors(tab)
    assert stored(run).name == "old"
    assert tab.text_input(key=f"run-name-{run.id}").value == "old"


def test_tags_of_other_runs_are_offered(visit: Visit) -> None:
    other, run = made("other"), made()
    runs.annotate("ada", other.id, tags=["used before"])
    tab = at_runs(visit, run)
    assert tab.multiselect(key=f"run-tags-{run.id}").options == ["used before"]


def test_the_details_tell_how_the_run_was_carried_out(visit: Visit) -> None:
    run = made()
    runs.update(run.id, execution={"device": "cpu", "device_name": "CPU", "threads": 2, "torch": "2.13", "precision": "float32"}, memory=2**20)  # fmt: skip
    tab = at_runs(visit, run)
    facts = {row[0]: row[1] for row in tab.table[0].value.itertuples(index=False)}
    assert facts["Device"] == "CPU" and facts["Threads"] == "2" and facts["PyTorch"].replace("\\", "") == "2.13"
    told = memory(estimate(read.experiment(run.experiment)).tensors)
    assert facts["Peak memory"].replace("\\", "") == f"1.0 MiB; tensors estimated at {told}"
    assert "0.5" in tab.table[1].value.to_string()  # the scores
    (chart,) = components(tab)
    assert [each["id"] for each in chart["runs"]] == [run.id] and chart["runs"][0]["color"] == 0


def test_open_goes_to_train_with_run_and_design(visit: Visit) -> None:
    run = made("with a design", design=True)
    made("newer", design=True)
    tab = press(at_runs(visit, run), "Open")
    assert tab.query_params["run"] == run.id and tab.query_params["design"] == run.design
    assert button(tab, "Train")


def test_a_run_without_a_design_is_opened_as_a_new_one(visit: Visit) -> None:
    run = made("of nothing", recipe_seed=7)
    tab = at_runs(visit, run)
    assert button(tab, "Open").disabled
    press(tab, "As a design")
    opened_design = documents.get("ada", tab.query_params["design"])
    assert opened_design and opened_design.document["recipe"]["seed"] == 7


@pytest.mark.parametrize("status", ["finished", "running", "stopped", "interrupted", "failed", "queued", "paused"])
def test_only_what_makes_sense_can_be_pressed(visit: Visit, status: Status) -> None:
    tab = at_runs(visit, made(status=status))
    assert button(tab, "Resume").disabled == (status not in runs.RESUMABLE)
    assert button(tab, "Throw away").disabled == (status in runs.ALIVE)


def test_resume_queues_the_run_again(visit: Visit) -> None:
    run = made(status="interrupted")
    press(at_runs(visit, run), "Resume")
    assert stored(run).status == "queued"


def test_a_failed_run_says_why(visit: Visit) -> None:
    run = made(status="running")
    runs.finish(run.id, "failed", Problem(code=runs.DIVERGED, title="The loss is infinite", because="It grew."))
    tab = at_runs(visit, run)
    assert errors(tab) == ["The loss is infinite"]
    assert button(tab, "Resume").disabled


def test_again_queues_the_same_experiment_with_the_same_or_another_seed(visit: Visit) -> None:
    run = made()
    tab = press(opened(at_runs(visit, run), "again"), "again-same")
    same = runs.listing("ada")[0]
    assert same.status == "queued" and same.experiment == run.experiment and same.id != run.id
    assert tab.query_params["chosen"] == f"{run.id},{same.id}"  # beside each other
    tab = press(fill(opened(at_runs(visit, run), "again"), f"again-seed-{run.id}", 41), "again-other")
    assert runs.listing("ada")[0].experiment["recipe"]["seed"] == 41


def test_a_branch_without_a_checkpoint_is_not_offered(visit: Visit) -> None:
    tab = opened(at_runs(visit, made()), "branch")
    assert any("No checkpoint" in caption.value for caption in tab.caption)
    assert not [each for each in tab.button if each.key == "branch-go"]


def test_a_branch_is_made_of_what_was_chosen(visit: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    run, asked = made(), {}

    def branch(owner: str, id: str, step: int, **named: Any) -> Run:
        asked.update(named, owner=owner, id=id, step=step)
        return run

    monkeypatch.setattr("builder.store.checkpoints.steps", lambda run_id: [25, 50])
    monkeypatch.setattr("builder.store.branching.branch", branch)
    tab = opened(at_runs(visit, run), "branch")
    assert tab.selectbox(key=f"branch-step-{run.id}").value == 50  # the newest first
    fill(tab, f"branch-step-{run.id}", 25)
    fill(tab, f"branch-rate-{run.id}", "3e-4")
    fill(tab, f"branch-epochs-{run.id}", 9)
    press(tab, "branch-go")
    assert asked == {
        "owner": "ada", "id": run.id, "step": 25, "name": None,
        "changes": {"recipe.length.epochs": 9, "recipe.optimizer.params.lr": 3e-4},
    }  # fmt: skip


def test_a_learning_rate_that_cannot_be_read_is_told(visit: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    run = made()
    monkeypatch.setattr("builder.store.checkpoints.steps", lambda run_id: [25])
    tab = fill(opened(at_runs(visit, run), "branch"), f"branch-rate-{run.id}", "fast")
    press(tab, "branch-go")
    assert errors(tab) == ["'fast' cannot be read"]
    assert len(runs.listing("ada")) == 1


def test_what_cannot_be_extended_is_told(visit: Visit) -> None:
    run = made()
    tab = press(opened(at_runs(visit, run), "extend"), "extend-go")
    assert errors(tab) == ["There is no checkpoint"]


def test_a_branch_leads_to_the_run_that_it_came_from(visit: Visit) -> None:
    parent, run = made("the parent"), made("the branch")
    runs.update(run.id, parent=parent.id, parent_step=1200)
    tab = at_runs(visit, run)
    assert button(tab, "Branched from the parent at step 1,200")
    press(tab, "parent")
    assert tab.query_params["chosen"] == f"{run.id},{parent.id}"
    assert len(components(tab)[0]["runs"]) == 2


def test_a_parent_that_is_gone_is_told(visit: Visit) -> None:
    run = made()
    runs.update(run.id, parent="abcdefghijkl", parent_step=3)
    assert any("not there any more" in caption.value for caption in at_runs(visit, run).caption)


# Export and import -----------------------------------------------------------------------------------------------


def test_a_run_is_packed_only_when_it_is_asked_for(visit: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    packed: list[str] = []
    pack = archive.pack
    monkeypatch.setattr(archive, "pack", lambda owner, id: packed.append(id) or pack(owner, id))
    run = made()
    tab = at_runs(visit, run)
    assert packed == []
    opened(tab, "export")
    assert packed == [run.id]
    assert tab.get("download_button")


def test_an_exported_run_comes_back_by_import(visit: Visit) -> None:
    run = made("to travel")
    data = archive.pack("ada", run.id)
    tab = at_runs(visit, person="eve")
    sound(tab.file_uploader(key="run-upload").upload("run.zip", data, "application/zip").run())
    (arrived,) = runs.listing("eve")
    assert arrived.experiment == run.experiment and arrived.summary == SCORES
    assert names(tab) == ["to travel"]
    assert tab.query_params["chosen"] == arrived.id


def hostile() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as zip_file:
        zip_file.writestr("../../outside.json", "{}")
    return file.getvalue()


@pytest.mark.parametrize("data", [b"no zip at all", b"", hostile()])
def test_a_zip_that_is_not_as_it_should_be_is_refused_with_a_problem(visit: Visit, data: bytes) -> None:
    tab = at_runs(visit)
    sound(tab.file_uploader(key="run-upload").upload("run.zip", data, "application/zip").run())
    assert errors(tab)
    assert runs.listing("ada") == []


# The bin ---------------------------------------------------------------------------------------------------------


def in_bin(tab: AppTest, *chosen: Run) -> AppTest:
    tab.session_state["chosen"] = [run.id for run in chosen]
    return enter(tab, "runs-where", "Bin")


def test_a_run_goes_into_the_bin_and_comes_back(visit: Visit) -> None:
    run = made()
    tab = press(at_runs(visit, run), "Throw away")
    assert names(tab) == [] and stored(run).binned
    in_bin(tab, run)
    assert names(tab) == ["playground"]
    press(tab, "Take back")
    assert names(tab) == [] and any("bin is empty" in info.value for info in tab.info)
    assert stored(run).binned is None


def test_a_run_is_deleted_for_good_after_one_question(visit: Visit) -> None:
    run, other = made("one"), made("other")
    for each in (run, other):
        runs.throw_away("ada", each.id)
    tab = in_bin(at_runs(visit), run)
    press(tab, "Yes, delete")
    assert runs.get("ada", run.id) is None and runs.get("ada", other.id)
    assert names(tab) == ["other"]


def test_the_bin_is_emptied_after_one_question_and_nobody_elses(visit: Visit) -> None:
    mine, hers = made("mine"), made("hers", "eve")
    runs.throw_away("ada", mine.id)
    runs.throw_away("eve", hers.id)
    tab = press(in_bin(at_runs(visit)), "Yes, empty it")
    assert runs.get("ada", mine.id) is None and runs.get("eve", hers.id)
    assert names(tab) == []


def test_in_the_bin_nothing_can_be_done_with_nothing(visit: Visit) -> None:
    runs.throw_away("ada", made().id)
    tab = in_bin(at_runs(visit))
    assert button(tab, "Take back").disabled


# Several runs ----------------------------------------------------------------------------------------------------


def test_several_runs_are_drawn_together_one_colour_a_run(visit: Visit) -> None:
    one, two, going = made("one"), made("two", recipe_seed=1), made("three", status="running", recipe_seed=2)
    tab = at_runs(visit, one, two, going)
    chart = next(each for each in components(tab) if each["panels"])
    assert [(each["id"], each["color"]) for each in chart["runs"]] == [(one.id, 0), (two.id, 1), (going.id, 2)]
    assert [each["label"] for each in chart["runs"]] == ["A one", "B two", "C three"]
    assert [panel["title"] for panel in chart["panels"]] == ["Loss", "Accuracy"]
    assert chart["panels"][0]["unit"] == "mean squared error"
    frame = listed(tab)
    assert dict(zip(frame["Name"], frame["Mark"], strict=True)) == {"one": "A", "two": "B", "three": "C"}


def test_training_is_quiet_beside_validation_alone(visit: Visit) -> None:
    one, two = made("one"), made("two")
    for run in (one, two):
        runs.update(run.id, series=["train/loss", "validation/loss", "train/accuracy", "rate"])
    chart = components(at_runs(visit, one, two))[0]
    loss, accuracy, rate = chart["panels"]
    assert [(each["name"], each.get("quiet", False)) for each in loss["series"]] == [("validation/loss", False), ("train/loss", True)]  # fmt: skip
    assert [(each["name"], each["quiet"]) for each in accuracy["series"]] == [("train/accuracy", False)]
    assert rate["series"] == [{"name": "rate", "label": "rate"}]


def test_what_differs_stands_in_a_table_with_what_came_out_below(visit: Visit) -> None:
    one = made("one")
    two = made("two", recipe_optimizer_params_lr=0.5, recipe_seed=3)
    table = differences(at_runs(visit, one, two))
    assert table["recipe.optimizer.params.lr"] == ["0.01", "0.5"]
    assert table["recipe.seed"] == ["0", "3"]
    assert table["test/accuracy"] == ["87.50%", "87.50%"]
    assert table["parameters"] == ["25", "25"]
    assert list(table)[:3] == ["recipe.optimizer.params.lr", "recipe.seed", "test/accuracy"]


def test_identical_experiments_are_said_to_be_identical(visit: Visit) -> None:
    tab = at_runs(visit, made("one"), made("two"))
    assert any("identical" in info.value for info in tab.info)
    assert not [path for path in differences(tab) if path.startswith("recipe")]


def test_different_losses_are_not_compared(visit: Visit) -> None:
    tab = at_runs(visit, made("one"), made("two", recipe_objectives_0_loss={"type": "Hinge"}))
    assert any("cannot be compared" in caption.value for caption in tab.caption)


def test_more_runs_than_colours_are_not_drawn(visit: Visit) -> None:
    many = [made(f"run {number}") for number in range(10)]
    tab = at_runs(visit, *many)
    assert len(components(tab)[0]["runs"]) == 8
    assert any("10 are chosen" in caption.value for caption in tab.caption)


def test_an_experiment_that_this_version_cannot_read_is_listed_and_compared(visit: Visit) -> None:
    odd = runs.submit("ada", "odd", {"recipe": {"seed": 5}})
    one = made("one")
    tab = at_runs(visit, one, odd)
    assert names(tab) == ["one", "odd"]
    assert differences(tab)["parameters"] == ["25", "–"]
    at_runs(visit, odd)


def test_several_runs_are_thrown_away_together(visit: Visit) -> None:
    one, two, three = made("one"), made("two"), made("three")
    tab = press(at_runs(visit, one, two), "Throw away")
    assert names(tab) == ["three"]
    assert stored(one).binned and stored(two).binned and not stored(three).binned


def test_choose_none_leaves_the_list_alone(visit: Visit) -> None:
    tab = press(at_runs(visit, made("one"), made("two")), "Choose none")
    assert components(tab) == [] and tab.query_params["chosen"] == ""


def test_names_that_look_like_markup_are_shown_as_they_are(visit: Visit) -> None:
    name = "<b>**:red[x]"
    parent, run = made(name), made("branch")
    runs.update(run.id, parent=parent.id, parent_step=1)
    assert button(at_runs(visit, run), f"Branched from {name} at step 1")


def test_advice_on_a_run_edits_the_design_that_is_open(visit: Visit) -> None:
    rate = Fix(label="Learn at a rate of 0.003", edits=(Set(path="recipe.optimizer.params.lr", value=0.003),))
    told = Problem(code="run/plateau", severity="warning", title="No better", because="It stands.", fixes=(rate,))
    run, other = made(design=True), made("other", design=True)
    for each in (run, other):
        recorder = Recorder(each.id)
        recorder.view("advice", 5, {"problems": [told.model_dump(mode="json")]}, b"")
        recorder.close()
    tab = visit("ada", design=run.design or "")
    tab.session_state["chosen"] = [other.id]
    tab = go_to(tab, "runs.py")
    assert warnings(tab) == ["No better"] and not fixes(tab), "it is another design's"
    tab.session_state["chosen"] = [run.id]
    tab = sound(tab.run())
    assert [fix.label.replace("\\", "") for fix in fixes(tab)] == ["Learn at a rate of 0.003"]
    press(tab, "Learn at a rate of 0.003")
    draft = documents.get("ada", run.design or "")
    assert draft and draft.document["recipe"]["optimizer"]["params"]["lr"] == 0.003
    assert not fixes(tab)
