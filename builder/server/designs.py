"""The canvas's way to a person's design: what it draws, and the edits that it asks for. No script run stands in between.

Every change is a POST that says which revision was looked at. Its answer is the sheet (`builder.server.sheet`) with what
has changed since then; what cannot be done is answered by 409 and Problems.
"""

import json
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, TypeAlias

from pydantic import Field, TypeAdapter, ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from builder import limits
from builder.analysis import analyze
from builder.analysis.inside import inside
from builder.blocks import adding
from builder.blocks.palette import BLOCKS, entries, family_of
from builder.catalog import Signal
from builder.design import clip, read
from builder.design import edits as design_edits
from builder.design.experiment import Experiment
from builder.design.network import split_reference
from builder.problem import Edit, Json, Move, Problem, Refused, Set, Value, say
from builder.server.asked import HEADERS, asked, name_in, owner_of_request, refusal, whole_number
from builder.server.recent import Recent
from builder.server.sheet import Sheet, changes, sheet_of
from builder.store import documents, editing
from builder.store.documents import Draft

KEPT_SHEETS = 64
"""Newest sheets that are remembered, for all designs together: what has changed is told by them."""

LAST_REVISION = 2**31 - 1
"""What every database takes as a whole number."""

Place: TypeAlias = tuple[float, float]


class Asked(Value):
    """A change that a canvas asks for: made looking at revision `base`, in the graph at a path."""

    base: int = Field(ge=0, le=LAST_REVISION)
    at: str = Field("", max_length=limits.DESIGN_DEPTH * 41)


class Edits(Asked):
    """Edits as they are."""

    edits: tuple[Edit, ...] = Field(max_length=limits.NODES)


class Edge(Value):
    """The edge that ends at an input of a node."""

    node: str
    port: int = Field(ge=0, le=limits.INPUTS_PER_NODE)


class Add(Asked):
    """Something from the palette: behind a node, onto an edge, or free at a place."""

    name: str = Field(max_length=80)
    after: str | None = None
    place: Place | None = None
    edge: Edge | None = None


class Nodes(Asked):
    """Nodes of the graph by their ids."""

    base: int = 0
    nodes: tuple[str, ...] = Field(max_length=limits.NODES)


class Paste(Asked):
    """What `copy` has given, here or in another design: free at a place, or, where it is a chain, behind a node."""

    clip: Json
    place: Place | None = None
    after: str | None = None


# What is asked of the store, beside the loop ---------------------------------------------------------------------


def shown(owner: str, design: str, at: str, since: int) -> Sheet | None:
    """What is newer than revision `since` (-1: everything); None where nothing is."""
    if documents.revision(owner, design) == since:
        return None
    return _answer(_draft(owner, design), at, since)


def edited(owner: str, design: str, wanted: Edits) -> Sheet:
    """Carry edits out as they are."""
    return _carried_out(owner, design, wanted, wanted.edits)


def added(owner: str, design: str, wanted: Add) -> Sheet:
    """Put something from the palette into the graph."""
    experiment = read.experiment(_draft(owner, design).document)
    block = _block(experiment, wanted.at)
    network = experiment.network
    if wanted.edge:
        source = _source(experiment, block, wanted.edge)
        given = _signal(experiment, wanted.at, source)
        edits = adding.between(network, block, wanted.name, wanted.edge.node, wanted.edge.port, given)
    elif wanted.place:
        edits = adding.beside(network, block, wanted.name)
    else:
        after = wanted.after or adding.end_of(adding.graph_in(network, block))
        edits = adding.behind(network, block, wanted.name, after, _signal(experiment, wanted.at, after))
    new = adding.new_node(edits)
    if wanted.place:
        edits = [*edits, Set(path=f"{_path(block)}.view.{new}", value=list(wanted.place))]
    return _carried_out(owner, design, wanted, edits) | {"added": [new]}


def duplicated(owner: str, design: str, wanted: Nodes) -> Sheet:
    """A copy of one node behind it; of several, copies that read what these read."""
    document = _draft(owner, design).document
    block = _block(read.experiment(document), wanted.at)
    if len(wanted.nodes) == 1:
        edits: list[Edit] = [design_edits.duplicate(document, wanted.nodes[0], block)]
    else:
        made = clip.copied_nodes(document, wanted.nodes, block)
        edits = clip.pasted(document, made, block, keep_sources=True)
    return _carried_out(owner, design, wanted, edits) | {"added": _new(edits)}


