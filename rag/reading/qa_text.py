"""What is written of a Q&A record besides its question and answer: the cells of its other columns, each behind its heading."""

from __future__ import annotations

from collections.abc import Iterator

from rag.reading.records import Columns, Record


def find_categories(record: Record, columns: Columns, section: tuple[str, ...]) -> Iterator[str]:
    """Yield the categories of a record that are not those of the section that it stands in."""
    for column in columns.categories:
        category = " ".join(record.cell(column).split())
        if category and category not in section:
            yield category


def write_extra_lines(record: Record, header: Record, columns: Columns) -> Iterator[str]:
    """Yield the other cells of a Q&A record, each behind its heading: 「担当課: 税務課（内線121）」."""
    for column in columns.categories:
        yield _labelled(header.cell(column), record.cell(column))
    department, extension = record.cell(columns.department), record.cell(columns.extension)
    if department and extension:
        name = "内線" if "内線" in header.cell(columns.extension) else ""
        extension = f"（{extension if name in extension else name + extension}）"
        yield _labelled(header.cell(columns.department), department + extension)
    else:
        yield _labelled(header.cell(columns.department), department)
        yield _labelled(header.cell(columns.extension), extension)
    for column in (*columns.others, *range(len(header.cells), len(record.cells))):
        if record.origin(column) == column:
            yield _labelled(header.cell(column), record.cell(column))


def _labelled(label: str, cell: str) -> str:
    return f"{' '.join(label.split())}: {cell}" if label and cell else cell
