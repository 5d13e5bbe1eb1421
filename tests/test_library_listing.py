"""The table of documents: what is indexed, changed, new, gone or unreadable, what is due for review, what needs a person."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest
from conftest import TOWN, build_town, write_town

from rag.documents import Concern, Kind, Metadata, Page, Quality
from rag.errors import IndexMissingError, LibraryError
from rag.indexing.catalog import CatalogWriter
from rag.indexing.manifest import FORMAT_VERSION
from rag.indexing.snapshot import CATALOG, SnapshotStore
from rag.library.attention import ImageKind, list_attention
from rag.library.listing import DocumentRow, State, list_documents, list_stale, list_table_problems
from rag.library.metadata_table import CellEdit, edit_metadata
from rag.library.snapshots import list_snapshots
from rag.settings import Settings

TRAVEL, GARBAGE, TAXES = "総務課/職員旅費規程.txt", "環境課/ごみの出し方.md", "税務課/滞納整理の手引.txt"


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return build_town(tmp_path_factory.mktemp("town"))


def by_source(settings: Settings) -> dict[str, DocumentRow]:
    return {row.source: row for row in list_documents(settings)}


def test_an_indexed_document_says_what_it_is_and_how_well_it_is_read(small_town: Settings) -> None:
    rows = by_source(small_town)
    assert sorted(TOWN) == sorted(rows) and {row.state for row in rows.values()} == {State.INDEXED}
    row = rows[TAXES]
    assert (row.title, row.metadata.kind, row.metadata.department) == ("滞納整理の手引", Kind.MANUAL, "税務課")
    assert (row.metadata.extension, row.metadata.year, row.metadata.audience) == ("310", 2026, ("税務課",))
    assert rows[TRAVEL].metadata.effective_date == date(2025, 4, 1)
    assert (row.pages, row.answerable, row.usable_share, row.problems) == (1, 1, 1.0, ())
    assert row.indexed_at is not None and row.sha256 is not None and len(row.sha256) == 64


def test_every_difference_between_corpus_and_index_has_a_state(town: Settings) -> None:
    corpus = town.corpus
    (corpus / GARBAGE).write_text("# ごみの出し方\n\n新しい決まりです。\n", encoding="utf-8")
    (corpus / TRAVEL).unlink()
    (corpus / "新規/令和8年度手引.txt").parent.mkdir()
    (corpus / "新規/令和8年度手引.txt").write_text("手引です。", encoding="utf-8")
    (corpus / "道具.exe").write_bytes(b"MZ")
    edit_metadata(town, [CellEdit(TAXES, "見直し日", "2026-03-31"), CellEdit(TAXES, "内線", "")])
    rows = by_source(town)
    assert {source: row.state for source, row in rows.items() if row.state is not State.INDEXED} == {
        GARBAGE: State.CHANGED,
        TRAVEL: State.REMOVED,
        "新規/令和8年度手引.txt": State.NEW,
        "道具.exe": State.UNREADABLE,
        TAXES: State.CHANGED,
    }
    assert all(row.state.label for row in rows.values())
    assert rows["道具.exe"].problems[0].remedy and rows["道具.exe"].indexed_at is None
    new = rows["新規/令和8年度手引.txt"]
    assert (new.title, new.metadata.year, new.metadata.kind, new.usable_share) == (
        "令和8年度手引",
        2026,
        Kind.MANUAL,
        None,
    )
    assert rows[TAXES].metadata.review_by == date(2026, 3, 31) and rows[TAXES].metadata.extension is None
    assert rows[TAXES].metadata.audience == ("税務課",)
    assert [problem.row for problem in list_table_problems(town)] == [3], "the row of the document that is gone"


def test_the_day_of_review_reaches_the_index(tmp_path: Path) -> None:
    from rag.indexing.catalog import Catalog
    from rag.indexing.sync import sync

    settings = build_town(tmp_path)
    edit_metadata(settings, [CellEdit(GARBAGE, "見直し日", "令和9年3月31日")])
    first = {row.source: row.indexed_at for row in list_documents(settings)}
    assert sync(settings).changed == (GARBAGE,)
    store = SnapshotStore(settings.index)
    catalog = Catalog(store.folder(store.manifest().id) / CATALOG)
    entry = catalog.document(GARBAGE)
    catalog.close()
    assert entry is not None and entry.metadata.review_by == date(2027, 3, 31)
    rows = by_source(settings)
    assert rows[GARBAGE].state is State.INDEXED
    assert {s for s, row in rows.items() if row.indexed_at == first[s]} >= set(TOWN) - {GARBAGE}


def test_before_the_first_index_run_everything_is_new(tmp_path: Path) -> None:
    settings = Settings(corpus=tmp_path / "corpus", index=tmp_path / "index", data_dir=tmp_path / "data")
    with pytest.raises(LibraryError):
        list_documents(settings)
    write_town(settings.corpus)
    assert {row.state for row in list_documents(settings)} == {State.NEW}
    assert list_snapshots(settings) == ()
    with pytest.raises(IndexMissingError):
        list_attention(settings)


def test_what_is_due_for_review_is_listed_for_its_department(town: Settings) -> None:
    today = date(2026, 4, 1)

    def row(source: str, department: str | None, review_by: date | None, state: State = State.INDEXED) -> DocumentRow:
        return DocumentRow(source, Metadata(source, department=department, review_by=review_by), state)

    rows = [
        row("a", "税務課", today - timedelta(days=1)),
        row("b", "税務課", today - timedelta(days=9)),
        row("c", "税務課", today),  # the day itself is still in time
        row("d", None, today - timedelta(days=1)),
        row("e", "企画課", today - timedelta(days=1)),
        row("f", "企画課", None),
        row("g", "企画課", today - timedelta(days=1), State.REMOVED),
    ]
    found = [(stale.department, [r.source for r in stale.rows]) for stale in list_stale(rows, today)]
    assert found == [("企画課", ["e"]), ("税務課", ["b", "a"]), (None, ["d"])]


def test_members_of_an_archive_know_where_they_are(tmp_path: Path) -> None:
    import zipfile

    settings = Settings(corpus=tmp_path / "corpus", index=tmp_path / "index", data_dir=tmp_path / "data")
    write_town(settings.corpus)
    with zipfile.ZipFile(settings.corpus / "税務課/様式.zip", "w") as archive:
        archive.writestr("申請書.txt", "申請書です。")
    assert by_source(settings)["税務課/様式.zip/申請書.txt"].archive == "税務課/様式.zip"


def test_a_file_is_hashed_again_only_when_it_has_changed(town: Settings) -> None:
    from rag.library.listing import _hash_once

    list_documents(town)
    before = _hash_once.cache_info().misses
    list_documents(town)
    assert _hash_once.cache_info().misses == before


def test_the_pages_that_need_a_person_say_why_and_where_their_image_is(tmp_path: Path) -> None:
    """Pages with concerns are written into a catalog by hand: which pages have one is a matter of reading."""
    from rag.documents import Document
    from rag.indexing.lexical import tokenizer_version
    from rag.indexing.manifest import Manifest, Recipe

    settings = Settings(index=tmp_path / "index")
    folder = settings.index / "snapshots" / "20260401T000000000000Z"
    folder.mkdir(parents=True)
    writer = CatalogWriter(folder / CATALOG)
    low = Quality(10, ocr_confidence=0.62, concerns=(Concern.LOW_OCR,))
    waiting = Quality(0, concerns=(Concern.WAITING_OCR, Concern.NO_TEXT))
    pages = (Page(1, "本文", (), Quality(2)), Page(2, "本文", (), low, label="1"), Page(3, "", (), waiting))
    writer.add_document(Document("税務課/町税.pdf", "ab", Metadata("町税", department="税務課"), pages), [])
    writer.add_document(Document("掲示.png", "cd", Metadata("掲示"), (Page(1, "", (), waiting),)), [])
    writer.commit()
    recipe = Recipe("e", "f", 1, tokenizer_version(), "1", "1", format_version=FORMAT_VERSION)
    Manifest(folder.name, None, "2026-04-01T00:00:00+09:00", recipe, {}, {}).write(folder)
    (settings.index / "CURRENT").write_text(folder.name, encoding="utf-8")

    found = list_attention(settings)

    assert [(p.source, p.page, p.sha256, p.image) for p in found] == [
        ("掲示.png", 1, "cd", ImageKind.PICTURE),
        ("税務課/町税.pdf", 2, "ab", ImageKind.PAGE),
        ("税務課/町税.pdf", 3, "ab", ImageKind.PAGE),
    ]
    assert (found[1].place, found[1].reason) == ("1頁（PDF 2枚目）", "文字認識の確からしさが低い（確からしさ 62%）")
    assert found[2].reasons == ("文字認識（OCR）待ち", "検索できる文字がない") and found[2].department == "税務課"
