"""synonyms.csv and dictionary.csv edited in place: tried on a question before they are saved, checked, and written row by row."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rag.assistant import Assistant, Trial
from rag.documents import EVERYONE, Asker, Problem
from rag.errors import LibraryError, ReadingError
from rag.library.changes import ChangeStore, Step
from rag.library.metadata_table import CellProblem, TableEdit
from rag.library.records import Action
from rag.library.tables import RawRecord, RawTable, read_table
from rag.library.wording_rows import WordingKind, check_rows, read_groups, read_names, word_columns
from rag.reading.wording import STARTER_FILE, read_dictionary, read_synonyms, read_wording
from rag.settings import Settings
from rag.wording import Wording

__all__ = ["WordingKind", "WordingTable", "WordingTrial", "edit_wording", "read_wording_table", "try_wording"]


@dataclass(frozen=True, slots=True)
class WordingTable:
    """A table as it is edited. rows: cells under the columns, rows without any cell left out. problems: what is wrong in the file.

    is_starter: the table of the package, which counts as long as the corpus has none of its own.
    """

    kind: WordingKind
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    problems: tuple[Problem, ...] = ()
    is_starter: bool = False


@dataclass(frozen=True, slots=True)
class WordingTrial:
    """A question with the wording of the index, and with an edited table. problems: rows that would not be used.

    note: what becomes true only when the corpus is indexed.
    """

    before: Trial
    after: Trial
    problems: tuple[CellProblem, ...] = ()
    note: str = ""


def read_wording_table(settings: Settings, kind: WordingKind) -> WordingTable:
    """Return a table of the corpus, or the one that counts in its place. Raises LibraryError for one that cannot be read."""
    path = _find_table(settings, kind)
    table = _parse(path, kind)
    header = _header_place(table)
    columns = tuple(_clean(value) for value in table.values(table.records[header]))
    rows = (_values(table, record, len(columns)) for record in table.records[header + 1 :])
    problems = _read(path, kind)[1] if path.is_file() and path.stat().st_size else []
    is_starter = path == STARTER_FILE
    return WordingTable(kind, columns, tuple(row for row in rows if any(row)), tuple(problems), is_starter)


def edit_wording(settings: Settings, kind: WordingKind, rows: Sequence[Sequence[str]], *, who: str = "") -> TableEdit:
    """Write a table anew; rows that are as they were keep their bytes. rows: cells under the columns of `read_wording_table`.

    Nothing is written where a row that was changed is wrong; what was wrong before is noted. Raises LibraryError for a table that
    cannot be read or written.
    """
    store = ChangeStore(settings)
    with store.lock(), store.staging() as staging:
        shown = read_wording_table(settings, kind)
        wide = _widen(shown, rows)
        cells = [_fit(row, len(wide.columns)) for row in rows]
        wrong = check_rows(kind, wide.columns, cells)
        known = set(wide.rows)
        problems = tuple(p for p in wrong if not p.row or cells[p.row - 1] not in known)
        if problems:
            return TableEdit(problems)
        if tuple(cells) == wide.rows:
            return TableEdit()
        table = _parse(_find_table(settings, kind), kind)
        new = staging / kind.file
        new.write_bytes(_rewrite(table, wide.columns, cells).to_bytes())
        _read(new, kind)
        action = Action.SYNONYMS if kind is WordingKind.SYNONYMS else Action.DICTIONARY
        change = store.apply(action, [Step(settings.corpus / kind.file, new)], who=who)
        return TableEdit(change=change, notes=tuple(f"{p.row}行目: {p.message}" for p in wrong))


def try_wording(
    assistant: Assistant,
    settings: Settings,
    question: str,
    kind: WordingKind,
    rows: Sequence[Sequence[str]],
    *,
    asker: Asker = EVERYONE,
) -> WordingTrial:
    """Return how a question is understood, and what is found, now and with edited rows; nothing is written or indexed.

    Raises UsageError as `Assistant.ask` does, LibraryError for a table that cannot be read.
    """
    table = _widen(read_wording_table(settings, kind), rows)
    cells = [_fit(row, len(table.columns)) for row in rows]
    problems = check_rows(kind, table.columns, cells)
    saved = read_wording(settings.corpus)
    wording = Wording(saved.groups or (), saved.names or ())
    usable = [row for number, row in enumerate(cells, start=1) if number not in {problem.row for problem in problems}]
    if kind is WordingKind.SYNONYMS:
        wording = replace(wording, groups=tuple(read_groups(table.columns, kind, usable)))
    else:
        wording = replace(wording, names=tuple(read_names(table.columns, kind, usable)))
    before, after = assistant.try_wording(question, asker=asker), assistant.try_wording(question, wording, asker=asker)
    new = sorted(set(after.names) - set(before.names))
    note = f"「{'」「'.join(new)}」は、次の取り込みから、文書の中でも一つの語として探せます。" if new else ""
    return WordingTrial(before, after, problems, note)


# --- the file ---------------------------------------------------------------------------------------------------------


def _fit(row: Sequence[str], width: int) -> tuple[str, ...]:
    """Return the stripped cells of a row, as many as the table has columns."""
    cells = tuple(cell.strip() for cell in row)[:width]
    return (*cells, *[""] * (width - len(cells)))


def _widen(table: WordingTable, rows: Sequence[Sequence[str]]) -> WordingTable:
    """Return a table with a further column of other words for each cell that stands beyond its columns."""
    width = max((place + 1 for row in rows for place, cell in enumerate(row) if cell.strip()), default=0)
    more = width - len(table.columns)
    if more <= 0:
        return table
    last = len(word_columns(table.columns, table.kind)) - 1
    columns = (*table.columns, *(f"{table.kind.others}{last + number}" for number in range(1, more + 1)))
    return replace(table, columns=columns, rows=tuple(_fit(row, len(columns)) for row in table.rows))


def _find_table(settings: Settings, kind: WordingKind) -> Path:
    path = settings.corpus / kind.file
    return STARTER_FILE if kind is WordingKind.SYNONYMS and not path.is_file() else path


def _parse(path: Path, kind: WordingKind) -> RawTable:
    try:
        table = read_table(path, kind.header)
    except ReadingError as error:
        raise LibraryError(error.message, error.hint) from error
    place = _header_place(table)
    if kind.first not in map(_clean, table.values(table.records[place])):
        message = f"{kind.file} の1行目に列「{kind.first}」がありません。"
        raise LibraryError(message, f"Excel で開き、1行目に {'、'.join(kind.header)} を書いてください。")
    return table


def _clean(heading: str) -> str:
    return unicodedata.normalize("NFKC", heading.strip())


def _header_place(table: RawTable) -> int:
    return next((p for p, r in enumerate(table.records) if any(v.strip() for v in table.values(r))), 0)


def _read(path: Path, kind: WordingKind) -> tuple[object, list[Problem]]:
    """Read a table as the index run will. Raises LibraryError where that cannot be done."""
    read: Callable[[Path], tuple[object, list[Problem]]]
    read = read_synonyms if kind is WordingKind.SYNONYMS else read_dictionary
    try:
        return read(path)
    except ReadingError as error:
        raise LibraryError(error.message, error.hint) from error


def _values(table: RawTable, record: RawRecord, width: int) -> tuple[str, ...]:
    values = tuple(value.strip() for value in table.values(record))[:width]
    return (*values, *[""] * (width - len(values)))


def _rewrite(table: RawTable, columns: Sequence[str], rows: Sequence[tuple[str, ...]]) -> RawTable:
    """Return the table with these rows below its header; a row that was there is taken as it stands in the file."""
    header = _header_place(table)
    for column in range(len(table.records[header].cells), len(columns)):
        table = table.set_value(header, column, columns[column])
    old: dict[tuple[str, ...], list[RawRecord]] = {}
    for record in table.records[header + 1 :]:
        old.setdefault(_values(table, record, len(columns)), []).append(record)
    records = [kept.pop(0) if (kept := old.get(row)) else table.record(row) for row in rows if any(row)]
    return table.with_records([*table.records[: header + 1], *records])
