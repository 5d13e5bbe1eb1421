"""What every place of every document says, place by place as the question set names them: read from the published index."""

from __future__ import annotations

import functools
import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import replace
from pathlib import PurePosixPath

from eval.document_names import DocumentNames
from eval.matching import count_head_lines, paragraph_lines
from eval.places import Gold
from rag.activity.place_cells import MAIL_BODY, PlaceForm, form_of
from rag.documents import Chunk, Metadata, Segment
from rag.errors import RagError
from rag.indexing.catalog import Catalog
from rag.indexing.editions import Family
from rag.indexing.lexical import tokenizer_version
from rag.indexing.snapshot import CATALOG, SnapshotStore
from rag.reading.edition_titles import strip_marks
from rag.settings import Settings
from rag.text import squeeze

_NEAREST = 3
_MAIL = ".eml"


class DocumentPlaces:
    """Look up places of documents: Gold -> the text that stands there. earlier: of indexes before this one, the newest first."""

    def __init__(self, catalog: Catalog, earlier: Sequence[Catalog] = ()) -> None:
        self._catalog = catalog
        self._earlier = tuple(map(DocumentPlaces, earlier))
        self._metadata = {entry.source: entry.metadata for entry in catalog.documents()}
        self._titles = {source: metadata.title for source, metadata in self._metadata.items()}
        self.names = DocumentNames(self._titles)
        self._texts = functools.lru_cache(maxsize=64)(self._read_texts)

    @property
    def sources(self) -> tuple[str, ...]:
        """The documents that can be asked."""
        return tuple(self._titles)

    @property
    def families(self) -> Mapping[str, Family]:
        """The editions of one text, by document."""
        return self._catalog.families_by_source()

    def metadata(self, source: str) -> Metadata:
        """Return what is known of a document that can be asked."""
        return self._metadata[source]

    def texts(self, source: str) -> Mapping[Gold, str]:
        """Return every place of a document that says something, in order; of lines, those where a paragraph begins."""
        return self._texts(source)

    def read(self, gold: Gold) -> str | None:
        """Return what a place says; None where the document has no such place, "" where nothing is written there."""
        if gold.line is not None:
            return self._read_from_line(gold)
        text = self.texts(gold.source).get(gold)
        return "" if text is None and gold.number <= self.last_number(gold) else text

    def find_same(self, gold: Gold) -> Gold | None:
        """Return the place of the same number that says now what a document said that is no longer there; None unless there is one."""
        before = next((places for places in self._earlier if gold.source in places.sources), None)
        said = squeeze(before.read(gold) or "") if before else ""
        if before is None or not said:
            return None
        new = [
            source
            for source in self.sources
            if source not in before.sources and form_of(source) is form_of(gold.source)
        ]
        same = [
            place
            for place in (replace(gold, source=source) for source in new)
            if squeeze(self.read(place) or "") == said
        ]
        return same[0] if len(same) == 1 else None

    def is_recognised(self, gold: Gold) -> bool:
        """Tell whether the page of a place was read by OCR, which may misread what is printed there."""
        pages = self._catalog.pages(gold.source) if gold.page is not None else []
        return any(page.number == gold.page and page.quality.ocr_confidence is not None for page in pages)

    def find_printed_page(self, gold: Gold) -> Gold | None:
        """Return the other page on which the number of a page is printed; None where there is none."""
        pages = self._catalog.pages(gold.source) if gold.page is not None else []
        found = (page.number for page in pages if page.label == str(gold.page) and page.number != gold.page)
        number = next(found, None)
        return replace(gold, page=number) if number is not None else None

    def last_number(self, gold: Gold) -> int:
        """Return the last page, row, line or paragraph of the document, or of the sheet, of a place; 0 where there is none."""
        if gold.line is not None:
            return len(self._lines(gold.source))
        if gold.page is not None:
            return self._catalog.page_counts().get(gold.source, 0)
        places = (place for place in self.texts(gold.source) if place.sheet == gold.sheet)
        return max((place.number for place in places), default=0)

    def sheets(self, source: str) -> tuple[str, ...]:
        """Return the names of the sheets of a document."""
        return tuple(dict.fromkeys(place.sheet for place in self.texts(source) if place.sheet))

    def nearest(self, source: str) -> tuple[str, ...]:
        """Return the documents that an unknown name may mean: other editions of it first, then those spelt nearly like it."""
        return tuple(dict.fromkeys((*self.editions(source), *self.names.nearest(source))))[:_NEAREST]

    def editions(self, source: str) -> tuple[str, ...]:
        """Return the other documents that are an edition of the same text: linked by the index, or of the same name without its year."""
        family = self._catalog.families_by_source().get(source)
        linked = [member.source for member in reversed(family.members)] if family else []
        key = strip_marks(PurePosixPath(source).stem)
        named = [known for known in self.sources if key and key in (strip_marks(t) for t in self._names(known))]
        return tuple(dict.fromkeys(known for known in (*linked, *named) if known != source))

    def _names(self, source: str) -> tuple[str, str]:
        return PurePosixPath(source).stem, self._titles[source]

    def _read_texts(self, source: str) -> Mapping[Gold, str]:
        form = form_of(source)
        if form is None or source not in self._titles:
            return {}
        if form is PlaceForm.PAGE:
            return {Gold(source, page=page.number): page.text for page in self._catalog.pages(source)}
        if form is PlaceForm.LINE:
            return dict(self._paragraphs(source))
        return self._segment_texts(source)

    def _segment_texts(self, source: str) -> Mapping[Gold, str]:
        """Return what rows or paragraphs say, put together from what is searched of them."""
        spans: dict[Gold, dict[tuple[int, int, int], None]] = defaultdict(dict)
        for chunk in self._catalog.chunks_of(source):
            for segment in chunk.segments:
                if place := place_of_segment(chunk, segment):
                    spans[place][segment.page, segment.start, segment.end] = None
        read = functools.partial(self._catalog.read_span, source)
        return {
            place: "\n".join(read(*span) for span in sorted(found))
            for place, found in sorted(spans.items(), key=_order)
        }

    def _lines(self, source: str) -> list[str]:
        """Return the lines that the question set counts: of an e-mail those of its body."""
        if source not in self._titles:
            return []
        text = self._catalog.page_text(source, 1)
        return text.split("\n")[count_head_lines(text) if source.lower().endswith(_MAIL) else 0 :]

    def _read_from_line(self, gold: Gold) -> str | None:
        lines = self._lines(gold.source)
        if gold.line is None or gold.line > len(lines):
            return None
        return "\n".join(lines[number - 1] for number in paragraph_lines("\n".join(lines), gold.line))

    def _paragraphs(self, source: str) -> Iterator[tuple[Gold, str]]:
        lines = ["", *self._lines(source)]
        for number in range(1, len(lines)):
            if lines[number].strip() and not lines[number - 1].strip():
                place = Gold(source, line=number)
                yield place, self._read_from_line(place) or ""


