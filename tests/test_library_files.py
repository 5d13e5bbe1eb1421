"""Documents come and go by the page: no name leads anywhere else, every change is whole, and every one comes back."""

from __future__ import annotations

import dataclasses
import io
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from conftest import METADATA, write_town

from rag.errors import LibraryError
from rag.library.changes import STAGING, TRASH, ChangeStore, Step
from rag.library.files import Upload, add_files, delete_files, list_changes, replace_file, undo_change
from rag.library.names import clean_source
from rag.library.records import Action, Stage, read_record, write_record
from rag.settings import Settings

TRAVEL = "総務課/職員旅費規程.txt"
HOSTILE = {
    "../外.txt": "外を指します",
    "税務課/../../外.txt": "外を指します",
    "..": "外を指します",
    "/etc/外.txt": "外を指します",
    "C:\\外.txt": "外を指します",
    "\\\\server\\外.txt": "外を指します",
    "税務課//手引.txt": "外を指します",
    "": "外を指します",
    "手引\0.txt": "制御文字",
    "手引\n.txt": "制御文字",
    "請求書\u202efdp.txt": "見えない文字",
    "手引\u200b.txt": "見えない文字",
    "手引\ud800.txt": "文字として読めない",
    "CON.txt": "装置",
    "税務課/nul": "装置",
    "com1.手引.txt": "装置",
    "手引.txt.": "ピリオド",
    "手引 /a.txt": "空白",
    "手引:別.txt": "使えない文字",
    "何か?.txt": "使えない文字",
    "=cmd.txt": "式と見なす",
    "@手引.txt": "式と見なす",
    "長" * 84 + ".txt": "長すぎます",
    "a" * 252 + ".txt": "長すぎます",
    "/".join(["深"] * 20) + "/a.txt": "深すぎ",
    "metadata.csv": "表のための名前",
    "税務課/Synonyms.CSV": "表のための名前",
}


@pytest.fixture
def town(tmp_path: Path) -> Settings:
    settings = Settings(corpus=tmp_path / "corpus", index=tmp_path / "index", data_dir=tmp_path / "data", workers=1)
    write_town(settings.corpus)
    return settings


