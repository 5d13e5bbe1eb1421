"""What generated statements are held against: the sentences and rows of a numbered source, what each says, and next to which words."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from rag.answering.checking.polarity import LIMITED, find_limit, find_stances
from rag.answering.facts.alignment import fold_line
from rag.answering.facts.finding import find_facts
from rag.answering.facts.kinds import Fact, FactKind
from rag.answering.facts.proper_names import name_value
from rag.text import is_number, morphemes, split_sentences

_HEADING_CHARS = 40
_RULE = re.compile(r"[\s|:\-]+")
_ITEM = re.compile(r"\s*(?:[-*・•○●◎]|[①-⑳]|[(（][0-9０-９ア-ンa-z]{1,2}[)）]|[0-9０-９]{1,2}[.．)])")
_QUESTION = re.compile(r"(?:か|は|たい|ほしい)[。?？]?$")
_PARTICLES = re.compile(
    r"^[\s、。，）)」』]*(?:(?:から|まで|より|では|には|とは|など)*(?:である|でした|です)?|(?:が|で|は|に|を|と|の|も|や|へ)+(?![ぁ-ん]))"
)
_ASKS = re.compile(r"(?:か|でしょう)[。？?]?\s*$")
_ONE_KANA = re.compile(r"[ぁ-ん]ー?")  # さ of 長さ
_GAP = re.compile(r"(?<=\S)(?:　{2,}| {3,})(?=\S)")  # what divides the columns of a table in plain text
_TOPIC = re.compile(r"は[、，]?")
# How near to a fact the topic of its sentence is, what leads to it before a comma, what follows, what stands farther off, and what
# leads to another fact of its kind.
TOPIC, FAR, AFTER, ELSEWHERE, FOREIGN = 0.9, 0.75, 0.7, 0.3, 0.2
STANCE, SIDE = "趣旨 ", "側 "
"""Begin the groups of sayings of what is affirmed, and of the side of a number on which something lies."""
_STOP = re.compile(r"[、。，,！？!?\n\t|]")


@dataclass(frozen=True, slots=True)
class Saying:
    """One thing that a text says: a fact, the side of a number, or what is affirmed; and the words beside it.

    group: sayings of one group can contradict each other. near: the words that it is said of, each with its nearness: 1 for
    those that lead to it, less for the topic of the sentence and for those that follow.
    """

    group: str
    value: str
    fact: Fact | None
    near: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Ground:
    """A sentence or table row of a source. around: the words of its headings, its table's header and its title; before: of the sentence before.

    is_header: whether it is the header of a table, whose figures belong to the rows below.
    """

    text: str
    words: frozenset[str]
    around: frozenset[str]
    before: frozenset[str]
    sayings: tuple[Saying, ...]
    is_header: bool = False


@dataclass(frozen=True, slots=True)
class Source:
    """A numbered source. facts: all that it states; folded: its text in the form in which names are looked for."""

    text: str
    folded: str
    facts: tuple[Fact, ...]
    grounds: tuple[Ground, ...]


@functools.lru_cache(256)  # the passages of a question are asked for again at each follow-up
def read_source(text: str) -> Source:
    """Return a source with what its sentences and rows say."""
    return Source(text, name_value(text.replace("\n", "")), find_facts(text), tuple(_read_grounds(text)))


@functools.lru_cache(4096)
def content_words(text: str) -> frozenset[str]:
    """Return the words of a text that say something, numbers aside.

    >>> sorted(content_words("届出は14日以内に必要です"))
    ['届け出']
    """
    words = (word for word in morphemes(text) if not is_number(word) and word not in _COUNTING | _EMPTY)
    return frozenset(word for word in words if not _ONE_KANA.fullmatch(word))


# What answers say of themselves and of the documents.
_EMPTY = frozenset(
    "文書 資料 記載 定める 示す 回答 以下 次 通り 場合 詳しい 詳細 参照 確認 規定 行う 方 際 為 こと 内容 情報 質問 答える 答え 案内 因る 依る 基づく "
    "上記 下記 該当 記述 説明 述べる 挙げる 以上 関する 就く とおり 尚 又 及び 並びに 只 但し 更に 具体的 具体 的 主 こちら 此方 必要 出来る 可能 其れ 其れ等 等 "
    "問い合わせる 問い合わせ 連絡 注意 対する よる 必ず 是非 まで 内 御 お つく 猶 おる 次いで 結論 言う 点 質問 本件 件 それぞれ 夫々 様 など 今回 この その ない 無い".split()
)
_COUNTING = frozenset(
    "日 月 年 年度 人 名 円 件 回 枚 通 時 分 半 時間 箇月 月間 週間 日間 第 号 条 項 以内 内 以上 以下 以降 以後 以前 未満 約 歳 才 % 様式 内線 午前 午後 正午 最大 最長 最高 上限 限度 最低 最短 下限 約 凡そ".split()
)


def say(text: str, header: Sequence[str] = ()) -> tuple[Saying, ...]:
    """Return what a sentence or row says. header: the header cells of a row's table."""
    facts = [fact for fact in find_facts(text) if fact.kind is not FactKind.UNIT]
    return (*_part_siblings(list(_say_facts(text, facts, header))), *_say_stances(text, facts))


