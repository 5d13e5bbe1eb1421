"""What readers of office documents see and do not index, as problems: nothing is left out in silence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rag.documents import Problem

_REASONS = {
    "deleted": (
        "tracked_changes",
        "変更履歴で削除された {} 字は索引に入れていません。",
        "変更履歴を承諾するか元に戻して、保存し直してください。",
    ),
    "hidden": (
        "hidden_text",
        "画面に表示されない {} 字は索引に入れていません。",
        "検索させたい内容なら、表示される形で保存し直してください。",
    ),
    "struck": (
        "struck_text",
        "取り消し線のある {} 字は索引に入れていません。",
        "今も有効な内容なら、取り消し線を外して保存し直してください。",
    ),
    "comments": (
        "comments",
        "コメント {} 件は索引に入れていません。",
        "検索させたい内容なら、本文に書いて保存し直してください。",
    ),
    "pictures": (
        "images_not_read",
        "画像が {} 個あり、その中の文字は検索できません。",
        "文字が要るなら、本文に書くか、PDF で保存し直してください。",
    ),
    "embedded": (
        "embedded_not_read",
        "埋め込まれた別のファイル {} 個の中身は検索できません。",
        "そのファイルも文書フォルダーに置いてください。",
    ),
    "skipped_rows": (
        "skipped_rows",
        "質問も回答も空の行を {} 行とばしました。",
        "必要な行なら、質問か回答を書いてください。",
    ),
}


def report_left_out(counts: Mapping[str, int], source: str) -> Iterator[Problem]:
    """Yield a problem for each reason, with how many characters or things were left out for it.

    Reasons: deleted, hidden, struck (characters), comments, pictures, embedded, skipped_rows.
    """
    for reason, (code, message, remedy) in _REASONS.items():
        if counts.get(reason):
            yield Problem(source, code, message.format(counts[reason]), remedy)
