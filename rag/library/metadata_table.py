"""metadata.csv edited cell by cell: checked before anything is written, and every other row keeps its bytes."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rag.errors import LibraryError, ReadingError
from rag.library.changes import ChangeStore, Step
from rag.library.records import Action, Change, SavedRow
from rag.library.tables import RawTable, read_table
from rag.reading.listing import Listing
from rag.reading.metadata import FIELDS, FILE_COLUMN, METADATA_FILE, MetadataRow, parse_cell, read_metadata
from rag.reading.options import ReadingOptions
from rag.reading.registry import list_corpus
from rag.settings import Settings

HEADER = (FILE_COLUMN, *FIELDS)
MAX_CELL_CHARS = 500
_FORMULA_STARTS = ("=", "+", "-", "@")


@dataclass(frozen=True, slots=True)
class CellEdit:
    """What one cell is to say. column: one of the Japanese headings of `FIELDS`; text: "" to clear it."""

    source: str
    column: str
    text: str


@dataclass(frozen=True, slots=True)
class CellProblem:
    """Why a cell cannot say that. row: from 1, of the edits (metadata) or of the rows (wording) as they were handed in."""

    row: int
    column: str
    message: str
    remedy: str


@dataclass(frozen=True, slots=True)
class TableEdit:
    """What became of an edit. problems: nothing was written. change: None where nothing was to be changed. notes: what else is wrong."""

    problems: tuple[CellProblem, ...] = ()
    change: Change | None = None
    notes: tuple[str, ...] = ()


def edit_metadata(settings: Settings, edits: Sequence[CellEdit], *, who: str = "") -> TableEdit:
    """Write what cells of metadata.csv are to say; a document without a row gets one, a missing column its heading.

    Nothing is written where any of the cells is wrong. Raises LibraryError for a table that cannot be read or written.
    """
    store = ChangeStore(settings)
    with store.lock(), store.staging() as staging:
        listing = _list(settings)
        problems = tuple(_check(edits, listing))
        if problems:
            return TableEdit(problems)
        path = settings.corpus / METADATA_FILE
        table = _parse(path)
        edited = _write_cells(table, edits, listing.metadata)
        if edited == table:
            return TableEdit()
        new = staging / METADATA_FILE
        new.write_bytes(edited.to_bytes())
        _check_meaning(new, listing, edits)
        return TableEdit(change=store.apply(Action.METADATA, [Step(path, new)], who=who))


def remove_rows(path: Path, sources: Sequence[str], staging: Path) -> tuple[Path | None, tuple[SavedRow, ...]]:
    """Write a metadata.csv without the rows of documents that go; return it (None where there are none) and the rows.

    sources: files, and archives with all that is in them. A table that cannot be read stays as it is.
    """
    if not path.is_file():
        return None, ()
    table = _parse(path)
    column = _columns(table).get(FILE_COLUMN)
    gone = [place for place, name in _names(table, column) if _is_one_of(name, sources)]
    if not gone:
        return None, ()
    saved = tuple(_save(table, place) for place in gone)
    new = staging / METADATA_FILE
    new.write_bytes(table.without(gone).to_bytes())
    return new, saved


def put_back_rows(path: Path, rows: Sequence[SavedRow], staging: Path) -> Path | None:
    """Write a metadata.csv with rows that it once had; None where it has rows of those documents already."""
    table = before = _parse(path)
    for row in rows:
        cells = dict(row.cells)
        columns = _columns(table)
        known = {name for _, name in _names(table, columns.get(FILE_COLUMN))}
        if cells.get(FILE_COLUMN) in known:
            continue
        for name in cells:
            table, _ = _with_column(table, name)
        columns = _columns(table)
        values = [""] * (max(columns.values()) + 1)
        for name, text in row.cells:
            values[columns[name]] = text
        table = table.insert(min(row.place, len(table.records)), table.record(values))
    if table == before:
        return None
    new = staging / METADATA_FILE
    new.write_bytes(table.to_bytes())
    return new


def _list(settings: Settings) -> Listing:
    try:
        return list_corpus(settings.corpus, options=ReadingOptions.from_settings(settings))
    except ReadingError as error:
        raise LibraryError(error.message, error.hint) from error


def _parse(path: Path) -> RawTable:
    try:
        return read_table(path, HEADER)
    except ReadingError as error:
        raise LibraryError(error.message, error.hint) from error


def _check(edits: Sequence[CellEdit], listing: Listing) -> list[CellProblem]:
    sources = {file.source for file in listing.files}
    problems = []
    for row, edit in enumerate(edits, start=1):
        if edit.column not in FIELDS:
            problems.append(CellProblem(row, edit.column, "知らない列です。", f"使える列: {'、'.join(FIELDS)}"))
        elif edit.source not in sources:
            message = f"その文書は文書フォルダーにありません: {edit.source}"
            problems.append(CellProblem(row, edit.column, message, "一覧を読み込み直してください。"))
        elif wrong := _find_fault(edit.column, edit.text.strip()):
            problems.append(
                CellProblem(row, edit.column, f"{edit.column}「{edit.text.strip()[:50]}」は使えません。", wrong)
            )
    return problems


def _find_fault(column: str, text: str) -> str | None:
    """Return how to write what a cell is to say, None where it is right."""
    if any(unicodedata.category(letter) in ("Cc", "Cs", "Cf", "Zl", "Zp") for letter in text):
        return "改行や目に見えない文字を除いてください。"
    if text.startswith(_FORMULA_STARTS):
        return "表計算ソフトが式と見なす文字（= + - @）で始めないでください。"
    if len(text) > MAX_CELL_CHARS:
        return f"{MAX_CELL_CHARS} 字までにしてください。"
    try:
        parse_cell(column, text) if text else None
    except ValueError as error:
        return str(error)
    return None


def _write_cells(table: RawTable, edits: Sequence[CellEdit], rows: Mapping[str, MetadataRow]) -> RawTable:
    new: dict[str, int] = {}
    table, file_column = _with_column(table, FILE_COLUMN)
    for edit in edits:
        text, row = edit.text.strip(), rows.get(edit.source)
        place = row.row - 1 if row else new.get(edit.source)
        if place is None and not text:
            continue
        table, column = _with_column(table, edit.column)
        if place is None:
            place = new[edit.source] = len(table.records)
            table = table.append(table.record([*[""] * file_column, edit.source]))
        values = table.values(table.records[place])
        if (values[column].strip() if column < len(values) else "") != text:
            table = table.set_value(place, column, text)
    return table


def _columns(table: RawTable) -> dict[str, int]:
    """Return heading -> column of the first record with anything in it, as `read_metadata` sees them."""
    place = _header_place(table)
    cells = table.values(table.records[place]) if place is not None else ()
    return {unicodedata.normalize("NFKC", cell.strip()): column for column, cell in enumerate(cells)}


def _header_place(table: RawTable) -> int | None:
    return next((p for p, r in enumerate(table.records) if any(value.strip() for value in table.values(r))), None)


def _with_column(table: RawTable, name: str) -> tuple[RawTable, int]:
    """Return the table with a heading of that name, at the right where it has none, and its column."""
    columns = _columns(table)
    if name in columns:
        return table, columns[name]
    place = _header_place(table)
    if place is None:
        table = table.append(table.record(HEADER))
        return _with_column(table, name)
    column = len(table.records[place].cells)
    return table.set_value(place, column, name), column


def _names(table: RawTable, column: int | None) -> list[tuple[int, str]]:
    """Return (place, name of the file) of each row below the header."""
    header = _header_place(table)
    if column is None or header is None:
        return []
    found = []
    for place, record in enumerate(table.records[header + 1 :], start=header + 1):
        values = table.values(record)
        if column < len(values) and values[column].strip():
            found.append((place, values[column].strip()))
    return found


def _is_one_of(name: str, sources: Sequence[str]) -> bool:
    """Tell whether a row is about one of the files, as it is written in full (a bare name may be meant for another one)."""
    written = unicodedata.normalize("NFC", name).replace("\\", "/").removeprefix("./").lstrip("/")
    return any(written == source or written.startswith(f"{source}/") for source in sources)


def _save(table: RawTable, place: int) -> SavedRow:
    values, columns = table.values(table.records[place]), _columns(table)
    cells = [(name, values[column]) for name, column in columns.items() if name and column < len(values)]
    return SavedRow(place, tuple((name, text) for name, text in cells if text))


def _check_meaning(new: Path, listing: Listing, edits: Sequence[CellEdit]) -> None:
    """Raise LibraryError unless the new table says of the edited documents what is wanted, and of the others what it said."""
    rows, _ = read_metadata(new, [file.source for file in listing.files], out_of_sight=listing.inaccessible)
    edited = {edit.source for edit in edits}
    before = {source: row for source, row in listing.metadata.items() if source not in edited}
    last = {(edit.source, edit.column): edit.text.strip() for edit in edits}
    wanted = {key: parse_cell(key[1], text) if text else None for key, text in last.items()}
    said = {key: getattr(rows.get(key[0]), FIELDS[key[1]], None) or None for key in last}
    if said != {key: value or None for key, value in wanted.items()} or before != {
        source: row for source, row in rows.items() if source not in edited
    }:
        message = f"{METADATA_FILE} の読み方が思わぬところで変わってしまうため、書き換えませんでした。"
        raise LibraryError(message, "Excel で開いて、引用符の閉じ忘れなどを直してください。")
