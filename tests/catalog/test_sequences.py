"""Layers for sequences: lengths and masks hide what they say, and every port, state and first number is what PyTorch has."""

import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from builder.analysis import analyze
from builder.blocks.chain import chain, layer
from builder.catalog import Layer, Signal
from builder.compile import build, modules
from builder.compile.build import resolve
from builder.design.network import Network
from builder.design.recipe import Init
from builder.source.modules import carried, own_modules
from builder.source.network import initialize_source, network_source, own_rules_used

STEPS, FEATURES, UNITS, BATCH = 6, 4, 5, 3

SEQUENCE, MEMORY = Signal((STEPS, FEATURES), "TF"), Signal((7, FEATURES), "TF")
LENGTHS = Signal((), "", "int64")

RECURRENT = ["RNN", "LSTM", "GRU"]
DEEP = {"hidden_size": UNITS, "num_layers": 2, "bidirectional": True}


def made(name: str, *given: Signal, **params: Any) -> Any:
    """What runs a layer."""
    entry = Layer.shelf[name](**params)
    entry.infer(*given)
    return resolve(entry.runs(*given))(**entry.args(*given))


def network(*nodes: dict[str, Any], outputs: list[str], **rest: Any) -> Network:
    return Network.model_validate({"nodes": chain(*nodes), "outputs": outputs, **rest})


def written(design: Network, init: Init | None = None) -> nn.Module:
    """The network as its exported program makes and fills it."""
    scope: dict[str, Any] = {"torch": torch, "nn": nn, "Tensor": Tensor}
    init = init or Init()
    filling = initialize_source(design, init)
    text = [*carried(own_rules_used(design, init)), network_source(design), filling or ""]
    exec(compile("\n\n\n".join(text), "network.py", "exec"), scope)
    made: nn.Module = scope["Network"]()
    if filling:
        scope["initialize"](made)
    return made


def outputs_of(module: nn.Module, *x: Tensor) -> tuple[Tensor, ...]:
    y = module(*x)
    return y if isinstance(y, tuple) else (y,)


# Recurrent layers


@pytest.mark.parametrize("name", RECURRENT)
@pytest.mark.parametrize("params", [{"hidden_size": UNITS}, DEEP], ids=["shallow", "deep and in both directions"])
def test_with_lengths_every_sample_is_read_as_if_it_were_alone(name: str, params: dict[str, Any]):
    run = made(name, SEQUENCE, LENGTHS, **params)
    x, lengths = torch.randn(4, STEPS, FEATURES), torch.tensor([6, 1, 4, 3])
    together = run(x, lengths)
    for sample, length in enumerate(lengths.tolist()):
        sequence, last, state = run(x[sample : sample + 1, :length])
        assert torch.allclose(together[0][sample, :length], sequence[0], atol=1e-6)
        assert together[0][sample, length:].count_nonzero() == 0
        assert torch.allclose(together[1][sample], last[0], atol=1e-6)
        assert torch.allclose(together[2][sample], state[0], atol=1e-6)


@pytest.mark.parametrize("name", RECURRENT)
def test_what_lies_behind_the_end_changes_nothing_and_learns_nothing(name: str):
    run = made(name, SEQUENCE, LENGTHS, **DEEP)
    x, lengths = torch.randn(2, STEPS, FEATURES), torch.tensor([4, 6])
    other = x.clone()
    other[0, 4:] += 1
    assert all(map(torch.equal, run(x, lengths), run(other, lengths)))
    assert not torch.equal(run(x)[1], run(other)[1])
    x.requires_grad_()
    run(x, lengths)[1].sum().backward()
    assert x.grad[0, 4:].count_nonzero() == 0 and x.grad[0, :4].count_nonzero() == 4 * FEATURES


@pytest.mark.parametrize("name", RECURRENT)
def test_a_length_of_nothing_counts_one_step_and_one_that_is_too_long_counts_all(name: str):
    run = made(name, SEQUENCE, LENGTHS, hidden_size=UNITS)
    x = torch.randn(2, STEPS, FEATURES)
    assert all(map(torch.equal, run(x, torch.tensor([0, 99])), run(x, torch.tensor([1, STEPS]))))


