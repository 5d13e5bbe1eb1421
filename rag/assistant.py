"""The one facade: open an index, ask, search, and show what an answer stands on. Doors know nothing below it."""

from __future__ import annotations

import mimetypes
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from rag.answering import official
from rag.answering.answerer import Answerer
from rag.answering.combination import combine_answers
from rag.answering.extractive import ENGINE as EXTRACTIVE
from rag.answering.marking import build_marker
from rag.answering.own_calibration import FROM_SETTING, CalibrationShelf
from rag.answering.suggestions import suggest_questions
from rag.answering.verification import verify_citation
from rag.answering.writing.engine import ENGINE as GENERATIVE
from rag.answering.writing.engine import open_engine
from rag.documents import (
    EVERYONE,
    Answer,
    Asker,
    Chunk,
    Contact,
    Context,
    Filters,
    Kind,
    Metadata,
    Passage,
    Reason,
    Span,
    Turn,
)
from rag.errors import UsageError
from rag.explanation import Explanation
from rag.export.markdown import render_markdown
from rag.export.record import ExportForm
from rag.export.word import build_word
from rag.indexing.limits import department_key
from rag.indexing.names import NAME_MARK
from rag.indexing.originals import stored_name
from rag.indexing.renditions import RENDITIONS, SLIDES, Renditions, can_render
from rag.indexing.snapshot import Snapshot, SnapshotReader, SnapshotStore
from rag.retrieval.parts import merge_passages, split_parts
from rag.retrieval.reranking import NONE as NO_RERANKER
from rag.retrieval.reranking import open_reranker
from rag.retrieval.retriever import Retriever
from rag.settings import Settings
from rag.wording import Wording

if TYPE_CHECKING:
    from llama_index.core.llms import LLM

    from rag.indexing.catalog import CatalogEntry
    from rag.indexing.embedders import EmbedderLibrary
    from rag.indexing.embedding import Embedder
    from rag.indexing.manifest import Manifest
    from rag.retrieval.query import Question

_CONTEXT_PASSAGES = 10  # looked at for the margin, the nearest places and the contact
_EXAMPLES = 6
_EXAMPLES_SHOWN = 4  # of one department
_EXAMPLE_DEPARTMENTS = 6
_NO_DEPARTMENT = "そのほか"
_LEAST_CHANCE = 0.7  # by the learned reranker, of the place that a suggested question finds
_DEPARTMENTS_SHOWN = 30
_WARMING = "申請の手続きに必要なものは何ですか"
MAX_QUESTION_CHARS = 2_000
PINNED = official.ENGINE


@dataclass(frozen=True, slots=True)
class DocumentEntry:
    """One document that can be cited."""

    source: str
    title: str
    sha256: str
    metadata: Metadata
    page_count: int


@dataclass(frozen=True, slots=True)
class OriginalFile:
    """The bytes of a document as they were indexed. name: as people know it; path: where the copy is kept."""

    path: Path
    name: str
    media_type: str


@dataclass(frozen=True, slots=True)
class PrintedPage:
    """A page of the PDF that was made of an Office document, and where a quotation stands on it.

    page: from 1, of that PDF: for display only. boxes: (left, bottom, right, top) in points, one a printed line.
    """

    path: Path
    page: int
    boxes: Sequence[tuple[float, float, float, float]]


@dataclass(frozen=True, slots=True)
class OtherWording:
    """A part of a question that is looked for in another wording too. reason: 同義語, 綴り or 表記."""

    asked: str
    meant: str
    reason: str


@dataclass(frozen=True, slots=True)
class Trial:
    """How a question is understood with some wording. terms: its words; names: of the user dictionary; passages: what is found."""

    terms: tuple[str, ...]
    others: tuple[OtherWording, ...]
    names: tuple[str, ...]
    passages: tuple[Passage, ...]


