"""Networks as straight-line classes: one line a layer, in the order in which they run, keys as in `state_dict`."""

import itertools
import unicodedata

from builder import limits
from builder.analysis import Analysis, Row, analyze
from builder.catalog.initializers import Default, Initializer
from builder.catalog.signal import Signal
from builder.design.network import Graph, Network, Node, split_reference
from builder.design.recipe import Init
from builder.design.structure import ports_out
from builder.source.call import WIDTH, call, literal, packed, wrapped
from builder.source.modules import carried, own_modules

CLASS = "Network"


def network_source(network: Network, analysis: Analysis | None = None) -> str:
    """The classes of a network, those that others use first. The network itself is `class Network`."""
    writer = _Writer(network)
    analysis = analysis or analyze(network)
    given = [node.id for node in network.inputs]
    body = writer.graph(network, analysis.rows, dict(analysis.signals), given, CLASS, _about(network, analysis))
    return "\n\n\n".join([*carried(writer.own), *map(wrapped, (*writer.classes, body))])


def initialize_source(network: Network, init: Init) -> str | None:
    """`def initialize(network)`, or null where PyTorch's own rules stand everywhere."""
    own = _own_rules(network)
    if not own and isinstance(init.weight, Default) and isinstance(init.bias, Default):
        return None
    kinds = sorted(
        {
            kind
            for graph in (network, *network.blocks.values())
            for node in graph.nodes
            if node.type
            for kind in node.layer.initialized
        }
    )
    lines = [
        "def initialize(network):",
        '    """Give weights and biases their first numbers, in the order of the layers."""',
        "    for name, parameter in network.named_parameters():",
        '        layer, _, role = name.rpartition(".")',
        f"        if not isinstance(network.get_submodule(layer), ({', '.join(kinds)}{',' if len(kinds) == 1 else ''})):",
        "            continue",
    ]
    branches = []
    for prefix, role, rule in own:
        branches.append((f"{prefix} and {literal(role)} in role", rule))
    branches += [(f"{literal(role)} in role", rule) for role, rule in (("weight", init.weight), ("bias", init.bias))]
    word = "if"
    for condition, rule in branches:
        lines.append(f"        {word} {condition}:")
        lines += _fill(rule)
        word = "elif"
    lines += [
        f"    network.get_submodule({literal(path)}).{node.layer.last_word()}()"
        for path, node in _paths(network, network)
        if node.layer.last_word() and not node.shares
    ]
    return wrapped("\n".join(lines))


def _own_rules(network: Network) -> list[tuple[str, str, Initializer]]:
    """Nodes that have rules of their own: the condition that finds them, what is filled, and how."""
    found: list[tuple[str, str, Initializer]] = []
    for prefix, path in _paths(network, network):
        for role, rule in path.init.items():
            several = len(path.layer.initialized) > 1  # modules inside have weights of their own
            place = f'f"{{layer}}.".startswith({literal(prefix + ".")})' if several else f"layer == {literal(prefix)}"
            found.append((place, role, rule))
    return found


def _paths(network: Network, graph: Graph, prefix: str = "") -> list[tuple[str, Node]]:
    """Every layer of the opened network with its key in `state_dict`."""
    found: list[tuple[str, Node]] = []
    for node in graph.nodes:
        if node.block:
            for copy in range(node.repeat):
                inner = f"{prefix}{node.id}." + (f"{copy}." if node.repeat > 1 else "")
                found += _paths(network, network.blocks[node.block], inner)
        else:
            found.append((prefix + node.id, node))
    return found


def _fill(rule: Initializer) -> list[str]:
    """The lines that fill a parameter by a rule."""
    if isinstance(rule, Default):
        return ["            pass  # as PyTorch made it"]
    line = f"            {call(rule.target, rule, rule.args(), 'parameter')}"
    return [line] if len(line) <= WIDTH else packed(line.strip(), indent=12)


def own_rules_used(network: Network, init: Init) -> set[str]:
    """Own functions that `initialize` calls."""
    rules = [init.weight, init.bias, *(rule for _, _, rule in _own_rules(network))]
    return {rule.target for rule in rules if rule.target in own_modules()}


def _about(network: Network, analysis: Analysis) -> str:
    size = f"{analysis.parameters:,} parameters, {analysis.macs:,} multiply-adds per sample."
    name = one_line(network.name, WIDTH - len(size) - len('    """: """'))
    return f"{name}: {size}" if name else size


def one_line(text: str, columns: int = limits.TITLE) -> str:
    """A person's words made safe inside a docstring or a comment: one line, no quotes or backslashes, nothing unprintable.

    What is wider than `columns` is cut; an East Asian character takes two.
    """
    safe = "".join(
        character if character.isprintable() and character not in '"\\' else " " for character in text
    ).strip()
    ends = itertools.accumulate(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in safe)
    fits = sum(end <= columns for end in ends)
    return safe if fits == len(safe) else f"{safe[: max(0, fits - 3)]}..."


