"""What a sentence or row says, piece by piece: each fact, the side of a number, what is affirmed; and how near which words stand to it."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from rag.answering.checking.content import all_words_of, content_words, token_of, tokens_of, without_facts
from rag.answering.checking.polarity import LIMITED, find_limit, find_sides, find_stances
from rag.answering.facts.alignment import fold_line
from rag.answering.facts.finding import find_facts
from rag.answering.facts.kinds import Fact, FactKind
from rag.answering.facts.quantities import split_number

_PARTICLES = re.compile(
    r"^[\s、。，）)」』]*(?:(?:から|まで|より|では|には|とは|など)*(?:である|でした|です)?|(?:が|で|は|に|を|と|の|も|や|へ)+(?![ぁ-ん]))"
)
_ASKS = re.compile(r"(?:か|でしょう)[。？?]?\s*$")
_TOPIC = re.compile(r"は[、，]?")
# で and し end a clause where another topic follows; まで, ただし, もし, または, では and には do not.
_NEW_TOPIC = re.compile(
    r"(?:(?<!ま)で|であり|であって|(?<!ただ)(?<!も)し|でき|られ|され)、(?=[^、。]{1,30}(?<!また)(?<![でにと])は)"
)
# How near to a fact the topic of its sentence is, what leads to it before a comma, what follows, what stands farther off, and what
# leads to another fact of its kind.
TOPIC, FAR, AFTER, ELSEWHERE, FOREIGN = 0.9, 0.75, 0.7, 0.3, 0.2
STANCE, SIDE = "趣旨 ", "側 "
"""Begin the groups of sayings of what is affirmed, and of the side of a number on which something lies."""
_SPAN = re.compile(r"[〜～~\-－ー―]|から|まで|以降|以後|以前")
_CONDITIONED = frozenset((FactKind.NUMBER, FactKind.AMOUNT, FactKind.PERIOD))
_CONDITION = re.compile(r"[\s)）]*(?:以上|未満|に満たない|を?超)")
_STOP = re.compile(r"[、。，,！？!?\n\t|]")


@dataclass(frozen=True, slots=True)
class Saying:
    """One thing that a text says: a fact, the side of a number, or what is affirmed; and the words beside it.

    group: sayings of one group can contradict each other. near: the words that it is said of, each with its nearness: 1 for
    those that lead to it, less for the topic of the sentence and for those that follow. column: the years in the header cell
    above it (令和7年度), which it is of.
    """

    group: str
    value: str
    fact: Fact | None
    near: Mapping[str, float]
    column: tuple[Fact, ...] = ()


def say(text: str, header: Sequence[str] = ()) -> tuple[Saying, ...]:
    """Return what a sentence or row says. header: the header cells of a row's table."""
    facts = [fact for fact in find_facts(text) if fact.kind is not FactKind.UNIT]
    return (
        *_part_siblings(list(_say_facts(text, facts, header))),
        *_say_stances(text, facts),
        *_say_sides(text, facts),
    )


def _part_siblings(sayings: Sequence[Saying]) -> Iterator[Saying]:
    """Yield sayings with the words far that lead to another one of their group only: シカ is far from the price of イノシシ."""
    for saying in sayings:
        others = [other for other in sayings if other.group == saying.group and other.value != saying.value]
        leading = {word for other in others for word, nearness in other.near.items() if nearness >= TOPIC}
        foreign = {word for word in leading if saying.near.get(word, 0.0) < FAR and word != token_of(saying.fact)}
        yield replace(saying, near={**saying.near, **dict.fromkeys(foreign, FOREIGN)}) if foreign else saying


def _say_facts(text: str, facts: Sequence[Fact], header: Sequence[str]) -> Iterator[Saying]:
    clauses = find_clauses(text)
    groups = [_group_at(text, fact) for fact in facts]
    for group in dict.fromkeys(groups):
        topic = frozenset[str]()
        begin = 0
        own = [fact for fact, of in zip(facts, groups, strict=True) if of == group]
        runs = list(_runs(text, facts, own))
        for number, run in enumerate(runs):
            end = _end_of_run(text, run[-1].end, runs[number + 1][0].start if number + 1 < len(runs) else None, clauses)
            own_clause = max((clause for clause in clauses if begin < clause <= run[0].start), default=0)
            begin, topic = (own_clause, frozenset()) if own_clause else (begin, topic)
            about, leading = _split_topic(text[begin : run[0].start])
            if about or not begin:
                own_topic = _words_between(text, facts, own, begin, begin + len(about))
                topic = topic | own_topic if _is_in_brackets(text, begin, run[0].start) else own_topic
            near = _weigh_words(text, facts, own, run, leading, end, topic)
            begin = run[-1].end
            for fact in run:
                beside = near | {token_of(other): 1.0 for other in run if other is not fact}
                beside |= dict.fromkeys(_words_of_cell(text, fact.start, header), 1.0)
                yield Saying(group, fact.value, fact, beside, _find_years(_find_header(text, fact.start, header)))
                if fact.kind in LIMITED and (limit := find_limit(text, fact)):
                    yield Saying(f"{SIDE}{fact.value}", limit, fact, beside)


