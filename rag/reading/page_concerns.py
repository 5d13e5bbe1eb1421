"""What is said of the pages of a file that a person should look at."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rag.documents import Concern, Problem
from rag.reading.pdf_page import Sheet
from rag.reading.tesseract import PACKAGES

_CONCERNS = {
    Concern.WAITING_OCR: (
        "文字認識（OCR）待ちの",
        f"文字認識のプログラム（{PACKAGES}）を導入し、設定 ocr が true であることを確かめて、もう一度 `rag index` を実行してください。"
        "文字の入った PDF に置き換えてもかまいません。",
    ),
    Concern.OCR_FAILED: (
        "文字認識（OCR）に失敗した",
        "設定 ocr_page_seconds を延ばすか、文字の入った PDF に置き換えてください。",
    ),
    Concern.GARBLED: (
        "文字の情報が壊れていて（文字化け）、検索から除いた",
        "元の文書から PDF を作り直すか、文字認識のプログラムを導入してください。",
    ),
    Concern.LOW_OCR: (
        "文字認識（OCR）の確からしさが低い",
        "原本と読み比べ、読み違いが多いときは、文字の入った PDF に置き換えてください。",
    ),
    Concern.NO_TEXT: (
        "画像だけで、検索できる文字が見つからない",
        "図や写真だけのページならそのままでかまいません。文字があるときは、文字の入った PDF に置き換えてください。",
    ),
    Concern.BROKEN_PAGE: (
        "壊れていて開けない",
        "元の文書から PDF を作り直すか、もう一度コピーしてください。ほかの頁は検索できます。",
    ),
}
"""Concern -> what is the matter with the pages, and what to do."""


def report_concerns(sheets: Sequence[Sheet], source: str) -> Iterator[Problem]:
    """Yield one problem for each concern, with the pages that it is about."""
    for concern, (message, remedy) in _CONCERNS.items():
        numbers = [sheet.number for sheet in sheets if concern in sheet.concerns]
        if numbers:
            pages = "、".join(map(str, numbers[:20])) + ("、ほか" if len(numbers) > 20 else "")
            text = f"{message}ページが{len(numbers)}枚あります（PDF {pages}枚目）: {source}"
            yield Problem(source, concern.value, text, remedy, page=numbers[0])
