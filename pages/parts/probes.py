"""Short looks at the open design: a button for each, its plot, and what follows from it."""

import base64

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from builder.analysis import first_step, range_test
from builder.catalog.augmentations import Mixup
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


def augmented(experiment: Experiment, design: str) -> None:
    """Some training pictures as they are, and as the network will see them."""
    st.button(
        "Preview",
        key="look-augmented",
        icon=":material/visibility:",
        help="Eight training pictures, as they are and three times as they are changed. No run is changed by it.",
        on_click=session.look,
        args=("augmented",),
    )
    probe = session.looked(design, "augmented")
    if probe is None:
        return
    if probe.result is None:
        plot(probe, "augmented-pictures", height=0)  # how far it is, and what was in the way
    else:
        sheet = pictures(probe.result)
        rows, columns = probe.result["shape"][:2]
        st.image(
            sheet,
            width="stretch",
            alt=f"{columns} training pictures in a row, as they are; below each, {rows - 1} times, how the network may see it.",
        )
        mixed = any(isinstance(change, Mixup) for change in experiment.recipe.augment)
        more = " Mixup lays another of the eight over each: where its share is large, hardly anything else is seen."
        st.caption(f"Top row: as they are. Below: as the network may see them.{more if mixed else ''}")
        if not _looks_alike(probe, experiment):
            st.caption("The design has changed since.")
    st.button(
        "Close", key="close-augmented", icon=":material/close:", on_click=session.look_away, args=(design, "augmented")
    )


GAP = 1
"""Pixels between two pictures of a sheet, before it is made larger."""
WIDE = 640
"""Pixels of a sheet from side to side, about: small pictures are made larger, so that browsers do not blur them."""


def pictures(seen: dict[str, Json]) -> NDArray[np.uint8]:
    """One picture (height, width, 3) of all that a look at augmented pictures has seen, in rows, a line between them."""
    rows, columns, high, wide, channels = seen["shape"]
    pixels = np.frombuffer(base64.b64decode(seen["pixels"]), np.uint8).reshape(rows, columns, high, wide, channels)
    sheet = np.full((rows, columns, high + GAP, wide + GAP, 3), 128, np.uint8)
    sheet[:, :, :high, :wide] = pixels
    whole = sheet.transpose(0, 2, 1, 3, 4).reshape(rows * (high + GAP), columns * (wide + GAP), 3)[:-GAP, :-GAP]
    larger = max(1, WIDE // whole.shape[1])
    return whole.repeat(larger, 0).repeat(larger, 1)


def _looks_alike(probe: Probe, experiment: Experiment) -> bool:
    """Whether the design still has the pictures, the changes and the seed that a probe has looked at."""
    try:
        then = read.experiment(probe.experiment)
    except Refused:
        return False
    one, other = ((each.data, each.recipe.augment, each.recipe.seed) for each in (then, experiment))
    return one == other


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
