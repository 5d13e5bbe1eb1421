"""Questions to ask next: made of what the documents say, about the same thing, and answered where they come from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from rag.answering.question_forms import MAX_CHARS, questions_of
from rag.answering.suggestions import SUGGESTIONS, suggest_questions
from rag.assistant import Assistant
from rag.documents import Chunk, ChunkKind, Citation, Locator, Metadata, Passage, Reason, Segment, Span


def build_chunk(
    lines: Sequence[str],
    *,
    kind: ChunkKind = ChunkKind.TEXT,
    headings: tuple[str, ...] = (),
    heading_lines: int = 0,
    title: str = "窓口の手引",
    ordinal: int = 0,
) -> Chunk:
    """Return a chunk of one segment a line; the first `heading_lines` are headings, the first line of rows is their header."""
    segments, start = [], ordinal * 1000
    for number, line in enumerate(lines):
        segments.append(Segment(1, start, start + len(line), Locator(page=1), heading=number < heading_lines))
        start += len(line) + 1
    question = Span(0, len(lines[0])) if kind is ChunkKind.QA else None
    context = 1 if kind is ChunkKind.ROW else 0
    text = "\n".join(lines)
    return Chunk(
        f"{ordinal:032x}", "手引.md", ordinal, kind, text, title, headings, tuple(segments), question, None, context
    )


def test_an_official_question_is_asked_as_it_stands() -> None:
    assert list(questions_of(build_chunk(["転入届の期限はいつですか。", "14日以内です。"], kind=ChunkKind.QA))) == [
        "転入届の期限はいつですか。"
    ]


@pytest.mark.parametrize(
    "question", ["費用はいくらですか。", "その期限は？", "転入届" + "の添付書類" * 10 + "は何ですか"]
)
def test_a_question_without_a_topic_or_too_long_is_not_offered(question: str) -> None:
    assert list(questions_of(build_chunk([question, "300円です。"], kind=ChunkKind.QA))) == []


@pytest.mark.parametrize(
    ("lines", "headings", "wanted"),
    [
        (["(1) 届出期間", "14日以内に届け出る。"], ("第2章 住所の異動", "1 転入届"), ["転入届の届出期間は？"]),
        (["２　手数料", "300円とする。"], ("1 転入届",), ["転入届の手数料は？"]),
        (["3 認知症サポーター養成講座", "年2回開く。"], ("第1章 福祉",), ["認知症サポーター養成講座について教えてください"]),
        (["（宿泊費）", "第9条　宿泊費は、1夜につき9,000円とする。"], ("第2章 旅費の額",), ["旅費規程では、宿泊費はどう定めていますか"]),
        (["9 その他", "必要な事項は別に定める。"], ("1 転入届",), []),
    ],
)  # fmt: skip
def test_a_heading_is_asked_of_what_it_stands_under(
    lines: list[str], headings: tuple[str, ...], wanted: list[str]
) -> None:
    chunk = build_chunk(lines, headings=headings, heading_lines=1, title="旅費規程")

    assert list(questions_of(chunk)) == wanted


def test_a_row_is_asked_by_its_name_and_its_column_or_its_heading() -> None:
    rows = ["検診\t対象年齢\t備考", "乳がん検診\t40歳以上\t予約制", "令和7年度\t40歳\t", "検診をやめた\t40歳\t"]

    assert list(questions_of(build_chunk(rows, kind=ChunkKind.ROW))) == ["乳がん検診の対象年齢は？"]
    under = build_chunk(["証明書\t窓口", "身分証明書\t300円"], kind=ChunkKind.ROW, headings=("1 証明", "(2) 手数料"))
    assert list(questions_of(under)) == ["身分証明書の手数料は？"]


def test_no_question_is_longer_than_a_button_holds() -> None:
    rows = ["名称\t" + "とても長い見出しの列" * 5, "乳がん検診\t40歳以上"]

    assert all(len(q) <= MAX_CHARS for q in questions_of(build_chunk(rows, kind=ChunkKind.ROW)))


# --- choosing ---------------------------------------------------------------------------------------------------------

METADATA = Metadata("窓口の手引")
FAQ = [
    build_chunk([question, "答えです。"], kind=ChunkKind.QA, headings=("ごみ",), ordinal=number)
    for number, question in enumerate(
        ("粗大ごみの手数料はいくらですか。", "粗大ごみの申込みはどこにしますか。", "古着の回収はありますか。", "乾電池の出し方は。", "資源ごみの曜日はいつですか。")
    )
]  # fmt: skip


class Shelf:
    """The chunks of one document, all of them near each other."""

    def __init__(self, chunks: Sequence[Chunk]) -> None:
        self._chunks = list(chunks)

    def neighbours(self, ids: Sequence[str], reach: int = 1) -> dict[str, list[Chunk]]:
        return dict.fromkeys(ids, self._chunks)


def suggest(
    asked: Sequence[str], *, cited: Chunk | None = FAQ[0], found: Mapping[str, Chunk] | None = None
) -> tuple[str, ...]:
    """Suggest beside FAQ[0]. found: question -> the chunk it finds, itself by default."""
    answers = {chunk.question_text: chunk for chunk in FAQ} | dict(found or {})
    citations = []
    if cited is not None:
        segment = cited.segments[0]
        citations = [
            Citation(1, cited.source, cited.title, Locator(), 1, (Span(segment.start, segment.end),), "", True)
        ]
    passages = [Passage(chunk, METADATA, 0.9) for chunk in FAQ[:2]]
    return suggest_questions(
        asked, passages, citations, Shelf(FAQ), answers.get, lambda words: dict.fromkeys(words, 1.0)
    )


def test_what_is_about_the_same_thing_comes_first_and_three_are_enough() -> None:
    found = suggest(["粗大ごみの手数料はいくらですか"])

    assert found[0] == "粗大ごみの申込みはどこにしますか。" and len(found) == SUGGESTIONS


def test_what_was_asked_or_is_answered_by_the_same_citation_is_not_asked_again() -> None:
    found = suggest(["粗大ごみの料金を知りたい", "粗大ごみの申込みはどこにしますか"])

    assert FAQ[0].question_text not in found and FAQ[1].question_text not in found and found


def test_a_question_that_finds_another_place_or_nothing_is_not_offered() -> None:
    elsewhere = {FAQ[1].question_text: FAQ[4], FAQ[2].question_text: None}

    found = suggest(["粗大ごみの手数料はいくらですか"], found=elsewhere)  # type: ignore[arg-type]

    assert found == (FAQ[3].question_text, FAQ[4].question_text)


def test_without_a_citation_only_what_is_about_the_question_is_offered() -> None:
    assert suggest(["粗大ごみの手数料はいくらですか"], cited=None) == (FAQ[1].question_text,)
    assert suggest(["町長の任期は何年ですか"], cited=None) == ()


def test_suggestions_of_a_town_are_answered(town_assistant: Assistant) -> None:
    question = "住民票の写しの手数料はいくらですか"
    answer = town_assistant.ask(question)
    suggested = town_assistant.suggest(question, answer)

    assert suggested and question not in suggested
    for text in suggested:
        again = town_assistant.ask(text)
        assert again.citations and again.citations[0].locator != answer.citations[0].locator


def test_nothing_is_suggested_after_a_question_about_a_person(town_assistant: Assistant) -> None:
    answer = replace(town_assistant.ask("住民票の写しの手数料はいくらですか"), reason=Reason.PERSONAL_DATA)

    assert town_assistant.suggest("山田さんの住民票の手数料は", answer) == ()
