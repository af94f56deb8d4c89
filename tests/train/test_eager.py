"""Nothing is compiled: a worker that imported PyTorch's compiler would keep a first click waiting for a second longer."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

WORK = """
import sys
from builder import worker
from builder.blocks import example
from builder.data import load
from builder.design import read
from builder.design.network import to_json
from builder.train.execution import choose
from builder.train.recorder import Silent
from builder.train.run import train

worker.load_torch()
worker.load_later()

class Keeping(Silent):
    moment = None

    def keep(self, step, data, epoch, score):
        self.moment = data

for name, changes in {
    "playground": {"ema": 0.9, "schedule": {"type": "Cosine"}, "metrics": [{"type": "F1"}]},
    "digits-cnn": {"optimizer": {"type": "SGD", "params": {"momentum": 0.9}}, "early_stopping": {"patience": 1}},
    "digits-mlp": {"optimizer": {"type": "LBFGS"}, "batch": {"size": None}},
    "logistic-regression": {"optimizer": {"type": "Muon"}},
    "digits-resnet": {"penalties": [{"type": "L1"}, {"type": "L2"}], "clip": {"type": "ByNorm"}, "max_norm": 3.0},
}.items():
    document = to_json(example(name))
    document["recipe"] |= {"length": {"epochs": 2}, **changes}
    experiment = read.experiment(document)
    arrays, told = load(experiment.data), Keeping()
    assert train(experiment, choose(experiment, "cpu"), arrays, told, told, told).status == "finished"
    train(experiment, choose(experiment, "cpu"), arrays, told, told, told, told.moment)
print("torch._dynamo" in sys.modules)
"""


def test_a_worker_that_has_trained_kept_and_gone_on_has_not_imported_the_compiler() -> None:
    finished = subprocess.run([sys.executable, "-c", WORK], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert finished.returncode == 0, finished.stderr
    assert finished.stdout.strip() == "False"
