"""The door of the reading room: what is listed, what is refused and why, and that no file can stop the others."""

from __future__ import annotations

import pickle
import unicodedata
from pathlib import Path

import pytest
from coverage_check import check_page

from rag.documents import Block, BlockKind, Content, Document, Kind, Locator, Page, Quality
from rag.errors import ReadingError
from rag.reading import registry
from rag.reading.image import IMAGE_SUFFIXES
from rag.reading.old_office import NEW_SUFFIXES
from rag.reading.options import ReadingOptions
from rag.reading.registry import READERS, CorpusFile, Listing, list_corpus, read_document


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    folder = tmp_path / "corpus"
    folder.mkdir()
    return folder


def put(corpus: Path, source: str, data: bytes | str = "本文です。\n") -> Path:
    path = corpus / source
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def read(corpus: Path, source: str, data: bytes | str) -> Document:
    path = put(corpus, source, data)
    return read_document(CorpusFile(source, path), path=path, sha256="00", listing=Listing(()))


def test_files_are_listed_sorted_without_reserved_names(corpus: Path) -> None:
    (corpus / "synonyms.csv").write_text("代表語,同義語1\n", encoding="utf-8")
    (corpus / "dictionary.csv").write_text("語,読み\n", encoding="utf-8")
    for source in [
        "規程.txt",
        "b/x.MD",
        "a/y.csv",
        "~$a.xlsx",
        ".x.txt",
        ".git/a.txt",
        "Thumbs.db",
    ]:
        put(corpus, source)
    listing = list_corpus(corpus)
    assert [file.source for file in listing.files] == ["a/y.csv", "b/x.MD", "規程.txt"]
    assert listing.problems == ()


def test_tables_anywhere_but_at_the_top_are_reported(corpus: Path) -> None:
    for source in ("a/metadata.csv", "a/synonyms.csv", "a/dictionary.csv"):
        put(corpus, source)
    problems = list_corpus(corpus).problems
    assert {(p.source, p.code) for p in problems} == {
        (f"a/{name}.csv", "reserved_name") for name in ("metadata", "synonyms", "dictionary")
    }


def test_names_from_macos_are_composed(corpus: Path) -> None:
    put(corpus, unicodedata.normalize("NFD", "ガイド/手引ﾞ.txt"))
    (file,) = list_corpus(corpus).files
    assert file.source == unicodedata.normalize("NFC", file.source)
    assert file.source.startswith("ガイド/")
    assert file.path.is_file()


def test_two_names_that_differ_in_composition_only_are_one_too_many(corpus: Path) -> None:
    put(corpus, unicodedata.normalize("NFD", "ガイド.txt"))
    put(corpus, unicodedata.normalize("NFC", "ガイド.txt"))
    listing = list_corpus(corpus)
    if len(list(corpus.iterdir())) == 1:
        pytest.skip("this file system composes names itself")
    assert [len(listing.files), [p.code for p in listing.problems]] == [1, ["duplicate_name"]]


def test_links_out_of_the_corpus_are_refused(corpus: Path, tmp_path: Path) -> None:
    (tmp_path / "秘密.txt").write_text("秘密", encoding="utf-8")
    inside = put(corpus, "中.txt")
    (corpus / "外.txt").symlink_to(tmp_path / "秘密.txt")
    (corpus / "内.txt").symlink_to(inside)
    (corpus / "切.txt").symlink_to(corpus / "ない.txt")
    (corpus / "上").symlink_to(tmp_path)
    listing = list_corpus(corpus)
    assert [file.source for file in listing.files] == ["中.txt", "内.txt"]
    assert sorted((p.source, p.code) for p in listing.problems) == [
        ("上", "symlink"),
        ("切.txt", "symlink"),
        ("外.txt", "symlink"),
    ]


@pytest.mark.parametrize(
    ("source", "word"),
    [
        ("a.jtd", "一太郎"),
        ("a.JTDC", "一太郎"),
        ("a.xdw", "DocuWorks"),
        ("a.dwg", "PDF"),
        ("a.accdb", "xlsx"),
        ("a.numbers", "xlsx"),
        ("a.key", "pptx"),
        ("a.lzh", "展開"),
        ("a.mp4", "文字に起こした"),
        ("a.dat", "PDF"),
        ("a.heic", "PNG"),
        ("a", ".pdf"),
    ],
)
def test_unknown_formats_come_with_the_way_out(corpus: Path, source: str, word: str) -> None:
    put(corpus, source)
    (problem,) = list_corpus(corpus).problems
    assert (problem.source, problem.code) == (source, "unknown_format")
    assert word in problem.remedy