def everything(folder: Path) -> dict[str, bytes]:
    """Every file under a folder, but for locks and records."""
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def zip_of(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


@pytest.mark.parametrize(("name", "reason"), HOSTILE.items(), ids=range(len(HOSTILE)))
def test_a_hostile_name_is_refused_with_its_reason_and_the_rest_of_the_upload_is_taken(
    town: Settings, name: str, reason: str
) -> None:
    outside, before = everything(town.corpus.parent), everything(town.corpus)
    done = add_files(town, [Upload(name, b"x"), Upload("新しい手引.txt", "本文".encode())])
    assert (done.added, len(done.refused)) == (("新しい手引.txt",), 1)
    assert reason in done.refused[0].message and done.refused[0].remedy
    assert not any(ord(letter) < 32 or letter == "\u202e" for letter in done.refused[0].name + done.refused[0].message)
    assert everything(town.corpus) == before | {"新しい手引.txt": "本文".encode()}
    written = {path for path in everything(town.corpus.parent) if path not in outside}
    assert {path.partition("/")[0] for path in written} <= {"corpus", "data"}


def test_the_longest_names_that_fit_are_taken(town: Settings) -> None:
    name = "長" * 83 + ".txt"
    assert add_files(town, [Upload(name, b"x")]).added == (name,)
    assert clean_source("か\u3099.txt") == "が.txt"


def test_a_dragged_folder_keeps_its_folders_and_leaves_out_what_programs_made(town: Settings) -> None:
    names = ("様式/申請/申請書.txt", "様式/.DS_Store", "様式/~$申請書.docx", "様式/Thumbs.db")
    done = add_files(town, [Upload(name, b"x") for name in names], folder="税務課")
    assert done.added == ("税務課/様式/申請/申請書.txt",) and done.refused == ()
    assert done.left_out == names[1:]
    for folder in ("/税務課", "../外", "税務課/.."):
        assert len(add_files(town, [Upload("a.txt", b"x")], folder=folder).refused) == 1
    assert add_files(town, [Upload("a.txt", b"x")], folder="税務課/").added == ("税務課/a.txt",)
    assert (town.corpus / done.added[0]).read_bytes() == b"x"


def test_bytes_streams_and_files_are_taken_alike(town: Settings, tmp_path: Path) -> None:
    (tmp_path / "c").write_bytes(b"c")
    done = add_files(town, [Upload("a.txt", b"a"), Upload("b.txt", io.BytesIO(b"b")), Upload("c.txt", tmp_path / "c")])
    assert [(town.corpus / source).read_bytes() for source in done.added] == [b"a", b"b", b"c"]


def test_a_document_of_the_same_name_is_replaced_only_when_that_is_said(town: Settings) -> None:
    old = (town.corpus / TRAVEL).read_bytes()
    refused = add_files(town, [Upload(TRAVEL, b"new")])
    assert refused.change is None and refused.refused[0].exists and (town.corpus / TRAVEL).read_bytes() == old
    assert add_files(town, [Upload(TRAVEL, old)]).unchanged == (TRAVEL,)
    done = add_files(town, [Upload(TRAVEL, b"new")], replace=True)
    assert done.replaced == (TRAVEL,) and (town.corpus / TRAVEL).read_bytes() == b"new"


def test_names_that_differ_in_case_or_in_composition_are_one(town: Settings) -> None:
    (town.corpus / "か\u3099いど.txt").write_bytes(b"old")  # as macOS writes it
    add_files(town, [Upload("Guide.txt", b"x")])
    again = add_files(town, [Upload("guide.TXT", b"y"), Upload("がいど.txt", b"new")], replace=True)
    assert "Guide.txt" in again.refused[0].message and again.replaced == ("がいど.txt",)
    assert [p.read_bytes() for p in town.corpus.glob("か*いど.txt")] == [b"new"]


def test_a_file_does_not_take_the_place_of_a_folder_nor_go_through_a_link(town: Settings, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (town.corpus / "よそ").symlink_to(tmp_path / "outside")
    (town.corpus / "税務課.txt").mkdir()
    names = ("税務課.txt", f"{TRAVEL}/a.txt", "よそ/a.txt")
    done = add_files(town, [Upload(name, b"x") for name in names])
    assert done.added == () and len(done.refused) == 3 and done.change is None
    assert list((tmp_path / "outside").iterdir()) == []
    with pytest.raises(LibraryError, match="リンク"):
        (tmp_path / "outside" / "b.txt").write_bytes(b"x")
        delete_files(town, ["よそ/b.txt"])


def test_an_archive_stays_one_and_an_unsafe_or_nested_one_says_so(town: Settings) -> None:
    good = zip_of({"申請書.txt": b"x", "../外.txt": b"x"})
    done = add_files(town, [Upload("様式.zip", good), Upload("壊れた.zip", good[:-30]), Upload("偽.zip", b"no zip")])
    assert done.added == ("様式.zip",) and (town.corpus / "様式.zip").read_bytes() == good
    assert [note.code for note in done.notes] == ["unsafe_name"] and len(done.refused) == 2
    assert done.members == ("様式.zip/申請書.txt",)
    with pytest.raises(LibraryError, match="zip の中のファイルは"):
        delete_files(town, ["様式.zip/申請書.txt"])
    inside = add_files(town, [Upload("様式.zip/新.txt", b"x")])
    assert "zip の中" in inside.refused[0].message


def test_files_that_nobody_reads_or_that_are_empty_or_too_large_are_refused(town: Settings) -> None:
    small = dataclasses.replace(town, max_file_mb=1, max_upload_mb=2)
    big, fits = b"x" * 1_000_001, b"x" * 900_000
    uploads = [Upload("a.exe", b"x"), Upload("b.txt", b""), Upload("c.txt", big)]
    uploads += [Upload(f"{n}.txt", fits + bytes([48 + n])) for n in range(3)]
    done = add_files(small, uploads)
    assert done.added == ("0.txt", "1.txt")
    said = [refusal.message for refusal in done.refused]
    assert [("読めません" in said[0]), ("空" in said[1]), ("1 MB" in said[2]), ("合計" in said[3])] == [True] * 4


def test_the_same_name_twice_in_one_upload_is_refused_the_second_time(town: Settings) -> None:
    done = add_files(town, [Upload("a.txt", b"1"), Upload("a.txt", b"2")])
    assert done.added == ("a.txt",) and "二つ" in done.refused[0].message
    assert (town.corpus / "a.txt").read_bytes() == b"1"


def test_every_change_comes_back_byte_for_byte(town: Settings) -> None:
    before = everything(town.corpus)
    added = add_files(town, [Upload("新/a.txt", b"a"), Upload(TRAVEL, b"new")], replace=True).change
    deleted = delete_files(town, ["税務課/滞納整理の手引.txt", "環境課/ごみの出し方.md"])
    assert added is not None and "税務課/滞納整理の手引.txt" not in everything(town.corpus)
    assert [change.id for change in list_changes(town)] == [deleted.id, added.id]
    undo_change(town, deleted.id)
    undo_change(town, added.id)
    assert everything(town.corpus) == before
    with pytest.raises(LibraryError, match="もう元に戻して"):
        undo_change(town, added.id)
    assert not (town.corpus / STAGING).exists()


def test_what_an_undo_takes_away_is_kept_too(town: Settings) -> None:
    change = add_files(town, [Upload("a.txt", b"only here")]).change
    assert change is not None
    undo_change(town, change.id)
    assert b"only here" in everything(town.data_dir / TRASH / change.id).values()


def test_an_undo_is_refused_politely_where_something_else_stands(town: Settings) -> None:
    change = delete_files(town, [TRAVEL, "環境課/ごみの出し方.md"])
    (town.corpus / TRAVEL).write_bytes(b"somebody put a new one here")
    now = everything(town.corpus)
    with pytest.raises(LibraryError, match=r"元に戻せません: 総務課/職員旅費規程\.txt は"):
        undo_change(town, change.id)
    assert everything(town.corpus) == now
    with pytest.raises(LibraryError, match="残っていません"):
        undo_change(town, "../../etc")


def test_a_deleted_document_takes_its_row_along_and_never_comes_back_without_it(town: Settings) -> None:
    """What is said of a restricted document must be there again before it is."""
    metadata = town.corpus / "metadata.csv"
    row = next(line for line in METADATA.splitlines() if line.startswith("税務課/"))
    change = delete_files(town, ["税務課/滞納整理の手引.txt"])
    assert metadata.read_text(encoding="utf-8") == METADATA.replace(f"{row}\n", "")
    metadata.write_text("備考,公開範囲,ファイル\nメモ,総務課,総務課/職員旅費規程.txt\n", encoding="utf-8")
    undo_change(town, change.id)
    lines = metadata.read_text(encoding="utf-8").splitlines()
    assert lines[1] == "メモ,総務課,総務課/職員旅費規程.txt" and len(lines) == 3
    assert lines[2].startswith(",税務課,税務課/滞納整理の手引.txt,")
    assert (town.corpus / "税務課/滞納整理の手引.txt").is_file()


def test_replacing_keeps_the_name_and_wants_the_same_kind_of_file(town: Settings) -> None:
    replace_file(town, TRAVEL, b"new", name="R8.txt")
    assert (town.corpus / TRAVEL).read_bytes() == b"new"
    for source, content, name, reason in (
        (TRAVEL, b"%PDF-", "R8.pdf", "種類の違う"),
        ("無い.txt", b"x", "", "ありません"),
        (TRAVEL, b"new", "", "同じ内容"),
        ("../外.txt", b"x", "", "名前ではありません"),
    ):
        with pytest.raises(LibraryError, match=reason):
            replace_file(town, source, content, name=name)


def test_deleting_is_all_or_nothing(town: Settings) -> None:
    before = everything(town.corpus)
    for sources in ([TRAVEL, "無い.txt"], [], ["metadata.csv"], ["税務課"]):
        with pytest.raises(LibraryError):
            delete_files(town, sources)
    assert everything(town.corpus) == before


@pytest.mark.parametrize("placed", [0, 1, 2])
def test_a_change_that_was_killed_half_way_is_taken_back_by_the_next(town: Settings, placed: int) -> None:
    before = everything(town.corpus)
    change = add_files(town, [Upload("a.txt", b"a"), Upload(TRAVEL, b"new")], replace=True).change
    assert change is not None
    folder = town.data_dir / TRASH / change.id
    write_record(folder, change.at(Stage.BEGUN))
    if placed < 2:  # as if it had been killed after so many of its files
        (town.corpus / TRAVEL).write_bytes(before[TRAVEL])
    if placed < 1:
        (town.corpus / "a.txt").unlink()
    with ChangeStore(town).lock():
        pass
    assert everything(town.corpus) == before and list_changes(town) == ()


def test_an_undo_that_was_killed_half_way_comes_to_its_end(town: Settings) -> None:
    before = everything(town.corpus)
    change = delete_files(town, [TRAVEL])
    write_record(town.data_dir / TRASH / change.id, change.at(Stage.UNDOING))
    with ChangeStore(town).lock():
        pass
    assert everything(town.corpus) == before
    record = read_record(town.data_dir / TRASH / change.id)
    assert record is not None and record.stage is Stage.UNDONE


def test_a_change_that_cannot_be_finished_changes_nothing(town: Settings, tmp_path: Path) -> None:
    before = everything(town.corpus)
    (tmp_path / "new").write_bytes(b"x")
    steps = [Step(town.corpus / TRAVEL, None), Step(town.corpus / TRAVEL / "a.txt", tmp_path / "new")]
    (town.corpus / "ふさぐ").write_bytes(b"")
    steps[1] = Step(town.corpus / "ふさぐ" / "a.txt", tmp_path / "new")
    store = ChangeStore(town)
    with store.lock(), pytest.raises(LibraryError, match="変更していません"):
        store.apply(Action.ADD, steps)
    assert everything(town.corpus) == before | {"ふさぐ": b""} and list_changes(town) == ()


def test_the_trash_forgets_after_the_days_of_the_settings(town: Settings) -> None:
    old = delete_files(town, [TRAVEL])
    later = datetime.now(UTC) + timedelta(days=town.trash_days, minutes=1)
    earlier = datetime.now(UTC) + timedelta(days=town.trash_days, minutes=-1)
    assert ChangeStore(town, now=earlier).purge() == []
    assert ChangeStore(town, now=later).purge() == [old.id]
    with pytest.raises(LibraryError, match="30 日"):
        undo_change(town, old.id)


def test_a_corpus_that_is_not_there_is_said(town: Settings) -> None:
    away = dataclasses.replace(town, corpus=town.corpus / "無い")
    for act in (lambda: add_files(away, []), lambda: delete_files(away, ["a"]), lambda: undo_change(away, "a")):
        with pytest.raises(LibraryError, match="文書フォルダーが見つかりません"):
            act()
