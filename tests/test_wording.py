"""synonyms.csv and dictionary.csv are read leniently, reported by row, and live and go back with the snapshot."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from fakes import BigramEmbedder, build_toy_pipeline, write_corpus

from rag.documents import Chunk, ChunkKind, Locator, Segment
from rag.errors import IndexMismatchError
from rag.indexing.lexical import analyze
from rag.indexing.names import NameFinder
from rag.indexing.snapshot import WORDING, SnapshotStore, read_snapshot_wording
from rag.indexing.sync import SyncReport, sync
from rag.reading.wording import STARTER_FILE, read_dictionary, read_starter, read_synonyms, read_wording
from rag.settings import Settings
from rag.text import squeeze
from rag.wording import Name, Wording

ROOT = Path(__file__).parents[1]
SYNONYMS = "代表語,同義語1,同義語2\n住民基本台帳,住基,\n年次有給休暇,年休,有休\n"
DICTIONARY = "語,読み,別表記1\nすみのベース,すみのべーす,澄野ベース\n"


def write(folder: Path, name: str, text: str, encoding: str = "utf-8-sig") -> Path:
    path = folder / name
    path.write_bytes(text.encode(encoding))
    return path


# --- the tables -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8-sig", "cp932", "utf-16"])
def test_every_row_is_a_group_however_excel_saved_it(tmp_path: Path, encoding: str) -> None:
    groups, problems = read_synonyms(write(tmp_path, "synonyms.csv", SYNONYMS, encoding))
    assert groups == (("住民基本台帳", "住基"), ("年次有給休暇", "年休", "有休"))
    assert problems == []


def test_what_is_wrong_in_the_synonyms_is_reported_by_row_and_the_rest_is_used(tmp_path: Path) -> None:
    text = "代表語,同義語1,備考,担当\n国保,国民健康保険,,\n,国年,,\n住基,,,\n\n火,火事,,\n有休,国保,,\n年休,有休,,\nごみ,廃棄物,可,\n"
    groups, problems = read_synonyms(write(tmp_path, "synonyms.csv", text))
    assert groups == (("国保", "国民健康保険"), ("ごみ", "廃棄物"))
    assert [problem.row for problem in problems] == [1, 3, 4, 6, 7, 7, 8, 8]
    assert all(problem.source == "synonyms.csv" and problem.remedy for problem in problems)
    assert "2 行目" in next(problem.message for problem in problems if problem.row == 7)


def test_a_name_has_a_reading_and_other_spellings(tmp_path: Path) -> None:
    names, problems = read_dictionary(write(tmp_path, "dictionary.csv", DICTIONARY + "すみのり,,\n"))
    assert names == (Name("すみのベース", "すみのべーす", ("澄野ベース",)), Name("すみのり"))
    assert problems == []


def test_the_table_that_staff_edit_is_the_starter_table_with_their_own_words_below() -> None:
    path = ROOT / "corpus" / "synonyms.csv"

    assert path.read_bytes().startswith(STARTER_FILE.read_bytes())
    assert read_synonyms(path)[1] == []


def test_without_tables_the_starter_table_counts_and_there_are_no_names(tmp_path: Path) -> None:
    tables = read_wording(tmp_path)
    assert (tables.groups, tables.names, tables.problems) == (read_starter(), (), ())


def test_a_table_of_ones_own_replaces_the_starter_table(tmp_path: Path) -> None:
    write(tmp_path, "synonyms.csv", "代表語,同義語1\n")
    assert read_wording(tmp_path).groups == ()


@pytest.mark.parametrize("content", [b"", "名前,別名\n".encode(), b'\x81"\xff\xfe\x00', '"閉じない'.encode()])
def test_a_table_that_cannot_be_read_is_a_problem_and_says_nothing(tmp_path: Path, content: bytes) -> None:
    for name in ("synonyms.csv", "dictionary.csv"):
        (tmp_path / name).write_bytes(content)
    tables = read_wording(tmp_path)
    assert (tables.groups, tables.names) == (None, None)
    assert [problem.source for problem in tables.problems] == ["synonyms.csv", "dictionary.csv"]


# --- the starter table ------------------------------------------------------------------------------------------------


def test_the_starter_table_is_in_good_form() -> None:
    groups, problems = read_synonyms(STARTER_FILE)
    words = [squeeze(word) for group in groups for word in group]
    assert problems == [] and len(groups) >= 300
    assert len(words) == len(set(words)) and all(len(word) >= 2 for word in words)
    assert all(len(group) >= 2 for group in groups)


def test_the_towns_table_is_the_starter_table_to_begin_with() -> None:
    for path in (ROOT / "corpus" / "synonyms.csv", STARTER_FILE):
        assert path.read_bytes().startswith(b"\xef\xbb\xbf"), "Excel would read it as Shift_JIS"
    with (ROOT / "corpus" / "synonyms.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = {tuple(filter(None, row)) for row in csv.reader(file)}
    assert set(read_starter()) <= rows


def test_every_name_of_the_towns_dictionary_is_usable() -> None:
    names, problems = read_dictionary(ROOT / "corpus" / "dictionary.csv")
    assert len(names) >= 20 and problems == []


# --- names in texts ---------------------------------------------------------------------------------------------------


def test_a_name_is_one_more_word_however_it_is_written() -> None:
    name = Name("すみのベース", "すみのべーす", ("澄野ベース",))
    for text in ("すみのベースの料金", "スミノベース", "澄野\nベースで働く", "すみのべーすはどこ"):
        assert NameFinder([name]).find(text) == ["=すみのベース"], text
    assert NameFinder([name]).find("澄野データベース") == []


def test_a_chunk_holds_its_names_in_every_field_and_they_collide_with_no_word() -> None:
    chunk = Chunk(
        "0" * 32, "a.txt", 0, ChunkKind.TEXT, "すみのベースは駅前にあります。", "すみのベースの案内", (),
        (Segment(1, 0, 15, Locator(line=1)),),
    )  # fmt: skip
    plain, named = analyze(chunk), analyze(chunk, (Name("すみのベース"),))
    assert named.title == f"{plain.title} =すみのベース" and named.body == f"{plain.body} =すみのベース"
    assert (named.headings, named.question, named.bigrams) == (plain.headings, plain.question, plain.bigrams)


# --- in the snapshot --------------------------------------------------------------------------------------------------


class Town:
    """A small corpus with its settings."""

    def __init__(self, root: Path) -> None:
        self.corpus, self.store = root / "corpus", SnapshotStore(root / "index")
        self.settings = Settings(corpus=self.corpus, index=root / "index", workers=1)
        self.embedder = BigramEmbedder()
        write_corpus(self.corpus, {"a.txt": "すみのベースは駅前にあります。", "b.txt": "住基カードは廃止されました。"})

    def sync(self) -> SyncReport:
        self.embedder.embedded.clear()
        return sync(self.settings, pipeline=build_toy_pipeline(), embedder=self.embedder)

    def wording(self) -> Wording:
        snapshot = self.store.open_current()
        snapshot.close()
        return snapshot.wording

    def hits(self, word: str) -> int:
        snapshot = self.store.open_current()
        count = len(snapshot.lexical.search({"body": {word: 1.0}}, 10))
        snapshot.close()
        return count


@pytest.fixture
def town(tmp_path: Path) -> Town:
    return Town(tmp_path)


def test_a_change_of_the_synonyms_alone_publishes_without_reading_anything_again(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    town.sync()
    assert town.wording().groups == read_starter()
    write(town.corpus, "synonyms.csv", SYNONYMS)
    with monkeypatch.context() as patch:
        patch.setattr("rag.indexing.preparation.prepare", None)  # whoever reads a document fails
        report = town.sync()
    assert report.published and not report.full and town.embedder.embedded == []
    assert town.wording().groups == (("住民基本台帳", "住基"), ("年次有給休暇", "年休", "有休"))
    assert not town.sync().published


def test_a_rollback_brings_the_old_table_back(town: Town) -> None:
    write(town.corpus, "synonyms.csv", SYNONYMS)
    town.sync()
    write(town.corpus, "synonyms.csv", "代表語,同義語1\nごみ,廃棄物\n")
    town.sync()
    assert town.wording().groups == (("ごみ", "廃棄物"),)
    town.store.rollback()
    assert town.wording().groups[0] == ("住民基本台帳", "住基")


def test_a_change_of_the_dictionary_builds_the_words_anew_from_the_cached_vectors(town: Town) -> None:
    town.sync()
    assert town.hits("=すみのベース") == 0
    write(town.corpus, "dictionary.csv", DICTIONARY)
    report = town.sync()
    assert report.published and report.full and town.embedder.embedded == []
    assert town.hits("=すみのベース") == 1 and town.wording().names[0].word == "すみのベース"
    assert not town.sync().published
    (town.corpus / "dictionary.csv").unlink()
    assert town.sync().full and town.hits("=すみのベース") == 0


def test_what_is_wrong_in_a_table_is_a_problem_of_the_corpus_until_it_is_mended(town: Town) -> None:
    write(town.corpus, "synonyms.csv", SYNONYMS + "孤立,,\n")
    report = town.sync()
    assert [(p.source, p.row) for p in report.problems] == [("synonyms.csv", 4)]
    assert not town.sync().published
    write(town.corpus, "synonyms.csv", SYNONYMS)
    assert town.sync().problems == ()


def test_a_table_that_cannot_be_read_now_keeps_what_was_known(town: Town) -> None:
    write(town.corpus, "synonyms.csv", SYNONYMS)
    write(town.corpus, "dictionary.csv", DICTIONARY)
    town.sync()
    known = town.wording()
    for name in ("synonyms.csv", "dictionary.csv"):
        (town.corpus / name).write_bytes(b"")
    report = town.sync()
    assert len(report.problems) == 2 and not report.full
    assert town.wording() == known


def test_a_snapshot_with_a_broken_table_names_the_command_that_mends_it(town: Town) -> None:
    town.sync()
    folder = town.store.folder(town.store.current_id() or "")
    (folder / WORDING).write_text("{", encoding="utf-8")
    with pytest.raises(IndexMismatchError, match="rag index --full"):
        read_snapshot_wording(folder)
    assert town.sync().published
