"""Which of the titles that a file has is the document's: programs fill in the one in its properties, and nobody looks at it."""

from __future__ import annotations

import re
import unicodedata

from rag.text import squeeze

_MEANINGLESS = re.compile(
    r"(?:power\s?point|microsoft|word|無題|untitled|文書|document|スライド|新規).*"
    r"|[!-~]+|.*\.(?:docx?|docm|pptx?|pptm|xlsx?|jtd|pdf|html?)",
    re.IGNORECASE,
)
_MIN_CHARS = 3


def choose_title(named: str, *, shown: str | None, text: str) -> str | None:
    """Return the title in a file's properties when the document says the same somewhere, or shows none; else the one it shows.

    >>> choose_title("旅費の手引", shown="第1章 総則", text="令和7年度\\n旅費の手引\\n第1章 総則")
    '旅費の手引'
    >>> choose_title("前年度の通知", shown="説明会のご案内", text="説明会のご案内\\n日時"), choose_title("Word 文書", shown=None, text="")
    ('説明会のご案内', None)
    """
    clean = " ".join(unicodedata.normalize("NFKC", named).split())
    if len(clean) < _MIN_CHARS or _MEANINGLESS.fullmatch(clean):
        return shown
    return clean if shown is None or squeeze(clean) in squeeze(text) else shown
