"""Markdown files: headings, items and table rows with their lines, and every character in one block."""

from __future__ import annotations

from pathlib import Path

import pytest
from coverage_check import MARKDOWN_MARKS, check_page, quotes
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.documents import BlockKind, Content
from rag.reading.markdown import read_markdown

MANUAL = """# 窓口マニュアル

## 1 転入届

転入届は、転入した日から
14日以内に届け出ます。

- 印鑑
- 本人確認書類
  （顔写真つき）

| 証明書 | 手数料 |
|---|---|
| 住民票の写し | 300円 |
| 戸籍謄本 | 450円 |

> 外国人の方は在留カードも要ります。

```text
届出番号 = 12
```

受付時間
--------

(1) 平日
(2) 第2土曜日
"""


def read(folder: Path, text: str) -> Content:
    path = folder / "a.md"
    path.write_text(text, encoding="utf-8")
    content = read_markdown(path, "a.md")
    check_page(content.pages[0], marks=MARKDOWN_MARKS)
    return content


def test_page_text_is_the_file_and_blocks_are_its_parts(tmp_path: Path) -> None:
    content = read(tmp_path, MANUAL)
    page = content.pages[0]
    assert page.text == MANUAL
    assert content.title == "窓口マニュアル"
    assert quotes(page) == [
        "窓口マニュアル",
        "1 転入届",
        "転入届は、転入した日から\n14日以内に届け出ます。",
        "印鑑",
        "本人確認書類\n  （顔写真つき）",
        "証明書 | 手数料",
        "住民票の写し | 300円",
        "戸籍謄本 | 450円",
        "外国人の方は在留カードも要ります。",
        "text\n届出番号 = 12",
        "受付時間",
        "(1) 平日",
        "(2) 第2土曜日",
    ]


def test_blocks_know_their_line_and_headings(tmp_path: Path) -> None:
    page = read(tmp_path, MANUAL).pages[0]
    item = page.blocks[4]
    assert item.kind is BlockKind.LIST_ITEM
    assert item.locator.as_dict() == {"line": 9, "heading": "窓口マニュアル > 1 転入届"}
    assert page.blocks[10].level == 2
    assert page.blocks[11].headings == ("窓口マニュアル", "受付時間")


def test_a_table_row_carries_its_header(tmp_path: Path) -> None:
    page = read(tmp_path, MANUAL).pages[0]
    row = page.blocks[7]
    assert row.kind is BlockKind.TABLE_ROW
    assert [page.text[a:b] for a, b in row.context] == ["証明書 | 手数料"]
    assert page.blocks[5].kind is BlockKind.TABLE_HEADER


def test_front_matter_is_not_searched_but_names_the_title(tmp_path: Path) -> None:
    content = read(tmp_path, "---\ntitle: 旅費の手引\ndate: 2025-04-01\n---\n\n日当は2,000円です。\n")
    assert content.title == "旅費の手引"
    assert [block.kind for block in content.pages[0].blocks] == [BlockKind.HEADER, BlockKind.PARAGRAPH]
    assert content.pages[0].blocks[1].locator.line == 6


def test_text_that_markdown_swallows_is_kept(tmp_path: Path) -> None:
    text = '[例規集]: https://reiki.example/ "例規"\n\n<!-- 内部メモ -->\n\n1.\n'
    assert quotes(read(tmp_path, text).pages[0]) == [
        '[例規集]: https://reiki.example/ "例規"',
        "<!-- 内部メモ -->",
        "1.",
    ]


def test_a_paragraph_over_a_ruler_is_no_heading(tmp_path: Path) -> None:
    page = read(tmp_path, "届出は14日以内です。\n窓口は市民課です。\n---\n次の段落\n").pages[0]
    assert [block.kind for block in page.blocks] == [BlockKind.PARAGRAPH, BlockKind.PARAGRAPH]


@pytest.mark.parametrize("text", ["", "\n\n", "---\n", "# \n"])
def test_a_file_without_text_gives_no_blocks(tmp_path: Path, text: str) -> None:
    assert read(tmp_path, text).pages[0].blocks == ()


MARKDOWN = st.lists(
    st.sampled_from(
        [
            "# ",
            "## ",
            "- ",
            "1. ",
            "> ",
            "    ",
            "| a | b |\n|---|---|\n",
            "|",
            "```",
            "~~~\n",
            "---\n",
            "===\n",
            "\n",
            "\n\n",
            "<b>",
            "[x]: y\n",
        ]
    )
    | st.text(alphabet="あ字1a#*_-`|>:\\ \t\n。（）・", max_size=8),
    max_size=25,
).map("".join)


@settings(max_examples=400, deadline=None)
@given(text=MARKDOWN)
def test_every_character_is_in_one_block(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    read(tmp_path_factory.getbasetemp(), text)
