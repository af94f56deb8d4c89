"""The layer table against PyTorch: every row of every gallery network, and how rows add up."""

import subprocess
import sys
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode
from variants import without_lengths

from builder.analysis import Analysis, Row, analyze
from builder.blocks import GALLERY, example
from builder.blocks.chain import block, chain, layer
from builder.compile import Compiled, build
from builder.design.network import Network

SUMMED = ("parameters", "trainable", "buffers", "macs", "flops", "activation_bytes")


def network(*nodes: dict[str, Any], outputs: list[str], **rest: Any) -> Network:
    return Network.model_validate({"nodes": chain(*nodes), "outputs": outputs, **rest})


def nested(**body: Any) -> Network:
    """A block that is used twice inside another, which is used three times; between them a layer with buffers."""
    inner = {"inputs": ["x"], "nodes": chain(layer("Linear", id="fc", inputs=["x"], out_features=4)), "outputs": ["fc"]}
    outer = {
        "inputs": ["x"],
        "nodes": [
            *chain(block("Inner", id="twice", repeat=2, inputs=["x"]), layer("BatchNorm1d", id="norm")),
            {"id": "add", "type": "Add", "inputs": ["norm", "x"]},
        ],
        "outputs": ["add"],
    }
    return network(
        layer("Input", id="features", shape=[4]),
        {**block("Outer", id="body", repeat=3), **body},
        layer("Linear", id="end", out_features=2),
        outputs=["end"],
        blocks={"Inner": inner, "Outer": outer},
    )


def on_meta(design: Network) -> tuple[Compiled, list[Tensor]]:
    """The compiled module without memory, and a batch of one to give it."""
    with torch.device("meta"):
        module = build(design).eval()
        given = [node.layer.infer()[0] for node in design.inputs]
        return module, [torch.empty(1, *signal.shape, dtype=getattr(torch, signal.dtype)) for signal in given]


def test_lenet5_has_61706_parameters_and_416520_multiply_adds():
    analysis = analyze(example("lenet5").network)
    assert (analysis.parameters, analysis.trainable, analysis.buffers, analysis.macs) == (61_706, 61_706, 0, 416_520)
    assert {row.id: (row.parameters, row.macs) for row in analysis.rows if row.macs} == {
        "c1": (156, 117_600),
        "c3": (2_416, 240_000),
        "f5": (48_120, 48_000),
        "f6": (10_164, 10_080),
        "scores": (850, 840),
    }


@pytest.mark.parametrize(
    "design", [*(without_lengths(example(name).network) for name in GALLERY), nested()], ids=[*GALLERY, "nested"]
)
def test_every_row_is_what_pytorch_has_under_its_id(design: Network):
    analysis = analyze(design)
    module, inputs = on_meta(design)
    rows = {row.id: row for row in analysis.expanded() if row.type not in ("Input", "Add", "Concat")}
    parts = {name: part for name, part in module.named_modules() if name in rows}
    assert parts.keys() == rows.keys()
    seen: dict[str, list[tuple[int, ...]]] = {}

    def look(name: str) -> Any:
        def hook(_module: nn.Module, _inputs: object, output: Any) -> None:
            outputs = output if isinstance(output, tuple) else (output,)
            seen[name] = [tuple(tensor.shape[1:]) for tensor in outputs]

        return hook

    for name, part in parts.items():
        part.register_forward_hook(look(name))
    with FlopCounterMode(display=False, depth=None) as counter:
        module(*inputs)
    counted = {name.removeprefix("Compiled."): sum(kinds.values()) for name, kinds in counter.get_flop_counts().items()}
    for name, row in rows.items():
        assert seen[name] == [signal.shape for signal in row.outputs], name
        assert sum(parameter.numel() for parameter in parts[name].parameters()) == row.parameters, name
        assert sum(buffer.numel() for buffer in parts[name].buffers()) == row.buffers, name
        assert counted.get(name, 0) == 2 * row.macs, name
    assert counter.get_total_flops() == 2 * analysis.macs
    assert sum(parameter.numel() for parameter in module.parameters()) == analysis.parameters
    assert sum(buffer.numel() for buffer in module.buffers()) == analysis.buffers
    hold = {row.id for row in rows.values() if row.parameters or row.buffers}
    assert hold == {next(id for id in rows if key.startswith(f"{id}.")) for key in module.state_dict()}


def totals(analysis: Analysis) -> dict[str, int]:
    return {name: getattr(analysis, name) for name in SUMMED}


@pytest.mark.parametrize(
    "design",
    [*(example(name).network for name in GALLERY), nested(), nested(frozen=True)],
    ids=[*GALLERY, "nested", "frozen"],
)
def test_totals_are_the_sums_of_the_opened_rows(design: Network):
    analysis = analyze(design)
    rows = list(analysis.expanded())
    assert totals(analysis) == {name: sum(getattr(row, name) for row in rows) for name in SUMMED}
    for kind, count in analysis.operations.items():
        assert count == sum(row.operations.get(kind, 0) for row in rows)
    assert len({row.id for row in rows}) == len(rows)
    assert not any(row.inside for row in rows)
    ids = {row.id for row in rows}
    assert all((reference or "").split(":")[0] in ids for row in rows for reference in row.inputs)


