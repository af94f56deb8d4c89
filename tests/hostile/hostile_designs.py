"""Design files that somebody made to hurt (SAFETY 11 to 13). As a program: read one of them and say what it cost.

`python hostile_designs.py NAME` prints seconds, kilobytes of memory at most, and the codes of the Problems found.
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

Json = Any


def network(*nodes: Json, **rest: Json) -> dict[str, Json]:
    return {"format": "layerlab.network", "version": 1, "nodes": list(nodes), "outputs": [], **rest}


IMAGE: Json = {"id": "image", "type": "Input", "params": {"shape": [1, 8, 8]}}


def relus(count: int, **fields: Json) -> list[Json]:
    return [{"id": f"n{at}", "type": "ReLU", **fields} for at in range(count)]


def line(count: int) -> list[Json]:
    return [IMAGE] + [
        {"id": f"n{at}", "type": "ReLU", "inputs": [f"n{at - 1}" if at else "image"]} for at in range(count)
    ]


def nested(depth: int, opening: str = "[", closing: str = "]") -> str:
    return '{"format": "layerlab.network", "view": ' + opening * depth + "1" + closing * depth + "}"


def blocks_that_use_all_later_ones(count: int) -> Json:
    def inside(at: int) -> Json:
        later = [{"id": f"n{to}", "block": f"B{to}", "inputs": ["x"]} for to in range(at + 1, count)]
        return {"inputs": ["x"], "nodes": later or relus(1, inputs=["x"]), "outputs": ["x"]}

    return network(IMAGE, {"id": "use", "block": "B0"}, blocks={f"B{at}": inside(at) for at in range(count)})


def blocks_of_many_nodes(count: int = 40) -> Json:
    nodes = [{"id": f"n{at}", "block": "Z"} for at in range(1_500)]
    blocks = {f"B{at}": {"nodes": nodes} for at in range(count)}
    return network(IMAGE, blocks=blocks | {"Z": {"nodes": [], "outputs": ["x"]}})


def everything_open(count: int) -> Json:
    return network(IMAGE, *relus(count), outputs=["n0"])


def circle(count: int) -> Json:
    nodes = line(count)
    nodes[1]["inputs"] = [f"n{count - 1}"]
    return network(*nodes, outputs=["n0"])


def all_wrong(count: int) -> Json:
    return network(IMAGE, *({"id": f"n{at}", "type": "Relu", "inputs": ["image"]} for at in range(count)))


def edges(count: int) -> Json:
    return network(IMAGE, {"id": "add", "type": "Add", "inputs": ["image"] * count})


def many_edges(nodes: int = 1_500) -> Json:
    return network(
        IMAGE, *({"id": f"n{at}", "type": "Add", "inputs": ["image"] * 64} for at in range(nodes)), outputs=["n0"]
    )


def wide_and_wrong(nodes: int = 1_900) -> Json:
    return network(IMAGE, {"id": "add", "type": "Add", "inputs": [5] * 60}, *relus(nodes, inputs=[7] * 60))


def values(count: int) -> Json:
    init = {"weight": {"type": "Values", "params": {"values": ["x"] * count}}}
    return network(IMAGE, {"id": "dense", "type": "Linear", "init": init})


TEXTS: dict[str, Callable[[], str | bytes]] = {
    "an empty file": lambda: "",
    "no JSON": lambda: "import os; os.system('true')",
    "half a file": lambda: json.dumps(network(*line(5)))[:80],
    "bytes that are no text": lambda: b"\xff\xfe\x00\xd8{",
    "a zip": lambda: b"PK\x03\x04" + bytes(2_000),
    "3 MB": lambda: json.dumps(network(name="n" * 3_000_000)),
    "3 MB of bytes that are no text": lambda: b"\xff" * 3_000_000,
    "250 deep": lambda: nested(250),
    "5,000 deep": lambda: nested(5_000),
    "200,000 deep": lambda: nested(200_000),
    "objects 5,000 deep": lambda: nested(5_000, '{"a":', "}"),
    "opened 200,000 times and never closed": lambda: "[" * 200_000,
    "a number of 4,301 digits": lambda: '{"format": "layerlab.network", "version": ' + "1" * 4_301 + "}",
    "a number of 4,000 digits": lambda: '{"format": "layerlab.network", "version": ' + "1" * 4_000 + "}",
    "a million digits behind the point": lambda: '{"format": "layerlab.network", "version": 1.' + "1" * 1_000_000 + "}",
    "NaN": lambda: '{"format": "layerlab.network", "view": {"a": [NaN, 0]}}',
    "Infinity": lambda: '{"format": "layerlab.network", "view": {"a": [Infinity, 0]}}',
    "-Infinity": lambda: '{"format": "layerlab.network", "view": {"a": [0, -Infinity]}}',
    "1e400": lambda: '{"format": "layerlab.network", "view": {"a": [1e400, 0]}}',
    "half a character": lambda: '{"format": "layerlab.network", "name": "\\ud800"}',
    "a list": lambda: "[]",
    "a number": lambda: "7",
    "null": lambda: "null",
}
"""Files that are not even a document."""

DOCUMENTS: dict[str, Callable[[], Json]] = {
    "10,000 nodes": lambda: network(*relus(10_000)),
    "a chain of 10,000 nodes": lambda: network(*line(10_000)),
    "100,000 edges into one node": lambda: edges(100_000),
    "96,000 edges": many_edges,
    "25,000 edges": lambda: many_edges(350),
    "25,000 wrong edges": lambda: wide_and_wrong(350),
    "25,000 unknown fields": lambda: network() | {f"field{at}": 1 for at in range(25_000)},
    "25,000 places of nodes": lambda: network(view={f"n{at}": [0, 0] for at in range(8_000)}),
    "25,000 blocks": lambda: network(blocks={f"B{at}": {} for at in range(25_000)}),
    "9,000 nodes in blocks": lambda: blocks_of_many_nodes(6),
    "25,000 numbers that are none": lambda: values(25_000),
    "100,000 wrong edges": wide_and_wrong,
    "2,000 open inputs": lambda: everything_open(1_999),
    "2,000 wrong types": lambda: all_wrong(1_999),
    "2,000 nodes of one id": lambda: network(*(IMAGE for _ in range(2_000))),
    "2,000 nodes in a circle": lambda: circle(1_999),
    "2,000 nodes in reverse": lambda: network(*line(1_999)[::-1], outputs=["n0"]),
    "100,000 unknown fields": lambda: network() | {f"field{at}": 1 for at in range(100_000)},
    "an unknown field of a megabyte": lambda: network() | {"f" * 1_000_000: 1},
    "100,000 places of nodes": lambda: network(view={f"n{at}": [0, 0] for at in range(100_000)}),
    "60,000 blocks": lambda: network(blocks={f"B{at}": {} for at in range(60_000)}),
    "60,000 nodes in blocks": blocks_of_many_nodes,
    "30 blocks that use all later ones": lambda: blocks_that_use_all_later_ones(30),
    "200,000 numbers that are none": lambda: values(200_000),
    "5,000 preparations": lambda: {
        "format": "layerlab.experiment",
        "network": network(),
        "data": {"source": {"type": "Digits"}, "prepare": [{"type": "Standardise", "params": {}}] * 5_000},
        "recipe": {},
    },
    "a type of a megabyte": lambda: network({"id": "a", "type": "R" * 1_000_000}),
    "a title of 10 kB": lambda: network({"id": "a", "type": "ReLU", "title": "t" * 10_000}),
    "an id of a megabyte": lambda: network({"id": "a" * 1_000_000, "type": "ReLU"}),
    "axes of a megabyte": lambda: network({"id": "a", "type": "Input", "params": {"axes": "F" * 1_000_000}}),
    "a reference of a megabyte": lambda: network({"id": "a", "type": "ReLU", "inputs": ["b" * 1_000_000]}),
    "a megabyte of dots": lambda: network() | {"." * 1_000_000: 1},
    "an unknown type": lambda: network({"id": "a", "type": "Gizmo"}),
    "__class__ for a type": lambda: network({"id": "a", "type": "__class__"}),
    "os.system for a type": lambda: network({"id": "a", "type": "os.system", "params": {"command": "true"}}),
    "torch.load for a type": lambda: network({"id": "a", "type": "torch.load"}),
    "a dotted target": lambda: network({"id": "a", "type": "torch.nn.Linear"}),
    "a target of its own": lambda: network({"id": "a", "type": "ReLU", "params": {"target": "os.system"}}),
    "dunder fields": lambda: network({"id": "a", "type": "ReLU", "__init__": {}, "__reduce__": ["os.system"]}),
    "a private field": lambda: network({"id": "a", "type": "ReLU", "_layer": 1}),
    "duplicate ids": lambda: network(IMAGE, *relus(1), *relus(1)),
    "version 0": lambda: network() | {"version": 0},
    "version 2": lambda: network() | {"version": 2},
    "version of another kind": lambda: network() | {"version": {"major": 1}},
    "an unknown format": lambda: network() | {"format": "keras.model"},
    "a format that is a list": lambda: network() | {"format": ["layerlab.network"]},
    "nodes that are text": lambda: network() | {"nodes": "ReLU"},
    "nodes that are numbers": lambda: network(1, 2, 3),
    "an id that is a list": lambda: network({"id": ["a"], "type": "ReLU"}),
    "an id that is an object": lambda: network({"id": {"id": "a"}, "type": "ReLU"}),
    "inputs that are objects": lambda: network({"id": "a", "type": "ReLU", "inputs": [{}]}),
    "a reference of colons": lambda: network(IMAGE, {"id": "a", "type": "ReLU", "inputs": ["image:::"]}),
    "a circle": lambda: circle(3),
    "a node that reads itself": lambda: network({"id": "a", "type": "ReLU", "inputs": ["a"]}),
    "two inputs to a layer of one": lambda: network(IMAGE, {"id": "a", "type": "ReLU", "inputs": ["image", "image"]}),
    "no nodes": network,
    "no output": lambda: network(*line(2)),
    "a node that nothing leads to": lambda: network(*line(2), {"id": "z", "type": "Tanh"}, outputs=["n1"]),
    "a node that leads nowhere": lambda: network(
        *line(2), {"id": "z", "type": "Tanh", "inputs": ["n0"]}, outputs=["n1"]
    ),
    "a block in itself": lambda: network(
        IMAGE, blocks={"B": {"nodes": [{"id": "a", "block": "B", "inputs": ["x"]}], "outputs": ["a"]}}
    ),
    "an image of 10^24 pixels": lambda: network(
        {"id": "image", "type": "Input", "params": {"shape": [1_000_000] * 4}}, outputs=["image"]
    ),
    "4.3 billion parameters": lambda: network(
        {"id": "row", "type": "Input", "params": {"shape": [65_536]}},
        {"id": "dense", "type": "Linear", "params": {"out_features": 65_536}, "inputs": ["row"]},
        outputs=["dense"],
    ),
    "200 x 200 x 200 layers": lambda: network(
        IMAGE,
        {"id": "a", "block": "A", "repeat": 200, "inputs": ["image"]},
        outputs=["a"],
        blocks={
            "A": {"nodes": [{"id": "b", "block": "B", "repeat": 200, "inputs": ["x"]}], "outputs": ["b"]},
            "B": {"nodes": [{"id": "c", "block": "C", "repeat": 200, "inputs": ["x"]}], "outputs": ["c"]},
            "C": {"nodes": [{"id": "relu", "type": "ReLU", "inputs": ["x"]}], "outputs": ["relu"]},
        },
    ),
}
"""Documents of valid JSON."""

FILES: dict[str, Callable[[], str | bytes]] = TEXTS | {
    name: (lambda make=make: json.dumps(make())) for name, make in DOCUMENTS.items()
}


def problems_of(source: str | bytes) -> list[Any]:
    """What a person is told of the file; anything but Problems travels on as a traceback."""
    from builder import analysis
    from builder.design import read
    from builder.problem import Refused

    try:
        return analysis.check(read.any_design(read.text(source)))[1]
    except Refused as refused:
        return list(refused.problems)


if __name__ == "__main__":
    problems_of(json.dumps(network(*line(2), outputs=["n1"])))  # imports are not what is measured
    made = FILES[sys.argv[1]]()
    start = time.process_time()
    found = problems_of(made)
    seconds = time.process_time() - start
    # Not getrusage: that starts with the memory of whoever started this program.
    status = Path("/proc/self/status").read_text()
    kilobytes = int(status.partition("VmHWM:")[2].split()[0])
    print(json.dumps({"seconds": seconds, "kilobytes": kilobytes, "codes": sorted({one.code for one in found})}))
