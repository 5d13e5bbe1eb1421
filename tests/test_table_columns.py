"""The cells of a row stand below their own headings, in whatever file the table is: with an empty corner, and with empty cells."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from html import escape
from pathlib import Path

import docx
import openpyxl
import pytest

from rag.answering.rows import read_row
from rag.answering.units import split_units
from rag.documents import ChunkKind
from rag.indexing.chunks import find_uncovered, split_document
from rag.reading.registry import list_corpus, read_document
from rag.web.cards import split_record

CORNER = (
    ("", "町内の者", "町外の者", "備考"),
    ("大人", "300円", "600円", ""),
    ("小人", "", "350円", "中学生以下"),
    ("団体", "200円", "", "20人以上"),
)
INSIDE = (
    ("区分", "", "町外の者", "備考"),
    ("大人", "300円", "600円", "券売機で払う"),
    ("小人", "", "350円", "中学生以下"),
)
Rows = tuple[tuple[str, ...], ...]


def _write_csv(rows: Rows) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode("cp932")


def _write_excel(rows: Rows) -> bytes:
    book, data = openpyxl.Workbook(), io.BytesIO()
    assert book.active is not None
    for row in rows:
        book.active.append([cell or None for cell in row])
    book.save(data)
    return data.getvalue()


def _write_markdown(rows: Rows) -> bytes:
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join(["# 使用料", "", lines[0], "|---" * len(rows[0]) + "|", *lines[1:]]).encode()


def _to_html(rows: Rows) -> str:
    tags = ("th", *("td" for _ in rows[1:]))
    lines = ["".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in row) for tag, row in zip(tags, rows, strict=True)]
    style = "table{border-collapse:collapse}th,td{border:1px solid black;padding:6px;min-width:5em;height:1em}"
    body = f"<h1>使用料</h1><table>{''.join(f'<tr>{line}</tr>' for line in lines)}</table>"
    return f"<html><head><style>{style}</style></head><body>{body}</body></html>"


def _write_html(rows: Rows) -> bytes:
    return _to_html(rows).encode()


def _write_word(rows: Rows) -> bytes:
    document, data = docx.Document(), io.BytesIO()
    table = document.add_table(len(rows), len(rows[0]))
    for line, row in zip(table.rows, rows, strict=True):
        for cell, text in zip(line.cells, row, strict=True):
            cell.text = text
    document.save(data)
    return data.getvalue()


def _write_pdf(rows: Rows) -> bytes:
    weasyprint = pytest.importorskip("weasyprint", exc_type=ImportError)
    return bytes(weasyprint.HTML(string=_to_html(rows)).write_pdf())


WRITERS: dict[str, Callable[[Rows], bytes]] = {
    "csv": _write_csv,
    "xlsx": _write_excel,
    "md": _write_markdown,
    "html": _write_html,
    "docx": _write_word,
    "pdf": _write_pdf,
}


@pytest.mark.parametrize("rows", [CORNER, INSIDE], ids=["corner", "inside"])
@pytest.mark.parametrize("suffix", WRITERS)
def test_a_cell_stands_below_its_heading_where_other_cells_and_headings_are_empty(
    suffix: str, rows: Rows, tmp_path: Path
) -> None:
    assert _read(tmp_path, suffix, WRITERS[suffix](rows)) == [
        [(heading, cell) for heading, cell in zip(rows[0], row, strict=True) if cell] for row in rows[1:]
    ]


def _read(folder: Path, suffix: str, data: bytes) -> list[list[tuple[str, str]]]:
    """Return the cells of each row of a file's tables, with their headings; those that are empty are left out."""
    (folder / f"表.{suffix}").write_bytes(data)
    listing = list_corpus(folder)
    document = read_document(listing.files[0], path=folder / f"表.{suffix}", sha256="00", listing=listing)
    chunks = split_document(document, max_chars=400)
    assert find_uncovered(document, chunks) == []
    tables = [chunk for chunk in chunks if chunk.kind is ChunkKind.ROW]
    read = [read_row(chunk, unit.start, unit.end) for chunk in tables for unit in split_units(chunk, 0)]
    return [[(cell.heading, cell.text) for cell in row if cell.text] for row in read]


def test_headings_of_two_lines_in_excel_are_no_line(tmp_path: Path) -> None:
    book, data = openpyxl.Workbook(), io.BytesIO()
    sheet = book.active
    assert sheet is not None
    for row in (
        (None, "使用料", None, "備考"),
        (None, "町内", "町外", None),
        ("大人", "300円", "600円", "18歳以上"),
        ("小人", None, "350円", None),
    ):
        sheet.append(row)
    sheet.merge_cells("B1:C1")
    book.save(data)

    assert _read(tmp_path, "xlsx", data.getvalue())[-1] == [("", "小人"), ("", "350円")]


def test_a_cell_over_two_columns_below_a_header_of_two_lines_has_no_heading(tmp_path: Path) -> None:
    weasyprint = pytest.importorskip("weasyprint", exc_type=ImportError)
    rows = (
        "<tr><th rowspan=2></th><th colspan=2>使用料</th></tr><tr><th>町内</th><th>町外</th></tr>"
        "<tr><td>大人</td><td>300円</td><td>600円</td></tr><tr><td>障害者</td><td colspan=2>無料</td></tr>"
    )
    style = "table{border-collapse:collapse}th,td{border:1px solid black;padding:6px;min-width:5em;height:1em}"
    page = weasyprint.HTML(string=f"<style>{style}</style><table>{rows}</table>").write_pdf()

    assert _read(tmp_path, "pdf", page)[-1] == [("", "障害者"), ("", "無料")]


def test_a_markdown_table_without_headings_has_none_of_the_table_before(tmp_path: Path) -> None:
    text = """# 手引

| 手続 | 手数料 | 期限 |
|---|---|---|
| 転入届 | 無料 | 14日以内 |

## 内線番号

|  |  |  |
|---|---|---|
| 税務課 | 102 | 1階 |
"""
    assert _read(tmp_path, "md", text.encode())[-1] == [("", "税務課"), ("", "102"), ("", "1階")]


def test_an_escaped_bar_of_markdown_is_a_character_of_its_cell(tmp_path: Path) -> None:
    text = "| 記号 | 意味 |\n|---|---|\n| a \\| b | 600円 |\n| c | d \\| |\n"
    assert _read(tmp_path, "md", text.encode()) == [
        [("記号", "a \\| b"), ("意味", "600円")],
        [("記号", "c"), ("意味", "d \\|")],
    ]


def test_a_cell_with_an_ellipsis_keeps_its_record() -> None:
    assert split_record("区分\t額…大人…\t300円") == [("区分", "大人…"), ("額", "300円")]
    assert split_record("備考\n町内…小人\t350円") == []


def test_a_quoted_row_is_shown_below_the_headings_of_its_own_cells() -> None:
    assert split_record("\t町外の者…\t備考…小人\t350円\t中学生以下") == [
        ("", "小人"),
        ("町外の者", "350円"),
        ("備考", "中学生以下"),
    ]
    assert split_record("区分…備考…小人\t350円\t中学生以下") == []
