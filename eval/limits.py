"""What `--fail-under` asks of a run: least shares (`hit@5=95%`), and the most that an error or a time may come to (`ece<=0.08`)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from eval.calibration import compute_error
from eval.metrics import NAMES
from eval.records import RunRecord
from rag.errors import UsageError

ERROR = "期待較正誤差"
_MEAN, _MEDIAN, _P95 = "所要時間", "所要時間p50", "所要時間p95"
_SECONDS = (_MEAN, _MEDIAN, _P95)
SMALLER = (ERROR, *_SECONDS)
"""What is better the smaller it is; times in seconds."""
_ALIASES = {"ece": ERROR, "p50": _MEDIAN, "p95": _P95}
_WRITTEN = re.compile(r"(?P<name>[^=<>≦≧]+?)(?P<sign><=|=<|≦|>=|=>|≧|=)(?P<value>[^=<>≦≧]+)")
_VALUE = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(%|ms|ミリ秒|s|秒)?")
_PARTS_OF_ONE: Mapping[str, int] = {"": 1, "%": 100, "ms": 1000, "ミリ秒": 1000, "s": 1, "秒": 1}
_FORM = "下限は 名前=値、上限は '名前<=値'（引用符に入れる）の形で書いてください。"


@dataclass(frozen=True, slots=True)
class Limit:
    """What one figure has to reach, or not to exceed where it is one of SMALLER."""

    name: str
    value: float

    @property
    def is_most(self) -> bool:
        """Whether it is an upper limit."""
        return self.name in SMALLER

    def is_met(self, value: float) -> bool:
        """Tell whether a value fulfils it."""
        return value <= self.value if self.is_most else value >= self.value


def parse_limits(written: Sequence[str]) -> tuple[Limit, ...]:
    """Return what has to be fulfilled. Raises UsageError for a name that is no figure, and a sign or value that does not fit it.

    >>> [(limit.name, limit.value) for limit in parse_limits(["正答率=0.8", "ｈｉｔ＠１＝７０％", "ece<=0.08", "所要時間p95<=500ms"])]
    [('正答率', 0.8), ('hit@1', 0.7), ('期待較正誤差', 0.08), ('所要時間p95', 0.5)]
    """
    return tuple(_parse(word) for word in written)


def _parse(word: str) -> Limit:
    found = _WRITTEN.fullmatch("".join(unicodedata.normalize("NFKC", word).split()))
    name = _find_name(found["name"] if found else word.partition("=")[0])
    if name is None or found is None:
        raise UsageError(
            f"--fail-under の指標が分かりません: {word}",
            f"{_FORM}下限を書く指標: {'、'.join(NAMES)}。上限を書く指標: {ERROR}（ece）、{'、'.join(_SECONDS)}（秒）",
        )
    _check_sign(word, name, found["sign"])
    return Limit(name, _parse_value(word, name, found["value"]))


def _find_name(written: str) -> str | None:
    names = {_fold(name): name for name in (*NAMES, *SMALLER)} | _ALIASES
    return names.get(_fold(written))


def _fold(name: str) -> str:
    return unicodedata.normalize("NFKC", name).casefold()


def _check_sign(word: str, name: str, sign: str) -> None:
    is_most = sign in ("<=", "=<", "≦")
    if name in SMALLER and not is_most:
        raise UsageError(
            f"--fail-under の向きが違います: {word}", f"{name} は小さいほどよいので、{name}<=値 と書いてください。"
        )
    if name not in SMALLER and is_most:
        raise UsageError(f"--fail-under の向きが違います: {word}", f"{name} には下限を、{name}=値 と書いてください。")


def _parse_value(word: str, name: str, written: str) -> float:
    found = _VALUE.fullmatch(written)
    is_time = name in _SECONDS
    unit = (found[2] or "") if found else ""
    value = float(found[1]) / _PARTS_OF_ONE[unit] if found else -1.0
    if found is None or (not is_time and value > 1) or (unit not in ("", "%") if not is_time else unit == "%"):
        remedy = "秒（0.5）かミリ秒（500ms）で" if is_time else "0 から 1 の数か、百分率（80%）で"
        raise UsageError(f"--fail-under の値が正しくありません: {word}", f"{remedy}書いてください。")
    return value


def find_failed(run: RunRecord, limits: Sequence[Limit]) -> list[str]:
    """Return a sentence for each figure of a run that does not fulfil its limit, or cannot be computed."""
    lines = []
    for limit in limits:
        value = measure(run, limit.name)
        if value is not None and limit.is_met(value):
            continue
        unit = " 秒" if limit.name in _SECONDS else ""
        shown = "計算できません（当てはまる質問がありません）" if value is None else f"{value:.3f}{unit} です"
        start, side = ("基準を超えました", "以下") if limit.is_most else ("基準に届きません", "以上")
        lines.append(f"{start}: {limit.name} は {shown}（基準 {limit.value:.3f}{unit}{side}）。")
    return lines


def measure(run: RunRecord, name: str) -> float | None:
    """Return one figure of a run, times in seconds; None where it cannot be computed."""
    figures = run.overall
    others: Mapping[str, Callable[[], float | None]] = {
        ERROR: lambda: compute_error(run.reliability),
        _MEAN: lambda: _to_seconds(figures.amounts["所要時間"].value),
        _MEDIAN: lambda: _to_seconds(figures.p50_ms),
        _P95: lambda: _to_seconds(figures.p95_ms),
    }
    return others[name]() if name in others else figures.shares[name].value


def _to_seconds(milliseconds: float | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000
