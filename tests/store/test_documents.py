"""Drafts: saving, undo and redo, stale edits, owners, kills."""

import json
import random
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder import limits
from builder.problem import Refused
from builder.store import database, documents

pytestmark = pytest.mark.usefixtures("home")


def save(draft: documents.Draft, number: int, touched: list[str] | None = None) -> documents.Draft:
    saved = documents.save(draft.owner, draft.id, draft.revision, {"number": number}, touched or [])
    assert saved is not None
    return saved


def test_a_new_draft_is_there_with_nothing_to_undo() -> None:
    made = documents.create("ada", "Digits", {"b": 1, "a": [float("inf"), "owl 🦉", None]})
    assert documents.get("ada", made.id) == made == documents.latest("ada")
    assert (made.revision, made.can_undo, made.can_redo) == (1, False, False)
    assert list(made.document) == ["b", "a"]


def test_a_save_brings_the_next_revision() -> None:
    made = documents.create("ada", "Digits", {"number": 0})
    saved = save(made, 1)
    assert saved == documents.get("ada", made.id)
    assert (saved.revision, saved.document, saved.can_undo, saved.can_redo) == (2, {"number": 1}, True, False)


def test_a_stale_save_changes_nothing() -> None:
    made = documents.create("ada", "Digits", {"number": 0})
    saved = save(made, 1)
    assert documents.save("ada", made.id, made.revision, {"number": 2}, ["conv"]) is None
    assert documents.save("ada", made.id, saved.revision + 1, {"number": 2}, ["conv"]) is None
    assert documents.get("ada", made.id) == saved
    assert documents.changed_since("ada", made.id, 0) == []


def test_changed_since_is_the_union_of_what_later_revisions_touched() -> None:
    draft = documents.create("ada", "Digits", {})
    for touched in (["a"], ["b", "c"], ["c", "d"]):
        draft = save(draft, 0, touched)
    assert documents.changed_since("ada", draft.id, 1) == ["a", "b", "c", "d"]
    assert documents.changed_since("ada", draft.id, 3) == ["c", "d"]
    undone = documents.undo("ada", draft.id)
    assert documents.changed_since("ada", draft.id, 4) == ["c", "d"]
    documents.redo("ada", draft.id)
    assert documents.changed_since("ada", draft.id, undone.revision) == ["c", "d"]
    assert documents.changed_since("ada", draft.id, 6) == []


@given(actions=st.lists(st.sampled_from(["save", "undo", "redo"]), max_size=40))
def test_undo_and_redo_are_those_of_a_list_with_a_finger_on_it(actions: list[str]) -> None:
    draft = documents.create("ada", "Digits", {"number": 0})
    states, finger, revision, before = [0], 0, 1, None
    for number, action in enumerate(actions, start=1):
        if action == "save":
            states[finger + 1 :] = [number]
            finger += 1
            revision += 1
            draft, before = save(draft, number), {"number": states[finger - 1]}
        else:
            target = finger + (1 if action == "redo" else -1)
            if 0 <= target < len(states):
                finger = target
                revision += 1
                before = {"number": states[finger - 1]} if action == "redo" else None
            draft = (documents.redo if action == "redo" else documents.undo)("ada", draft.id)
        expected = ({"number": states[finger]}, revision, finger > 0, finger < len(states) - 1)
        assert (draft.document, draft.revision, draft.can_undo, draft.can_redo) == expected
        assert documents.before("ada", draft.id) == before
    assert documents.get("ada", draft.id) == draft


def test_as_many_steps_as_the_limit_can_be_undone() -> None:
    draft = documents.create("ada", "Digits", {"number": 0})
    for number in range(1, limits.UNDO_STEPS + 6):
        draft = save(draft, number)
    steps = 0
    while draft.can_undo:
        draft = documents.undo("ada", draft.id)
        steps += 1
    assert steps == limits.UNDO_STEPS
    assert draft.document == {"number": 5}


def test_another_owner_sees_nothing_and_changes_nothing() -> None:
    mine = save(documents.create("ada", "Digits", {"number": 0}), 1, ["conv"])
    assert documents.before("bob", mine.id) is None
    assert documents.get("eve", mine.id) is None
    assert documents.latest("eve") is None
    assert documents.listing("eve") == []
    assert documents.changed_since("eve", mine.id, 0) == []
    assert documents.save("eve", mine.id, mine.revision, {}, []) is None
    for travel in (documents.undo, documents.redo):
        with pytest.raises(Refused):
            travel("eve", mine.id)
    assert documents.get("ada", mine.id) == mine


def test_the_draft_changed_last_comes_first() -> None:
    first = documents.create("ada", "First", {})
    second = documents.create("ada", "Second", {})
    assert [line.name for line in documents.listing("ada")] == ["Second", "First"]
    save(first, 1)
    assert [(line.id, line.revision) for line in documents.listing("ada")] == [(first.id, 2), (second.id, 1)]
    assert documents.latest("ada") == documents.get("ada", first.id)


def test_of_many_saves_of_one_revision_at_once_exactly_one_wins() -> None:
    made = documents.create("ada", "Digits", {"number": 0})
    with ThreadPoolExecutor(8) as pool:
        saved = list(pool.map(lambda n: documents.save("ada", made.id, 1, {"number": n}, []), range(1, 17)))
    winners = [draft for draft in saved if draft is not None]
    assert len(winners) == 1
    assert documents.get("ada", made.id) == winners[0]


