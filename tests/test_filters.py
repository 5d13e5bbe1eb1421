"""Filters: what they let through is exactly what they say, in both legs, and never fewer than there are."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from rag.assistant import Assistant
from rag.cli import main
from rag.documents import COMMAND_LINE, EVERYONE, Asker, Filters, Kind, Metadata
from rag.errors import UsageError
from rag.indexing.lexical import LexicalEntry, LexicalStore
from rag.indexing.limits import FilterFields, Limits, audience_key
from rag.indexing.rows import Rows
from rag.indexing.sync import sync
from rag.indexing.vectors import VectorStore
from rag.settings import Settings

DEPARTMENTS = (None, "町民課", "　町民 課", "税務課", "ＩＣＴ推進室")
AUDIENCES: tuple[tuple[str, ...], ...] = ((), ("税務課",), ("税務課", "町民課"))
DAYS = (None, date(2024, 3, 31), date(2024, 4, 1), date(2025, 10, 1))
YEARS = (None, 2023, 2024, 2025)
CHUNKS, DIMENSION = 400, 8
TERMS = {"body": {"手数": 1.0, "届け": 2.0}}


@dataclass(frozen=True)
class Stored:
    """A chunk, by hand: what is known of its document, its vector, and how often it has each word."""

    id: str
    source: str
    metadata: Metadata
    vector: np.ndarray
    words: str


@dataclass(frozen=True)
class Town:
    """The same chunks in both legs."""

    chunks: tuple[Stored, ...]
    vectors: VectorStore
    lexical: LexicalStore


def make_chunks() -> tuple[Stored, ...]:
    random_, numbers = random.Random(3), np.random.default_rng(3)
    documents = [
        Metadata(
            f"文書{n}",
            random_.choice(list(Kind)),
            random_.choice(DEPARTMENTS),
            year=random_.choice(YEARS),
            effective_date=random_.choice(DAYS),
            audience=random_.choice(AUDIENCES),
        )
        for n in range(CHUNKS // 4)
    ]
    words = ("手数", "届け", "ほか")
    return tuple(
        Stored(
            f"{n:032x}",
            f"文書{n // 4}.txt",
            documents[n // 4],
            numbers.normal(size=DIMENSION).astype(np.float32),
            " ".join(random_.choice(words) for _ in range(random_.randint(1, 9))),
        )
        for n in range(CHUNKS)
    )


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    folder, chunks = tmp_path_factory.mktemp("filtered"), make_chunks()
    fields = [FilterFields.from_metadata(chunk.source, chunk.metadata) for chunk in chunks]
    vectors, lexical = VectorStore.create(folder / "vectors"), LexicalStore.create(folder / "lexical")
    vectors.upsert([chunk.id for chunk in chunks], np.stack([chunk.vector for chunk in chunks]), fields)
    lexical.add([LexicalEntry(chunk.id, "", "", "", chunk.words, "") for chunk in chunks], fields)
    lexical.commit()
    yield Town(chunks, vectors, lexical)
    vectors.close()
    lexical.close()


def is_admitted(chunk: Stored, filters: Filters, asker: Asker, left_out: frozenset[str]) -> bool:
    """Say by hand, from the metadata as people wrote it, whether a chunk is let through."""
    known = chunk.metadata
    same = {None: None, "町民課": "町民課", "　町民 課": "町民課", "税務課": "税務課", "ＩＣＴ推進室": "ict推進室"}
    began = known.effective_date
    year = known.year or (began and (began.year if began.month >= 4 else began.year - 1))
    return (
        (filters.department is None or same[known.department] == filters.department)
        and (filters.kind is None or known.kind is filters.kind)
        and (filters.year is None or year == filters.year)
        and (filters.as_of is None or began is None or began <= filters.as_of)
        and (asker.departments is None or not known.audience or bool(set(known.audience) & set(asker.departments)))
        and chunk.source not in left_out
    )


FILTERS = st.builds(
    Filters,
    department=st.sampled_from([None, None, "町民課", "税務課", "ict推進室"]),
    kind=st.sampled_from([None, None, *Kind]),
    year=st.sampled_from(YEARS),
    as_of=st.sampled_from(DAYS),
)
ASKERS = st.sampled_from([COMMAND_LINE, EVERYONE, Asker(("税務課",)), Asker(("町民課", "総務課"))])
LEFT_OUT = st.frozensets(st.sampled_from([f"文書{n}.txt" for n in range(CHUNKS // 4)]), max_size=30)
RELAXED = hypothesis_settings(
    derandomize=True, database=None, deadline=None, max_examples=60, suppress_health_check=list(HealthCheck)
)


def build_limits(filters: Filters, asker: Asker, left_out: frozenset[str]) -> Limits | None:
    readable = [audience_key(audience) for audience in AUDIENCES if asker.may_read(audience)]
    return Limits.of(filters, None if asker.departments is None else readable, left_out)


@pytest.mark.parametrize("exact_rows", [CHUNKS, 20], ids=["all compared", "nearest looked through"])
def test_the_meaning_leg_finds_what_a_search_by_hand_finds(
    town: Town, monkeypatch: pytest.MonkeyPatch, exact_rows: int
) -> None:
    monkeypatch.setattr("rag.indexing.vectors.EXACT_ROWS", exact_rows)

    @RELAXED
    @given(FILTERS, ASKERS, LEFT_OUT, st.integers(1, 60))
    def check(filters: Filters, asker: Asker, left_out: frozenset[str], limit: int) -> None:
        query = town.chunks[limit].vector
        cosine = {c.id: float(c.vector @ query / np.linalg.norm(c.vector) / np.linalg.norm(query)) for c in town.chunks}
        wanted = [c.id for c in town.chunks if is_admitted(c, filters, asker, left_out)]
        best = sorted(wanted, key=lambda id_: -cosine[id_])[:limit]
        found = town.vectors.search(query, limit, build_limits(filters, asker, left_out))
        assert [id_ for id_, _ in found] == best
        assert dict(found) == pytest.approx({id_: cosine[id_] for id_ in best}, abs=1e-5)

    check()


@RELAXED
@given(FILTERS, ASKERS, LEFT_OUT, st.integers(1, 60))
def test_the_word_leg_finds_what_a_search_by_hand_finds(
    town: Town, filters: Filters, asker: Asker, left_out: frozenset[str], limit: int
) -> None:
    scores = {id_: score for id_, score in town.lexical.search(TERMS, CHUNKS) if score > 0}
    wanted = {c.id for c in town.chunks if is_admitted(c, filters, asker, left_out)} & scores.keys()
    found = town.lexical.search(TERMS, limit, build_limits(filters, asker, left_out))
    assert len(found) == min(limit, len(wanted)) and {id_ for id_, _ in found} <= wanted
    assert [score for _, score in found] == pytest.approx(
        sorted((scores[id_] for id_ in wanted), reverse=True)[:limit], rel=1e-5
    )


@pytest.mark.parametrize("filters", [Filters(department=""), Filters(department=" 　"), Filters(year=0)])
def test_an_empty_filter_does_not_mean_those_of_which_nobody_said(town: Town, filters: Filters) -> None:
    assert any(c.metadata.department is None and c.metadata.year is None for c in town.chunks)
    limits = Limits.of(filters)
    assert town.vectors.search(town.chunks[0].vector, 10, limits) == town.lexical.search(TERMS, 10, limits) == []


def test_no_filter_is_no_limit() -> None:
    assert Limits.of(None) is None and Limits.of(Filters(), None, ()) is None
    assert Limits.of(None, []) == Limits(audiences=frozenset()), "someone who may read nothing is limited"


# --- rows -------------------------------------------------------------------------------------------------------------

_IDS = st.lists(st.integers(0, 12), min_size=1, max_size=5, unique=True)
_STEPS = st.lists(st.tuples(st.sampled_from(["upsert", "delete", "close", "search"]), _IDS), max_size=12)


@RELAXED
@given(_STEPS)
def test_rows_are_those_last_written_whatever_came_before(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, list[int]]]
) -> None:
    folder, numbers = tmp_path_factory.mktemp("rows"), np.random.default_rng(0)
    rows, expected = Rows(folder), dict[str, tuple[np.ndarray, FilterFields]]()
    for act, places in steps:
        ids = [f"{n:032x}" for n in places]
        if act == "upsert":
            vectors = numbers.normal(size=(len(ids), 4)).astype(np.float32)
            fields = [FilterFields(f"{random.Random(n + len(expected)).randint(0, 3)}.txt", "other") for n in places]
            rows.upsert(ids, vectors, fields)
            expected |= {id_: (v, f) for id_, v, f in zip(ids, vectors, fields, strict=True)}
        elif act == "delete":
            rows.delete(ids)
            expected = {id_: value for id_, value in expected.items() if id_ not in ids}
        elif act == "close":
            rows.close()
            rows = Rows(folder)
        else:
            check_rows(rows, expected)
    check_rows(rows, expected)
    rows.close()
    check_rows(Rows(folder), expected)


def check_rows(rows: Rows, expected: dict[str, tuple[np.ndarray, FilterFields]]) -> None:
    query = np.array([1, 2, 3, 4], dtype=np.float32)
    cosine = {id_: float(v @ query / np.linalg.norm(v) / np.linalg.norm(query)) for id_, (v, _) in expected.items()}
    assert rows.ids() == expected.keys() and rows.count() == len(expected)
    assert rows.similarities(query, ["f" * 32, *sorted(expected)]) == pytest.approx(cosine, abs=1e-6)
    limits = Limits(left_out=frozenset({"1.txt"}))
    inside = {id_: cosine[id_] for id_, (_, fields) in expected.items() if fields.source != "1.txt"}
    assert dict(rows.search(query, 50, limits)) == pytest.approx(inside, abs=1e-6)
    assert rows.count_admitted(limits) == len(inside)


# --- the facade and the command line ----------------------------------------------------------------------------------


def test_a_department_is_known_by_its_name_however_it_is_spelled(town_assistant: Assistant) -> None:
    def sources(department: str) -> set[str]:
        passages = town_assistant.search("手数料", filters=Filters(department=department), limit=50)
        return {passage.chunk.source for passage in passages}

    assert sources("町民課") == sources(" 町民課　") == sources("町 民 課") == {"町民課/窓口のよくある質問.csv"}


@pytest.mark.parametrize("department", ["無い課", "", "町民"])
def test_an_unknown_department_is_an_error_that_lists_the_known_ones(
    town_assistant: Assistant, department: str
) -> None:
    filters = Filters(department=department)
    for act in (town_assistant.search, town_assistant.ask, town_assistant.explain):
        with pytest.raises(UsageError, match=f"所管課「{department}」の文書はありません") as raised:
            act("手数料", filters=filters)
        assert {"町民課", "環境課", "防災課"} <= set(raised.value.hint.partition(": ")[2].split("、")), (
            raised.value.hint
        )


def test_the_list_names_no_department_whose_documents_are_closed_to_the_asker(town_assistant: Assistant) -> None:
    known = {
        name: set(town_assistant.departments(asker)) for name, asker in {"all": COMMAND_LINE, "none": EVERYONE}.items()
    }
    assert known["all"] - known["none"] == {"税務課"}
    with pytest.raises(UsageError) as raised:
        town_assistant.search("手数料", filters=Filters(department="税務課"))
    assert "税務課" not in raised.value.hint


@pytest.mark.parametrize("written", ["2025", "R7", "令和7", "令和7年度", "Ｒ７"])
def test_a_year_is_taken_as_people_write_it(
    small_town: Settings, capsys: pytest.CaptureFixture[str], written: str
) -> None:
    assert main(["search", "旅費", "--year", written, "--index", str(small_town.index)]) == 0
    shown = capsys.readouterr().out
    assert "総務課/職員旅費規程.txt" in shown and "環境課" not in shown


@pytest.mark.parametrize("written", ["R", "6", "来年"])
def test_what_is_no_year_is_refused_with_how_to_write_one(capsys: pytest.CaptureFixture[str], written: str) -> None:
    with pytest.raises(SystemExit) as left:
        main(["search", "旅費", "--year", written])
    assert left.value.code == 2
    assert (
        f"--year の値「{written}」は使えません" in (error := capsys.readouterr().err) and "令和7年度、R7、2025" in error
    )


def test_older_editions_do_not_crowd_out_what_was_in_force_on_a_day(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(corpus=tmp_path / "corpus", index=tmp_path / "index", workers=1)
    settings.corpus.mkdir()
    for year in range(1, 9):
        text = f"# 窓口の手引（令和{year}年度版）\n\n住民票の写しの手数料は、1通{year}00円です。\n"
        (settings.corpus / f"窓口の手引_R{year}.md").write_text(text, encoding="utf-8")
    sync(settings)
    monkeypatch.setattr("rag.retrieval.retriever.CANDIDATES", 1)
    assistant = Assistant.open(settings)
    try:
        for year in range(1, 9):
            passages = assistant.search(
                "住民票の写しの手数料", filters=Filters(as_of=date(2018 + year, 10, 1)), limit=1
            )
            assert [passage.chunk.source for passage in passages] == [f"窓口の手引_R{year}.md"]
    finally:
        assistant.close()
