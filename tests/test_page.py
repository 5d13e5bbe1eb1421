"""What the page shows: limits, lists, sources and copies, with hostile names and texts in all of them."""

from __future__ import annotations

from datetime import date, datetime
from html.parser import HTMLParser
from pathlib import Path

import pytest
from activity_fakes import build_activity
from fake_assistant import CSV_SOURCE, EVIL, PDF_SOURCE, FakeAssistant, csv_citation, evil_citation

from rag.documents import EVERYONE, Answer, Citation, Filters, Kind, Status, Turn, Warning_
from rag.errors import UsageError
from rag.web.conversation import remember_turns, show_past
from rag.web.desk import Desk
from rag.web.filter_bar import read_filters
from rag.web.hits import cut_excerpt, mark_words, render_hits
from rag.web.links import Links
from rag.web.render import render_answer, write_answer


@pytest.fixture(scope="module")
def assistant(tmp_path_factory: pytest.TempPathFactory) -> FakeAssistant:
    return FakeAssistant(tmp_path_factory.mktemp("page"))


class _Elements(HTMLParser):
    """Collect the elements and handlers of a piece of HTML as a browser reads it."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.handlers: list[str] = []
        self.addresses: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.handlers += [name for name, _ in attrs if name.startswith("on")]
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href")]


def check_inert(html: str) -> None:
    found = _Elements(html)
    assert "script" not in found.tags
    assert found.handlers == []
    assert [address for address in found.addresses if not address.startswith(("/", "#"))] == []


def answered(*citations: Citation, text: str = "答え[1]", warnings: tuple[Warning_, ...] = ()) -> Answer:
    return Answer(Status.ANSWERED, text, 0.9, "extractive", 1.0, citations=citations, warnings=warnings)


def test_hostile_words_are_inert_in_answers_lists_limits_and_copies(assistant: FakeAssistant) -> None:
    links = Links(assistant, EVERYONE)  # type: ignore[arg-type]
    filters = Filters(department=EVIL)
    warned = (Warning_("ocr", EVIL), Warning_(EVIL, EVIL))
    check_inert(render_answer(answered(evil_citation(), text=EVIL, warnings=warned), EVIL, links, filters))
    hits = render_hits(EVIL, assistant.search(EVIL, filters, EVERYONE, 10), filters, links)
    check_inert(hits)
    assert hits.count('<li class="card hit"') == 2


def test_limits_are_read_as_people_write_them() -> None:
    assert read_filters("市民課", "faq", "2026", "令和８年４月１日") == Filters(
        "市民課", Kind.FAQ, 2026, date(2026, 4, 1)
    )
    assert read_filters("", None, " ", "") == Filters()


@pytest.mark.parametrize(
    "fields", [("", "blog", "", ""), ("", "", "今年", ""), ("", "", "", "2026-02-30"), ("", "", "", EVIL)]
)
def test_limits_that_cannot_be_read_say_what_to_write(fields: tuple[str, ...]) -> None:
    with pytest.raises(UsageError, match="絞り込みの条件") as caught:
        read_filters(*fields)
    assert "2026-04-01" in caught.value.hint


def test_an_excerpt_shows_the_first_word_that_was_sought() -> None:
    text = "あ" * 300 + "転入届" + "い" * 300

    excerpt = cut_excerpt(text, ["転入届"])

    assert excerpt.startswith("…") and excerpt.endswith("…") and "転入届" in excerpt
    assert mark_words("転入届", []) == "転入届"


def test_a_page_read_by_ocr_and_a_contradiction_are_told(assistant: FakeAssistant) -> None:
    links = Links(assistant, EVERYONE)  # type: ignore[arg-type]
    html = render_answer(answered(csv_citation(), warnings=(Warning_("contradiction", "違います。"),)), "問い", links)

    assert "文字認識（OCR）91%" in html and "文書により記載が違います" in html


def test_the_viewer_of_a_pdf_knows_its_pages_and_other_files_have_none(assistant: FakeAssistant) -> None:
    links = Links(assistant, EVERYONE)  # type: ignore[arg-type]
    html = render_answer(answered(assistant.pdf_citation()), "問い", links)

    assert 'data-page="2" data-pages="2"' in html and "data-turn" in html
    assert "viewer" not in render_answer(answered(csv_citation()), "問い", links)


def test_a_copy_names_every_source() -> None:
    assert write_answer(answered(csv_citation())) == f"答え[1]\n\n出典\n[1] よくある質問　2件目（{CSV_SOURCE}）"


def test_the_list_of_the_session_keeps_every_topic_in_order_and_shows_an_answer_again(
    assistant: FakeAssistant, tmp_path: Path
) -> None:
    first, second = (Turn(f"問い{n}", answered(assistant.pdf_citation()), datetime(2026, 4, n)) for n in (1, 2))

    past = remember_turns(remember_turns((), (first,)), (second,))

    assert past == (first, second) == remember_turns(past, (second,))
    desk = Desk(assistant, build_activity(tmp_path))  # type: ignore[arg-type]
    step = show_past(desk, past, 0, EVERYONE)
    assert step is not None and step.question == "問い1" and "2026年4月1日" in step.html
    assert all(show_past(desk, past, wrong, EVERYONE) is None for wrong in (-1, 2, "0", None))


def test_sources_that_are_not_open_have_no_pages(assistant: FakeAssistant) -> None:
    links = Links(assistant, EVERYONE)  # type: ignore[arg-type]
    assert (links.page_count(PDF_SOURCE), links.page_count("人事課/秘密.md")) == (2, 0)
