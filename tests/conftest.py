"""A small town: a handful of files in the words of a municipality, indexed once for the whole test session."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from rag.assistant import Assistant
from rag.settings import Settings

hypothesis_settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
hypothesis_settings.load_profile("busy")  # how long an example takes on a busy machine says nothing

TOWN = {
    "町民課/窓口のよくある質問.csv": """質問,回答,担当課,内線
住民票の写しの手数料はいくらですか。,住民票の写しは1通300円です。コンビニエンスストアで取る場合は1通200円です。,町民課,111
転出届はいつまでに出せばよいですか。,引っ越す日のおおむね14日前から、引っ越した後14日以内に町民課の窓口へ届け出てください。郵送でも受け付けます。,町民課,111
印鑑登録に必要なものを教えてください。,登録する印鑑と、官公署が発行した顔写真つきの本人確認書類をお持ちください。,町民課,112
マイナンバーカードを失くしたときはどうすればよいですか。,すぐに専用の電話窓口へ一時停止を申し出て、警察に届け出たうえで、町民課で再交付を申請してください。,町民課,112
""",
    "環境課/ごみの出し方.md": """# ごみの出し方

## 収集の曜日

燃えるごみは、毎週月曜日と木曜日の朝8時までに、指定の袋に入れて集積所に出してください。
資源ごみは、毎月第2水曜日に収集します。

## 粗大ごみの処理手数料

| 品目 | 手数料 | 大きさの目安 |
|---|---|---|
| 自転車 | 500円 | 20インチ以上 |
| 布団 | 300円 | 1組 |
| 冷蔵庫以外の家具 | 1,000円 | 高さ1.5メートル以上 |
""",
    "総務課/職員旅費規程.txt": """緑沢町職員旅費規程

（目的）
第1条　この規程は、職員が公務のため旅行する場合の旅費について定めることを目的とする。

（旅費の種類）
第2条　旅費の種類は、鉄道賃、船賃、航空賃、車賃、日当及び宿泊料とする。

（宿泊料）
第3条　宿泊料は、一夜につき9,800円とする。ただし、東京都の特別区に宿泊する場合は、一夜につき13,000円とする。

（請求の手続）
第4条　旅費の請求は、旅行の終了した日の翌日から起算して10日以内に、旅費請求書により行わなければならない。
""",
    "企画課/第3次緑沢町総合計画.md": """# 第3次緑沢町総合計画

## 第1章 子育て

町は、子どもを産み育てやすいまちをつくるため、保育所の待機児童をなくし、医療費の助成を高校生まで広げます。

| 指標名 | 現状値（令和6年度） | 目標値（令和12年度） |
|---|---|---|
| 合計特殊出生率 | 1.42 | 1.60 |
| 待機児童の数 | 8人 | 0人 |

## 第2章 産業

町は、空き店舗を使って店を始める人に、改装にかかる費用の半分を補助します。
""",
    "税務課/滞納整理の手引.txt": """滞納整理の手引

1 催告
納期限から20日以内に督促状を送り、なお納付がないときは文書で催告する。

2 差押え
督促状を送った日から10日を過ぎても完納されないときは、預金や給与を差し押さえる。差押えの決裁は税務課長が行う。
""",
    "防災課/避難所開設手順.md": """# 避難所開設手順

避難所を開設するときは、次の手順で行います。

1. 施設の管理者に連絡し、鍵を開ける。
2. 建物の安全を目で確かめる。
3. 受付を設け、避難者名簿の用紙を置く。
4. 災害対策本部に開設を報告する。

避難所には、毛布と飲料水を人数の三倍まで備蓄する。
""",
}
METADATA = """ファイル,表題,種別,所管課,内線,年度,施行日,公開範囲
町民課/窓口のよくある質問.csv,窓口のよくある質問,Q&A,町民課,110,令和8年度,,全職員
総務課/職員旅費規程.txt,緑沢町職員旅費規程,規程,総務課,210,令和7年度,2025-04-01,全職員
企画課/第3次緑沢町総合計画.md,第3次緑沢町総合計画,計画,企画課,220,令和8年度,2026-04-01,全職員
税務課/滞納整理の手引.txt,滞納整理の手引,マニュアル,税務課,310,令和8年度,,税務課
防災課/避難所開設手順.md,避難所開設手順,マニュアル,防災課,240,令和8年度,2027-04-01,全職員
"""


def write_town(corpus: Path) -> None:
    """Write the files of the small town into a folder."""
    for source, text in (TOWN | {"metadata.csv": METADATA}).items():
        (corpus / source).parent.mkdir(parents=True, exist_ok=True)
        (corpus / source).write_text(text, encoding="utf-8")


def build_town(folder: Path, **changes: object) -> Settings:
    """Write and index the small town under a folder; return its settings."""
    from rag.indexing.sync import sync

    values = {"corpus": folder / "corpus", "index": folder / "index", "data_dir": folder / "data", "workers": 1}
    town = Settings(**(values | changes))  # type: ignore[arg-type]
    write_town(town.corpus)
    report = sync(town)
    assert report.published and report.problems == () and report.counts.documents == len(TOWN), report
    return town


@pytest.fixture(autouse=True)
def network_as_before() -> Iterator[None]:
    """Fail the test that leaves its process without a network, which the tests after it would meet."""
    connect = socket.socket.connect
    yield
    left, socket.socket.connect = socket.socket.connect, connect  # type: ignore[method-assign]
    assert left == connect, "this test has left socket.connect replaced"


@pytest.fixture(scope="session")
def small_town(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Return the settings of the small town, indexed with the default embedder. Nobody changes it."""
    return build_town(tmp_path_factory.mktemp("small_town"))


@pytest.fixture(scope="session")
def town_assistant(small_town: Settings) -> Iterator[Assistant]:
    """Lend the assistant of the small town."""
    assistant = Assistant.open(small_town)
    yield assistant
    assistant.close()
