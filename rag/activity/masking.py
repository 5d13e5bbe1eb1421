"""What people wrote, and what they were answered, in the form in which it may be kept: without personal data, for good."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from rag.answering.privacy import Mask
from rag.answering.privacy.kinds import PersonalKind
from rag.errors import UsageError

MAX_COMMENT_CHARS = 500
_OURS = frozenset({"status", "reason", "code", "engine"})
"""Keys of an answer whose values are words of ours."""
_NUMBERED = re.compile(rf"【(?:{'|'.join(kind.label for kind in PersonalKind)}|原文)[0-9]+(?:の[0-9]+)?】")
_LITERAL = "【原文"


def redact_texts(texts: Sequence[str]) -> list[str]:
    """Return texts without personal data: a name that is announced in one of them is found in the others too.

    >>> redact_texts(["佐藤花子さん（090-1234-5678）の転入届", "佐藤花子が090－1234－5678から", "様式第3号【電話1】"])
    ['【氏名】さん（【電話】）の転入届', '【氏名】が【電話】から', '様式第3号【電話1】']
    """
    mask = Mask(texts)
    return [_NUMBERED.sub(lambda match: _forget_number(match[0], mask), mask.mask(text)) for text in texts]


def _forget_number(token: str, mask: Mask) -> str:
    """Return the kind alone; what stood in the text and only looked like a token comes back."""
    return mask.unmask(token) if token.startswith(_LITERAL) else re.sub(r"[0-9]+(?:の[0-9]+)?】", "】", token)


def redact_answer(question: str, answer: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return a question and the JSON form of its answer without personal data, names of files included."""
    texts = [question, *_find_texts(answer)]
    known = dict(zip(texts, redact_texts(texts), strict=True))
    return known[question], {key: _replace(key, value, known) for key, value in answer.items()}


def _find_texts(value: Any, key: str = "") -> list[str]:
    if isinstance(value, str):
        return [] if key in _OURS else [value]
    if isinstance(value, Mapping):
        return [text for k, v in value.items() for text in _find_texts(v, k)]
    return [text for v in value for text in _find_texts(v, key)] if isinstance(value, list) else []


def _replace(key: str, value: Any, known: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return value if key in _OURS else known[value]
    if isinstance(value, Mapping):
        return {k: _replace(k, v, known) for k, v in value.items()}
    return [_replace(key, v, known) for v in value] if isinstance(value, list) else value


def clean_text(text: str) -> str:
    """Return a text that a database and a sheet can hold: no halves of characters, no control characters but line breaks.

    >>> clean_text("表\\x00の\\ud800\\r\\n誤り\\t ")
    '表 の?\\n誤り'
    """
    whole = text.encode("utf-8", "replace").decode("utf-8").replace("\r\n", "\n").replace("\r", "\n")
    return re.sub(r"[\x00-\x09\x0b-\x1f\x7f\u2028\u2029\ufffe\uffff]", " ", whole).strip()


def clean_comment(comment: str) -> str:
    """Return one line without personal data. Raises UsageError for one that is too long.

    >>> clean_comment(" 金額が\\n違う "), clean_comment("佐藤花子さんに確認")
    ('金額が 違う', '【氏名】さんに確認')
    """
    line = " ".join(clean_text(comment).split())
    if len(line) > MAX_COMMENT_CHARS:
        raise UsageError(f"コメントが長すぎます（{len(line)}文字）。", f"{MAX_COMMENT_CHARS}文字以内に縮めてください。")
    return redact_texts([line])[0]