@pytest.mark.parametrize(("name", "kind"), [("RNN", nn.RNN), ("GRU", nn.GRU), ("LSTM", nn.LSTM)])
def test_ports_are_what_pytorch_gives(name: str, kind: type[nn.Module]):
    run = made(name, SEQUENCE, **DEEP)
    theirs = kind(FEATURES, UNITS, 2, bidirectional=True, batch_first=True)
    theirs.load_state_dict(run.state_dict())
    x = torch.randn(BATCH, STEPS, FEATURES)
    sequence, states = theirs(x)
    hidden, *cells = states if name == "LSTM" else (states,)
    mine = run(x)
    assert torch.equal(mine[0], sequence)
    assert torch.equal(mine[1], torch.cat((hidden[-2], hidden[-1]), dim=1))
    assert torch.equal(mine[2], torch.cat([*hidden, *(state for cell in cells for state in cell)], dim=1))


def test_a_gru_keeps_its_state_where_z_is_one_and_forgets_it_where_z_is_zero_q8():
    run = made("GRU", Signal((1, 1), "TF"), hidden_size=1)
    new = torch.tensor(0.9).tanh()
    for gate, expected in ((100.0, 0.3), (-100.0, new.item())):
        for parameter in run.parameters():
            nn.init.zeros_(parameter)
        with torch.no_grad():
            run.bias_ih_l0[1], run.bias_ih_l0[2] = gate, 0.9  # the gates are r, z and n
        _, state = nn.GRU.forward(run, torch.zeros(1, 1, 1), torch.full((1, 1, 1), 0.3))
        assert state.item() == pytest.approx(expected, abs=1e-6)


def test_an_lstm_carries_its_cell_unchanged_where_f_is_one_and_i_is_zero_q6():
    run = made("LSTM", Signal((1, 1), "TF"), hidden_size=1)
    for forget, kept in ((100.0, 0.7), (-100.0, 0.0)):
        for parameter in run.parameters():
            nn.init.zeros_(parameter)
        with torch.no_grad():
            run.bias_ih_l0[0], run.bias_ih_l0[1] = -200.0, forget  # the gates are i, f, the new cell, o
        _, (_, cell) = nn.LSTM.forward(run, torch.ones(1, 1, 1), (torch.zeros(1, 1, 1), torch.full((1, 1, 1), 0.7)))
        assert cell.item() == pytest.approx(kept, abs=1e-7)


def reader(**params: Any) -> Network:
    return network(
        layer("Input", id="words", shape=[STEPS, FEATURES]), layer("LSTM", id="lstm", **DEEP, **params), outputs=["lstm:last"]
    )  # fmt: skip


@pytest.mark.parametrize(
    "init", [Init(), Init.model_validate({"weight": {"type": "XavierNormal"}, "bias": {"type": "Normal"}})]
)
def test_the_forget_gates_start_where_they_are_told_whatever_fills_the_other_biases(init: Init):
    torch.manual_seed(1)
    usual = build(reader(), init).state_dict()
    torch.manual_seed(1)
    module = build(reader(forget_bias=1), init)
    torch.manual_seed(1)
    theirs = written(reader(forget_bias=1), init).state_dict()
    forget = slice(UNITS, 2 * UNITS)
    for name, value in module.state_dict().items():
        assert torch.equal(value, theirs[name])
        if "bias" in name:
            assert (value[forget] == (1 if "bias_ih" in name else 0)).all()
            assert torch.equal(value[:UNITS], usual[name][:UNITS])
            assert torch.equal(value[2 * UNITS :], usual[name][2 * UNITS :])
        else:
            assert torch.equal(value, usual[name])


def test_a_forget_bias_needs_a_bias():
    with pytest.raises(ValueError, match="forget_bias needs bias"):
        Layer.shelf["LSTM"](forget_bias=1, bias=False)