class _Writer:
    """Writes classes, remembering which blocks are written already and which of our own modules are needed."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.classes: list[str] = []
        self.own: set[str] = set()
        self.written: dict[tuple[str, tuple[Signal, ...]], str] = {}

    def graph(
        self, graph: Graph, rows: tuple[Row, ...], signals: dict[str, Signal], given: list[str], name: str, about: str
    ) -> str:
        made: list[str] = []
        runs: list[str] = []
        variables = {reference: reference for reference in given}
        for at, (node, row) in enumerate(zip(graph.nodes, rows, strict=True)):
            if node.type == "Input":
                (port,) = node.layer.outputs
                variables[f"{node.id}:{port}"] = node.id
                continue
            comes_in = [signals[reference] for reference in node.inputs if reference]
            build, run = self.node(
                node, row, comes_in, [variables[reference] for reference in node.inputs if reference]
            )
            made += build
            outputs = ports_out(self.network, node)
            for output, signal in zip(outputs, row.outputs, strict=True):
                signals[f"{node.id}:{output}"] = signal
            signals[node.id] = row.outputs[0]
            names = _variables(graph, at, outputs, given, set(variables.values()))
            variables |= {f"{node.id}:{output}": name for output, name in zip(outputs, names, strict=True)}
            variables[node.id] = names[0]
            runs.append(f"{', '.join(names)} = {run}")
        result = ", ".join(variables[reference] for reference in graph.outputs)
        return "\n".join(
            [
                f"class {name}(nn.Module):",
                f'    """{about}"""',
                "",
                "    def __init__(self):",
                "        super().__init__()",
                *(f"        {line}" for line in made),
                "",
                f"    def forward(self, {', '.join(given)}):",
                *(f"        {line}" for line in runs),
                f"        return {result}",
            ]
        )

    def node(self, node: Node, row: Row, comes_in: list[Signal], reads: list[str]) -> tuple[list[str], str]:
        """The lines that build a node, and the expression that runs it."""
        frozen = [f"self.{node.id}.requires_grad_(False)"] if node.frozen else []
        run = f"self.{node.id}({', '.join(reads)})"
        if node.block:
            name = self.block(node, row, comes_in)
            copies = f"nn.Sequential(*[{name}() for _ in range({node.repeat})])" if node.repeat > 1 else f"{name}()"
            return [f"self.{node.id} = {copies}", *frozen], run
        layer = node.layer
        if layer.infix:
            return [], f" {layer.infix} ".join(reads)
        runs = layer.runs(*comes_in)
        if runs in own_modules():
            self.own.add(runs)
        if layer.function:
            return [], call(runs, layer, layer.args(*comes_in), f"({', '.join(reads)})")
        if node.shares:
            return [f"self.{node.id} = self.{node.shares}"], run
        comment = [f"# {one_line(node.title)}".rstrip()] if node.title else []
        return [*comment, f"self.{node.id} = {call(runs, layer, layer.args(*comes_in))}", *frozen], run

    def block(self, node: Node, row: Row, comes_in: list[Signal]) -> str:
        """The name of the class of a block for these signals; written when first asked for."""
        assert node.block is not None
        key = (node.block, tuple(comes_in))
        if key not in self.written:
            block = self.network.blocks[node.block]
            name = self.class_name(node.block)
            self.written[key] = name
            about = f"Block {node.block} for {' and '.join(map(str, comes_in))}."
            signals = dict(zip(block.inputs, comes_in, strict=True))
            self.classes.append(self.graph(block, row.inside, signals, list(block.inputs), name, about))
        return self.written[key]

    def class_name(self, block: str) -> str:
        """The block's own name, or for its second and later kinds of signals that name with a number nothing else has."""
        taken = {CLASS, *own_modules(), *self.written.values()}
        if block not in taken:
            return block
        taken |= self.network.blocks.keys()
        return next(name for count in itertools.count(2) if (name := f"{block}{count}") not in taken)


def _variables(graph: Graph, at: int, outputs: tuple[str, ...], given: list[str], written: set[str]) -> list[str]:
    """Variables for the outputs of the node at a place: `x` (or `y`) where the next line alone reads it, `_` where nobody does."""
    node = graph.nodes[at]
    readers = [
        (place, split_reference(reference))
        for place, other in enumerate(graph.nodes)
        for reference in other.inputs
        if reference and split_reference(reference)[0] == node.id
    ]
    ends = [split_reference(reference) for reference in graph.outputs if split_reference(reference)[0] == node.id]
    following = next((place for place in range(at + 1, len(graph.nodes)) if graph.nodes[place].type != "Input"), None)
    if len(outputs) == 1:
        if not readers and not ends and following is not None:
            return ["_"]
        last = following is None and not readers
        chained = not ends and {place for place, _ in readers} == {following}
        taken = {*given, *(other.id for other in graph.nodes)}
        passing = next((name for name in ("x", "y", "z") if name not in taken), node.id)
        return [passing] if last or chained else [node.id]
    taken = {*written, *given, *(other.id for other in graph.nodes)}
    used = {output or outputs[0] for _, (_, output) in readers} | {output or outputs[0] for _, output in ends}
    return [_free(f"{node.id}_{output}", taken) if output in used else "_" for output in outputs]


def _free(name: str, taken: set[str]) -> str:
    """The name, with underscores behind it until no node bears it."""
    while name in taken:
        name += "_"
    return name
