"""Follow-up questions: 「では費用は？」 names no topic of its own and is understood with the last full question.

A question follows up when it points back (その、それ), or is short and names nothing but an aspect that any topic has (費用, 期限),
or only exchanges a part of the last question (「じゃあ土日は？」). A question with a topic of its own is left alone.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence

from rag.text import morphemes, normalize, nouns

CARRIED_WEIGHT = 0.6
"""What a word of the earlier question counts beside one of the follow-up, and its vector beside that of the follow-up."""
MAX_CHARS = 40
_MAX_EXCHANGE_CHARS = 16
_POINTS_BACK = re.compile(
    r"(?:それ(?!ぞれ|で|なら|では|と)|そ(?:の(?!他|ほか|まま)|こ|ちら|れら)|これ(?!から|まで)|この(?!町|市|村|たび|度)|こちら|上記|先ほど|さっき|同じ)"
)
_GOES_ON = re.compile(
    r"(?:それでは|それなら|それと|では|でしたら|じゃあ?|なら|あと|また|ちなみに|ほかに|他に|さらに|逆に)[、,\s]*"
)
_CASE = re.compile(r"の(?:場合|とき|時|方|人)は")
_DEFINITION = re.compile(r"と(?:は|いうのは)(?:何)?")
_ASPECTS = """
費用 料金 手数料 値段 金額 いくら 無料 有料 お金 支払い 支払 支払う 払う 現金 カード払い 割引 減額 免除 上限 限度額 単価
期限 期間 期日 締切 締め切り 日数 時間 何日 何時 いつ 曜日 土日 土曜 日曜 祝日 平日 夜間 休日 年度 今年 来年 昨年 今日 明日
場所 窓口 担当 担当課 部署 課 係 連絡先 電話 電話番号 内線 メール 住所 会場 受付 問い合わせ
代理人 代理 本人 家族 世帯主 委任状 同居 別世帯 郵送 郵便 オンライン ネット インターネット スマホ コンビニ 窓口以外
書類 必要書類 持ち物 必要 様式 用紙 申請書 印鑑 はんこ 添付 証明 本人確認 本人確認書類 写し
手続 手続き 申請 申込 届出 請求 予約 提出 方法 やり方 仕方 流れ 手順 変更 取消 取り消し キャンセル 再発行 更新 延長 解約 受け取り 交付
条件 対象 対象者 要件 資格 制限 例外 場合 他 理由 根拠 目的 意味 違い 注意 注意点 罰則 種類 内容 詳細 例 件数 人数 回数 数 枚数 割合 目標 実績 結果
可能 可 不可 ほか 以外 以上 以下 以内 全部 一部 人 方 時 こと とき 前 後 最初 最後 次 その後 円 日 月 年 回 人分 何
""".split()
_PLAIN_VERBS = """
できる 出来る 出す 要る いる かかる 掛かる 払う 支払う 行く 来る 取る 申し込む 使う 変わる 変える もらう 貰う 教える 分かる 受ける
受け取る 持つ 持っていく 早い 遅れる 遅い 忘れる 間に合う 過ぎる 間違える なくす 失くす 足りる 決まる 決める 始まる 終わる 届く 送る 頼む
聞く 見る 書く 待つ 探す 知る ない 無い 多い 少ない 高い 安い 詳しい もっと 続ける やめる 止める 直す 戻す 戻る 開く 開ける 閉まる 含む 入る 大丈夫
""".split()


def find_topic(question: str, history: Sequence[tuple[str, str]]) -> str | None:
    """Return the last full question, when the question follows it up. history: earlier (question, answer) pairs, oldest first.

    >>> history = [("転出届はいつまでに出しますか", "…"), ("代理人でもできますか", "…")]
    >>> find_topic("では費用は？", history), find_topic("粗大ごみの出し方を教えてください", history)
    ('転出届はいつまでに出しますか', None)
    """
    if not history or not is_follow_up(question):
        return None
    asked = [earlier for earlier, _ in history]
    return next((earlier for earlier in reversed(asked) if not is_follow_up(earlier)), asked[0])


def is_follow_up(question: str) -> bool:
    """Tell whether a question cannot be understood without an earlier one.

    >>> [is_follow_up(q) for q in ("その期限は？", "電話でもできますか", "じゃあ外国人の場合は？", "それでは住民票の手数料はいくらですか")]
    [True, True, True, False]
    """
    text = normalize(question)
    goes_on = _GOES_ON.match(text)
    rest = text[goes_on.end() :] if goes_on else text
    points_back = bool(_POINTS_BACK.match(rest))
    own = _own_words(rest)
    if not own:
        return len(rest) <= MAX_CHARS
    if points_back:
        return len(rest) <= MAX_CHARS and len(own) <= 1
    named = set(nouns(rest))
    has_aspect = any(term in _aspects() and term in named for term in morphemes(rest))
    if not _is_exchange(rest) or len(rest) > _MAX_EXCHANGE_CHARS:
        return False
    return bool(goes_on) or bool(_CASE.search(rest)) or not (has_aspect or "の" in rest)


def _is_exchange(text: str) -> bool:
    """Tell whether a text is a mere part of a question, with nothing said of it: 「土日は？」「大人の場合は」."""
    bare = text.rstrip("?？。 ")
    return bool(re.search(r"(?:は|なら|だと|だったら)$", bare)) and not _DEFINITION.search(bare)


def _own_words(text: str) -> list[str]:
    """Return the words that name a topic: neither an aspect that any topic has, nor a verb that fits any."""
    return [term for term in morphemes(text) if term not in _aspects() and not term.isnumeric()]


@functools.cache
def _aspects() -> frozenset[str]:
    return frozenset(term for word in (*_ASPECTS, *_PLAIN_VERBS) for term in morphemes(word))
