"""The figures: every expected value is arithmetic on a handful of questions."""

from __future__ import annotations

from pathlib import Path

import pytest

from eval.intervals import compute_ratio
from eval.matching import Spot, is_at_gold, is_read_back, missing_facts, rank_places, spots_of_citation
from eval.metrics import NAMES, Outcome, compute_figures
from eval.places import Gold
from rag.documents import Chunk, ChunkKind, Citation, Locator, Metadata, Passage, Segment, Span
from rag.reading.mail import read_mail

RIGHT = Outcome(
    True, answered=True, has_facts=True, ranked=(True,), at_gold=(True, False), read_back=(True, True), confidence=0.9
)
ELSEWHERE = Outcome(
    True,
    answered=True,
    has_facts=True,
    ranked=(False, False, True),
    at_gold=(False,),
    read_back=(False,),
    confidence=0.7,
)
LACKING = Outcome(True, answered=True, ranked=(False,), at_gold=(True,), read_back=(True,), confidence=0.5)
SILENT = Outcome(True, abstained=True, ranked=(False, True))
REFUSED = Outcome(False, abstained=True)
TALKATIVE = Outcome(False, answered=True, at_gold=(False,), read_back=(True,), confidence=0.3)
FAILED = Outcome(True)
TEXT = "見出し\n\n一行目\n二行目\n\n別の段落"
PAGES = {("手引.txt", 1): TEXT}


def read_page(source: str, page: int) -> str | None:
    return PAGES.get((source, page))


def value(name: str, *outcomes: Outcome) -> float | None:
    return compute_figures(outcomes).shares[name].value


def passage(*segments: Segment, source: str = "計画.pdf", context: int = 0) -> Passage:
    text = "\n".join("あ" * (s.end - s.start) for s in segments)
    chunk = Chunk("0" * 32, source, 0, ChunkKind.TEXT, text, "", (), segments, context=context)
    return Passage(chunk, Metadata("題"), 0.5)


def on_page(number: int, heading: str | None = None) -> Segment:
    return Segment(number, 0, 3, Locator(page=number, heading=heading))


def cite(quote: str, *spans: Span, source: str = "手引.txt", verified: bool = True) -> Citation:
    return Citation(1, source, "題", Locator(line=3), 1, spans, quote, verified)


def test_accuracy_wants_an_answer_a_gold_citation_and_all_facts_or_silence_where_nothing_is_known() -> None:
    assert value("正答率", RIGHT, ELSEWHERE, LACKING, SILENT, REFUSED, TALKATIVE) == 2 / 6


def test_retrieval_is_measured_on_answerable_questions_only() -> None:
    outcomes = (RIGHT, ELSEWHERE, LACKING, SILENT, REFUSED)
    assert [value(f"hit@{k}", *outcomes) for k in (1, 3, 5)] == [1 / 4, 3 / 4, 3 / 4]
    assert value("MRR", *outcomes) == pytest.approx((1 + 1 / 3 + 0 + 1 / 2) / 4)


def test_citations_are_counted_one_by_one_and_answer_by_answer() -> None:
    outcomes = (RIGHT, ELSEWHERE, LACKING, SILENT, TALKATIVE)
    assert value("引用正解率", *outcomes) == 2 / 4
    assert value("引用正解回答率", *outcomes) == 2 / 3
    assert value("引用照合率", *outcomes) == 4 / 5


def test_abstention_has_precision_recall_and_their_harmonic_mean() -> None:
    outcomes = (RIGHT, SILENT, REFUSED, TALKATIVE, TALKATIVE)
    assert (value("不回答適合率", *outcomes), value("不回答再現率", *outcomes)) == (1 / 2, 1 / 3)
    assert value("不回答F1", *outcomes) == pytest.approx(2 * (1 / 2) * (1 / 3) / (1 / 2 + 1 / 3))


def test_confidence_stands_beside_the_share_that_is_right() -> None:
    outcomes = (RIGHT, ELSEWHERE, LACKING, TALKATIVE, SILENT)
    assert value("回答の確信度", *outcomes) == pytest.approx((0.9 + 0.7 + 0.5 + 0.3) / 4)
    assert value("回答の正解率", *outcomes) == 1 / 4


def test_a_question_that_failed_counts_as_zero_and_is_never_skipped() -> None:
    assert value("正答率", RIGHT, FAILED) == value("hit@1", RIGHT, FAILED) == value("MRR", RIGHT, FAILED) == 1 / 2
    assert value("不回答再現率", REFUSED, Outcome(False)) == 1 / 2 and value("正答率", Outcome(False)) == 0


def test_what_cannot_be_counted_is_no_figure() -> None:
    figures = compute_figures([])
    assert all(figures.shares[name].value is None for name in NAMES) and figures.p50_ms is None
    assert value("不回答適合率", RIGHT) is None and value("hit@1", REFUSED) is None


def test_times_are_percentiles() -> None:
    figures = compute_figures([Outcome(False, elapsed_ms=ms) for ms in range(101)])
    assert (figures.p50_ms, figures.p95_ms) == (50, 95)


