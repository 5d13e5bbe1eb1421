"""The vector leg: cosine similarities, filters, replacement, and a folder that can be copied while it is open."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from rag.documents import Filters, Kind, Metadata
from rag.indexing.building import copy_snapshot
from rag.indexing.limits import FilterFields, Limits
from rag.indexing.vectors import VectorStore

CITIZENS = FilterFields.from_metadata(
    "a.txt", Metadata("手引き", Kind.MANUAL, "市民課", year=2025, effective_date=date(2025, 4, 1))
)
TAXES = FilterFields.from_metadata("b.txt", Metadata("規程", Kind.RULE, "税務課", audience=("税務課", "市民課")))
IDS = ["a" * 32, "b" * 32, "c" * 32, "d" * 32]
VECTORS = np.array([[1, 0, 0], [0.6, 0.8, 0], [0, 1, 0], [0, 0, 0]], dtype=np.float32)
EAST = np.array([1, 0, 0], dtype=np.float32)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[VectorStore]:
    opened = VectorStore.create(tmp_path / "vectors")
    opened.upsert(IDS, VECTORS, [CITIZENS, CITIZENS, TAXES, TAXES])
    yield opened
    opened.close()


def test_the_score_is_the_cosine(store: VectorStore) -> None:
    found = store.search(EAST, 10)
    assert [id_ for id_, _ in found[:2]] == IDS[:2]
    assert dict(found) == pytest.approx(dict(zip(IDS, [1.0, 0.6, 0.0, 0.0], strict=True)), abs=1e-6)
    assert len(store.search(EAST, 2)) == 2


def test_similarities_of_given_ids_are_exact(store: VectorStore) -> None:
    assert store.similarities(EAST, [IDS[2], IDS[1], "f" * 32]) == pytest.approx({IDS[1]: 0.6, IDS[2]: 0.0}, abs=1e-6)
    assert store.similarities(EAST, []) == {}


@pytest.mark.parametrize(
    ("filters", "audiences", "expected"),
    [
        (Filters(), None, "abcd"),
        (Filters(department="税務課"), None, "cd"),
        (Filters(kind=Kind.MANUAL, year=2025), None, "ab"),
        (Filters(as_of=date(2025, 3, 31)), None, "cd"),
        (Filters(as_of=date(2025, 4, 1)), None, "abcd"),
        (None, [""], "ab"),
        (Filters(department="税務課"), ["市民課・税務課"], "cd"),
        (None, [], ""),
    ],
)
def test_filters_limit_what_is_found(
    store: VectorStore, filters: Filters | None, audiences: list[str] | None, expected: str
) -> None:
    assert sorted(id_[0] for id_, _ in store.search(EAST, 10, Limits.of(filters, audiences))) == list(expected)


@pytest.mark.parametrize("share", [2, 50], ids=["every second", "one in fifty"])
def test_filtered_hits_are_those_of_an_exact_search(tmp_path: Path, share: int) -> None:
    random = np.random.default_rng(1)
    vectors = random.normal(size=(1_000, 16)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    ids = [f"{n:032x}" for n in range(1_000)]
    store = VectorStore.create(tmp_path / "filtered")
    store.upsert(ids, vectors, [TAXES if n % share == 0 else CITIZENS for n in range(1_000)])
    taxes = [n for n in range(1_000) if n % share == 0]
    best = sorted(taxes, key=lambda n: -float(vectors[n] @ vectors[5]))[:10]
    assert [id_ for id_, _ in store.search(vectors[5], 10, Limits.of(Filters(department="税務課")))] == [
        ids[n] for n in best
    ]
    assert [id_ for id_, _ in store.search(vectors[5], 10, Limits.of(None, ["市民課・税務課"]))] == [
        ids[n] for n in best
    ]
    store.close()


def test_writing_again_replaces_and_deleting_removes(store: VectorStore, tmp_path: Path) -> None:
    store.upsert([IDS[0]], VECTORS[2:3], [TAXES])
    store.delete([IDS[1], "f" * 32])
    store.delete([])
    store.close()
    again = VectorStore.open(tmp_path / "vectors")
    assert again.count() == 3 and again.ids() == {IDS[0], IDS[2], IDS[3]}
    assert again.similarities(EAST, [IDS[0]]) == pytest.approx({IDS[0]: 0.0}, abs=1e-6)
    assert {id_ for id_, _ in again.search(EAST, 9, Limits.of(Filters(kind=Kind.MANUAL)))} == set()
    again.close()
    again.close()


def test_an_empty_store_finds_nothing(tmp_path: Path) -> None:
    store = VectorStore.create(tmp_path / "empty")
    assert (store.count(), store.ids(), store.search(EAST, 3)) == (0, set(), [])
    store.close()


def test_a_copy_can_change_while_the_original_is_open(store: VectorStore, tmp_path: Path) -> None:
    copy_snapshot(tmp_path / "vectors", tmp_path / "copy")
    copy = VectorStore.open(tmp_path / "copy")
    copy.delete(IDS[:3])
    assert (copy.count(), store.count(), len(store.search(EAST, 9))) == (1, 4, 4)
    copy.close()
    assert store.count() == 4


def test_hits_are_those_of_an_exact_search_after_much_churn(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    vectors = random.normal(size=(4_000, 32)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    ids = [f"{n:032x}" for n in range(len(vectors))]
    store = VectorStore.create(tmp_path / "many")
    for start in range(0, 4_000, 1_000):  # each round replaces half of what the last one left
        part = slice(start, start + 1_000)
        store.upsert(ids[part], vectors[part], [CITIZENS] * 1_000)
        store.delete(ids[start : start + 500])
    left = [n for n in range(4_000) if n % 1_000 >= 500]
    assert store.ids() == {ids[n] for n in left}
    hits = 0
    for query in vectors[:40]:
        exact = np.argsort(-(vectors[left] @ query))[:50]
        hits += len({ids[left[n]] for n in exact} & {id_ for id_, _ in store.search(query, 50)})
    store.close()
    assert hits / (40 * 50) > 0.97, f"recall@50 {hits / 2000:.3f}"