def test_a_repeat_multiplies_what_one_copy_has():
    once, thrice = analyze(nested(repeat=1)).rows[1], analyze(nested(repeat=3)).rows[1]
    assert once.parameters == 2 * (4 * 4 + 4) + 2 * 4 and once.buffers == 2 * 4 + 1 and once.macs == 2 * 4 * 4
    for name in (*SUMMED, "activation_bytes"):
        assert getattr(thrice, name) == 3 * getattr(once, name)
    assert thrice.operations == {kind: 3 * count for kind, count in once.operations.items()}


def test_opened_rows_read_what_runs_before_them():
    reads = {row.id: row.inputs for row in analyze(nested()).expanded()}
    assert reads["body.0.twice.0.fc"] == ("features",) and reads["body.0.twice.1.fc"] == ("body.0.twice.0.fc",)
    assert reads["body.0.add"] == ("body.0.norm", "features") and reads["body.1.add"] == ("body.1.norm", "body.0.add")
    assert reads["end"] == ("body.2.add",)


def test_opened_rows_read_through_blocks_that_pass_on_what_others_give():
    pair = {
        "inputs": ["x"],
        "nodes": chain(layer("LSTM", id="lstm", inputs=["x"], hidden_size=4)),
        "outputs": ["lstm:last", "lstm", "x"],
    }
    passing = {
        "inputs": ["x"],
        "nodes": [block("Pair", id="pair", inputs=["x"])],
        "outputs": ["pair:lstm_last", "pair:x"],
    }
    design = network(
        layer("Input", id="sequence", shape=[5, 3]),
        block("Passing", id="body"),
        layer("Linear", id="first", inputs=["body"]),
        layer("Linear", id="second", inputs=["body:pair_x"]),
        outputs=["first", "second"],
        blocks={"Pair": pair, "Passing": passing},
    )
    reads = {row.id: row.inputs for row in analyze(design).expanded()}
    assert reads["first"] == ("body.pair.lstm:last",) and reads["second"] == ("sequence",)


def shared(frozen: bool = False) -> Network:
    """Two dense layers of 4 units with the same weights."""
    return network(
        layer("Input", id="features", shape=[4]),
        {**layer("Linear", id="first", out_features=4), "frozen": frozen},
        {"id": "again", "type": "Linear", "params": {"out_features": 4}, "shares": "first"},
        outputs=["again"],
    )


def test_shared_weights_count_once_and_cost_twice():
    analysis = analyze(shared())
    assert [row.parameters for row in analysis.rows] == [0, 20, 0]
    assert (analysis.parameters, analysis.trainable, analysis.macs) == (20, 20, 32)


@pytest.mark.parametrize(
    "design",
    [nested(), nested(frozen=True), shared(), shared(True)],
    ids=["nested", "a frozen block", "shared", "shared and frozen"],
)
def test_what_may_learn_is_what_pytorch_gives_the_optimizer(design: Network):
    learning = sum(parameter.numel() for parameter in build(design).parameters() if parameter.requires_grad)
    assert analyze(design).trainable == learning == sum(row.trainable for row in analyze(design).expanded())


def test_a_frozen_layer_has_parameters_that_do_not_learn():
    design = network(
        layer("Input", id="features", shape=[3]), {"id": "fixed", "type": "Linear", "frozen": True}, outputs=["fixed"]
    )
    analysis = analyze(design)
    assert (analysis.parameters, analysis.trainable) == (4 * 64, 0)


def test_activation_memory_is_four_bytes_a_number_and_nothing_for_another_view():
    design = network(
        layer("Input", id="image", shape=[1, 8, 8]), layer("Conv2d", id="conv", padding=1), layer("Flatten"), outputs=["flatten"]
    )  # fmt: skip
    by_id = {row.id: row.activation_bytes for row in analyze(design).rows}
    assert by_id["conv"] == 4 * 32 * 8 * 8 and by_id["flatten"] == 0


@pytest.mark.parametrize(
    ("shape", "node", "products", "flops", "flops_without_bias"),
    [
        ([5], layer("Linear", out_features=1), 5, 5 + 4 + 1, 5 + 4),
        ([3, 2, 2], layer("Conv2d", out_channels=1, kernel_size=2), 12, 12 + 11 + 1, 12 + 11),
        # one step of an LSTM with 3 units: 4 x 3 gates read 2 numbers and 3 of the state, and have two biases
        ([1, 2], layer("LSTM", hidden_size=3), 12 * 5, 12 * (5 + 4 + 2), 12 * (5 + 4)),
    ],
    ids=["Linear", "Conv2d", "LSTM"],
)
def test_n_products_are_added_up_in_n_minus_one_additions_and_each_bias_is_one_more(
    shape: list[int], node: dict[str, Any], products: int, flops: int, flops_without_bias: int
):
    def row(**params: Any) -> Row:
        changed = {**node, "id": "sum", "params": node["params"] | params}
        return analyze(network(layer("Input", id="data", shape=shape), changed, outputs=["sum"])).rows[-1]

    assert (row().macs, row().flops, row(bias=False).flops) == (products, flops, flops_without_bias)


def test_analysis_loads_no_torch():
    code = (
        "import sys\n"
        "from builder.analysis import check\n"
        "from builder.blocks import GALLERY, example\n"
        "assert all(check(example(name))[0].parameters for name in GALLERY)\n"
        "print('torch' in sys.modules or 'streamlit' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
