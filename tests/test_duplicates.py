"""Passages that say the same: collapsed into the best, with the other places; a different number, name or no is kept."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from rag.answer_json import hits_to_dict
from rag.assistant import Assistant
from rag.documents import Chunk, ChunkKind, Edition, Locator, Metadata, Passage, Segment, Standing
from rag.indexing.sync import sync
from rag.retrieval.duplicates import collapse, leave_out_headings
from rag.search_report import render_hits
from rag.settings import Settings

PARAGRAPH = (
    "転入届は、澄野町に住み始めた日から14日以内に、本人または世帯主が町民課の窓口へ届け出てください。"
    "届出には、前の市区町村が発行した転出証明書と、本人確認書類が必要です。"
)


def build(
    text: str,
    source: str = "a.md",
    *,
    title: str = "手引",
    headings: tuple[str, ...] = (),
    kind: ChunkKind = ChunkKind.TEXT,
    edition: Edition | None = None,
    page: int = 1,
) -> Passage:
    segment = Segment(page, 0, len(text), Locator(page=page))
    chunk = Chunk(f"{abs(hash((source, page, text))):032x}"[:32], source, 0, kind, text, title, headings, (segment,))
    return Passage(chunk, Metadata(title), 0.5, edition=edition)


def kept(*passages: Passage) -> list[str]:
    return [passage.chunk.source for passage in collapse(passages)]


def test_the_best_of_equal_passages_stays_and_names_the_places_of_the_others() -> None:
    best, far, other = (
        build(PARAGRAPH),
        build(PARAGRAPH, "b.md", page=7),
        build("別の段落です。別のことを言います。", "c.md"),
    )
    found = collapse([best, other, far])
    assert [passage.chunk.source for passage in found] == ["a.md", "c.md"]
    assert [(place.source, place.locator.page) for place in found[0].others] == [("b.md", 7)]
    assert found[1] is other, "what has no double is left as it was"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (PARAGRAPH.replace("、", "，"), "commas"),
        (PARAGRAPH.replace("14", "１４").replace("。", "。\n "), "width and white space"),
        (PARAGRAPH.replace("ください", "下さい"), "spelling"),
    ],
)
def test_a_passage_that_is_only_written_otherwise_is_the_same(text: str, why: str) -> None:
    assert kept(build(PARAGRAPH), build(text, "b.md")) == ["a.md"], why


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("14日", "15日"),
        ("澄野町", "緑沢町"),
        ("町民課", "税務課"),
        ("必要です", "必要ではありません"),
        ("転入届", "転出届"),
        ("または", "および"),
        ("本人確認書類", "本人確認書類○"),
        ("町民課の窓口", "さくら館の窓口"),
    ],
)
def test_passages_that_differ_in_a_number_a_name_a_word_or_a_no_both_stay(old: str, new: str) -> None:
    assert PARAGRAPH.replace(old, new) != PARAGRAPH
    assert kept(build(PARAGRAPH), build(PARAGRAPH.replace(old, new), "b.md")) == ["a.md", "b.md"]


def test_marks_tell_rows_apart() -> None:
    rows = [build(f"駐車場の予約\t電話で受付\t{mark}", f"{mark}.md", kind=ChunkKind.ROW) for mark in "○×△"]
    assert kept(*rows) == ["○.md", "×.md", "△.md"]


def test_a_row_means_nothing_without_its_title_and_headings() -> None:
    row = "午前（9時から12時まで）\t1,200円"
    gym = build(row, "a.xlsx", title="体育館使用料", headings=("大アリーナ",), kind=ChunkKind.ROW)
    hall = build(row, "b.xlsx", title="公民館使用料", headings=("大アリーナ",), kind=ChunkKind.ROW)
    small = build(row, "c.xlsx", title="体育館使用料", headings=("小アリーナ",), kind=ChunkKind.ROW)
    copy = build(row, "d.xlsx", title="体育館使用料", headings=("大アリーナ",), kind=ChunkKind.ROW)
    assert kept(gym, hall, small, copy) == ["a.xlsx", "b.xlsx", "c.xlsx"]


def test_the_same_words_under_another_heading_are_about_something_else() -> None:
    fee = "手数料は、1通につき300円です。窓口で現金により納めてください。"
    assert kept(build(fee, headings=("住民票",)), build(fee, "b.md", headings=("印鑑証明",))) == ["a.md", "b.md"]


def test_editions_of_one_text_are_left_to_the_choice_of_editions() -> None:
    old, new = (Edition("手引", standing) for standing in (Standing.OLD, Standing.CURRENT))
    assert kept(build(PARAGRAPH, edition=new), build(PARAGRAPH, "b.md", edition=old)) == ["a.md", "b.md"]


def test_a_text_that_says_nothing_by_itself_is_not_compared() -> None:
    assert kept(build("（略）"), build("（略）", "b.md")) == ["a.md", "b.md"]


_TEXTS = st.sampled_from(
    [
        PARAGRAPH,
        PARAGRAPH.replace("14", "15"),
        PARAGRAPH.replace("、", "，"),
        "別の段落です。別のことを言います。",
        "（略）",
    ]
)


@hypothesis_settings(derandomize=True, database=None, deadline=None)
@given(st.lists(_TEXTS, max_size=8))
def test_nothing_is_lost_the_order_stays_and_a_second_time_changes_nothing(texts: list[str]) -> None:
    passages = [build(text, f"{number}.md") for number, text in enumerate(texts)]
    found = collapse(passages)
    places = [p.chunk.source for p in found] + [place.source for p in found for place in p.others]
    assert sorted(places) == sorted(p.chunk.source for p in passages)
    numbers = [int(p.chunk.source[:-3]) for p in found]
    assert numbers == sorted(numbers) and collapse(found) == found
    for passage in found:
        assert all(place.source > passage.chunk.source for place in passage.others), "the best one stays"


def test_a_paragraph_in_two_documents_is_one_hit_that_names_both(tmp_path: Path) -> None:
    settings = Settings(corpus=tmp_path / "corpus", index=tmp_path / "index", workers=1)
    settings.corpus.mkdir()
    for name in ("転入の案内", "窓口事務の要点"):
        text = (
            f"# {name}\n\n## 転入届\n\n{PARAGRAPH * 2}\n\n## {name}の終わりに\n\n"
            + f"{name}についての連絡先です。" * 40
        )
        (settings.corpus / f"{name}.md").write_text(text, encoding="utf-8")
    sync(settings)
    assistant = Assistant.open(settings)
    try:
        passages = assistant.search("転入届はいつまでに届け出ますか", limit=10)
    finally:
        assistant.close()
    hits = hits_to_dict(passages)["hits"]
    double = [hit for hit in hits if PARAGRAPH[:20] in hit["text"]]
    assert len(double) == 1 and {double[0]["source"], double[0]["others"][0]["source"]} == {
        "転入の案内.md",
        "窓口事務の要点.md",
    }
    assert all("others" not in hit for hit in hits if hit is not double[0])
    assert f"同じ内容: {double[0]['others'][0]['title']}" in render_hits(passages)


def test_what_is_nothing_but_the_heading_of_another_passage_is_left_out() -> None:
    def bare(text: str, source: str = "a.md", above: tuple[str, ...] = ("2 延滞金",)) -> Passage:
        passage = build(text, source, headings=above)
        segments = tuple(replace(segment, heading=True) for segment in passage.chunk.segments)
        return replace(passage, chunk=replace(passage.chunk, segments=segments))

    below = build("年2.8％とする。", headings=("2 延滞金", "(1) 割合"), page=2)
    others = [
        bare("(1)　割合", "b.md"),
        bare("(2) 計算"),
        bare("(1) 割合", above=("3 加算金",)),
        build("(1) 割合", page=3),
    ]
    found = [bare("(1)　割合"), *others, below]

    assert leave_out_headings(found, limit=9) == [*others, below]
    assert leave_out_headings(found, limit=5) == found, "what stands below is not shown"
