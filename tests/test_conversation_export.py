"""The record of a conversation: citations as footnotes, the notice, and nothing of a file or a person becomes markup."""

from __future__ import annotations

import io
import re
import zipfile
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from fake_assistant import EVIL, evil_citation

from rag.assistant import Assistant
from rag.documents import Answer, Citation, Contact, Locator, Place, Reason, Span, Status, Turn, Warning_
from rag.errors import UsageError
from rag.export.markdown import render_markdown
from rag.export.record import MUST_CHECK, ExportForm
from rag.export.word import build_word
from rag.reading.word import read_word

WHEN = datetime(2026, 4, 1, 9, 30)
NOTICE = "一行目です。\n二行目です。\n三行目です。"
CITATION = Citation(
    1, "手引.pdf", "窓口の手引", Locator(page=14, label="12"), 14, (Span(0, 9),), "14日以内に届け出る。", True, "町民課"
)
SECOND = replace(CITATION, number=2, locator=Locator(row=3), quote="窓口\t300円", verified=False)  # fmt: skip


def answered(text: str, *citations: Citation, warnings: tuple[Warning_, ...] = ()) -> Answer:
    return Answer(Status.ANSWERED, text, 0.9, "extractive", 1.0, citations=citations, warnings=warnings)


def not_answered() -> Answer:
    nearest = (Place("手引.pdf", "窓口の手引", Locator(page=3), "…"),)
    contact = Contact("町民課", "111")
    return Answer(Status.NO_ANSWER, "", 0.1, "extractive", 1.0, Reason.WEAK_EVIDENCE, nearest=nearest, contact=contact)


def turns(*answers: Answer, question: str = "転入届の期限は？") -> list[Turn]:
    return [Turn(question, answer, WHEN) for answer in answers]


def markdown(*answers: Answer, question: str = "転入届の期限は？") -> str:
    return render_markdown(turns(*answers, question=question), page_title="しるべ", notice=NOTICE, written_at=WHEN)


def word(folder: Path, *answers: Answer, question: str = "転入届の期限は？") -> Path:
    file = folder / "記録.docx"
    made = build_word(turns(*answers, question=question), page_title="しるべ", notice=NOTICE, written_at=WHEN)
    file.write_bytes(made)
    return file


def word_text(file: Path) -> str:
    content = read_word(file, file.name)
    assert content.problems == ()
    return content.pages[0].text


def show(text: str) -> str:
    """Return the text that CommonMark shows of Markdown, and fail where it makes an element that we do not write."""
    from markdown_it import MarkdownIt

    html = MarkdownIt("commonmark").enable("table").render(text)
    assert set(re.findall(r"<(\w+)", html)) <= {"h1", "h2", "h3", "p", "ul", "li", "blockquote", "br"}, html
    return html


def test_markdown_says_when_what_and_where_with_one_footnote_for_each_citation() -> None:
    text = markdown(
        answered("14日以内です。[1][2] 過ぎても受け付けます。[1]", CITATION, SECOND),
        answered("同じです。[1]", CITATION),
    )

    assert "令和8年4月1日 9時30分" in text and "## 質問2" in text
    assert "14日以内です。[^1][^2] 過ぎても受け付けます。[^1]" in text and "同じです。[^3]" in text
    assert "[^1]: 『窓口の手引』12頁（PDF 14枚目）、町民課。「14日以内に届け出る。」（確認済み）" in text
    assert re.findall(r"^\[\^(\d+)\]:", text, re.MULTILINE) == ["1", "2", "3"]
    assert "[^2]: 『窓口の手引』3件目、町民課。「窓口 300円」（未確認" in text


@pytest.mark.parametrize("form", ["markdown", "word"])
def test_the_notice_the_warnings_and_whom_to_ask_are_in_every_record(form: str, tmp_path: Path) -> None:
    answers = (answered("はい。[1]", CITATION, warnings=(Warning_("partial", "一部だけです。"),)), not_answered())
    text = markdown(*answers) if form == "markdown" else word_text(word(tmp_path, *answers))

    assert all(line in text for line in (*NOTICE.split("\n"), MUST_CHECK))
    assert "注意: 一部だけです。" in text
    assert "お答えできませんでした。" in text and "お問い合わせ先: 町民課（内線 111）" in text
    assert "『窓口の手引』PDF 3枚目" in text


@pytest.mark.parametrize("form", ["markdown", "word"])
def test_what_was_understood_is_told(form: str, tmp_path: Path) -> None:
    answer = replace(answered("はい。"), understood="「転入届」について、期限は？")
    text = markdown(answer) if form == "markdown" else word_text(word(tmp_path, answer))

    assert "理解した質問: 「転入届」について、期限は？" in text


