"""metadata.csv, synonyms.csv and dictionary.csv edited cell by cell: what nobody changes keeps its bytes, what is wrong is not written."""

from __future__ import annotations

import csv
import io
from datetime import date
from pathlib import Path

import pytest
from conftest import METADATA, write_town
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.assistant import Assistant
from rag.documents import COMMAND_LINE
from rag.errors import LibraryError, ReadingError
from rag.library.files import undo_change
from rag.library.metadata_table import CellEdit, edit_metadata
from rag.library.tables import RawTable, split_records
from rag.library.wording_table import WordingKind, edit_wording, read_wording_table, try_wording
from rag.reading.metadata import read_metadata
from rag.reading.wording import STARTER_FILE, read_dictionary, read_synonyms
from rag.settings import Settings

TRAVEL, GARBAGE = "総務課/職員旅費規程.txt", "環境課/ごみの出し方.md"
ODD = "\n".join(
    [
        "備考,ファイル,表題,年度,,公開範囲",
        '"二行の',
        'メモ, と ""引用""",企画課/第3次緑沢町総合計画.md,計画,令和8年度,x,全職員',
        "# 人事異動のあと見直す,,,,,",
        "",
        "メモ , 総務課/職員旅費規程.txt ,旅費, R7 ,,総務課",
        ",無くなった.pdf,,,,",
    ]
)
SYNONYMS = '代表語,同義語1,同義語2,備考\r\n国民健康保険,国保,,\r\n,,,\r\n"ごみ",廃棄物,ゴミ,"総務, 確認済み"\r\n'


@pytest.fixture
def town(tmp_path: Path) -> Settings:
    made = Settings(corpus=tmp_path / "corpus", index=tmp_path / "index", data_dir=tmp_path / "data", workers=1)
    write_town(made.corpus)
    return made


def edit(source: str, column: str, text: str) -> CellEdit:
    return CellEdit(source, column, text)


@settings(max_examples=300, deadline=None)
@given(st.text(st.sampled_from('あa,;"\n\r '), max_size=40))
def test_a_text_is_cut_where_the_csv_module_cuts_it_and_joined_again(text: str) -> None:
    records = split_records(text, ",")
    assert "".join(",".join(record.cells) + record.line_end for record in records) == text
    wanted = [cells or [""] for cells in csv.reader(io.StringIO(text, newline=""))]
    assert [list(record.values) for record in records] == wanted


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp932", "euc_jp", "utf-16"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_one_cell_changes_and_every_other_byte_stays(town: Settings, encoding: str, line_end: str) -> None:
    path = town.corpus / "metadata.csv"
    before = ODD.replace("\n", line_end)
    path.write_bytes(before.encode(encoding))
    done = edit_metadata(town, [edit(TRAVEL, "公開範囲", "総務課・企画課")])
    after = before.replace(",旅費, R7 ,,総務課", ",旅費, R7 ,,総務課・企画課")
    assert done.problems == () and after != before and path.read_bytes() == after.encode(encoding)
    assert done.change is not None
    undo_change(town, done.change.id)
    assert path.read_bytes() == before.encode(encoding)


def test_a_new_row_and_a_new_column_leave_the_other_rows_as_they_are(town: Settings) -> None:
    path = town.corpus / "metadata.csv"
    path.write_bytes(ODD.encode("utf-8-sig"))
    edits = [
        edit(GARBAGE, "表題", 'ごみ, "分別"'),
        edit(GARBAGE, "見直し日", "R9.3.31"),
        edit(TRAVEL, "見直し日", "2027/4/1"),
    ]
    assert edit_metadata(town, edits).problems == ()
    lines = path.read_bytes().decode("utf-8").split("\n")
    old = ODD.split("\n")
    assert lines[0] == "\ufeff" + old[0] + ",見直し日"
    assert lines[1:5] == old[1:5] and lines[6] == old[6]
    assert lines[5] == old[5] + ",2027/4/1"
    assert lines[7] == f',{GARBAGE},"ごみ, ""分別""",,,,R9.3.31'
    rows, _ = read_metadata(path, [TRAVEL, GARBAGE])
    assert rows[GARBAGE].title == 'ごみ, "分別"' and rows[GARBAGE].review_by == date(2027, 3, 31)
    assert rows[TRAVEL].review_by == date(2027, 4, 1) and rows[TRAVEL].audience == ("総務課",)


