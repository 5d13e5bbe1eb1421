"""Aspects: words that name no topic, because any topic has them (費用, 期限), and verbs that fit any (出す, かかる)."""

from __future__ import annotations

import functools

from rag.text import morphemes

_ASPECTS = """
費用 料金 手数料 値段 金額 月額 年額 いくら 無料 有料 お金 支払い 支払 支払う 払う 現金 カード払い 割引 半額 減額 減免 免除 上限 限度額 単価 返済 返還 代
期限 期間 期日 締切 締め切り 日数 時間 何日 何時 いつ 曜日 土日 土曜 日曜 祝日 平日 夜間 休日 休み 年度 今年 来年 昨年 今日 明日 開始 終了 有効
場所 窓口 担当 担当課 部署 課 係 連絡先 電話 電話番号 内線 メール 住所 会場 受付 問い合わせ
代理人 代理 本人 家族 世帯主 委任状 同居 別世帯 郵送 郵便 オンライン ネット インターネット スマホ コンビニ 窓口以外
書類 必要書類 持ち物 必要 様式 用紙 申請書 領収書 印鑑 はんこ 添付 証明 本人確認 本人確認書類 写し
手続 手続き 申請 申込 届出 請求 予約 提出 方法 やり方 仕方 流れ 手順 変更 取消 取り消し キャンセル 再発行 更新 延長 解約 受け取り 交付
条件 対象 対象者 要件 資格 制限 例外 場合 他 理由 根拠 目的 意味 違い 注意 注意点 罰則 種類 内容 詳細 例 件数 人数 定員 回数 数 枚数 割合 目標 実績 結果
可能 可 不可 ほか 以外 以上 以下 以内 全部 一部 人 方 時 こと とき 前 後 最初 最後 次 その後 大きさ 重さ 長さ サイズ 色
円 日 月 年 回 人分 何 歳 点 個 件 枚 冊 台 本 泊 号 週 週間 か月 分 名 番 割 キロ メートル センチ グラム リットル か所 箇所
""".split()
_PLAIN_VERBS = """
できる 出来る 出す 要る いる かかる 掛かる 払う 支払う 行く 来る 取る 申し込む 使う 変わる 変える もらう 貰う 教える 分かる 受ける
受け取る 持つ 持っていく 早い 遅れる 遅い 忘れる 間に合う 過ぎる 間違える なくす 失くす 足りる 決まる 決める 始まる 終わる 届く 送る 頼む
聞く 見る 書く 待つ 探す 知る ない 無い 多い 少ない 高い 安い 詳しい もっと 続ける やめる 止める 直す 戻す 戻る 開く 開ける 閉まる 含む 入る 大丈夫
作る 作り直す 別 どのくらい やる 借りる 返す 残す 呼ぶ 集まる 選ぶ 認める 断る
""".split()


def own_words(text: str) -> list[str]:
    """Return the words that name a topic: neither an aspect that any topic has, nor a verb that fits any.

    >>> own_words("手数料はいくらかかりますか"), own_words("転出届の手数料")
    ([], ['転出', '届け'])
    """
    return [term for term in morphemes(text) if term not in aspects() and not term.isnumeric()]


@functools.cache
def aspects() -> frozenset[str]:
    """Return the aspects and plain verbs, as words in their normal form."""
    return frozenset(term for word in (*_ASPECTS, *_PLAIN_VERBS) for term in morphemes(word))
