"""A corpus of any size that reads like a town hall's, for measuring speed: invented words, the same for the same seed.

Every entry names a place and an office form of its own, so that most words are rare and a few are everywhere, as in real
documents. Nothing in it is true, and no accuracy may be measured on it.
"""

from __future__ import annotations

import csv
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

_FIRST = (
    "北南東西上中下大小新古高平松竹梅桜杉柳桐藤萩菊白黒赤青金銀石岩砂水清深浅長広早若富福吉永豊美朝夕日月星鶴亀鷹鹿熊"
)
_SECOND = "川沢谷原野山峰丘坂崎浜浦島瀬沼池田畑森林里村町橋井泉滝淵根台塚越窪津戸倉宮寺社屋木岡脇内"
_SYLLABLES = "アイエオカキクケコサシスセソタチテトナニノハヒフホマミムモヤユヨラリルレロワ"
_WORDS = {
    "places": "地区 公民館 小学校 保育所 団地 集会所 消防分団 駅前広場 浄水場 運動公園 診療所 図書室",
    "subjects": "転入届 転出届 出生届 婚姻届 印鑑登録 住民票 戸籍謄本 個人番号カード 国民健康保険 後期高齢者医療 介護認定 "
    "福祉用具 障害者手帳 児童手当 保育料 就学援助 学童保育 給食費 予防接種 乳幼児健診 がん検診 住民税 固定資産税 軽自動車税 "
    "納税証明 口座振替 滞納整理 可燃ごみ 粗大ごみ 資源回収 不法投棄 浄化槽 上水道 下水道 漏水修繕 道路占用 除雪作業 街路灯 "
    "河川清掃 空き家 建築確認 農地転用 有害鳥獣 森林整備 観光案内 商店街振興 起業支援 移住相談 避難所 防災無線 消火栓 自主防災 "
    "罹災証明 選挙人名簿 期日前投票 情報公開 個人情報 文書保存 公用車 会議室 旅費精算 時間外勤務 年次休暇 健康診断 研修受講 "
    "物品購入 入札参加 契約変更 予算流用 決算報告",
    "matters": "申請 届出 変更 更新 再交付 廃止 減免 還付 補助金 助成金 手数料 貸出し 予約 利用登録 現地調査 審査 決裁 引継ぎ "
    "点検 委託 見積り 支払い 納付 督促 証明 閲覧 異議申立て 委任 郵送請求 代理申請",
    "papers": "申請書 届出書 同意書 委任状 誓約書 実績報告書 収支予算書 位置図 領収書 通帳の写し 身分証明書 所得証明書 見積書 "
    "仕様書 確認票 台帳",
    "departments": "町民課 福祉課 税務課 建設課 環境課 総務課 農林課 教育課 子育て支援課 上下水道課 企画財政課 危機管理課",
}
_PLACES, _SUBJECTS, _MATTERS = (tuple(_WORDS[name].split()) for name in ("places", "subjects", "matters"))
_PAPERS, _DEPARTMENTS = (tuple(_WORDS[name].split()) for name in ("papers", "departments"))
_QUESTIONS = (
    "{place}（愛称{name}）で{subject}の{matter}をするには、どうすればよいですか",
    "{subject}の{matter}に必要な書類は何ですか（{place}の場合）",
    "{place}の{subject}について、{matter}の期限はいつまでですか",
    "{subject}の{matter}はいくらかかりますか。{place}に住んでいます",
    "{name}事業に関する{subject}の{matter}は、どの課が担当しますか",
)
_ANSWERS = (
    "{department}の窓口に{paper}を提出してください。{paper2}もあわせて必要です。",
    "{matter}の期限は、{place}では{month}月{day}日です。期限を過ぎたときは{department}に相談してください。",
    "手数料は1件につき{amount:,}円です。{place}で受け取る場合は{paper}を持参してください。",
    "様式第{form}号の{paper}に記入し、{department}（内線{extension}）へ送付します。",
    "{subject}の{matter}は第{article}条の規定により、{days}日以内に{department}が決定します。",
    "{place}の担当者が{paper}を確認したのち、{department}長の決裁を受けます。",
    "{name}事業の{subject}は、告示第{notice}号に基づいて{place}で実施します。",
)
_NAMES = 20_000
_ENTRIES_PER_FILE = 10_000


