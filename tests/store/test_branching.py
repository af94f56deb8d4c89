"""Runs that come from others: what they take along, what may be changed, and that a crash leaves nothing half."""

import errno
from collections.abc import Callable
from pathlib import Path

import pytest

from builder import files, limits
from builder.blocks import example
from builder.design import edits, read
from builder.design.network import to_json
from builder.problem import Json, Problem, Refused, Set
from builder.store import branching, checkpoints, history, runs

pytestmark = pytest.mark.usefixtures("home")

EXECUTION = {"device": "cpu", "threads": 2, "precision": "float32", "memory_format": "contiguous", "torch": "2.10"}
STEPS = 40
"""Of 4 epochs."""


def experiment(**recipe: Json) -> dict[str, Json]:
    document: dict[str, Json] = to_json(example("lenet5"))
    document["recipe"] |= {"length": {"epochs": 4}, "seed": 7, "schedule": {"type": "Cosine"}} | recipe
    return document


def parent(status: runs.EndStatus = "finished", kept: tuple[int, ...] = (10, 20, 40), **recipe: Json) -> runs.Run:
    """A run that has gone 40 steps, with checkpoints."""
    run = runs.submit("ada", "LeNet", experiment(**recipe), "abcdefghijkl")
    runs.claim()
    recorder, keeper = history.Recorder(run.id), checkpoints.Keeper(run.id)
    for step in range(1, STEPS + 1):
        recorder.add("train/loss", step, 1 / step)
        if step % 10 == 0:
            recorder.add("validation/loss", step, 2 / step)
            recorder.flush()
        if step in kept:
            keeper.keep(step, f"moment {step}".encode(), step // 10, None)
    recorder.close()
    done = {"step": STEPS, "total_steps": STEPS, "epoch": 4, "epochs": 4, "seconds": 8.0}
    runs.update(run.id, execution=EXECUTION, **done)
    runs.finish(run.id, status)
    return mine(run)


def mine(run: runs.Run) -> runs.Run:
    found = runs.get(run.owner, run.id)
    assert found is not None
    return found


def refusal(act: Callable[[], object]) -> tuple[str, str]:
    with pytest.raises(Refused) as refused:
        act()
    (problem,) = refused.value.problems
    return problem.code, problem.title + " " + problem.because


def test_a_branch_goes_on_from_its_parents_moment_with_all_that_was_before(home: Path) -> None:
    run = parent()
    branch = branching.branch("ada", run.id, 20, changes={"recipe.optimizer.params.lr": 0.5})
    assert (branch.status, branch.parent, branch.parent_step, branch.design) == ("queued", run.id, 20, run.design)
    assert (branch.execution, branch.series, branch.place) == (EXECUTION, run.series, 1)
    assert (branch.step, branch.epoch, branch.epochs, branch.total_steps, branch.seconds) == (20, 2, 4, 40, 4.0)
    assert branch.experiment["recipe"]["optimizer"]["params"]["lr"] == 0.5
    assert branch.experiment["network"] == run.experiment["network"]
    assert branch.id != run.id and branch.name == "LeNet from step 20"
    assert checkpoints.newest(branch.id) == (20, b"moment 20")
    assert checkpoints.steps(run.id) == [10, 20, 40]
    steps = [first for first, *_ in history.series_values(branch.id, "train/loss")]
    assert steps == list(range(1, 21))
    of_parent, of_branch = (history.series_values(one.id, "validation/loss") for one in (run, branch))
    assert of_branch == of_parent[:2]
    assert mine(run) == run


def test_a_recorder_of_the_branch_goes_on_where_the_moment_was() -> None:
    run = parent(kept=())
    recorder = history.Recorder(run.id)
    recorder.resume(None)
    for step in range(1, 2002):  # wide buckets from 1025 on
        recorder.add("train/loss", step, float(step))
        if step in (1501, 1502, 2001):
            recorder.flush()
        if step == 1501:
            state = recorder.state()
            checkpoints.Keeper(run.id).keep(step, b"moment", 0, None)
    recorder.close()
    runs.update(run.id, step=2001, total_steps=4000)
    branch = branching.branch("ada", run.id)
    before = history.series_values(branch.id, "train/loss")
    assert sum(points for _, _, points, *_ in before) == 1500  # the open bucket has grown beyond the moment
    with_more = history.Recorder(branch.id)
    with_more.resume(state)
    for step in range(1502, 2002):
        with_more.add("train/loss", step, float(step))
    with_more.close()
    assert history.series_values(branch.id, "train/loss") == history.series_values(run.id, "train/loss")


def test_a_branch_is_not_there_before_its_checkpoint_is_whole(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = parent()
    write = files.write

    def looking(path: Path, data: bytes) -> None:
        assert runs.ids("queued") == []
        write(path, data)
        assert runs.ids("queued") == []

    monkeypatch.setattr(files, "write", looking)
    branch = branching.branch("ada", run.id, 20)
    assert runs.ids("queued") == [branch.id]

    def full(_path: Path, _data: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files, "write", full)
    code, words = refusal(lambda: branching.branch("ada", run.id, 20))
    assert code == "checkpoint/not-written" and "No space left" in words
    assert len(runs.listing("ada")) == 2


def test_a_branch_that_is_refused_leaves_no_file(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = parent()
    monkeypatch.setattr(limits, "RUNS_WAITING_PER_OWNER", 1)
    branch = branching.branch("ada", run.id, 20)
    assert refusal(lambda: branching.branch("ada", run.id, 10))[0] == "run/too-many"
    assert {folder.name for folder in (home / "runs").iterdir()} == {run.id, branch.id}


def test_no_step_means_the_newest_that_is_whole(home: Path) -> None:
    run = parent("stopped", kept=(10, 20, 30))
    assert branching.branch("ada", run.id).parent_step == 30
    for damaged in (home / "runs" / run.id).glob("000000000030*"):
        damaged.write_bytes(b"momenT 30")
    assert branching.branch("ada", run.id).parent_step == 20


def test_a_step_without_a_checkpoint_is_told_with_those_that_have_one(home: Path) -> None:
    run = parent()
    code, words = refusal(lambda: branching.branch("ada", run.id, 15))
    assert code == "branch/no-checkpoint" and "step 15" in words and "10, 20, 40" in words
    never = parent(kept=())
    code, words = refusal(lambda: branching.branch("ada", never.id))
    assert code == "branch/no-checkpoint" and "none" in words
    assert refusal(lambda: branching.branch("eve", run.id))[0] == "run/unknown"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("recipe.seed", 8),
        ("recipe.batch.size", 32),
        ("recipe.objectives.0.weight", 2.0),
        ("recipe.init.weight", {"type": "Zeros"}),
        ("data.split.seed", 5),
        ("network.nodes.c1.params.out_channels", 4),
    ],
)
def test_what_would_be_another_run_is_refused_by_its_name(path: str, value: Json) -> None:
    run = parent()
    code, words = refusal(lambda: branching.branch("ada", run.id, 20, changes={path: value}))
    assert code == "branch/differs"
    assert path in words
    assert len(runs.listing("ada")) == 1


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("recipe.optimizer", {"type": "SGD", "params": {"lr": 0.1}}),
        ("recipe.schedule", {"type": "Constant"}),
        ("recipe.length.epochs", 9),
        ("recipe.early_stopping", {"patience": 3}),
        ("recipe.ema", 0.99),
        ("recipe.penalties", [{"type": "L1"}]),
        ("recipe.clip", {"type": "ByNorm"}),
        ("recipe.max_norm", 3.0),
        ("recipe.augment", [{"type": "Noise"}]),
        ("network.view", {"c1": [10, 20]}),
        ("name", "Another name"),
    ],
)
def test_what_may_be_changed_is(path: str, value: Json) -> None:
    run = parent()
    branch = branching.branch("ada", run.id, 20, changes={path: value}, name="Mine " * 30)
    expected = edits.apply(run.experiment, [Set(path=path, value=value)])
    assert read.experiment(branch.experiment) == read.experiment(expected) != read.experiment(run.experiment)
    assert branch.name.startswith("Mine Mine") and len(branch.name) <= limits.TITLE


