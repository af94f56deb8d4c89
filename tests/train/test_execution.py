"""How a run is carried out: what a person wishes, what is measured, what memory there is."""

import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest
import torch
from variants import changed, quick

from builder import limits, machine
from builder.analysis import check
from builder.analysis.memory import estimate, judged_at_once
from builder.analysis.network import analyze
from builder.blocks import example
from builder.data import load
from builder.design import edits, read
from builder.design.experiment import Execution, Experiment, Wish
from builder.design.network import to_json
from builder.problem import Connect, Refused
from builder.train import memory, race
from builder.train.execution import choose
from builder.train.recorder import Silent
from builder.train.run import train


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """A GPU that can be asked for its name, and for nothing else."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "Card")
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda: (9, 0))


def timed(monkeypatch: pytest.MonkeyPatch, cpu: float, gpu: float) -> list[str]:
    """Let steps take so long; the devices that were tried."""
    tried: list[str] = []

    def seconds(_experiment: Experiment, _arrays: Any, execution: Execution) -> float:
        tried.append(execution.device)
        return cpu if execution.device == "cpu" else gpu

    monkeypatch.setattr(race, "seconds_per_step", seconds)
    return tried


@pytest.mark.usefixtures("gpu")
@pytest.mark.parametrize(("cpu", "gpu_seconds", "faster"), [(0.0001, 0.0004, "cpu"), (0.004, 0.0004, "cuda")])
def test_a_small_network_takes_the_device_that_was_measured_to_be_faster_and_says_so(
    monkeypatch: pytest.MonkeyPatch, cpu: float, gpu_seconds: float, faster: str
):
    experiment = example("playground")
    tried = timed(monkeypatch, cpu, gpu_seconds)
    chosen = choose(experiment, Wish(), load(experiment.data))
    assert sorted(tried) == ["cpu", "cuda"] and chosen.device == faster
    assert f"{1e3 * cpu:.2f} ms on the CPU and {1e3 * gpu_seconds:.2f} ms on the GPU" in chosen.reason


@pytest.mark.usefixtures("gpu")
def test_there_is_no_race_where_a_device_is_wished_for_or_the_network_is_large(monkeypatch: pytest.MonkeyPatch):
    tried = timed(monkeypatch, 1.0, 2.0)
    experiment = example("playground")
    arrays = load(experiment.data)
    for wish, device in (({"device": "cuda"}, "cuda"), ({"device": "cpu"}, "cpu"), ({"precision": "tf32"}, "cuda")):
        chosen = choose(experiment, Wish.model_validate(wish), arrays)
        assert (chosen.device, chosen.reason) == (device, "")
    large = changed(example("resnet20"), batch={"size": 300})
    assert choose(large, Wish(), load(large.data)).device == "cuda"
    assert tried == []


def test_a_step_is_timed_without_moving_what_a_run_draws():
    experiment = example("playground")
    cpu = choose(experiment, "cpu")
    assert 0 < race.seconds_per_step(experiment, load(experiment.data), cpu) < 1


def test_wishes_are_carried_out():
    wish = Wish(device="cpu", precision="bfloat16", threads=3, memory_format="channels_last")
    chosen = choose(example("playground"), wish)
    assert (chosen.precision, chosen.threads, chosen.memory_format) == ("bfloat16", 3, "channels_last")
    assert (
        choose(changed(example("playground"), optimizer={"type": "LBFGS"}), "cpu").optimizer_implementation == "default"
    )


# Memory ----------------------------------------------------------------------------------------------------------


def test_a_run_above_the_memory_is_refused_with_the_batch_that_fits(monkeypatch: pytest.MonkeyPatch):
    experiment = changed(example("resnet20"), batch={"size": 350})
    cpu = choose(experiment, "cpu")
    memory.refuse_too_large(experiment, cpu)
    monkeypatch.setattr(limits, "RUN_BYTES", 400 * limits.MIB)
    with pytest.raises(Refused) as refused:
        memory.refuse_too_large(experiment, cpu)
    (problem,) = refused.value.problems
    assert problem.code == "run/too-large" and "400.0 MiB are free" in problem.because
    (fix,) = problem.fixes
    smaller = Experiment.model_validate(edits.apply(to_json(experiment), list(fix.edits)))
    assert smaller.recipe.batch.size is not None and 32 <= smaller.recipe.batch.size < 350
    memory.refuse_too_large(smaller, cpu)
    monkeypatch.setattr(limits, "RUN_BYTES", limits.MIB)
    with pytest.raises(Refused, match="does not fit") as refused:
        memory.refuse_too_large(experiment, cpu)
    assert refused.value.problems[0].fixes == ()


@pytest.mark.parametrize(("share", "what"), [("fixed", "the network"), ("data", "the data"), ("judging", "judging")])
def test_what_is_too_large_for_any_batch_is_named(monkeypatch: pytest.MonkeyPatch, share: str, what: str):
    experiment = example("lenet5")
    needed = replace(estimate(experiment), **{share: 10**15})
    monkeypatch.setattr(memory, "estimate", lambda *_: needed)
    with pytest.raises(Refused) as refused:
        memory.refuse_too_large(experiment, choose(experiment, "cpu"))
    (problem,) = refused.value.problems
    assert f"No batch would fit: {what}" in problem.because and problem.fixes == ()


@pytest.mark.parametrize(("last", "offered"), [("keep", 127), ("drop", 128)])
def test_a_batch_that_is_offered_can_be_learned_from(monkeypatch: pytest.MonkeyPatch, last: str, offered: int):
    document = to_json(changed(example("digits-mlp"), batch={"size": 400, "last": last}))
    document["data"]["split"] = {"train": 769.4 / 1797, "validation": 0.2, "stratify": False}
    norm = {"id": "norm", "type": "BatchNorm1d", "inputs": ["hidden"]}
    document["network"]["nodes"].insert(3, norm)
    experiment = read.experiment(edits.apply(document, [Connect(node="relu", source="norm", port=0)]))
    assert experiment.data.split.sizes(1797)[0] == 769  # 128 leaves a last batch of one, which batch norm cannot take
    needed = replace(estimate(experiment), judging=0)
    monkeypatch.setattr(memory, "estimate", lambda *_: needed)
    monkeypatch.setattr(memory, "available_bytes", lambda _: needed.of_batch(200))
    cpu = choose(experiment, "cpu")
    with pytest.raises(Refused) as refused:
        memory.refuse_too_large(experiment, cpu)
    for problem in (*refused.value.problems, memory.ran_out(experiment, cpu)):
        (fix,) = problem.fixes
        smaller = read.experiment(edits.apply(to_json(experiment), list(fix.edits)))
        assert smaller.recipe.batch.size == offered
        assert not [found for found in check(smaller)[1] if found.severity == "error"]


@pytest.mark.skipif(sys.platform != "linux", reason="RLIMIT_DATA counts what is mapped on Linux alone")
def test_what_a_run_may_take_binds_this_run_alone(monkeypatch: pytest.MonkeyPatch):
    import resource

    experiment = example("playground")
    before = resource.getrlimit(resource.RLIMIT_DATA)
    monkeypatch.setattr(limits, "RUN_BYTES", limits.GIB)
    with memory.enough(experiment, choose(experiment, "cpu")):
        now, most = resource.getrlimit(resource.RLIMIT_DATA)
        assert limits.GIB < now < 2**40 and most == before[1]
    assert resource.getrlimit(resource.RLIMIT_DATA) == before
    with pytest.raises(Refused), memory.enough(experiment, choose(experiment, "cpu")):
        raise MemoryError
    assert resource.getrlimit(resource.RLIMIT_DATA) == before
    with memory.limited("cuda"):
        assert resource.getrlimit(resource.RLIMIT_DATA) == before


BOUND = """
import resource, sys
from builder import limits
from builder.train import memory
limits.RUN_BYTES = 2**40
most = 2**36
resource.setrlimit(resource.RLIMIT_DATA, (most, most))
with memory.limited("cpu"):
    print(resource.getrlimit(resource.RLIMIT_DATA) == (most, most))
