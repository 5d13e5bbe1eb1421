"""A CSV file taken apart and put together again: what nobody changes keeps its very bytes, whatever its encoding or line ends.

`rag.reading` reads the meaning of a table; here only the places of its cells matter.
"""

from __future__ import annotations

import codecs
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rag.errors import LibraryError
from rag.reading.encoding import decode_text
from rag.reading.sheets import find_delimiter

NEW_ENCODING, NEW_LINE_END = "utf-8-sig", "\r\n"
"""What Excel opens by a double click, and writes itself as 「CSV UTF-8」."""
_LINE_ENDS = ("\r\n", "\n", "\r")
_BYTE_ORDER_MARKS = {"utf-8-sig": codecs.BOM_UTF8}
_ASCII_STANDS_ALONE = ("utf-8", "utf-8-sig", "cp932", "euc_jp", "euc_jis_2004")
"""Encodings in which no byte of a longer character is a quotation mark, a delimiter or a line end."""


@dataclass(frozen=True, slots=True)
class RawRecord:
    """One record as it stands in the file: its cells with their quotation marks, and the line end after it."""

    cells: tuple[str, ...]
    line_end: str

    @property
    def values(self) -> tuple[str, ...]:
        """The cells as people read them, white space around them included."""
        return tuple(map(read_cell, self.cells))

    def with_value(self, column: int, value: str, delimiter: str) -> RawRecord:
        """Return the record with another value in a column; a short record grows."""
        cells = [*self.cells, *[""] * (column + 1 - len(self.cells))]
        cells[column] = write_cell(value, delimiter)
        return replace(self, cells=tuple(cells))


@dataclass(frozen=True, slots=True)
class RawTable:
    """A CSV file. Of an encoding in which ASCII stands alone the characters of `records` are its bytes (Latin-1)."""

    mark: bytes
    encoding: str
    delimiter: str
    records: tuple[RawRecord, ...]

    @classmethod
    def new(cls, header: Sequence[str]) -> RawTable:
        """Return a table that has a header and nothing else."""
        table = cls(codecs.BOM_UTF8, NEW_ENCODING, ",", ())
        return replace(table, records=(table.record(header),))

    @classmethod
    def parse(cls, data: bytes, name: str) -> RawTable:
        """Take a file apart. Raises ReadingError (encoding), LibraryError for one that cannot be put together again."""
        text, encoding = decode_text(data, name)
        delimiter = find_delimiter(text.replace("\r\n", "\n").replace("\r", "\n"))
        mark, encoding = _find_mark(data, encoding)
        body = data[len(mark) :]
        raw = body.decode("latin-1") if encoding in _ASCII_STANDS_ALONE else body.decode(encoding)
        table = cls(mark, encoding, delimiter, tuple(split_records(raw, delimiter)))
        if table.to_bytes() != data:
            message = f"{name} の文字コード（{encoding}）では、ほかの行をそのままに書き換えられません。"
            raise LibraryError(message, "Excel で開き、「CSV UTF-8」で保存し直してください。")
        return table

    def to_bytes(self) -> bytes:
        """Return the bytes of the file."""
        text = "".join(self.delimiter.join(record.cells) + record.line_end for record in self.records)
        return self.mark + text.encode("latin-1" if self._is_bytewise else self.encoding)

    def values(self, record: RawRecord) -> tuple[str, ...]:
        """Return the cells of a record as people read them."""
        return tuple(self._from_raw(value) for value in record.values)

    def record(self, values: Sequence[str]) -> RawRecord:
        """Return a new record of this table. Raises LibraryError for a character that its encoding lacks."""
        cells = [write_cell(value, self.delimiter) for value in values]
        return RawRecord(tuple(map(self._to_raw, cells)), self._line_end)

    def append(self, record: RawRecord) -> RawTable:
        """Return the table with a record at its end; a last line without a line end gets one."""
        return self.insert(len(self.records), record)

    def insert(self, place: int, record: RawRecord) -> RawTable:
        """Return the table with a record in a place."""
        return self.with_records([*self.records[:place], record, *self.records[place:]])

    def with_records(self, records: Sequence[RawRecord]) -> RawTable:
        """Return a table of these records; all but the last end in a line end."""
        ended = [record if record.line_end else replace(record, line_end=self._line_end) for record in records[:-1]]
        return replace(self, records=(*ended, *records[-1:]))

    def set_value(self, place: int, column: int, value: str) -> RawTable:
        """Return the table with another value in one cell; every other cell keeps its bytes."""
        changed = self.records[place].with_value(column, self._to_raw(value), self.delimiter)
        return replace(self, records=(*self.records[:place], changed, *self.records[place + 1 :]))

    def without(self, places: Sequence[int]) -> RawTable:
        """Return the table without the records in some places."""
        return replace(self, records=tuple(r for place, r in enumerate(self.records) if place not in places))

    @property
    def _is_bytewise(self) -> bool:
        return self.encoding in _ASCII_STANDS_ALONE

    @property
    def _line_end(self) -> str:
        return next((record.line_end for record in self.records if record.line_end), NEW_LINE_END)

    def _to_raw(self, text: str) -> str:
        encoding = "utf-8" if self.encoding == "utf-8-sig" else self.encoding
        try:
            data = text.encode(encoding)
        except UnicodeEncodeError as error:
            raise LibraryError(
                f"「{text[error.start : error.end]}」は、この表の文字コード（{self.encoding}）では書けません。",
                "Excel で表を開き、「CSV UTF-8」で保存し直してから、もう一度入力してください。",
            ) from error
        return data.decode("latin-1") if self._is_bytewise else text

    def _from_raw(self, raw: str) -> str:
        if not self._is_bytewise:
            return raw
        return raw.encode("latin-1").decode("utf-8" if self.encoding == "utf-8-sig" else self.encoding, "replace")


