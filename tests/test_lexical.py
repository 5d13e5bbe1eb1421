"""The lexical leg: BM25 by field and weight, exact scores, filters that do not score."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from rag.documents import Chunk, ChunkKind, Filters, Kind, Locator, Metadata, Segment, Span
from rag.indexing.lexical import FIELDS, LexicalEntry, LexicalStore, analyze, tokenizer_version
from rag.indexing.limits import FilterFields, Limits

CITIZENS = FilterFields.from_metadata(
    "a.txt", Metadata("手引き", Kind.MANUAL, "市民課", year=2025, effective_date=date(2025, 4, 1))
)
TAXES = FilterFields.from_metadata("b.txt", Metadata("規程", Kind.RULE, "税務課", audience=("税務課",)))


def entry(number: int, **words: str) -> LexicalEntry:
    return LexicalEntry(f"{number:032x}", **{**dict.fromkeys(FIELDS, ""), **words})


def name(number: int) -> str:
    return f"{number:032x}"


ENTRIES = [
    entry(1, title="転出", body="転出 届け 出す 市民"),
    entry(2, body="転出 転出 証明 転入 届け 住所 変更 世帯"),
    entry(3, body="税金 納める"),
    entry(4, body="税金 免除", bigrams="税金 金の"),
]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[LexicalStore]:
    opened = LexicalStore.create(tmp_path / "lexical")
    opened.add(ENTRIES, [CITIZENS, CITIZENS, TAXES, TAXES])
    opened.commit()
    yield opened
    opened.close()


def test_a_chunk_is_split_into_words_by_field() -> None:
    chunk = Chunk(
        "0" * 32, "a.csv", 0, ChunkKind.QA, "転出届はいつまでに出せばよいですか\n14日以内です。", "住民異動", ("届出",),
        (Segment(1, 0, 26, Locator(row=2)),), question=Span(0, 17), answer=Span(18, 26),
    )  # fmt: skip
    found = analyze(chunk)
    assert (found.title, found.headings, found.question) == ("住民 異動", "届け出", "転出 届け 出す")
    assert found.body.startswith("転出 届け 出す") and "14" in found.body.split() and "届は" in found.bigrams.split()
    assert pickle.loads(pickle.dumps(found)) == found


def test_words_in_the_title_count_with_their_weight(store: LexicalStore) -> None:
    body = store.search({"body": {"転出": 1.0}}, 10)
    both = dict(store.search({"body": {"転出": 1.0}, "title": {"転出": 3.0}}, 10))
    title = dict(store.search({"title": {"転出": 1.0}}, 10))
    assert {id_ for id_, _ in body} == {name(1), name(2)}
    assert both[name(1)] == pytest.approx(dict(body)[name(1)] + 3 * title[name(1)], rel=1e-4)
    assert max(both, key=lambda id_: both[id_]) == name(1)


def test_scores_of_given_ids_are_those_of_the_search(store: LexicalStore) -> None:
    terms = {"body": {"転出": 1.0, "届け": 2.0, "税金": 0.5}, "title": {"転出": 1.5}}
    searched = dict(store.search(terms, 10))
    assert store.scores(terms, [name(1), name(2), name(99)]) == pytest.approx(
        {k: searched[k] for k in (name(1), name(2))}
    )
    assert store.scores({"body": {"無い": 1.0}}, [name(1)]) == {name(1): 0.0}
    assert store.scores(terms, []) == {} and store.search({}, 10) == [] and store.search({"body": {}}, 10) == []


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (Filters(department="税務課"), {3, 4}),
        (Filters(kind=Kind.MANUAL), {1, 2}),
        (Filters(year=2025), {1, 2}),
        (Filters(year=2024), set()),
        (Filters(as_of=date(2025, 3, 31)), {3, 4}),
        (Filters(as_of=date(2025, 4, 1)), {1, 2, 3, 4}),
        (Filters(kind=Kind.RULE, department="市民課"), set()),
    ],
)
def test_filters_limit_and_add_nothing_to_a_score(store: LexicalStore, filters: Filters, expected: set[int]) -> None:
    terms = {"body": {"転出": 1.0, "税金": 1.0}}
    everything = dict(store.search(terms, 10))
    found = dict(store.search(terms, 10, Limits.of(filters)))
    assert set(found) == {name(n) for n in expected}
    assert found == pytest.approx({id_: everything[id_] for id_ in found})


def test_audiences_limit_what_is_found(store: LexicalStore) -> None:
    terms = {"body": {"転出": 1.0, "税金": 1.0}}
    assert {id_ for id_, _ in store.search(terms, 10, Limits.of(None, [""]))} == {name(1), name(2)}
    assert store.search(terms, 10, Limits.of(None, [])) == []


def test_adding_again_replaces_and_deleting_removes(store: LexicalStore, tmp_path: Path) -> None:
    store.add([entry(1, body="下水")], [TAXES])
    store.delete([name(3), name(77)])
    store.commit()
    assert store.count() == 3 and store.ids() == {name(1), name(2), name(4)}
    assert [id_ for id_, _ in store.search({"body": {"転出": 1.0}}, 10)] == [name(2)]
    store.close()
    again = LexicalStore.open(tmp_path / "lexical")
    assert again.ids() == {name(1), name(2), name(4)} and len(again.search({"body": {"下水": 1.0}}, 10)) == 1
    again.close()


def test_an_empty_store_finds_nothing(tmp_path: Path) -> None:
    store = LexicalStore.create(tmp_path / "empty")
    assert (store.count(), store.ids(), store.search({"body": {"a": 1.0}}, 3)) == (0, set(), [])
    store.close()
    store.close()


def test_document_frequency_and_version(store: LexicalStore) -> None:
    assert store.document_frequency("body", "転出") == 2 and store.document_frequency("title", "税金") == 0
    assert "core-" in tokenizer_version()
