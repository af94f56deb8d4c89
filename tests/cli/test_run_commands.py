"""What the command line does with runs that are there: branches, the bin, archives, and telling how far one is."""

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from builder import cli
from builder.blocks import example
from builder.design.network import to_json
from builder.problem import Fix, Problem, Set
from builder.store import checkpoints, history, runs, site
from tests.cli.conftest import Say


def finished_run(owner: str = "local") -> runs.Run:
    """A run of 20 steps in 2 epochs, with a checkpoint of each."""
    experiment = to_json(example("perceptron"))
    experiment["recipe"]["length"] = {"epochs": 2}
    run = runs.submit(owner, "perceptron", experiment)
    assert runs.claim()
    recorder, keeper = history.Recorder(run.id), checkpoints.Keeper(run.id)
    for step in range(1, 21):
        recorder.add("train/loss", step, 1 / step)
        if step % 10 == 0:
            recorder.flush()
            keeper.keep(step, b"moment", step // 10, None)
    recorder.close()
    runs.update(run.id, step=20, total_steps=20, epoch=2, epochs=2, seconds=4.0)
    runs.finish(run.id, "finished", summary={"test/loss": 0.25})
    found = runs.find(run.id)
    assert found is not None
    return found


@pytest.fixture
def engine(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[runs.Run]]:
    """An engine that ends every run as soon as it is there; those that it had."""
    had: list[runs.Run] = []

    def ends() -> None:
        run = runs.claim()
        if run is not None:
            had.append(run)
            runs.finish(run.id, "finished", summary={"test/loss": 0.5})

    monkeypatch.setattr("builder.engine.ensure", ends)
    yield had


def recipe(run: runs.Run) -> dict[str, Any]:
    found: dict[str, Any] = run.experiment["recipe"]
    return found


def test_a_branch_is_made_and_followed(layerlab: Say, engine: list[runs.Run]) -> None:
    run = finished_run()
    said = layerlab("branch", run.id, "--step", "10", "--epochs", "5", "--rate", "0.5", "--json")
    (made,) = engine
    assert (said.code, said.last["run"], said.last["status"]) == (0, made.id, "finished")
    assert (made.parent, made.parent_step, made.epochs) == (run.id, 10, 5)
    assert recipe(made)["optimizer"]["params"]["lr"] == 0.5
    assert layerlab("branch", run.id, "--epochs", "5").code == 0
    assert engine[-1].parent_step == 20


def test_a_branch_that_cannot_be_is_told(layerlab: Say, engine: list[runs.Run]) -> None:
    run = finished_run()
    for words, told in (
        (("branch", run.id, "--step", "7"), "There is no checkpoint of step 7"),
        (("branch", run.id), "Nothing would be left to learn"),
        (("branch", run.id, "--epochs", "5", "--rate", "-1"), "lr cannot be -1.0"),
        (("branch", "nonexistent0"), "no such run"),
        (("extend", "nonexistent0", "--epochs", "1"), "no such run"),
        (("restart", "nonexistent0"), "no such run"),
        (("restart", finished_run("eve").id), "no such run"),
    ):
        said = layerlab(*words)
        assert said.code == 2 and told in said.err, said.err
    assert engine == []


def test_a_run_is_extended_and_restarted(layerlab: Say, engine: list[runs.Run]) -> None:
    run = finished_run()
    assert layerlab("extend", run.id, "--epochs", "3").code == 0
    assert (engine[-1].epochs, engine[-1].parent_step) == (5, 20)
    assert layerlab("extend", run.id, "--epochs", "3", "--rate", "0.125").code == 0
    assert recipe(engine[-1])["optimizer"]["params"]["lr"] == 0.125
    assert layerlab("restart", run.id, "--seed", "11").code == 0
    assert (recipe(engine[-1])["seed"], engine[-1].parent, engine[-1].step) == (11, None, 0)
    assert layerlab("restart", run.id).code == 0
    assert engine[-1].experiment == run.experiment


def test_what_is_thrown_away_is_listed_in_the_bin(layerlab: Say) -> None:
    kept, gone = finished_run(), finished_run()
    runs.annotate("local", kept.id, ["first", "best"])
    assert layerlab("delete-run", gone.id).out.strip() == f"run {gone.id} is in the bin"
    assert [run["run"] for run in layerlab("runs", "--json").last["runs"]] == [kept.id]
    assert layerlab("runs", "--json").last["runs"][0]["tags"] == ["first", "best"]
    assert layerlab("runs").out.strip().endswith("0.2500 [first] [best]")
    assert [run["run"] for run in layerlab("runs", "--bin", "--json").last["runs"]] == [gone.id]
    for run in (gone, kept):
        assert layerlab("delete-run", run.id, "--for-good").out.strip() == f"run {run.id} is deleted"
        assert runs.find(run.id) is None
    assert "no such run" in layerlab("delete-run", kept.id).err
    alive = runs.submit("local", "perceptron", {})
    said = layerlab("delete-run", alive.id, "--for-good")
    assert said.code == 2 and "Stop it first" in said.err and runs.find(alive.id)


def test_a_run_goes_out_as_a_file_and_comes_in_again(layerlab: Say, tmp_path: Path) -> None:
    run, out = finished_run(), tmp_path / "run.zip"
    checkpoints.Keeper(run.id).cut(0)  # an archive takes tensors alone
    assert layerlab("export-run", run.id, "--out", str(out)).out.strip() == str(out)
    back = layerlab("import-run", str(out), "--json").last
    assert (back["name"], back["status"], back["run"] != run.id) == ("perceptron", "finished", True)
    assert layerlab("import-run", str(out)).out.strip() in [run.id for run in runs.listing("local")]
    said = layerlab("export-run", run.id, "--out", str(tmp_path / "missing" / "run.zip"))
    assert said.code == 2 and "Nothing can be written" in said.err
    out.write_bytes(b"no zip")
    said = layerlab("import-run", str(out))
    assert said.code == 2 and "not a zip file" in said.err
    assert layerlab("import-run", str(tmp_path / "missing.zip")).code == 2
    assert layerlab("export-run", "nonexistent0", "--out", str(out)).code == 2
    assert out.read_bytes() == b"no zip"


class Screen(io.StringIO):
    """What was written, to a terminal or not."""

    def __init__(self, terminal: bool) -> None:
        super().__init__()
        self.terminal = terminal

    def isatty(self) -> bool:
        return self.terminal


Watch = Callable[[bool], tuple[Screen, Callable[[float], None]]]


@pytest.fixture
def watch(home: Path, monkeypatch: pytest.MonkeyPatch) -> Watch:
    """`screen, look = watch(terminal)`; `look(seconds)` tells how far the newest run is, so much later."""

    def watch(terminal: bool) -> tuple[Screen, Callable[[float], None]]:
        screen, now = Screen(terminal), 0.0
        monkeypatch.setattr(cli.sys, "stderr", screen)
        monkeypatch.setattr(cli.time, "monotonic", lambda: now)
        monkeypatch.setenv("COLUMNS", "120")
        progress = cli._Progress()

        def look(seconds: float) -> None:
            nonlocal now
            now += seconds
            progress.tell(runs.listing("local")[0])

        return screen, look

    return watch


def going() -> str:
    run = runs.submit("local", "perceptron", {})
    runs.claim()
    recorder = history.Recorder(run.id)
    recorder.add("train/loss", 1, 4.0)
    recorder.add("train/loss", 2, 0.123456)
    recorder.add("validation/loss", 2, 9.0)
    recorder.close()
    runs.update(run.id, status="running", step=25, total_steps=100, epoch=1, epochs=4, seconds=30.0)
    runs.update(run.id, samples_per_second=1234.6)
    return run.id


HOW_FAR = "running: epoch 1/4, step 25/100, loss 0.1235, 1,235 samples/s, 1 min 30 s left"


def test_a_terminal_has_one_line_that_is_written_over(watch: Watch) -> None:
    run = going()
    screen, look = watch(True)
    for _ in range(20):
        look(0.05)
    lines = screen.getvalue().split("\r")[1:]
    assert 5 <= len(lines) <= 6
    assert {line.strip() for line in lines} == {"#####..............., " + HOW_FAR}
    assert {len(line) for line in lines} == {119} and "\n" not in screen.getvalue()
    runs.finish(run, "finished")
    look(0.01)
    assert screen.getvalue().split("\r")[-1].rstrip(" ").endswith("\n")
    assert "left" not in screen.getvalue().split("\r")[-1]


def test_a_file_has_a_line_every_ten_seconds(watch: Watch) -> None:
    run = going()
    screen, look = watch(False)
    for _ in range(42):
        look(0.5)
    assert screen.getvalue().splitlines() == [HOW_FAR] * 3
    runs.finish(run, "stopped")
    look(0.01)
    assert screen.getvalue().splitlines()[3].startswith("stopped: epoch 1/4")


def test_a_waiting_run_says_when_it_will_start(watch: Watch) -> None:
    run = going()
    waiting = runs.submit("local", "perceptron", {"number": 1})
    screen, look = watch(False)
    look(0)
    assert screen.getvalue() == "queued: place 1\n"
    site.start_engine(1, "version", slots=1)
    look(10)
    assert screen.getvalue().splitlines()[1] == "queued: place 1, starts in about 1 min 30 s"
    runs.finish(run, "finished")
    runs.claim()
    look(10)
    assert screen.getvalue().splitlines()[2] == "starting"
    runs.update(waiting.id, status="running")
    look(10)
    assert screen.getvalue().splitlines()[3] == "running: epoch 0/0, step 0/0"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.2, "0 s"), (59.4, "59 s"), (59.6, "1 min 00 s"), (3600, "1 h 00 min"), (4000, "1 h 06 min")],
)
def test_durations_are_as_precise_as_they_need_to_be(seconds: float, words: str) -> None:
    assert cli._duration(seconds) == words


