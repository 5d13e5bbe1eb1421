"""The form of a question in which two are the same: one way of writing, without politeness and punctuation."""

from __future__ import annotations

import re

from rag.asking import strip_politeness
from rag.text import fold

_END = re.compile(r"(?:の|ん)?(?:です|でしょう)?か$|です$|は$")


def normalize_question(question: str) -> str:
    """Return the form in which questions are counted and pinned answers are found. What is asked (いつ, どこ) stays.

    >>> normalize_question("すみません、ごみ袋は、いくらですか？"), normalize_question("ごみ袋は いくらでしょうか。")
    ('ごみ袋はいくら', 'ごみ袋はいくら')
    >>> normalize_question("転出届はどこに出しますか") == normalize_question("転出届はいつ出しますか")
    False
    >>> normalize_question("令和６年度の予算は") == normalize_question("2024年度の予算")
    True
    """
    bare = _strip(strip_politeness(fold(question)))
    return _END.sub("", bare) or bare


def _strip(text: str) -> str:
    return re.sub(r"[\W_]+", "", text)