def _part_siblings(sayings: Sequence[Saying]) -> Iterator[Saying]:
    """Yield sayings with the words far that lead to another one of their group only: シカ is far from the price of イノシシ."""
    for saying in sayings:
        others = [other for other in sayings if other.group == saying.group and other.value != saying.value]
        leading = {word for other in others for word, nearness in other.near.items() if nearness >= TOPIC}
        foreign = {word for word in leading if saying.near.get(word, 0.0) < FAR and word != token_of(saying.fact)}
        yield replace(saying, near={**saying.near, **dict.fromkeys(foreign, FOREIGN)}) if foreign else saying


def _say_facts(text: str, facts: Sequence[Fact], header: Sequence[str]) -> Iterator[Saying]:
    for group in dict.fromkeys(map(group_of, facts)):
        topic = frozenset[str]()
        begin = 0
        own = [fact for fact in facts if group_of(fact) == group]
        runs = list(_runs(text, facts, own))
        for number, run in enumerate(runs):
            end = _end_of_run(text, run[-1].end, runs[number + 1][0].start if number + 1 < len(runs) else None)
            about, leading = _split_topic(text[begin : run[0].start])
            if about or not begin:
                own_topic = _words_between(text, facts, own, begin, begin + len(about))
                topic = topic | own_topic if _is_in_brackets(text, begin, run[0].start) else own_topic
            near = _weigh_words(text, facts, own, run, leading, end, topic)
            begin = run[-1].end
            for fact in run:
                beside = near | {token_of(other): 1.0 for other in run if other is not fact}
                beside |= dict.fromkeys(_words_of_cell(text, fact.start, header), 1.0)
                yield Saying(group, fact.value, fact, beside)
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


def _end_of_run(text: str, end: int, following: int | None) -> int:
    """Return where the words behind facts cease to belong to them: at the comma, where more facts of their kind follow."""
    if following is None:
        return len(text)
    stop = _STOP.search(text, end, following)
    return stop.start() if stop else following


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
    values = (token_of(fact) for fact in inside if fact not in own and fact.kind is not FactKind.NAME)
    return content_words(_PARTICLES.sub("", _without_facts(text, inside)[start:end])) | frozenset(values)


def token_of(fact: Fact | None) -> str:
    """Return a fact as a word among others."""
    return f"={fact.value}" if fact else ""


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
    return str(fact.kind)


_NAME_ENDS = frozenset("課係局部室町市村県区校館所園院")