def _order(item: tuple[Gold, object]) -> tuple[str, int]:
    return item[0].sheet or "", item[0].number


def place_of_segment(chunk: Chunk, segment: Segment) -> Gold | None:
    """Return the place of a segment as the question set names it; None where it has no name there.

    Of text and e-mail it is the line where the segment's own block begins.
    """
    form, locator = form_of(chunk.source), segment.locator
    if form is None or (locator.part or MAIL_BODY) != MAIL_BODY:
        return None
    if form is PlaceForm.SHEET_ROW:
        known = locator.sheet is not None and locator.row is not None
        return Gold(chunk.source, sheet=locator.sheet, row=locator.row) if known else None
    number = getattr(locator, form.value)
    return replace(Gold(chunk.source), **{form.value: number}) if number is not None else None


@contextmanager
def open_places(settings: Settings) -> Iterator[DocumentPlaces]:
    """Lend the places of the published index. Raises IndexMissingError and IndexMismatchError."""
    store = SnapshotStore(settings.index)
    with ExitStack() as opened:
        snapshot = opened.enter_context(closing(store.open_current()))
        earlier = [opened.enter_context(closing(catalog)) for catalog in _open_earlier(store, snapshot.id)]
        yield DocumentPlaces(snapshot.catalog, earlier)


def _open_earlier(store: SnapshotStore, current: str) -> Iterator[Catalog]:
    """Yield what the snapshots before the current one hold, the newest first; those that this program cannot read are left out."""
    for snapshot_id in reversed(store.snapshot_ids()):
        if snapshot_id < current:
            with suppress(RagError, sqlite3.Error, OSError):
                store.manifest(snapshot_id).check_readable(
                    tokenizer_version=tokenizer_version(), embedder_fingerprint=None
                )
                yield Catalog(store.folder(snapshot_id) / CATALOG)
