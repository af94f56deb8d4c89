"""The design's name, opening examples and files, saving the design as a file, and repairing a file that cannot be read."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st

from builder.blocks import GALLERY
from builder.blocks.gallery import Exhibit
from builder.design import read
from builder.design.experiment import Experiment
from builder.problem import Refused, Set
from builder.store import documents
from builder.store.documents import Draft
from pages.parts import designs, gallery, mirrors, session
from pages.parts.problems import problem_list
from pages.parts.words import plain


def name_field(draft: Draft) -> None:
    """The design's name."""

    def rename(name: str) -> None:
        session.submit([Set(path="name", value=name)], draft.revision)

    name = draft.document.get("name", "")
    mirrors.text("design-name", "Design", name, rename, max_chars=80, placeholder="Untitled", width=260)


def gallery_menu(examples: Mapping[str, Exhibit]) -> None:
    """The gallery, by family and by searching; what is picked opens as a new design."""
    st.button("Examples", icon=":material/collections_bookmark:", key="show-examples", on_click=gallery.show)
    if session.shown(gallery.SHOWN):
        gallery.dialog(examples)


def file_menu(draft: Draft) -> None:
    """The person's designs and their bin; the design as a JSON file, both ways; links to it."""
    if session.shown(designs.SHOWN):
        designs.dialog(draft.id)
    menu = st.popover("File", icon=":material/folder_open:", width="content", key="file", on_change="rerun")
    if not menu.open:
        return
    with menu:
        st.button(
            "Your designs", icon=":material/grid_view:", key="show-designs", on_click=designs.show, help="And the bin."
        )
        with st.container(horizontal=True, gap="small"):
            st.download_button(
                "Save as JSON",
                data=lambda: json.dumps(draft.document, indent=1),
                file_name="design.json",
                mime="application/json",
                icon=":material/download:",
                on_click="ignore",
            )
            st.button(
                "Duplicate", icon=":material/content_copy:", on_click=_done, args=(session.open_duplicate, draft.id)
            )
            st.button(
                "To the bin",
                icon=":material/delete:",
                on_click=_done,
                args=(session.throw_away_design, draft.id),
                help="It is kept there for a while, and can be taken back.",
            )
        _link(draft)

        def read_upload() -> None:
            uploaded = session.shown("upload")
            if uploaded is not None:
                _done(session.open_file, uploaded.getvalue())

        st.file_uploader("Open a JSON file", type="json", key="upload", on_change=read_upload, max_upload_size=3)


def _done(action: Callable[..., object], *arguments: Any) -> None:
    """Something that the menu was opened for: afterwards the page is looked at."""
    session.show("file", False)
    action(*arguments)


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
