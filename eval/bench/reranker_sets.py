"""The collections that the reranker learns from, made of training pairs and written as a corpus that the product indexes.

passages   one Markdown file a passage, under the title of its article
pages      the same articles as documents of several pages; half of them without a telling title
faq        a sheet of official replies under their titles; asked with the whole inquiry
replies    the same sheet without titles; asked with the end of the inquiry
manuals    half of our topics as manuals of several pages, one heading a topic; asked in the words of people

No question or passage of them is seen by the embedder of the training, or its cosines would look better than they are.
"""

from __future__ import annotations

import gzip
import json
import random
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from eval.bench.retrieval_sets import FAQ_FILE, FIRST_ROW, render_faq
from rag.documents import Document, Metadata
from rag.indexing.pipeline import Pipeline, build_pipeline
from rag.models.pairs import Row, read_rows
from rag.models.topics import TITLE_MARK, Topic
from rag.reading.markdown import read_markdown
from rag.reading.registry import read_document

PUBLIC = Path(__file__).with_name("reranker_public.json")
"""The reranker as it is learned from these collections."""
FIXED = {"opposite": -6.0}
"""Weights that are set and not learned: too few questions name what has an opposite. With today's scale the odds fall to a ninth."""
ARTICLES = 250
QUESTIONS = 700
"""Questions of each collection."""
_SEED = 1
_PAGE_CHARS = 900
_PAGE_BREAK = "\f"
_PAGED = ".paged.md"
_LAST_CHARS = 160
Place = tuple[str, int | None]
"""Where a passage stands: source, and the page or row."""


@dataclass(frozen=True, slots=True)
class Collection:
    """A corpus of its own. files: source -> text; questions: (question, the place of its passage)."""

    name: str
    files: Mapping[str, str]
    questions: Sequence[tuple[str, Place]]

    def write(self, folder: Path) -> None:
        """Write the files."""
        for source, text in self.files.items():
            (folder / source).parent.mkdir(parents=True, exist_ok=True)
            (folder / source).write_text(text, encoding="utf-8", newline="")


