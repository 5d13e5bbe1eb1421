"""Which sentences make an answer: the likeliest, with what they cannot be read without."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rag.answering.extractive import build_extract
from rag.answering.selection import MAX_CITATIONS, choose_units
from rag.answering.units import Unit, split_passages
from rag.documents import Chunk, ChunkKind, Locator, Metadata, Passage, Segment, Span


def build_passage(*lines: str, source: str = "規則.md", kind: ChunkKind = ChunkKind.TEXT) -> Passage:
    """Return a passage whose segments are the lines."""
    starts = [sum(len(line) + 1 for line in lines[:i]) for i in range(len(lines))]
    segments = tuple(
        Segment(1, start, start + len(line), Locator(line=i + 1))
        for i, (start, line) in enumerate(zip(starts, lines, strict=True))
    )
    answer = Span(0, len(lines[0])) if kind is ChunkKind.QA else None
    chunk = Chunk("0" * 32, source, 0, kind, "\n".join(lines), source, (), segments, answer=answer)
    return Passage(chunk, Metadata(source), 1.0)


def score(passages: Sequence[Passage], **scores: float) -> list[Unit]:
    """Return the units of passages; one whose text begins with a name has that score, the others nearly none."""
    units = split_passages(passages)
    return [
        replace(u, score=next((v for n, v in scores.items() if u.text(passages).startswith(n)), 0.001)) for u in units
    ]


def answer(passages: Sequence[Passage], units: Sequence[Unit], max_chars: int = 300) -> str:
    return build_extract(choose_units(units, passages, max_chars=max_chars), passages).text


def test_a_rule_is_given_with_its_exception_and_an_exception_with_its_rule() -> None:
    passages = [
        build_passage(
            "申請は10日前までにする。ただし、災害のときはこの限りでない。この場合においては、後で届け出る。手数料は無料とする。"
        )
    ]
    whole = "申請は10日前までにする。ただし、災害のときはこの限りでない。この場合においては、後で届け出る。[1]"

    assert answer(passages, score(passages, 申請=0.9)) == whole
    assert answer(passages, score(passages, ただし=0.9)) == whole
    assert answer(passages, score(passages, 手数料=0.9)) == "手数料は無料とする。[1]"


def test_a_sentence_that_a_page_break_cuts_is_one_and_cited_on_both_pages() -> None:
    text = "退所するときは、その月の20日まで\nに退所届を出す。届は窓口にある。"
    cut = text.index("\n")
    segments = (
        Segment(15, 70, 70 + cut, Locator(page=15)),
        Segment(16, 0, len(text) - cut - 1, Locator(page=16)),
    )
    chunk = Chunk("0" * 32, "手引.pdf", 0, ChunkKind.TEXT, text, "手引", (), segments)
    passages = [Passage(chunk, Metadata("手引"), 1.0)]

    extract = build_extract(choose_units(score(passages, 退所=0.9), passages, max_chars=300), passages)

    assert extract.text == "退所するときは、その月の20日までに退所届を出す。[1][2]"
    assert [(c.page, c.quote) for c in extract.citations] == [
        (15, "退所するときは、その月の20日まで"),
        (16, "に退所届を出す。"),
    ]


def test_a_rule_keeps_its_exception_even_where_there_is_no_room() -> None:
    passages = [build_passage("申請は10日前までにする。ただし、災害のときはこの限りでない。")]

    assert answer(passages, score(passages, 申請=0.9), max_chars=5).endswith("この限りでない。[1]")


def test_a_sentence_that_points_back_is_given_with_the_one_before_where_there_is_room() -> None:
    passages = [build_passage("町は検診車を走らせます。これは毎年6月に来ます。費用は無料です。")]
    units = score(passages, これ=0.9)

    assert answer(passages, units) == "町は検診車を走らせます。これは毎年6月に来ます。[1]"
    assert answer(passages, units, max_chars=12) == "これは毎年6月に来ます。[1]"


def test_an_item_is_given_with_the_short_lead_in_of_its_list() -> None:
    passages = [build_passage("持ち物は次のとおりです。", "・印鑑", "・通帳", "費用は無料です。")]

    assert answer(passages, score(passages, **{"・通帳": 0.9})) == "持ち物は次のとおりです。\n・通帳[1]"


def test_a_second_source_is_cited_from_a_fifth_of_the_best_ones_probability_on() -> None:
    passages = [build_passage("甲は1円です。", source="a.md"), build_passage("丙は3円です。", source="b.md")]

    assert answer(passages, score(passages, 甲=0.9, 丙=0.19)) == "甲は1円です。[1]\n丙は3円です。[2]"
    assert answer(passages, score(passages, 甲=0.9, 丙=0.17)) == "甲は1円です。[1]"
    assert answer(passages, score(passages, 甲=0.3, 丙=0.095)) == "甲は1円です。[1]", "it is hardly likely"


def test_a_less_likely_sentence_is_added_only_while_the_answer_is_read_in_ten_seconds() -> None:
    short = [build_passage("甲は1円です。乙は2円です。")]
    long = [build_passage(f"甲は{'とても' * 40}1円です。乙は2円です。")]

    assert answer(short, score(short, 甲=0.6, 乙=0.0421)) == "甲は1円です。乙は2円です。[1]"
    assert answer(short, score(short, 甲=0.6, 乙=0.0419)) == "甲は1円です。[1]"
    assert answer(short, score(short, 甲=0.3, 乙=0.0299)) == "甲は1円です。[1]", "it is hardly likely"
    assert "乙" not in answer(long, score(long, 甲=0.5, 乙=0.17))
    assert "乙" in answer(long, score(long, 甲=0.5, 乙=0.18))


def test_an_answer_cites_three_places_at_most() -> None:
    passages = [build_passage(f"値は{n}円です。", source=f"{n}.md") for n in range(5)]

    chosen = choose_units(score(passages, 値=0.5), passages, max_chars=300)

    assert len({unit.passage for unit in chosen}) == MAX_CITATIONS == 3


def test_an_official_answer_is_whole_however_long_and_another_source_may_stand_beside_it() -> None:
    official = f"無料です。{'詳しくは窓口へ。' * 9}"
    passages = [build_passage(official, source="faq.csv", kind=ChunkKind.QA), build_passage("甲は1円です。")]

    assert answer(passages, score(passages, 無料=0.9, 甲=0.1), max_chars=20) == f"{official}[1]"
    assert answer(passages, score(passages, 無料=0.9, 甲=0.8)) == f"{official}[1]\n甲は1円です。[2]"
    assert answer(passages, score(passages, 無料=0.9, 甲=0.8), max_chars=20) == f"{official}[1]"


def test_of_a_table_the_likeliest_row_is_given_with_those_that_are_nearly_as_likely() -> None:
    passages = [build_passage("布団\t300円", "自転車\t500円", kind=ChunkKind.ROW)]

    assert answer(passages, score(passages, 布団=0.9, 自転車=0.8)) == "布団　300円[1]"
    assert answer(passages, score(passages, 布団=0.9, 自転車=0.82)) == "布団　300円\n自転車　500円[1]"
    units = [replace(unit, is_out_of_range=unit.score == 0.82) for unit in score(passages, 布団=0.9, 自転車=0.82)]
    assert answer(passages, units) == "布団　300円[1]"


def test_a_heading_that_is_numbered_like_an_item_is_no_item() -> None:
    passage = build_passage("2 印鑑登録", "(1) 登録できる印鑑", "印影の大きさは25ミリメートル以内とする。")
    segments = tuple(replace(s, heading=s.start < 18) for s in passage.chunk.segments)
    passages = [replace(passage, chunk=replace(passage.chunk, segments=segments))]

    assert (
        answer(passages, score(passages, **{"2 印鑑": 0.9, "印影": 0.3}))
        == "印影の大きさは25ミリメートル以内とする。[1]"
    )


def test_what_is_no_sentence_stands_on_a_line_of_its_own() -> None:
    passages = [
        build_passage("コラム　目標人口を達成するには", "推計値と目標人口の差は570人です。減る人数を半分にします。")
    ]

    said = answer(passages, score(passages, コラム=0.8, 推計値=0.9, 減る=0.7))
    assert said == "コラム　目標人口を達成するには\n推計値と目標人口の差は570人です。減る人数を半分にします。[1]"