def test_a_whole_experiment_can_be_the_change() -> None:
    run = parent()
    branch = branching.branch("ada", run.id, 20, changes=experiment(length={"epochs": 6}))
    assert (branch.epochs, branch.total_steps) == (6, 60)
    assert refusal(lambda: branching.branch("ada", run.id, 20, changes=experiment(seed=8)))[0] == "branch/differs"
    assert refusal(lambda: branching.branch("ada", run.id, 20, changes={"recipe.length.epochs": 0}))[0] != ""
    assert refusal(lambda: branching.branch("ada", run.id, 20, changes={"nothing.here": 0}))[0] != ""


def test_a_branch_with_nothing_left_to_learn_is_refused() -> None:
    run = parent()
    for step, epochs in ((40, 4), (20, 2), (20, 1)):
        changes: dict[str, Json] = {"recipe.length.epochs": epochs}
        assert refusal(lambda: branching.branch("ada", run.id, step, changes=changes))[0] == "branch/nothing-left"  # noqa: B023
    assert branching.branch("ada", run.id, 20, changes={"recipe.length.epochs": 3}).total_steps == 30


def test_an_extension_holds_the_last_rate() -> None:
    run = parent()
    longer = branching.extend("ada", run.id, 3)
    recipe = longer.experiment["recipe"]
    assert (longer.parent, longer.parent_step, longer.epochs, longer.total_steps) == (run.id, 40, 7, 70)
    assert read.experiment(longer.experiment).recipe.schedule.name == "Constant"
    base = example("lenet5").recipe.optimizer.args()["lr"]
    schedule = read.experiment(run.experiment).recipe.schedule
    assert recipe["optimizer"]["params"]["lr"] == schedule.rate(39, 40, 10, base) < base
    assert longer.name == "LeNet, 3 epochs more"
    runs.update(run.id, rate=0.125)
    assert branching.extend("ada", run.id, 1).experiment["recipe"]["optimizer"]["params"]["lr"] == 0.125
    assert branching.extend("ada", run.id, 1, rate=0.5).experiment["recipe"]["optimizer"]["params"]["lr"] == 0.5


