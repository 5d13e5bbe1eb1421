"""E-mail: subject, sender and date in Japanese time, the body by lines, attachments named; whatever encoding and whatever is broken."""

from __future__ import annotations

import base64
from email.message import EmailMessage
from pathlib import Path

import pytest
from coverage_check import check_page, quotes
from office_files import ask, read_indexed, show

from rag.documents import Content
from rag.errors import ReadingError
from rag.reading.mail import read_mail

BODY = "緑沢町 各位\n\n会議を次のとおり開きます。\n1 日時　5月12日（月）10時\n2 場所　第2会議室\n\n> 前回の会議は4月でした。\n"


def read(folder: Path, data: bytes) -> Content:
    path = folder / "a.eml"
    path.write_bytes(data)
    content = read_mail(path, "a.eml")
    check_page(content.pages[0])
    return content


def build(body: str = BODY, *, charset: str = "utf-8") -> EmailMessage:
    message = EmailMessage()
    message["Subject"] = "連絡会議の開催について"
    message["From"] = "総務課 <somu@midorisawa.example>"
    message["To"] = "税務課 <zeimu@midorisawa.example>"
    message["Date"] = "Thu, 01 May 2025 23:15:00 +0000"
    message.set_content(body, charset=charset)
    return message


@pytest.mark.parametrize("charset", ["utf-8", "iso-2022-jp", "shift_jis", "euc-jp"])
def test_head_and_body_are_read_in_every_encoding(tmp_path: Path, charset: str) -> None:
    content = read(tmp_path, build(charset=charset).as_bytes())
    assert content.title == "連絡会議の開催について"
    assert [(b.kind.value, t, b.locator.as_dict()) for b, t in show(content)] == [
        (
            "paragraph",
            "件名: 連絡会議の開催について\n差出人: 総務課 <somu@midorisawa.example>\n日時: 2025年5月2日（金）8:15",
            {"part": "差出人など", "line": 1},
        ),
        ("header", "宛先: 税務課 <zeimu@midorisawa.example>", {"part": "差出人など", "line": 4}),
        ("paragraph", "緑沢町 各位", {"part": "本文", "line": 1}),
        ("paragraph", "会議を次のとおり開きます。", {"part": "本文", "line": 3}),
        ("list_item", "1 日時　5月12日（月）10時", {"part": "本文", "line": 4}),
        ("list_item", "2 場所　第2会議室", {"part": "本文", "line": 5}),
        ("paragraph", "> 前回の会議は4月でした。", {"part": "本文", "line": 7}),
    ]


def test_a_place_in_a_mail_is_told_in_words(tmp_path: Path) -> None:
    block, _ = show(read(tmp_path, build().as_bytes()))[3]
    assert block.locator.describe("a.eml") == "本文 3行目"


def test_the_plain_body_is_preferred_and_html_is_read_where_there_is_no_other(tmp_path: Path) -> None:
    message = build("文字の本文です。")
    message.add_alternative("<p>HTML の本文です。</p>", subtype="html")
    assert quotes(read(tmp_path, message.as_bytes()).pages[0])[-1] == "文字の本文です。"

    only = EmailMessage()
    only["Subject"] = "お知らせ"
    only.set_content(
        "<html><body><p>受付は<b>9時</b>です。</p><ul><li>印鑑</li></ul></body></html>",
        subtype="html",
        charset="shift_jis",
    )
    page = read(tmp_path, only.as_bytes()).pages[0]
    assert quotes(page)[1:] == ["受付は9時です。", "・印鑑"]
    assert page.blocks[-1].locator.as_dict() == {"part": "本文", "line": 2}


def test_attachments_are_named_in_one_problem(tmp_path: Path) -> None:
    message = build()
    message.add_attachment(b"%PDF-", maintype="application", subtype="pdf", filename="開催通知.pdf")
    message.add_attachment("別紙です。", filename="別紙.txt")
    message.add_attachment(build("中のメールです。"))
    (problem,) = read(tmp_path, message.as_bytes()).problems
    assert (problem.code, problem.message) == (
        "attachment_not_indexed",
        "添付ファイル 3 個は索引に入れていません: 開催通知.pdf、別紙.txt、メール「連絡会議の開催について」",
    )
    assert "保存" in problem.remedy