def test_metadata_csv_reaches_the_document(corpus: Path) -> None:
    put(
        corpus,
        "metadata.csv",
        "ファイル,所管課,公開範囲,種別\n規程.txt,人事課,人事課,規程\nない.txt,,,\n".encode("cp932"),
    )
    path = put(corpus, "規程.txt")
    listing = list_corpus(corpus)
    document = read_document(listing.files[0], path=path, sha256="ab", listing=listing)
    assert (document.metadata.audience, document.metadata.kind, document.sha256) == (("人事課",), Kind.RULE, "ab")
    assert [(p.code, p.row) for p in listing.problems] == [("metadata_file", 3)]


def test_a_metadata_csv_that_cannot_be_read_stops_everything(corpus: Path) -> None:
    put(corpus, "metadata.csv", bytes(range(256)))
    with pytest.raises(ReadingError):
        list_corpus(corpus)


def test_a_missing_corpus_is_named(tmp_path: Path) -> None:
    with pytest.raises(ReadingError, match="ない"):
        list_corpus(tmp_path / "ない")


@pytest.mark.parametrize(
    ("source", "data", "code"),
    [
        ("a.pdf", "これはPDFではありません", "unknown_format"),
        ("a.xlsx", "質問,回答", "unknown_format"),
        ("a.txt", b"%PDF-1.7", "unknown_format"),
        ("a.csv", b"PK\x03\x04", "unknown_format"),
        ("a.md", b"", "empty"),
        ("a.xlsx", b"PK\x03\x04 broken", "broken"),
        ("a.jtd", "x", "unknown_format"),
        ("a.txt", bytes(range(256)), "encoding"),
    ],
)
def test_files_that_cannot_be_read_say_why(corpus: Path, source: str, data: bytes | str, code: str) -> None:
    with pytest.raises(ReadingError) as caught:
        read(corpus, source, data)
    assert caught.value.code == code
    assert source in caught.value.message
    assert caught.value.hint


def test_a_failing_reader_names_its_exception(corpus: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(path: Path, source: str, options: ReadingOptions) -> None:
        raise RecursionError("too deep")

    monkeypatch.setattr(registry, "_load_reader", lambda source, suffix: fail)
    with pytest.raises(ReadingError, match="RecursionError: too deep") as caught:
        read(corpus, "a.txt", "x")
    assert isinstance(caught.value.__cause__, RecursionError)


def test_what_a_library_says_is_cut_to_a_line_without_where_our_copy_lies(
    corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(path: Path, source: str, options: object) -> None:
        raise ValueError(f"could not read {path}.\nSee the manual {'.' * 1000}")

    monkeypatch.setattr(registry, "_load_reader", lambda source, suffix: fail)
    with pytest.raises(ReadingError) as caught:
        read(corpus, "課/a.txt", "x")
    assert caught.value.message == "ファイルが壊れているようです: 課/a.txt（ValueError: could not read 課/a.txt.）"


def test_a_file_that_is_gone_is_unreadable(corpus: Path) -> None:
    with pytest.raises(ReadingError) as caught:
        read_document(CorpusFile("a.txt", corpus / "a.txt"), path=corpus / "a.txt", sha256="", listing=Listing(()))
    assert caught.value.code == "unreadable"


def test_a_document_without_text_says_so(corpus: Path) -> None:
    assert [p.code for p in read(corpus, "a.txt", "\n　\n").problems] == ["no_text"]
    assert read(corpus, "b.txt", "本文\n").problems == ()


NOT_PLAIN = (*IMAGE_SUFFIXES, ".pdf", ".xlsx", ".xlsm", ".docx", ".docm", ".pptx", ".pptm", ".eml", *NEW_SUFFIXES)


@pytest.mark.parametrize("suffix", [s for s in READERS if s not in NOT_PLAIN])
def test_every_reader_of_text_keeps_the_contract(corpus: Path, suffix: str) -> None:
    for page in read(corpus, f"a{suffix}", "表題\n\n本文です。\n").pages:
        check_page(page)


def test_listing_and_documents_travel_between_processes(corpus: Path) -> None:
    put(corpus, "metadata.csv", "ファイル,年度\na.txt,R6\n")
    path = put(corpus, "a.txt")
    listing = pickle.loads(pickle.dumps(list_corpus(corpus)))
    document = read_document(listing.files[0], path=path, sha256="", listing=listing)
    assert pickle.loads(pickle.dumps(document)) == document
    assert document.metadata.year == 2024


def test_half_characters_are_marked_as_unreadable(corpus: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    block = Block(BlockKind.PARAGRAPH, 0, 5, Locator(line=1), headings=("件\udc9e名",))
    page = Page(1, "住\udc9e票です", (block,), Quality(5))
    monkeypatch.setattr(
        registry, "_load_reader", lambda source, suffix: lambda path, name, options: Content((page,), title="\udcbc")
    )
    document = read(corpus, "a.txt", "x")
    assert document.pages[0].text == "住\ufffd票です" and document.title == "\ufffd"
    assert document.pages[0].blocks[0].headings == ("件\ufffd名",)
