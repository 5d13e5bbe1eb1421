"""The LLM of the settings: one named server, nothing of the environment, no key in any message."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from language_models import run_model_server
from test_offline import run_guarded

from rag.answering.writing.calls import CURRENT_CALL, Call, classify_error
from rag.answering.writing.engine import open_engine
from rag.answering.writing.failures import Failure
from rag.answering.writing.llm import WatchedTransport, open_llm
from rag.answering.writing.llm_check import check_llm
from rag.cli import main
from rag.errors import SettingsError
from rag.settings import Settings, load_settings, shown_settings

SERVED = Settings(llm_url="http://127.0.0.1:8080/v1", llm_model="any")


def refusal(**values: Any) -> SettingsError:
    with pytest.raises(SettingsError) as refused:
        open_llm(replace(SERVED, **values))
    return refused.value


def test_without_a_server_there_is_no_llm() -> None:
    assert open_llm(Settings()) is None


@pytest.mark.parametrize("url", ["10.0.0.5:8080/v1", "ftp://10.0.0.5/v1", "http://", "例え"])
def test_an_address_that_is_none_is_refused_with_an_example(url: str) -> None:
    error = refusal(llm_url=url)

    assert "llm_url" in error.message and "http://10.0.0.5:8080/v1" in error.hint


def test_a_server_needs_the_name_of_a_model() -> None:
    assert "llm_model" in refusal(llm_model=None).message


def test_a_password_in_the_address_is_refused_and_not_repeated() -> None:
    assert "geheim" not in str(refusal(llm_url="http://town:geheim@10.0.0.5/v1"))


def test_a_name_that_the_library_takes_for_another_protocol_is_refused() -> None:
    from llama_index.llms.openai.utils import RESPONSES_API_ONLY_MODELS  # type: ignore[import-untyped,unused-ignore]

    assert "llm_model" in refusal(llm_model=next(iter(RESPONSES_API_ONLY_MODELS))).message


def test_the_key_stands_in_no_text_that_people_see(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    settings = load_settings(environment={"RAG_LLM_API_KEY": "geheim"})

    assert settings.llm_api_key == "geheim"
    assert "geheim" not in repr(settings) and "llm_api_key" not in shown_settings(settings)
    assert set(shown_settings(settings)) == set(asdict(settings)) - {"llm_api_key"}
    with pytest.raises(SettingsError) as refused:
        load_settings(environment={}, llm_api_key=["geheim"])
    assert "geheim" not in str(refused.value) and "llm_api_key" in refused.value.message


@pytest.mark.parametrize("url", ["http://127.0.0.1:8081/v1", "https://127.0.0.1:8080/v1", "http://api.openai.com/v1"])
def test_the_transport_speaks_to_one_server_only(url: str) -> None:
    transport = WatchedTransport(httpx.URL("http://127.0.0.1:8080/v1"), default_seconds=1)

    with httpx.Client(transport=transport) as client, pytest.raises(httpx.UnsupportedProtocol, match="llm_url"):
        client.get(url)


def test_a_request_waits_no_longer_than_its_call() -> None:
    import time

    seen: dict[str, Any] = {}

    class Inner(httpx.BaseTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            seen.update(request.extensions["timeout"])
            return httpx.Response(200, stream=httpx.ByteStream(b""))

    transport = WatchedTransport(httpx.URL("http://127.0.0.1:8080/v1"), default_seconds=50)
    transport._inner = Inner()  # type: ignore[assignment]
    token = CURRENT_CALL.set(Call(time.monotonic() + 40, 60))
    try:
        with httpx.Client(transport=transport) as client:
            client.get("http://127.0.0.1:8080/v1", timeout=None)
    finally:
        CURRENT_CALL.reset(token)

    assert set(seen) == {"connect", "read", "write", "pool"} and all(10 < seconds <= 40 for seconds in seen.values())


class _Response:
    status_code = 503


class _Failed(Exception):
    response = _Response()


@pytest.mark.parametrize(
    ("error", "failure", "is_passing"),
    [
        (ConnectionRefusedError(), Failure.DEAD, True),
        (httpx.ConnectError("x"), Failure.DEAD, True),
        (httpx.ReadTimeout("x"), Failure.SLOW, False),
        (TimeoutError(), Failure.SLOW, False),
        (_Failed(), Failure.DEAD, True),
        (ValueError("x"), Failure.DEAD, False),
    ],
)
def test_errors_of_any_library_are_told_apart(error: Exception, failure: Failure, is_passing: bool) -> None:
    fault = classify_error(error)

    assert (fault.failure, fault.is_passing) == (failure, is_passing)


ASK = """
import os
os.environ |= {"HTTP_PROXY": "http://192.0.2.1:1", "ALL_PROXY": "http://192.0.2.1:1", "OPENAI_BASE_URL": "http://192.0.2.2/v1",
               "OPENAI_API_BASE": "http://192.0.2.2/v1"}
from llama_index.core.llms import ChatMessage
from rag.answering.writing.engine import open_engine
from rag.answering.writing.llm import open_llm
from rag.settings import Settings
llm = open_llm(Settings(llm_url=URL, llm_model="good"))
text = "".join(r.delta or "" for r in llm.stream_chat([ChatMessage(role="user", content="質問")]))
print(json.dumps({"attempts": attempts, "text": text}))
"""


def test_only_the_named_server_is_asked_whatever_the_environment_says(tmp_path: Path) -> None:
    with run_model_server() as server:
        seen = run_guarded(f"URL = {json.dumps(server.url)}\n{ASK}", tmp_path)
        (request,) = server.log()["requests"]

    assert seen["attempts"] == [] and "9,800円" in seen["text"]
    assert "sk-not-a-key" not in str(request), "the key of another service was sent"


@pytest.mark.parametrize(("mode", "failure"), [("good", None), ("status-401", Failure.DEAD), ("empty", Failure.EMPTY)])
def test_a_server_is_checked_with_one_short_question(mode: str, failure: Failure | None) -> None:
    with run_model_server() as server:
        check = check_llm(Settings(llm_url=server.url, llm_model=mode, llm_api_key="geheim"))

    assert check is not None and check.failure is failure and server.url in check.text and "geheim" not in check.text
    assert ("秒で答えました" in check.text) == (failure is None)


def test_the_command_line_checks_the_server_and_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    with run_model_server() as server, pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAG_LLM_URL", server.url)
        patch.setenv("RAG_LLM_MODEL", "good")
        assert main(["models", "--check-llm"]) == 0
        patch.setenv("RAG_LLM_MODEL", "status-401")
        assert main(["models", "--check-llm"]) == 1

    assert "秒で答えました" in (said := capsys.readouterr().out) and "使えません" in said
    assert main(["models", "--check-llm"]) == 2
    assert "llm_url" in capsys.readouterr().err


def test_nothing_is_checked_and_no_engine_opened_without_a_server() -> None:
    assert check_llm(Settings()) is None and open_engine(Settings()) is None


def test_a_prompt_that_cannot_be_used_is_told_before_anybody_asks(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"none\.txt"):
        open_engine(replace(SERVED, prompt_file=tmp_path / "none.txt"))
