"""Settings as one frozen value: defaults < `rag.toml` in the working folder < environment variables `RAG_*`.

Every key is a field of `Settings`; a key that is not is refused, and the message lists the known ones.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from rag.errors import SettingsError

SETTINGS_FILE = "rag.toml"
ENVIRONMENT_PREFIX = "RAG_"
SECRETS = frozenset({"llm_api_key"})
"""Settings that are neither shown, nor written into a report or an error."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What can be set. Sizes are in characters, shares between 0 and 1.

    corpus, index, data_dir: folders. embedder: "default", a folder, or the name of a model in the local cache.
    adapt: "auto" adapts the default embedder to the corpus when the index is first built and when it has grown; "off": when asked only.
    models_dir: the folder of models that `rag models` lists. reranker: "default" (the built-in one), "none", a folder, or the name of
    a cross-encoder in the local cache; it reads the best reranker_candidates passages of a question.
    max_chunk_chars: aim for the length of a chunk. max_answer_chars: the longest extractive answer, all quotes together;
    an official answer or a single sentence is never cut.
    answer_threshold: below this estimated probability of being right the answer is no_answer; None takes the calibrated one.
    snapshots_kept: published snapshots kept for rollback. max_removal_share: a run that removes more documents stops and asks.
    workers: processes that read files; 0 means one for each core.
    trash_days: how long what was replaced or deleted on the page can be brought back. max_upload_mb: of one upload, all files together.
    max_file_mb, max_file_pages, max_file_seconds, max_worker_mb: a file beyond a limit becomes a listed problem. Megabytes are
    10**6 bytes; the seconds are without OCR, which has its own limit of ocr_page_seconds for each page.
    ocr: recognise pages without usable text, where tesseract is installed.
    personal_data: what happens to personal data before a text goes to an LLM: "mask" puts tokens in its place and puts it back in the
    answer; "refuse" sends nothing that holds any.
    llm_url, llm_model, llm_api_key: an OpenAI-compatible server ("http://10.0.0.5:8080/v1") that writes answers; None: none does.
    llm_timeout_seconds: for a whole answer, waiting included; llm_first_token_seconds: for its first word, and between two.
    llm_context_chars: of document text that the server is given; llm_max_tokens: the longest answer; llm_concurrency: answers that
    are written at once. prompt_file: the prompt instead of the packaged one.
    question_days: how long questions, answers and judgements are kept. questions_visible_to: who besides the asker sees them:
    "admin" administrators; "qa" the QA team too; "department" also the department that asked and the one in charge.
    contact_department, contact_extension: who is named when a question is not answered and no document says who.
    notice: up to three lines shown on the page, divided by line breaks.
    accounts: who may use the page and the API: "off" everyone, "on" users who sign in, "proxy" those whom a reverse proxy names.
    session_hours, session_idle_minutes: a session ends so long after its start, and after its last use.
    sign_in_attempts, lockout_minutes: so many failed attempts within so many minutes lock a name for as long, then for longer.
    trusted_proxies: addresses and networks of reverse proxies, divided by commas, whose headers are believed.
    proxy_user_header, proxy_role_header, proxy_departments_header: in which headers they say who it is.
    """

    corpus: Path = Path("corpus")
    index: Path = Path("indexes/default")
    data_dir: Path = Path("data")
    embedder: str = "default"
    adapt: str = "auto"
    models_dir: Path = Path("models")
    reranker: str = "default"
    reranker_candidates: int = 20
    max_chunk_chars: int = 400
    max_answer_chars: int = 300
    answer_threshold: float | None = None
    snapshots_kept: int = 3
    max_removal_share: float = 0.5
    trash_days: int = 30
    max_upload_mb: int = 1_000
    workers: int = 0
    max_file_mb: int = 300
    max_file_pages: int = 5_000
    max_file_seconds: int = 300
    max_worker_mb: int = 4_000
    ocr: bool = True
    ocr_page_seconds: int = 60
    llm_url: str | None = None
    llm_model: str | None = None
    llm_api_key: str | None = field(default=None, repr=False)
    llm_timeout_seconds: float = 30.0
    llm_first_token_seconds: float = 10.0
    llm_context_chars: int = 6_000
    llm_max_tokens: int = 400
    llm_concurrency: int = 2
    prompt_file: Path | None = None
    host: str = "127.0.0.1"
    port: int = 7860
    page_title: str = "しるべ"
    personal_data: str = "mask"
    question_days: int = 365
    questions_visible_to: str = "admin"
    contact_department: str = "総務課"
    contact_extension: str | None = None
    notice: str = (
        "回答は庁内文書からの引用です。必ず出典を確かめてください。\n"
        "個人情報を入力しないでください。\n"
        "最終的な判断は所管課に確認してください。"
    )
    accounts: str = "off"
    session_hours: int = 10
    session_idle_minutes: int = 60
    sign_in_attempts: int = 5
    lockout_minutes: int = 15
    trusted_proxies: str | None = None
    proxy_user_header: str = "X-Remote-User"
    proxy_role_header: str | None = None
    proxy_departments_header: str | None = None


def load_settings(file: Path | None = None, environment: Mapping[str, str] | None = None, **overrides: Any) -> Settings:
    """Return the settings of a file, the environment and explicit overrides, the later winning.

    file: `rag.toml` of the working folder when None. Overrides that are None are left out.
    Raises SettingsError for a file that is not TOML, an unknown key or a value of a wrong type.
    """
    values: dict[str, Any] = dict(_read_file(file or Path(SETTINGS_FILE), required=file is not None))
    values |= _read_environment(os.environ if environment is None else environment)
    values |= {key: value for key, value in overrides.items() if value is not None}
    _check_keys(values)
    return replace(Settings(), **{key: _convert(key, value) for key, value in values.items()})


def shown_settings(settings: Settings) -> dict[str, Any]:
    """Return the settings that may be written into a report: all but the secret ones.

    >>> "llm_api_key" in shown_settings(Settings()), shown_settings(Settings())["port"]
    (False, 7860)
    """
    return {f.name: getattr(settings, f.name) for f in fields(settings) if f.name not in SECRETS}


def _read_file(file: Path, *, required: bool) -> dict[str, Any]:
    if not file.exists():
        if required:
            raise SettingsError(f"設定ファイルがありません: {file}", "ファイル名を確かめてください。")
        return {}
    try:
        return tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(
            f"設定ファイルを読めません: {file}（{error}）", "TOML の書き方（UTF-8）に直してください。"
        ) from error


def _read_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    return {
        name.removeprefix(ENVIRONMENT_PREFIX).lower(): value
        for name, value in environment.items()
        if name.startswith(ENVIRONMENT_PREFIX)
    }


def _check_keys(values: Mapping[str, Any]) -> None:
    known = sorted(f.name for f in fields(Settings))
    for key in values:
        if key not in known:
            raise SettingsError(f"知らない設定です: {key}", f"使える設定は次のとおりです: {', '.join(known)}")


def _convert(key: str, value: Any) -> Any:
    kind = next(f.type for f in fields(Settings) if f.name == key)
    optional = "None" in str(kind)
    name = str(kind).partition(" |")[0]
    if optional and value in ("", None):
        return None
    try:
        return _check_range(key, _CONVERTERS[name](value))
    except (TypeError, ValueError, KeyError, OverflowError) as error:
        raise SettingsError(
            f"設定 {key} の値が正しくありません: {'（表示しません）' if key in SECRETS else repr(value)}",
            f"{_TYPE_LABELS[name]}{_describe_range(key)}で書いてください。",
        ) from error


def _describe_range(key: str) -> str:
    if key in _CHOICES:
        return f"（{'・'.join(_CHOICES[key])} のどれか）"
    return "（{}〜{}）".format(*_RANGES[key]) if key in _RANGES else ""


def _check_range(key: str, value: Any) -> Any:
    if value not in _CHOICES.get(key, (value,)):
        raise ValueError(value)
    low, high = _RANGES.get(key, (None, None))
    if low is not None and not low <= value <= high:
        raise ValueError(value)
    return value


def _to_bool(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    return {"true": True, "1": True, "false": False, "0": False}[str(value).strip().lower()]


def _to_float(value: Any) -> float:
    if isinstance(value, bool):
        raise TypeError(value)
    return float(value)


def _to_text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value


def _to_path(value: Any) -> Path:
    if not str(value).strip():
        raise ValueError(value)
    return Path(value)


def _to_int(value: Any) -> int:
    if isinstance(value, bool) or int(value) != float(value):
        raise ValueError(value)
    return int(value)


_CONVERTERS: dict[str, Any] = {"Path": _to_path, "str": _to_text, "int": _to_int, "float": _to_float, "bool": _to_bool}
_CHOICES: dict[str, tuple[str, ...]] = {
    "adapt": ("auto", "off"),
    "personal_data": ("mask", "refuse"),
    "accounts": ("off", "on", "proxy"),
    "questions_visible_to": ("admin", "qa", "department"),
}
_RANGES: dict[str, tuple[Any, Any]] = {
    "answer_threshold": (0.0, 1.0),
    "reranker_candidates": (1, 1_000),
    "max_chunk_chars": (50, 5_000),
    "max_answer_chars": (20, 10_000),
    "snapshots_kept": (1, 1_000),
    "max_removal_share": (0.0, 1.0),
    "trash_days": (1, 3_650),
    "max_upload_mb": (1, 100_000),
    "workers": (0, 256),
    "max_file_mb": (1, 100_000),
    "max_file_pages": (1, 1_000_000),
    "max_file_seconds": (1, 86_400),
    "max_worker_mb": (100, 1_000_000),
    "ocr_page_seconds": (1, 3_600),
    "llm_timeout_seconds": (0.1, 3_600.0),
    "llm_first_token_seconds": (0.1, 3_600.0),
    "llm_context_chars": (100, 1_000_000),
    "llm_max_tokens": (1, 100_000),
    "llm_concurrency": (1, 1_000),
    "port": (0, 65_535),
    "session_hours": (1, 720),
    "session_idle_minutes": (1, 10_080),
    "sign_in_attempts": (1, 100),
    "lockout_minutes": (1, 1_440),
    "question_days": (1, 3_650),
}
_TYPE_LABELS = {
    "Path": "フォルダーの場所（文字列）",
    "str": "文字列",
    "int": "整数",
    "float": "数値",
    "bool": "true か false",
}
