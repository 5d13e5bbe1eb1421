"""Benchmark sets: read from a folder, written as real files for the product to index, and what is right in them.

A set is corpus.jsonl {id, title, text}, queries.jsonl {id, text, …}, qrels.tsv (query, document, grade), and for a PDF set the
folder pdf; retrieval_sets.toml says what form each is written in. A page, a row or a file is one document, named by its key:
`01.pdf#p4`, `faq.csv#r12`, `00007.md`.
"""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import tomllib
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path, PurePosixPath
from typing import Any

from rag.documents import Locator
from rag.errors import QuestionSetError, UsageError

CONFIGURATION = Path(__file__).with_name("retrieval_sets.toml")
CORPUS, QUERIES, QRELS, PDFS = "corpus.jsonl", "queries.jsonl", "qrels.tsv", "pdf"
FAQ_FILE, FIRST_ROW = "faq.csv", 2
_LAYOUT_HINT = (
    f"1行に1件の {CORPUS}（id・title・text）、{QUERIES}（id・text）、{QRELS}（質問・文書・段階）を置いてください。"
)
_UNPRINTED = re.compile(r"[\s、。,.・「」『』()\[\]【】…]")

Place = tuple[str, Locator]
"""A source and where in it."""


class Form(StrEnum):
    """What files a set is written as."""

    FAQ = "faq"
    PASSAGES = "passages"
    PDF = "pdf"


@dataclass(frozen=True, slots=True)
class BenchDocument:
    """One thing that can be found."""

    id: str
    place: Place
    title: str
    text: str

    @property
    def key(self) -> str:
        """The name that stands for its place."""
        return key_of(self.place)


@dataclass(frozen=True, slots=True)
class BenchQuestion:
    """One question. gold: key -> grade of what answers it; type: what kind of place answers it, where the set says so.

    answers: the words that answer it as they stand in the text, where the set marks them.
    """

    id: str
    text: str
    gold: Mapping[str, int]
    type: str | None = None
    answers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BenchSet:
    """A set that was read. questions: those with an answer; unscored: the ids of the others.

    twins: key -> the keys of all documents with the same text, its own among them. targets: figure -> least value.
    """

    name: str
    folder: Path
    form: Form
    documents: tuple[BenchDocument, ...]
    questions: tuple[BenchQuestion, ...]
    unscored: tuple[str, ...] = ()
    twins: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    targets: Mapping[str, float] = field(default_factory=dict)

    def canonical(self, question: BenchQuestion, key: str) -> str:
        """Return the key that stands for a document: its own, or that of a right document with the same text."""
        if key in question.gold:
            return key
        return next((twin for twin in self.twins.get(key, ()) if twin in question.gold), key)


def key_of(place: Place) -> str:
    """Return the key of the page, the row or the file that a place is in.

    >>> key_of(("町民課/faq.csv", Locator(sheet=None, row=12))), key_of(("計画.pdf", Locator(page=3))), key_of(("00007.md", Locator(line=5)))
    ('faq.csv#r12', '計画.pdf#p3', '00007.md')
    """
    source, locator = place
    name = unicodedata.normalize("NFC", PurePosixPath(source).name)
    if locator.page is not None:
        return f"{name}#p{locator.page}"
    return name if locator.row is None else f"{name}#r{locator.row}"


def find_sets(data: Path, names: Sequence[str] = ()) -> list[Path]:
    """Return the folders of the named sets, of all where none is named. Raises UsageError where there is none."""
    if not data.is_dir():
        raise UsageError(
            f"評価データのフォルダーがありません: {data}",
            "セットを並べたフォルダーの場所を `make bench-retrieval DATA=フォルダー` のように指定してください。",
        )
    known = {path.name: path for path in sorted(data.iterdir()) if (path / QRELS).is_file()}
    unknown = [name for name in names if name not in known]
    if unknown or not known:
        what = (
            f"{data} に、このセットはありません: {'、'.join(unknown)}" if unknown else f"{data} にセットがありません。"
        )
        raise UsageError(what, f"あるセット: {'、'.join(known)}" if known else _LAYOUT_HINT)
    return [known[name] for name in names or known]


def read_set(folder: Path) -> BenchSet:
    """Return the set of a folder. Raises QuestionSetError that names the file and the line that cannot be used."""
    described = _read_configuration().get(folder.name, {})
    form = Form(described.get("form", Form.PDF if (folder / PDFS).is_dir() else Form.PASSAGES))
    rows = _read_lines(folder / CORPUS)
    documents = tuple(_to_document(form, number, row) for number, row in enumerate(rows))
    keys = {document.id: document.key for document in documents}
    gold = _read_gold(folder / QRELS, keys)
    queries = _read_lines(folder / QUERIES)
    questions = [
        BenchQuestion(q["id"], q["text"], gold.get(q["id"], {}), q.get("type"), tuple(q.get("answers", ())))
        for q in queries
    ]
    return BenchSet(
        name=folder.name,
        folder=folder,
        form=form,
        documents=documents,
        questions=tuple(question for question in questions if question.gold),
        unscored=tuple(question.id for question in questions if not question.gold),
        twins=_find_twins(documents),
        targets=described.get("targets", {}),
    )


