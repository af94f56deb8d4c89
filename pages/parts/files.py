"""Opening examples and files, saving the design as a file, and repairing a file that cannot be read."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime

import streamlit as st

from builder import limits
from builder.blocks import GALLERY, example
from builder.blocks.gallery import Exhibit
from builder.design import read
from builder.design.experiment import Experiment
from builder.design.network import to_json
from builder.problem import Refused
from builder.store import documents
from builder.store.documents import Draft
from pages.parts import session
from pages.parts.problems import problem_list
from pages.parts.words import plain

MOST_DESIGNS = 12
"""Own designs offered in the menu."""


def gallery_menu(gallery: Mapping[str, Exhibit]) -> None:
    """A menu of the gallery, by family and by typing; what is picked opens as a new design."""

    def open_example(name: str | None) -> None:
        if name is not None:
            session.show("find-example", None)
            session.show("examples", False)
            session.open_new(to_json(example(name)))

    menu = st.popover(
        "Examples", icon=":material/collections_bookmark:", width="content", key="examples", on_change="rerun"
    )
    if not menu.open:
        return
    with menu:
        st.selectbox(
            "Find an example",
            list(gallery),
            index=None,
            key="find-example",
            placeholder=f"{len(gallery)} examples: type to search",
            on_change=lambda: open_example(session.shown("find-example")),
        )
        families = list(dict.fromkeys(exhibit.family for exhibit in gallery.values()))
        family = st.pills("Family", families, default=families[0], key="gallery-family", required=True)
        for exhibit in gallery.values():
            if exhibit.family == family:
                with st.container(gap=None):
                    st.button(
                        f"**{exhibit.name}**",
                        key=f"example-{exhibit.name}",
                        type="tertiary",
                        on_click=open_example,
                        args=(exhibit.name,),
                    )
                    st.caption(plain(exhibit.story), width=420)


def file_menu(draft: Draft) -> None:
    """The design as a JSON file, both ways; links to it; the person's other designs, and their bin."""
    menu = st.popover("File", icon=":material/folder_open:", width="content", key="file", on_change="rerun")
    if not menu.open:
        return
    with menu:
        with st.container(horizontal=True, gap="small"):
            st.download_button(
                "Save as JSON",
                data=json.dumps(draft.document, indent=1),
                file_name="design.json",
                mime="application/json",
                icon=":material/download:",
                on_click="ignore",
            )
            st.button("Duplicate", icon=":material/content_copy:", on_click=session.open_duplicate, args=(draft.id,))
            st.button(
                "To the bin",
                icon=":material/delete:",
                on_click=session.throw_away_design,
                args=(draft.id,),
                help="It is kept there for a while, and can be taken back.",
            )
        _link(draft)

        def read_upload() -> None:
            uploaded = session.shown("upload")
            if uploaded is not None:
                session.open_file(uploaded.getvalue())

        _own_designs(draft)
        _bin()
        st.file_uploader("Open a JSON file", type="json", key="upload", on_change=read_upload, max_upload_size=3)


def _link(draft: Draft) -> None:
    """The link by which others open a copy."""
    token = documents.linked(session.owner(), draft.id)
    if token is None:
        st.button(
            "Make a link",
            icon=":material/link:",
            on_click=session.attempt,
            args=(documents.link, draft.id),
            help="Whoever has the link can open a copy of this design as it is then. Yours stays yours.",
        )
        return
    st.caption("Whoever opens this link gets a copy; nobody changes yours.")
    st.code(session.link_to(token), language=None, wrap_lines=True)
    st.button(
        "Take the link back", icon=":material/link_off:", on_click=session.attempt, args=(documents.unlink, draft.id)
    )


def _bin() -> None:
    """Designs that were thrown away."""
    thrown = documents.listing(session.owner(), binned=True)[:MOST_DESIGNS]
    if thrown:
        st.caption(f"In the bin, for {limits.BIN_DAYS} days")
    for design in thrown:
        with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"binned-{design.id}"):
            st.markdown(plain(design.name or "Untitled"), width="stretch")
            st.button(
                "Take back", key=f"take-{design.id}", on_click=session.attempt, args=(documents.take_back, design.id)
            )
            st.button(
                "Delete for good",
                key=f"delete-{design.id}",
                on_click=session.attempt,
                args=(documents.delete_for_good, design.id),
            )


def _own_designs(draft: Draft) -> None:
    """The person's other designs, the one touched last first."""
    others = [other for other in documents.listing(session.owner()) if other.id != draft.id][:MOST_DESIGNS]
    if others:
        st.caption("Your other designs")
    for other in others:
        changed = datetime.fromtimestamp(other.touched, tz=UTC).strftime("%Y-%m-%d %H:%M UTC")
        st.button(
            plain(other.name or "Untitled"),
            key=f"design-{other.id}",
            type="tertiary",
            icon=":material/description:",
            help=f"Changed {changed}",
            on_click=session.open_design,
            args=(other.id,),
        )


def repair_panel() -> None:
    """What is wrong with an uploaded file, with buttons that repair it. The open design is untouched."""
    file = session.broken_file()
    if file is None:
        return
    with st.container(border=True, key="repair"):
        st.markdown("**The file cannot be opened yet.** Your design is untouched. Repair the file here, or leave it.")
        problem_list(file.problems, lambda edits: session.repair(file.document, edits), "file")
        st.button("Leave the file", on_click=session.drop_file)


def experiment_of(draft: Draft) -> Experiment:
    """What the open design says. One that cannot be read, which another version may have written, is shown as its
    Problems instead of the page: repaired it opens as a new design, and it can be left for another one.
    """
    try:
        return read.experiment(draft.document)
    except Refused as refused:
        with st.container(horizontal=True, vertical_alignment="bottom"):
            gallery_menu(GALLERY)
            file_menu(draft)
        st.markdown(f"**{plain(draft.name or 'This design')} cannot be read.** It is kept as it is. What is repaired here opens as a new design.")  # fmt: skip
        repair_panel()
        problem_list(session.notices(), None, "notice")
        problem_list(refused.problems, lambda edits: session.repair(draft.document, edits), "stored")
        st.stop()