def test_what_is_wrong_is_told_by_cell_and_nothing_is_written(town: Settings) -> None:
    edits = [
        edit(TRAVEL, "種別", "規則集"),
        edit(TRAVEL, "年度", "昨年"),
        edit(TRAVEL, "見直し日", "2027-02-30"),
        edit(TRAVEL, "表題", "よい表題"),
        edit(TRAVEL, "表題", "=HYPERLINK(1)"),
        edit(TRAVEL, "表題", "二行\nの表題"),
        edit(TRAVEL, "内線番号", "1"),
        edit("無い.pdf", "表題", "x"),
    ]
    done = edit_metadata(town, edits)
    assert [(p.row, p.column) for p in done.problems] == [
        (1, "種別"),
        (2, "年度"),
        (3, "見直し日"),
        (5, "表題"),
        (6, "表題"),
        (7, "内線番号"),
        (8, "表題"),
    ]
    assert all(problem.message and problem.remedy for problem in done.problems)
    assert done.change is None and (town.corpus / "metadata.csv").read_text(encoding="utf-8") == METADATA


def test_an_edit_that_says_what_is_there_already_is_no_change(town: Settings) -> None:
    assert edit_metadata(town, [edit(TRAVEL, "所管課", " 総務課 "), edit(GARBAGE, "内線", "")]).change is None
    assert edit_metadata(town, []).change is None
    assert (town.corpus / "metadata.csv").read_text(encoding="utf-8") == METADATA


def test_a_cell_is_cleared(town: Settings) -> None:
    edit_metadata(town, [edit(TRAVEL, "施行日", "")])
    assert (town.corpus / "metadata.csv").read_text(encoding="utf-8") == METADATA.replace("2025-04-01", "")


def test_without_a_table_one_is_made_that_excel_opens(town: Settings) -> None:
    path = town.corpus / "metadata.csv"
    path.unlink()
    assert edit_metadata(town, [edit(TRAVEL, "内線", "210")]).problems == ()
    assert path.read_bytes().decode("utf-8") == (
        "\ufeffファイル,表題,種別,所管課,内線,年度,施行日,公開範囲,文書名,見直し日\r\n総務課/職員旅費規程.txt,,,,210\r\n"
    )


def test_a_table_that_cannot_be_read_is_left_alone(town: Settings) -> None:
    path = town.corpus / "metadata.csv"
    for broken in ("名前,年度\na,2024\n".encode(), b"\xff\xfe\x00", METADATA.encode("iso2022_jp") + b"\x1b$B!"):
        path.write_bytes(broken)
        with pytest.raises(LibraryError):
            edit_metadata(town, [edit(TRAVEL, "内線", "1")])
        assert path.read_bytes() == broken


def test_a_letter_that_the_encoding_lacks_is_named(town: Settings) -> None:
    path = town.corpus / "metadata.csv"
    path.write_bytes(METADATA.encode("cp932"))
    with pytest.raises(LibraryError, match="「𠮷」"):
        edit_metadata(town, [edit(TRAVEL, "表題", "𠮷野町の旅費")])
    assert path.read_bytes() == METADATA.encode("cp932")


def test_bytes_that_mean_the_same_letter_stay_as_they_are() -> None:
    """CP932 has some letters twice: decoding and encoding again would change them."""
    data = "ファイル,表題\n".encode("cp932") + b"a.txt,\xed\x40\n"
    table = RawTable.parse(data, "metadata.csv")
    assert table.to_bytes() == data
    assert table.set_value(1, 0, "b.txt").to_bytes() == data.replace(b"a.txt", b"b.txt")


# --- synonyms and dictionary ------------------------------------------------------------------------------------------


def test_rows_that_nobody_touched_keep_their_bytes(town: Settings) -> None:
    path = town.corpus / "synonyms.csv"
    path.write_bytes(SYNONYMS.encode("cp932"))
    table = read_wording_table(town, WordingKind.SYNONYMS)
    assert table.rows == (("国民健康保険", "国保", "", ""), ("ごみ", "廃棄物", "ゴミ", "総務, 確認済み"))
    rows = [("住民票", "住民票の写し"), *table.rows]
    assert edit_wording(town, WordingKind.SYNONYMS, rows).problems == ()
    first, second, _, third, _ = SYNONYMS.split("\r\n")
    assert path.read_bytes().decode("cp932").split("\r\n") == [first, "住民票,住民票の写し,,", second, third, ""]


