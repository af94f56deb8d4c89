"""What can be done with the runs that are chosen. The buttons are always there, so that nothing moves when one is chosen."""

from collections.abc import Sequence
from typing import Any

import streamlit as st

from builder import limits
from builder.design import read
from builder.problem import Refused
from builder.store import archive, branching, checkpoints, documents
from builder.store import runs as store
from builder.store.runs import Run
from builder.words import memory
from pages.parts import run_bin, session, typed
from pages.parts.problems import problem_list


def actions(chosen: Sequence[Run]) -> None:
    """One row of buttons: most are for one run, some for several."""
    run = chosen[0] if len(chosen) == 1 else None
    _open(run)
    st.button(
        "Resume",
        icon=":material/resume:",
        disabled=run is None or not store.can_go_on(run),
        help="Let it go on where it ended.",
        on_click=session.resume,
        args=(run.id if run else "",),
    )
    _branch(run)
    _extend(run)
    _again(run)
    _export(run)
    alive = any(one.status in store.ALIVE for one in chosen)
    st.button(
        "Throw away",
        icon=":material/delete:",
        disabled=not chosen or alive,
        help="Stop it first." if alive else "Into the bin, from which it can be taken back.",
        on_click=run_bin.throw_away,
        args=([one.id for one in chosen],),
    )
    st.button("Choose none", icon=":material/close:", disabled=not chosen, on_click=session.choose_runs, args=([],))


def _open(run: Run | None) -> None:
    """Look at it where it was trained, or make a new design of exactly what it was made of."""
    design = run.design if run else None
    there = design is not None and documents.get(session.owner(), design) is not None
    lost = run is not None and not there
    words = "Its design is not there any more: make a new one of it." if lost else "On the Train page, with its design."
    pressed = st.button("Open", type="primary", icon=":material/open_in_new:", disabled=not there, help=words)
    if pressed and run and design:
        session.open_design(design)
        session.open_run(run.id)
        st.switch_page("train.py")
    words = "A new design of exactly what this run was made of."
    if (
        st.button("As a design", icon=":material/stacks:", disabled=run is None, help=words)
        and run
        and _opened_anew(run)
    ):
        st.switch_page("build.py")


def _opened_anew(run: Run) -> bool:
    """Make a design of the run's experiment; False where this version cannot read it, which is told."""
    try:
        session.open_new(run.experiment)
    except Refused as refused:
        problem_list(refused.problems, None, "run")
        return False
    return True


def _menu(label: str, icon: str, usable: bool, help: str) -> Any:
    """A menu whose inside is made when it is open; None as long as it is not."""
    key = label.lower()
    menu = st.popover(label, icon=icon, width="content", key=key, on_change="rerun", disabled=not usable, help=help)
    return menu if usable and menu.open else None


def _branch(run: Run | None) -> None:
    menu = _menu(
        "Branch", ":material/fork_right:", run is not None, "Another run that goes on from a moment of this one."
    )
    if menu is None or run is None:
        return
    with menu:
        kept = checkpoints.steps(run.id)[::-1]
        if not kept:
            st.caption("No checkpoint of this run is kept, from which another could go on.")
            return
        step, epochs, rate, name = (f"branch-{what}-{run.id}" for what in ("step", "epochs", "rate", "name"))
        st.selectbox("Go on from", kept, key=step, format_func=lambda step: f"step {step:,}")
        st.number_input("Up to epoch", 1, limits.EPOCHS, min(run.epochs or 1, limits.EPOCHS), key=epochs)
        st.text_input("Learning rate", key=rate, placeholder="as it was")
        st.text_input("Name", key=name, placeholder="named after run and step", max_chars=limits.TITLE)
        st.button(
            "Branch",
            key="branch-go",
            type="primary",
            icon=":material/fork_right:",
            on_click=lambda: _make_branch(run, *map(session.shown, (step, epochs, rate, name))),
        )


def _make_branch(run: Run, step: int, epochs: int, rate: str, name: str) -> None:
    changes: dict[str, object] = {} if epochs == run.epochs else {"recipe.length.epochs": epochs}
    if rate.strip():
        number = typed.number(rate)
        if number is None:
            return
        changes["recipe.optimizer.params.lr"] = number
    made = session.attempt(branching.branch, run.id, step, name=name.strip() or None, changes=changes)
    _show(run, made, "branch")


def _show(run: Run, made: Run | None, menu: str) -> None:
    """Choose the run that was made, beside the one that it came from, and close the menu."""
    if made is not None:
        session.choose_runs([run.id, made.id])
        session.show(menu, False)


def _extend(run: Run | None) -> None:
    usable = run is not None and run.status == "finished"
    words = "Let a finished run go on for more epochs, at the rate with which it ended."
    menu = _menu("Extend", ":material/more_time:", usable, words)
    if menu is None or run is None:
        return
    with menu:
        epochs = f"extend-epochs-{run.id}"
        st.number_input("Epochs more", 1, limits.EPOCHS, min(max(1, run.epochs // 2), limits.EPOCHS), key=epochs)
        st.button(
            "Extend",
            key="extend-go",
            type="primary",
            icon=":material/more_time:",
            on_click=lambda: _show(run, session.attempt(branching.extend, run.id, session.shown(epochs)), "extend"),
        )


def _again(run: Run | None) -> None:
    menu = _menu("Again", ":material/replay:", run is not None, "The same experiment from the beginning.")
    if menu is None or run is None:
        return
    with menu:
        seed = _seed(run)
        other = f"again-seed-{run.id}"
        st.caption("With the same seed it is the same to the last bit, on the same machine.")
        st.button(
            f"Same seed ({seed})",
            key="again-same",
            icon=":material/replay:",
            on_click=lambda: _show(run, session.attempt(branching.restart, run.id), "again"),
        )
        st.number_input("Another seed", 0, 2**31 - 1, min(seed + 1, 2**31 - 1), key=other)
        st.button(
            "New seed",
            key="again-other",
            icon=":material/casino:",
            on_click=lambda: _show(run, session.attempt(branching.restart, run.id, session.shown(other)), "again"),
        )


def _seed(run: Run) -> int:
    """The seed that it was begun with; 0 where its experiment cannot be read."""
    try:
        return read.experiment(run.experiment).recipe.seed
    except Refused:
        return 0


def _export(run: Run | None) -> None:
    """One zip with everything of the run; it is packed when the menu is opened."""
    menu = _menu("Export", ":material/download:", run is not None, "Everything of this run in one zip.")
    if menu is None or run is None:
        return
    with menu:
        try:
            packed = archive.pack(session.owner(), run.id)
        except Refused as refused:
            problem_list(refused.problems, None, "export")
            return
        st.caption(
            "Experiment, curves, notes, and as many checkpoints as fit. Import takes it in again, here or elsewhere."
        )
        st.download_button(
            f"Save the zip ({memory(len(packed))})",
            data=packed,
            file_name=f"run-{run.id}.zip",
            mime="application/zip",
            icon=":material/download:",
            on_click="ignore",
        )
