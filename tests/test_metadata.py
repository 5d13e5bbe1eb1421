"""metadata.csv is read leniently and reported by row; names of folders and files fill what it leaves open."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from rag.documents import Kind
from rag.errors import ReadingError
from rag.reading.editions import find_year
from rag.reading.metadata import MetadataRow, find_kind, parse_audience, read_metadata, resolve_metadata

SOURCES = ["税務課/手引.pdf", "規程.txt", "福祉課/様式.xlsx", "税務課/様式.xlsx"]
HEADER = "ファイル,表題,種別,所管課,内線,年度,施行日,公開範囲\n"


def write(folder: Path, text: str, encoding: str = "cp932") -> Path:
    path = folder / "metadata.csv"
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize("encoding", ["utf-8-sig", "cp932", "utf-16"])
def test_a_row_says_everything(tmp_path: Path, encoding: str) -> None:
    text = HEADER + "税務課/手引.pdf,課税の手引,マニュアル,税務課,121,令和7年度,令和7年4月1日,税務課・市民課\n"
    rows, problems = read_metadata(write(tmp_path, text, encoding), SOURCES)
    assert rows == {
        "税務課/手引.pdf": MetadataRow(
            2, "課税の手引", Kind.MANUAL, "税務課", "121", 2025, date(2025, 4, 1), ("税務課", "市民課")
        )
    }
    assert problems == []


def test_files_may_be_named_the_windows_way_or_by_a_name_that_is_unique(tmp_path: Path) -> None:
    rows, problems = read_metadata(write(tmp_path, "ファイル,年度\n.\\税務課\\様式.xlsx,R6\n手引.pdf,2024\n"), SOURCES)
    assert {source: row.year for source, row in rows.items()} == {"税務課/様式.xlsx": 2024, "税務課/手引.pdf": 2024}
    assert problems == []


def test_what_is_wrong_is_reported_by_row_and_the_rest_is_used(tmp_path: Path) -> None:
    text = (
        "ファイル,種別,年度,施行日,備考\n"
        "規程.txt,規則集,昨年,2025-02-30,x\n"
        "\n"
        "ない.pdf,計画,2024,2024/4/1,\n"
        "様式.xlsx,,,,\n"
        "規程.txt,計画,,,\n"
    )
    rows, problems = read_metadata(write(tmp_path, text), SOURCES)
    assert rows == {"規程.txt": MetadataRow(2)}
    assert [(p.code, p.row) for p in problems] == [
        ("metadata_column", 1),
        ("metadata_value", 2),
        ("metadata_value", 2),
        ("metadata_value", 2),
        ("metadata_file", 4),
        ("metadata_file", 5),
        ("metadata_duplicate", 6),
    ]
    assert all(p.source == "metadata.csv" and p.remedy for p in problems)


@pytest.mark.parametrize("text", ["", "名前,年度\na,2024\n"])
def test_without_the_file_column_nothing_is_opened(tmp_path: Path, text: str) -> None:
    with pytest.raises(ReadingError, match="ファイル"):
        read_metadata(write(tmp_path, text), SOURCES)


def test_what_is_unclear_about_the_audience_stays_closed() -> None:
    assert parse_audience("全職員・人事課") == ("人事課",)
    assert parse_audience("非公開") == ("非公開",)
    assert parse_audience("") == ()


def test_metadata_csv_wins_over_the_file_and_that_over_its_name() -> None:
    source = "総務部/人事課/R5/旅費Q&A.csv"
    assert resolve_metadata(source, title=None, kind=None, row=None).kind is Kind.FAQ
    found = resolve_metadata(source, title="旅費の問答", kind=Kind.FAQ, row=None)
    assert (found.title, found.department, found.year) == ("旅費の問答", "人事課", 2023)
    row = MetadataRow(2, title="旅費", kind=Kind.RULE, year=2025, audience=("人事課",))
    said = resolve_metadata(source, title="旅費の問答", kind=Kind.FAQ, row=row)
    assert (said.title, said.kind, said.year, said.audience) == ("旅費", Kind.RULE, 2025, ("人事課",))
    assert said.department == "人事課"


@pytest.mark.parametrize(
    ("name", "year"),
    [
        ("平成30年度決算", 2018),
        ("H30_決算", 2018),
        ("2024予算", 2024),
        ("20240401通知", None),
        ("2021-2030計画", None),
        ("様式R", None),
    ],
)
def test_years_of_names(name: str, year: int | None) -> None:
    assert find_year(name) == year


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("第6次総合計画", Kind.PLAN),
        ("計画策定要領", Kind.RULE),
        ("窓口の手引き改訂のお知らせ", Kind.NOTICE),
        ("ＦＡＱ一覧", Kind.FAQ),
        ("議事録", None),
    ],
)
def test_kinds_of_names(name: str, kind: Kind | None) -> None:
    assert find_kind(name) is kind