def test_a_run_that_is_deleted_while_it_is_followed_is_told(layerlab: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    run = finished_run()

    def deleted() -> None:
        for one in runs.listing("local"):
            if one.id != run.id:
                runs.command("local", one.id, "stop")
                runs.throw_away("local", one.id)
                runs.delete("local", one.id)

    monkeypatch.setattr("builder.engine.ensure", deleted)
    said = layerlab("restart", run.id)
    assert said.code == 2 and "no such run" in said.err


def test_a_trained_run_is_branched_extended_and_taken_elsewhere(training: Say, tmp_path: Path) -> None:
    trained = training("train", "perceptron", "--epochs", "2", "--json").last
    longer = training("extend", trained["run"], "--epochs", "1", "--json").last
    assert (longer["status"], longer["steps"]) == ("finished", trained["steps"] * 3 // 2)
    again = training("restart", trained["run"], "--json").last
    assert (again["steps"], again["metrics"]) == (trained["steps"], trained["metrics"])
    out = tmp_path / "run.zip"
    assert training("export-run", longer["run"], "--out", str(out)).code == 0
    back = training("import-run", str(out), "--json").last["run"]
    assert training("branch", back, "--epochs", "4", "--json").last["steps"] == trained["steps"] * 2


def test_how_a_run_is_carried_out_can_be_said(layerlab: Say, engine: list[runs.Run]) -> None:
    words = ("--device", "cpu", "--precision", "bfloat16", "--threads", "2", "--memory-format", "contiguous")
    assert layerlab("train", "perceptron", *words, "--json").code == 0
    (made,) = engine
    assert made.execution == {
        "device": "cpu", "precision": "bfloat16", "threads": 2, "memory_format": "contiguous",
    }  # fmt: skip
    assert layerlab("train", "perceptron", "--precision", "float8").code == 2
    assert layerlab("train", "perceptron", "--threads", "0").code == 2


def test_a_score_that_is_no_number_is_null_in_json(layerlab: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    def ends() -> None:
        run = runs.claim()
        if run is not None:
            runs.finish(run.id, "finished", summary={"test/loss": float("nan"), "test/r2": 0.5})

    monkeypatch.setattr("builder.engine.ensure", ends)
    assert layerlab("train", "perceptron", "--json").last["metrics"] == {"test/loss": None, "test/r2": 0.5}


def test_what_was_told_of_a_run_is_printed_at_its_end(layerlab: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    rate = Fix(label="Learn at a rate of 0.05", edits=(Set(path="recipe.optimizer.params.lr", value=0.05),))
    gone = Fix(label="Replace a layer", edits=(Set(path="network.nodes.gone.type", value="ReLU"),))
    told = Problem(code="run/plateau", severity="warning", title="No better", because="It stands.", fixes=(rate, gone))

    def ends() -> None:
        run = runs.claim()
        if run is not None:
            recorder = history.Recorder(run.id)
            recorder.view("advice", 5, {"problems": [told.model_dump(mode="json")]}, b"")
            recorder.close()
            runs.finish(run.id, "finished", summary={"test/loss": 0.5})

    monkeypatch.setattr("builder.engine.ensure", ends)
    said = layerlab("train", "perceptron")
    assert said.code == 0
    warning = ["warning: No better  [run/plateau]", "  It stands.", "  - Learn at a rate of 0.05"]
    assert said.err.splitlines()[-3:] == warning
    (advice,) = layerlab("train", "perceptron", "--set", "recipe.seed=1", "--json").last["advice"]
    assert (advice["code"], advice["fixes"]) == ("run/plateau", ["Learn at a rate of 0.05"])


@pytest.mark.parametrize("meta", [{}, {"problems": 3}, {"problems": [{"code": 1}]}, {"problems": ["x"]}])
def test_advice_that_cannot_be_read_is_left_out(layerlab: Say, monkeypatch: pytest.MonkeyPatch, meta: Any) -> None:
    def ends() -> None:
        run = runs.claim()
        if run is not None:
            recorder = history.Recorder(run.id)
            recorder.view("advice", 5, meta, b"")
            recorder.close()
            runs.finish(run.id, "finished", summary={"test/loss": 0.5})

    monkeypatch.setattr("builder.engine.ensure", ends)
    assert layerlab("train", "perceptron", "--json").last["advice"] == []