def test_the_interval_holds_the_value_shrinks_with_more_questions_and_repeats_itself() -> None:
    few, many = compute_ratio([1, 0] * 10, [1] * 20), compute_ratio([1, 0] * 200, [1] * 400)
    assert few.low < many.low < 0.5 < many.high < few.high  # type: ignore[operator]
    # the normal approximation: 1.96 * sqrt(0.5 * 0.5 / 400) = 0.049
    assert many.high - 0.5 == pytest.approx(0.049, abs=0.008)  # type: ignore[operator]
    assert compute_ratio([1, 0] * 10, [1] * 20) == few


def test_passages_of_one_place_take_one_rank() -> None:
    passages = [
        passage(on_page(3)),
        passage(on_page(3, "見出し")),
        passage(on_page(3), on_page(4)),
        passage(on_page(5)),
    ]
    assert rank_places(passages, [Gold("計画.pdf", page=5)], read_page) == (False, False, True)
    assert rank_places(passages, [Gold("計画.pdf", page=4)], read_page) == (False, True, False)


def test_the_header_of_a_table_is_not_where_its_row_stands() -> None:
    row = passage(on_page(3), on_page(4), context=1)
    assert rank_places([row], [Gold("計画.pdf", page=3)], read_page) == (False,)
    assert rank_places([row], [Gold("計画.pdf", page=4)], read_page) == (True,)


def test_rows_are_compared_with_their_sheet() -> None:
    spot = Spot("Q&A.xlsx", Locator(sheet="住民向け", row=5), 1, (Span(0, 2),))
    assert is_at_gold(spot, [Gold("Q&A.xlsx", sheet="住民向け", row=5)], read_page)
    assert not is_at_gold(spot, [Gold("Q&A.xlsx", sheet="職員向け", row=5)], read_page)
    assert not is_at_gold(spot, [Gold("他.xlsx", sheet="住民向け", row=5)], read_page)


def test_paragraphs_are_compared_by_number_whatever_heading_they_are_under() -> None:
    spot = Spot("様式.zip/要領.docx", Locator(heading="第2章 > 申請", paragraph=8), 1, (Span(0, 2),))
    assert is_at_gold(spot, [Gold("様式.zip/要領.docx", paragraph=8)], read_page)
    assert not is_at_gold(spot, [Gold("様式.zip/要領.docx", paragraph=2)], read_page)


def test_a_citation_stands_at_each_paragraph_that_it_quotes() -> None:
    segments = tuple(Segment(1, n * 10, n * 10 + 9, Locator(heading="手順", paragraph=n)) for n in (4, 5, 6))
    found = passage(*segments)
    quoted = (Span(40, 49), Span(50, 59))
    citation = Citation(1, found.chunk.source, "要領", segments[0].locator, 1, quoted, "", verified=True)
    places = [spot.locator.paragraph for spot in spots_of_citation(citation, [found])]
    assert places == [4, 4, 5]


MAIL = "Subject: 照会\nFrom: soumu@example.jp\nTo: choumin@example.jp\nDate: Mon, 02 Nov 2026 09:00:00 +0900\n{}\n{}"
KIND_OF_BODY = 'MIME-Version: 1.0\nContent-Type: text/plain; charset="utf-8"\nContent-Transfer-Encoding: 8bit\n'
BODY = "様式1により回答してください。\n\n日時: 11月5日まで\n\n期限は6月末です。\n"


@pytest.mark.parametrize(("line", "quote"), [(1, "様式1"), (3, "日時: 11月5日"), (5, "期限は")])
def test_lines_of_an_email_count_from_its_body(tmp_path: Path, line: int, quote: str) -> None:
    (tmp_path / "照会.eml").write_text(MAIL.format(KIND_OF_BODY, BODY), encoding="utf-8")
    (page,) = read_mail(tmp_path / "照会.eml", "照会.eml").pages
    (block,) = [block for block in page.blocks if quote in page.text[block.start : block.end]]

    assert block.locator.line == line
    for other in page.blocks:
        spot = Spot("照会.eml", other.locator, 1, (Span(other.start, other.end),))
        assert is_at_gold(spot, [Gold("照会.eml", line=line)], lambda *_: page.text) is (other is block)


@pytest.mark.parametrize(
    ("quote", "expected"), [("一行目", True), ("二行目", True), ("見出し", False), ("別の段落", False)]
)
def test_in_text_the_gold_paragraph_runs_to_the_next_blank_line(quote: str, expected: bool) -> None:
    start = TEXT.index(quote)
    spot = Spot("手引.txt", Locator(line=99), 1, (Span(start, start + len(quote)),))
    assert is_at_gold(spot, [Gold("手引.txt", line=3)], read_page) is expected


def test_a_quote_is_read_back_whatever_the_citation_says_of_itself() -> None:
    assert is_read_back(cite("見出し…二行目", Span(0, 3), Span(9, 12), verified=False), read_page)
    assert not is_read_back(cite("見出し…三行目", Span(0, 3), Span(9, 12)), read_page)
    assert not is_read_back(cite("", Span(0, 0)), read_page) and not is_read_back(cite(""), read_page)
    assert not is_read_back(cite("段落", Span(16, 99)), read_page)
    assert not is_read_back(cite("見出し", Span(0, 3), source="他.txt"), read_page)


def test_facts_are_compared_without_width_and_white_space() -> None:
    assert missing_facts("県内　１夜に\nつき11,000円", ["県内 1夜につき１１，０００円"]) == ()
