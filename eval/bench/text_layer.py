"""Measure how well wrong text layers are told from right ones: python -m eval.bench.text_layer [FOLDER of *.jsonl.gz]

Each text of the folder (default ../shared/data/train, 3,000 of each file) is judged as it is, which should pass, and with its
Japanese code points shifted by 1, 2, 5 or 29, which should be found. Texts with fewer than 40 hiragana are not shifted.
"""

from __future__ import annotations

import gzip
import json
import random
import re
import sys
from pathlib import Path

from rag.reading.text_layer import is_garbled

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "data" / "train"
_MOST, _CHARS, _SHIFTS = 3_000, 1_500, (1, 2, 5, 29)


def read_texts(file: Path) -> list[str]:
    """Return texts of a file of JSON lines, the same ones each time."""
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        records = [json.loads(line) for line in lines]
    random.Random(0).shuffle(records)
    return ["".join(str(value) for value in record.values())[:_CHARS] for record in records[:_MOST]]


def shift_text(text: str, by: int) -> str:
    """Return a text as a font with a shifted map shows it.

    >>> shift_text("A町のロ", 1)
    'A画はヮ'
    """
    return "".join(chr(ord(c) + by) if ord(c) > 0x3000 else c for c in text)


def main() -> int:
    """Print both figures for each file."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    files = sorted(folder.glob("*.jsonl.gz"))
    if not files:
        print(f"文章のファイル（*.jsonl.gz）がありません: {folder}", file=sys.stderr)
        return 2
    print("| 文章 | 誤って壊れていると判定 | ずらした文章を見つけた |\n| --- | ---: | ---: |")
    for file in files:
        texts = read_texts(file)
        wrong = sum(map(is_garbled, texts))
        long = [text for text in texts if len(re.findall("[ぁ-ゖ]", text)) >= 40]
        found = sum(is_garbled(shift_text(text, _SHIFTS[i % len(_SHIFTS)])) for i, text in enumerate(long))
        print(f"| {file.name} | {wrong}/{len(texts)} | {found}/{len(long)} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