def build_collections(data: Path, topics: Sequence[Topic]) -> tuple[list[Collection], set[str]]:
    """Return the collections, and the passages that the embedder must not see. topics: those of `split_topics` that are asked."""
    articles = _choose_articles(read_rows(data / "jaquad.jsonl.gz"))
    replies = list({row["passage"]: row for row in read_rows(data / "nta_shitsugi.jsonl.gz")}.values())
    random.Random(_SEED).shuffle(replies)
    asked = replies[: len(replies) // 2]
    collections = [
        _build_passages(articles),
        _build_pages(articles),
        _build_sheet("faq", replies, [(row["query"], row) for row in asked], titled=True),
        _build_sheet("replies", replies, [(row["query"][-_LAST_CHARS:], row) for row in asked], titled=False),
        _build_manuals(topics),
    ]
    unseen = {passage for passages in articles.values() for passage in passages} | {row["passage"] for row in asked}
    return collections, unseen


def split_topics(topics: Sequence[Topic]) -> tuple[list[Topic], list[Topic]]:
    """Return the topics that are asked for, and those that the embedder of the training learns from."""
    shuffled = random.Random(_SEED).sample(topics, len(topics))
    return shuffled[: len(topics) // 2], shuffled[len(topics) // 2 :]


def write_rest(data: Path, unseen: set[str], folder: Path) -> None:
    """Write the pairs of other passages, for the training of an embedder."""
    folder.mkdir(parents=True, exist_ok=True)
    for file in sorted(data.glob("*.jsonl.gz")):
        rows = (row for row in read_rows(file) if row["passage"] not in unseen)
        lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        (folder / file.name).write_bytes(gzip.compress(lines.encode(), compresslevel=1))


Articles = Mapping[str, Mapping[str, list[str]]]
"""title -> passage -> questions"""


def _choose_articles(rows: Iterable[Row]) -> Articles:
    found: dict[str, dict[str, list[str]]] = {}
    for row in rows:
        found.setdefault(row["title"], {}).setdefault(row["passage"], []).append(row["query"])
    titles = sorted(found)
    random.Random(_SEED).shuffle(titles)
    return {title: found[title] for title in titles[:ARTICLES]}


def _build_passages(articles: Articles) -> Collection:
    files: dict[str, str] = {}
    questions: list[tuple[str, Place]] = []
    for number, (title, passages) in enumerate(articles.items()):
        for part, (passage, asked) in enumerate(passages.items()):
            source = f"{number:03d}-{part:03d}.md"
            files[source] = f"# {title}\n\n{passage}\n"
            questions += [(question, (source, None)) for question in asked]
    return Collection("passages", files, _sample(questions))


def _build_pages(articles: Articles) -> Collection:
    files: dict[str, str] = {}
    questions: list[tuple[str, Place]] = []
    for number, (title, passages) in enumerate(articles.items()):
        source, pages = f"{number:03d}{_PAGED}", list(_fill_pages(list(passages)))
        heading = f"# {title}\n\n" if number % 2 else f"# 資料{number}\n\n"
        files[source] = heading + _PAGE_BREAK.join("\n\n".join(page) for page in pages)
        for page, texts in enumerate(pages, start=1):
            questions += [(question, (source, page)) for text in texts for question in passages[text]]
    return Collection("pages", files, _sample(questions))


def _build_manuals(topics: Sequence[Topic]) -> Collection:
    by_title: dict[str, list[Topic]] = {}
    for topic in topics:
        by_title.setdefault(topic.title.partition(TITLE_MARK)[0].strip(), []).append(topic)
    files: dict[str, str] = {}
    questions: list[tuple[str, Place]] = []
    for number, (title, of_title) in enumerate(by_title.items()):
        texts = {f"## {_heading_of(topic)}\n\n{topic.passage}": topic for topic in of_title}
        source, pages = f"{number:03d}{_PAGED}", list(_fill_pages(list(texts)))
        files[source] = f"# {title}\n\n" + _PAGE_BREAK.join("\n\n".join(page) for page in pages)
        for page, of_page in enumerate(pages, start=1):
            questions += [(question, (source, page)) for text in of_page for question in texts[text].questions]
    return Collection("manuals", files, _sample(questions))


def _heading_of(topic: Topic) -> str:
    return topic.title.partition(TITLE_MARK)[2].strip() or topic.title


def _fill_pages(passages: Sequence[str]) -> Iterator[list[str]]:
    page: list[str] = []
    for passage in passages:
        if page and sum(map(len, page)) + len(passage) > _PAGE_CHARS:
            yield page
            page = []
        page.append(passage)
    yield page


def _build_sheet(name: str, rows: Sequence[Row], asked: Sequence[tuple[str, Row]], *, titled: bool) -> Collection:
    text = render_faq((row["title"] if titled else "", row["passage"]) for row in rows)
    places = {row["passage"]: (FAQ_FILE, number) for number, row in enumerate(rows, start=FIRST_ROW)}
    return Collection(name, {FAQ_FILE: text}, _sample([(question, places[row["passage"]]) for question, row in asked]))


def _sample(questions: list[tuple[str, Place]]) -> list[tuple[str, Place]]:
    return random.Random(_SEED).sample(questions, min(QUESTIONS, len(questions)))


def build_training_pipeline() -> Pipeline:
    """Return the pipeline of the product, which also reads documents whose pages are parted by form feeds."""
    return replace(build_pipeline(), read_document=read_training_document)


def read_training_document(file: Any, *, path: Path, sha256: str, listing: Any, options: Any) -> Document:
    """Read a file as the product does; a paged one page by page, each as Markdown."""
    if not file.source.endswith(_PAGED):
        return read_document(file, path=path, sha256=sha256, listing=listing, options=options)
    pages, title = [], None
    with tempfile.TemporaryDirectory() as folder:
        part = Path(folder) / "page.md"
        for number, text in enumerate(path.read_text(encoding="utf-8").split(_PAGE_BREAK), start=1):
            part.write_text(text, encoding="utf-8")
            content = read_markdown(part, file.source)
            title = title or content.title
            (page,) = content.pages
            blocks = tuple(replace(b, locator=replace(b.locator, page=number, line=None)) for b in page.blocks)
            pages.append(replace(page, number=number, blocks=blocks))
    return Document(file.source, sha256, Metadata(title or file.source), tuple(pages))
