"""Mask personal data before a text leaves for an LLM, put it back in the answer, and take it out of what is logged."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from rag.answering.privacy.finding import find_personal_data
from rag.answering.privacy.kinds import PersonalKind, fold_characters
from rag.errors import PersonalDataError

REFUSE, MASK = "refuse", "mask"
"""What the setting personal_data says: send nothing that holds personal data, or send it masked."""
_LITERAL = "原文"  # the label of what stands in a text and looks like a token of ours
_NAMES = {kind.label: kind for kind in PersonalKind}
_OPEN, _CLOSE = r"[【\[［〔〈<＜（(「『{]", r"[】\]］〕〉>＞）)」』}]"
_TOKEN = re.compile(
    rf"{_OPEN}\s*(?P<label>{'|'.join((*_NAMES, _LITERAL))})\s*(?P<number>[0-9０-９]+)(?:\s*の\s*(?P<writing>[0-9０-９]+))?\s*{_CLOSE}"
)
_LEAST_NAME, _LEAST_NUMBER = 2, 6  # characters from which a value is looked for where nothing announces it
_PLACE_BEHIND = r"(?![都道府県市区町村郡駅川橋港])"
_MARKS = re.compile(r"[\s\-().・]+")


class Mask:
    """The tokens of one request: the same value gets the same token in all of its texts.

    texts: what will be masked, so that a name which is announced in one of them is found in the others too.
    A value that is written in two ways has one number and two tokens, 【電話1】 and 【電話1の2】: each comes back as it stood.
    """

    def __init__(self, texts: Iterable[str] = ()) -> None:
        self._tokens: dict[tuple[str, str], str] = {}
        self._values: dict[str, str] = {}
        self._writings: dict[tuple[str, str], list[str]] = {}
        self._numbers: dict[tuple[str, str], int] = {}
        for text in texts:
            for found in find_personal_data(text):
                self._token_of(found.kind.label, found.text)

    def mask(self, text: str) -> str:
        """Return a text with a token in the place of each personal datum.

        >>> mask = Mask()
        >>> mask.mask("佐藤さんへ090-1234-5678で。佐藤は不在"), mask.unmask("[氏名１]さんの番号は【電話1】です")
        ('【氏名1】さんへ【電話1】で。【氏名1】は不在', '佐藤さんの番号は090-1234-5678です')
        """
        found = [(datum.kind.label, datum.start, datum.end) for datum in find_personal_data(text)]
        for label, start, end in found:
            self._token_of(label, text[start:end])
        found += self._find_known(text)
        found += [(_LITERAL, *match.span()) for match in _TOKEN.finditer(text)]
        pieces, last = [], 0
        for label, start, end in _merge(found):
            pieces += [text[last:start], self._token_of(label, text[start:end])]
            last = end
        return "".join((*pieces, text[last:]))

    def unmask(self, text: str) -> str:
        """Return a text with the values in the place of the tokens, other brackets and full-width digits allowed; others stay."""
        return _TOKEN.sub(lambda match: self._values.get(_read_token(match), match[0]), text)

    def leaks(self, text: str) -> tuple[str, ...]:
        """Return which of the values seen so far still stand in a text, written in any way.

        Not looked for: names of one letter, names with which a place begins (佐藤町), numbers of fewer than six characters.
        """
        squeezed = _squeeze(text)
        return tuple(
            written[0]
            for (label, key), written in self._writings.items()
            if label != _LITERAL and len(key) >= _least_length(label) and _pattern(label, key).search(squeezed)
        )

    def _find_known(self, text: str) -> Iterator[tuple[str, int, int]]:
        """Yield values seen so far that stand in a text without anything that announces them."""
        folded = fold_characters(text)
        for (label, key), written in self._writings.items():
            if label == _LITERAL or len(key) < _least_length(label):
                continue
            for value in {fold_characters(one) for one in written}:
                for match in _pattern(label, value).finditer(folded):
                    yield label, *match.span()

    def _token_of(self, label: str, value: str) -> str:
        """Return the token of a value, a new one where it has none."""
        token = self._tokens.get((label, value))
        if token is None:
            number, writing = self._number_of(label, value)
            token = f"【{label}{number}】" if writing == 1 else f"【{label}{number}の{writing}】"
            self._tokens[label, value] = token
            self._values[token] = value
        return token

    def _number_of(self, label: str, value: str) -> tuple[int, int]:
        """Return the number of a value and which way of writing it this is."""
        key = (label, value if label == _LITERAL else _squeeze(value))
        if key not in self._writings:
            self._writings[key] = []
            self._numbers[key] = sum(known == label for known, _ in self._writings)
        self._writings[key].append(value)
        return self._numbers[key], len(self._writings[key])


def redact(text: str) -> str:
    """Return a text for a log: each personal datum is replaced by its kind, for good.

    >>> redact("佐藤さん（090-1234-5678）から様式第3号を受け付けた")
    '【氏名】さん（【電話】）から様式第3号を受け付けた'
    """
    pieces, last = [], 0
    for found in find_personal_data(text):
        pieces += [text[last : found.start], f"【{found.kind.label}】"]
        last = found.end
    return "".join((*pieces, text[last:]))


def check_may_send(texts: Iterable[str], mode: str) -> tuple[PersonalKind, ...]:
    """Return the kinds of personal data in texts that are to be sent to an LLM.

    Raises PersonalDataError, which names the kinds and no value, where there are any and the mode is "refuse".
    """
    seen = {found.kind for text in texts for found in find_personal_data(text)}
    kinds = tuple(kind for kind in PersonalKind if kind in seen)
    if kinds and mode == REFUSE:
        raise PersonalDataError(
            f"個人情報（{'・'.join(kind.label for kind in kinds)}）が含まれるため、言語モデルに送りませんでした。",
            "個人情報を除いて質問し直すか、設定 personal_data を mask にして、伏せてから送るようにしてください。",
        )
    return kinds


def _merge(found: Iterable[tuple[str, int, int]]) -> list[tuple[str, int, int]]:
    """Return stretches that do not overlap, in order: those that do become one, of the kind of the longest."""
    merged: list[tuple[str, int, int]] = []
    for label, start, end in sorted(found, key=lambda f: (f[1], -f[2])):
        if merged and start < merged[-1][2]:
            before, first, last = merged[-1]
            longer = label if end - start > last - first else before
            merged[-1] = (longer, first, max(last, end))
        else:
            merged.append((label, start, end))
    return merged


def _read_token(match: re.Match[str]) -> str:
    """Return the token as we write it."""
    number = int(match["number"])
    writing = f"の{int(match['writing'])}" if match["writing"] else ""
    return f"【{match['label']}{number}{writing}】"


def _pattern(label: str, value: str) -> re.Pattern[str]:
    """Return what finds a value that nothing announces; a name with which a place begins (佐藤町) is none."""
    return re.compile(re.escape(value) + (_PLACE_BEHIND if label == PersonalKind.NAME.label else ""))


def _least_length(label: str) -> int:
    return _LEAST_NAME if label == PersonalKind.NAME.label else _LEAST_NUMBER


def _squeeze(text: str) -> str:
    """Return the form in which values are compared: one width, no blanks, hyphens or brackets."""
    return _MARKS.sub("", fold_characters(text))
