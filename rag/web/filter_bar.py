"""What a question or a search is limited to: the fields on the page, what they hold as `Filters`, and how that is shown.

No `from __future__ import annotations` here: Gradio looks at the annotation of the handler's request.
"""

import re
import unicodedata
from datetime import date
from html import escape
from typing import TYPE_CHECKING, Any

from rag.api import find_asker
from rag.documents import Asker, Filters, Kind
from rag.eras import western_year, write_western
from rag.errors import UsageError
from rag.web.day_field import build_day

if TYPE_CHECKING:
    from rag.assistant import Assistant

ALL = ("すべて", "")
_DAY = re.compile(r"(\d{4})年(\d{1,2})月(\d{1,2})日")
_ERAS = (("令和", 2019), ("平成", 1989), ("昭和", 1926))


def read_filters(department: object, kind: object, year: object, as_of: object) -> Filters:
    """Return what the fields hold; what a browser sends is checked again. Raises UsageError for what is no choice or no day."""
    try:
        return Filters(
            department=_text(department),
            kind=Kind(text) if (text := _text(kind)) else None,
            year=int(text) if (text := _text(year)) else None,
            as_of=parse_day(text) if (text := _text(as_of)) else None,
        )
    except ValueError as error:
        raise UsageError(
            "絞り込みの条件を読み取れません。",
            "基準日は 2026-04-01 や 令和8年4月1日 のように入力し、ほかは一覧から選んでください。",
        ) from error


def parse_day(text: str) -> date:
    """Return a day as people write it; raise ValueError for anything else.

    >>> parse_day("2026-04-01"), parse_day("令和８年４月１日"), parse_day("R8.4.1") == date(2026, 4, 1)
    (datetime.date(2026, 4, 1), datetime.date(2026, 4, 1), True)
    """
    match = _DAY.fullmatch(write_western(unicodedata.normalize("NFKC", text).strip().lower()))
    if match is None:
        raise ValueError(text)
    return date(*map(int, match.groups()))


def name_year(year: int) -> str:
    """Return a fiscal year as town halls say it.

    >>> name_year(2026), name_year(2019), name_year(1890)
    ('令和8年度（2026）', '令和元年度（2019）', '1890年度')
    """
    for era, begins in _ERAS:
        if year >= begins:
            count = year - western_year(era, "元") + 1
            return f"{era}{'元' if count == 1 else count}年度（{year}）"
    return f"{year}年度"


def describe_filters(filters: Filters) -> tuple[tuple[str, str], ...]:
    """Return the limits that are set, each as its name and its value.

    >>> describe_filters(Filters(department="町民課", year=2026, as_of=date(2026, 4, 1)))
    (('所管課', '町民課'), ('年度', '令和8年度（2026）'), ('基準日', '2026年4月1日'))
    """
    day = filters.as_of
    parts = (
        ("所管課", filters.department),
        ("種別", filters.kind.label if filters.kind else None),
        ("年度", name_year(filters.year) if filters.year is not None else None),
        ("基準日", f"{day.year}年{day.month}月{day.day}日" if day else None),
    )
    return tuple((name, value) for name, value in parts if value)


def render_chips(filters: Filters) -> str:
    """Return the limits as chips, or nothing where there are none.

    >>> render_chips(Filters()), "&lt;b&gt;" in render_chips(Filters(department="<b>"))
    ('', True)
    """
    items = "".join(f"<li>{escape(name)}: {escape(value)}</li>" for name, value in describe_filters(filters))
    return f'<ul class="chips" aria-label="絞り込み中">{items}</ul>' if items else ""


class FilterBar:
    """The fields, in a part of the page that unfolds; each browser session keeps its own."""

    def __init__(self, gr: Any, assistant: "Assistant", name: str) -> None:
        self._gr, self._assistant = gr, assistant
        with gr.Accordion("絞り込み", open=False, elem_id=name, elem_classes="filters"):
            with gr.Row():
                self._department = gr.Dropdown([ALL], value="", label="所管課", min_width=200)
                kinds = [ALL, *((kind.label, kind.value) for kind in Kind)]
                self._kind = gr.Dropdown(kinds, value="", label="種別", filterable=False, min_width=200)
                self._year = gr.Dropdown([ALL], value="", label="年度", filterable=False, min_width=200)
                self._as_of = build_day(gr, "基準日")
            reset = gr.Button("絞り込みを解除", elem_classes="example")
        hidden: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
        reset.click(lambda: ("", "", "", ""), [], self.inputs, **hidden)
        gr.on(None, self._load_choices(), [], [self._department, self._year], **hidden)

    @property
    def inputs(self) -> list[Any]:
        """The components whose values `read_filters` takes, in its order."""
        return [self._department, self._kind, self._year, self._as_of]

    def _load_choices(self) -> Any:
        """Return what fills the lists when the page is opened: the documents may have changed since the server started."""
        gr = self._gr

        def load_choices(request: gr.Request) -> tuple[Any, Any]:  # type: ignore[name-defined]  # Gradio reads it
            asker: Asker = find_asker(request)
            years = {year for entry in self._assistant.documents(asker) if (year := entry.metadata.year) is not None}
            named = [(name_year(year), str(year)) for year in sorted(years, reverse=True)]
            departments = [(name, name) for name in self._assistant.departments(asker)]
            return gr.Dropdown(choices=[ALL, *departments]), gr.Dropdown(choices=[ALL, *named])

        return load_choices


def _text(value: object) -> str | None:
    return value.strip() or None if isinstance(value, str) else None