def test_killed_in_the_middle_of_saves_a_draft_is_old_or_new() -> None:
    """The number and its long shadow must agree, in the document and in every step that can be undone."""
    draft = documents.create("ada", "Digits", {"number": 0, "shadow": [0] * 5000})
    program = (
        "import sys; from builder.store import documents\n"
        "draft = documents.get('ada', sys.argv[1])\n"
        "while True:\n"
        "    number = draft.document['number'] + 1\n"
        "    document = {'number': number, 'shadow': [number] * 5000}\n"
        "    draft = documents.save('ada', draft.id, draft.revision, document, [str(number)])\n"
        "    print(number, flush=True)"
    )
    reported = 0
    for _ in range(25):
        with subprocess.Popen([sys.executable, "-c", program, draft.id], stdout=subprocess.PIPE) as writer:
            assert writer.stdout is not None
            for _ in range(random.randint(1, 5)):
                reported = int(writer.stdout.readline())
            writer.send_signal(signal.SIGKILL)
            for line in writer.stdout:
                reported = int(line)
        found = documents.get("ada", draft.id)
        assert found is not None
        number = found.document["number"]
        assert reported <= number <= reported + 1
        assert found.document["shadow"] == [number] * 5000
        assert found.revision == number + 1
        assert documents.changed_since("ada", draft.id, number) == [str(number)]
    with database.reading() as connection:
        assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
        steps = connection.exec_driver_sql("SELECT document FROM draft_step ORDER BY revision").scalars()
        kept = [json.loads(step) for step in steps]
    assert [step["number"] for step in kept] == list(range(number - len(kept), number))
    assert all(step["shadow"] == [step["number"]] * 5000 for step in kept)


# The bin, copies, links ------------------------------------------------------------------------------------------


def names(owner: str, binned: bool = False) -> list[str]:
    return [listed.name for listed in documents.listing(owner, binned=binned)]


def test_what_is_in_the_bin_is_listed_there_alone_and_comes_back() -> None:
    kept, thrown = documents.create("ada", "Kept", {"a": 1}), documents.create("ada", "Thrown", {"b": 1})
    documents.throw_away("ada", thrown.id)
    assert (names("ada"), names("ada", binned=True)) == (["Kept"], ["Thrown"])
    newest = documents.latest("ada")
    assert newest is not None and newest.id == kept.id
    documents.take_back("ada", thrown.id)
    assert (sorted(names("ada")), names("ada", binned=True)) == (["Kept", "Thrown"], [])


def test_only_what_is_in_the_bin_is_deleted_for_good_with_all_that_belongs_to_it() -> None:
    design = documents.create("ada", "Mine", {"a": 1})
    documents.save("ada", design.id, 1, {"a": 2}, ["a"])
    documents.link("ada", design.id)
    with pytest.raises(Refused):
        documents.delete_for_good("ada", design.id)
    documents.throw_away("ada", design.id)
    with pytest.raises(Refused):
        documents.delete_for_good("eve", design.id)
    documents.delete_for_good("ada", design.id)
    assert documents.get("ada", design.id) is None and documents.changed_since("ada", design.id, 0) == []
    assert documents.linked("ada", design.id) is None


def test_the_bin_is_emptied_after_its_days(monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = documents.create("ada", "Old", {}), documents.create("ada", "New", {})
    documents.throw_away("ada", old.id)
    monkeypatch.setattr("builder.limits.BIN_DAYS", 0)
    assert documents.clear_out() == 1
    assert documents.get("ada", old.id) is None and documents.get("ada", new.id) is not None


def test_others_neither_throw_away_nor_take_back_nor_share() -> None:
    design = documents.create("ada", "Mine", {"a": 1})
    for act in (documents.throw_away, documents.take_back, documents.duplicate, documents.link):
        with pytest.raises(Refused):
            act("eve", design.id)
    assert names("ada") == ["Mine"] and names("eve") == []


def test_a_link_opens_a_copy_as_the_design_is_now_and_never_the_original() -> None:
    design = documents.create("ada", "Mine", {"name": "Mine", "a": 1})
    token = documents.link("ada", design.id)
    assert documents.link("ada", design.id) == token == documents.linked("ada", design.id) and len(token) >= 24
    documents.save("ada", design.id, 1, {"name": "Mine", "a": 2}, ["a"])
    copy = documents.copy_of_shared("eve", token)
    assert (copy.owner, copy.document, copy.revision, copy.can_undo) == ("eve", {"name": "Mine", "a": 2}, 1, False)
    documents.save("eve", copy.id, 1, {"name": "Mine", "a": 3}, ["a"])
    mine = documents.get("ada", design.id)
    assert mine is not None and mine.document["a"] == 2
    own = documents.duplicate("ada", design.id)
    assert own.id != design.id and own.document == {"name": "Mine copy", "a": 2}


@pytest.mark.parametrize("take", ["unlink", "throw_away"])
def test_a_link_that_was_taken_back_leads_nowhere(take: str) -> None:
    design = documents.create("ada", "Mine", {"a": 1})
    token = documents.link("ada", design.id)
    getattr(documents, take)("ada", design.id)
    for wrong in (token, "", "x" * 24, design.id):
        with pytest.raises(Refused) as refused:
            documents.copy_of_shared("eve", wrong)
        assert refused.value.problems[0].code == "share/gone"
    assert names("eve") == []


def test_who_edits_a_design_in_the_bin_takes_it_out() -> None:
    design = documents.create("ada", "Mine", {"a": 1})
    documents.throw_away("ada", design.id)
    documents.save("ada", design.id, 1, {"a": 2}, ["a"])
    assert names("ada") == ["Mine"] and names("ada", binned=True) == []