# Attention


def attention(name: str, causal: bool = False, **params: Any) -> tuple[Any, tuple[Tensor, ...]]:
    """A layer with two heads and no dropout, and what it is given but for a mask."""
    given = (SEQUENCE,) if name == "TransformerEncoderLayer" else (SEQUENCE, MEMORY)
    heads = {"num_heads": 2} if name == "MultiheadAttention" else {"nhead": 2, "dim_feedforward": 8}
    run = made(name, *given, **heads, dropout=0.0, causal=causal, **params)
    return run, tuple(torch.randn(BATCH, *signal.shape) for signal in given)


def number_of(features: Tensor) -> Tensor:
    """One number that changes with any feature, also behind a norm, which keeps their sum."""
    return (features * torch.arange(features.shape[-1])).sum()


def looked_at(run: Any, x: tuple[Tensor, ...], mask: Tensor | None = None) -> Tensor:
    """For every sample: how much each step of the output changes with each step that is looked at (queries, keys)."""
    memory = x[-1].clone().requires_grad_()
    y = run(*x[:-1], memory, *([] if mask is None else [mask]))
    changes = [torch.autograd.grad(number_of(y[:, step]), memory, retain_graph=True)[0] for step in range(y.shape[1])]
    return torch.stack([change.abs().sum(2) for change in changes], dim=1)


ATTENTION = ["MultiheadAttention", "TransformerEncoderLayer", "TransformerDecoderLayer"]


def modes(run: nn.Module) -> Any:
    """Training and evaluation, with and without gradients: PyTorch takes other ways through the layer."""
    for training, gradients in ((True, True), (False, True), (False, False)):
        run.train(training)
        with torch.set_grad_enabled(gradients):
            yield


@pytest.mark.parametrize("name", ATTENTION)
@pytest.mark.parametrize("norm_first", [False, True])
def test_a_step_that_is_masked_is_not_looked_at(name: str, norm_first: bool):
    run, x = attention(name, **({} if name == "MultiheadAttention" else {"norm_first": norm_first}))
    keys = x[-1].shape[1]
    hidden = torch.zeros(BATCH, keys, dtype=torch.bool)
    hidden[0, 2:], hidden[1, 1] = True, True
    other = x[-1].clone()
    other[hidden] += 1
    for mask in (hidden, hidden.float() * -1e9, hidden.unsqueeze(1).expand(-1, STEPS, -1)):
        for _ in modes(run):
            masked, changed = run(*x, mask), run(*x[:-1], other, mask)
            if name == "TransformerEncoderLayer":  # the steps that nobody looks at see themselves
                masked, changed = masked[~hidden], changed[~hidden]
            assert torch.equal(masked, changed)
            assert not torch.allclose(run(*x), run(*x[:-1], other), atol=1e-3)


@pytest.mark.parametrize("name", ["MultiheadAttention", "TransformerDecoderLayer"])
def test_a_mask_of_pairs_holds_for_its_own_pairs_and_its_own_sample(name: str):
    run, x = attention(name)
    mask = torch.rand(BATCH, STEPS, 7) < 0.5
    mask[:, :, 0] = False
    for hidden in (mask, torch.where(mask, -torch.inf, 0.0)):
        seen = looked_at(run, x, hidden) > 0
        assert torch.equal(seen, ~mask)
    assert (looked_at(run, x) > 0).all()


@pytest.mark.parametrize("name", ATTENTION)
def test_numbers_in_a_mask_are_added_to_the_scores_in_training_and_in_evaluation(name: str):
    run, x = attention(name)
    bias = torch.randn(BATCH, STEPS, x[-1].shape[1])
    answers = [run(*x, bias) for _ in modes(run)]
    assert all(torch.allclose(answers[0], other, atol=1e-5) for other in answers)
    assert not torch.allclose(answers[0], run(*x, torch.zeros_like(bias)), atol=1e-3)