def read_table(path: Path, header: Sequence[str]) -> RawTable:
    """Return the table of a file, a new one with a header where there is no file or nothing in it."""
    data = path.read_bytes() if path.is_file() else b""
    return RawTable.parse(data, path.name) if data else RawTable.new(header)


def split_records(text: str, delimiter: str) -> list[RawRecord]:
    r"""Return the records of a CSV text, cut where Python's csv module cuts them.

    >>> [(r.cells, r.line_end) for r in split_records('a,"b\n;c"\r\n\nd', ",")]
    [(('a', '"b\n;c"'), '\r\n'), (('',), '\n'), (('d',), '')]
    """
    records: list[RawRecord] = []
    cells: list[str] = []
    start, place, quoted = 0, 0, False
    while place < len(text):
        character = text[place]
        if quoted:
            quoted = character != '"' or text[place + 1 : place + 2] == '"'
            place += 2 if character == '"' and quoted else 1
        elif character == '"' and place == start:
            quoted, place = True, place + 1
        elif character == delimiter:
            cells.append(text[start:place])
            start = place = place + 1
        elif character in "\r\n":
            line_end = next(end for end in _LINE_ENDS if text.startswith(end, place))
            records.append(RawRecord((*cells, text[start:place]), line_end))
            cells, start = [], place + len(line_end)
            place = start
        else:
            place += 1
    if cells or start < len(text):
        records.append(RawRecord((*cells, text[start:]), ""))
    return records


def read_cell(raw: str) -> str:
    """Return what a cell says.

    >>> read_cell('"a ""b"" c"'), read_cell('a "b"')
    ('a "b" c', 'a "b"')
    """
    if not raw.startswith('"'):
        return raw
    inside: list[str] = []
    place = 1
    while place < len(raw):
        end = raw.find('"', place)
        if end < 0:
            return "".join([*inside, raw[place:]])
        inside.append(raw[place:end])
        if raw[end + 1 : end + 2] != '"':
            return "".join([*inside, raw[end + 1 :]])
        inside.append('"')
        place = end + 2
    return "".join(inside)


def write_cell(value: str, delimiter: str) -> str:
    """Return a value as it stands in a file.

    >>> write_cell("税務課", ","), write_cell('5,000円 "税込" 1枚', ",")
    ('税務課', '"5,000円 ""税込"" 1枚"')
    """
    if any(character in value for character in (delimiter, '"', "\r", "\n")) or value != value.strip():
        return '"' + value.replace('"', '""') + '"'
    return value


def _find_mark(data: bytes, encoding: str) -> tuple[bytes, str]:
    """Return the byte order mark of a file and the encoding of what comes after it."""
    if encoding == "utf-16":
        little = data.startswith(codecs.BOM_UTF16_LE)
        return data[:2], "utf-16-le" if little else "utf-16-be"
    return _BYTE_ORDER_MARKS.get(encoding, b""), encoding