def write_corpus(bench_set: BenchSet, target: Path, dropped: frozenset[str] = frozenset()) -> None:
    """Write the documents of a set as files into a folder, which is emptied before. dropped: keys of those that are left out.

    The others keep their keys: in a sheet, an empty row stands for a document that is left out. A PDF set is written whole.
    """
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    if bench_set.form is Form.PDF:
        _copy_pdfs(bench_set.folder / PDFS, target)
    elif bench_set.form is Form.FAQ:
        rows = (("", "") if d.key in dropped else (d.title, d.text) for d in bench_set.documents)
        (target / FAQ_FILE).write_text(render_faq(rows), encoding="utf-8", newline="")
    else:
        for document in (d for d in bench_set.documents if d.key not in dropped):
            heading = f"# {document.title}\n\n" if document.title else ""
            (target / document.place[0]).write_text(f"{heading}{document.text}\n", encoding="utf-8")


def render_faq(rows: Iterable[tuple[str, str]]) -> str:
    """Return a Q&A sheet as CSV with a byte order mark, as staff keep it; its first row of (question, answer) is FIRST_ROW.

    >>> render_faq([("いつ", "4月"), ("", "")])
    '\\ufeff質問,回答\\r\\nいつ,4月\\r\\n,\\r\\n'
    """
    sheet = io.StringIO(newline="")
    csv.writer(sheet).writerows([("質問", "回答"), *rows])
    return f"\ufeff{sheet.getvalue()}"


def _copy_pdfs(source: Path, target: Path) -> None:
    if not source.is_dir():
        raise QuestionSetError(f"PDF のフォルダーがありません: {source}", f"セットの PDF を {PDFS} に置いてください。")
    for path in sorted(source.iterdir()):
        shutil.copyfile(path, target / path.name)


def _read_configuration() -> dict[str, Any]:
    return tomllib.loads(CONFIGURATION.read_text(encoding="utf-8"))


def _read_lines(path: Path) -> list[dict[str, Any]]:
    rows = []
    with _open(path) as stream:
        for number, line in enumerate(stream, start=1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
                rows.append({**row, "id": str(row["id"]), "text": str(row["text"])})
            except (ValueError, KeyError, TypeError) as error:
                raise QuestionSetError(f"{path} の {number} 行目を読めません。", _LAYOUT_HINT) from error
    return rows


def _read_gold(path: Path, keys: Mapping[str, str]) -> dict[str, dict[str, int]]:
    """Return question id -> key -> grade, of the documents that are there and answer (a grade of 1 or more)."""
    gold: dict[str, dict[str, int]] = defaultdict(dict)
    with _open(path) as stream:
        for number, line in enumerate(stream, start=1):
            try:
                question, document, grade = line.rstrip("\n").split("\t")
                if document in keys and int(grade) > 0:
                    gold[question][keys[document]] = int(grade)
            except ValueError as error:
                raise QuestionSetError(f"{path} の {number} 行目を読めません。", _LAYOUT_HINT) from error
    return gold


def _open(path: Path) -> Any:
    try:
        return path.open(encoding="utf-8")
    except FileNotFoundError as error:
        raise QuestionSetError(f"セットのファイルがありません: {path}", _LAYOUT_HINT) from error


def _to_document(form: Form, number: int, row: Mapping[str, Any]) -> BenchDocument:
    place = (f"{number:05d}.md", Locator())
    if form is Form.FAQ:
        place = (FAQ_FILE, Locator(row=number + FIRST_ROW))
    elif form is Form.PDF:
        source, _, page = row["id"].rpartition("#p")
        place = (source, Locator(page=int(page)))
    return BenchDocument(row["id"], place, row.get("title") or "", row["text"])


def _find_twins(documents: Sequence[BenchDocument]) -> dict[str, tuple[str, ...]]:
    """Return key -> keys of the documents whose printed characters are the same, marks and white space aside."""
    same: dict[str, list[str]] = defaultdict(list)
    for document in documents:
        printed = _UNPRINTED.sub("", unicodedata.normalize("NFKC", document.title + document.text)).lower()
        same[printed].append(document.key)
    return {key: tuple(keys) for keys in same.values() for key in keys}
