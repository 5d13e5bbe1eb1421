"""CSV files that people edit in Excel and we rewrite: one writer at a time, whole or not at all, no cell a formula."""

from __future__ import annotations

import csv
import io
import os
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from rag.batch import make_inert, read_rows
from rag.errors import ActivityError
from rag.indexing.durable import sync_folder

_WAIT_SECONDS = 30


@dataclass(slots=True)
class Table:
    """The rows of a file below its header. Columns that we do not know stay as they are; a row's number is that of its record."""

    header: list[str]
    rows: list[list[str]] = field(default_factory=list)

    def cell(self, place: int, column: str) -> str:
        """Return a cell, "" where the row is short."""
        at = self.header.index(column)
        return self.rows[place][at] if at < len(self.rows[place]) else ""

    def put(self, place: int, values: dict[str, str]) -> None:
        """Write some cells of a row; the place behind the last row makes a new one."""
        if place == len(self.rows):
            self.rows.append([])
        row = self.rows[place]
        row.extend([""] * (len(self.header) - len(row)))
        for column, value in values.items():
            row[self.header.index(column)] = value


def read_table(file: Path, columns: Sequence[str], *, required: Sequence[str]) -> Table:
    """Return the table of a file, an empty one where there is none. Raises ActivityError where a required column is missing."""
    if not file.is_file():
        return Table(list(columns))
    found = read_rows(file)
    header = [_read_heading(cell) for cell in found[0]] if found else []
    if missing := [column for column in required if column not in header]:
        raise ActivityError(
            f"{file} に列がありません: {'、'.join(missing)}",
            f"1行目の見出しを次のとおりに直してください: {','.join(columns)}",
        )
    table = Table(header, [[_read_cell(cell) for cell in row] for row in found[1:]])
    table.header += [column for column in columns if column not in header]
    return table


def write_table(file: Path, table: Table) -> None:
    """Write a table as CSV (UTF-8 with BOM) so that at every instant the file is the old one or the new one, whole.

    Raises ActivityError where the file cannot be replaced: Excel holds it open, the disk is full.
    """
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(
        [make_inert(c) for c in row] for row in [table.header, *table.rows]
    )
    temporary = file.with_name(f".{file.name}.tmp")  # hidden names are never indexed
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as stream:
            stream.write(text.getvalue().encode("utf-8-sig"))
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(file)
        sync_folder(file.parent)
    except OSError as error:
        raise ActivityError(
            f"書き込めません: {file}（{error.strerror}）",
            "Excel などで開いていれば閉じ、フォルダーの権限とディスクの空きを確かめて、もう一度実行してください。",
        ) from error


@contextmanager
def lock_tables(data_dir: Path) -> Iterator[None]:
    """Hold the lock of the tables, among threads and processes. Raises ActivityError when it is not free in time."""
    import filelock

    data_dir.mkdir(parents=True, exist_ok=True)
    try:
        with filelock.FileLock(data_dir / "tables.lock", timeout=_WAIT_SECONDS):
            yield
    except filelock.Timeout as error:
        raise ActivityError(
            "ほかの人が Q&A の表を書き込んでいます。", "少し待ってから、もう一度実行してください。"
        ) from error


def _read_heading(cell: str) -> str:
    return "".join(unicodedata.normalize("NFKC", cell.lstrip("\ufeff")).split()).replace("/", "／")


def _read_cell(cell: str) -> str:
    """Return a cell without the mark that made it inert."""
    return cell[1:] if cell.startswith("'") and make_inert(cell[1:]) == cell else cell
