"""Read back the places of the built corpus as the question set names them: pages, rows, records, lines, paragraphs, slides.

What stands on a page of a scan comes from what was printed, not from reading the picture. Paragraphs of Word and HTML are counted as
the citations of the product count them.
"""

from __future__ import annotations

import csv
import unicodedata
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pypdfium2  # type: ignore[import-untyped,unused-ignore]
from openpyxl import load_workbook

from eval.municipality.build import Print
from eval.municipality.facts import CORPUS, THOUSANDS
from eval.municipality.scans import SCANS, page_texts


def normal(text: str) -> str:
    """Return text in NFKC without white space, the form in which facts are compared."""
    return "".join(unicodedata.normalize("NFKC", text).split())


@cache
def places(source: str) -> dict[str, str]:
    """Return every place of a document with its normalised text; a line of text stands for its whole paragraph."""
    path = CORPUS / source
    scanned = [job for job in SCANS if job.target == source]
    found = scan_pages(scanned[0]) if scanned else READERS.get(path.suffix, paragraphs)(path)
    return {place: normal(text) for place, text in found}


def page_count(source: str) -> int:
    """Return the number of pages, slides or sheets of a document; what only flows is one page."""
    suffix = Path(source).suffix
    if suffix == ".xlsx":
        return len({place.rpartition(":")[0] for place in places(source)})
    return len(places(source)) if suffix in (".pdf", ".pptx") else 1


def scan_pages(job: Print) -> Iterator[tuple[str, str]]:
    """Yield the number and the printed text of each page of a scan."""
    yield from ((str(number), text) for number, text in enumerate(page_texts(job), start=1))


def pdf_pages(path: Path) -> Iterator[tuple[str, str]]:
    """Yield the physical number and the text of each page."""
    with pypdfium2.PdfDocument(path) as document:
        for number in range(1, len(document) + 1):
            yield str(number), document[number - 1].get_textpage().get_text_range()


def sheet_rows(path: Path) -> Iterator[tuple[str, str]]:
    """Yield ``sheet:row`` and the cells of each row."""
    for sheet in load_workbook(path).worksheets:
        for number, row in enumerate(sheet.iter_rows(), start=1):
            yield f"{sheet.title}:{number}", " ".join(_shown(cell) for cell in row if cell.value is not None)


def _shown(cell: Any) -> str:
    """Return what a cell shows, as far as the town's own formats go."""
    return f"{cell.value:,}" if cell.number_format == THOUSANDS else str(cell.value)


def csv_records(path: Path) -> Iterator[tuple[str, str]]:
    """Yield the number of each record, the header being 1, and its cells."""
    with path.open(encoding="cp932", newline="") as file:
        for number, record in enumerate(csv.reader(file), start=1):
            yield str(number), " ".join(record)


def flowing_paragraphs(path: Path) -> Iterator[tuple[str, str]]:
    """Yield the number of each paragraph or table row of a Word or HTML document, and its text."""
    from rag.reading.html import read_html
    from rag.reading.word import read_word

    (page,) = {".docx": read_word, ".html": read_html}[path.suffix](path, path.name).pages
    texts: dict[int, list[str]] = {}
    for block in page.blocks:
        if block.locator.paragraph is not None:
            texts.setdefault(block.locator.paragraph, []).append(page.text[block.start : block.end])
    yield from ((str(number), " ".join(lines)) for number, lines in texts.items())


def slide_texts(path: Path) -> Iterator[tuple[str, str]]:
    """Yield the number of each slide, and all that stands on it and in its notes."""
    from rag.reading.slides import read_slides

    yield from ((str(page.number), page.text) for page in read_slides(path, path.name).pages)


def text_lines(path: Path) -> list[str]:
    """Return the lines of a text, in UTF-8 or else in the encoding of Japanese Windows."""
    data = path.read_bytes()
    try:
        return data.decode("utf-8").splitlines()
    except UnicodeDecodeError:
        return data.decode("cp932").splitlines()


def paragraphs(path: Path) -> Iterator[tuple[str, str]]:
    """Yield the number of each line and the text from there to the next empty line."""
    lines = text_lines(path)
    for start in range(len(lines)):
        end = next((at for at in range(start, len(lines)) if not lines[at].strip()), len(lines))
        yield str(start + 1), "\n".join(lines[start:end])


READERS = {
    ".pdf": pdf_pages,
    ".xlsx": sheet_rows,
    ".csv": csv_records,
    ".docx": flowing_paragraphs,
    ".html": flowing_paragraphs,
    ".pptx": slide_texts,
}


def locate(source: str, wanted: list[str]) -> list[str]:
    """Return the places of a document that hold all the wanted strings; in text, the very lines."""
    needles = [normal(text) for text in wanted]
    if Path(source).suffix in (".md", ".txt"):
        lines = [normal(line) for line in text_lines(CORPUS / source)]
        return [str(number) for number, line in enumerate(lines, start=1) if all(text in line for text in needles)]
    return [place for place, text in places(source).items() if all(needle in text for needle in needles)]
