"""Every exhibit of the gallery: it can be read, nothing is wrong with it, and it says why to look at it."""

import re
import subprocess
import sys

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode
from variants import HEAVY, LIGHT, example_of, remarks, without_lengths

from builder.analysis import analyze, check
from builder.analysis.experiment import input_columns
from builder.blocks import GALLERY, example
from builder.compile import build
from builder.data import load
from builder.design import read
from builder.design.network import to_json
from builder.problem import Refused

every_exhibit = pytest.mark.parametrize("name", GALLERY)

WANTED = {
    "Neurons and gates": "perceptron nand-gate and-gate or-gate xor-gate linear-regression logistic-regression xor-mlp playground",
    "Digits": "digits-mlp mlp-784 digits-cnn digits-resnet lenet5 lenet5-1998",
    "AlexNet": "alexnet alexnet-2012",
    "VGG": "vgg11 vgg13 vgg16 vgg19 vgg11-bn vgg13-bn vgg16-bn vgg19-bn",
    "Inception": "googlenet googlenet-2014 inception",
    "Residual": "resnet18 resnet34 resnet50 resnet101 resnet152 resnet20 plain20",
    "DenseNet": "densenet121",
    "Small and fast": "mobilenet-v2 squeezenet",
    "Segmentation": "unet-small",
    "Autoencoders": "autoencoder-dense autoencoder-conv",
    "Sequences": "rnn-sequence lstm-sequence gru-sequence sequence-lstm bidirectional-sequence deep-sequence",
    "Attention": "transformer-small vit-small",
    "What goes wrong": "deep-sigmoid normed-at-a-high-rate squared-error dead-relu constant-rate sparse-weights",
}


def test_the_gallery_has_what_people_look_for():
    found: dict[str, set[str]] = {}
    for name, exhibit in GALLERY.items():
        found.setdefault(exhibit.family, set()).add(name)
    assert found == {family: set(names.split()) for family, names in WANTED.items()}


@every_exhibit
def test_an_exhibit_can_be_read_and_nothing_is_wrong_with_it(name: str):
    experiment = example(name)
    assert [(problem.code, problem.severity) for problem in check(experiment)[1]] == [
        (code, "warning") for code in remarks(name)
    ]
    document = to_json(experiment)
    assert read.any_design(document) == experiment
    assert to_json(read.any_design(document)) == document


@every_exhibit
def test_an_exhibit_says_why_to_look_at_it_and_who_wrote_of_it(name: str):
    exhibit = GALLERY[name]
    assert len(exhibit.story) > 60 and exhibit.story[-1] == "." and "\n" not in exhibit.story
    assert re.search(r"\b(18|19|20)\d\d\b", exhibit.paper), "a paper has a year"
    assert exhibit.family
    if exhibit.published:
        assert exhibit.published.source and (exhibit.published.parameters or exhibit.published.remark)


@every_exhibit
def test_an_exhibit_has_the_published_size(name: str):
    analysis, published = analyze(example(name).network), GALLERY[name].published
    if published is None:
        return
    if published.parameters is not None:
        assert analysis.trainable == published.parameters
    if published.gmacs:
        digits = len(published.gmacs.partition(".")[2])
        assert f"{analysis.macs / 1e9:.{digits}f}" == published.gmacs


@every_exhibit
def test_an_exhibit_has_the_size_that_pytorch_counts(name: str):
    network = without_lengths(example(name).network)
    analysis = analyze(network)
    with torch.device("meta"):
        module = build(network).eval()
        x = [example_of(node.layer.infer()[0], 1) for node in network.inputs]
    with FlopCounterMode(display=False) as counter:
        y = module(*x)
    assert counter.get_total_flops() == 2 * analysis.macs
    assert sum(parameter.numel() for parameter in module.parameters()) == analysis.parameters
    assert sum(p.numel() for p in module.parameters() if p.requires_grad) == analysis.trainable
    assert [tuple(output.shape[1:]) for output in y] == [signal.shape for signal in analysis.outputs if signal]


def test_no_large_network_has_more_nodes_than_a_person_can_follow():
    assert len(example("resnet152").network.nodes) == 16
    assert all(len(example(name).network.nodes) <= 30 for name in HEAVY)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("resnet-50", "resnet50"), ("ResNet 152", "resnet152"), ("VGG16", "vgg16"), ("vgg16_bn", "vgg16-bn"), ("VGG-19-BN", "vgg19-bn"),
        ("mobilenetv2", "mobilenet-v2"), ("LeNet-5", "lenet5"), ("lenet5_1998", "lenet5-1998"), ("densenet-121", "densenet121"),
        ("AlexNet", "alexnet"), ("GoogleNet", "googlenet"), ("squeezenet1_0", "squeezenet"), ("unet", "unet-small"), ("xor", "xor-mlp"),
        ("lstm", "lstm-sequence"), ("gru", "gru-sequence"), ("vit", "vit-small"),
    ],
)  # fmt: skip
def test_a_near_miss_gets_the_name_that_was_meant(typed: str, meant: str):
    with pytest.raises(Refused) as refused:
        example(typed)
    (problem,) = refused.value.problems
    assert problem.because == f"Did you mean {meant}?"
    assert problem.fixes[0].edits[0].value == meant