def test_scores_are_those_of_the_formula():
    run, (x, memory) = attention("MultiheadAttention")
    bias = torch.randn(BATCH, STEPS, 7)
    heads = torch.stack(
        torch.cat((x, memory), dim=1).matmul(run.in_proj_weight.T).add(run.in_proj_bias).split(FEATURES, 2)
    )
    q, k, v = (part.unflatten(2, (2, -1)).transpose(1, 2) for part in (heads[0, :, :STEPS], *heads[1:, :, STEPS:]))
    weights = (q @ k.mT / math.sqrt(FEATURES // 2) + bias.unsqueeze(1)).softmax(3)
    expected = run.out_proj((weights @ v).transpose(1, 2).flatten(2))
    assert torch.allclose(run(x, memory, bias), expected, atol=1e-6)


@pytest.mark.parametrize("name", ["MultiheadAttention", "TransformerEncoderLayer"])
def test_a_causal_layer_looks_at_no_later_step_with_or_without_a_mask(name: str):
    run, (x, *_) = attention(name, causal=True)
    x = (x,) if name == "TransformerEncoderLayer" else (x, x)
    earlier = torch.ones(STEPS, STEPS, dtype=torch.bool).tril()
    mask = torch.zeros(BATCH, STEPS, dtype=torch.bool)
    mask[0, 3] = True
    other = x[-1].clone()
    other[:, 4] += 1
    for _ in modes(run):
        assert torch.allclose(run(x[0], *x[1:])[:, :4], run(*[other] * len(x))[:, :4], atol=1e-6)
        assert not torch.allclose(run(*x)[:, 4:], run(*[other] * len(x))[:, 4:], atol=1e-3)
    if name == "MultiheadAttention":
        assert torch.equal(looked_at(run, x) > 0, earlier.expand(BATCH, -1, -1))
        assert torch.equal(looked_at(run, x, mask) > 0, earlier & ~mask.unsqueeze(1))
        assert torch.equal(looked_at(run, x, mask * -1e30) > 0, earlier & ~mask.unsqueeze(1))


@pytest.mark.parametrize("causal", [True, False])
def test_a_decoder_layer_looks_back_in_its_own_sequence_and_everywhere_in_its_memory(causal: bool):
    run, (x, memory) = attention("TransformerDecoderLayer", causal=causal)
    x.requires_grad_()
    own = torch.autograd.grad(number_of(run(x, memory)[:, 2]), x)[0].abs().sum((0, 2)) > 0
    assert own.tolist() == [True] * 3 + [not causal] * 3
    assert (looked_at(run, (x.detach(), memory)) > 0).all()


@pytest.mark.parametrize("name", ATTENTION)
def test_a_sample_that_may_look_nowhere_gives_numbers_in_training_and_evaluation(name: str):
    run, x = attention(name)
    mask = torch.ones(BATCH, x[-1].shape[1], dtype=torch.bool)
    for _ in modes(run):
        assert run(*x, mask).isfinite().all()
    run(*x, mask).sum().backward()
    assert all(parameter.grad.isfinite().all() for parameter in run.parameters() if parameter.grad is not None)


def test_without_dropout_the_layers_of_a_transformer_are_pytorchs_own():
    for name, kind in (
        ("TransformerEncoderLayer", nn.TransformerEncoderLayer), ("TransformerDecoderLayer", nn.TransformerDecoderLayer)
    ):  # fmt: skip
        run, x = attention(name, activation="gelu", norm_first=True)
        theirs = kind(FEATURES, 2, 8, 0.0, "gelu", batch_first=True, norm_first=True)
        theirs.load_state_dict(run.state_dict())
        assert torch.equal(run(*x), theirs(*x))


# Embeddings


def test_an_embedding_of_padding_is_zero_and_stays_zero():
    design = network(
        layer("Input", id="tokens", shape=[STEPS], axes="T", dtype="int64", classes=5),
        layer("Embedding", id="embed", embedding_dim=3, padding_idx=2),
        outputs=["embed"],
    )
    init = Init.model_validate({"weight": {"type": "XavierNormal"}})
    for module in (build(design), build(design, init), written(design), written(design, init)):
        (weight,) = module.parameters()
        assert weight[2].tolist() == [0, 0, 0] and weight.count_nonzero() == 12
        outputs_of(module, torch.tensor([[0, 1, 2, 3, 4, 2]]))[0].sum().backward()
        assert weight.grad[2].tolist() == [0, 0, 0] and weight.grad.count_nonzero() == 12


@pytest.mark.parametrize("axes", ["", "T", "F", "HW"])
def test_one_hot_has_a_single_one_at_the_place_of_the_class(axes: str):
    given = Signal((2, 3)[2 - len(axes) :], axes, "int64", 4)
    (said,) = Layer.shelf["OneHot"]().infer(given)
    x = torch.randint(4, (BATCH, *given.shape))
    y = made("OneHot", given)(x)
    assert y.shape[1:] == said.shape and y.dtype == torch.float32
    classes = 1 if said.axes == "CHW" else y.dim() - 1
    assert torch.equal(y.argmax(classes), x) and torch.equal(y.sum(classes), torch.ones_like(x).float())


@pytest.mark.parametrize("features", [1, 4, 5])
def test_positions_are_told_by_sines_and_cosines(features: int):
    run = made("PositionalEncoding", Signal((STEPS, features), "TF"))
    y = run(torch.zeros(1, STEPS, features))[0]
    for step in range(STEPS):
        for feature in range(features):
            angle = step / 10_000 ** (2 * (feature // 2) / features)
            expected = math.cos(angle) if feature % 2 else math.sin(angle)
            assert y[step, feature].item() == pytest.approx(expected, abs=1e-6)


def test_learned_positions_are_small_random_numbers_that_learn():
    run = made("PositionalEncoding", Signal((50, 40), "TF"), learned=True)
    assert run.encoding.std().item() == pytest.approx(0.02, rel=0.1)
    x = torch.randn(2, 50, 40)
    assert torch.equal(run(x), x + run.encoding)
    run(x).sum().backward()
    assert (run.encoding.grad == 2).all()


def test_bilinear_is_its_formula():
    run = made("Bilinear", Signal((2,), "F"), Signal((3,), "F"), out_features=1)
    x1, x2 = torch.randn(1, 2), torch.randn(1, 3)
    expected = sum(
        x1[0, i] * run.weight[0, i, j] * x2[0, j] for i in range(2) for j in range(3)
    ) + run.bias[0]  # fmt: skip
    assert run(x1, x2).item() == pytest.approx(expected.item(), abs=1e-6)


@pytest.mark.parametrize(
    ("name", "given", "params", "flops"),
    [
        # x1 . W: 3 sums of 2 products; . x2: a sum of 3; a bias
        ("Bilinear", [Signal((2,), "F"), Signal((3,), "F")], {"out_features": 1}, 3 * 3 + 5 + 1),
        ("Bilinear", [Signal((2,), "F"), Signal((3,), "F")], {"out_features": 1, "bias": False}, 3 * 3 + 5),
        ("RNN", [Signal((1, 2), "TF")], {"hidden_size": 3}, 3 * (5 + 4 + 2)),
        # r and z: a sum of 2 + 3 products and two biases; n: a sum of 2 and one of 3, each with its bias
        ("GRU", [Signal((1, 2), "TF")], {"hidden_size": 3}, 3 * (2 * (5 + 4 + 2) + (2 + 1 + 1) + (3 + 2 + 1))),
        ("GRU", [Signal((1, 2), "TF")], {"hidden_size": 3, "bias": False}, 3 * (2 * (5 + 4) + (2 + 1) + (3 + 2))),
        # four projections of 2 x 4 numbers, sums of 4 products; scores: 2 heads x 2 x 2 sums of 2; values: 2 x 4 sums of 2
        ("MultiheadAttention", [Signal((2, 4), "TF")] * 2, {"num_heads": 2, "bias": False}, 4 * 8 * 7 + 8 * 3 + 8 * 3),
        ("MultiheadAttention", [Signal((2, 4), "TF")] * 2, {"num_heads": 2}, 4 * 8 * 8 + 8 * 3 + 8 * 3),
        ("TransformerEncoderLayer", [Signal((2, 4), "TF")], {"nhead": 2, "dim_feedforward": 3, "bias": False},
         4 * 8 * 7 + 8 * 3 + 8 * 3 + 2 * 3 * 7 + 2 * 4 * 5),
        ("TransformerEncoderLayer", [Signal((2, 4), "TF")], {"nhead": 2, "dim_feedforward": 3},
         4 * 8 * 8 + 8 * 3 + 8 * 3 + 2 * 3 * 8 + 2 * 4 * 6),
    ],
)  # fmt: skip
def test_n_products_are_added_up_in_n_minus_one_additions(
    name: str, given: list[Signal], params: dict[str, Any], flops: int
):
    entry = Layer.shelf[name](**params)
    assert entry.flops(tuple(given), entry.infer(*given)) == flops


# Whole networks


def translator(lengths: bool, mask: bool) -> Network:
    """Tokens, read by a recurrent block, looked at by attention and by both layers of a transformer."""
    inside = {
        "inputs": ["x", "lengths", "mask"],
        "nodes": [
            {"id": "gru", "type": "GRU", "params": {"hidden_size": 4, "bidirectional": True}, "inputs": ["x", *["lengths"] * lengths]},
            {"id": "look", "type": "TransformerEncoderLayer", "params": {"nhead": 2, "dim_feedforward": 6}, "inputs": ["gru", *["mask"] * mask]},
        ],
        "outputs": ["look", "gru:last", "gru:state"],
    }  # fmt: skip
    given = ["embed", "lengths", "padding"]
    nodes = [
        layer("Input", id="tokens", shape=[STEPS], axes="T", dtype="int64", classes=5),
        layer("Input", id="lengths", shape=[], dtype="int64"),
        layer("Input", id="padding", shape=[STEPS], axes="T", dtype="bool"),
        layer("Embedding", id="embed", inputs=["tokens"], embedding_dim=4, padding_idx=0),
        layer("PositionalEncoding", id="where", inputs=["embed"], learned=True),
        {"id": "inside", "block": "Read", "inputs": given},
        layer("MultiheadAttention", id="cross", inputs=["inside", "where", *["padding"] * mask], num_heads=4),
        layer("TransformerDecoderLayer", id="decode", inputs=["cross", "inside", *["padding"] * mask], nhead=2, dim_feedforward=6),
        layer("LSTM", id="lstm", inputs=["decode", *["lengths"] * lengths], hidden_size=3, forget_bias=1),
        layer("RNN", id="rnn", inputs=["decode", None], hidden_size=3),
        layer("Bilinear", id="pair", inputs=["lstm:last", "inside:gru_last"], out_features=2),
    ]  # fmt: skip
    design = {"nodes": nodes, "outputs": ["pair", "inside:gru_state", "rnn"], "blocks": {"Read": inside}}
    return Network.model_validate(design)


def batch_of_tokens() -> tuple[Tensor, Tensor, Tensor]:
    lengths = torch.tensor([6, 2, 4])
    padding = torch.arange(STEPS) >= lengths.unsqueeze(1)
    return torch.randint(1, 5, (BATCH, STEPS)).masked_fill(padding, 0), lengths, padding


OPTIONAL = pytest.mark.parametrize(("lengths", "mask"), [(True, True), (True, False), (False, True), (False, False)])


@OPTIONAL
def test_optional_ports_are_read_where_they_are_connected_and_left_out_where_not(lengths: bool, mask: bool):
    design = translator(lengths, mask)
    analysis = analyze(design)
    assert not [problem for problem in analysis.problems if problem.severity == "error"]
    module = build(design).eval()
    assert sum(parameter.numel() for parameter in module.parameters()) == analysis.parameters
    tokens, steps, padding = batch_of_tokens()
    y = module(tokens, steps, padding)
    assert [tuple(output.shape[1:]) for output in y] == [signal.shape for signal in analysis.outputs if signal]
    assert torch.equal(y[1], module(tokens, steps + (steps == 2), padding)[1]) is not lengths
    assert torch.equal(y[2], module(tokens, steps, padding.logical_not())[2]) is not mask


@OPTIONAL
def test_the_written_network_has_the_same_keys_outputs_and_gradients(lengths: bool, mask: bool):
    design, x = translator(lengths, mask), batch_of_tokens()
    mine, theirs = build(design), written(design)
    assert list(theirs.state_dict()) == list(mine.state_dict())
    theirs.load_state_dict(mine.state_dict())
    for training in (False, True):
        results = []
        for module in (mine, theirs):
            module.train(training)
            module.zero_grad()
            torch.manual_seed(1)
            y = outputs_of(module, *x)
            sum(output.square().sum() for output in y).backward()
            results.append([*y, *(parameter.grad for parameter in module.parameters() if parameter.grad is not None)])
        assert len(results[0]) > 3 and all(map(torch.equal, *results))
    with torch.no_grad():
        mine.eval(), theirs.eval()
        assert all(map(torch.equal, outputs_of(mine, *x), outputs_of(theirs, *x)))


RULES = {
    "as PyTorch": Init(),
    "the recipe's": Init.model_validate({"weight": {"type": "XavierUniform"}, "bias": {"type": "Normal"}}),
}


@pytest.mark.parametrize("init", RULES.values(), ids=RULES)
@pytest.mark.parametrize("own", [False, True], ids=["", "and some of their own"])
def test_compiled_and_written_start_with_the_same_numbers(init: Init, own: bool):
    document = translator(True, True).model_dump(mode="json")
    if own:
        for node in document["nodes"]:
            if node["id"] in ("embed", "cross", "decode", "lstm"):
                node["init"] = {"weight": {"type": "Normal", "params": {"std": 3.0}}}
        document["blocks"]["Read"]["nodes"][1]["init"] = {"bias": {"type": "Normal", "params": {"mean": 9.0}}}
    design = Network.model_validate(document)
    torch.manual_seed(5)
    mine = build(design, init).state_dict()
    torch.manual_seed(5)
    theirs = written(design, init).state_dict()
    assert mine.keys() == theirs.keys() and all(torch.equal(mine[name], theirs[name]) for name in mine)
    if own:
        assert 2 < mine["decode.linear1.weight"].std() < 4 and 2 < mine["cross.k_proj_weight"].std() < 4
        assert (mine["inside.look.self_attn.out_proj.bias"] - 9).abs().max() < 5
    assert mine["decode.norm1.weight"].tolist() == [1.0] * 8  # a norm is no weighted sum


@pytest.mark.parametrize("name", ["MultiheadAttention", "TransformerEncoderLayer", "TransformerDecoderLayer"])
def test_initializers_reach_every_projection_inside(name: str):
    run, _ = attention(name)
    entry = Layer.shelf[name]
    kinds = tuple(map(resolve, entry.initialized))
    reached = {
        f"{path}.{parameter}".lstrip(".")
        for path, part in run.named_modules()
        if isinstance(part, kinds)
        for parameter, _ in part.named_parameters(recurse=False)
    }
    assert reached == {key for key, _ in run.named_parameters() if "norm" not in key}


def test_what_our_own_modules_use_is_written_once_and_before_them():
    names = [text.split("(")[0].split()[-1] for text in carried({"LSTM", "GRU"})]
    assert sorted(names) == ["GRU", "LSTM", "in_a_row", "with_padding", "without_padding"]
    assert names.index("in_a_row") < names.index("GRU")
    assert not any("type: ignore" in text for text in own_modules().values())
    assert {name for name in vars(modules) if not name.startswith("_")} >= set(names)