def _is_in_brackets(text: str, begin: int, end: int) -> bool:
    """Tell whether a bracket opened between two places is still open: 月額6,000円（8月は9,000円）."""
    return text.count("（", begin, end) + text.count("(", begin, end) > text.count("）", begin, end) + text.count(
        ")", begin, end
    )


def _weigh_words(
    text: str,
    facts: Sequence[Fact],
    own: Sequence[Fact],
    run: Sequence[Fact],
    leading: str,
    end: int,
    topic: frozenset[str],
) -> dict[str, float]:
    """Return how near the words of a sentence are to facts listed in it. leading: what leads to them; end: where what follows ends."""
    first, last, behind = run[0].start - len(leading), run[0].start, run[-1].end
    comma = first + leading.rfind("、") + 1
    stop = _STOP.search(text, behind, end)
    pause = stop.start() if stop else end
    # 照会書を送り、申請書（様式第9号）: in brackets a fact belongs to the word before. 中央地区は火曜日、川瀬地区は月曜日: what stands
    # before the comma belongs to the name before.
    is_apposed = text[last - 1 : last] in ("（", "(") and last > 0
    far, about = (ELSEWHERE, ELSEWHERE) if is_apposed else (FAR, TOPIC)
    far = ELSEWHERE if own[0].kind is FactKind.NAME else far
    near = dict.fromkeys(_words_between(text, facts, own, pause, end), ELSEWHERE)
    near |= dict.fromkeys(_words_between(text, facts, own, behind, pause), AFTER)
    near |= dict.fromkeys(topic, about)
    near |= dict.fromkeys(_words_between(text, facts, own, first, comma), far)
    return near | dict.fromkeys(_words_between(text, facts, own, comma, last), 1.0)


def _end_of_run(text: str, end: int, following: int | None, clauses: Sequence[int]) -> int:
    """Return where the words behind facts cease to belong to them: at a new topic, or the comma where more facts of their kind follow."""
    clause = min((clause for clause in clauses if clause > end), default=len(text))
    if following is None:
        return clause
    stop = _STOP.search(text, end, following)
    return min(clause, stop.start() if stop else following)


def find_clauses(text: str) -> list[int]:
    """Return where a sentence that has said one thing of one topic goes on to another topic.

    >>> text = "使用料は300円で、休館日は月曜日とし、町民の場合は無料です。"
    >>> [text[place:][:3] for place in find_clauses(text)]
    ['休館日', '町民の']
    """
    ends = (match for match in _NEW_TOPIC.finditer(text) if _TOPIC.search(text, 0, match.start()))
    return [match.end() for match in ends]


def _runs(text: str, facts: Sequence[Fact], own: Sequence[Fact]) -> Iterator[list[Fact]]:
    """Yield facts of one group that are listed with nothing but their kind between them together: 火曜日と金曜日."""
    run: list[Fact] = []
    kin = [fact for fact in facts if fact.kind is own[0].kind]
    for fact in own:
        if run and _words_between(text, facts, kin, run[-1].end, fact.start):
            yield run
            run = []
        run.append(fact)
    if run:
        yield run


def _words_between(text: str, facts: Sequence[Fact], own: Sequence[Fact], start: int, end: int) -> frozenset[str]:
    """Return the content words of a stretch, and the facts in it, each as a word; without those of one group."""
    end = max(start, end)
    inside = [fact for fact in facts if start <= fact.start and fact.end <= end]
    values = (tokens_of(text, fact) for fact in inside if fact not in own and fact.kind is not FactKind.NAME)
    return content_words(_PARTICLES.sub("", without_facts(text, inside)[start:end])).union(*values)


def _split_topic(text: str) -> tuple[str, str]:
    """Return what a sentence is about and what leads to a fact, from what stands before the fact.

    >>> _split_topic("使用料は、町民の場合"), _split_topic("手数料は"), _split_topic("町民の場合")
    (('使用料は、', '町民の場合'), ('手数料は', ''), ('', '町民の場合'))
    """
    markers = list(_TOPIC.finditer(text))
    end = markers[-1].end() if markers else 0
    return text[:end], text[end:]


