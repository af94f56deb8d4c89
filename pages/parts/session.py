"""The one place that touches the session: who is here, which design and which run are open, and what to tell.

The document itself, its revision and its undo history live in the store; every function here reads them anew.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

import streamlit as st
from pydantic import ValidationError

from builder.analysis import Analysis, analyze
from builder.analysis.effect import MANY, effect, explosion
from builder.blocks import example
from builder.design import edits as design_edits
from builder.design import read
from builder.design.experiment import Wish
from builder.design.network import to_json
from builder.problem import Edit, Json, Problem, Refused, say
from builder.server import identity
from builder.store import documents, editing, probes, runs
from builder.store.documents import Draft
from builder.store.probes import Kind, Probe
from builder.store.runs import Run

FIRST_DESIGN = "playground"
SHARED = "share"
"""What the address of a link to a design is called there."""

T = TypeVar("T")


def known_visitor() -> bool:
    """Whether the visitor bears our cookie; says what is missing if not."""
    if owner_or_none() is not None:
        return True
    st.error(
        "Layerlab keeps your designs apart from other people's by a cookie, and your browser did not send it. Allow cookies for this site and reload."
    )
    return False


def owner_or_none() -> str | None:
    """Who is here. Verified on every script run: a websocket can be opened with any cookie."""
    return identity.owner_of(st.context.cookies.get(identity.COOKIE))


def owner() -> str:
    """Who is here; only on pages that the shell has let run."""
    found = owner_or_none()
    if found is None:
        raise PermissionError("a page ran without a verified visitor")
    return found


# The open design -------------------------------------------------------------------------------------------------


def draft() -> Draft:
    """The open design: a copy of the one that a link leads to, else the one in the address, else the one touched last.

    Who has none that can be read gets a first one from the gallery.
    """
    shared = st.query_params.get(SHARED)
    if shared is not None:
        del st.query_params[SHARED]  # a reload opens the copy, and makes no other
        begin_copy(shared)
    wanted = st.session_state.get("design") or st.query_params.get("design")
    found = documents.get(owner(), wanted) if isinstance(wanted, str) else None
    found = found or documents.latest(owner(), _can_read) or _new(to_json(example(FIRST_DESIGN)))
    _remember(found.id)
    return found


def _can_read(document: Json) -> bool:
    """Whether it is a design of this version, and not only of another."""
    try:
        read.experiment(document)
    except Refused:
        return False
    return True


def begin_copy(token: str) -> None:
    """Open a copy of the design that a link leads to; where it leads nowhere, say so."""
    copy = attempt(documents.copy_of_shared, token)
    if copy is not None:
        open_design(copy.id)


def link_to(token: str) -> str:
    """The address that opens a copy of a shared design."""
    return f"{str(st.context.url or '').partition('?')[0]}?{SHARED}={token}"


def throw_away_design(design: str) -> None:
    """Put the open design into the bin, and open the one touched last."""
    if attempt(documents.throw_away, design) is None and not notices():
        st.session_state.pop("design", None)
        st.query_params.pop("design", None)
        see("", [])


def open_duplicate(design: str) -> None:
    """Open a copy of one of the visitor's designs."""
    copy = attempt(documents.duplicate, design)
    if copy is not None:
        open_design(copy.id)


def _remember(design: str) -> None:
    st.session_state["design"] = design
    if st.query_params.get("design") != design:
        st.query_params["design"] = design


def _new(document: Json) -> Draft:
    return documents.create(owner(), str(document.get("name") or say("Untitled")), document)


def open_new(document: Json) -> None:
    """Make a new design of a document that can be read, and open it."""
    _remember(_new(to_json(read.experiment(document))).id)
    see("", [])
    st.session_state.pop("broken", None)
    notify()


def open_design(design: str) -> None:
    """Open another of the visitor's designs."""
    _remember(design)
    see("", [])
    notify()


def submit(edits: Sequence[Edit], base_revision: int) -> None:
    """Carry edits out on the open design, and keep what they did, or what is wrong with them, to be told."""
    design = st.session_state["design"]
    try:
        before = documents.get(owner(), design)
        after = editing.edit(owner(), design, base_revision, list(edits))
    except Refused as refused:
        notify(*refused.problems)
    else:
        notify()
        st.session_state["effect"] = (after.id, after.revision, _effect(before, after))


def _effect(before: Draft | None, after: Draft) -> str:
    if before is None:
        return ""
    was, now = (analyze(read.experiment(draft.document).network) for draft in (before, after))
    return effect(was, now)


def last_effect(revision: int) -> str:
    """What the last edit of a form did to the network, as long as no other change has come after it."""
    design, at, told = st.session_state.get("effect", ("", 0, ""))
    return told if (design, at) == (st.session_state.get("design"), revision) else ""