print(resource.getrlimit(resource.RLIMIT_DATA) == (most, most))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="RLIMIT_DATA counts what is mapped on Linux alone")
def test_a_process_that_is_bound_already_stays_bound():
    done = subprocess.run([sys.executable, "-c", BOUND], capture_output=True, text=True, timeout=100)
    assert done.stdout.split() == ["True", "True"], done.stderr


# Precision -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["sequence-lstm", "bidirectional-sequence"])
def test_an_lstm_in_float16_on_the_cpu_is_refused(name: str):
    with pytest.raises(Refused) as refused:
        choose(quick(name), Wish(device="cpu", precision="float16"))
    (problem,) = refused.value.problems
    assert problem.code == "precision/layer" and "bfloat16" in problem.because


@pytest.mark.parametrize(
    ("name", "precision"), [("gru-sequence", "float16"), ("rnn-sequence", "float16"), ("sequence-lstm", "bfloat16")]
)
def test_other_layers_that_read_sequences_learn_in_fewer_bits(name: str, precision: str):
    experiment = changed(quick(name), length={"epochs": 1})
    execution = choose(experiment, Wish.model_validate({"device": "cpu", "precision": precision}))
    told = Silent()
    assert train(experiment, execution, load(experiment.data), told, told).status == "finished"


@pytest.mark.usefixtures("gpu")
def test_what_only_a_gpu_can_do_is_not_tried_on_the_cpu(monkeypatch: pytest.MonkeyPatch):
    tried = timed(monkeypatch, 1.0, 2.0)
    experiment = quick("sequence-lstm")
    assert choose(experiment, Wish(precision="float16"), load(experiment.data)).device == "cuda"
    assert tried == []


