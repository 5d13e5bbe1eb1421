"""Bytes of any Japanese encoding -> text, decided by strict decoding and plausibility, never by a silent guess."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator, Sequence

from rag.documents import Problem
from rag.errors import ReadingError

_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_ISO_2022_JP = ("iso2022_jp", "iso2022_jp_ext", "iso2022_jp_2004")
_EUC_JP = ("euc_jp", "euc_jis_2004")  # the second knows ① and ㈱ (NEC row 13)
_NEVER_IN_TEXT = re.compile("[\x00-\x08\x0e-\x1a\x7f-\x9f\ue000-\uf8ff\ufffd]")
_HALF_WIDTH_KATAKANA = re.compile("[\uff61-\uff9f]")
# EUC-JP kana and punctuation begin with the bytes A1, A4, A5, which CP932 reads as these half-width marks.
_HALF_WIDTH_MARKS = re.compile("[｡｢｣､･]")
_KANA = re.compile("[ぁ-んァ-ヶ]")


def read_text_bytes(data: bytes, source: str) -> tuple[str, tuple[Problem, ...]]:
    """Return the text of bytes in UTF-8, UTF-16, CP932, EUC-JP or ISO-2022-JP, line ends as \\n, and what is doubtful in it.

    Raises ReadingError (code encoding) when no reading fits, or more than one does: it never guesses.

    >>> read_text_bytes("手数料は三百円です。".encode("euc_jp"), "a.txt")
    ('手数料は三百円です。', ())
    """
    text, encoding = decode_text(data, source)
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "\ufffd")  # no index can hold a NUL
    return text, tuple(_find_doubts(text, encoding, source))


def decode_text(data: bytes, source: str) -> tuple[str, str]:
    """Return the text of bytes as it stands, and its encoding as Python names it. Raises ReadingError as `read_text_bytes` does."""
    for bom, encoding in _BOMS:
        if data.startswith(bom):
            return _decode_first(data, (encoding,), source)
    if b"\x00" in data:
        return _decode_utf16(data, source)
    if b"\x1b$" in data and data.isascii():
        return _decode_first(data, _ISO_2022_JP, source)
    text = _try_decode(data, "utf-8")
    if text is not None and _is_text(text):
        return text, "utf-8"
    return _decode_legacy(data, source)


def _decode_first(data: bytes, encodings: Sequence[str], source: str) -> tuple[str, str]:
    for encoding in encodings:
        text = _try_decode(data, encoding)
        if text is not None and _is_text(text):
            return text, encoding
    raise _undecodable(source, encodings)


def _decode_utf16(data: bytes, source: str) -> tuple[str, str]:
    """Decide the byte order of UTF-16 without a mark: the wrong one gives no ASCII and hardly any kana."""
    readings = [(text, name) for name in ("utf-16-le", "utf-16-be") if (text := _try_decode(data, name)) is not None]
    likely = [(text, name) for text, name in readings if _is_text(text) and _common_share(text) > 0.8]
    if len(likely) != 1:
        raise _undecodable(source, ("UTF-16LE", "UTF-16BE"))
    return likely[0]


def _decode_bare_utf16(data: bytes, source: str) -> tuple[str, str]:
    """Decide UTF-16 without a mark, line ends or ASCII, the last thing to try: nearly all kana and kanji, and kana enough."""
    for name in ("utf-16-le", "utf-16-be"):
        text = _try_decode(data, name)
        if text and _common_share(text) > 0.95 and _share(_KANA, text) > 0.2:
            return text, name
    raise _undecodable(source, ("UTF-8", "CP932", "EUC-JP", "ISO-2022-JP", "UTF-16"))


def _decode_legacy(data: bytes, source: str) -> tuple[str, str]:
    cp932 = _try_decode(data, "cp932")
    euc = next((text for name in _EUC_JP if (text := _try_decode(data, name)) is not None), None)
    if cp932 is not None and (not _is_text(cp932) or _share(_HALF_WIDTH_MARKS, cp932) > 0.1):
        cp932 = None
    if euc is not None and not _is_text(euc):
        euc = None
    if cp932 is None and euc is None:
        return _decode_bare_utf16(data, source)
    if cp932 is None or euc is None:
        return (cp932, "cp932") if cp932 is not None else (euc or "", "euc_jp")
    if _share(_HALF_WIDTH_KATAKANA, cp932) > 0.5 and _share(_KANA, euc) > 0.1:
        return euc, "euc_jp"
    raise ReadingError(
        f"文字コードを一つに決められません: {source}（CP932 でも EUC-JP でも読めてしまいます）",
        "メモ帳などで開き、文字コードを UTF-8 にして保存し直してください。",
        code="encoding",
    )


def _try_decode(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        return None


def _undecodable(source: str, tried: Sequence[str]) -> ReadingError:
    return ReadingError(
        f"文字コードが分かりません: {source}（試したもの: {'、'.join(tried)}）",
        "テキストであることを確かめ、文字コードを UTF-8 にして保存し直してください。",
        code="encoding",
    )


def _is_text(text: str) -> bool:
    return count_odd_characters(text) <= 0.05 * len(text)


def _common_share(text: str) -> float:
    common = sum(c.isascii() or "\u3000" <= c <= "\u30ff" or "\u4e00" <= c <= "\u9fff" or c >= "\uff00" for c in text)
    return common / max(1, len(text))


def _share(pattern: re.Pattern[str], text: str) -> float:
    """Return the share of a pattern's characters among those beyond ASCII."""
    return len(pattern.findall(text)) / max(1, sum(not c.isascii() for c in text))


def _find_doubts(text: str, encoding: str, source: str) -> Iterator[Problem]:
    if encoding == "cp932" and _share(_HALF_WIDTH_KATAKANA, text) > 0.5:
        message = "文字コードを CP932 として読みましたが、半角カナが多く、読み違いかもしれません。"
        yield Problem(source, "encoding", message, "内容を確かめ、UTF-8 で保存し直してください。")
    if odd := count_odd_characters(text):
        message = f"外字や制御文字など、読み取れない文字が {odd} 字あります。"
        yield Problem(source, "odd_characters", message, "外字は常用の漢字かかなに置き換えてください。")


def count_odd_characters(text: str) -> int:
    """Count the characters that no one types: control, private use and replacement characters."""
    return len(_NEVER_IN_TEXT.findall(text))