class Assistant:
    """Answer from one index folder; safe to use from many threads, and always from the snapshot that is published.

    Each snapshot is searched with the embedder that it was built with, so that a new one may come with a new snapshot.
    """

    def __init__(
        self,
        settings: Settings,
        reader: SnapshotReader,
        embedders: EmbedderLibrary,
        llm: LLM | None = None,
        *,
        calibrations: CalibrationShelf | None = None,
    ) -> None:
        self._settings, self._reader, self._embedders = settings, reader, embedders
        self._engine = open_engine(settings, llm)
        self._cross_encoder = open_reranker(settings)
        self._calibrations = calibrations or CalibrationShelf(settings.index, settings.reranker)
        self._renditions = Renditions(settings.index / RENDITIONS)

    @classmethod
    def open(cls, settings: Settings, llm: LLM | None = None) -> Assistant:
        """Open the index of the settings. llm: any llama-index LLM, instead of the server that the settings may name.

        Raises IndexMissingError, IndexMismatchError, EmbedderError, or SettingsError for an LLM or prompt that cannot be used.
        """
        from rag.indexing.embedders import EmbedderLibrary

        assistant = cls(settings, SnapshotReader(SnapshotStore(settings.index)), EmbedderLibrary(settings), llm)
        with assistant._searchable():
            return assistant

    @property
    def settings(self) -> Settings:
        """What it was opened with."""
        return self._settings

    @property
    def engine(self) -> str:
        """What writes the answers: extractive, or generative where an LLM does."""
        return EXTRACTIVE if self._engine is None else GENERATIVE

    def warm_up(self) -> None:
        """Load what the first question would wait for: dictionaries, models, their code. An LLM is asked nothing. Raises as `ask` does."""
        with self._searchable() as (snapshot, embedder):
            retriever = self._retriever(snapshot, embedder)
            asked = retriever.understand(_WARMING)
            self._answerer(snapshot, embedder, retriever).examine(asked, retriever.retrieve(asked))

    def manifest(self) -> Manifest:
        """Return what the published snapshot was built from and with. Raises IndexMissingError where there is none."""
        with self._snapshot() as snapshot:
            return snapshot.manifest

    def threshold(self) -> tuple[float, str]:
        """Return the least probability to answer, and in Japanese where it comes from. Raises as `manifest` does."""
        if self._settings.answer_threshold is not None:
            return self._settings.answer_threshold, FROM_SETTING
        calibration, origin = self._calibrations.choose(self.manifest())
        return calibration.threshold, origin

    def ask(
        self,
        question: str,
        history: Sequence[tuple[str, str]] = (),
        filters: Filters | None = None,
        asker: Asker = EVERYONE,
        on_token: Callable[[str], None] | None = None,
    ) -> Answer:
        """Answer a question. history: earlier (question, answer) pairs, oldest first: a follow-up is understood with them.

        on_token: called with the answer's text as it comes; the answer that is returned replaces it. Raises UsageError for an empty or very long question, earlier ones too,
        and for a department that no open document has.
        """
        started = time.perf_counter()
        for text in (question, *(earlier for earlier, _ in history)):
            check_question(text)
        with self._searchable() as (snapshot, embedder):
            check_department(snapshot, filters, asker)
            retriever = self._retriever(snapshot, embedder)
            answerer = self._answerer(snapshot, embedder, retriever)

            def find(text: str, history: Sequence[tuple[str, str]] = ()) -> tuple[Question, list[Passage]]:
                asked = retriever.understand(text, history)
                return asked, retriever.retrieve(asked, filters=filters, asker=asker, limit=_CONTEXT_PASSAGES)

            answer = answerer.decline_outright(question)
            if answer is None:
                parts = split_parts(question)
                before = [(), *([(part, "")] for part in parts)]  # the second may follow up the first
                of_parts = [find(*each) for each in zip(parts, before, strict=False)] if len(parts) > 1 else []
                answer = self._answer(answerer, find(question, history), of_parts, on_token)
        if on_token and answer.engine != GENERATIVE:
            on_token(answer.text)
        return replace(answer, elapsed_ms=(time.perf_counter() - started) * 1000)

    def answer_with_row(self, question: str, source: str, row: int, asker: Asker = EVERYONE) -> Answer | None:
        """Answer with a row of a Q&A table that somebody pinned to a question, cited and proved like any other.

        question: as the table has it. None where the index does not hold that question at the row, or it is not open to the asker.
        """
        started = time.perf_counter()
        with self._searchable() as (snapshot, embedder):
            entry = _open_entry(snapshot, source, asker)
            chunks = official.find_row(snapshot.catalog.chunks_of(source), row, question) if entry else ()
            if entry is None or not chunks:
                return None
            passages = [Passage(chunk, entry.metadata, 1.0) for chunk in chunks]
            asked = self._retriever(snapshot, embedder).understand(question)
            answer = official.answer_with_passages(passages, snapshot.catalog, build_marker(asked.query))
        return replace(answer, elapsed_ms=(time.perf_counter() - started) * 1000) if answer else None

    def snapshot_id(self) -> str:
        """Return the id of the snapshot that is answered from now."""
        with self._snapshot() as snapshot:
            return snapshot.id

    def _answer(
        self,
        answerer: Answerer,
        whole: tuple[Question, list[Passage]],
        parts: Sequence[tuple[Question, list[Passage]]],
        on_token: Callable[[str], None] | None,
    ) -> Answer:
        """Return the answer to a question and its parts, each with the passages that were found for it."""
        asked, passages = whole
        if self._engine is not None:
            return answerer.answer(asked, merge_passages(passages, [of_part for _, of_part in parts]), on_token)
        answer = answerer.answer(asked, passages)
        return combine_answers(answer, [(part.text, answerer.answer(part, of_part)) for part, of_part in parts])

    def search(
        self,
        question: str,
        history: Sequence[tuple[str, str]] = (),
        *,
        filters: Filters | None = None,
        asker: Asker = EVERYONE,
        limit: int = 10,
    ) -> list[Passage]:
        """Return up to `limit` passages, best first. history: as for `ask`. Raises UsageError as `ask` does."""
        for text in (question, *(earlier for earlier, _ in history)):
            check_question(text)
        with self._searchable() as (snapshot, embedder):
            check_department(snapshot, filters, asker)
            retriever = self._retriever(snapshot, embedder)
            asked = retriever.understand(question, history)
            return retriever.retrieve(asked, filters=filters, asker=asker, limit=limit)

    def find_topic(self, question: str, history: Sequence[tuple[str, str]]) -> str | None:
        """Return the earlier question that a question follows up, None where it stands alone. history: as for `ask`."""
        with self._searchable() as (snapshot, embedder):
            return self._retriever(snapshot, embedder).understand(question, history).topic

    def suggest(
        self,
        question: str,
        answer: Answer,
        history: Sequence[tuple[str, str]] = (),
        *,
        filters: Filters | None = None,
        asker: Asker = EVERYONE,
    ) -> tuple[str, ...]:
        """Return up to three questions to ask next, each of which the documents answer at another place than `answer` does.

        Asked after an answer is shown: it searches about ten times. history: as for `ask`, without this question. None for a question
        about a person.
        """
        if answer.reason is Reason.PERSONAL_DATA:
            return ()
        with self._searchable() as (snapshot, embedder):
            retriever = self._retriever(snapshot, embedder)

            def find(text: str) -> Chunk | None:
                best = retriever.retrieve(text, filters=filters, asker=asker, limit=1)
                doubtful = not best or (best[0].features and best[0].score < _LEAST_CHANCE)
                return None if doubtful else best[0].chunk

            asked = retriever.understand(question, history)
            passages = retriever.retrieve(asked, filters=filters, asker=asker, limit=_CONTEXT_PASSAGES)
            earlier = [text for text, _ in reversed(history)]
            return suggest_questions(
                (asked.whole or f"{asked.topic or ''}{asked.text}", asked.text, *earlier),
                passages,
                answer.citations,
                snapshot.catalog,
                find,
                retriever.term_weights,
            )

    def export(self, turns: Sequence[Turn], form: ExportForm, asker: Asker = EVERYONE) -> bytes:
        """Return a conversation as a file. Every citation is read back again: one that is not on its page any more is told so.

        turns: as this assistant answered them; never what a browser sent. Raises UsageError for no turns.
        """
        if not turns:
            raise UsageError("書き出す質問と回答がありません。", "質問をしてから、もう一度書き出してください。")
        with self._snapshot() as snapshot:
            checked = [_verify_turn(turn, snapshot, asker) for turn in turns]
        settings, now = self._settings, datetime.now().astimezone()
        build = build_word if form is ExportForm.WORD else _render_markdown_bytes
        return build(checked, page_title=settings.page_title, notice=settings.notice, written_at=now)

    def explain(
        self, question: str, *, filters: Filters | None = None, asker: Asker = EVERYONE, limit: int = 10
    ) -> tuple[list[Passage], Explanation]:
        """Return what `search` returns, and why. Raises UsageError as `ask` does."""
        check_question(question)
        with self._searchable() as (snapshot, embedder):
            check_department(snapshot, filters, asker)
            retriever = self._retriever(snapshot, embedder)
            asked = retriever.understand(question)
            passages = retriever.retrieve(asked, filters=filters, asker=asker, limit=limit)
            return passages, retriever.explain(asked, passages, filters=filters, asker=asker)

    def try_wording(
        self, question: str, wording: Wording | None = None, *, asker: Asker = EVERYONE, limit: int = 5
    ) -> Trial:
        """Return how a question is understood, and what is found, with synonyms and names that are not in the index; None: with its own.

        Raises UsageError as `ask` does.
        """
        check_question(question)
        with self._searchable() as (snapshot, embedder):
            retriever = self._retriever(snapshot, embedder)
            asked = retriever.understand(question, wording=wording)
            passages = retriever.retrieve(asked, asker=asker, limit=limit)
        others = tuple(OtherWording(e.asked, e.meant, e.reason.label) for e in asked.query.expansions)
        names = tuple(name.removeprefix(NAME_MARK) for name in asked.query.names)
        return Trial(asked.query.terms, others, names, tuple(passages))

    def context(self, passage: Passage, asker: Asker = EVERYONE) -> Context | None:
        """Return what stands around a passage; None where its document is gone or not open to the asker."""
        with self._searchable() as (snapshot, embedder):
            if _open_entry(snapshot, passage.chunk.source, asker) is None:
                return None
            return self._retriever(snapshot, embedder).context(passage)

    def departments(self, asker: Asker = EVERYONE) -> tuple[str, ...]:
        """Return the departments whose documents the asker may read, by name."""
        with self._snapshot() as snapshot:
            return tuple(snapshot.catalog.departments(asker))

    def documents(self, asker: Asker = EVERYONE) -> tuple[DocumentEntry, ...]:
        """Return the documents that the asker may read, by source."""
        with self._snapshot() as snapshot:
            counts = snapshot.catalog.page_counts()
            return tuple(
                DocumentEntry(e.source, e.metadata.title, e.sha256, e.metadata, counts.get(e.source, 0))
                for e in snapshot.catalog.documents()
                if asker.may_read(e.metadata.audience)
            )

    def find_document(self, source: str) -> DocumentEntry | None:
        """Return a document as somebody sees it who may read everything; None where it is not in the index."""
        with self._snapshot() as snapshot:
            entry = snapshot.catalog.document(source)
            pages = snapshot.catalog.page_counts().get(source, 0)
        return DocumentEntry(source, entry.metadata.title, entry.sha256, entry.metadata, pages) if entry else None

    def question_embedder(self) -> Embedder:
        """Return the embedder of the published index. Raises as `ask` does where there is none."""
        with self._searchable() as (_, embedder):
            return embedder

    def original(self, source: str, asker: Asker = EVERYONE, sha256: str | None = None) -> OriginalFile | None:
        """Return the stored copy of a document; None where it is unknown or not open to the asker.

        sha256: the bytes that an earlier answer cited; they are kept as long as a snapshot of that time is.
        """
        with self._snapshot() as snapshot:
            entry = _open_entry(snapshot, source, asker)
        if entry is None:
            return None
        name = source.rpartition("/")[2]
        file = entry.file
        if sha256 is not None and sha256 != entry.sha256:
            if not self._was_indexed(source, sha256):
                return None
            file = stored_name(sha256, source)
        media_type = mimetypes.guess_type(name)[0] or "application/octet-stream"
        return OriginalFile(self._settings.index / "files" / file, name, media_type)

    def _was_indexed(self, source: str, sha256: str) -> bool:
        """Tell whether a snapshot that is still kept was built from these bytes of a document."""
        store = SnapshotStore(self._settings.index)
        return any(store.manifest(id_).sources.get(source) == sha256 for id_ in store.snapshot_ids())

    def page_boxes(
        self, source: str, page: int, spans: Sequence[Span], asker: Asker = EVERYONE
    ) -> list[tuple[float, float, float, float]]:
        """Return where spans of a PDF page stand: (left, bottom, right, top) in points, one a printed line; else nothing."""
        original = self.original(source, asker)
        if original is None or original.media_type != "application/pdf":
            return []
        from rag.reading.highlights import find_word_boxes, page_boxes

        with self._snapshot() as snapshot:
            words = snapshot.catalog.word_boxes(source, page)
        boxes = find_word_boxes(words, spans) if words else page_boxes(original.path, page, spans)
        return [(box.left, box.bottom, box.right, box.top) for box in boxes]

    def has_page_images(self, source: str, asker: Asker = EVERYONE) -> bool:
        """Tell whether pages of a document can be shown: those of a PDF, and those that LibreOffice prints where it is installed."""
        original = self.original(source, asker)
        return original is not None and (original.media_type == "application/pdf" or can_render(source))

    def printed_page(
        self, source: str, page: int, spans: Sequence[Span], asker: Asker = EVERYONE
    ) -> PrintedPage | None:
        """Return the printed page of an Office document that shows spans of a stored page; None where there is none.

        The first call for a document converts it: seconds, at most a minute.
        """
        with self._snapshot() as snapshot:
            entry = _open_entry(snapshot, source, asker)
        text = self.page_text(source, page, asker)
        if entry is None or text is None or not spans or not can_render(source):
            return None
        pdf = self._renditions.find(self._settings.index / "files" / entry.file, source, entry.sha256)
        if pdf is None:
            return None
        from rag.reading.rendition import locate_quote

        place = locate_quote(pdf, text, spans, near=page if Path(source).suffix.lower() in SLIDES else None)
        return PrintedPage(pdf, place.page, place.boxes) if place else None

    def page_text(self, source: str, page: int, asker: Asker = EVERYONE) -> str | None:
        """Return the stored text of a page; None where there is none or the asker may not read it."""
        with self._snapshot() as snapshot:
            if _open_entry(snapshot, source, asker) is None:
                return None
            try:
                return snapshot.catalog.page_text(source, page)
            except KeyError:
                return None

    def ocr_confidence(self, source: str, page: int, asker: Asker = EVERYONE) -> float | None:
        """Return how sure the letters of a page are (0 to 1); None where OCR did not read it or the asker may not."""
        with self._snapshot() as snapshot:
            if _open_entry(snapshot, source, asker) is None:
                return None
            try:
                return snapshot.catalog.page_quality(source, page).ocr_confidence
            except KeyError:
                return None

    def examples_by_department(self, asker: Asker = EVERYONE) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """Return questions that the corpus itself asks and answers, by department: the first of each of its headings."""
        found: dict[str, dict[tuple[str, ...], str]] = {}
        with self._snapshot() as snapshot:
            for entry in snapshot.catalog.documents():
                if entry.metadata.kind is not Kind.FAQ or not asker.may_read(entry.metadata.audience):
                    continue
                of_department = found.setdefault(entry.metadata.department or _NO_DEPARTMENT, {})
                for chunk in snapshot.catalog.chunks_of(entry.source):
                    if chunk.question:
                        of_department.setdefault(chunk.headings, chunk.question_text.strip())
        chosen = ((name, tuple(dict.fromkeys(of.values()))[:_EXAMPLES_SHOWN]) for name, of in found.items())
        return tuple((name, questions) for name, questions in chosen if questions)[:_EXAMPLE_DEPARTMENTS]

    def examples(self) -> tuple[str, ...]:
        """Return some questions that the corpus itself asks and answers, from as many departments as there are."""
        with self._snapshot() as snapshot:
            return tuple(snapshot.catalog.sample_questions(_EXAMPLES))

    def close(self) -> None:
        """Let go of the index."""
        self._reader.close()

    @contextmanager
    def _snapshot(self) -> Iterator[Snapshot]:
        with self._reader.use() as snapshot:
            yield snapshot

    @contextmanager
    def _searchable(self) -> Iterator[tuple[Snapshot, Embedder]]:
        """Lend the current snapshot with its embedder. Raises IndexMismatchError where there is none that fits."""
        with self._reader.use() as snapshot:
            yield snapshot, self._embedders.for_snapshot(snapshot.manifest)

    def _retriever(self, snapshot: Snapshot, embedder: Embedder) -> Retriever:
        rerank = self._settings.reranker != NO_RERANKER
        return Retriever(snapshot, embedder, rerank=rerank, cross_encoder=self._cross_encoder)

    def _answerer(self, snapshot: Snapshot, embedder: Embedder, retriever: Retriever) -> Answerer:
        settings = self._settings
        return Answerer(
            retriever,
            embedder,
            snapshot.catalog,
            calibration=self._calibrations.choose(snapshot.manifest)[0],
            max_chars=settings.max_answer_chars,
            threshold=settings.answer_threshold,
            contact=Contact(settings.contact_department, settings.contact_extension),
            engine=self._engine,
        )