def grown(draft: Draft, analysis: Analysis) -> list[Problem]:
    """Whether the last change made the network many times as large; gone with the next."""
    before = documents.before(owner(), draft.id) if analysis.parameters >= MANY else None
    try:
        was = read.experiment(before).network if before else None
    except Refused:  # of another version
        return []
    problem = explosion(analyze(was), analysis, before["network"]) if was and before else None
    return [problem] if problem else []


def changed(revision: object) -> None:
    """The canvas has made this revision. What was wrong before the change is over."""
    if revision != st.session_state.get("changed"):
        st.session_state["changed"] = revision
        notify()


def undo() -> None:
    attempt(documents.undo, st.session_state["design"])


def redo() -> None:
    attempt(documents.redo, st.session_state["design"])


# A file that cannot be read yet ----------------------------------------------------------------------------------


class Broken(NamedTuple):
    """A file that waits for repair. What is wrong with it stays told, whatever is done on the page meanwhile."""

    document: Json
    problems: tuple[Problem, ...]


def open_file(content: bytes) -> None:
    """Open an uploaded design; one that cannot be read is kept aside with its Problems, so that it can be repaired."""
    drop_file()  # one that waits there: this one was chosen instead
    try:
        document = read.text(content)
    except Refused as refused:
        notify(*refused.problems)
    else:
        _open_document(document)


def _open_document(document: Json) -> None:
    notify()
    try:
        open_new(_with_recipe(document))
    except Refused as refused:
        st.session_state["broken"] = Broken(document, refused.problems)


def _with_recipe(document: Json) -> Json:
    """A file that holds a network alone takes over the data and the recipe of the design that is open."""
    if isinstance(document, dict) and document.get("format") == "layerlab.network":
        read.network(document)
        return {**draft().document, "name": document.get("name", ""), "network": document}
    read.any_design(document)
    return document


def repair(document: Json, edits: Sequence[Edit]) -> None:
    """Carry a fix out on a document that could not be read, and open what comes of it as a new design."""
    try:
        repaired = design_edits.apply(document, list(edits))
    except Refused as refused:
        notify(*refused.problems)
    else:
        _open_document(repaired)


def broken_file() -> Broken | None:
    """The uploaded file that waits for repair."""
    return st.session_state.get("broken")


def drop_file() -> None:
    """Give the broken file up."""
    st.session_state.pop("broken", None)
    notify()


# What to tell ----------------------------------------------------------------------------------------------------


def notify(*problems: Problem) -> None:
    """What the last action ran into; nothing, if nothing."""
    st.session_state["notices"] = list(problems)


def notices() -> list[Problem]:
    return list(st.session_state.get("notices", []))


def tell(about: str, sentence: str) -> None:
    """Something about one thing on the page, as long as the design stays as it is by now."""
    design = st.session_state["design"]
    st.session_state["told"] = (design, documents.revision(owner(), design), about, sentence)


def told(about: str, revision: int) -> str:
    """What is told about it; empty where nothing is."""
    *known, sentence = st.session_state.get("told", ("", 0, "", ""))
    return sentence if known == [st.session_state.get("design"), revision, about] else ""


# Widgets ---------------------------------------------------------------------------------------------------------


def show(key: str, value: Any) -> None:
    """Let the widget of that key show `value`: the document is the truth, whatever the widget held."""
    if key not in st.session_state or st.session_state[key] != value:
        st.session_state[key] = value


def mirror(name: str, value: Any) -> str:
    """The key of a widget that shows something of the document, which is `value` now; it begins with `name`.

    A value that did not come from the widget itself gets a new one. The browser may just be telling what the old one
    held, because something else was pressed before it had heard of the change: taken for an edit of the person, that
    would put the old value back.
    """
    mirrors: dict[str, tuple[int, Any]] = st.session_state.setdefault("mirrors", {})
    count, told = mirrors.get(name, (0, value))
    key = f"{name}~{count}" if count else name
    holds = st.session_state.get(key, value)
    if holds != value and holds == told:
        count += 1
        key = f"{name}~{count}"
    mirrors[name] = count, value
    show(key, value)
    return key


def shown(key: str) -> Any:
    """What the person has put into the widget of that key; None before it is there."""
    return st.session_state.get(key)


def see(at: str, nodes: Sequence[str]) -> None:
    """The canvas or the stack shows the graph at a path, and these of its nodes are selected."""
    st.session_state["at"] = at
    st.session_state["selected"] = list(nodes)


def seen() -> tuple[str, list[str]]:
    """The path of the graph that is shown, and the ids of the nodes there that are selected."""
    return st.session_state.get("at", ""), list(st.session_state.get("selected", []))


# The open run ----------------------------------------------------------------------------------------------------


def run(design: str) -> Run | None:
    """The run to show: the one chosen, else the newest of this design."""
    wanted = st.session_state.get("run") or st.query_params.get("run")
    found = runs.get(owner(), wanted) if isinstance(wanted, str) else None
    if found is None or found.design != design:
        found = next(iter(runs.listing(owner(), 1, design=design)), None)
    if found is not None and st.query_params.get("run") != found.id:
        st.query_params["run"] = found.id
    return found


