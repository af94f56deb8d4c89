"""The buttons of a run: start, pause, resume, stop, steps, goals, the learning rate."""

import secrets

import streamlit as st

from builder import limits
from builder.design import read
from builder.design.experiment import Experiment
from builder.problem import Json, Refused
from builder.store import branching
from builder.store import runs as store
from builder.store.documents import Draft
from builder.store.runs import CommandKind, Run
from pages.parts import session, typed
from pages.parts.runs import decides
from pages.parts.words import plain

GOALS = {"epoch": "Epoch", "loss": "Loss at most", "accuracy": "Accuracy at least"}
"""What a run can go on until, as `builder.store.orders` calls it."""
WHOLE = {"epoch"}


def controls(draft: Draft, experiment: Experiment, run: Run | None, ready: bool) -> None:
    """Those buttons that make sense now are live. All stay where they are. `experiment` is the draft's."""
    alive = run is not None and run.status in store.ALIVE
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="controls"):
        st.button(
            "Train",
            type="primary",
            icon=":material/play_arrow:",
            disabled=alive or not ready,
            on_click=session.start,
            shortcut="Ctrl+Enter",
        )
        _commands(run, alive)
        _steps(run, alive, ready)
        _until(run, alive, ready, _goals(run, experiment))
        _rate(run)
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="beside-controls"):
        _again(run, alive)
        name = plain(draft.document.get("name") or "Untitled")
        st.caption(f"**{name}**" + (" · changes apply to the next run" if alive else ""))


def _commands(run: Run | None, alive: bool) -> None:
    status = run.status if run else "none"
    for label, icon, kind, live in (
        ("Pause", ":material/pause:", "pause", status == "running"),
        ("Resume", ":material/resume:", "resume", status == "paused" or bool(run and store.can_go_on(run))),
        ("Stop", ":material/stop:", "stop", alive),
    ):
        id = run.id if run else ""
        ask, said = (session.resume, (id,)) if kind == "resume" and not alive else (session.command, (id, kind))
        st.button(label, icon=icon, disabled=not live, on_click=ask, args=said)


def _steps(run: Run | None, alive: bool, ready: bool) -> None:
    for label, icon, payload, help in (
        ("Step", ":material/skip_next:", {"steps": 1}, "One change of the weights, and pause."),
        ("Epoch", ":material/fast_forward:", {"epochs": 1}, "On to the end of an epoch, and pause."),
    ):
        st.button(
            label,
            icon=icon,
            help=help,
            disabled=not (alive or ready),
            on_click=_order,
            args=(_id(run), "step", payload),
        )


def _goals(run: Run | None, experiment: Experiment) -> list[str]:
    """What there is to wait for: of the run where it is going, or can go on, else of a new one."""
    if run is not None and (run.status in store.ALIVE or store.can_go_on(run)):
        try:
            experiment = read.experiment(run.experiment)
        except Refused:
            return ["epoch"]
    return [goal for goal in GOALS if goal != "accuracy" or decides(experiment)]


def _until(run: Run | None, alive: bool, ready: bool, goals: list[str]) -> None:
    """Go on until something is reached, and pause there."""
    if session.shown("until-what") not in goals:
        session.show("until-what", goals[0])
    menu = st.popover("Until", icon=":material/flag:", disabled=not (alive or ready), width="content")
    with menu:
        goal = st.segmented_control(
            "Go on until", goals, required=True, format_func=GOALS.__getitem__, key="until-what"
        )
        st.text_input("Value", key="until-value", placeholder="10" if goal in WHOLE else "0.9")
        st.caption("Loss and accuracy are looked at when an epoch ends: of the validation part, where there is one.")
        st.button("Go", type="primary", icon=":material/flag:", key="until-go", on_click=_go_until, args=(_id(run),))


def _go_until(run_id: str | None) -> None:
    goal = session.shown("until-what")
    text = session.shown("until-value")
    value = typed.whole_number(text) if goal in WHOLE else typed.number(text)
    if value is not None:
        _order(run_id, "until", {goal: value})


def _rate(run: Run | None) -> None:
    """Learn faster or slower from now on."""
    alive = run is not None and run.status in store.ALIVE
    with st.popover("Rate", icon=":material/speed:", disabled=not alive, width="content"):
        now = f"{run.rate:.4g}" if run and run.rate is not None else ""
        st.text_input("Learning rate from now on", key="rate-value", placeholder=now)
        st.caption("A schedule starts from it. The design keeps its own; the run keeps both." if now else "")
        st.button("Apply", type="primary", icon=":material/speed:", key="rate-go", on_click=_set_rate, args=(run,))


def _set_rate(run: Run | None) -> None:
    value = typed.number(session.shown("rate-value"))
    if value is not None and run is not None:
        session.command(run.id, "rate", {"rate": value})


def _again(run: Run | None, alive: bool) -> None:
    """The run once more from its beginning, or further than its end."""
    with st.popover("Again", icon=":material/replay:", disabled=run is None or alive, width="content", key="again"):
        if run is None:
            return
        st.caption("Exactly what this run was made of, whatever the design is by now.")
        for label, icon, seed, help in (
            ("Same seed", ":material/replay:", None, "On the same machine it is the same to the last bit."),
            (
                "Another seed",
                ":material/casino:",
                secrets.randbelow(2**31),
                "Other first weights, another order of the data.",
            ),
        ):
            st.button(
                label,
                icon=icon,
                help=help,
                key=f"again-{icon}",
                on_click=session.begin,
                args=(branching.restart, run.id, seed),
            )
        more = f"extend-{run.id}"
        st.number_input("Epochs more", 1, limits.EPOCHS, min(max(1, run.epochs // 2), limits.EPOCHS), key=more)
        st.button(
            "Extend",
            icon=":material/more_time:",
            disabled=run.status != "finished",
            help="A run that goes on from the end of this one, at the rate with which it ended.",
            key="extend-go",
            on_click=lambda: session.begin(branching.extend, run.id, session.shown(more)),
        )


def _id(run: Run | None) -> str | None:
    return run.id if run else None


def _order(run_id: str | None, kind: CommandKind, payload: Json) -> None:
    """Ask a run that goes on, one that can go on again, or else a new one: as it is by now, not as the page has drawn it."""
    run = store.get(session.owner(), run_id) if run_id else None
    if run is None or not (run.status in store.ALIVE or store.can_go_on(run)):
        run = session.start()
    elif run.status not in store.ALIVE:
        run = session.resume(run.id)
    if run is not None:
        session.command(run.id, kind, payload)
