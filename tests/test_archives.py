"""ZIP archives: each member is a document of its own; what is dangerous or broken in one is named and never unpacked."""

from __future__ import annotations

import hashlib
import io
import stat
import struct
import unicodedata
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from fakes import BigramEmbedder

from rag.documents import Problem
from rag.errors import ReadingError
from rag.indexing.catalog import CatalogEntry
from rag.indexing.originals import FILES, hash_member
from rag.indexing.snapshot import SnapshotStore
from rag.indexing.sync import SyncReport, sync
from rag.reading import archives
from rag.reading.archives import list_members
from rag.reading.options import DEFAULT_OPTIONS
from rag.reading.registry import Listing, list_corpus, read_document
from rag.reading.unpacking import read_member
from rag.settings import Settings

RULE = "旅費規程\n\n宿泊料は一夜につき9,800円とする。\n"
FAQ = "質問,回答\n住民票はいくらですか。,300円です。\n"


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    folder = tmp_path / "corpus"
    folder.mkdir()
    return folder


def pack(path: Path, members: dict[str, str | bytes], *, method: int = zipfile.ZIP_DEFLATED) -> Path:
    """Write an archive; names that are not ASCII get the flag for UTF-8."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def pack_raw(path: Path, names: list[bytes], data: bytes = RULE.encode()) -> Path:
    """Write an archive whose names are these bytes, without the flag for UTF-8, as Windows and macOS do."""
    blank = [f"{n:03}".encode() + b"_" * (len(name) - 3) for n, name in enumerate(names)]
    content = pack(path, {name.decode(): data for name in blank}).read_bytes()
    for old, new in zip(blank, names, strict=True):
        assert content.count(old) == 2
        content = content.replace(old, new)
    path.write_bytes(content)
    return path


def sources(listing: Listing) -> list[str]:
    return [file.source for file in listing.files]


def codes(problems: tuple[Problem, ...]) -> list[tuple[str, str]]:
    return sorted((problem.source, problem.code) for problem in problems)


def read_all(corpus: Path) -> dict[str, str]:
    """Return the text of the first page of every document that a corpus holds."""
    listing = list_corpus(corpus)
    texts = {}
    for file in listing.files:
        kept = corpus.parent / "kept"
        assert file.member is not None
        kept.write_bytes(b"".join(read_member(file.path, file.member, file.source)))
        document = read_document(file, path=kept, sha256="00", listing=listing)
        texts[file.source] = document.pages[0].text
    return texts


# --- what is in an archive --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_members_are_documents_named_after_the_archive(corpus: Path, method: int) -> None:
    pack(corpus / "総務課/様式.zip", {"規程/旅費.txt": RULE, "faq.csv": FAQ, "規程/": ""}, method=method)
    texts = read_all(corpus)
    assert list(texts) == ["総務課/様式.zip/faq.csv", "総務課/様式.zip/規程/旅費.txt"]
    assert texts["総務課/様式.zip/規程/旅費.txt"] == RULE


def test_a_large_member_comes_out_whole(corpus: Path) -> None:
    data = b"".join(b"%d,\xe8\xa1\x8c\n" % n for n in range(400_000)) + bytes(5_000_000)
    path = pack(corpus / "a.zip", {"a.csv": data})
    (member,), _ = list_members(path, "a.zip", DEFAULT_OPTIONS)
    pieces = list(read_member(path, member, "a.zip/a.csv"))
    assert b"".join(pieces) == data
    assert max(map(len, pieces)) <= 1 << 20


@pytest.mark.parametrize("encoding", ["cp932", "utf-8"])
def test_names_without_the_flag_are_cp932_or_the_utf_8_of_macos(corpus: Path, encoding: str) -> None:
    names = ["表示能力/ソの予算一覧.txt", "ガイドの様式①.txt"]
    written = [unicodedata.normalize("NFD", n) if encoding == "utf-8" else n for n in names]
    pack_raw(corpus / "a.zip", [name.encode(encoding) for name in written])
    assert sources(list_corpus(corpus)) == sorted(f"a.zip/{name}" for name in names)


def test_backslashes_part_folders(corpus: Path) -> None:
    pack_raw(corpus / "a.zip", ["税務課\\手引\\課税.txt".encode("cp932"), b".\\folder\\a.txt"])
    assert sources(list_corpus(corpus)) == ["a.zip/folder/a.txt", "a.zip/税務課/手引/課税.txt"]


def test_what_packing_programs_add_is_skipped_like_hidden_files(corpus: Path) -> None:
    hidden = ["__MACOSX/._a.txt", ".DS_Store", "様式/Thumbs.db", "~$a.xlsx", ".git/a.txt"]
    pack(corpus / "a.zip", dict.fromkeys([*hidden, "a.txt"], RULE))
    listing = list_corpus(corpus)
    assert (sources(listing), listing.problems) == (["a.zip/a.txt"], ())


def test_a_table_of_the_towns_words_in_an_archive_is_not_used_and_that_is_said(corpus: Path) -> None:
    pack(corpus / "a.zip", {"a.txt": RULE, "synonyms.csv": "代表語,同義語1\n住民基本台帳,住基\n"})
    listing = list_corpus(corpus)
    assert sources(listing) == ["a.zip/a.txt"]
    assert [(problem.source, problem.code) for problem in listing.problems] == [("a.zip/synonyms.csv", "reserved_name")]


def test_metadata_csv_can_name_a_member(corpus: Path) -> None:
    pack(corpus / "様式.zip", {"旅費.txt": RULE, "metadata.csv": "ファイル\n"})
    (corpus / "metadata.csv").write_text(
        "ファイル,表題,公開範囲\n様式.zip/旅費.txt,旅費の定め,総務課\n", encoding="utf-8"
    )
    listing = list_corpus(corpus)
    assert (listing.metadata["様式.zip/旅費.txt"].title, listing.metadata["様式.zip/旅費.txt"].audience) == (
        "旅費の定め",
        ("総務課",),
    )
    assert codes(listing.problems) == [("様式.zip/metadata.csv", "reserved_name")]


# --- what is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["../外.txt", "a/../../外.txt", "/etc/外.txt", "C:\\外.txt", "..\\外.txt"])
def test_names_that_lead_out_of_the_folder_are_refused_and_the_rest_is_read(corpus: Path, name: str) -> None:
    pack(corpus / "a.zip", {name: "外", "中.txt": RULE})
    listing = list_corpus(corpus)
    assert sources(listing) == ["a.zip/中.txt"]
    (problem,) = listing.problems
    assert problem.code == "unsafe_name"
    assert "a.zip" in problem.message and name.replace("\\", "/") in problem.message and "入手元" in problem.remedy


@pytest.mark.parametrize("name", [b"a\x1b[2Jb.txt", b"\x81\xff\xfe\xfd.txt"])
def test_names_that_nobody_can_read_are_refused(corpus: Path, name: bytes) -> None:
    pack_raw(corpus / "a.zip", [name])
    (problem,) = list_corpus(corpus).problems
    assert problem.code == "unreadable_name"
    assert not {"\x1b", "\x81"} & set(problem.message + problem.source)


def test_links_twins_foreign_formats_and_nested_archives_are_named(corpus: Path) -> None:
    link = zipfile.ZipInfo("リンク.txt")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(corpus / "a.zip", "w") as archive:
        archive.writestr(link, "/etc/passwd")
        archive.writestr("中の.zip", b"PK")
        archive.writestr("図.jtd", b"x")
        archive.writestr("よい.txt", RULE)
        archive.writestr("./二つ.txt", "一")
        archive.writestr("二つ.txt", "二")
        archive.writestr(zipfile.ZipInfo("圧縮.txt"), RULE, zipfile.ZIP_BZIP2)
    listing = list_corpus(corpus)
    assert sources(listing) == ["a.zip/よい.txt"]
    assert codes(listing.problems) == [
        ("a.zip/./二つ.txt", "duplicate_name"),
        ("a.zip/リンク.txt", "symlink"),
        ("a.zip/中の.zip", "nested_archive"),
        ("a.zip/二つ.txt", "duplicate_name"),
        ("a.zip/図.jtd", "unknown_format"),
        ("a.zip/圧縮.txt", "unknown_format"),
    ]
    assert all("a.zip" in p.message or p.code == "unknown_format" for p in listing.problems)


def test_encrypted_members_are_named(corpus: Path) -> None:
    path = pack(corpus / "a.zip", {"秘密.txt": RULE})
    content = bytearray(path.read_bytes())
    for signature, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(signature) + place] |= 1
    path.write_bytes(content)
    (problem,) = list_corpus(corpus).problems
    assert (problem.source, problem.code) == ("a.zip/秘密.txt", "encrypted")


@pytest.mark.parametrize(
    ("data", "code"),
    [(b"", "empty"), (b"%PDF-1.7", "unknown_format"), (b"PK\x03\x04 cut off", "broken")],
)
def test_files_that_are_no_archives_say_so(corpus: Path, data: bytes, code: str) -> None:
    (corpus / "a.zip").write_bytes(data)
    (problem,) = list_corpus(corpus).problems
    assert (problem.source, problem.code) == ("a.zip", code)


def test_an_archive_without_members_says_so(corpus: Path) -> None:
    pack(corpus / "a.zip", {"フォルダー/": "", ".DS_Store": "x"})
    assert codes(list_corpus(corpus).problems) == [("a.zip", "empty")]


def test_too_many_members_are_refused_before_their_directory_is_read(
    corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pack(corpus / "a.zip", {f"{n}.txt": "x" for n in range(50)})
    monkeypatch.setattr(archives, "MAX_MEMBERS", 49)
    assert codes(list_corpus(corpus).problems) == [("a.zip", "too_many_members")]
    monkeypatch.setattr(archives, "_MAX_DIRECTORY_BYTES", 40 * 50)
    monkeypatch.setattr(zipfile.ZipFile, "infolist", lambda self: pytest.fail("the directory was read"))
    assert codes(list_corpus(corpus).problems) == [("a.zip", "too_many_members")]


def test_an_archive_too_large_as_unpacked_is_refused(corpus: Path) -> None:
    pack(corpus / "a.zip", {f"{n}.txt": "あ" * 100_000 for n in range(4)})
    (problem,) = list_corpus(corpus, options=replace(DEFAULT_OPTIONS, max_bytes=1_000_000)).problems
    assert problem.code == "too_large"
    assert "上限 1 MB" in problem.message and "max_file_mb" in problem.remedy


def test_a_bomb_is_refused_by_its_ratio(corpus: Path) -> None:
    pack(corpus / "a.zip", {"a.txt": bytes(20_000_000)})
    assert codes(list_corpus(corpus).problems) == [("a.zip", "unsafe_archive")]


def test_overlapping_members_are_refused(corpus: Path) -> None:
    """Many entries of the directory, one body: the bomb that needs no nesting."""
    path = pack(corpus / "a.zip", {"a.txt": RULE, "b.txt": RULE})
    content = bytearray(path.read_bytes())
    second = content.rindex(b"PK\x01\x02")
    content[second + 42 : second + 46] = struct.pack("<I", 0)  # the offset of the first body
    path.write_bytes(content)
    assert codes(list_corpus(corpus).problems) == [("a.zip", "unsafe_archive")]


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("declared", [10, 2_000_000])
def test_declared_sizes_are_not_believed_while_unpacking(corpus: Path, declared: int, method: int) -> None:
    path = pack(corpus / "a.zip", {"a.txt": b"x" * 1_500_000}, method=method)
    (member,), _ = list_members(path, "a.zip", DEFAULT_OPTIONS)
    out = 0
    with pytest.raises(ReadingError, match="検査値") as caught:
        for piece in read_member(path, replace(member, size=declared), "a.zip/a.txt"):
            out += len(piece)
    assert caught.value.code == "broken"
    assert out <= declared


# --- through the index ------------------------------------------------------------------------------------------------


class Town:
    """A corpus with an archive, indexed with the readers of the program."""

    def __init__(self, root: Path) -> None:
        self.settings = Settings(corpus=root / "corpus", index=root / "index", workers=1)
        self.archive = root / "corpus" / "様式.zip"
        self.embedder = BigramEmbedder()
        pack(self.archive, {"旅費.txt": RULE, "問答.csv": FAQ})
        pack(root / "corpus" / "ほか.zip", {f"{n}.txt": f"文書その{n}です。\n" for n in range(3)})

    def sync(self, **options: bool) -> SyncReport:
        return sync(self.settings, embedder=self.embedder, **options)

    def entry(self, source: str) -> CatalogEntry | None:
        snapshot = SnapshotStore(self.settings.index).open_current()
        try:
            return snapshot.catalog.document(source)
        finally:
            snapshot.close()

    def has(self, source: str) -> bool:
        return self.entry(source) is not None


@pytest.fixture
def town(tmp_path: Path) -> Town:
    town = Town(tmp_path)
    assert len(town.sync().added) == 5
    return town


def test_a_citation_opens_exactly_the_member(town: Town) -> None:
    entry = town.entry("様式.zip/旅費.txt")
    assert entry is not None
    assert entry.file == f"{hashlib.sha256(RULE.encode()).hexdigest()}.txt"
    assert (town.settings.index / FILES / entry.file).read_text(encoding="utf-8") == RULE
    assert len(list((town.settings.index / FILES).iterdir())) == 5


def test_an_archive_that_was_packed_again_is_no_change(town: Town) -> None:
    pack(town.archive, {"問答.csv": FAQ, "旅費.txt": RULE}, method=zipfile.ZIP_STORED)
    report = town.sync()
    assert not report.published and len(report.unchanged) == 5


def test_members_added_changed_and_removed_are_found(town: Town) -> None:
    pack(town.archive, {"旅費.txt": RULE.replace("9,800", "9,900"), "新しい.txt": "新しい様式です。\n"})
    report = town.sync()
    assert (report.added, report.changed, report.removed) == (
        ("様式.zip/新しい.txt",),
        ("様式.zip/旅費.txt",),
        ("様式.zip/問答.csv",),
    )


def test_a_renamed_archive_and_an_unpacked_one_are_renamed_members(town: Town) -> None:
    town.archive.rename(town.archive.with_name("書式.zip"))
    assert town.sync().renamed == (
        ("様式.zip/問答.csv", "書式.zip/問答.csv"),
        ("様式.zip/旅費.txt", "書式.zip/旅費.txt"),
    )
    town.archive.with_name("書式.zip").unlink()
    (town.settings.corpus / "旅費.txt").write_text(RULE, encoding="utf-8")
    report = town.sync()
    assert (report.renamed, report.removed) == ((("書式.zip/旅費.txt", "旅費.txt"),), ("書式.zip/問答.csv",))


@pytest.mark.parametrize("full", [False, True])
def test_a_half_copied_archive_keeps_what_is_indexed_of_it(town: Town, full: bool) -> None:
    content = town.archive.read_bytes()
    town.archive.write_bytes(content[:200])
    report = town.sync(full=full)
    assert [(p.source, p.code) for p in report.problems] == [("様式.zip", "broken")]
    assert "残しています" in report.problems[0].message
    assert town.has("様式.zip/旅費.txt") and report.removed == ()
    town.archive.write_bytes(content)
    assert town.sync().problems == ()


def test_a_restricted_member_stays_restricted_while_its_archive_cannot_be_opened(town: Town) -> None:
    declared = town.settings.corpus / "metadata.csv"
    declared.write_text("ファイル,公開範囲\n様式.zip/旅費.txt,総務課\n問答.csv,税務課\n", encoding="utf-8")
    assert town.sync().problems == ()
    town.archive.write_bytes(b"PK\x03\x04 cut off")
    report = town.sync(full=True)
    entry = town.entry("様式.zip/旅費.txt")
    assert entry is not None and entry.metadata.audience == ("総務課",)
    assert not town.has("様式.zip/問答.csv"), "nobody could tell any more whose it is"
    assert {p.code for p in report.problems} == {"broken", "metadata_file"}


def test_a_member_whose_bytes_are_damaged_is_listed_and_the_others_are_read(tmp_path: Path) -> None:
    pack(tmp_path / "corpus/a.zip", {"a.txt": RULE, "b.txt": FAQ}, method=zipfile.ZIP_STORED)
    path = tmp_path / "corpus/a.zip"
    path.write_bytes(path.read_bytes().replace("宿泊料".encode(), "車賃の".encode()))
    report = sync(Settings(corpus=path.parent, index=tmp_path / "index", workers=1), embedder=BigramEmbedder())
    assert report.added == ("a.zip/b.txt",)
    assert codes(report.problems) == [("a.zip/a.txt", "broken")]


def test_an_archive_that_vanishes_after_it_was_listed_is_a_problem_of_its_members(corpus: Path) -> None:
    path = pack(corpus / "a.zip", {"a.txt": RULE})
    (file,) = list_corpus(corpus).files
    path.unlink()
    with pytest.raises(ReadingError, match=r"a\.zip/a\.txt") as caught:
        hash_member(file)
    assert caught.value.code == "inaccessible"


def test_an_archive_that_is_replaced_after_it_was_listed_gives_no_wrong_bytes(corpus: Path) -> None:
    path = pack(corpus / "a.zip", {"a.txt": RULE})
    (file,) = list_corpus(corpus).files
    pack(path, {"b.txt": "別の文書です。" * 100})
    with pytest.raises(ReadingError) as caught:
        hash_member(file)
    assert caught.value.code == "broken"


def test_an_archive_that_holds_itself_ends_at_the_first_level(corpus: Path) -> None:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("a.txt", RULE)
    pack(corpus / "a.zip", {"a.zip": inner.getvalue()})
    listing = list_corpus(corpus)
    assert (sources(listing), codes(listing.problems)) == ([], [("a.zip/a.zip", "nested_archive")])