def copied(owner: str, design: str, wanted: Nodes) -> dict[str, Json]:
    """The nodes as JSON for the clipboard."""
    document = _draft(owner, design).document
    return {"clip": clip.copied_nodes(document, wanted.nodes, _block(read.experiment(document), wanted.at))}


def pasted(owner: str, design: str, wanted: Paste) -> Sheet:
    """Put what was copied into the graph."""
    document = _draft(owner, design).document
    block = _block(read.experiment(document), wanted.at)
    edits = clip.pasted(document, wanted.clip, block)
    new = _new(edits)
    if wanted.place and len(new) == 1:  # several are laid out by what they read
        edits.append(Set(path=f"{_path(block)}.view.{new[0]}", value=list(wanted.place)))
    if wanted.after and _is_chain(edits):
        edits += [Move(node=node, after=after, block=block) for after, node in pairwise([wanted.after, *new])]
    return _carried_out(owner, design, wanted, edits) | {"added": new}


def _is_chain(edits: Sequence[Edit]) -> bool:
    """Whether the first of the nodes that are put in reads nothing yet, and each other one the one before it alone."""
    nodes = [edit.node for edit in edits if edit.edit == "insert"]
    reads = [[None], *([node["id"]] for node in nodes)]
    return all(node["inputs"] == wanted for node, wanted in zip(nodes, reads, strict=False))


def undone(owner: str, design: str, wanted: Asked) -> Sheet:
    """Take the last change back."""
    return _answer(documents.undo(owner, design), wanted.at, wanted.base)


def redone(owner: str, design: str, wanted: Asked) -> Sheet:
    """Make the last change that was taken back again."""
    return _answer(documents.redo(owner, design), wanted.at, wanted.base)


def palette() -> list[dict[str, Json]]:
    """Everything that can be added."""
    return [
        {
            "name": name,
            "family": family_of(entry).lower() if family_of(entry) != BLOCKS else "block",
            "about": entry.about(),
            "aliases": list(entry.aliases),
            "block": family_of(entry) == BLOCKS,
        }
        for name, entry in entries().items()
    ]


def _carried_out(owner: str, design: str, wanted: Asked, edits: Sequence[Edit]) -> Sheet:
    return _answer(editing.edit(owner, design, wanted.base, list(edits)), wanted.at, wanted.base)


def _draft(owner: str, design: str) -> Draft:
    found = documents.get(owner, design)
    if found is None:
        raise Refused(documents.unknown())
    return found


def _new(edits: Sequence[Edit]) -> list[str]:
    return [edit.node["id"] for edit in edits if edit.edit == "insert"]


def _block(experiment: Experiment, at: str) -> str | None:
    """The block whose inside is at a path; None for the network itself."""
    return inside(experiment.network, (), at).block


def _path(block: str | None) -> str:
    return f"network.blocks.{block}" if block else "network"


def _source(experiment: Experiment, block: str | None, edge: Edge) -> str | None:
    inputs = adding.node_in(experiment.network, block, edge.node).inputs
    return inputs[edge.port] if edge.port < len(inputs) else None


def _signal(experiment: Experiment, at: str, reference: str | None) -> Signal | None:
    """What a reference stands for in the graph at a path, where that is known."""
    if reference is None:
        return None
    name, output = split_reference(reference)
    row = inside(experiment.network, analyze(experiment.network).rows, at).row(name)
    if row is None or not row.outputs or output is not None:
        return None
    return row.outputs[0]


# What is told ----------------------------------------------------------------------------------------------------

_sheets: Recent[tuple[str, str, int], Sheet] = Recent(KEPT_SHEETS)


def _answer(draft: Draft, at: str, since: int) -> Sheet:
    """The sheet of a draft: what is new since a revision, where that one's sheet is remembered; else everything."""
    sheet = _sheets.get((draft.id, at, draft.revision))
    before = _sheets.get((draft.id, at, since))
    if sheet is None:
        try:
            sheet = sheet_of(draft, at)
        except Refused:
            if not at:
                raise
            return _answer(draft, at.rpartition(".")[0], -1)  # the change took the level itself away: the one above it
        _sheets.put((draft.id, at, draft.revision), sheet)
    return changes(sheet, before) if before is not None else sheet


