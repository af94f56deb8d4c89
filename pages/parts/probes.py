"""Short looks at the open design: a button for each, its plot, and what follows from it."""

import streamlit as st

from builder.analysis import first_step, range_test
from builder.design import edits, read
from builder.design.experiment import Experiment
from builder.problem import Edit, Json, Refused, Set
from builder.store.probes import Probe
from pages.parts import session
from pages.parts.bundle import component
from pages.parts.words import plain, several

FIRST_STEP = "first-step"
"""Whether the spread at the first step is open, in the session."""

# Plotly puts its styles into the document's head, which a shadow root would not see.
_component = component("live", "probe", isolate_styles=False)


def plot(probe: Probe, key: str, *, height: int, current: float | None = None) -> None:
    """A probe, pulled by the browser; its end runs the page again. `current` is the learning rate in use."""
    data = {"probe": probe.id, "api": "api", "height": height, "status": probe.status, "current": current}
    _component(key=key, data=data, height="content", on_status_change=_rerun)


def rates(experiment: Experiment, design: str, revision: int) -> None:
    """The learning-rate range test, and the rates that it suggests."""
    optimizer = experiment.recipe.optimizer
    unfit = range_test.unfit(optimizer)
    st.button(
        "Range test",
        key="look-rates",
        icon=":material/query_stats:",
        disabled=unfit is not None,
        help="A hundred steps from the first weights, while the rate rises from far too small to far too large (Smith 2017). "
        "No run is changed by it.",
        on_click=session.look,
        args=("rates",),
    )
    if unfit:
        st.caption(plain(f"{unfit.title}. {unfit.because}"))
        return
    probe = session.looked(design, "rates")
    if probe is None:
        return
    plot(probe, "range-test", height=300, current=optimizer.args()["lr"])
    seen = probe.result
    if seen is not None:
        st.caption(plain(f"Dots: the loss at each step. Curve: smoothed. {range_test.in_words(seen)}"))
        if _differs(probe, experiment, optimizer.args()["lr"]):
            st.caption("The design has changed since.")
    with st.container(horizontal=True, gap="small", key="after-rates"):
        for name, rule in (("steepest", "Steepest fall"), ("tenth", "A tenth of the lowest")):
            if seen is not None and seen[name] is not None:
                _use(seen[name], rule, name, revision)
        st.button("Close", icon=":material/close:", on_click=session.look_away, args=(design, "rates"))


def spread() -> None:
    """The button that opens the spread at the first step."""
    st.button(
        "Spread at the first step",
        key="look-spread",
        icon=":material/stacked_line_chart:",
        help="How activations and gradients spread from layer to layer before anything is learned: with the first weights "
        "as they are, and with other ways to begin. No run is changed by it.",
        on_click=show_first_step,
    )


def show_first_step() -> None:
    session.look("spread")
    session.show(FIRST_STEP, not session.notices())


def hide_first_step() -> None:
    session.show(FIRST_STEP, False)


def use_scheme(edits: list[Edit], revision: int) -> None:
    hide_first_step()
    session.submit(edits, revision)


@st.dialog("Spread at the first step", width="large", icon=":material/stacked_line_chart:", on_dismiss=hide_first_step)
def first_step_dialog(experiment: Experiment, design: str, revision: int) -> None:
    """Activations and gradients by depth before anything is learned, for several ways to begin: over the page, since it is wide."""
    probe = session.looked(design, "spread")
    if probe is None:  # cleared out meanwhile
        hide_first_step()
    if probe is None or not session.shown(FIRST_STEP):  # a way to begin was chosen: the page shows it
        st.rerun()
    plot(probe, "first-step", height=300)
    seen = probe.result
    if seen is None:
        return
    for at, scheme in enumerate(seen["schemes"]):
        _scheme(scheme, at, experiment, revision)
    nodes = several(len(seen["nodes"]), "node")
    st.caption(f"{several(seen['samples'], 'sample')} of the training part through {nodes}, forward and back once.")
    if seen["kept"]:
        st.caption(plain(f"Weights that are frozen or given by hand stay as they are: {', '.join(seen['kept'])}."))


def _scheme(scheme: Json, at: int, experiment: Experiment, revision: int) -> None:
    """What becomes of one way to begin, in words, and a button where it is another than the design's own."""
    name, forward, back, use = st.columns((4, 6, 6, 2), vertical_alignment="center", gap="small")
    name.markdown(plain(scheme["name"]))
    forward.caption(plain(f"activations {first_step.forward(scheme)}"))
    back.caption(plain(f"gradients {first_step.back(scheme)}"))
    rule = next((one.rule for one in first_step.SCHEMES if one.name == scheme["name"]), None)
    if rule is not None:
        use.button(
            "Use",
            key=f"use-scheme-{at}",
            help=f"All weights begin so: {scheme['name']}.",
            on_click=use_scheme,
            args=(first_step.adopted(experiment, rule), revision),
        )


def _use(rate: float, rule: str, name: str, revision: int) -> None:
    st.button(
        f"Use {rate:g}",
        key=f"use-{name}",
        icon=":material/check:",
        help=f"{rule}. It becomes the learning rate of the design.",
        on_click=session.submit,
        args=([Set(path=range_test.PATH, value=rate)], revision),
    )


def _differs(probe: Probe, experiment: Experiment, rate: float) -> bool:
    """Whether the design is by now another one than a probe has looked at, in more than its rate."""
    try:
        then = read.experiment(edits.apply(probe.experiment, [Set(path=range_test.PATH, value=rate)]))
    except Refused:
        return True
    return (then.network, then.data, then.recipe) != (experiment.network, experiment.data, experiment.recipe)


def _rerun() -> None:
    """The rerun itself is all that is wanted of a change."""
