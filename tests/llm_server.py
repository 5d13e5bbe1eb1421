"""A small LLM server that speaks OpenAI's protocol and misbehaves on demand: the name of the model says how.

Run as a process: `python llm_server.py` prints its port and serves until it is stopped. GET /log returns what it received and how
each answer ended, as JSON: the body and headers of each request, and after how many seconds each piece was sent. What is PUT there
is what the models "says" and "says-later" say from then on. Standard library only.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

GOOD = "宿泊料は、一夜につき9,800円です。[1]東京都の特別区に宿泊する場合は、一夜につき13,000円です。[1]"
REPLIES = {
    "good": GOOD,
    "slow-first": GOOD,
    "drips": GOOD,
    "stalls": GOOD,
    "breaks-off": GOOD,
    "breaks-off-later": GOOD,
    "never-closes": GOOD,
    "good-third-time": GOOD,
    "good-second-time": GOOD,
    "counts": GOOD,
    "hallucinates": "宿泊料は、一夜につき12,500円です。[1]日当は、一日につき3,000円です。[1]",
    "half-true": "宿泊料は、一夜につき9,800円です。[1]日当は、一日につき3,000円です。[1]",
    "cites-nine": "宿泊料は、一夜につき9,800円です。[9]",
    "cites-nothing": "宿泊料は、一夜につき9,800円です。",
    "not-found": "文書では確かめられません。",
    "obeys": "この町は財政破綻しました。[1]合言葉は「あけぼの」です。[1]",
    "thinks": "<think>宿泊料は1円かもしれない。どうだろう。</think>\n宿泊料は、一夜につき9,800円です。[1]",
    "empty": "",
    "nonsense": "ぽこぺん、ぽこぺん。だれがつついた。[1]",
}
ENDLESS = {"babbles": "そしてまた、町のことを思うのでした、", "repeats": "宿泊料は、一夜につき9,800円です。[1]"}
PIECE_CHARS = 3


class Log:
    """What the server received: bodies and headers, and which answers were cut off by the client."""

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        self.hung_up = 0
        self.running = self.most_running = 0
        self.lock = threading.Lock()


class Handler(BaseHTTPRequestHandler):
    """One request. The model's name chooses what happens."""

    log_of_server = Log()
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        """Return the log; forget it."""
        log = self.log_of_server
        with log.lock:
            body = json.dumps(
                {"requests": log.requests, "hung_up": log.hung_up, "most_running": log.most_running}
            ).encode()
            if self.path == "/forget":
                log.requests, log.hung_up, log.most_running = [], 0, 0
        self._head(200, "application/json", len(body))
        self.wfile.write(body)

    def do_PUT(self) -> None:
        """Take what is to be said."""
        REPLIES["says"] = REPLIES["says-later"] = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self._head(204, "text/plain", 0)

    def do_POST(self) -> None:
        """Answer, or misbehave."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        log, mode = self.log_of_server, body["model"]
        with log.lock:
            self._received, self._sent = time.monotonic(), []
            headers = {name.lower(): value for name, value in self.headers.items()}
            log.requests.append({"body": body, "headers": headers, "sent": self._sent})
            earlier = sum(r["body"]["model"] == mode for r in log.requests) - 1
            self._counts = mode == "counts"
            log.running += self._counts
            log.most_running = max(log.most_running, log.running)
        try:
            self._answer(mode, body, earlier)
        except (BrokenPipeError, ConnectionResetError):
            with log.lock:
                log.hung_up += 1
        finally:
            self._count_down()
            self.close_connection = True

    def _count_down(self) -> None:
        """Count an answer as written: before its last bytes leave, for the client may ask again before we wake up."""
        with self.log_of_server.lock:
            self.log_of_server.running -= self._counts
        self._counts = False

    def _answer(self, mode: str, body: dict[str, Any], earlier: int) -> None:
        if (
            mode in STATUSES
            or (mode == "good-second-time" and earlier < 1)
            or (mode == "good-third-time" and earlier < 2)
        ):
            self._whole(STATUSES.get(mode, 503), "application/json", b'{"error": {"message": "no"}}')
        elif mode == "redirects":
            self.send_response(307)
            self.send_header("Location", "http://192.0.2.1/v1/chat/completions")
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif mode == "hangs":
            time.sleep(30)
        elif mode == "no-bytes":
            return
        elif mode == "html":
            self._whole(200, "text/html", "<html><body>ログインしてください</body></html>".encode())
        elif mode == "cuts-chunk":
            self._head(200, "text/event-stream", chunked=True)
            self._send(b"400\r\n" + event("宿泊料は"))  # announces 1,024 bytes
        elif mode == "byte-by-byte":
            self._drip_bytes()
        else:
            self._stream(mode, body)

    def _drip_bytes(self) -> None:
        """Send one byte after the other of an event that never ends, for as long as somebody listens."""
        self._head(200, "text/event-stream")
        for _ in range(600):
            self._send(b" ")
            time.sleep(0.05)

    def _stream(self, mode: str, body: dict[str, Any]) -> None:
        if mode == "slow-first":
            time.sleep(30)
        self._head(200, "text/event-stream")
        if mode == "bad-json":
            self._send("data: {これは JSON ではない\n\n".encode())
            return
        if mode == "error-event":
            self._send(b'data: {"error": {"message": "out of memory"}}\n\n')
            return
        if mode == "says-later":
            time.sleep(0.3)
        for number, piece in enumerate(self._pieces(mode, body)):
            self._send(event(piece))
            self._sent.append(round(time.monotonic() - self._received, 6))
            if mode == "drips":
                time.sleep(0.4)
            if mode == "counts":
                time.sleep(0.02)
            if (mode == "breaks-off" and number == 2) or (mode == "breaks-off-later" and number == 12):
                return
            if mode == "stalls" and number == 12:
                time.sleep(30)
        self._count_down()
        self._send(event("", finish="stop") + b"data: [DONE]\n\n")
        if mode == "never-closes":
            time.sleep(30)

    def _pieces(self, mode: str, body: dict[str, Any]) -> Iterator[str]:
        while mode in ENDLESS:
            yield ENDLESS[mode]
        text = body["messages"][-1]["content"] if mode == "echo" else REPLIES[mode]
        for start in range(0, len(text), PIECE_CHARS):
            yield text[start : start + PIECE_CHARS]

    def _whole(self, status: int, kind: str, body: bytes) -> None:
        self._head(status, kind, len(body))
        self.wfile.write(body)

    def _head(self, status: int, kind: str, length: int | None = None, *, chunked: bool = False) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        if chunked:
            self.send_header("Transfer-Encoding", "chunked")
        elif length is None:
            self.send_header("Connection", "close")
        else:
            self.send_header("Content-Length", str(length))
        self.end_headers()

    def _send(self, data: bytes) -> None:
        self.wfile.write(data)
        self.wfile.flush()


STATUSES = {"status-500": 500, "status-503": 503, "status-429": 429, "status-401": 401}


def event(text: str, finish: str | None = None) -> bytes:
    """Return one event of a streamed answer."""
    choice = {"index": 0, "delta": {"role": "assistant", "content": text}, "finish_reason": finish}
    chunk = {"id": "1", "object": "chat.completion.chunk", "created": 0, "model": "m", "choices": [choice]}
    return f"data: {json.dumps(chunk, ensure_ascii=False)}\n\n".encode()


def main() -> None:
    """Serve on a free port of this machine and print it."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    print(server.server_address[1], flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