# Routes ----------------------------------------------------------------------------------------------------------


async def design_sheet(request: Request) -> Response:
    """`GET /api/designs/{design}?at=&since=`: the sheet; 204 where nothing is newer than `since`."""
    owner, design = owner_of_request(request), name_in(request, "design")
    since = whole_number(request, "since", smallest=-1, otherwise=-1)
    found = await _told_or_refused(shown, owner, design, request.query_params.get("at", ""), since)
    return found or Response(status_code=204, headers=HEADERS)


async def design_change(request: Request) -> Response:
    """`POST /api/designs/{design}/{change}`: what is asked is the body, as one of the classes above says."""
    owner, design = owner_of_request(request), name_in(request, "design")
    change = request.path_params["change"]
    if change not in CHANGES:
        raise HTTPException(404)
    _from_here(request)
    form, carry_out = CHANGES[change]
    try:
        wanted = await _body(request, form)
    except Refused as refused:
        return refusal(refused)
    found = await _told_or_refused(carry_out, owner, design, wanted)
    assert found is not None
    return found


async def whole_palette(request: Request) -> Response:
    """`GET /api/palette`: every layer and catalog block."""
    owner_of_request(request)
    return JSONResponse(await run_in_threadpool(palette), headers=HEADERS)


CHANGES: dict[str, tuple[Any, Callable[..., dict[str, Json]]]] = {
    "edits": (TypeAdapter(Edits), edited),
    "add": (TypeAdapter(Add), added),
    "duplicate": (TypeAdapter(Nodes), duplicated),
    "copy": (TypeAdapter(Nodes), copied),
    "paste": (TypeAdapter(Paste), pasted),
    "undo": (TypeAdapter(Asked), undone),
    "redo": (TypeAdapter(Asked), redone),
}


async def _told_or_refused(question: Callable[..., Json], *arguments: object) -> Response | None:
    """The answer as JSON, None as None; a refusal as 409 with its Problems."""
    try:
        found = await asked(question, *arguments)
    except Refused as refused:
        return refusal(refused)
    return None if found is None else JSONResponse(found, headers=HEADERS)


async def _body(request: Request, form: Any) -> Any:
    """What is asked. Too much is not read, or refused; what is no such question is the canvas's mistake: 400."""
    read_so_far = bytearray()
    async for piece in request.stream():
        read_so_far += piece
        if len(read_so_far) > limits.DESIGN_BYTES:
            raise Refused(_too_large())
    try:
        told = json.loads(read_so_far)
        json.dumps(told, ensure_ascii=False).encode()  # half of a character pair is no text, and could not be answered
        return form.validate_python(told)
    except (ValidationError, ValueError, RecursionError) as error:
        if isinstance(error, ValidationError) and _is_too_much(error):
            raise Refused(_too_much()) from None
        raise HTTPException(400) from error


def _is_too_much(error: ValidationError) -> bool:
    """Whether there are more edits or nodes than one change may have, and nothing else is wrong."""
    return all(
        mistake["type"] == "too_long" and mistake["loc"] in (("edits",), ("nodes",))
        for mistake in error.errors(include_url=False, include_input=False)
    )


def _too_large() -> Problem:
    because = say("A design has at most {most:,} bytes, and so has what is pasted into one.", most=limits.DESIGN_BYTES)
    return Problem(code="canvas/too-large", title=say("This is too large"), because=because)


def _too_much() -> Problem:
    because = say("One change can have {most:,} steps at most. Do it in parts: select fewer nodes.", most=limits.NODES)
    return Problem(code="canvas/too-much", title=say("This is too much at once"), because=because)


def _from_here(request: Request) -> None:
    """Refuses what a page of another site has sent: browsers say whose page it is, and send our cookie all the same."""
    origin = request.headers.get("origin", "")
    if origin.partition("://")[2] != request.headers.get("host"):
        raise HTTPException(403)


routes: list[BaseRoute] = [
    Route("/api/palette", whole_palette),
    Route("/api/designs/{design}", design_sheet),
    Route("/api/designs/{design}/{change}", design_change, methods=["POST"]),
]