def test_what_ran_out_of_patience_goes_on_without() -> None:
    patience: Json = {"patience": 3}
    whole, early = parent(early_stopping=patience), parent(early_stopping=patience)
    runs.update(early.id, epoch=2, step=20)
    assert branching.extend("ada", whole.id, 3).experiment["recipe"]["early_stopping"]["patience"] == 3
    longer = branching.extend("ada", early.id, 3)
    assert longer.experiment["recipe"].get("early_stopping") is None
    assert longer.epochs == 5
    last = parent(early_stopping=patience)  # in its very last epoch
    runs.update(last.id, problem=Problem(code="run/early", title="Stopped early", because="").model_dump(mode="json"))
    assert branching.extend("ada", last.id, 3).experiment["recipe"].get("early_stopping") is None


@pytest.mark.parametrize(
    ("name", "epochs", "called"),
    [
        ("LeNet", 1, "LeNet, 1 epoch more"),
        ("LeNet, 1 epoch more", 2, "LeNet, 2 epochs more"),
        ("LeNet, 1,000 epochs more, 1 epochs more", 1, "LeNet, 1 epoch more"),
        ("No epochs more", 1_000, "No epochs more, 1,000 epochs more"),
    ],
)
def test_an_extension_of_an_extension_is_called_one(name: str, epochs: int, called: str) -> None:
    run = parent()
    runs.rename("ada", run.id, name)
    assert branching.extend("ada", run.id, epochs).name == called


@pytest.mark.parametrize("execution", [{"threads": "x"}, {"device": "tpu"}])
def test_what_was_carried_out_in_a_way_that_is_not_known_is_not_begun_again(execution: dict[str, Json]) -> None:
    run = parent()
    runs.update(run.id, execution=EXECUTION | execution)
    code, words = refusal(lambda: branching.restart("ada", run.id))
    assert code == "run/execution" and next(iter(execution)) in words


@pytest.mark.parametrize("status", ["stopped", "failed", "interrupted"])
def test_what_has_not_finished_is_not_extended(status: runs.EndStatus) -> None:
    run = parent(status)
    code, words = refusal(lambda: branching.extend("ada", run.id, 3))
    assert code == "run/not-finished" and status in words


def test_a_restart_is_the_same_experiment_from_the_beginning() -> None:
    run = parent()
    again = branching.restart("ada", run.id)
    assert (again.experiment, again.name, again.design) == (run.experiment, run.name, run.design)
    assert again.execution == {"device": "cpu", "threads": 2, "memory_format": "contiguous"}
    assert (again.id != run.id, again.step, again.parent, checkpoints.steps(again.id)) == (True, 0, None, [])
    other = branching.restart("ada", run.id, 11)
    assert other.experiment["recipe"]["seed"] == 11
    assert other.experiment | {"recipe": run.experiment["recipe"]} == run.experiment
    assert refusal(lambda: branching.restart("eve", run.id))[0] == "run/unknown"
    assert refusal(lambda: branching.restart("ada", run.id, -1))[0] != ""
