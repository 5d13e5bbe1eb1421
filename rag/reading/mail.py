"""E-mail (.eml) -> one page: subject, sender and date, then the body line by line. Attachments are named, not read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from email.message import EmailMessage
from pathlib import Path

from rag.documents import Block, BlockKind, Content, Locator, Page, Problem
from rag.errors import ReadingError
from rag.reading.encoding import read_text_bytes
from rag.reading.html import decode_html, read_html_text
from rag.reading.mail_text import decode_bytes, read_addresses, read_date, read_header
from rag.reading.options import DEFAULT_OPTIONS, ReadingOptions
from rag.reading.plain import measure_quality, split_blocks, split_lines
from rag.reading.word_text import clean_text

HEAD = "差出人など"
BODY = "本文"
_SEALED = ("application/pkcs7-mime", "application/x-pkcs7-mime", "multipart/encrypted")
_MAX_NAMES = 20


def read_mail(path: Path, source: str, options: ReadingOptions = DEFAULT_OPTIONS) -> Content:
    """Return an e-mail as one page; its title is its subject. The body's lines are counted from 1, quoted ones too.

    Raises ReadingError (codes encrypted, unknown_format).
    """
    message = _parse(path.read_bytes(), source)
    subject = read_header(message, "Subject")
    body, problems = _read_body(message, source)
    page = _build_page(message, subject, body)
    return Content((page,), (*problems, *_report_attachments(message, source)), subject or None)


def _parse(data: bytes, source: str) -> EmailMessage:
    import email
    from email import policy

    message = email.message_from_bytes(data, policy=policy.default)
    if not any(name in message for name in ("From", "Subject", "Date", "To", "Received", "Content-Type")):
        hint = "メールソフトから eml 形式で保存し直してください。"
        raise ReadingError(f"中身が電子メールではありません: {source}", hint, code="unknown_format")
    if message.get_content_type() in _SEALED and "signed" not in str(message.get_param("smime-type")):
        hint = "メールソフトで開き、暗号化を外して保存し直してください。"
        raise ReadingError(f"暗号化されたメールです: {source}", hint, code="encrypted")
    return message


def _read_body(message: EmailMessage, source: str) -> tuple[str, tuple[Problem, ...]]:
    """Return the text of a message: the plain one where there are both, else what its HTML shows."""
    part = message.get_body(preferencelist=("plain", "html"))
    if part is None:
        return "", ()
    data = part.get_payload(decode=True)
    data = data if isinstance(data, bytes) else b""
    charset = part.get_content_charset()
    if part.get_content_type() != "text/html":
        return _decode(data, charset, source)
    text = decode_bytes(data, charset)
    written, problems = decode_html(data, source) if text is None else (text, ())
    return read_html_text(written, source), problems


def _decode(data: bytes, charset: str | None, source: str) -> tuple[str, tuple[Problem, ...]]:
    """Return text in the encoding that the message names; in any that fits where it names a wrong one."""
    text = decode_bytes(data, charset)
    return read_text_bytes(data if text is None else text.encode(), source) if data else ("", ())


def _build_page(message: EmailMessage, subject: str, body: str) -> Page:
    searched = [("件名", subject), ("差出人", read_addresses(message, "From")), ("日時", read_date(message))]
    others = [("宛先", read_addresses(message, "To")), ("Cc", read_addresses(message, "Cc"))]
    text, blocks = "", list[Block]()
    for kind, lines in ((BlockKind.PARAGRAPH, searched), (BlockKind.HEADER, others)):
        if written := "\n".join(f"{name}: {value}" for name, value in lines if value):
            blocks.append(
                Block(kind, len(text), len(text) + len(written), Locator(part=HEAD, line=text.count("\n") + 1))
            )
            text += written + "\n"
    offset = len(text)
    return Page(1, text + body, (*blocks, *_place_blocks(body, offset)), measure_quality(text + body))


def _place_blocks(body: str, offset: int) -> Iterator[Block]:
    for block in split_blocks(list(split_lines(body)), may_have_title=False):
        place = replace(block.locator, part=BODY)
        yield replace(block, start=block.start + offset, end=block.end + offset, locator=place)


def _report_attachments(message: EmailMessage, source: str) -> Iterator[Problem]:
    names = list(_attachment_names(message))
    if names:
        shown = "、".join(names[:_MAX_NAMES]) + ("、ほか" if len(names) > _MAX_NAMES else "")
        said = f"添付ファイル {len(names)} 個は索引に入れていません: {shown}"
        yield Problem(
            source, "attachment_not_indexed", said, "必要なら、添付ファイルを文書フォルダーに保存してください。"
        )


def _attachment_names(message: EmailMessage) -> Iterator[str]:
    """Yield the names of what hangs on a message; pictures that its HTML shows in place are no attachments."""
    body = message.get_body(preferencelist=("plain", "html"))
    for part in _leaves(message):
        name = clean_text(
            read_header(part, "Content-Disposition", "filename") or read_header(part, "Content-Type", "name")
        )
        is_inline = part.get_content_maintype() == "image" and "Content-ID" in part
        is_text = part.get_content_maintype() == "text" and not part.is_attachment() and not name
        if part.get_content_type() == "message/rfc822":
            inner = part.get_payload()
            first = inner[0] if isinstance(inner, list) and inner else None
            subject = read_header(first, "Subject") if isinstance(first, EmailMessage) else ""
            yield name or f"メール「{subject}」"
        elif part is not body and not is_inline and not is_text:
            yield name or f"名前なし（{part.get_content_type()}）"


def _leaves(message: EmailMessage) -> Iterator[EmailMessage]:
    """Yield the parts of a message that are not made of parts; a message inside it is one."""
    payload = message.get_payload()
    if not isinstance(payload, list) or message.get_content_type() == "message/rfc822":
        yield message
        return
    for part in payload:
        if isinstance(part, EmailMessage):
            yield from _leaves(part)
