"""A behaving fake of `Assistant` for the doors of the browser: a real small PDF, a hostile Markdown file, one CSV record.

Answers are chosen by words of the question: 転入 cites the PDF, 悪意 the hostile document, 記録 the CSV row, 故障 raises RagError,
爆発 any other error, 同時 waits until a second such question is there; everything else is not answered.
"""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pypdfium2

from rag.assistant import PINNED, DocumentEntry, OriginalFile
from rag.documents import (
    EVERYONE,
    Answer,
    Asker,
    Chunk,
    ChunkKind,
    Citation,
    Contact,
    Filters,
    Kind,
    Locator,
    Metadata,
    Passage,
    Place,
    Reason,
    Segment,
    Span,
    Status,
    Turn,
    Warning_,
)
from rag.errors import IndexMissingError
from rag.export.markdown import render_markdown
from rag.export.record import ExportForm
from rag.export.word import build_word
from rag.reading.pdf import pdfium_lock

EVIL = '<img src="http://evil.example/x.png" onerror="window.pwned=1"><script>window.pwned=1</script>![x](http://evil.example/y.png)'
PDF_SOURCE = "市民課/窓口マニュアル.pdf"
EVIL_SOURCE = 'その他/"><img src=http:&evil.example&z.png>${window.pwned=1}{{value}}.md'
CSV_SOURCE = "よくある質問.csv"
HTML_SOURCE = "その他/案内.html"
WORD_SOURCE = "様式.zip/申請書.docx"
SECRET_SOURCE = "人事課/秘密.md"
QUOTE = "転入した日から14日以内に届け出てください。"
WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
OLD_SHA256 = "f" * 64
"""Stands for an earlier version of any document: its bytes are still kept."""
EXAMPLES = ("転入の届出はいつまでですか", "粗大ごみの手数料はいくらですか")
_PDF_HTML = """<html lang="ja"><style>@page {{ size: A5 }} p {{ line-height: 2 }}</style><h1>窓口マニュアル</h1>
<p>この手引きは、窓口で受け付ける届出について定めます。</p><p style="break-before: page">第2節　転入届</p>
<p>市外から引っ越してきた方は、{quote}</p><p>届出には、転出証明書と本人確認書類が必要です。</p></html>"""


