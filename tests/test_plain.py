"""Text files: the encoding is decided or refused, never guessed; every character is in one block."""

from __future__ import annotations

from pathlib import Path

import pytest
from coverage_check import check_page, quotes
from hypothesis import given
from hypothesis import strategies as st

from rag.documents import BlockKind, Content
from rag.errors import ReadingError
from rag.reading.plain import read_plain, read_text_bytes

RULE = """○○市職員旅費規程

第1章　総則
（目的）
第1条　この規程は、職員の旅費に
関し必要な事項を定める。
２　前項の規定は、臨時職員に準用する。

第２章　手続
■ 申請に必要なもの
・印鑑
・本人確認書類
　　顔写真つきのもの
1 受付窓口
　本庁の1階で受け付ける。
　支所でも受け付ける。
"""


def read(folder: Path, text: str, encoding: str = "utf-8") -> Content:
    path = folder / "a.txt"
    path.write_bytes(text.encode(encoding))
    content = read_plain(path, "a.txt")
    check_page(content.pages[0])
    return content


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp932", "euc_jp", "iso2022_jp"]
)
def test_japanese_encodings_are_told_apart(encoding: str) -> None:
    assert read_text_bytes(RULE.encode(encoding), "a.txt") == (RULE, ())


@pytest.mark.parametrize("text", ["手数料", "ﾃﾞｰﾀの入力", "①㈱山田", "abc", "髙﨑市", "平成31年度 ～ 令和2年度"])
def test_short_texts_in_cp932_are_read(text: str) -> None:
    assert read_text_bytes(text.encode("cp932"), "a.txt")[0] == text


@pytest.mark.parametrize("text", ["届出は14日以内です。", "ひらがな", "①番の窓口へ", "カタカナ・データ"])
def test_short_texts_in_euc_are_read(text: str) -> None:
    encoding = "euc_jis_2004" if "①" in text else "euc_jp"
    assert read_text_bytes(text.encode(encoding), "a.txt") == (text, ())


def test_what_could_be_either_is_refused() -> None:
    data = "税務課".encode("euc_jp")  # in CP932: ﾀﾇﾌｳｲﾝ
    assert data.decode("cp932") == "ﾀﾇﾌｳｲﾝ"
    with pytest.raises(ReadingError, match="一つに決められません") as caught:
        read_text_bytes(data, "a.txt")
    assert caught.value.code == "encoding"


@pytest.mark.parametrize(
    "data",
    [
        bytes(range(256)),
        "届出は14日以内です。".encode("euc_jp")[:-1],
        "届出は14日以内です。".encode()[:-1],
        b"\xff\xfe\x00",
        b"\x00\x01\x02\x03" * 50,
    ],
)
def test_broken_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(ReadingError) as caught:
        read_text_bytes(data, "a.txt")
    assert caught.value.code == "encoding"
    assert "a.txt" in caught.value.message


def test_doubtful_readings_are_reported() -> None:
    assert [p.code for p in read_text_bytes("ﾀﾅｶﾀﾛｳ ｺﾞﾝ".encode("cp932"), "a.txt")[1]] == ["encoding"]
    assert [p.code for p in read_text_bytes(("山田" * 30 + "\ue000").encode(), "a.txt")[1]] == ["odd_characters"]


def test_blocks_follow_the_structure(tmp_path: Path) -> None:
    content = read(tmp_path, RULE, "cp932")
    page = content.pages[0]
    assert content.title == "○○市職員旅費規程"
    assert quotes(page) == [
        "○○市職員旅費規程",
        "第1章　総則",
        "（目的）",
        "第1条　この規程は、職員の旅費に\n関し必要な事項を定める。",
        "２　前項の規定は、臨時職員に準用する。",
        "第２章　手続",
        "■ 申請に必要なもの",
        "・印鑑",
        "・本人確認書類\n　　顔写真つきのもの",
        "1 受付窓口",
        "本庁の1階で受け付ける。",
        "支所でも受け付ける。",
    ]


def test_blocks_know_line_kind_and_headings(tmp_path: Path) -> None:
    article, item = (read(tmp_path, RULE).pages[0].blocks[i] for i in (3, 8))
    assert article.headings == ("第1章 総則", "第1条（目的）")
    assert article.locator.as_dict() == {"line": 5, "heading": "第1章 総則 > 第1条（目的）"}
    assert item.kind is BlockKind.LIST_ITEM
    assert item.locator.line == 12


def test_numbered_lines_in_a_row_are_items(tmp_path: Path) -> None:
    page = read(tmp_path, "持ち物\n\n1 印鑑\n2 通帳\n3 申請書\n\n1 受付\n本庁の1階です。\n").pages[0]
    assert [block.kind.value for block in page.blocks[1:]] == ["list_item"] * 3 + ["heading", "paragraph"]


def test_line_ends_of_any_system_are_one(tmp_path: Path) -> None:
    assert read(tmp_path, "一行目\r\n二行目\r三行目").pages[0].text == "一行目\n二行目\n三行目"


@given(text=st.text(alphabet=st.sampled_from("第1条章（）目的。、・■ 　\n\tあ漢a①\u200b\x1f")) | st.text())
def test_every_character_is_in_one_block(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.getbasetemp() / "any.txt"
    path.write_bytes(text.encode("utf-8", "ignore"))
    try:
        content = read_plain(path, "any.txt")
    except ReadingError as error:
        assert error.code == "encoding"
    else:
        check_page(content.pages[0])
