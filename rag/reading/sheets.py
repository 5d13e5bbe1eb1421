"""CSV and Excel files -> one page for each sheet. Macros are never run, what is hidden is reported and not indexed."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from rag.documents import Content, Kind, Problem
from rag.errors import ReadingError
from rag.reading.encoding import read_text_bytes
from rag.reading.options import DEFAULT_OPTIONS, ReadingOptions
from rag.reading.records import Record
from rag.reading.sheet_page import SheetPage, build_sheet_page

_DELIMITERS = (",", "\t", ";")
_SAMPLE_ROWS = 50


def read_csv(path: Path, source: str, options: ReadingOptions = DEFAULT_OPTIONS) -> Content:
    """Return a CSV or TSV file as one page; a locator's row is the number of the record, blank ones included.

    Raises ReadingError (codes encoding, broken).
    """
    text, problems = read_text_bytes(path.read_bytes(), source)
    built = build_sheet_page(parse_records(text, source), number=1)
    return build_content([built], [*problems, *report_skipped(built, source)])


def parse_records(text: str, source: str) -> list[Record]:
    """Return the records of a CSV text, blank ones too, its delimiter found by trial.

    >>> [record.cells for record in parse_records('品名;単価\\n"鉛筆;赤";80\\n', "a.csv")]
    [('品名', '単価'), ('鉛筆;赤', '80')]
    """
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=find_delimiter(text))
    try:
        return [Record(row, tuple(cell.strip() for cell in cells)) for row, cells in enumerate(reader, start=1)]
    except csv.Error as error:
        raise ReadingError(
            f"CSV として読めません: {source}（{reader.line_num} 行目の付近: {error}）",
            "二重引用符の閉じ忘れがないか確かめ、表計算ソフトで保存し直してください。",
            code="broken",
        ) from error


def find_delimiter(text: str) -> str:
    """Return the delimiter that splits the first records most evenly: comma, tab or semicolon."""
    return max(_DELIMITERS, key=lambda delimiter: _evenness(text, delimiter))


def _evenness(text: str, delimiter: str) -> tuple[float, int]:
    """Return the share of records with the commonest number of cells above one, and that number."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        widths = [len(cells) for cells, _ in zip(reader, range(_SAMPLE_ROWS), strict=False) if cells]
    except csv.Error:
        return 0.0, 0
    (width, count), *_ = Counter(widths).most_common(1) or [(0, 0)]
    return (count / len(widths), width) if width > 1 else (0.0, 0)


def build_content(pages: list[SheetPage], problems: list[Problem]) -> Content:
    """Return the content of a file of sheets: a FAQ when one of them is, named after the first title row."""
    return Content(
        pages=tuple(built.page for built in pages),
        problems=tuple(problems),
        title=next((built.title for built in pages if built.title), None),
        kind=Kind.FAQ if any(built.is_faq for built in pages) else None,
    )


def report_skipped(built: SheetPage, source: str) -> Iterator[Problem]:
    """Yield one problem when rows of a Q&A table held neither question nor answer."""
    if built.skipped_rows:
        yield Problem(
            source,
            "skipped_rows",
            f"質問も回答も空の行を {built.skipped_rows} 行とばしました。",
            "必要な行なら、質問か回答を書いてください。",
            page=built.page.number,
        )
