"""What every place of every document says, place by place as the question set names them: read from the published index."""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from difflib import get_close_matches
from pathlib import PurePosixPath

from eval.matching import count_head_lines, paragraph_lines
from eval.places import Gold
from rag.activity.place_cells import MAIL_BODY, PlaceForm, form_of
from rag.documents import Chunk, Segment
from rag.indexing.catalog import Catalog
from rag.indexing.snapshot import SnapshotStore
from rag.reading.edition_titles import strip_marks
from rag.settings import Settings

_NEAREST = 3
_MAIL = ".eml"


class DocumentPlaces:
    """Look up places of documents: Gold -> the text that stands there."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._titles = {entry.source: entry.metadata.title for entry in catalog.documents()}
        self._texts = functools.lru_cache(maxsize=64)(self._read_texts)

    @property
    def sources(self) -> tuple[str, ...]:
        """The documents that can be asked."""
        return tuple(self._titles)

    def texts(self, source: str) -> Mapping[Gold, str]:
        """Return every place of a document that says something, in order; of lines, those where a paragraph begins."""
        return self._texts(source)

    def read(self, gold: Gold) -> str | None:
        """Return what a place says; None where the document has no such place, "" where nothing is written there."""
        if gold.line is not None:
            return self._read_from_line(gold)
        text = self.texts(gold.source).get(gold)
        return "" if text is None and gold.number <= self.last_number(gold) else text

    def is_recognised(self, gold: Gold) -> bool:
        """Tell whether the page of a place was read by OCR, which may misread what is printed there."""
        pages = self._catalog.pages(gold.source) if gold.page is not None else []
        return any(page.number == gold.page and page.quality.ocr_confidence is not None for page in pages)

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
        wanted = PurePosixPath(source)
        names = {known: PurePosixPath(known).name for known in self.sources}
        close = get_close_matches(wanted.name, [*names.values()], _NEAREST, 0.6)
        by_name = [known for name in close for known in self.sources if names[known] == name]
        return tuple(dict.fromkeys((*self.editions(source), *by_name)))[:_NEAREST]

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
    snapshot = SnapshotStore(settings.index).open_current()
    try:
        yield DocumentPlaces(snapshot.catalog)
    finally:
        snapshot.close()
