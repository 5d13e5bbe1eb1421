"""The days that a report is about, as people write them."""

from __future__ import annotations

from datetime import date, timedelta

from rag.errors import UsageError
from rag.web.filter_bar import parse_day

DAYS = 30
MAX_DAYS = 1_100


def read_period(since: object, until: object, today: date) -> tuple[date, date]:
    """Return the first and the last day of a period; without them the last 30 days. Raises UsageError for what is no period.

    >>> read_period("", "", date(2026, 11, 25))
    (datetime.date(2026, 10, 27), datetime.date(2026, 11, 25))
    >>> read_period("令和8年4月1日", "2026-04-30", date(2026, 11, 25))
    (datetime.date(2026, 4, 1), datetime.date(2026, 4, 30))
    """
    last = read_day(until, "終わりの日") or today
    first = read_day(since, "始まりの日") or last - timedelta(days=DAYS - 1)
    if first > last or (last - first).days >= MAX_DAYS:
        raise UsageError(
            f"期間が正しくありません: {first}〜{last}", f"始まりの日を先に、{MAX_DAYS}日以内の期間で書いてください。"
        )
    return first, last


def read_day(text: object, name: str) -> date | None:
    """Return a day, None for an empty field. Raises UsageError for anything else, with the name of the field."""
    written = text.strip() if isinstance(text, str) else ""
    if not written:
        return None
    try:
        return parse_day(written)
    except ValueError as error:
        raise UsageError(
            f"{name}を読み取れません: {written[:30]}", "2026-04-01 や 令和8年4月1日 のように書いてください。"
        ) from error
