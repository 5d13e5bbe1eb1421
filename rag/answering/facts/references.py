"""Articles, forms and phone numbers in folded text, and the articles that a law's own numbering states line by line."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rag.answering.facts.kinds import FactKind, Found, Rule

_ARTICLE, _FORM, _PHONE = FactKind.ARTICLE, FactKind.FORM, FactKind.PHONE
_SUB = r"(?:の[0-9]+(?![0-9]*(?:部|通|枚|冊|人|円|日|件|分|割|倍|箇)))*"
_KINDS = "様式|別表|別紙|別図|別添|付表"
_FORMS = re.compile(
    rf"(?:別記\s?)?(?P<kind>{_KINDS})\s?(?:第\s?(?P<ordinal>[0-9]+)|(?<=様式)(?P<bare>[0-9]+)|(?<=[表紙図添])(?P<plain>[0-9]+))\s?(?:号|表)?(?P<sub>{_SUB}(?:-[0-9]+)*)"
    rf"|(?:別記\s?)?第\s?(?P<before>[0-9]+)\s?号(?P<subbefore>{_SUB})\s?(?P<kindbehind>様式)|(?P<alone>別記様式)"
)
_ARTICLES = re.compile(
    rf"第?\s?(?<![0-9.])(?P<article>[0-9]+)\s?条(?P<sub>{_SUB})(?!例|件|約|目)(?:\s?第\s?(?P<paragraph>[0-9]+)\s?項)?(?:\s?第\s?(?P<item>[0-9]+)\s?号(?P<itemsub>{_SUB})(?!様式|被保険))?"
    rf"|第\s?(?P<only>[0-9]+)\s?項(?!目)(?:\s?第\s?(?P<onlyitem>[0-9]+)\s?号(?P<onlysub>{_SUB}))?|第\s?(?P<single>[0-9]+)\s?号(?P<singlesub>{_SUB})(?!様式|被保険|議案|車|線|館|機|炉|棟)"
)
_PHONES = re.compile(
    r"(?<![0-9a-z\-])(?:\(?0[0-9]{0,4}\)?[\s\-]?[0-9]{1,4}[\-)]\s?[0-9]{3,4}(?![0-9])|0[0-9]{9,10}(?![0-9]))"
    r"(?:\s?[(、]?\s?内線\s?[:]?\s?(?P<with>[0-9]{1,5}))?"
    r"|(?:内線|内)\s?(?:番号)?\s?[:は]?\s?(?P<extension>[0-9]{2,5})(?![0-9]*[人件%円年月日])|(?<![0-9a-z.\-])[1-9][0-9]{1,3}-[0-9]{4}(?![0-9\-])"
)
_LINE_ARTICLE = re.compile(rf"[#\s]*第\s?([0-9]+)\s?条({_SUB})(?=[\s(]|$)")
_LINE_PARAGRAPH = re.compile(r"[#\s]*(?:第\s?([0-9]+)\s?項|([0-9]{1,2})(?=\s))")
_LINE_ITEM = re.compile(r"[#\s]*(?:第\s?([0-9]+)\s?号|\(([0-9]{1,2})\))")


def _read_form(match: re.Match[str]) -> Iterator[Found]:
    if match["alone"]:
        yield Found(_FORM, "様式", match.start(), match.end())
        return
    kind = match["kind"] or match["kindbehind"]
    number = match["ordinal"] or match["bare"] or match["plain"] or match["before"]
    sub = (match["sub"] or match["subbefore"] or "").replace("-", "の")
    yield Found(_FORM, f"{kind}{int(number)}{sub}", match.start(), match.end())


def _read_article(match: re.Match[str]) -> Iterator[Found]:
    parts = []
    if match["article"]:
        parts.append(f"第{int(match['article'])}条{match['sub']}")
    if paragraph := match["paragraph"] or match["only"]:
        parts.append(f"第{int(paragraph)}項")
    if item := match["item"] or match["onlyitem"] or match["single"]:
        parts.append(f"第{int(item)}号{match['itemsub'] or match['onlysub'] or match['singlesub'] or ''}")
    yield Found(_ARTICLE, "".join(parts), match.start(), match.end())


def _read_phone(match: re.Match[str]) -> Iterator[Found]:
    extension = match["with"] or match["extension"]
    if not match["extension"]:
        end = match.end("with") if not extension else match.start("with")
        end = match.end() if not extension else match.string.rindex("内線", match.start(), end)
        yield Found(_PHONE, re.sub(r"\D", "", match.string[match.start() : end]), match.start(), end)
    if extension:
        start = match.start() if match["extension"] else match.string.rindex("内線", match.start(), match.start("with"))
        yield Found(_PHONE, f"内線{int(extension)}", start, match.end())


REFERENCES: tuple[Rule, ...] = ((_PHONES, _read_phone), (_FORMS, _read_form), (_ARTICLES, _read_article))
"""Rules for phone numbers, forms and articles, in the order in which they must be tried."""


class Numbering:
    """Follows the numbers at the beginnings of a law's lines: 第3条, then 2, then (1) is 第3条第2項第1号."""

    def __init__(self) -> None:
        self._article = ""
        self._paragraph = "第1項"

    def read(self, folded: str) -> Iterator[Found]:
        """Yield the article, paragraph or item that a line is, if it begins with its number."""
        if match := _LINE_ARTICLE.match(folded):
            self._article, self._paragraph = f"第{int(match[1])}条{match[2]}", "第1項"
        elif self._article and (match := _LINE_PARAGRAPH.match(folded)):
            self._paragraph = f"第{int(match[1] or match[2])}項"
            yield Found(_ARTICLE, f"{self._article}{self._paragraph}", match.start(), match.end())
        elif self._article and (match := _LINE_ITEM.match(folded)):
            item = f"第{int(match[1] or match[2])}号"
            yield Found(_ARTICLE, f"{self._article}{self._paragraph}{item}", match.start(), match.end())
            if self._paragraph == "第1項":
                yield Found(_ARTICLE, f"{self._article}{item}", match.start(), match.end())


_PIECES = re.compile(r"第[0-9]+[条項号](?:の[0-9]+)*")


def covers_article(held: str, wanted: str) -> bool:
    """Tell whether one article names the other, which says as much or less; the first paragraph need not be named.

    >>> [covers_article("第12条第2項第3号", wanted) for wanted in ["第12条", "第12条第2項", "第2項", "第12条第3項", "第12条の2"]]
    [True, True, True, False, False]
    >>> [covers_article(held, "第3条第1項") for held in ["第3条", "第3条第2項"]], covers_article("第3条", "第3条第2項")
    ([True, False], False)
    """
    have, want = _PIECES.findall(held), _PIECES.findall(wanted)
    if want[-1:] == ["第1項"] and len(want) > 1 and not any(piece.endswith("項") for piece in have):
        want = want[:-1]
    return any(have[at : at + len(want)] == want for at in range(len(have))) if want else False


def covers_phone(held: str, wanted: str) -> bool:
    """Tell whether a phone number is the other, or ends with it where the area code was left out.

    >>> covers_phone("0000123400", "123400"), covers_phone("0000123400", "0000123401"), covers_phone("内線150", "内線50")
    (True, False, False)
    """
    return held == wanted or (len(wanted) >= 6 and wanted.isdigit() and held.endswith(wanted))