def test_a_citation_without_a_mark_is_not_lost_and_a_mark_without_a_citation_is_text() -> None:
    text = markdown(answered("二つの根拠です。[1][7]", CITATION, SECOND))

    assert "[^1]\\[7\\][^2]" in text


HOSTILE = f"{EVIL}\n# 見出し\n- 項目\n1. 番号\n| a | b |\n|---|---|\n```\n</p>[^1]: 偽の注\n===\n\x00\x0b\u202e逆 www.evil.example"


def test_hostile_text_stays_text_in_markdown() -> None:
    answer = replace(answered(HOSTILE + "[1]", evil_citation()), understood=HOSTILE, warnings=(Warning_("x", HOSTILE),))
    text = markdown(answer, question=HOSTILE)

    html = show(text)
    assert "&lt;img src=&quot;http://evil.example/x.png&quot;" in html and "# 見出し" in html and "1. 番号" in html
    assert not set("\x00\x0b\u202e") & set(text)
    assert len(re.findall(r"^\[\^\d+\]:", text, re.MULTILINE)) == 1


def test_hostile_and_very_long_text_stays_text_in_word(tmp_path: Path) -> None:
    file = word(tmp_path, answered(HOSTILE + "長" * 20_000 + "[1]", evil_citation()), question=HOSTILE)

    text = word_text(file)
    assert EVIL in text and "長" * 20_000 in text and not set("\x00\x0b\u202e") & set(text)
    assert not any(name.startswith("word/embeddings") for name in zipfile.ZipFile(file).namelist())


def test_word_has_real_footnotes_that_our_reader_finds_beside_their_place(tmp_path: Path) -> None:
    from lxml import etree

    file = word(tmp_path, answered("14日以内です。[1]\n過ぎても受け付けます。[2][1]", CITATION, SECOND))

    with zipfile.ZipFile(file) as archive:
        notes, body = (etree.fromstring(archive.read(f"word/{part}.xml")) for part in ("footnotes", "document"))
        assert b"footnotes+xml" in archive.read("[Content_Types].xml")
    name = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
    written = [note.get(f"{name}id") for note in notes if note.get(f"{name}type") is None]
    assert [mark.get(f"{name}id") for mark in body.iter(f"{name}footnoteReference")] == written == ["1", "2", "3"]
    text = word_text(file)
    assert "14日以内です。（注1）" in text and "過ぎても受け付けます。（注2）（注3）" in text
    assert "注1 『窓口の手引』12頁（PDF 14枚目）、町民課。「14日以内に届け出る。」（確認済み）" in text
    assert "注3 前掲の注1に同じ。" in text


def test_word_is_a4_with_japanese_fonts(tmp_path: Path) -> None:
    import docx
    from docx.oxml.ns import qn

    document = docx.Document(io.BytesIO(word(tmp_path, answered("はい。")).read_bytes()))

    section = document.sections[0]
    assert (round(section.page_width.mm), round(section.page_height.mm)) == (210, 297)
    fonts = document.styles["Normal"].element.rPr.rFonts
    assert fonts.get(qn("w:eastAsia")) == "游明朝" and fonts.get(qn("w:eastAsiaTheme")) is None
    assert document.styles["Heading 1"].element.rPr.rFonts.get(qn("w:eastAsia")) == "游ゴシック"


def test_the_assistant_reads_every_citation_back_again(town_assistant: Assistant) -> None:
    answer = town_assistant.ask("住民票の写しの手数料はいくらですか")
    forged = replace(answer, citations=tuple(replace(c, quote="1通5円です。") for c in answer.citations))

    true, false = (
        town_assistant.export([Turn("手数料は", each, WHEN)], ExportForm.MARKDOWN).decode() for each in (answer, forged)
    )
    assert "（確認済み）" in true and "（未確認" in false and "（確認済み）" not in false
    with pytest.raises(UsageError, match="書き出す質問と回答がありません"):
        town_assistant.export([], ExportForm.WORD)


def test_the_words_of_a_document_that_is_not_open_are_not_exported(town_assistant: Assistant) -> None:
    answer = town_assistant.ask("住民票の写しの手数料はいくらですか")
    hidden = replace(answer, text="[1]", citations=(replace(answer.citations[0], source="秘密.md", quote="秘密の文"),))

    assert "秘密の文" not in town_assistant.export([Turn("手数料は", hidden, WHEN)], ExportForm.MARKDOWN).decode()