def _say_stances(text: str, facts: Sequence[Fact]) -> Iterator[Saying]:
    """Yield what a text affirms or denies, beside the words of its clause; of the clause before, where it has too few."""
    if _ASKS.search(text):
        return
    line = fold_line(_without_facts(text, facts).replace("\n", " "))
    stops = [match.end() for match in _STOP.finditer(text)]
    for stance in find_stances(line.clean):
        place = line.locate_clean(stance.start, stance.end)[0]
        begins = [0, 0, *(end for end in stops if end <= place)]
        near = _words_between(text, facts, (), begins[-1], place)
        if len(near) < 2:
            near |= _words_between(text, facts, (), begins[-2], begins[-1])
        yield Saying(f"{STANCE}{stance.axis}", "+" if stance.affirms else "-", None, dict.fromkeys(near, 1.0))


def _without_facts(text: str, facts: Sequence[Fact]) -> str:
    """Return a text of the same length, with zeros in the place of facts: a dictionary still sees that から follows a number."""
    for fact in facts:
        if fact.kind is not FactKind.NAME:
            text = text[: fact.start] + "0" * (fact.end - fact.start) + text[fact.end :]
    return text


def words_of(text: str) -> frozenset[str]:
    """Return the content words of a text without those of its numbers and dates."""
    return content_words(_without_facts(text, find_facts(text)))


@functools.lru_cache(1024)
def all_words_of(text: str) -> frozenset[str]:
    """Return the content words of a text, and its numbers and dates, each as a word."""
    facts = [fact for fact in find_facts(text) if fact.kind not in (FactKind.UNIT, FactKind.NAME)]
    return words_of(text) | frozenset(map(token_of, facts))


def _words_of_cell(text: str, place: int, header: Sequence[str]) -> frozenset[str]:
    """Return the words of the header cell above a place in a row, and of the row's first cell."""
    cells = split_cells(text)
    if len(cells) < 2:
        return frozenset()
    if len(cells) != len(header):
        return all_words_of(cells[0]) if len(cells) > 2 else frozenset()
    divider = "\t" if "\t" in text else "|"
    column = text[:place].count(divider) - text.lstrip().startswith("|")
    above = header[column] if 0 <= column < len(header) else ""
    return all_words_of(above) | all_words_of(cells[0])


def split_cells(line: str) -> list[str]:
    """Return the cells of a row that tabs or bars divide; one cell for another line.

    >>> split_cells("| 会場 | 人数 |"), split_cells("会場\\t人数"), split_cells("会場")
    (['会場', '人数'], ['会場', '人数'], ['会場'])
    """
    if "\t" in line:
        return [cell.strip() for cell in line.split("\t")]
    return [cell.strip() for cell in line.strip().strip("|").split("|")] if line.count("|") > 1 else [line.strip()]


def _read_grounds(text: str) -> Iterator[Ground]:
    lines = [_GAP.sub("\t", line) if len(_GAP.findall(line)) > 1 else line for line in text.split("\n") if line.strip()]
    title = all_words_of(lines[0]) if lines else frozenset()
    headings: list[frozenset[str]] = []
    header: list[str] = []
    lead, before = frozenset[str](), frozenset[str]()
    for line in lines:
        cells = split_cells(line)
        if len(cells) == 1:
            header = []
        elif _RULE.fullmatch(line):
            continue
        around = title.union(
            *headings[-2:], *((all_words_of(" ".join(header)),) if header else (lead,) if _ITEM.match(line) else ())
        )
        if len(cells) > 1:
            is_header = not header and not any(fact.kind is FactKind.AMOUNT for fact in find_facts(line))
            yield _ground(line, around, before, header, is_header=is_header)
            header = header or cells
            continue
        for start, end in split_sentences(line):
            ground = _ground(line[start:end], around, before, ())
            before = ground.words
            yield ground
        if _is_heading(line):
            headings.append(all_words_of(line))
        elif not _ITEM.match(line):
            lead = before


def _is_heading(line: str) -> bool:
    text = line.strip()
    is_short = len(text) <= _HEADING_CHARS and not text.endswith(("。", "、")) and not _ITEM.match(text)
    return text.startswith("#") or is_short or bool(_QUESTION.search(text))


def _ground(
    text: str, around: frozenset[str], before: frozenset[str], header: Sequence[str], *, is_header: bool = False
) -> Ground:
    return Ground(text, all_words_of(text), around, before, say(text, header), is_header)