def test_a_picture_inside_an_html_body_is_no_attachment(tmp_path: Path) -> None:
    message = build()
    message.add_alternative('<p>本文</p><img src="cid:logo">', subtype="html")
    message.get_payload()[1].add_related(b"GIF89a", "image", "gif", cid="<logo>", filename="image001.gif")  # type: ignore[index,union-attr]
    assert read(tmp_path, message.as_bytes()).problems == ()


def raw(*headers: bytes, body: bytes = b"body") -> bytes:
    return b"\r\n".join([*headers, b"", body, b""])


@pytest.mark.parametrize(
    "subject",
    [
        "会議①の通知".encode("cp932"),
        "会議①の通知".encode(),
        b"\x1b$B2q5D-!$NDLCN\x1b(B",
        b"=?Shift_JIS?B?" + base64.b64encode("会議①の通知".encode("cp932")) + b"?=",
        b"=?ISO-2022-JP?B?" + base64.b64encode(b"\x1b$B2q5D-!$NDLCN\x1b(B") + b"?=",
        b"=?UTF-8?B?"
        + base64.b64encode("会議①".encode()[:-1])
        + b"?=\r\n =?UTF-8?B?"
        + base64.b64encode("①".encode()[-1:] + "の通知".encode())
        + b"?=",
    ],
    ids=["bare cp932", "bare utf-8", "bare jis", "cp932", "jis with a character it lacks", "cut within a character"],
)
def test_subjects_are_read_however_they_are_written(tmp_path: Path, subject: bytes) -> None:
    assert read(tmp_path, raw(b"Subject: " + subject, b"From: a@b.example")).title == "会議①の通知"


def test_a_body_in_another_encoding_than_it_says_is_read(tmp_path: Path) -> None:
    data = raw(
        b"Subject: a", b"Content-Type: text/plain; charset=us-ascii", body="手数料は三百円です。".encode("cp932")
    )
    assert quotes(read(tmp_path, data).pages[0])[-1] == "手数料は三百円です。"


def test_a_date_that_is_none_is_shown_as_written(tmp_path: Path) -> None:
    assert "日時: きのう" in read(tmp_path, raw("Date: きのう".encode(), b"From: a@b.example")).pages[0].text


def test_names_of_senders_are_decoded(tmp_path: Path) -> None:
    name = base64.b64encode("総務課, 庶務係".encode()).decode()
    content = read(tmp_path, raw(f"From: =?UTF-8?B?{name}?= <a@b.example>".encode(), b"Subject: x"))
    assert "差出人: 総務課, 庶務係 <a@b.example>" in content.pages[0].text


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (raw(b"Subject: a", b"Content-Type: application/pkcs7-mime; smime-type=enveloped-data"), "encrypted"),
        ("ただの文章です。\n".encode(), "unknown_format"),
        (raw(b"Subject: a", b"Content-Type: text/plain; charset=utf-8", body=bytes(range(128, 256))), "encoding"),
    ],
)
def test_what_cannot_be_read_says_why(tmp_path: Path, data: bytes, code: str) -> None:
    with pytest.raises(ReadingError) as caught:
        read(tmp_path, data)
    assert caught.value.code == code


def test_an_answer_cites_the_line_of_the_mail(tmp_path: Path) -> None:
    read_indexed(
        tmp_path,
        "総務課/会議.eml",
        build("各位\n\n防災訓練の集合場所は町民体育館です。\n雨のときは中止します。\n").as_bytes(),
    )
    (citation, *_) = ask(tmp_path, "防災訓練の集合場所はどこですか").citations
    assert (citation.title, citation.locator.as_dict()) == ("連絡会議の開催について", {"part": "本文", "line": 3})
    assert citation.verified and "町民体育館" in citation.quote