@dataclass(frozen=True, slots=True)
class _Entry:
    """One invented matter: what is asked about it, and the sentences that answer."""

    question: str
    sentences: tuple[str, ...]
    heading: str


def write_corpus(folder: Path, *, entries: int, seed: int = 0) -> None:
    """Write entries, each of which becomes about one chunk: half as Q&A tables (CSV), half as manuals (Markdown)."""
    folder.mkdir(parents=True, exist_ok=True)
    random_ = random.Random(seed)
    for number, start in enumerate(range(0, entries, _ENTRIES_PER_FILE)):
        made = [_make_entry(random_) for _ in range(min(_ENTRIES_PER_FILE, entries - start))]
        middle = len(made) // 2
        _write_table(folder / f"よくある質問{number:03d}.csv", made[:middle])
        _write_manual(folder / f"事務の手引{number:03d}.md", made[middle:])


def write_small_files(folder: Path, *, files: int, seed: int = 1) -> None:
    """Write small Markdown files, a hundred in a folder."""
    random_ = random.Random(seed)
    for number in range(files):
        file = folder / f"{_DEPARTMENTS[number // 100 % len(_DEPARTMENTS)]}{number // 100}" / f"通知{number:05d}.md"
        file.parent.mkdir(parents=True, exist_ok=True)
        _write_manual(file, [_make_entry(random_)])


def make_questions(count: int, seed: int = 2) -> list[str]:
    """Return questions in the words of the corpus, none of them a copy of one in it on purpose.

    >>> make_questions(2) == make_questions(2), len(set(make_questions(100)))
    (True, 100)
    """
    random_ = random.Random(seed)
    return [_make_entry(random_).question for _ in range(count)]


def _make_entry(random_: random.Random) -> _Entry:
    words = _choose_words(random_)
    question = random_.choice(_QUESTIONS).format(**words) + "。"
    sentences = tuple(sentence.format(**words) for sentence in random_.sample(_ANSWERS, random_.randint(3, 5)))
    return _Entry(question, sentences, f"{words['place']}における{words['subject']}の{words['matter']}")


def _choose_words(random_: random.Random) -> dict[str, object]:
    paper, paper2 = random_.sample(_PAPERS, 2)
    return {
        "place": random_.choice(_FIRST) + random_.choice(_SECOND) + random_.choice(_PLACES),
        "name": _make_name(random_),
        "subject": _choose_common_first(random_, _SUBJECTS),
        "matter": _choose_common_first(random_, _MATTERS),
        "department": _choose_common_first(random_, _DEPARTMENTS),
        "paper": paper,
        "paper2": paper2,
        "month": random_.randint(1, 12),
        "day": random_.randint(1, 28),
        "amount": random_.randint(1, 900) * 50,
        "form": random_.randint(1, 400),
        "article": random_.randint(1, 200),
        "days": random_.randint(3, 60),
        "extension": random_.randint(100, 999),
        "notice": random_.randint(1, 99_999),
    }


def _make_name(random_: random.Random) -> str:
    """Return one of `_NAMES` invented names, spelled from its number: the first ones are common, most are rare."""
    number = (int(random_.random() ** 3 * _NAMES) + 1) * 7_919  # a prime: neighbours do not look alike
    name = ""
    while number:
        number, syllable = divmod(number, len(_SYLLABLES))
        name += _SYLLABLES[syllable]
    return name


def _choose_common_first(random_: random.Random, words: Sequence[str]) -> str:
    """Choose a word, the first of a list more often than the last, as words are used (the square of a uniform draw)."""
    return words[int(random_.random() ** 2 * len(words))]


def _write_table(file: Path, entries: Sequence[_Entry]) -> None:
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["質問", "回答"])
        writer.writerows((entry.question, "".join(entry.sentences)) for entry in entries)


def _write_manual(file: Path, entries: Sequence[_Entry]) -> None:
    file.write_text("\n".join(_manual_lines(file.stem, entries)), encoding="utf-8")


def _manual_lines(title: str, entries: Sequence[_Entry]) -> Iterator[str]:
    yield f"# {title}\n"
    for entry in entries:
        yield f"## {entry.heading}\n"
        yield "".join(entry.sentences) + f"{entry.heading}の手順は、この手引による。\n"
