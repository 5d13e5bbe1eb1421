"""The LLM of the settings: a server that speaks OpenAI's protocol, and no other address whatever the environment says.

The client library would look for keys, addresses, headers and proxies in the environment and follow redirections. Here everything
is passed, the environment is not asked, and the transport itself refuses any other server and sends no header but the few needed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import httpx

from rag.answering.writing.calls import CURRENT_CALL, Call
from rag.errors import SettingsError
from rag.settings import Settings

if TYPE_CHECKING:
    from llama_index.core.llms import LLM

MAX_RESPONSE_BYTES = 10_000_000
_NO_KEY = "none"
_HEADERS = frozenset(
    "accept accept-encoding authorization connection content-length content-type host transfer-encoding user-agent".split()
)
_USER_AGENT = "shirube"
_EXAMPLE = "llm_url には http://10.0.0.5:8080/v1 のように、/v1 までの場所を書いてください。"


def open_llm(settings: Settings) -> LLM | None:
    """Return the LLM that the settings name; None where they name none. Nothing is sent yet.

    Raises SettingsError for an address without http(s)://, a missing model name, or a missing package.
    """
    if settings.llm_url is None:
        return None
    url = _check_url(settings.llm_url)
    if not settings.llm_model:
        raise SettingsError(
            "設定 llm_model がありません（llm_url はあります）。",
            "サーバーのモデルの名前を llm_model に書いてください。llama.cpp のように名前を問わないサーバーでは、どんな名前でもかまいません。",
        )
    try:
        return _build(settings, url, settings.llm_model)
    except ImportError as error:
        raise SettingsError(
            f"生成AIのサーバーを使うためのライブラリがありません（{error.name}）。",
            "`pip install llama-index-llms-openai-like` で入れるか、設定 llm_url を消してください。",
        ) from error
    except ValueError as error:  # names of models that the library knows to speak another protocol
        raise SettingsError(
            f"設定 llm_model のモデルは使えません: {settings.llm_model}（{error}）",
            "Chat Completions に対応したモデルの名前を書いてください。",
        ) from error


def _check_url(url: str) -> httpx.URL:
    try:
        parsed = httpx.URL(url.strip())
    except httpx.InvalidURL as error:
        raise SettingsError(f"設定 llm_url を読めません: {url}（{error}）", _EXAMPLE) from error
    if parsed.scheme not in ("http", "https") or not parsed.host or parsed.userinfo:
        raise SettingsError(f"設定 llm_url の書き方が正しくありません: {_without_password(parsed)}", _EXAMPLE)
    return parsed


def _without_password(url: httpx.URL) -> str:
    return str(url.copy_with(username=None, password=None)) if url.host else str(url)


def _build(settings: Settings, url: httpx.URL, model: str) -> LLM:
    import openai
    from llama_index.llms.openai_like import OpenAILike

    client = openai.OpenAI(
        api_key=settings.llm_api_key or _NO_KEY,
        admin_api_key="",
        organization="",
        project="",
        webhook_secret="",
        base_url=str(url),
        max_retries=0,
        timeout=settings.llm_timeout_seconds,
        http_client=httpx.Client(
            transport=WatchedTransport(url, default_seconds=settings.llm_timeout_seconds),
            trust_env=False,
            follow_redirects=False,
        ),
    )
    _ = client.chat.completions  # loads its modules now, and not while the first person waits
    llm: LLM = OpenAILike(
        model=model,
        api_base=str(url),
        api_key=settings.llm_api_key or _NO_KEY,
        openai_client=client,
        is_chat_model=True,
        is_function_calling_model=False,
        temperature=0.0,
        max_tokens=settings.llm_max_tokens,
        max_retries=0,
        timeout=settings.llm_timeout_seconds,
    )
    return llm


class WatchedTransport(httpx.BaseTransport):
    """Send requests to one server only, and hold every one of them to the deadline of the call that it is made for."""

    def __init__(self, url: httpx.URL, *, default_seconds: float) -> None:
        self._origin = _origin(url)
        self._default_seconds = default_seconds
        # No connection is kept for the next question: one that the server has dropped meanwhile would cost a failed try.
        self._inner = httpx.HTTPTransport(limits=httpx.Limits(max_keepalive_connections=0))

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Return the response, whose body is read under watch. Raises httpx.TransportError for another server."""
        if _origin(request.url) != self._origin:
            raise httpx.UnsupportedProtocol(f"設定 llm_url と違うサーバーには送りません: {request.url.host}")
        for name in [name for name in request.headers if name not in _HEADERS]:
            del request.headers[name]
        request.headers["user-agent"] = _USER_AGENT
        call = CURRENT_CALL.get()
        seconds = min(call.patience_seconds, call.remaining) if call else self._default_seconds
        seconds = max(seconds, 0.001)
        request.extensions = request.extensions | {
            "timeout": dict.fromkeys(("connect", "read", "write", "pool"), seconds)
        }
        response = self._inner.handle_request(request)
        assert isinstance(response.stream, httpx.SyncByteStream)
        if call:
            call.close_with(response.stream.close)
        return httpx.Response(
            response.status_code,
            headers=response.headers,
            stream=_WatchedStream(response.stream, call),
            extensions=response.extensions,
        )

    def close(self) -> None:
        """Close the connections."""
        self._inner.close()


class _WatchedStream(httpx.SyncByteStream):
    """The body of a response, until nobody waits for it any more or it is too large to be an answer."""

    def __init__(self, inner: httpx.SyncByteStream, call: Call | None) -> None:
        self._inner, self._call = inner, call

    def __iter__(self) -> Iterator[bytes]:
        size = 0
        for piece in self._inner:
            size += len(piece)
            if self._call is not None and self._call.is_over:
                raise httpx.ReadTimeout("回答を待つのをやめました。")
            if size > MAX_RESPONSE_BYTES:
                raise httpx.ReadError("応答が大きすぎます。")
            yield piece

    def close(self) -> None:
        self._inner.close()


def _origin(url: httpx.URL) -> tuple[Any, ...]:
    return url.scheme, url.host, url.port
