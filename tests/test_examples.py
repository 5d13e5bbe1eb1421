"""Examples that people press: what stands on the tab 「質問する」, what staff propose, what administrators decide and exchange."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from fake_assistant import CSV_SOURCE, EVIL, EXAMPLES, FakeAssistant
from served import Tags

from rag.accounts.user import Role, User
from rag.documents import EVERYONE, Asker
from rag.errors import NotAllowedError, UsageError
from rag.question_registry import EntryKind, NewEntry, ReviewState
from rag.settings import Settings
from rag.web.examples import AnsweredExamples, Example, choose_fields, read_id, render_fields
from rag.web.examples_tab import propose_entry
from rag.web.files import MAX_FILE_BYTES, TOO_LARGE, pack_download, read_upload
from rag.web.registry_list import SHOWN, render_import, render_registry, render_review
from rag.web.registry_review import approve_shown, decide_entry
from rag.web.services import Services, open_services

STAFF = User("taro", "太郎", Role.STAFF, ("市民課", "税務課"))


@pytest.fixture
def assistant(tmp_path: Path) -> FakeAssistant:
    return FakeAssistant(tmp_path)


@pytest.fixture
def services(assistant: FakeAssistant, tmp_path: Path) -> Iterator[Services]:
    services = open_services(Settings(data_dir=tmp_path / "data", index=tmp_path / "index"), assistant)  # type: ignore[arg-type]
    yield services
    services.close()


def add(services: Services, text: str, department: str = "市民課", **changes: Any) -> int:
    """Add an entry and return its number; approved unless `state` says otherwise."""
    kind = changes.get("kind", EntryKind.EXAMPLE)
    entry = services.registry.add(NewEntry(kind, text, changes.get("category", "届出"), department))
    return services.registry.review(entry.id, changes.get("state", ReviewState.APPROVED)).id


def fields_of(services: Services, asker: Asker = EVERYONE) -> dict[str, list[str]]:
    answered = AnsweredExamples(services.assistant)
    return {name: [e.text for e in of] for name, of in choose_fields(services, answered, asker)}


def test_approved_examples_that_the_index_answers_stand_before_those_of_the_documents(services: Services) -> None:
    add(services, "転入の窓口はどこですか")
    add(services, "転入に要るものは", state=ReviewState.DRAFT)
    add(services, "宇宙旅行の申込みは")  # the fake does not answer it
    add(services, "〔届出〕の期限は", kind=EntryKind.TEMPLATE)

    assert fields_of(services) == {"市民課": ["転入の窓口はどこですか", EXAMPLES[0]], EVIL: [EXAMPLES[1]]}


def test_the_most_used_examples_of_a_department_are_shown(services: Services) -> None:
    for number in range(5):
        add(services, f"転入の届出その{number}の期限は")
    last = add(services, "転入届はどこで書きますか")
    services.registry.count_use(last)

    shown = fields_of(services)["市民課"]
    assert len(shown) == 4 and shown[0] == "転入届はどこで書きますか"


def test_an_example_is_tried_once_for_an_index_and_an_asker(assistant: FakeAssistant) -> None:
    answered, example = AnsweredExamples(assistant), Example("転入", 1)  # type: ignore[arg-type]

    for asker in (EVERYONE, EVERYONE, Asker(("人事課",))):
        assert answered.choose([example, Example("ほか", 2)], asker) == (example,)
    assert [question for question, _, _ in assistant.asked] == ["転入", "ほか"] * 2

    del assistant._entries[CSV_SOURCE]  # the index has changed
    answered.choose([example], EVERYONE)
    assert len(assistant.asked) == 5


def test_nothing_is_tried_out_where_a_language_model_would_write_the_answers(assistant: FakeAssistant) -> None:
    answered = AnsweredExamples(assistant, is_free=False)  # type: ignore[arg-type]

    assert answered.choose([Example("ほか", 2)], EVERYONE) == (Example("ほか", 2),)
    assert assistant.asked == []


def test_an_example_that_breaks_the_index_is_left_out(assistant: FakeAssistant) -> None:
    assert AnsweredExamples(assistant).choose([Example("故障")], EVERYONE) == ()  # type: ignore[arg-type]


def test_hostile_entries_stay_text_wherever_they_are_shown(services: Services) -> None:
    evil = '"><script>window.pwned=1</script>'
    add(services, f"転入{evil}", department=evil, category=evil)
    report = services.registry.import_json(exchange({"kind": evil, "text": evil, "category": evil, "department": evil}))
    pages = [
        render_fields(choose_fields(services, AnsweredExamples(services.assistant), EVERYONE)),
        render_registry(services.registry.entries()),
        render_review(services.registry.entries()),
        render_import(replace(report, town=evil)),
    ]

    for html in pages:
        found = Tags(html)
        assert not {"script", "img"} & set(found.tags)
        assert [name for name, _ in found.attributes if name.startswith("on")] == []


def exchange(*entries: dict[str, str]) -> bytes:
    return json.dumps({"format": "shirube-questions", "version": 1, "town": "隣町", "entries": entries}).encode()


def test_only_a_template_waits_for_its_blanks(services: Services) -> None:
    add(services, "〔届出〕の期限は", kind=EntryKind.TEMPLATE)
    add(services, "転入届の期限は")

    html = render_registry(services.registry.entries(ReviewState.APPROVED))

    assert html.count("data-blanks") == 1 and html.index("data-blanks") > html.index('data-ask="〔届出〕')
    assert "ひな型" in html and html.count('class="category"') == 1


def test_staff_propose_for_their_own_department_and_it_waits(services: Services) -> None:
    said = propose_entry(services, STAFF, "template", (" 〔届出〕の期限は ", "届出", "税務課"))

    (entry,) = services.registry.entries()
    assert (entry.state, entry.kind, entry.department) == (ReviewState.DRAFT, EntryKind.TEMPLATE, "税務課")
    assert "承認すると" in said
    with pytest.raises(NotAllowedError, match="ほかの課"):
        propose_entry(services, STAFF, "example", ("転出届の期限は", "届出", "総務課"))
    with pytest.raises(UsageError, match="文が空"):
        propose_entry(services, STAFF, "example", (None, "届出", "税務課"))


def test_administrators_decide_step_by_step(services: Services) -> None:
    id_ = add(services, "転入の期限は", state=ReviewState.DRAFT)
    for state in ("approved", "retired", "draft", "rejected", "draft"):
        decide_entry(services, id_, state)
        assert services.registry.entry(id_).state == state

    for wrong_id, wrong_state in ((id_, "retired"), (id_, "draft"), (id_, EVIL), (99, "approved"), (None, "approved")):
        with pytest.raises(UsageError):
            decide_entry(services, wrong_id, wrong_state)


def test_all_drafts_that_are_shown_are_approved_at_once_and_no_others(services: Services) -> None:
    rows = [
        {"kind": "example", "text": f"第{n}号様式はどこにありますか", "category": "様式", "department": "総務課"}
        for n in range(1, SHOWN + 3)
    ]
    services.registry.import_json(exchange(*rows))
    assert f"上の {SHOWN} 件をすべて承認する" in render_review(services.registry.entries())

    approve_shown(services)

    assert len(services.registry.entries(ReviewState.APPROVED)) == SHOWN
    assert len(services.registry.entries(ReviewState.DRAFT)) == 2


def test_an_import_says_what_became_of_every_entry(services: Services) -> None:
    row = {"kind": "example", "text": "転入の期限は", "category": "届出", "department": "市民課"}
    html = render_import(services.registry.import_json(exchange(row, row, {"kind": "x"})))

    assert "隣町のファイル" in html and "追加 1 件（確認待ち）、登録済み 1 件、取り込めない 1 件" in html
    assert "2 件目:" in html and "3 件目:" in html


@pytest.mark.parametrize("sent", [None, "", TOO_LARGE, "***", "あ", "A" * (MAX_FILE_BYTES * 2)])
def test_what_is_no_file_is_refused_with_a_remedy(sent: object) -> None:
    with pytest.raises(UsageError) as caught:
        read_upload(sent)
    assert "ファイル" in caught.value.hint


def test_a_file_comes_back_as_it_was_sent() -> None:
    content = bytes(range(256))
    assert read_upload(base64.b64encode(content).decode()) == content
    assert base64.b64decode(json.loads(pack_download("a.json", "application/json", content))["data"]) == content


@pytest.mark.parametrize("sent", ["", "x", "-1", "９", "1" * 20, {"id": 1}, None])
def test_only_a_number_is_taken_for_an_entry(sent: object) -> None:
    assert read_id(SimpleNamespace(_data={"id": sent})) is None
    assert read_id(SimpleNamespace(_data=None)) is None
    assert read_id(SimpleNamespace(_data={"id": "7"})) == 7
