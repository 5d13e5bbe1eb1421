"""Real documents: what is expected of them, read from a table, and where they are. Their sentences are kept as digests only.

A line of the table: file, page, kind, parts (joined by ` | `), note. A part is words (`--plain`), or `12:digest:hint`, or for
recognised text `~12:digest,digest,…:hint`.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from eval.reading.expectations import Expectation, Kind
from eval.reading.needles import Digest, Grams, Needle, Plain, make_digest, make_grams
from rag.errors import UsageError

ROOT = Path(__file__).parents[2]
FOLDERS = (
    ROOT.parent / "shared" / "data" / "municipal_pdf",
    ROOT.parent / "shared" / "data" / "bench" / "allganize_dev" / "pdf",
)
"""Where the real documents are, on the machines that have them."""
TABLE = Path(__file__).with_name("real.tsv")
COLUMNS = ("file", "page", "kind", "parts", "note")
_SEPARATORS = {Kind.ORDER: "⇒", Kind.SENTENCE: None, Kind.OCR: None, Kind.HEADING: None, Kind.MARGIN: None}
_SEPARATORS |= {Kind.CAPTION: None, Kind.JOINED: None, Kind.ONCE: None}

Expected = Mapping[str, Sequence[Expectation]]


def find_file(name: str) -> Path | None:
    """Return where a real document is, or None."""
    return next((path for folder in FOLDERS if (path := folder / name).is_file()), None)


def read_plain(path: Path) -> dict[str, list[Expectation]]:
    """Return file -> what is expected, from a table of words. Raises UsageError."""
    return _group(path, plain_needles)


def read_digests(path: Path = TABLE) -> dict[str, list[Expectation]]:
    """Return file -> what is expected, from a table of digests. Raises UsageError."""
    return _group(path, lambda kind, text: tuple(map(parse_needle, text.split(" | "))))


def _group(path: Path, needles: Callable[[Kind, str], tuple[Needle, ...]]) -> dict[str, list[Expectation]]:
    found: dict[str, list[Expectation]] = {}
    for file, page, kind, text, note in read_table(path):
        found.setdefault(file, []).append(Expectation(kind, page, needles(kind, text), note))
    return found


def read_table(path: Path) -> Iterator[tuple[str, int, Kind, str, str]]:
    """Yield (file, page, kind, text, note) of each line. Raises UsageError for a line that cannot be meant."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        for number, cells in enumerate(csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE), start=1):
            if not cells or cells[0].startswith("#") or cells[:2] == ["file", "page"]:
                continue
            name, page, kind, text, note = (*cells, "", "", "", "")[:5]
            if not (page.strip().isdigit() and kind.strip() in list(Kind) and text.strip()):
                raise UsageError(
                    f"{path.name} の {number} 行目が読めません: {cells}",
                    "file, page, kind, text, note の順に書いてください。",
                )
            yield name.strip(), int(page), Kind(kind.strip()), text.strip(), note.strip()


def plain_needles(kind: Kind, text: str) -> tuple[Needle, ...]:
    """Return the parts of the text of a line.

    >>> [needle.hint for needle in plain_needles(Kind.ROW, "毛布 | 300枚 | ")]
    ['毛布', '300枚']
    """
    separator = _SEPARATORS.get(kind, "|")
    parts = text.split(separator) if separator else [text]
    return tuple(Plain(part.strip()) for part in parts if part.strip())


def digest_needle(kind: Kind, text: str) -> Needle:
    """Return what is kept of a part."""
    return make_grams(text) if kind is Kind.OCR else make_digest(text)


def format_needle(needle: Needle) -> str:
    """Return a part as it is written in the table.

    >>> format_needle(make_digest("転入届は 14日以内に"))
    '10:af2fb3921539ec1b:転入…内に'
    """
    if isinstance(needle, Grams):
        return f"~{needle.length}:{','.join(sorted(needle.grams))}:{needle.hint}"
    if isinstance(needle, Digest):
        return f"{needle.length}:{needle.digest}:{needle.hint}"
    return needle.text


def parse_needle(written: str) -> Needle:
    """Return a part from its written form; the opposite of `format_needle`."""
    length, digest, hint = written.split(":", 2)
    if length.startswith("~"):
        return Grams(int(length[1:]), frozenset(digest.split(",")), hint)
    return Digest(int(length), digest, hint)
