"""What stands beside the canvas: the layer table, in three views, and the program. The browser asks for them itself.

They are lists, of rows or of lines. A browser that has the list of an earlier revision is sent what to replace in it:
an edit of one layer changes a row and a few lines, and the program of a large network has thousands.
"""

from collections.abc import Callable, Mapping, Sequence
from difflib import SequenceMatcher
from typing import NamedTuple, TypeAlias

from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from builder.analysis import Analysis, Row, analyze, check
from builder.analysis.classic import classic
from builder.analysis.inside import path_of
from builder.analysis.receptive import in_words, receptive_fields
from builder.design import read
from builder.problem import Json, Refused
from builder.server.asked import HEADERS, asked, name_in, owner_of_request, refusal, whole_number
from builder.server.recent import Recent
from builder.source import program
from builder.store import documents
from builder.store.documents import Draft
from builder.words import memory

KEPT_LISTS = 64
"""Newest lists that are remembered, for all designs together: what has changed is told by them."""


SMALL = 300
"""Bytes that are sent as they are. The web server would leave a kilobyte so, which is what a few rows are."""


class TableRow(NamedTuple):
    """A row of the table. `path` says which node of the canvas it is about; None for a total, which is about none."""

    cells: tuple[str | int | None, ...]
    path: str | None
    family: str | None


Item: TypeAlias = TableRow | str


class Listing(NamedTuple):
    """A list, and what is to be said of it as a whole."""

    about: dict[str, Json]
    items: tuple[Item, ...]


# The program -----------------------------------------------------------------------------------------------------


def program_text(draft: Draft) -> str:
    """The design as a program. Raises Refused where it has errors."""
    return "\n".join(str(line) for line in _listing(draft, "program").items)


def _program(draft: Draft) -> Listing:
    experiment = read.experiment(draft.document)
    errors = [problem for problem in check(experiment)[1] if problem.severity == "error"]
    if errors:
        raise Refused(*errors)
    return Listing({}, tuple(program(experiment).split("\n")))


# The layer table -------------------------------------------------------------------------------------------------

Column = Sequence[str | int | None]
"""One thing about each row; None where it is not known, or there is none."""

WORDS = {"Layer", "Type", "Output"}
"""Columns that are read as words. The others are compared as numbers."""

HELP = {
    "Memory": "Of the output, float32, one sample.",
    "Sees": "Receptive field: the part of the input, in its positions, that one number of the output depends on. Borders are not looked at.",
    "Stride": "How far apart in the input two neighbours of the output look.",
    "Other": "Operations that are no multiply-adds, as activations, pooling and norms. The layer's arithmetic tells the kinds.",
    "Frozen": "Parameters that do not learn.",
    "Buffers": "Numbers that are kept and not learned, as the running mean of a batch norm.",
}


def _opened(draft: Draft) -> Listing:
    """Every layer, blocks opened."""
    analysis = _analysis(draft)
    return _layers(analysis, list(analysis.expanded()))


def _drawn(draft: Draft) -> Listing:
    """A row a node of the canvas."""
    analysis = _analysis(draft)
    return _layers(analysis, list(analysis.rows))


def _analysis(draft: Draft) -> Analysis:
    return analyze(read.experiment(draft.document).network)


def _layers(analysis: Analysis, rows: list[Row]) -> Listing:
    fields = receptive_fields(analysis.expanded())
    columns: dict[str, Column] = {
        "Layer": [row.id for row in rows],
        "Type": [row.type + (f" x {row.repeat}" if row.repeat > 1 else "") for row in rows],
        "Output": [str(row.outputs[0]) if row.outputs else "unknown" for row in rows],
        "Parameters": [row.parameters if row.outputs else None for row in rows],
        "MACs": [row.macs if row.outputs else None for row in rows],
        "FLOPs": [row.flops if row.outputs else None for row in rows],
        "Memory": [memory(row.activation_bytes) if row.outputs else None for row in rows],
    }
    if any(row.id in fields for row in rows[1:]):
        seen = [fields.get(row.id) for row in rows]
        columns["Sees"] = [in_words(field.sides) if field else None for field in seen]
        columns["Stride"] = [in_words(field.stride) if field else None for field in seen]
    columns["Other"] = [sum(row.operations.values()) if row.outputs else None for row in rows]
    if analysis.trainable < analysis.parameters:
        columns["Frozen"] = [row.parameters - row.trainable if row.outputs else None for row in rows]
    if analysis.buffers:
        columns["Buffers"] = [row.buffers if row.outputs else None for row in rows]
    return _table(
        "layers",
        f"Layer table: {len(rows)} layers, {analysis.parameters:,} parameters, {analysis.macs:,} multiply-adds.",
        "No layers yet. What each one gives and costs will stand here.",
        columns,
        [path_of(row.id) for row in rows],
        [row.family for row in rows],
    )


