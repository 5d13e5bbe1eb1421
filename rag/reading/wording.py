"""synonyms.csv and dictionary.csv: the tables in which staff say how their town speaks. One cell holds one word."""

from __future__ import annotations

import functools
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from rag.documents import Problem
from rag.errors import ReadingError
from rag.reading.encoding import read_text_bytes
from rag.reading.records import Record
from rag.reading.sheets import parse_records
from rag.text import squeeze
from rag.wording import Name

SYNONYMS_FILE, DICTIONARY_FILE = "synonyms.csv", "dictionary.csv"
STARTER_FILE = Path(__file__).with_name(SYNONYMS_FILE)
"""The table that is used where a corpus has no synonyms.csv of its own."""
MIN_CHARS = 2
_WORD, _SYNONYM, _NAME, _READING, _OTHER, _NOTE = "代表語", "同義語", "語", "読み", "別表記", "備考"
_KEPT = "前に読んだ内容があれば、それを使い続けます。"
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class WordingTables:
    """What the tables of a corpus say; None where one cannot be read at the moment, so that what was known of it stays."""

    groups: tuple[tuple[str, ...], ...] | None = ()
    names: tuple[Name, ...] | None = ()
    problems: tuple[Problem, ...] = ()


def read_wording(corpus: Path) -> WordingTables:
    """Read the tables of a corpus folder; whatever is wrong is a problem. Without a synonyms.csv the starter table counts."""
    groups, wrong_groups = _read_safely(corpus / SYNONYMS_FILE, read_synonyms, missing=read_starter)
    names, wrong_names = _read_safely(corpus / DICTIONARY_FILE, read_dictionary, missing=_read_no_names)
    return WordingTables(groups, names, (*wrong_groups, *wrong_names))


def _read_no_names() -> tuple[Name, ...]:
    return ()


@functools.cache
def read_starter() -> tuple[tuple[str, ...], ...]:
    """Return the table that comes with the package: words of citizens and of staff that mean the same in any municipality."""
    return read_synonyms(STARTER_FILE)[0]


def read_synonyms(path: Path) -> tuple[tuple[tuple[str, ...], ...], list[Problem]]:
    """Return the groups of a synonyms.csv, and what is wrong by row. Raises ReadingError, OSError when nothing can be read."""
    table = _Table(path, SYNONYMS_FILE, first=_WORD, others=_SYNONYM)
    groups = []
    for row, words in table.rows():
        if len(words) >= 2:
            groups.append(tuple(words))
        elif words:
            table.report(row, f"同義語がない行です: {words[0]}", f"同じ意味の語を{_SYNONYM}の列に書いてください。")
    return tuple(groups), table.problems


def read_dictionary(path: Path) -> tuple[tuple[Name, ...], list[Problem]]:
    """Return the names of a dictionary.csv, and what is wrong by row. Raises ReadingError, OSError when nothing can be read."""
    table = _Table(path, DICTIONARY_FILE, first=_NAME, others=_OTHER, more=(_READING,))
    names = []
    for row, words in table.rows():
        if words:
            names.append(Name(words[0], table.cell(row, _READING), tuple(words[1:])))
    return tuple(names), table.problems


def _read_safely(
    path: Path, read: Callable[[Path], tuple[_T, list[Problem]]], *, missing: Callable[[], _T]
) -> tuple[_T | None, list[Problem]]:
    """Return what a table says, None where it cannot be read as a whole, with its problems."""
    if not path.is_file():
        return missing(), []
    try:
        return read(path)
    except ReadingError as error:
        return None, [Problem(path.name, "wording", f"{error.message}{_KEPT}", error.hint)]
    except OSError as error:  # open in Excel on a share
        message = f"{path.name} を開けません（{error.strerror or error}）。{_KEPT}"
        return None, [Problem(path.name, "inaccessible", message, "ほかの人が開いていないか確かめてください。")]


class _Table:
    """A table of words: a first column, and any number of columns with others of the same meaning."""

    def __init__(self, path: Path, name: str, *, first: str, others: str, more: Sequence[str] = ()) -> None:
        text, problems = read_text_bytes(path.read_bytes(), name)
        self.problems = list(problems)
        self._name, self._first = name, first
        self._records = [record for record in parse_records(text, name) if record.filled]
        cells = self._records[0].cells if self._records else ()
        header = {unicodedata.normalize("NFKC", cell): column for column, cell in enumerate(cells) if cell}
        expected = f"{first},{''.join(f'{column},' for column in more)}{others}1,{others}2"
        if first not in header:
            message = f"{name} の1行目に列「{first}」がありません。"
            raise ReadingError(message, f"1行目に {expected} を書いてください。", code="wording")
        self._columns = {more_: header[more_] for more_ in more if more_ in header}
        self._words = [header[first], *(column for title, column in header.items() if title.startswith(others))]
        self._seen: dict[str, int] = {}
        for title, column in header.items():
            if column not in (*self._words, *self._columns.values()) and not title.startswith(_NOTE):
                self.report(self._records[0], f"知らない列です: {title}", f"使える列: {expected},{_NOTE}")

    def rows(self) -> Iterator[tuple[Record, list[str]]]:
        """Yield each row with its usable words; a row without its first word is reported and left out."""
        for record in self._records[1:]:
            first, *others = (record.cell(column) for column in self._words)
            if not first:
                self.report(record, f"列「{self._first}」が空の行です。", "語を書くか、行を消してください。")
                yield record, []
                continue
            words = [word for word in (first, *others) if word and self._take(record, word)]
            yield record, words if words and words[0] == first else []

    def cell(self, record: Record, column: str) -> str:
        """Return the cell of one of the further columns, "" where there is none."""
        return record.cell(self._columns.get(column))

    def report(self, record: Record, message: str, remedy: str) -> None:
        """Note what is wrong in a row."""
        self.problems.append(Problem(self._name, "wording", message, remedy, row=record.row))

    def _take(self, record: Record, word: str) -> bool:
        """Tell whether a word can be used: long enough, and nowhere else in the table."""
        key = squeeze(word)
        if len(key) < MIN_CHARS:
            self.report(record, f"1文字の語は使いません: {word}", f"{MIN_CHARS}文字以上の語にしてください。")
            return False
        if key in self._seen:
            message = f"同じ語が {self._seen[key]} 行目にもあり、こちらは使いません: {word}"
            self.report(record, message, "どちらかの行にまとめてください。")
            return False
        self._seen[key] = record.row
        return True