def _verify_turn(turn: Turn, snapshot: Snapshot, asker: Asker) -> Turn:
    """Return a turn whose citations are proved again; the quotation of a document that is not open to the asker is left out."""
    citations = tuple(
        verify_citation(citation, snapshot.catalog)
        if _open_entry(snapshot, citation.source, asker)
        else replace(citation, quote="", spans=(), marks=(), verified=False)
        for citation in turn.answer.citations
    )
    return replace(turn, answer=replace(turn.answer, citations=citations))


def _render_markdown_bytes(turns: Sequence[Turn], *, page_title: str, notice: str, written_at: datetime) -> bytes:
    return render_markdown(turns, page_title=page_title, notice=notice, written_at=written_at).encode()


def check_question(question: str) -> None:
    """Raise UsageError for a question that is empty or longer than MAX_QUESTION_CHARS."""
    if any("\ud800" <= character <= "\udfff" for character in question):
        raise UsageError("質問に、文字として読めない部分があります。", "質問を入力し直してください。")
    if not question.strip():
        raise UsageError("質問が空です。", "知りたいことを文で入力してください。")
    if len(question) > MAX_QUESTION_CHARS:
        raise UsageError(
            f"質問が長すぎます（{len(question)}文字）。", f"{MAX_QUESTION_CHARS}文字以内に縮めてください。"
        )


def check_department(snapshot: Snapshot, filters: Filters | None, asker: Asker) -> None:
    """Raise UsageError for a department that no document has which the asker may read; the error names the known ones."""
    wanted = filters.department if filters else None
    if wanted is None:
        return
    known = snapshot.catalog.departments(asker)
    if department_key(wanted) in map(department_key, known):
        return
    # Those that share most characters with what was written come first: the right one is probably among them.
    known.sort(key=lambda name: (-len(set(name[:-1]) & set(wanted)), name))
    shown = "、".join(known[:_DEPARTMENTS_SHOWN]) + ("、ほか" if len(known) > _DEPARTMENTS_SHOWN else "")
    raise UsageError(
        f"所管課「{wanted.strip()}」の文書はありません。",
        f"次の中から選んでください: {shown}"
        if known
        else "所管課の分かる文書がありません。所管課で絞らずに探してください。",
    )


def _open_entry(snapshot: Snapshot, source: str, asker: Asker) -> CatalogEntry | None:
    entry = snapshot.catalog.document(source)
    return entry if entry and entry.readable and asker.may_read(entry.metadata.audience) else None