def test_what_is_wrong_in_a_changed_row_is_told_by_cell_and_in_an_old_one_only_noted(town: Settings) -> None:
    path = town.corpus / "synonyms.csv"
    path.write_text("代表語,同義語1\n課,担当課\n住民票,写し\n", encoding="utf-8")
    before = path.read_bytes()
    rows = [("課", "担当課"), ("住民票", "写し"), ("納税", ""), ("", "税"), ("印鑑", "住民票"), ("印鑑", "=1")]
    done = edit_wording(town, WordingKind.SYNONYMS, rows)
    assert [(p.row, p.column) for p in done.problems] == [
        (3, "同義語1"),
        (4, "代表語"),
        (4, "同義語1"),
        (5, "同義語1"),
        (6, "同義語1"),
        (6, "代表語"),
    ]
    assert path.read_bytes() == before
    kept = edit_wording(town, WordingKind.SYNONYMS, [*rows[:2], ("納税", "税金")])
    assert kept.problems == () and kept.change is not None and kept.notes == ("1行目: 1文字の語は使いません: 課",)


def test_the_checks_say_what_the_index_run_would_say(town: Settings) -> None:
    rows = [("国民健康保険", "国保"), ("住民票", "写し", "住民票の写し", "証明", "戸籍", "住票", "住民")]
    assert edit_wording(town, WordingKind.SYNONYMS, rows).problems == ()
    groups, problems = read_synonyms(town.corpus / "synonyms.csv")
    assert groups == tuple(rows) and problems == []
    names = [("すみのりば", "すみのりば", "町内バス"), ("緑沢川",)]
    assert edit_wording(town, WordingKind.DICTIONARY, names).problems == ()
    found, problems = read_dictionary(town.corpus / "dictionary.csv")
    assert [(n.word, n.reading, n.others) for n in found] == [
        ("すみのりば", "すみのりば", ("町内バス",)),
        ("緑沢川", "", ()),
    ]
    assert problems == []


def test_the_table_of_the_package_is_shown_and_copied_when_it_is_edited(town: Settings) -> None:
    table = read_wording_table(town, WordingKind.SYNONYMS)
    assert table.is_starter and len(table.rows) == len(read_synonyms(STARTER_FILE)[0])
    assert edit_wording(town, WordingKind.SYNONYMS, table.rows).change is None
    edit_wording(town, WordingKind.SYNONYMS, [*table.rows, ("緑沢町役場", "町役場の建物")])
    line = "緑沢町役場,町役場の建物,,,\r\n".encode()
    assert (town.corpus / "synonyms.csv").read_bytes() == STARTER_FILE.read_bytes() + line
    assert not read_wording_table(town, WordingKind.SYNONYMS).is_starter


def test_a_table_without_its_first_column_says_what_to_write(town: Settings) -> None:
    (town.corpus / "dictionary.csv").write_text("名前,よみ\n", encoding="utf-8")
    with pytest.raises(LibraryError, match="列「語」"):
        read_wording_table(town, WordingKind.DICTIONARY)
    (town.corpus / "dictionary.csv").write_bytes(b"")
    assert read_wording_table(town, WordingKind.DICTIONARY).rows == ()


def test_an_edited_table_is_tried_on_a_question_before_it_is_saved(
    small_town: Settings, town_assistant: Assistant
) -> None:
    question = "ヘルプチケットの泊まり代"
    rows = [("ヘルプチケット", "旅費"), ("泊まり代", "宿泊料")]
    trial = try_wording(town_assistant, small_town, question, WordingKind.SYNONYMS, rows, asker=COMMAND_LINE)
    assert {(other.asked, other.meant) for other in trial.after.others} >= {
        ("ヘルプチケット", "旅費"),
        ("泊まり代", "宿泊料"),
    }
    assert ("泊まり代", "宿泊料") not in {(other.asked, other.meant) for other in trial.before.others}
    assert trial.after.passages[0].chunk.source == TRAVEL and "宿泊料" in trial.after.passages[0].chunk.text
    assert trial.problems == () and not (small_town.corpus / "synonyms.csv").exists()


def test_a_new_name_is_understood_at_once_and_says_what_waits_for_the_index(
    small_town: Settings, town_assistant: Assistant
) -> None:
    rows = [("みどりのベース", ""), ("ベ", "")]
    trial = try_wording(town_assistant, small_town, "みどりのベースの場所", WordingKind.DICTIONARY, rows)
    assert trial.before.names == () and trial.after.names == ("みどりのベース",)
    assert "次の取り込みから" in trial.note and [(p.row, p.column) for p in trial.problems] == [(2, "語")]


def test_an_unreadable_table_is_one_error_of_ours() -> None:
    with pytest.raises((LibraryError, ReadingError)):
        RawTable.parse(b"\xff\xfe\x00", "metadata.csv")