@dataclass
class FakeAssistant:
    """Serve a handful of files out of `folder`, and remember the questions it was asked."""

    folder: Path
    asked: list[tuple[str, Filters, Asker]] = field(default_factory=list)
    histories: list[list[tuple[str, str]]] = field(default_factory=list)
    rows: list[tuple[str, str, int]] = field(default_factory=list)
    closed: bool = False
    meeting: threading.Barrier = field(default_factory=lambda: threading.Barrier(2))

    def __post_init__(self) -> None:
        pdf = write_pdf(self.folder / "0.pdf")
        self.old_copy = self.folder / "old.pdf"
        self.old_copy.write_bytes(pdf.read_bytes())
        self.page_texts = _read_texts(pdf)
        self._files: dict[str, OriginalFile] = {}
        self._entries: dict[str, DocumentEntry] = {}
        self._add(
            PDF_SOURCE, pdf, "application/pdf", Metadata("窓口マニュアル", Kind.MANUAL, "市民課", "2110"), pages=2
        )
        self._add_text(EVIL_SOURCE, f"# {EVIL}\n", "text/markdown", Metadata(EVIL, department=EVIL))
        self._add_text(CSV_SOURCE, "手続,窓口\n転入届,市民課\n", "text/csv", Metadata("よくある質問"), encoding="cp932")
        self._add_text(HTML_SOURCE, "<script>alert(1)</script>", "text/html", Metadata("案内"))
        self._add_text(WORD_SOURCE, "PK", WORD, Metadata("申請書"))
        self._add_text(SECRET_SOURCE, "秘密", "text/markdown", Metadata("秘密", audience=("人事課",)))

    def ask(
        self,
        question: str,
        history: Sequence[Any] = (),
        filters: Filters = Filters(),  # noqa: B008 - a frozen value
        asker: Asker = EVERYONE,
        on_token: Callable[[str], None] | None = None,
    ) -> Answer:
        self.asked.append((question, filters, asker))
        self.histories.append(list(history))
        if "故障" in question:
            raise IndexMissingError("索引がありません: indexes/default", "rag index を実行してください。")
        if "爆発" in question:
            raise RuntimeError("内部の秘密")
        if "同時" in question:
            self.meeting.wait(timeout=60)
        if history and "費用" in question:
            return replace(_answered(self.pdf_citation()), understood=f"「{history[0][0]}」について、{question}{EVIL}")
        for word, build in {"転入": self.pdf_citation, "悪意": evil_citation, "記録": csv_citation}.items():
            if word in question:
                return _answered(build())
        return _not_answered()

    def suggest(
        self,
        question: str,
        answer: Answer,
        history: Sequence[Any] = (),
        *,
        filters: Filters | None = None,
        asker: Asker = EVERYONE,
    ) -> tuple[str, ...]:
        if "転入" in question:
            return ("転入届の費用は？", "記録の取り方は？", "悪意" + EVIL)
        return ()

    def export(self, turns: Sequence[Turn], form: ExportForm, asker: Asker = EVERYONE) -> bytes:
        build = build_word if form is ExportForm.WORD else render_markdown
        made = build(turns, page_title="しるべ", notice="必ず確かめてください。", written_at=turns[0].asked_at)
        return made if isinstance(made, bytes) else made.encode()

    def search(self, question: str, filters: Filters, asker: Asker, limit: int) -> list[Passage]:
        text = self.page_texts[1]
        segment = Segment(2, 0, len(text), Locator(page=2, label="12"))
        chunk = Chunk("0" * 32, PDF_SOURCE, 1, ChunkKind.TEXT, text, "窓口マニュアル", (), (segment,))
        evil = Segment(1, 0, len(EVIL), Locator(line=1, heading=EVIL))
        other = Chunk("1" * 32, EVIL_SOURCE, 1, ChunkKind.TEXT, EVIL, EVIL, (), (evil,))
        found = [(chunk, self._entries[PDF_SOURCE], 0.875), (other, self._entries[EVIL_SOURCE], 0.5)]
        return [Passage(chunk, entry.metadata, score) for chunk, entry, score in found][:limit]

    def departments(self, asker: Asker) -> tuple[str, ...]:
        return ("市民課", EVIL)

    def documents(self, asker: Asker) -> tuple[DocumentEntry, ...]:
        return tuple(entry for entry in self._entries.values() if asker.may_read(entry.metadata.audience))

    def find_document(self, source: str) -> DocumentEntry | None:
        return self._entries.get(source)

    def snapshot_id(self) -> str:
        return "20261125"

    def answer_with_row(self, question: str, source: str, row: int, asker: Asker = EVERYONE) -> Answer | None:
        self.rows.append((question, source, row))
        return replace(_answered(csv_citation()), engine=PINNED) if source in self._entries else None

    def question_embedder(self) -> Any:
        raise IndexMissingError("索引がありません: indexes/default", "rag index を実行してください。")

    def original(self, source: str, asker: Asker, sha256: str | None = None) -> OriginalFile | None:
        entry = next((entry for entry in self.documents(asker) if entry.source == source), None)
        if entry is None or sha256 not in (None, entry.sha256, OLD_SHA256):
            return None
        original = self._files[source]
        return replace(original, path=self.old_copy) if sha256 == OLD_SHA256 else original

    def page_boxes(
        self, source: str, page: int, spans: Sequence[Span], asker: Asker
    ) -> list[tuple[float, float, float, float]]:
        if source != PDF_SOURCE or not 1 <= page <= 2:
            return []
        with pdfium_lock, pypdfium2.PdfDocument(self._files[source].path) as document:
            text = document[page - 1].get_textpage()
            boxes = []
            for span in spans:
                for index in range(text.count_rects(span.start, span.end - span.start)):
                    boxes.append(text.get_rect(index))
            return boxes

    def has_page_images(self, source: str, asker: Asker) -> bool:
        original = self.original(source, asker)
        return original is not None and original.media_type == "application/pdf"

    def printed_page(self, source: str, page: int, spans: Sequence[Span], asker: Asker) -> None:
        return None

    def page_text(self, source: str, page: int, asker: Asker) -> str | None:
        return self.page_texts[page - 1] if source == PDF_SOURCE and 1 <= page <= 2 else None

    def examples_by_department(self, asker: Asker = EVERYONE) -> tuple[tuple[str, tuple[str, ...]], ...]:
        return (("市民課", EXAMPLES[:1]), (EVIL, EXAMPLES[1:]))

    def ocr_confidence(self, source: str, page: int, asker: Asker) -> float | None:
        return 0.91 if source == CSV_SOURCE else None

    def close(self) -> None:
        self.closed = True

    def sha256(self, source: str) -> str:
        return self._entries[source].sha256

    def pdf_citation(self) -> Citation:
        span = self.quote_span()
        locator = Locator(page=2, label="12")
        return Citation(1, PDF_SOURCE, "窓口マニュアル", locator, 2, (span,), QUOTE, True, "市民課")

    def quote_span(self) -> Span:
        match = re.search(r"\s*".join(map(re.escape, QUOTE)), self.page_texts[1])
        assert match, self.page_texts[1]
        return Span(*match.span())

    def _add_text(
        self, source: str, text: str, media_type: str, metadata: Metadata, *, encoding: str = "utf-8"
    ) -> None:
        path = self.folder / str(len(self._files))
        path.write_bytes(text.encode(encoding))
        self._add(source, path, media_type, metadata)

    def _add(self, source: str, path: Path, media_type: str, metadata: Metadata, *, pages: int = 1) -> None:
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        self._files[source] = OriginalFile(path, source.rpartition("/")[2], media_type)
        self._entries[source] = DocumentEntry(source, metadata.title, sha256, metadata, pages)