def open_run(run_id: str) -> None:
    st.session_state["run"] = run_id


def start() -> Run | None:
    """Queue the open design as it is by now, and look at that run.

    Not as the page has drawn it: a value that is typed and left by pressing Train arrives together with the press.
    """
    draft = documents.get(owner(), st.session_state["design"])
    assert draft is not None
    return begin(runs.submit, draft.name, draft.document, design=draft.id, wish=wish(draft.id))


def begin(make: Callable[..., Run], *arguments: Any, **named: Any) -> Run | None:
    """Make a run of the visitor's, and look at it; None where that was refused."""
    made = attempt(make, *arguments, **named)
    if made is not None:
        open_run(made.id)
    return made


def resume(run_id: str) -> Run | None:
    """Let a run go on that has ended before its end; None where that was refused."""
    return attempt(runs.resume, run_id)


def command(run_id: str, kind: runs.CommandKind, payload: Json = None) -> None:
    """Ask something of a run."""
    attempt(runs.command, run_id, kind, payload)


def wish(design: str) -> Wish:
    """How the next run of a design is to be carried out: as said on the page, else as its last run was wished for."""
    said = st.session_state.get("wish", {}).get(design)
    if said is not None:
        return Wish.model_validate(said)
    last = next(iter(runs.listing(owner(), 1, design=design)), None)
    return Wish() if last is None else _wished(last)


def _wished(run: Run) -> Wish:
    """What was wished of a run. One that has started holds what was chosen, and for what wish."""
    try:
        return Wish.model_validate(run.execution.get("wish", {}) if "torch" in run.execution else run.execution)
    except ValidationError:  # another version's, or damaged
        return Wish()


def want(design: str, field: str, value: Any) -> None:
    """Say something about how the next run of a design is to be carried out."""
    wished = wish(design).model_dump() | {field: value}
    st.session_state["wish"] = st.session_state.get("wish", {}) | {design: wished}


# Probes ----------------------------------------------------------------------------------------------------------


def look(kind: Kind) -> None:
    """Ask for a short look at the open design as it is by now, on the CPU: in the precision that is wished for, or what is
    nearest to it there. Where spreads are compared, whatever is too small for half precision has to be seen.
    """
    draft = documents.get(owner(), st.session_state["design"])
    assert draft is not None
    precision = wish(draft.id).precision
    wanted = Wish() if kind == "spread" or precision == "tf32" else Wish(precision=precision)
    made = attempt(probes.submit, kind, draft.document, wanted)
    if made is not None:
        st.session_state["looks"] = st.session_state.get("looks", {}) | {f"{draft.id}.{kind}": made.id}


def looked(design: str, kind: Kind) -> Probe | None:
    """The look of that kind at a design that was asked for last, until it is put away."""
    id = st.session_state.get("looks", {}).get(f"{design}.{kind}")
    return None if id is None else probes.find(owner(), id)


def look_away(design: str, kind: Kind) -> None:
    """Put a look away; it is there again at once when it is asked for again."""
    looks = st.session_state.get("looks", {})
    st.session_state["looks"] = {name: id for name, id in looks.items() if name != f"{design}.{kind}"}


# Several runs ----------------------------------------------------------------------------------------------------


def attempt(action: Callable[..., T], *arguments: Any, **named: Any) -> T | None:
    """Do something with the visitor's things, and keep what is wrong with it to be told; None where it was refused."""
    try:
        result = action(owner(), *arguments, **named)
    except Refused as refused:
        notify(*refused.problems)
        return None
    notify()
    return result


def chosen_runs() -> list[str]:
    """Ids of the runs that are chosen in the list, in the order in which they were; kept in the address."""
    chosen = st.session_state.get("chosen")
    if chosen is None:
        chosen = [run for run in st.query_params.get("chosen", "").split(",") if run]
        st.session_state["chosen"] = chosen
    return list(chosen)


def choose_runs(chosen: Sequence[str]) -> None:
    """Choose runs, whatever is ticked in the list: it is drawn anew."""
    tick_runs(chosen)
    st.session_state["choice"] = choice() + 1


def tick_runs(chosen: Sequence[str]) -> None:
    """Runs are ticked in the list. Those that were chosen before keep their places: their colours go by them."""
    before = [run for run in chosen_runs() if run in chosen]
    st.session_state["chosen"] = list(dict.fromkeys([*before, *chosen]))


def choice() -> int:
    """How often runs were chosen elsewhere than in the list."""
    return int(st.session_state.get("choice", 0))


def show_chosen(chosen: Sequence[str]) -> None:
    """Let the address name the runs that are chosen, so that a reload finds them."""
    wanted = ",".join(chosen)
    if wanted != st.query_params.get("chosen", ""):
        st.query_params["chosen"] = wanted
