"""Scanned notices: printed pages as a copier hands them on, pictures that are grey, a little askew and without a letter of text."""

from __future__ import annotations

import re
import tempfile
from html import unescape
from pathlib import Path

from pypdf import PdfWriter

from eval.municipality.build import Print, page_of, write_pdf
from eval.municipality.facts import SOURCES, Facts, fill, load

SCANS = (
    Print(
        "建設課/町道中央日向線改良工事に伴う通行規制のお知らせ.pdf",
        "scan-road",
        "町道中央日向線改良工事に伴う通行の規制について",
        "建設課",
        look="notice",
        short="road",
    ),
    Print(
        "教育課/学校体育施設開放の利用団体登録について.pdf",
        "scan-gym",
        "令和8年度学校体育施設開放の利用団体登録について",
        "教育課",
        look="notice",
        short="gym",
    ),
)
LEAF = '<div class="leaf"></div>'
"""What ends a page in the source of a scan."""
_ASKEW = 0.6  # degrees
_QUALITY = 60  # of the JPEG pictures


def make_scan(job: Print, facts: Facts) -> int:
    """Write one scan into the corpus; return its number of pages."""
    import weasyprint  # type: ignore[import-untyped,unused-ignore]

    from eval.reading.fixtures.scanning import scan

    with tempfile.TemporaryDirectory() as folder:
        printed, scanned = Path(folder, "printed.pdf"), Path(folder, "scanned.pdf")
        weasyprint.HTML(string=page_of(job, facts)).write_pdf(printed)
        scan(scanned, printed, askew=_ASKEW, quality=_QUALITY)
        pages = write_pdf(PdfWriter(clone_from=scanned), job.target, job.title, job.department)
    if pages != len(page_texts(job)):
        raise ValueError(f"{job.target}: {pages} pages, but its source has {len(page_texts(job))}")
    return pages


def page_texts(job: Print) -> list[str]:
    """Return the text that was printed on each page of a scan, from its source."""
    text = fill((SOURCES / f"{job.source}.md").read_text(encoding="utf-8"), load())
    return [
        unescape(re.sub(r"<[^>]+>|^#+ |\*\*|^\|[-|]+\|$", " ", leaf, flags=re.MULTILINE)) for leaf in text.split(LEAF)
    ]