def write_pdf(path: Path) -> Path:
    """Write the two pages of a real PDF, with its fonts in it."""
    from weasyprint import HTML

    HTML(string=_PDF_HTML.format(quote=QUOTE)).write_pdf(path)
    return path


def _read_texts(pdf: Path) -> list[str]:
    with pypdfium2.PdfDocument(pdf) as document:
        return [page.get_textpage().get_text_range() for page in document]


def evil_citation() -> Citation:
    return Citation(1, EVIL_SOURCE, EVIL, Locator(line=1, heading=EVIL), 1, (Span(2, 9),), EVIL, False, EVIL)


def csv_citation() -> Citation:
    return Citation(
        1, CSV_SOURCE, "よくある質問", Locator(row=2), 1, (Span(0, 5), Span(6, 13)), "手続\t窓口…転入届\t市民課", True
    )


def _answered(citation: Citation) -> Answer:
    return Answer(
        Status.ANSWERED,
        f"{citation.quote}[1] 存在しない番号は[9]です。",
        confidence=0.83,
        engine="extractive",
        elapsed_ms=31.4,
        citations=(citation,),
        warnings=(Warning_("partial", "質問の一部にだけ答えています。"),),
    )


def _not_answered() -> Answer:
    return Answer(
        Status.NO_ANSWER,
        "",
        confidence=0.12,
        engine="extractive",
        elapsed_ms=12.0,
        reason=Reason.WEAK_EVIDENCE,
        nearest=(
            Place(
                PDF_SOURCE,
                "窓口マニュアル",
                Locator(page=2, label="12"),
                "届出には、転出証明書と本人確認書類が必要です。",
            ),
            Place(EVIL_SOURCE, EVIL, Locator(line=1), EVIL),
        ),
        contact=Contact("市民課", "2110"),
    )
