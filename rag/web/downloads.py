"""Files that the page hands to the browser: they lie on no disk of the server where others could fetch them."""

from __future__ import annotations

import base64
import json

EXCEL = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
SAVE = "(record) => window.saveRecord(record)"
"""What the page's script does with a packed file."""


def pack_file(name: str, media_type: str, content: bytes) -> str:
    """Return a file as JSON for the page's script: name, media type, bytes in base64.

    >>> pack_file("表.txt", "text/plain", b"abc")
    '{"name": "\\\\u8868.txt", "type": "text/plain", "data": "YWJj"}'
    """
    return json.dumps({"name": name, "type": media_type, "data": base64.b64encode(content).decode("ascii")})