def test_what_is_like_nothing_gets_the_list():
    with pytest.raises(Refused) as refused:
        example("!?")
    assert "resnet50" in refused.value.problems[0].because and not refused.value.problems[0].fixes


@pytest.mark.parametrize("name", LIGHT)
def test_the_data_of_an_exhibit_can_be_loaded_and_fit_its_inputs(name: str):
    experiment = example(name)
    arrays = load(experiment.data)
    for node in experiment.network.inputs:
        (gives,), column = node.layer.infer(), input_columns(experiment)[node.id]
        assert all(part[column].shape[1:] == gives.shape for part in arrays.parts.values())


def test_the_data_of_the_large_networks_are_light():
    for name in HEAVY:
        arrays = load(example(name).data)
        assert sum(column.nbytes for part in arrays.parts.values() for column in part.values()) < 50e6, name


def test_looking_at_the_gallery_loads_no_data_and_no_torch():
    program = (
        "import sys\n"
        "from builder.analysis import check\n"
        "from builder.blocks import GALLERY, example\n"
        "assert all(problem.severity == 'warning' for name in GALLERY for problem in check(example(name))[1])\n"
        "print(sorted({'torch', 'numpy', 'sklearn', 'builder.data'} & sys.modules.keys()))"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


@pytest.mark.parametrize("gate", ["nand", "and", "or", "xor"])
def test_a_gate_has_its_truth_table_from_the_start(gate: str):
    module = build(example(f"{gate}-gate").network)
    score, fires = module(torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]))
    table = {"nand": [1, 1, 1, 0], "and": [0, 0, 0, 1], "or": [0, 1, 1, 1], "xor": [0, 1, 1, 0]}[gate]
    assert fires[:, 0].tolist() == table == (score[:, 0] > 0).int().tolist()


def test_the_nand_gate_has_the_sums_of_the_textbook():
    score, _ = build(example("nand-gate").network)(torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]))
    assert score[:, 0].tolist() == [3, 1, 1, -1]


def test_lenet_of_1998_has_the_parameters_of_each_layer_of_the_paper():
    rows = {row.id: row.trainable for row in analyze(example("lenet5-1998").network).rows}
    wanted = {"c1": 156, "s2": 12, "c3": 1_516, "s4": 32, "c5": 48_120, "f6": 10_164, "scores": 0}
    assert {name: rows[name] for name in wanted} == wanted


TABLE = [
    {0, 1, 2}, {1, 2, 3}, {2, 3, 4}, {3, 4, 5}, {4, 5, 0}, {5, 0, 1},
    {0, 1, 2, 3}, {1, 2, 3, 4}, {2, 3, 4, 5}, {3, 4, 5, 0}, {4, 5, 0, 1}, {5, 0, 1, 2},
    {0, 1, 3, 4}, {1, 2, 4, 5}, {0, 2, 3, 5}, {0, 1, 2, 3, 4, 5},
]  # fmt: skip
"""Which of six maps each of the sixteen maps of C3 reads (LeCun et al. 1998, table I)."""


def test_c3_reads_the_maps_of_the_papers_table():
    module = build(example("lenet5-1998").network)
    x = torch.randn(1, 6, 14, 14, requires_grad=True)
    (maps,) = module.c3(x)
    for at, wanted in enumerate(TABLE):
        (slope,) = torch.autograd.grad(maps[0, at].sum(), x, retain_graph=True)
        assert {channel for channel in range(6) if slope[0, channel].any()} == wanted, at


def test_the_drawings_of_digits_are_840_numbers_of_one_that_stay_as_they_are():
    scores = build(example("lenet5-1998").network).scores
    assert scores.weight.shape == (10, 84) and not scores.weight.requires_grad
    assert set(scores.weight.unique().tolist()) == {-1, 1}
    distances = (scores.weight[:, None] != scores.weight).sum(2)
    assert (distances + 84 * torch.eye(10, dtype=torch.long)).min() >= 4, "no two digits look alike"
    assert torch.equal(scores(scores.weight).argmax(1), torch.arange(10))
    assert torch.equal(scores(scores.weight), -4.0 * distances), "each pixel that differs is 2 squared away"
