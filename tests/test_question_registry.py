"""The questions registry: staff add, an administrator approves, towns exchange, and nothing is dropped unseen."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from activity_fakes import HandClock, read_everything

from rag.activity.question_form import normalize_question
from rag.errors import ActivityError, UsageError
from rag.question_registry import EntryKind, NewEntry, QuestionRegistry, ReviewState, find_blanks, read_starter
from rag.question_registry.exchange import FORMAT, MAX_BYTES, VERSION
from rag.settings import Settings

EXAMPLE = NewEntry(EntryKind.EXAMPLE, "ごみ袋はいくらですか", "ごみ", "環境課")
TEMPLATE = NewEntry(EntryKind.TEMPLATE, "〔施設の名前〕の料金はいくらですか", "料金", "総務課")


def open_registry(folder: Path) -> QuestionRegistry:
    return QuestionRegistry.open(Settings(data_dir=folder / "data"), HandClock())


def exchange_file(*entries: Any, **changes: Any) -> bytes:
    value = {"format": FORMAT, "version": VERSION, "town": "隣町", "entries": list(entries)} | changes
    return json.dumps(value).encode()


def row(**changes: Any) -> dict[str, Any]:
    return {"kind": "example", "text": "ごみ袋はいくらですか", "category": "ごみ", "department": "環境課"} | changes


def test_what_staff_add_is_a_draft_until_an_administrator_approves_it(tmp_path: Path) -> None:
    registry = open_registry(tmp_path)

    entry = registry.add(EXAMPLE)

    assert (entry.state, entry.uses, entry.department, entry.origin) == (ReviewState.DRAFT, 0, "環境課", "")
    assert registry.entries(ReviewState.APPROVED) == ()
    assert registry.review(entry.id, ReviewState.APPROVED).state is ReviewState.APPROVED
    assert [e.id for e in registry.entries(ReviewState.APPROVED, EntryKind.EXAMPLE)] == [entry.id]
    registry.review(entry.id, ReviewState.REJECTED)
    assert registry.entries(ReviewState.APPROVED) == ()


def test_only_what_is_approved_is_used(tmp_path: Path) -> None:
    registry = open_registry(tmp_path)
    first, second = registry.add(EXAMPLE), registry.add(TEMPLATE)
    registry.review(first.id, ReviewState.APPROVED)

    for id_ in (first.id, first.id, second.id):
        registry.count_use(id_)

    assert [registry.entry(e.id).uses for e in (first, second)] == [2, 0]


def test_the_same_question_is_there_once_however_it_is_written(tmp_path: Path) -> None:
    registry = open_registry(tmp_path)
    registry.add(EXAMPLE)

    with pytest.raises(UsageError, match="すでに登録"):
        registry.add_example("ごみ袋は、いくらでしょうか？", category="ごみ", department="税務課")


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (NewEntry(EntryKind.EXAMPLE, " ", "ごみ", "環境課"), "文が空"),
        (NewEntry(EntryKind.EXAMPLE, "ごみ袋は", "", "環境課"), "分野が空"),
        (NewEntry(EntryKind.EXAMPLE, "あ" * 501, "ごみ", "環境課"), "文が長すぎます"),
        (NewEntry(EntryKind.EXAMPLE, "〔施設〕の料金は", "料金", "総務課"), "〔 〕があります"),
        (NewEntry(EntryKind.TEMPLATE, "料金は", "料金", "総務課"), "書き換える箇所"),
    ],
)
def test_what_is_wrong_with_an_entry_is_said(tmp_path: Path, entry: NewEntry, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        open_registry(tmp_path).add(entry)


def test_nobody_personal_is_kept(tmp_path: Path) -> None:
    registry = open_registry(tmp_path)

    entry = registry.add_example("佐藤花子さんの転入届はどこですか", category="届出", department="町民課")
    registry.import_json(exchange_file(row(text="鈴木一郎さん（090-1234-5678）の届は")))
    registry._database.shrink_log()

    assert entry.text == "【氏名】さんの転入届はどこですか"
    kept = read_everything(tmp_path / "data")
    assert [value for value in ("佐藤花子", "鈴木一郎", "090-1234-5678") if value in kept] == []


def test_what_one_town_exports_another_imports_as_drafts(tmp_path: Path) -> None:
    ours, theirs = open_registry(tmp_path / "a"), open_registry(tmp_path / "b")
    for entry in (EXAMPLE, TEMPLATE):
        ours.review(ours.add(entry).id, ReviewState.APPROVED)
    ours.add(NewEntry(EntryKind.EXAMPLE, "確認待ちの質問", "ごみ", "環境課"))
    ours.count_use(1)

    report = theirs.import_json(ours.export_json("澄野町").encode())

    assert (report.town, report.added, report.known, report.problems) == ("澄野町", 2, (), ())
    assert {(e.text, e.state, e.uses, e.origin) for e in theirs.entries()} == {
        (e.text, ReviewState.DRAFT, 0, "澄野町") for e in (EXAMPLE, TEMPLATE)
    }
    again = theirs.import_json(ours.export_json("澄野町").encode())
    assert (again.added, [problem.number for problem in again.known]) == (0, [1, 2])


def test_every_bad_entry_is_listed_and_the_good_ones_are_taken(tmp_path: Path) -> None:
    registry = open_registry(tmp_path)
    bad = [
        "文字列",
        row(kind="poem"),
        row(text=3),
        row(text=""),
        {"kind": "example"},
        row(text="〔名前〕の料金は"),
        None,
    ]

    report = registry.import_json(exchange_file(row(text="良い質問は"), *bad, row(text="もう一つの質問は")))

    assert report.added == 2
    assert sorted({problem.number for problem in report.problems}) == list(range(2, 9))
    assert report.added + len(report.known) + len({p.number for p in report.problems}) == 9
    assert all(problem.message.endswith("）。") for problem in report.problems), "each says what to do"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\xff\xfe", "JSON"),
        (b"{", "JSON"),
        (b"[" * 100_000, "JSON"),
        (b"[]", "交換ファイルではありません"),
        (exchange_file(format="other"), "交換ファイルではありません"),
        (exchange_file(entries={}), "交換ファイルではありません"),
        (exchange_file(version=2), "版が違います"),
        (exchange_file(*[row()] * 10_001), "多すぎます"),
        (b" " * (MAX_BYTES + 1), "大きすぎます"),
    ],
    ids=["bytes", "cut", "deep", "list", "format", "entries", "version", "many", "large"],
)
def test_a_file_that_is_none_is_refused_as_a_whole(tmp_path: Path, data: bytes, message: str) -> None:
    registry = open_registry(tmp_path)

    with pytest.raises(ActivityError, match=message):
        registry.import_json(data)

    assert registry.entries() == ()


def test_hostile_text_is_only_text(tmp_path: Path) -> None:
    registry = open_registry(tmp_path)
    text = "'; DROP TABLE entry; --<script>\x00\ud800は"

    entry = registry.add_example(text, category="<b>", department="=1+1")
    registry.import_json(exchange_file(row(text="質問\u2028は", category="\ud800")))

    assert registry.entry(entry.id).text == "'; DROP TABLE entry; --<script> ?は"
    assert len(registry.entries()) == 2
    registry.export_json("町\ud800").encode("utf-8", "strict")


def test_eight_threads_add_and_count_without_losing_any(tmp_path: Path) -> None:
    registry = open_registry(tmp_path)
    shared = registry.review(registry.add(EXAMPLE).id, ReviewState.APPROVED)

    def use(number: int) -> None:
        for turn in range(10):
            registry.add_example(f"質問{number}の{turn}番目", category="ごみ", department="環境課")
            registry.count_use(shared.id)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(use, range(8)))

    assert len(registry.entries()) == 81
    assert registry.entry(shared.id).uses == 80


def test_an_entry_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="登録番号 7"):
        open_registry(tmp_path).review(7, ReviewState.APPROVED)


def test_the_starter_list_is_an_exchange_file_without_mistakes(tmp_path: Path) -> None:
    registry = open_registry(tmp_path)

    report = registry.import_json(read_starter())

    assert (report.town, report.known, report.problems) == ("澄野町", (), ())
    examples = registry.entries(kind=EntryKind.EXAMPLE)
    templates = registry.entries(kind=EntryKind.TEMPLATE)
    assert len(examples) >= 40 and len({e.category for e in examples}) >= 10
    assert templates and all(find_blanks(e.text) for e in templates)
    assert len({normalize_question(e.text) for e in examples}) == len(examples)
