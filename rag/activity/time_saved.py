"""The time that answers saved, by a formula that is printed with its numbers: answers of a kind x minutes of the kind."""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rag.activity.records import AskedQuestion
from rag.documents import Kind
from rag.errors import SettingsError

MINUTES_FILE = "minutes.toml"
_DEFAULTS = Path(__file__).with_name(MINUTES_FILE)
_MOST_MINUTES = 1_440
FORMULA = "節約した時間 ＝ Σ（種別ごとの有効な回答の件数 × その種別の 1 件あたりの分）"
NOTE = (
    "有効な回答は、回答した質問から「違う」「見つからない」と評価されたものを除いた件数です。"
    "1 件あたりの分は仮に置いた値で、測ったものではありません（minutes.toml で変えられます）。"
)


@dataclass(frozen=True, slots=True)
class Range:
    """A low, a middle and a high estimate, in minutes."""

    low: float
    mid: float
    high: float

    def __add__(self, other: Range) -> Range:
        return Range(self.low + other.low, self.mid + other.mid, self.high + other.high)

    def times(self, count: int) -> Range:
        """Return the estimate for several."""
        return Range(self.low * count, self.mid * count, self.high * count)


Minutes = Mapping[Kind, Range]


@dataclass(frozen=True, slots=True)
class SavedByKind:
    """The answers of one kind of document. each: minutes saved by one; total: by all."""

    kind: Kind
    count: int
    each: Range

    @property
    def total(self) -> Range:
        """The minutes that all of them saved."""
        return self.each.times(self.count)


@dataclass(frozen=True, slots=True)
class TimeSaved:
    """The estimate as a whole, in minutes, and what it is made of."""

    total: Range
    kinds: tuple[SavedByKind, ...]

    def describe(self) -> tuple[str, ...]:
        """Return the formula in Japanese, with its numbers, a line for each kind."""
        lines = [f"{s.kind.label}: {s.count}件 × {_describe(s.each)}分 ＝ {_describe(s.total)}分" for s in self.kinds]
        total = f"合計: {_describe(self.total)}分（{_describe(_to_hours(self.total))}時間）"
        return (f"{FORMULA}［少なめ〜中くらい〜多め］", *lines, total, NOTE)


def read_minutes(data_dir: Path | None = None) -> Minutes:
    """Return the minutes by kind: those of the package, and over them those of the data folder where it has such a file.

    Raises SettingsError for a file that is not TOML, an unknown kind, and numbers that are not three that rise from 0.
    """
    minutes = _read_file(_DEFAULTS)
    own = data_dir / MINUTES_FILE if data_dir else None
    return {**minutes, **_read_file(own)} if own and own.is_file() else minutes


def _read_file(file: Path) -> dict[Kind, Range]:
    try:
        values = tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise SettingsError(
            f"節約時間の表を読めません: {file}（{error}）", "TOML の書き方（UTF-8）に直してください。"
        ) from error
    return dict(_read_entry(file, label, value) for label, value in values.items())


def _read_entry(file: Path, label: str, value: Any) -> tuple[Kind, Range]:
    kinds = {kind.label: kind for kind in Kind}
    numbers = isinstance(value, list) and all(isinstance(v, int | float) and not isinstance(v, bool) for v in value)
    if (
        label not in kinds
        or not numbers
        or len(value) != 3
        or not 0 <= value[0] <= value[1] <= value[2] <= _MOST_MINUTES
    ):
        raise SettingsError(
            f"節約時間の表 {file} の「{label}」が正しくありません: {value!r}",
            f"種別（{'・'.join(kinds)}）ごとに、[少なめ, 中くらい, 多め] の分を小さい順に 3 つ書いてください。",
        )
    return kinds[label], Range(*value)


def estimate_time_saved(entries: Iterable[AskedQuestion], minutes: Minutes) -> TimeSaved:
    """Return the time that the answers saved which nobody called wrong or not found; a kind that is not known is その他."""
    counts = Counter(q.kind or Kind.OTHER for q in entries if q.is_answered and not q.was_unhelpful)
    kinds = tuple(SavedByKind(kind, counts[kind], minutes[kind]) for kind in Kind if counts[kind])
    return TimeSaved(sum((s.total for s in kinds), Range(0, 0, 0)), kinds)


def _to_hours(minutes: Range) -> Range:
    return Range(*(round(value / 60, 1) for value in (minutes.low, minutes.mid, minutes.high)))


def _describe(range_: Range) -> str:
    """Return the three numbers, those that are whole without a point."""
    return "〜".join(f"{value:,.10g}" for value in (range_.low, range_.mid, range_.high))
