"""The rows of synonyms.csv and dictionary.csv as they are edited: what is wrong in a cell, and what the rows mean."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from enum import StrEnum

from rag.library.metadata_table import CellProblem
from rag.reading.wording import DICTIONARY_FILE, MIN_CHARS, SYNONYMS_FILE
from rag.text import squeeze
from rag.wording import Name

MAX_WORD_CHARS, MAX_ROWS = 100, 20_000
_FORMULA_STARTS = ("=", "+", "-", "@")


class WordingKind(StrEnum):
    """Which of the two tables."""

    SYNONYMS = "synonyms"
    DICTIONARY = "dictionary"

    @property
    def label(self) -> str:
        """The Japanese name."""
        return "同義語" if self is WordingKind.SYNONYMS else "辞書"

    @property
    def file(self) -> str:
        """The name of the table in the corpus."""
        return SYNONYMS_FILE if self is WordingKind.SYNONYMS else DICTIONARY_FILE

    @property
    def header(self) -> tuple[str, ...]:
        """The headings of a new table."""
        if self is WordingKind.SYNONYMS:
            return ("代表語", "同義語1", "同義語2", "同義語3", "同義語4", "備考")
        return ("語", "読み", "別表記1", "別表記2", "備考")

    @property
    def first(self) -> str:
        """The heading of the column that no row leaves empty."""
        return self.header[0]

    @property
    def others(self) -> str:
        """How the headings of the columns with other words begin."""
        return "同義語" if self is WordingKind.SYNONYMS else "別表記"


def check_rows(kind: WordingKind, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> tuple[CellProblem, ...]:
    """Return what is wrong in the cells of edited rows, in their order. Rows are counted from 1."""
    return tuple(_find_faults(kind, columns, rows))


def _find_faults(kind: WordingKind, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[CellProblem]:
    if len(rows) > MAX_ROWS:
        yield CellProblem(0, "", f"行が多すぎます（上限 {MAX_ROWS:,} 行）。", "使わない行を消してください。")
        return
    seen: dict[str, tuple[int, str]] = {}
    for number, row in enumerate(rows, start=1):
        cells = {column: cell.strip() for column, cell in zip(columns, row, strict=True)}
        for column, cell in cells.items():
            if cell and (fault := _find_cell_fault(cell)):
                yield CellProblem(number, column, f"「{cell[:30]}」は使えません。", fault)
        if any(cells.values()) and not cells[kind.first]:
            yield CellProblem(number, kind.first, f"{kind.first}が空です。", "語を書くか、行を消してください。")
        words = [(column, cells[column]) for column in word_columns(columns, kind) if cells[column]]
        if kind is WordingKind.SYNONYMS and len(words) == 1 and cells[kind.first]:
            yield CellProblem(number, f"{kind.others}1", "同義語がありません。", "同じ意味の語を書いてください。")
        for column, word in words:
            key = squeeze(word)
            if len(key) < MIN_CHARS:
                yield CellProblem(
                    number, column, f"1文字の語は使いません: {word}", f"{MIN_CHARS}文字以上の語にしてください。"
                )
            elif key in seen:
                where = f"{seen[key][0]}行目の{seen[key][1]}"
                yield CellProblem(
                    number, column, f"同じ語が{where}にもあります: {word}", "どちらかの行にまとめてください。"
                )
            seen.setdefault(key, (number, column))


def _find_cell_fault(cell: str) -> str | None:
    if any(unicodedata.category(letter) in ("Cc", "Cs", "Cf", "Zl", "Zp") for letter in cell):
        return "改行や目に見えない文字を除いてください。"
    if cell.startswith(_FORMULA_STARTS):
        return "表計算ソフトが式と見なす文字（= + - @）で始めないでください。"
    return f"{MAX_WORD_CHARS} 字までにしてください。" if len(cell) > MAX_WORD_CHARS else None


def word_columns(columns: Sequence[str], kind: WordingKind) -> list[str]:
    """Return the columns that hold words: the first, and those with others of the same meaning."""
    return [kind.first, *(column for column in columns if column.startswith(kind.others))]


def read_groups(columns: Sequence[str], kind: WordingKind, rows: Sequence[Sequence[str]]) -> Iterator[tuple[str, ...]]:
    """Yield the groups of synonyms that rows say."""
    for row in rows:
        cells = dict(zip(columns, row, strict=True))
        words = tuple(cells[column] for column in word_columns(columns, kind) if cells[column])
        if len(words) > 1:
            yield words


def read_names(columns: Sequence[str], kind: WordingKind, rows: Sequence[Sequence[str]]) -> Iterator[Name]:
    """Yield the names that rows of the dictionary say."""
    for row in rows:
        cells = dict(zip(columns, row, strict=True))
        others = tuple(cells[column] for column in word_columns(columns, kind)[1:] if cells[column])
        if cells[kind.first]:
            yield Name(cells[kind.first], cells.get("読み", ""), others)