def _classic(draft: Draft) -> Listing:
    """Counted in the old way."""
    analysis = _analysis(draft)
    counts = classic(analysis)
    numbers = {
        "Neurons": [layer.neurons for layer in counts],
        "Parameters": [layer.parameters for layer in counts],
        "Connections": [layer.connections for layer in counts],
    }
    families = {row.id: row.family for row in analysis.rows}
    total = [None] if counts else []
    return _table(
        "layers-1998",
        f"{len(counts)} layers as LeNet-5 was counted: {sum(numbers['Connections']):,} connections.",
        "No layer here has neurons in that sense.",
        {
            "Layer": [*(layer.title or layer.id for layer in counts), *("Total" for _ in total)],
            **{name: [*column, *(sum(column) for _ in total)] for name, column in numbers.items()},
        },
        [*(layer.id for layer in counts), *total],
        [*(families[layer.id] for layer in counts), *total],
    )


def _table(
    name: str,
    label: str,
    empty: str,
    columns: Mapping[str, Column],
    paths: Sequence[str | None],
    families: Sequence[str | None],
) -> Listing:
    """A table, called so as a file and so for a screen reader, and what is said where it has no rows."""
    heads = [{"name": column, "help": HELP.get(column, ""), "isWords": column in WORDS} for column in columns]
    cells = zip(*columns.values(), strict=True)
    rows = tuple(TableRow(*row) for row in zip(cells, paths, families, strict=True))
    return Listing({"name": name, "label": label, "empty": empty, "columns": heads}, rows)


# What is told ----------------------------------------------------------------------------------------------------

LISTS: dict[str, Callable[[Draft], Listing]] = {
    "layers": _opened,
    "drawn": _drawn,
    "classic": _classic,
    "program": _program,
}

_listings: Recent[tuple[str, str, int], Listing] = Recent(KEPT_LISTS)


def told(owner: str, design: str, name: str, since: int) -> dict[str, Json] | None:
    """A list of `LISTS` as what to replace in that of revision `since`, or in an empty one; None where nothing is newer.

    Raises Refused where there is no such design, or no program of it yet.
    """
    draft = documents.get(owner, design)
    if draft is None:
        raise Refused(documents.unknown())
    if draft.revision == since:
        return None
    now, before = _listing(draft, name), _listings.get((design, name, since))
    had = before or Listing({}, ())
    return {
        "revision": draft.revision,
        "base": since if before else None,
        "about": {what: said for what, said in now.about.items() if had.about.get(what) != said},
        "splices": [[at, gone, [_told(item) for item in new]] for at, gone, new in splices(had.items, now.items)],
    }


def splices(before: Sequence[Item], after: Sequence[Item]) -> list[tuple[int, int, Sequence[Item]]]:
    """What makes one list of another: where, counted in the earlier one, how many go, and what comes instead."""
    same = 0
    for one, other in zip(before, after, strict=False):
        if one != other:
            break
        same += 1
    found = SequenceMatcher(None, before[same:], after[same:], autojunk=False).get_opcodes()
    return [
        (start + same, end - start, after[same:][first:last])
        for kind, start, end, first, last in found
        if kind != "equal"
    ]


def _told(item: Item) -> Json:
    return item._asdict() if isinstance(item, TableRow) else item


def _listing(draft: Draft, name: str) -> Listing:
    known = _listings.get((draft.id, name, draft.revision))
    if known is None:
        known = LISTS[name](draft)
        _listings.put((draft.id, name, draft.revision), known)
    return known


async def listing(request: Request) -> Response:
    """`GET /api/designs/{design}/beside/{name}?since=`: a list; 204 where nothing is newer than `since`, 409 and Problems where there is none."""
    owner, design, name = owner_of_request(request), name_in(request, "design"), name_in(request, "name")
    if name not in LISTS:
        raise HTTPException(404)
    since = whole_number(request, "since", smallest=-1, otherwise=-1)
    try:
        found = await asked(told, owner, design, name, since)
    except Refused as refused:
        return refusal(refused)
    return Response(status_code=204, headers=HEADERS) if found is None else JSONResponse(found, headers=HEADERS)


routes: list[BaseRoute] = [
    Route(
        "/api/designs/{design}/beside/{name}",
        listing,
        middleware=[Middleware(GZipMiddleware, minimum_size=SMALL)],
    )
]
