"""Read back the places of the built corpus: pages, rows, records and lines, as the question set names them."""

from __future__ import annotations

import csv
import unicodedata
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pypdfium2  # type: ignore[import-untyped,unused-ignore]
from openpyxl import load_workbook

CORPUS = Path(__file__).parents[2] / "corpus"


def normal(text: str) -> str:
    """Return text in NFKC without white space, the form in which facts are compared."""
    return "".join(unicodedata.normalize("NFKC", text).split())


@cache
def places(source: str) -> dict[str, str]:
    """Return every place of a document with its normalised text; a line of text stands for its whole paragraph."""
    path = CORPUS / source
    readers = {".pdf": pdf_pages, ".xlsx": sheet_rows, ".csv": csv_records}
    return {place: normal(text) for place, text in readers.get(path.suffix, paragraphs)(path)}


def pdf_pages(path: Path) -> Iterator[tuple[str, str]]:
    """Yield the physical number and the text of each page."""
    with pypdfium2.PdfDocument(path) as document:
        for number in range(1, len(document) + 1):
            yield str(number), document[number - 1].get_textpage().get_text_range()


def sheet_rows(path: Path) -> Iterator[tuple[str, str]]:
    """Yield ``sheet:row`` and the cells of each row."""
    for sheet in load_workbook(path, read_only=True):
        for number, row in enumerate(sheet.iter_rows(values_only=True), start=1):
            yield f"{sheet.title}:{number}", " ".join(str(cell) for cell in row if cell is not None)


def csv_records(path: Path) -> Iterator[tuple[str, str]]:
    """Yield the number of each record, the header being 1, and its cells."""
    with path.open(encoding="cp932", newline="") as file:
        for number, record in enumerate(csv.reader(file), start=1):
            yield str(number), " ".join(record)


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


def locate(source: str, wanted: list[str]) -> list[str]:
    """Return the places of a document that hold all the wanted strings; in text, the very lines."""
    needles = [normal(text) for text in wanted]
    if Path(source).suffix in (".md", ".txt"):
        lines = [normal(line) for line in text_lines(CORPUS / source)]
        return [str(number) for number, line in enumerate(lines, start=1) if all(text in line for text in needles)]
    return [place for place, text in places(source).items() if all(needle in text for needle in needles)]
