"""How much of a card ResNet-50 uses: `python -m benchmarks.peak --device cuda`.

Trained by the app's loop on pictures that lie on the card, with everything recorded; a step of training counts as three
times the multiply-adds of a forward pass, two operations each. The share is that of the card's dense tensor-core peak
as its maker states it, where it is known.
"""

import os
import tempfile
import threading
import time

import click
import torch

from benchmarks.measure import machine, table
from builder.analysis import analyze
from builder.blocks import GALLERY, example
from builder.control import Control
from builder.data import load
from builder.design import read
from builder.design.experiment import Wish
from builder.design.network import to_json
from builder.store import checkpoints, database, runs
from builder.store.history import Recorder
from builder.train.execution import choose
from builder.train.run import train

PEAKS = {"H200": 989.5, "H100 80GB HBM3": 989.5, "H100 PCIe": 756.0, "A100": 312.0, "L40S": 362.0, "L4": 121.0}
"""TFLOP/s in bfloat16 and float16, without sparsity, by a part of the card's name (NVIDIA's data sheets)."""


class Timed(Control):
    """The worker's control; it notes the step and the time of each question after the first epoch."""

    def __init__(self, run_id: str, device: str) -> None:
        super().__init__(run_id, engine_gone=threading.Event())
        self.device, self.seen = device, list[tuple[int, float]]()

    def poll(self, step: int) -> str:
        if self.device == "cuda":
            torch.cuda.synchronize()
        self.seen.append((step, time.perf_counter()))
        return super().poll(step)

    def steps_a_second(self, after: int) -> float:
        """From the first question after a step until the last one."""
        (first, start), (last, end) = next(one for one in self.seen if one[0] >= after), self.seen[-1]
        return (last - first) / (end - start)


@click.command(help=__doc__)
@click.option("--device", default="cuda", show_default=True, type=click.Choice(["cpu", "cuda"]))
@click.option("--precision", default="bfloat16", show_default=True)
@click.option("--network", default="resnet50", show_default=True, type=click.Choice(list(GALLERY)))
@click.option("--batch", default=256, show_default=True, type=click.IntRange(min=1))
@click.option("--batches", default=4, show_default=True, type=click.IntRange(min=1), help="Of an epoch.")
@click.option("--epochs", default=40, show_default=True, type=click.IntRange(min=2))
def main(device: str, precision: str, network: str, batch: int, batches: int, epochs: int) -> None:
    document = to_json(example(network))
    # A tenth is put aside, a little more is learned from than is needed, and what is left of a batch is dropped.
    document["data"]["source"].setdefault("params", {})["samples"] = (batch * batches + batch // 2) * 10 // 9
    document["data"]["split"] = {"train": 0.9, "validation": 0.0}
    document["recipe"] |= {"batch": {"size": batch, "last": "drop"}, "length": {"epochs": epochs}}
    experiment = read.experiment(document)
    with tempfile.TemporaryDirectory() as home:
        os.environ["LAYERLAB_HOME"] = home
        arrays = load(experiment.data)
        execution = choose(experiment, Wish.model_validate({"device": device, "precision": precision}), arrays)
        run = runs.submit("benchmark", network, document)
        recorder, control = Recorder(run.id), Timed(run.id, device)
        outcome = train(experiment, execution, arrays, recorder, control, checkpoints.Keeper(run.id))
        recorder.close()
        assert outcome.status == "finished", outcome
        database.close()
    speed = control.steps_a_second(after=batches)
    rate = 3 * 2 * analyze(experiment.network).macs * batch * speed / 1e12
    peak = next((peak for name, peak in PEAKS.items() if name in execution.device_name), None)
    share = f"{rate / peak:.1%} of {peak:g}" if peak else "the card's peak is not known here"
    print(f"{machine()}; {execution.device_name}, torch {torch.__version__}, {precision}, {execution.memory_format}")
    row = [network, f"{batch}", f"{speed:,.2f}", f"{speed * batch:,.0f}", f"{rate:,.2f}", share]
    print(table(["network", "batch", "steps/s", "samples/s", "TFLOP/s", "share"], [row]))


if __name__ == "__main__":
    main()
