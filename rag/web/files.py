"""Files that come and go through the page: as base64 inside a handler's call, so that none of them lies where others could fetch it."""

from __future__ import annotations

import base64
import binascii
import json

from rag.errors import UsageError

MAX_FILE_BYTES = 5_000_000
TOO_LARGE = "too-large"
"""What the page's script sends instead of a file above the limit."""


def read_upload(text: object) -> bytes:
    """Return the bytes of a chosen file as `window.readFile` sends it. Raises UsageError for none, and one that is too large.

    >>> read_upload("56eL")
    b'\\xe7\\xa7\\x8b'
    """
    if text == TOO_LARGE or (isinstance(text, str) and len(text) > MAX_FILE_BYTES * 4 // 3 + 4):
        raise UsageError(
            "ファイルが大きすぎます。", f"{MAX_FILE_BYTES // 1_000_000} MB 以内のファイルに分けてください。"
        )
    if not isinstance(text, str) or not text:
        raise UsageError("ファイルが選ばれていません。", "ファイルを選んでから、もう一度押してください。")
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise UsageError("ファイルを受け取れませんでした。", "ファイルを選び直してください。") from error


def pack_download(name: str, media_type: str, content: bytes) -> str:
    """Return a file as JSON for the page's script `window.saveRecord`: name, media type, bytes in base64."""
    return json.dumps({"name": name, "type": media_type, "data": base64.b64encode(content).decode("ascii")})


def script_reading(selector: str) -> str:
    """Return the script that hands the file of an input element to a handler with one input."""
    return f"() => window.readFile({json.dumps(selector)}, {MAX_FILE_BYTES})"
