"""The words of e-mail headers and bodies: encoded words, ISO-2022-JP with the characters it lacks, names, dates in Japanese time."""

from __future__ import annotations

import base64
import binascii
import quopri
import re
from collections.abc import Iterator
from datetime import UTC, timedelta, timezone
from email.message import EmailMessage

from rag.errors import ReadingError
from rag.reading.encoding import read_text_bytes

_JAPAN = timezone(timedelta(hours=9))
_WEEKDAYS = "月火水木金土日"
_WORD = re.compile(r"=\?([\w-]+)(?:\*\w+)?\?([BbQq])\?([^?]*)\?=")
_BETWEEN_WORDS = re.compile(r"(?<=\?=)\s+(?==\?)")
_JIS_PART = re.compile(rb"\x1b(\$@|\$B|\$\(D|\(B|\(J|\(I)")
_NAMES = {
    "shift_jis": ("cp932",), "shift-jis": ("cp932",), "sjis": ("cp932",), "x-sjis": ("cp932",), "windows-31j": ("cp932",),
    "euc-jp": ("euc_jp", "euc_jis_2004"),
}  # fmt: skip


def decode_bytes(data: bytes, charset: str | None) -> str | None:
    """Return text in the encoding that a message names, None when it is another one.

    >>> decode_bytes("①".encode("cp932"), "Shift_JIS"), decode_bytes(b"\\x1b$B-!%F\\x1b(B", "iso-2022-jp"), decode_bytes(b"\\xff", "utf-8")
    ('①', '①テ', None)
    """
    name = (charset or "utf-8").lower()
    if name.startswith("iso-2022-jp") or (data.isascii() and b"\x1b$" in data):
        return _decode_jis(data)
    for encoding in _NAMES.get(name, (name,)):
        try:
            return data.decode(encoding)
        except (UnicodeDecodeError, LookupError):
            continue
    return None


def _decode_jis(data: bytes) -> str | None:
    """Decode ISO-2022-JP part by part: mail programs also write ① and ㈱ in it, which the standard does not have."""
    text, state = "", b"(B"
    for index, piece in enumerate(_JIS_PART.split(data)):
        if index % 2:
            state = piece
            continue
        try:
            text += _decode_jis_part(piece, state)
        except UnicodeDecodeError:
            return None
    return text


def _decode_jis_part(piece: bytes, state: bytes) -> str:
    if state in (b"(B", b"(J"):
        return piece.decode("ascii")
    high = bytes(byte | 0x80 if byte > 0x20 else byte for byte in piece)
    if state == b"(I":
        return high.decode("cp932")
    if state == b"$(D":
        return b"".join(b"\x8f" + high[i : i + 2] for i in range(0, len(high), 2)).decode("euc_jp")
    try:
        return high.decode("euc_jp")
    except UnicodeDecodeError:
        return high.decode("euc_jis_2004")


def read_header(message: EmailMessage, name: str, parameter: str | None = None) -> str:
    """Return a header in one line, or one of its parameters; "" when it is missing. What is broken in it is mended or shown as ?."""
    if parameter is not None:
        found = message.get_param(parameter, "", name)
        if isinstance(found, tuple):
            found = found[2]
        return _decode_words(str(found))
    raw = next((value for key, value in message.raw_items() if key.lower() == name.lower()), "")
    return _decode_words(str(raw))


def _decode_words(raw: str) -> str:
    """Return a raw header value with its encoded words and unencoded bytes decoded.

    >>> _decode_words("=?ISO-2022-JP?B?GyRCMnE1RBsoQg==?=\\r\\n =?UTF-8?Q?=E9=80=9A=E7=9F=A5?= (2)")
    '会議通知 (2)'
    """
    text = "".join(_decode_pieces(_BETWEEN_WORDS.sub("", raw)))
    return " ".join(text.split())


def _decode_pieces(raw: str) -> Iterator[str]:
    """Yield the decoded pieces; words of one encoding that follow each other are one: programs cut within a character."""
    position = 0
    pending, pending_charset = b"", ""
    for word in _WORD.finditer(raw):
        between = raw[position : word.start()]
        charset, data = word[1].lower(), _word_bytes(word[2], word[3])
        if pending and (between or charset != pending_charset):
            yield _show(pending, pending_charset)
            pending = b""
        yield _show(between.encode("utf-8", "surrogateescape"), None)
        pending, pending_charset = pending + data, charset
        position = word.end()
    yield _show(pending, pending_charset)
    yield _show(raw[position:].encode("utf-8", "surrogateescape"), None)


def _word_bytes(form: str, written: str) -> bytes:
    if form in "Qq":
        return quopri.decodestring(written.replace("_", " "), header=True)
    try:
        return base64.b64decode(written + "=" * (-len(written) % 4))
    except binascii.Error:
        return b""


def _show(data: bytes, charset: str | None) -> str:
    """Return bytes as text, in the named encoding or any that fits; what fits none is shown as ?."""
    text = decode_bytes(data, charset)
    if text is not None:
        return text
    try:
        return read_text_bytes(data, "")[0]
    except ReadingError:
        return data.decode("utf-8", "replace").replace("\ufffd", "?")


def read_addresses(message: EmailMessage, name: str) -> str:
    """Return the names and addresses in a header: 「総務課 <somu@example.jp>、…」."""
    from email.utils import getaddresses

    raw = [str(value) for key, value in message.raw_items() if key.lower() == name.lower()]
    pairs = [
        (_decode_words(person), address) for person, address in getaddresses(raw)
    ]  # a decoded name may hold a comma
    shown = (f"{person} <{address}>" if person and address else person or address for person, address in pairs)
    return "、".join(one for one in shown if one) or "、".join(_decode_words(value) for value in raw)


def read_date(message: EmailMessage) -> str:
    """Return when a message was sent, in Japanese time: 「2025年4月1日（火）10:15」; as it is written when that is no date."""
    from email.utils import parsedate_to_datetime

    written = read_header(message, "Date")
    try:
        sent = parsedate_to_datetime(written)
    except (TypeError, ValueError):
        return written
    sent = (sent if sent.tzinfo else sent.replace(tzinfo=UTC)).astimezone(_JAPAN)
    return f"{sent.year}年{sent.month}月{sent.day}日（{_WEEKDAYS[sent.weekday()]}）{sent.hour}:{sent.minute:02}"