def group_of(fact: Fact) -> str:
    """Return what facts are compared with: amounts with amounts, days with days, sections with sections."""
    if fact.kind is FactKind.NAME:
        return f"name {fact.value[-1:] if fact.value[-1:] in _NAME_ENDS else fact.value}"
    if fact.kind is FactKind.DATE:
        day = re.sub(r"^[0-9]+年度?(?=[0-9])", "", fact.value)
        return f"{fact.kind} {re.sub(r'[0-9]+|(?:第[1-5])?[月火水木金土日]曜', '#', day)}"
    unit = split_number(fact.value)[2] if fact.kind is FactKind.NUMBER else ""
    return f"{fact.kind} {unit}" if unit else str(fact.kind)


def _group_at(text: str, fact: Fact) -> str:
    """Return the group of a fact in its text. What something begins or ends at is a condition, and no rival of a value.

    >>> text = "48,600円未満の世帯は8,000円"
    >>> [_group_at(text, fact) for fact in find_facts(text)]
    ['amount 条件', 'amount']
    """
    is_condition = fact.kind in _CONDITIONED and _CONDITION.match(text, fact.end)
    return f"{group_of(fact)} 条件" if is_condition else group_of(fact)


def are_rivals(one: str, other: str) -> bool:
    """Tell whether two groups can be of one thing: numbers of one unit, or one of them bare, as it stands in a table.

    >>> are_rivals("number 人", "number 人"), are_rivals("number 人", "number"), are_rivals("number 人", "number 番")
    (True, True, False)
    """
    return one == other or (
        FactKind.NUMBER in (one, other) and {one.partition(" ")[0], other.partition(" ")[0]} == {FactKind.NUMBER}
    )


_NAME_ENDS = frozenset("課係局部室町市村県区校館所園院")


def _say_stances(text: str, facts: Sequence[Fact]) -> Iterator[Saying]:
    """Yield what a text affirms or denies, beside the words of its clause; of the clause before, where it has too few."""
    if _ASKS.search(text):
        return
    line = fold_line(without_facts(text, facts).replace("\n", " "))
    stops = [match.end() for match in _STOP.finditer(text)]
    for stance in find_stances(line.clean):
        place = line.locate_clean(stance.start, stance.end)[0]
        begins = [0, 0, *(end for end in stops if end <= place)]
        near = _words_between(text, facts, (), begins[-1], place)
        if len(near) < 2:
            near |= _words_between(text, facts, (), begins[-2], begins[-1])
        yield Saying(f"{STANCE}{stance.axis}", "+" if stance.affirms else "-", None, dict.fromkeys(near, 1.0))


def _say_sides(text: str, facts: Sequence[Fact]) -> Iterator[Saying]:
    """Yield on which side of a word something lies, beside the words of its clause; the sides of facts are sayings of theirs."""
    line = fold_line(text.replace("\n", " "))
    for side in find_sides(line.clean):
        place = line.locate_clean(side.end - 1, side.end)[1]
        if any(fact.kind in LIMITED and fact.start < place <= fact.end for fact in facts):
            continue
        begin = max((stop.end() for stop in _STOP.finditer(text, 0, place)), default=0)
        end = next((stop.start() for stop in _STOP.finditer(text, place)), len(text))
        near = dict.fromkeys(_words_between(text, facts, (), begin, end), 1.0)
        yield Saying(f"{SIDE}{side.word}", side.side, None, near)


def _words_of_cell(text: str, place: int, header: Sequence[str]) -> frozenset[str]:
    """Return the words of the header cell above a place in a row, and of the row's first cell."""
    cells = split_cells(text)
    if len(cells) < 2:
        return frozenset()
    if len(cells) != len(header):
        return all_words_of(cells[0]) if len(cells) > 2 else frozenset()
    return all_words_of(_find_header(text, place, header)) | all_words_of(cells[0])


def _find_header(text: str, place: int, header: Sequence[str]) -> str:
    """Return the header cell above a place in a row; "" where there is none."""
    if not header or len(split_cells(text)) != len(header):
        return ""
    divider = "\t" if "\t" in text else "|"
    column = text[:place].count(divider) - text.lstrip().startswith("|")
    return header[column] if 0 <= column < len(header) else ""


@functools.lru_cache(256)  # a header stands above every row of its table
def _find_years(text: str) -> tuple[Fact, ...]:
    """Return the years of a header cell; none where it is a span of years."""
    if _SPAN.search(text):
        return ()
    return tuple(fact for fact in find_facts(text) if fact.kind is FactKind.DATE and "年" in fact.value)


def split_cells(line: str) -> list[str]:
    """Return the cells of a row that tabs or bars divide; one cell for another line.

    >>> split_cells("| 会場 | 人数 |"), split_cells("会場\\t人数"), split_cells("会場")
    (['会場', '人数'], ['会場', '人数'], ['会場'])
    """
    if "\t" in line:
        return [cell.strip() for cell in line.split("\t")]
    return [cell.strip() for cell in line.strip().strip("|").split("|")] if line.count("|") > 1 else [line.strip()]
