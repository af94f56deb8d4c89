"""What a worker does with a probe: the experiment is read, checked, weighed against memory, and looked at on the CPU."""

import json
from typing import Any, get_args

import pytest

from builder import machine
from builder.blocks import example
from builder.design.network import to_json
from builder.probing import look_with_torch
from builder.problem import Refused
from builder.store.probes import Kind, Probe
from builder.train.probes import LOOKS


def probe(kind: Kind, experiment: dict[str, Any], **wish: Any) -> Probe:
    return Probe(
        id="0" * 12, owner="ada", kind=kind, experiment=experiment, wish=wish, status="running",
        progress=0.0, result=None, problem=None, created=0.0, started=0.0, ended=None,
    )  # fmt: skip


def look(asked: Probe) -> dict[str, Any]:
    return look_with_torch(asked, lambda progress: None, lambda: False)


def refused(asked: Probe) -> str:
    with pytest.raises(Refused) as caught:
        look(asked)
    return caught.value.problems[0].code


def test_there_is_a_look_for_every_kind() -> None:
    assert set(LOOKS) == set(get_args(Kind))


@pytest.mark.parametrize("kind", get_args(Kind))
def test_what_is_seen_is_json_that_a_browser_reads(kind: Kind) -> None:
    design = to_json(example("digits-mlp"))
    design["recipe"]["augment"] = [{"type": "Noise"}]
    seen = look(probe(kind, design))
    assert json.loads(json.dumps(seen, allow_nan=False)) == seen


def test_whatever_device_is_wished_for_a_look_is_taken_on_the_cpu() -> None:
    design = to_json(example("playground"))
    assert look(probe("rates", design, device="cuda", threads=8)) == look(probe("rates", design))


@pytest.mark.parametrize("kind", get_args(Kind))
def test_an_experiment_with_errors_is_refused_with_its_problem(kind: Kind) -> None:
    design = to_json(example("digits-mlp"))
    design["network"]["outputs"] = ["hidden"]
    design["recipe"]["objectives"] = [{"loss": {"type": "BCEWithLogits"}}]
    assert refused(probe(kind, design)).startswith(("recipe/", "objective/", "loss/"))
    assert refused(probe(kind, {"format": "something else"}))


def test_a_look_that_memory_has_no_room_for_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "free_bytes", lambda: 1000)
    assert refused(probe("rates", to_json(example("digits-mlp")))) == "run/too-large"
