"""Statements of generated answers, held one by one against the sources that they cite; what the sources do not bear is struck.

A statement stands when each fact in it is in the cited text and is said there of the same thing, when its words are covered
by that text, and when it affirms what the text affirms.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from rag.answering.checking.content import content_words, words_of
from rag.answering.checking.grounds import Ground, Source, read_source
from rag.answering.checking.marks import Marked, add_mark, read_marks
from rag.answering.checking.polarity import AXES, ENDING, agree_on_limit
from rag.answering.checking.sayings import SIDE, STANCE, Saying, are_rivals, find_clauses, group_of, say
from rag.answering.checking.splitting import StatementSplitter, split_statements
from rag.answering.checking.twins import find_replaced, find_twins
from rag.answering.facts.finding import contains, find_facts
from rag.answering.facts.kinds import Fact, FactKind
from rag.answering.facts.proper_names import name_value

__all__ = ["CheckedStatement", "StatementChecker", "StatementSplitter", "split_statements"]

# Chosen on the development half of `python -m eval.bench.hallucination` (see docs/architecture.md).
# Least weighted share of a statement's words that two sentences of its sources hold: inventions of the development half stay
# under 0.40, free paraphrases that were written by hand begin at 0.45, and at 0.3 where their figures are proved.
COVERED, COVERED_BESIDE_FACTS = 0.42, 0.3
MARGIN = 0.06  # by how much more of the words another value must stand beside, to be the one that is meant
APART = 0.25  # least share of the words beside a fact that stand beside it in the sources too
# Least share of the words beside what the sources deny, where they do not affirm it: of words that are opposites by themselves
# (有料 and 無料), of verbs, and of whatever a clause ends in.
OPPOSED, OPPOSITE, ALIKE = 0.35, 0.5, 0.75
_OPPOSED = frozenset(STANCE + axis for axis in AXES)
FIGURE = 2.0  # how many words a figure counts for that stands beside another: 10万円未満は1者
IN_SENTENCE, AROUND_SAYING = 0.6, 0.4  # how near words are that stand elsewhere in the sentence, or around it
AROUND, BEFORE, RELATED, ASKED = 0.8, 0.6, 0.5, 0.4  # what a word counts that stands in a heading, a sentence before, …

_ABSENCE = re.compile(
    r"(?:記載|情報|記述|説明|定め|内容)[はがも]?(?:あり|見当たり|見つかり|含まれてい|確認でき|示されてい)ません|(?:お答え|回答)(?:でき|いたしかね)"
)
_OTHER_YEAR = re.compile(r"前年|昨年|翌年|来年|前々年")
_KANJI = re.compile(r"[一-鿿]")
_HEADING = re.compile(r"\s*#+\s.*|\s*\*\*[^*]+\*\*[:：]?\s*$|.*[:：]\s*$", re.DOTALL)


@dataclass(frozen=True, slots=True)
class CheckedStatement:
    """A statement after its check.

    text: as it may be shown, with the marks of existing sources only. citations: the sources it stands on, in order.
    facts: how many facts were looked for. reason: in Japanese, why it must not be shown; None when it stands.
    unknown: cited numbers that do not exist. connective: it says nothing by itself (以下のとおりです。) and needs no proof.
    """

    text: str
    citations: tuple[int, ...]
    facts: int
    reason: str | None
    unknown: tuple[int, ...] = ()
    connective: bool = False


class StatementChecker:
    """Checks statements against the passages that a language model was given.

    sources: number -> text of a passage with its title and headings. question: what was asked; its names may be repeated.
    """

    def __init__(self, sources: Mapping[int, str], question: str = "") -> None:
        self._sources = {number: read_source(text) for number, text in sources.items()}
        self._asked, self._asked_names = content_words(question), name_value(question)
        grounds = [ground for source in self._sources.values() for ground in source.grounds]
        self._counts = Counter(word for ground in grounds for word in ground.words)
        self._total = len(grounds) + 1

    def check(self, statement: str) -> CheckedStatement:
        """Return the statement with its citations put right, or with the reason why it is struck."""
        marked = read_marks(statement, self._sources)
        facts = [fact for fact in find_facts(marked.body) if fact.kind is not FactKind.UNIT]
        words = words_of(marked.body)
        checked = CheckedStatement(marked.text, marked.known, len(facts), None, marked.unknown)
        if _is_connective(marked.body, facts, words):
            return replace(checked, connective=True)
        if marked.unknown and not marked.known:
            numbers = "".join(f"［{number}］" for number in marked.unknown)
            return replace(checked, reason=f"引用番号{numbers}の文書はありません")
        if marked.known:
            reason = self._object(marked.body, facts, words, [self._sources[number] for number in marked.known])
            return replace(checked, reason=reason)
        return self._find_source(checked, marked, facts, words)

    def _find_source(
        self, checked: CheckedStatement, marked: Marked, facts: Sequence[Fact], words: frozenset[str]
    ) -> CheckedStatement:
        """Cite the source that supports a statement without marks best; strike it if none does."""
        ranked = sorted(self._sources, key=lambda number: -self._cover(words, [self._sources[number]]))
        reasons = []
        for number in ranked:
            reason = self._object(marked.body, facts, words, [self._sources[number]])
            if reason is None:
                return replace(checked, text=add_mark(checked.text, number), citations=(number,))
            reasons.append(reason)
        return replace(checked, reason=reasons[0] if reasons else "引用できる文書がありません")

    def _object(self, body: str, facts: Sequence[Fact], words: frozenset[str], sources: Sequence[Source]) -> str | None:
        """Return what speaks against a statement, None if nothing does."""
        for fact in facts:
            if not self._holds(sources, fact):
                return f"引用した文書に「{body[fact.start : fact.end].strip()}」がありません"
        has_figures = any(fact.kind is not FactKind.NAME for fact in facts)
        if words and self._cover(words, sources) < (COVERED_BESIDE_FACTS if has_figures else COVERED):
            return "引用した文書に、この文の内容がありません"
        said = [(saying, ground) for source in sources for ground in source.grounds for saying in ground.sayings]
        for saying in say(body):
            if reason := self._contradict(saying, said, body):
                return reason
        units = [fact for source in sources for fact in source.facts if fact.kind is FactKind.UNIT]
        if reason := self._contradict_twins(body, sources, units):
            return reason
        return _find_wrong_column(facts, [held for held, _ in said], units, body)

    def _contradict_twins(self, body: str, sources: Sequence[Source], units: Sequence[Fact]) -> str | None:
        """Return what a clause says otherwise than the sentence or row that it nearly repeats; None if there is nothing."""
        grounds = [ground for source in sources for ground in source.grounds]
        for start, end in pairwise((0, *find_clauses(body), len(body))):
            twins = find_twins(body[start:end], grounds, self._weight)
            if twins and (replaced := find_replaced(body[start:end], say(body[start:end]), twins, units)):
                return _describe(replaced, body[start:end])
        return None

    def _holds(self, sources: Sequence[Source], fact: Fact) -> bool:
        held = [other for source in sources for other in source.facts]
        if fact.kind is FactKind.NAME:
            is_written = any(fact.value in source.folded for source in sources)
            return is_written or (bool(fact.value) and fact.value in self._asked_names)
        return contains(held, fact) or _is_dated_by_heading(held, fact)

    def _cover(self, words: frozenset[str], sources: Iterable[Source]) -> float:
        """Return the weighted share of words that the best two sentences or rows of some sources hold together."""
        grounds = [ground for source in sources for ground in source.grounds]
        total = sum(map(self._weight, words))
        if not grounds or not total:
            return 0.0
        credits = [{word: self._credit(word, ground) for word in words} for ground in grounds]
        first = max(credits, key=lambda credit: sum(self._weight(w) * c for w, c in credit.items()))
        return max(sum(self._weight(w) * max(first[w], other[w]) for w in words) for other in credits) / total

    def _credit(self, word: str, ground: Ground) -> float:
        """Return how well a sentence holds a word: whole, in what stands around it, or in a related word."""
        if word in ground.words:
            return 1.0
        if word in ground.around:
            return AROUND
        if word in ground.before:
            return BEFORE
        if _is_related(word, ground.words | ground.around):
            return RELATED
        return ASKED if word in self._asked else 0.0

    def _weight(self, word: str) -> float:
        return math.log(
            1 + self._total / (max(self._counts[word], 1) + 0.5)
        )  # unknown words weigh no more than rare ones

    def _contradict(self, saying: Saying, said: Sequence[tuple[Saying, Ground]], body: str) -> str | None:
        """Return why a saying is of another thing in the sources, or the contrary of what they say; None if it is neither."""
        near = saying.near
        total = sum(self._weight(word) * nearness for word, nearness in near.items())
        is_fact = saying.fact is not None and not saying.group.startswith(SIDE)
        if saying.group == SIDE or (not total and not saying.group.startswith(SIDE)) or _is_small(saying):
            return None
        same = other = 0.0
        is_found = False
        if saying.group == STANCE + ENDING:
            same = self._find_nearest(near, {id(ground): ground for _, ground in said}.values(), saying) / total
        for held, ground in said:
            if not are_rivals(held.group, saying.group):
                continue
            score = self._stand_beside(near, held, ground) / total if total else 1.0
            if _agrees(held, saying):
                is_found = True
                same = max(same, 1.0 if ground.is_header else score)
            elif not ground.is_header:
                other = max(other, score)
        if is_fact:
            is_struck = is_found and (other > same + MARGIN or same < APART)
        else:
            least = ALIKE if saying.group == STANCE + ENDING else OPPOSITE if saying.group not in _OPPOSED else OPPOSED
            is_struck = other > same + MARGIN and other >= least
            is_of_word = saying.fact is None and saying.group.startswith(SIDE)
            is_struck &= not (is_of_word and is_found)  # where both sides of a word are said, the clauses tell little
        return _describe(saying, body) if is_struck else None

    def _find_nearest(self, near: Mapping[str, float], grounds: Iterable[Ground], saying: Saying) -> float:
        """Return the weight of the words that the best row or heading holds: it ends in no verb, and so denies nothing."""
        mute = [g for g in grounds if all(other.group != saying.group for other in g.sayings)]
        return max((sum(self._weight(word) for word in near if word in ground.words) for ground in mute), default=0.0)

    def _stand_beside(self, near: Mapping[str, float], held: Saying, ground: Ground) -> float:
        """Return the weight of words that stand beside a saying, each counted by its nearness, in both texts."""

        def share(word: str) -> float:
            is_around = word in ground.around or word in ground.before
            elsewhere = IN_SENTENCE if word in ground.words else AROUND_SAYING if is_around else 0.0
            if not elsewhere and _is_related(word, ground.words):
                elsewhere = IN_SENTENCE * RELATED
            return held.near.get(word, elsewhere)

        return sum(self._weight(word) * min(nearness, share(word)) for word, nearness in near.items())


def _is_related(word: str, others: Iterable[str]) -> bool:
    """Tell whether a word shares a kanji with one of others: 連続 with 続ける."""
    kanji = set(_KANJI.findall(word))
    return bool(kanji) and any(not kanji.isdisjoint(other) for other in others)


def _is_small(saying: Saying) -> bool:
    """Tell whether a fact is a bare number such as texts count their parts with, or one of something: 1枚につき."""
    is_bare = saying.value.isdigit() and len(saying.value) < 3
    is_number = saying.fact is not None and saying.fact.kind is FactKind.NUMBER and not saying.group.startswith(SIDE)
    return is_number and (is_bare or bool(re.fullmatch(r"1[^0-9./]*", saying.value)))


def _agrees(held: Saying, saying: Saying) -> bool:
    if saying.group.startswith(SIDE):
        return agree_on_limit(held.value, saying.value)
    if saying.fact is None or held.fact is None:
        return held.value == saying.value
    return contains((held.fact,), saying.fact) or contains((saying.fact,), held.fact)


def _find_wrong_column(facts: Sequence[Fact], said: Sequence[Saying], units: Sequence[Fact], body: str) -> str | None:
    """Return why a figure is of another year than the statement says; None where it is not. units: what bare figures are counted in.

    Wherever the sources print the figure it stands below a year in a table, and the statement names others only. What it says
    of 前年度 is not looked at.
    """
    if _OTHER_YEAR.search(body) or all(fact.kind is not FactKind.DATE for fact in facts):
        return None
    for fact in facts:
        if fact.kind in (FactKind.NAME, FactKind.DATE):
            continue
        columns = [held.column for held in said if held.fact and contains((held.fact, *units), fact)]
        if columns and all(_is_other_column(column, facts) for column in columns):
            return f"引用した文書の「{body[fact.start : fact.end].strip()}」は、別の年のものです"
    return None


def _is_other_column(column: Sequence[Fact], facts: Sequence[Fact]) -> bool:
    """Tell whether facts name years of the kind in a header cell, and none of them is that of the cell."""
    groups = {group_of(above) for above in column}
    named = [fact for fact in facts if fact.kind is FactKind.DATE and group_of(fact) in groups]
    return bool(named) and not any(
        contains((above,), fact) or contains((fact,), above) for above in column for fact in named
    )


def _describe(saying: Saying, body: str) -> str:
    if saying.fact is None:
        return "引用した文書には、この文と逆のことが書かれています"
    stated = body[saying.fact.start : saying.fact.end].strip()
    if saying.group.startswith(SIDE):
        return f"「{stated}」の前後・以上・以内などの向きが、引用した文書と違います"
    return f"引用した文書の「{stated}」は、別の事柄のものです"


def _is_dated_by_heading(held: Sequence[Fact], fact: Fact) -> bool:
    """Tell whether a text states a day without its year, and the year elsewhere: 令和8年度の要領の「11月8日」."""
    match = re.fullmatch(r"([0-9]{4}年)(度?)([0-9]+月.*)", fact.value)
    if fact.kind is not FactKind.DATE or match is None:
        return False
    day = replace(fact, value=match[3])
    years = [replace(fact, value=match[1]), replace(fact, value=_fiscal_year(match[1], match[3]))]
    bare = [
        other for other in held if other.kind is FactKind.DATE and other.value[:1].isdigit() and "年" not in other.value
    ]
    return contains(bare, day) and any(contains(held, year) for year in years)


def _fiscal_year(year: str, day: str) -> str:
    return f"{int(year[:4]) - (int(day.partition('月')[0]) < 4)}年度"


def _is_connective(body: str, facts: Sequence[Fact], words: frozenset[str]) -> bool:
    """Tell whether a statement says nothing that needs a proof: 以下のとおりです。, a heading, or that nothing was found."""
    if any(fact.kind is not FactKind.NAME for fact in facts):
        return False
    return not words or bool(_HEADING.fullmatch(body)) or bool(_ABSENCE.search(body))
