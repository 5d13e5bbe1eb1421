"""Make the table of digests from tables of words: `python -m eval.reading.digest IN.tsv… > eval/reading/real.tsv`."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from eval.reading.real import COLUMNS, digest_needle, format_needle, plain_needles, read_table
from rag.errors import RagError


def make_lines(paths: Sequence[Path]) -> Iterator[str]:
    """Yield the lines of the table, its heading first. Raises UsageError."""
    yield "\t".join(COLUMNS)
    lines = [line for path in paths for line in read_table(path)]
    for file, page, kind, text, note in sorted(lines, key=lambda line: line[:3]):
        needles = plain_needles(kind, text)
        parts = " | ".join(format_needle(digest_needle(kind, needle.hint)) for needle in needles)
        yield "\t".join((file, str(page), kind, parts, clean_note(note)))


def clean_note(note: str) -> str:
    """Return a note without what it may quote of a document: everything that is not plain ASCII.

    >>> clean_note("merged; 毎年 spans all four rows"), clean_note("「手数料」の表")
    ('merged; … spans all four rows', '…')
    """
    return re.sub(r"[^ -~]+", "…", note)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table and return the exit status."""
    names = list(sys.argv[1:] if arguments is None else arguments)
    if not names:
        print("使い方: python -m eval.reading.digest 表.tsv …", file=sys.stderr)
        return 2
    try:
        print("\n".join(make_lines([Path(name) for name in names])))
    except (RagError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
