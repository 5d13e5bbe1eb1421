"""The places that a row names: documents and pages or rows in two cells, one or several, however people separate them.

`;` and a line break always separate, `、` and a comma where every part by itself is understood: a file name may hold one. The n-th
place belongs to the n-th document; several places of one document all belong to it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from eval.document_names import DocumentNames, find_documents, normalize_source
from eval.places import Gold, parse_places
from eval.question_sheet import DOCUMENT, PLACE, CellProblem, SheetRow, report_cell
from rag.activity.place_cells import form_of

_LISTED = re.compile("[;；\r\n]+")
_COMMA = re.compile("[、，,]")
_THOUSANDS = re.compile("[0-9０-９]{1,3}(?:[,，][0-9０-９]{3})+")
_CHECK = "`python -m eval check 質問集` が、索引での名前を示します"


@dataclass(frozen=True, slots=True)
class NamedPlace:
    """A place with what the row says for it. document: as the cell has it."""

    gold: Gold
    document: str
    place: str


@dataclass(frozen=True, slots=True)
class RowPlaces:
    """The places of a row that are understood, and what is wrong with the others."""

    named: tuple[NamedPlace, ...]
    problems: tuple[CellProblem, ...]

    @property
    def gold(self) -> tuple[Gold, ...]:
        """The places by themselves."""
        return tuple(named.gold for named in self.named)


def read_row_places(row: SheetRow, names: DocumentNames | None) -> RowPlaces:
    """Return the places of a row. names: of the documents in the index, None where only whole names can be understood."""
    documents = split_documents(row[DOCUMENT], names)
    sources = [find_documents(document, names) for document in documents]
    problems = [
        report_cell(row, DOCUMENT, _describe_unclear(document, found, names))
        for document, found in zip(documents, sources, strict=True)
        if len(found) != 1
    ]
    known = [found[0] if len(found) == 1 else None for found in sources]
    entries = _pair_places(row[PLACE], known)
    if entries is None:
        count = len(_split_flat(row[PLACE]))
        told = f"期待する文書が{len(documents)}件、ページ／行が{count}件です（; で区切り、同じ数を同じ順に書いてください）。"
        return RowPlaces((), (*problems, report_cell(row, PLACE, told)))
    named: list[NamedPlace] = []
    for document, source, place in ((documents[at], known[at], place) for at, place in entries):
        if source is None:
            continue
        try:
            named += [NamedPlace(gold, document, place) for gold in parse_places(source, place)]
        except ValueError as error:
            told = f"ページ／行「{place}」（{document}）が分かりません（{error}）。"
            problems.append(report_cell(row, PLACE, told))
    return RowPlaces(tuple(named), tuple(problems))


def split_documents(cell: str, names: DocumentNames | None) -> list[str]:
    """Return the names of documents in a cell.

    >>> split_documents("a.pdf;要綱、要領.pdf", None), split_documents("a.pdf、b.pdf\\n c.csv", None)
    (['a.pdf', '要綱、要領.pdf'], ['a.pdf', 'b.pdf', 'c.csv'])
    """
    return [name for part in _split(cell, _LISTED) for name in _split_names(part, names)]


def _split_names(part: str, names: DocumentNames | None) -> list[str]:
    pieces = _split(part, _COMMA)
    if names is not None and (names.find(part) or all(map(names.find, pieces))):
        return [part] if names.find(part) else pieces
    return pieces if all(form_of(piece) for piece in pieces) else [part]


def _pair_places(cell: str, sources: Sequence[str | None]) -> list[tuple[int, str]] | None:
    """Return the entries of a cell, each with the number of its document, from 0; None where the counts do not fit."""
    listed = _split(cell, _LISTED)
    if len(listed) == len(sources):
        return [(at, place) for at, entry in enumerate(listed) for place in _split_places(entry)]
    flat = _split_flat(cell)
    if len(flat) == len(sources):
        return list(enumerate(flat))
    return [(0, place) for place in flat] if len(sources) == 1 and flat else None


def _split_flat(cell: str) -> list[str]:
    return [place for entry in _split(cell, _LISTED) for place in _split_places(entry)]


def _split_places(entry: str) -> list[str]:
    """Return the parts of an entry where each is a place by itself; of a sheet, a number alone is of the sheet before it."""
    pieces = list(_inherit_sheet(_split(entry, _COMMA)))
    is_list = len(pieces) > 1 and not _THOUSANDS.fullmatch(entry) and all(map(_looks_like_a_place, pieces))
    return pieces if is_list else [entry]


def _inherit_sheet(pieces: Sequence[str]) -> Iterator[str]:
    sheet = ""
    for piece in pieces:
        is_number = re.fullmatch(r"\d+\s*行?目?", piece) is not None
        sheet = sheet if is_number else re.sub(r"[^:：!！]*$", "", piece)
        yield sheet + piece if is_number else piece


def _looks_like_a_place(piece: str) -> bool:
    return any(_is_understood(document, piece) for document in ("a.pdf", "a.xlsx"))


def _is_understood(document: str, place: str) -> bool:
    try:
        return bool(parse_places(document, place))
    except ValueError:
        return False


def _split(cell: str, separators: re.Pattern[str]) -> list[str]:
    return [part.strip() for part in separators.split(cell) if part.strip()]


def _describe_unclear(document: str, found: Sequence[str], names: DocumentNames | None) -> str:
    if found:
        return f"文書「{document}」は {len(found)} 件あります: {'、'.join(found)}。どれかを書いてください。"
    if names is None:
        return f"文書「{document}」の種類が分かりません。文書フォルダーの中の名前を、拡張子（.pdf など）まで書いてください（{_CHECK}）。"
    near = names.nearest(document)
    hint = f"近い名前: {'、'.join(near)}。" if near else "文書フォルダーの中の名前を、フォルダーから書いてください。"
    return f"文書「{normalize_source(document)}」が索引にありません。{hint}"
