"""What a document is, besides its text: from corpus/metadata.csv, the file itself, and the names of folders and files.

文書名 in metadata.csv names a text by hand: all files with the same one are its editions, whatever they are called. 見直し日 is the
day by which the department looks at a document again; it says nothing about whether the text is in force.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path, PurePosixPath
from typing import Any

from rag.documents import Kind, Metadata, Page, Problem
from rag.eras import ERA_YEAR, western_year
from rag.errors import ReadingError
from rag.reading.editions import Marks, find_marks
from rag.reading.encoding import read_text_bytes
from rag.reading.records import Record
from rag.reading.sheets import parse_records

METADATA_FILE = "metadata.csv"
EVERY_STAFF = "全職員"
FIELDS = {
    "表題": "title",
    "種別": "kind",
    "所管課": "department",
    "内線": "extension",
    "年度": "year",
    "施行日": "effective_date",
    "公開範囲": "audience",
    "文書名": "work",
    "見直し日": "review_by",
}
FILE_COLUMN = "ファイル"
_YEAR = re.compile(rf"(?:{ERA_YEAR}|([0-9]{{4}}))\s*(?:年度?)?")
_DATE = re.compile(rf"(?:{ERA_YEAR}|([0-9]{{4}}))[-/.年]\s*([0-9]{{1,2}})[-/.月]\s*([0-9]{{1,2}})日?")
_DEPARTMENT = re.compile(r"(?:[0-9]+[_\-. ]*)?(.+(?:課|室|局|部|係|センター|委員会))")
_KIND_WORDS = {
    Kind.FAQ: r"q\s*[&＆]\s*a|faq|よくある(?:ご)?質問|想定問答|問答集",
    Kind.MANUAL: r"マニュアル|手引き?|手順書?|ガイド(?:ブック|ライン)?|ハンドブック|操作説明書?",
    Kind.RULE: r"要綱|規程|規則|条例|要領|内規|訓令",
    Kind.PLAN: r"計画書?|ビジョン|構想|戦略",
    Kind.NOTICE: r"通知|お知らせ|通達|事務連絡|周知",
}


@dataclass(frozen=True, slots=True)
class MetadataRow:
    """What metadata.csv says of one file; None where its cell is empty. audience: () means every member of staff."""

    row: int
    title: str | None = None
    kind: Kind | None = None
    department: str | None = None
    extension: str | None = None
    year: int | None = None
    effective_date: date | None = None
    audience: tuple[str, ...] = ()
    work: str | None = None
    review_by: date | None = None


def read_metadata(
    path: Path, sources: Collection[str], *, out_of_sight: Collection[str] = ()
) -> tuple[dict[str, MetadataRow], list[Problem]]:
    """Return what metadata.csv says by source, and what is wrong in it by row.

    out_of_sight: folders and archives whose files nobody can see at the moment; what is said of a file in them is kept.
    Raises ReadingError when the file as a whole cannot be read: to go on would open restricted documents to everyone.
    """
    text, problems = read_text_bytes(path.read_bytes(), METADATA_FILE)
    records = [record for record in parse_records(text, METADATA_FILE) if record.filled]
    header = (
        {unicodedata.normalize("NFKC", cell): column for column, cell in enumerate(records[0].cells)} if records else {}
    )
    if FILE_COLUMN not in header:
        message = f"{METADATA_FILE} の1行目に列「{FILE_COLUMN}」がありません。"
        raise ReadingError(message, f"1行目に {'、'.join([FILE_COLUMN, *FIELDS])} を書いてください。", code="metadata")
    reader = _MetadataReader(header, sources, tuple(f"{place}/" for place in out_of_sight))
    reader.problems += problems
    reader.report_unknown_columns(records[0].row)
    for record in records[1:]:
        reader.read(record)
    return reader.rows, reader.problems


class _MetadataReader:
    """Reads the rows of metadata.csv one by one, and collects them with the problems found."""

    def __init__(self, header: Mapping[str, int], sources: Collection[str], out_of_sight: tuple[str, ...]) -> None:
        self.rows: dict[str, MetadataRow] = {}
        self.problems: list[Problem] = []
        self._header = header
        self._sources = set(sources)
        self._out_of_sight = out_of_sight
        self._by_name: dict[str, list[str]] = {}
        for source in sources:
            self._by_name.setdefault(PurePosixPath(source).name, []).append(source)

    def report_unknown_columns(self, row: int) -> None:
        """Report the columns that nobody reads."""
        for name in self._header:
            if name and name != FILE_COLUMN and name not in FIELDS:
                self._report(
                    row, "metadata_column", f"知らない列です: {name}", f"使える列: {'、'.join([FILE_COLUMN, *FIELDS])}"
                )

    def read(self, record: Record) -> None:
        """Take one row in, or report why not."""
        written = record.cell(self._header[FILE_COLUMN])
        source = self._find_source(written)
        if source is None:
            remedy = "コーパスのフォルダーから見たファイルの場所（例: 税務課/手引.pdf）に直してください。"
            self._report(
                record.row,
                "metadata_file",
                f"そのファイルは一つに決まりません、またはありません: {written or '（空欄）'}",
                remedy,
            )
        elif source in self.rows:
            message = f"同じファイルの行が {self.rows[source].row} 行目にもあり、この行は使いません: {source}"
            self._report(record.row, "metadata_duplicate", message, "行を一つにまとめてください。")
        else:
            self.rows[source] = MetadataRow(record.row, **self._read_cells(record))

    def _find_source(self, written: str) -> str | None:
        source = unicodedata.normalize("NFC", written).replace("\\", "/").removeprefix("./").lstrip("/")
        if source in self._sources or source.startswith(self._out_of_sight):
            return source
        same_name = self._by_name.get(source, [])
        return same_name[0] if len(same_name) == 1 else None

    def _read_cells(self, record: Record) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for name, field in FIELDS.items():
            cell = record.cell(self._header.get(name))
            if not cell:
                continue
            try:
                values[field] = parse_cell(name, cell)
            except ValueError as error:
                self._report(
                    record.row, "metadata_value", f"{name}「{cell}」を読めず、空欄として扱います。", str(error)
                )
        return values

    def _report(self, row: int, code: str, message: str, remedy: str) -> None:
        self.problems.append(Problem(METADATA_FILE, code, message, remedy, row=row))


def parse_cell(column: str, cell: str) -> Any:
    """Return what a cell of one of the FIELDS says. Raises ValueError with how to write it.

    >>> parse_cell("年度", "R7"), parse_cell("表題", "手引")
    (2025, '手引')
    """
    return _PARSERS.get(FIELDS[column], str)(cell)


def parse_kind(text: str) -> Kind:
    """Return the kind of a Japanese label or an English name. Raises ValueError with the known ones.

    >>> parse_kind("計画"), parse_kind("Ｑ＆Ａ"), parse_kind("faq")
    (<Kind.PLAN: 'plan'>, <Kind.FAQ: 'faq'>, <Kind.FAQ: 'faq'>)
    """
    wanted = unicodedata.normalize("NFKC", text).strip().lower()
    for kind in Kind:
        if wanted in (kind.value, kind.label.lower()):
            return kind
    raise ValueError(f"種別は {'、'.join(kind.label for kind in Kind)} のどれかにしてください。")


def parse_year(text: str) -> int:
    """Return the western fiscal year. Raises ValueError.

    >>> [parse_year(text) for text in ["令和7年度", "R7", "2025", "令和元年度", "Ｈ３１"]]
    [2025, 2025, 2025, 2019, 2019]
    """
    match = _YEAR.fullmatch(unicodedata.normalize("NFKC", text).strip())
    if not match or not 1868 <= (year := western_year(match[1], match[2], match[3])) <= 2200:
        raise ValueError("年度は 令和7年度、R7、2025 のように書いてください。")
    return year


def parse_date(text: str) -> date:
    """Return a day. Raises ValueError.

    >>> [str(parse_date(text)) for text in ["2025-04-01", "2025/4/1", "令和7年4月1日", "R7.4.1"]]
    ['2025-04-01', '2025-04-01', '2025-04-01', '2025-04-01']
    """
    match = _DATE.fullmatch(unicodedata.normalize("NFKC", text).strip())
    try:
        if match:
            return date(western_year(match[1], match[2], match[3]), int(match[4]), int(match[5]))
    except ValueError:
        pass
    raise ValueError("日付は 2025-04-01、2025/4/1、令和7年4月1日 のように、ある日付で書いてください。")


def parse_audience(text: str) -> tuple[str, ...]:
    """Return the departments that may read a document, () for all staff.

    A department beside 全職員 limits, as does any name that no one has: what is unclear stays closed.

    >>> parse_audience("全職員"), parse_audience("税務課・市民課")
    ((), ('税務課', '市民課'))
    """
    names = (name.strip() for name in re.split(r"[・･、,，;/／\n]", unicodedata.normalize("NFC", text)))
    return tuple(dict.fromkeys(name for name in names if name and name != EVERY_STAFF))


_PARSERS: dict[str, Callable[[str], Any]] = {
    "kind": parse_kind,
    "year": parse_year,
    "effective_date": parse_date,
    "audience": parse_audience,
    "review_by": parse_date,
}


def resolve_metadata(
    source: str, *, title: str | None, kind: Kind | None, row: MetadataRow | None, pages: Sequence[Page] = ()
) -> Metadata:
    """Return the metadata of a document: metadata.csv wins over the file itself (title, kind), that over its names.

    pages: where the title page or the supplementary provisions say from when on the text is in force.

    >>> found = resolve_metadata("税務課/令和6年度課税事務マニュアル.pdf", title=None, kind=None, row=None)
    >>> found.title, found.kind.value, found.department, found.year
    ('令和6年度課税事務マニュアル', 'manual', '税務課', 2024)
    """
    path = PurePosixPath(source)
    names = [path.stem, *reversed(path.parts[:-1])]
    found = Metadata(
        title=title or path.stem,
        kind=kind or next(_kinds_of([*names, title or ""]), Kind.OTHER),
        department=find_department(path.parts[:-1]),
    )
    said = {field: value for field in FIELDS.values() if (value := getattr(row, field, None)) not in (None, ())}
    found = replace(found, **said)
    marks = find_marks(
        source, title=found.title, kind=found.kind, pages=pages, said=Marks(found.year, found.effective_date)
    )
    return replace(found, year=marks.year, effective_date=marks.effective_date, edition=marks.edition)


def _kinds_of(names: Collection[str]) -> Iterator[Kind]:
    return (kind for name in names if (kind := find_kind(name)) is not None)


def find_kind(name: str) -> Kind | None:
    """Return the kind that a name speaks of; of several words the last one counts.

    >>> find_kind("総合計画策定マニュアル"), find_kind("住民票Ｑ＆Ａ"), find_kind("様式1")
    (<Kind.MANUAL: 'manual'>, <Kind.FAQ: 'faq'>, None)
    """
    clean = unicodedata.normalize("NFKC", name).lower()
    places = [(match.end(), kind) for kind, words in _KIND_WORDS.items() for match in re.finditer(words, clean)]
    return max(places)[1] if places else None


def find_department(folders: tuple[str, ...]) -> str | None:
    """Return the department that the outermost folders name, the innermost of them: 総務部/税務課 is 税務課.

    An archive counts as a folder where it has the name of a department, and as nothing where it has another.

    >>> find_department(("01_総務部", "税務課", "様式")), find_department(("様式", "税務課"))
    ('税務課', None)
    >>> find_department(("税務課.zip", "様式")), find_department(("様式.zip", "税務課"))
    ('税務課', '税務課')
    """
    department = None
    for folder in folders:
        name = re.sub(r"\.zip$", "", unicodedata.normalize("NFC", folder), flags=re.IGNORECASE)
        match = _DEPARTMENT.fullmatch(name)
        if match:
            department = match[1]
        elif name == folder:
            break
    return department