def test_the_estimate_grows_with_what_takes_memory():
    plain = estimate(example("lenet5"))
    parameters = 61_706 * 4
    assert estimate(changed(example("lenet5"), optimizer={"type": "SGD"})).fixed == plain.fixed - 2 * parameters
    momentum = {"type": "SGD", "params": {"momentum": 0.9}}
    assert estimate(changed(example("lenet5"), optimizer=momentum)).fixed == plain.fixed - parameters
    assert estimate(changed(example("lenet5"), ema=0.9)).fixed == plain.fixed + parameters
    assert estimate(changed(example("lenet5"), early_stopping={})).fixed == plain.fixed + parameters
    assert estimate(example("lenet5"), "bfloat16").sample < plain.sample
    assert estimate(changed(example("lenet5"), batch={"size": 64, "accumulation": 8})).total == plain.total
    assert estimate(changed(example("lenet5"), batch={"size": 1_000})).total > plain.total
    assert plain.of_batch(plain.largest_batch(plain.of_batch(777))) <= plain.of_batch(777)
    assert replace(plain, judging=10**12).largest_batch(10**9) == 0


def test_networks_with_large_outputs_inside_are_judged_in_smaller_pieces():
    assert judged_at_once(analyze(example("digits-mlp").network)) == 1024
    assert judged_at_once(analyze(example("resnet50").network)) == 2**26 // (64 * 112 * 112)


def test_what_pytorch_says_when_memory_is_gone_is_told_with_a_smaller_batch():
    with pytest.raises(RuntimeError) as error:
        torch.empty(2**60)
    assert memory.is_out_of_memory(error.value)
    assert memory.is_out_of_memory(MemoryError())
    assert memory.is_out_of_memory(torch.OutOfMemoryError("CUDA out of memory"))
    assert not memory.is_out_of_memory(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
    problem = memory.ran_out(changed(example("lenet5"), batch={"size": 100}), choose(example("lenet5"), "cpu"))
    assert problem.code == "run/out-of-memory" and "Try batch 32." in problem.because


def test_a_container_may_have_less_than_the_machine(tmp_path: Any, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(machine, "CGROUP", tmp_path)
    whole = memory.available_bytes("cpu")
    (tmp_path / "memory.max").write_text("3000\n")
    (tmp_path / "memory.current").write_text("1000\n")
    (tmp_path / "memory.stat").write_text("anon 300\nactive_file 500\ninactive_file 200\n")
    assert memory.available_bytes("cpu") == 2200
    (tmp_path / "memory.max").write_text("max\n")
    assert memory.available_bytes("cpu") > whole // 2
