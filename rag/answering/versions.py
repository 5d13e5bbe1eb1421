"""What to say when an answer stands on an edition that is not the one in force."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date

from rag.documents import Citation, Edition, OtherEdition, Standing, Warning_

SUPERSEDED = "superseded"
NOT_IN_FORCE = "not_in_force"


def warn_of_editions(citations: Iterable[Citation]) -> Iterator[Warning_]:
    """Yield one warning for each cited document that is not in force, with the edition to turn to and the days.

    A text of an earlier year, like a budget, is what was asked for when the question names its year: no warning then.
    """
    for citation in {citation.source: citation for citation in citations}.values():
        edition = citation.edition
        if edition is None or edition.standing is Standing.CURRENT:
            continue
        if edition.standing is Standing.COMING:
            yield Warning_(NOT_IN_FORCE, _describe_coming(citation, edition))
        elif edition.standing is not Standing.EARLIER or not edition.chosen:
            yield Warning_(SUPERSEDED, _describe_old(citation, edition))


def _describe_coming(citation: Citation, edition: Edition) -> str:
    name = f"「{citation.title}」（{citation.source}）"
    begins = f"{describe_day(edition.begins)}から施行されるもので、今日はまだ" if edition.begins else "まだ"
    instead = f"現行は{_describe_other(edition.instead)}です。" if edition.instead else ""
    return f"{name}は{begins}施行されていません。{instead}"


def _describe_old(citation: Citation, edition: Edition) -> str:
    begins = f"{describe_day(edition.begins)}から、" if edition.begins else ""
    name = f"「{citation.title}」（{begins}{citation.source}）"
    words = {Standing.DRAFT: "案の段階のもの", Standing.EARLIER: "以前の年度のもの"}.get(edition.standing, "旧版")
    instead = f"新しいものは{_describe_other(edition.instead)}です。" if edition.instead else ""
    return f"{name}は{words}です。{instead}"


def _describe_other(other: OtherEdition) -> str:
    begins = f"{describe_day(other.begins)}から、" if other.begins else ""
    return f"「{other.title}」（{begins}{other.source}）"


def describe_day(day: date) -> str:
    """Return a day in Japanese.

    >>> describe_day(date(2024, 4, 1))
    '2024年4月1日'
    """
    return f"{day.year}年{day.month}月{day.day}日"
