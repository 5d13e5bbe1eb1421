"""Ask the LLM server of the settings for one word: does it answer, and how fast."""

from __future__ import annotations

import time
from dataclasses import dataclass

from rag.answering.writing.calls import Call, CallFault, Slots, start_call
from rag.answering.writing.failures import Failure
from rag.answering.writing.llm import open_llm
from rag.settings import Settings

_MESSAGES = ("短く答えます。", "「はい」とだけ答えてください。")


@dataclass(frozen=True, slots=True)
class LLMCheck:
    """What was seen of a server. first_seconds, seconds: until its first word, and until its last; failure: None where it answers."""

    url: str
    model: str
    answer: str
    first_seconds: float | None
    seconds: float
    failure: Failure | None = None
    detail: str = ""

    @property
    def text(self) -> str:
        """What was seen, in Japanese."""
        name = f"生成AI: {self.url}（モデル {self.model}）"
        if self.failure is not None:
            return f"{name}は使えません。{self.detail}"
        return f"{name}が {self.seconds:.1f} 秒で答えました（最初の文字まで {self.first_seconds:.1f} 秒）。"


def check_llm(settings: Settings) -> LLMCheck | None:
    """Return what the server of the settings does; None where they name none. Raises SettingsError as `open_llm` does."""
    llm = open_llm(settings)
    if llm is None:
        return None
    started, first, pieces = time.monotonic(), None, []
    call = Call(started + settings.llm_timeout_seconds, settings.llm_first_token_seconds)
    failure, detail = None, ""
    try:
        for piece in start_call(llm, _MESSAGES, call, Slots(1)):
            first = first or time.monotonic() - started
            pieces.append(piece)
    except CallFault as fault:
        failure, detail = fault.failure, fault.detail
    if failure is None and first is None:
        failure, detail = Failure.EMPTY, "回答が空でした。"
    url, model = settings.llm_url or "", settings.llm_model or ""
    return LLMCheck(url, model, "".join(pieces)[:200], first, time.monotonic() - started, failure, detail)
