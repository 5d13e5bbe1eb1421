"""The words of a text that say something: those that answers only speak with, and numbers, aside; or numbers as words among others."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable

from rag.answering.checking.polarity import LIMITED, find_limit
from rag.answering.facts.finding import find_facts
from rag.answering.facts.kinds import Fact, FactKind
from rag.text import is_number, morphemes

_ONE_KANA = re.compile(r"[ぁ-ん]ー?")  # さ of 長さ
# What answers say of themselves and of the documents.
_EMPTY = frozenset(
    "文書 資料 記載 定める 示す 回答 以下 次 通り 場合 詳しい 詳細 参照 確認 規定 行う 方 際 為 こと 内容 情報 質問 答える 答え 案内 因る 依る 基づく "
    "上記 下記 該当 記述 説明 述べる 挙げる 以上 関する 就く とおり 尚 又 及び 並びに 只 但し 更に 具体的 具体 的 主 こちら 此方 必要 出来る 可能 其れ 其れ等 等 "
    "問い合わせる 問い合わせ 連絡 注意 対する よる 必ず 是非 まで 内 御 お つく 猶 おる 次いで 結論 言う 点 質問 本件 件 それぞれ 夫々 様 など 今回 この その ない 無い".split()
)
_COUNTING = frozenset(
    "日 月 年 年度 人 名 円 件 回 枚 通 時 分 半 時間 箇月 月間 週間 日間 第 号 条 項 以内 内 以上 以下 以降 以後 以前 未満 約 歳 才 % 様式 内線 午前 午後 正午 最大 最長 最高 上限 限度 最低 最短 下限 約 凡そ".split()
)


@functools.lru_cache(4096)
def content_words(text: str) -> frozenset[str]:
    """Return the words of a text that say something, numbers aside.

    >>> sorted(content_words("届出は14日以内に必要です"))
    ['届け出']
    """
    words = (word for word in morphemes(text) if not is_number(word) and word not in _COUNTING | _EMPTY)
    return frozenset(word for word in words if not _ONE_KANA.fullmatch(word))


def words_of(text: str) -> frozenset[str]:
    """Return the content words of a text without those of its numbers and dates."""
    return content_words(without_facts(text, find_facts(text)))


@functools.lru_cache(1024)
def all_words_of(text: str) -> frozenset[str]:
    """Return the content words of a text, and its numbers and dates, each as a word."""
    facts = [fact for fact in find_facts(text) if fact.kind not in (FactKind.UNIT, FactKind.NAME)]
    return words_of(text).union(*(tokens_of(text, fact) for fact in facts))


def without_facts(text: str, facts: Iterable[Fact]) -> str:
    """Return a text of the same length, with zeros in the place of facts: a dictionary still sees that から follows a number."""
    for fact in facts:
        if fact.kind is not FactKind.NAME:
            text = text[: fact.start] + "0" * (fact.end - fact.start) + text[fact.end :]
    return text


def tokens_of(text: str, fact: Fact) -> frozenset[str]:
    """Return a fact of a text as words among others: the fact, and where one is said, the fact with its side: 3歳以上.

    >>> sorted(tokens_of("3歳未満の子", find_facts("3歳未満の子")[0]))
    ['=3歳', '=3歳 未満']
    """
    limit = find_limit(text, fact) if fact.kind in LIMITED else ""
    return frozenset((token_of(fact), f"{token_of(fact)} {limit}")) if limit else frozenset((token_of(fact),))


def token_of(fact: Fact | None) -> str:
    """Return a fact as a word among others."""
    return f"={fact.value}" if fact else ""
