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
    (tmp_path / f"表.{suffix}").write_bytes(WRITERS[suffix](rows))
    listing = list_corpus(tmp_path)
    document = read_document(listing.files[0], path=tmp_path / f"表.{suffix}", sha256="00", listing=listing)
    chunks = split_document(document, max_chars=400)
    tables = [chunk for chunk in chunks if chunk.kind is ChunkKind.ROW]

    read = [read_row(chunk, unit.start, unit.end) for chunk in tables for unit in split_units(chunk, 0)]
    assert [[(cell.heading, cell.text) for cell in row if cell.text] for row in read] == [
        [(heading, cell) for heading, cell in zip(rows[0], row, strict=True) if cell] for row in rows[1:]
    ]
    assert find_uncovered(document, chunks) == []


def test_a_quoted_row_is_shown_below_the_headings_of_its_own_cells() -> None:
    assert split_record("\t…町外の者\t備考…小人\t350円\t中学生以下") == [
        ("", "小人"),
        ("町外の者", "350円"),
        ("備考", "中学生以下"),
    ]
    assert split_record("区分…備考…小人\t350円\t中学生以下") == []
