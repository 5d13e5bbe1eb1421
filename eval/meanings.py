"""What the report says in plain Japanese: the meaning of each figure, and the names of engines, settings and parts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MEANINGS: Mapping[str, str] = {
    "正答率": "正しかった質問の割合。答えのある質問では正しい箇所を示して必要な語をすべて含む回答、答えのない質問では答えないことを、正しいとする。",
    "hit@1": "答えのある質問のうち、検索の 1 位が正しい箇所だった割合。",
    "hit@3": "答えのある質問のうち、検索の 3 位までに正しい箇所があった割合。",
    "hit@5": "答えのある質問のうち、検索の 5 位までに正しい箇所があった割合。",
    "hit@10": "答えのある質問のうち、検索の 10 位までに正しい箇所があった割合。",
    "MRR": "正しい箇所が検索の何位に出たかの点の平均。1 位なら 1、2 位なら 1/2、3 位なら 1/3、なければ 0。",
    "nDCG@10": "正しい箇所のすべてが、検索の 10 位までの上のほうに並んだか。すべてが上から並べば 1。",
    "引用正解率": "示した引用の 1 件 1 件のうち、正しい箇所だった割合（余計な引用があると下がる）。",
    "引用再現率": "正しい箇所のうち、引用で示せた割合（見落としがあると下がる）。",
    "引用正解回答率": "回答のうち、正しい箇所の引用が 1 件でもあった割合。",
    "引用照合率": "引用した文が、元の文書に一字一句そのまま載っていた割合（正しい箇所かどうかは問わない）。",
    "語の網羅率": "正解に含まれる語のうち、回答に入っていた語の割合。",
    "不回答適合率": "「答えられない」としたもののうち、本当に答えのない質問だった割合。",
    "不回答再現率": "答えのない質問のうち、「答えられない」とした割合。",
    "不回答F1": "不回答適合率と不回答再現率を 1 つにまとめた値。どちらかが低いと低くなる。",
    "回答の確信度": "回答が正しい見込みとして、システムが示した値の平均。高いほどよいわけではなく、「回答の正解率」に近いほどよい。",
    "回答の正解率": "答えたもののうち、正しかった割合。",
    "生成AIによる判定（参考）": "回答が模範解答と同じことを言っていると、生成AIが判定した割合。参考の値で、合否には使わない。",
    "回答の長さ": "回答の文字数の平均。",
    "所要時間": "質問してから回答が出るまでの時間の平均。",
    "期待較正誤差": "確信度と、実際に正しかった割合との差の平均（ECE）。0 に近いほど、確信度を信用できる。",
    "95％区間": "質問を選び直したら値がどのくらい動くかの幅。幅が広いときは、質問が少なくて確かなことが言えない。",
    "κ": "人の評価と自動の正誤の一致から、偶然に一致する分を除いた値。1 なら完全に一致、0 なら偶然と同じ。",
}
"""Figure -> one sentence, for people who measure nothing themselves."""
ENGINES: Mapping[str, str] = {"extractive": "文書からの引用で回答", "generative": "生成AIで回答"}
_NAMES: Mapping[str, str] = {
    # of an index
    "embedder_name": "埋め込みモデル",
    "embedder_fingerprint": "埋め込みモデルの指紋",
    "dimension": "ベクトルの次元",
    "tokenizer_version": "単語の分け方の版",
    "chunker_version": "まとまりの分け方の版",
    "reader_version": "読み取りの版",
    "dictionary_version": "辞書の版",
    "format_version": "索引の形の版",
    # fitted parts
    "confidence": "確信度",
    "units": "答えの文の選び方",
    "reranker": "並べ替えモデル",
    "embedder": "埋め込みモデル",
    # settings that change answers or times
    "adapt": "文書の言葉づかいの学習",
    "reranker_candidates": "並べ替えモデルが読むまとまりの数",
    "max_chunk_chars": "まとまりの文字数",
    "max_answer_chars": "回答の最大の文字数",
    "answer_threshold": "回答のしきい値",
    "workers": "読み取りのプロセスの数",
    "max_file_mb": "1 ファイルの大きさの上限",
    "max_file_pages": "1 ファイルの頁の上限",
    "max_file_seconds": "1 ファイルの読み取りの時間の上限",
    "max_worker_mb": "読み取りのメモリーの上限",
    "ocr": "文字認識",
    "ocr_page_seconds": "文字認識の時間の上限",
    "llm_url": "生成AIの接続先",
    "llm_model": "生成AIのモデル",
    "llm_timeout_seconds": "生成AIを待つ時間の上限",
    "llm_first_token_seconds": "生成AIの最初の文字を待つ時間の上限",
    "llm_context_chars": "生成AIに渡す文字数の上限",
    "llm_max_tokens": "生成AIの回答の上限",
    "llm_concurrency": "生成AIの同時の回答の数",
    "prompt_file": "生成AIへの指示文",
    "personal_data": "個人情報の扱い",
    "contact_department": "案内する課",
    "contact_extension": "案内する課の内線",
}


def name_engine(engine: str) -> str:
    """Return what people call an engine.

    >>> name_engine("extractive"), name_engine("別のもの")
    ('文書からの引用で回答', '別のもの')
    """
    return ENGINES.get(engine, engine)


def name_thing(name: str) -> str:
    """Return what people call a setting, a part or a field of an index, with the name by which programs know it.

    >>> name_thing("reranker"), name_thing("page_title")
    ('並べ替えモデル（reranker）', 'page_title')
    """
    return f"{_NAMES[name]}（{name}）" if name in _NAMES else name


def show_value(value: Any) -> str:
    """Return a value as people read it.

    >>> show_value(True), show_value(None), show_value(20)
    ('する', 'なし', '20')
    """
    return (
        "なし"
        if value is None or value == ""
        else "する"
        if value is True
        else "しない"
        if value is False
        else str(value)
    )
