"""See why: the numbers of an explanation are those of the search, and add up; what stands around a hit comes with it."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import replace

import pytest

from rag.answer_json import add_explanation, hits_to_dict
from rag.assistant import Assistant
from rag.cli import main
from rag.documents import COMMAND_LINE, EVERYONE, Chunk, ChunkKind, Filters, Kind, Locator, Passage, Segment
from rag.explanation import Explanation
from rag.indexing.embedding import open_embedder
from rag.indexing.snapshot import Snapshot, SnapshotStore
from rag.retrieval.context import REACH, build_context
from rag.retrieval.learned import read_model
from rag.retrieval.query import Expansion, Reason
from rag.retrieval.retriever import Retriever
from rag.search_report import render_hits
from rag.settings import Settings

QUESTION = "住民票の写しの手数料はいくらですか"
Found = tuple[list[Passage], Explanation]


@pytest.fixture(scope="module")
def found(town_assistant: Assistant) -> Found:
    return town_assistant.explain(QUESTION, asker=COMMAND_LINE, limit=8)


def test_the_explained_passages_are_those_of_the_search(town_assistant: Assistant, found: Found) -> None:
    passages, explanation = found
    assert passages == town_assistant.search(QUESTION, asker=COMMAND_LINE, limit=8)
    assert [(why.id, why.score) for why in explanation.passages] == [(p.chunk.id, p.score) for p in passages]


def test_contributions_make_the_score_and_legs_are_shares(found: Found) -> None:
    for why in found[1].passages:
        logit = read_model().offset + sum(feature.contribution or 0.0 for feature in why.features)
        assert why.rest is None and why.score == pytest.approx(1 / (1 + math.exp(-logit)))
        assert all(0 <= leg.share <= 1 + 1e-6 for leg in why.legs)
    assert sum(leg.weight for leg in found[1].passages[0].legs) == pytest.approx(1)
    assert max(leg.share for why in found[1].passages for leg in why.legs if leg.name == "lexical") == pytest.approx(1)


def test_without_reranking_legs_factor_and_rest_add_up_to_the_score(snapshot: Snapshot, small_town: Settings) -> None:
    retriever = Retriever(snapshot, open_embedder(small_town.embedder), rerank=False)
    asked = retriever.understand(QUESTION)
    for why in retriever.explain(asked, retriever.retrieve(asked, limit=8)).passages:
        assert why.rest is not None and not why.features
        assert why.edition_factor * sum(leg.contribution for leg in why.legs) + why.rest == pytest.approx(why.score)
        assert abs(why.rest) < 0.1, "no page supports anything here: only the norm of the support takes its tenth"


def test_fields_add_up_to_the_lexical_score_and_words_to_their_field(found: Found) -> None:
    for passage, why in zip(*[found[0], found[1].passages], strict=True):
        assert sum(match.score for match in why.fields) == pytest.approx(passage.legs["lexical"], rel=1e-4)
        for match in why.fields:
            assert sum(match.words.values()) == pytest.approx(match.score, rel=1e-4), match
    assert {"手数", "料", "写し"} <= set(next(m for m in found[1].passages[0].fields if m.field == "body").words)


def test_a_word_is_only_named_where_the_text_has_it(found: Found) -> None:
    for passage, why in zip(*[found[0], found[1].passages], strict=True):
        pairs = next((match.words for match in why.fields if match.field == "bigrams"), {})
        assert all(pair in passage.chunk.text for pair in pairs), (passage.chunk.text, pairs)


def test_rare_words_weigh_more_and_filters_say_how_much_they_let_through(town_assistant: Assistant) -> None:
    filters = Filters(department="町民課", kind=Kind.FAQ)
    explanation = town_assistant.explain(QUESTION, filters=filters)[1]
    weights = {term.word: (term.idf, term.chunks) for term in explanation.terms}
    assert weights["住民"][0] > weights["手数"][0] and weights["住民"][1] < weights["手数"][1]
    # Four pairs of question and answer, and the row of their headings.
    assert (explanation.admitted, explanation.filters) == (5, filters) and explanation.chunks > 10
    open_to_all = town_assistant.explain(QUESTION, asker=EVERYONE)[1]
    assert open_to_all.admitted < open_to_all.chunks, "the asker's rights count too"


@pytest.fixture(scope="module")
def snapshot(small_town: Settings) -> Iterator[Snapshot]:
    opened = SnapshotStore(small_town.index).open_current()
    yield opened
    opened.close()


def test_what_was_done_to_the_question_and_the_order_is_told_too(snapshot: Snapshot, small_town: Settings) -> None:
    retriever = Retriever(snapshot, open_embedder(small_town.embedder))
    asked = retriever.understand("住民票の写しの手数料")
    wordings = (
        Expansion(("手数", "料"), ("料金",), 0.8, Reason.SYNONYM, "手数料", "料金"),
        Expansion(("写し",), ("控え",), 0.7, Reason.SPELLING, "写し", "控え"),
    )
    asked = replace(asked, query=replace(asked.query, expansions=wordings))
    passages = retriever.retrieve(asked, limit=2)
    explanation = retriever.explain(asked, passages)
    text = render_hits(passages, explanation=explanation)
    assert "言い換え: 手数料 → 料金（重み 0.8、同義語）" in text and "「写し」を「控え」と読みました" in text
    assert "当たりの見込み" in text and "並べ替えの内訳: " in text
    made = add_explanation(hits_to_dict(passages), explanation)
    assert made["explanation"]["expansions"][0]["words"] == ["料金"]
    shown = {feature["name"]: feature for feature in made["hits"][0]["why"]["features"]}
    assert shown["sentence"]["value"] == pytest.approx(passages[0].features["sentence"], abs=1e-3)


def test_the_command_line_shows_why_and_what_stands_around(
    small_town: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["search", "資源ごみの収集の曜日", "-k", "2", "--explain", "--context", "--index", str(small_town.index)]
    assert main(command) == 0
    text = capsys.readouterr().out
    for part in ("質問の理解:", "語: 資源（重さ", "絞り込み: なし", "本文に一致", "意味 0.", "得点", "後: "):
        assert part in text, text
    assert main([*command, "--json"]) == 0
    made = json.loads(capsys.readouterr().out)
    assert set(made) == {"hits", "explanation"} and len(made["hits"]) == 2
    assert {"why", "context", "rank", "score", "source", "title", "locator", "text"} <= set(made["hits"][0])
    assert made["hits"][0]["text"] in [part["text"] for part in made["hits"][0]["context"]["section"]]


def test_nothing_found_is_said_with_the_reason_beside_it(town_assistant: Assistant) -> None:
    passages, explanation = town_assistant.explain(QUESTION, filters=Filters(year=1999))
    assert (passages, explanation.admitted, explanation.passages) == ([], 0, ())
    assert "0 件" in (text := render_hits(passages, explanation=explanation)) and "見つかりませんでした。" in text


# --- context ----------------------------------------------------------------------------------------------------------


def part(ordinal: int, heading: str = "申請", chars: int = 10) -> Chunk:
    text = f"{ordinal:0{chars}d}"
    segment = Segment(1, 0, chars, Locator(line=ordinal))
    return Chunk(f"{ordinal:032x}", "a.md", ordinal, ChunkKind.TEXT, text, "手引", (heading,), (segment,))


def test_a_section_is_the_unbroken_run_under_the_same_headings() -> None:
    around = [part(n, "申請" if n not in (3, 8) else "審査") for n in range(12)]
    context = build_context(around[5], around)
    assert [chunk.ordinal for chunk in context.section] == [4, 5, 6, 7] and context.complete
    assert (context.before, context.after) == (around[4], around[6])


def test_a_long_section_is_cut_on_both_sides_and_says_so() -> None:
    around = [part(n) for n in range(21)]
    context = build_context(around[10], around, max_chars=50)
    assert [chunk.ordinal for chunk in context.section] == [8, 9, 10, 11, 12] and not context.complete
    many = [part(n, chars=2) for n in range(REACH + 2)]
    assert not build_context(many[0], many).complete and build_context(many[0], many[: REACH + 1]).complete


def test_the_first_and_the_last_have_one_neighbour() -> None:
    around = [part(0), part(1)]
    assert (build_context(around[0], around).before, build_context(around[1], around).after) == (None, None)


def test_neighbours_are_read_together_and_stay_in_their_document(snapshot: Snapshot) -> None:
    catalog = snapshot.catalog
    rules = catalog.chunks_of("総務課/職員旅費規程.txt")
    wanted = [rules[1].id, catalog.chunks_of("環境課/ごみの出し方.md")[0].id, "f" * 32]
    found = catalog.neighbours(wanted)
    assert found.keys() == set(wanted[:2]) and found[wanted[0]] == rules[0:3]
    assert {chunk.source for chunk in found[wanted[1]]} == {"環境課/ごみの出し方.md"}


def test_the_context_of_a_closed_document_is_not_given(town_assistant: Assistant) -> None:
    closed = next(
        passage
        for passage in town_assistant.search("督促状を送った後の差押え", asker=COMMAND_LINE, limit=50)
        if passage.metadata.audience
    )
    assert town_assistant.context(closed, EVERYONE) is None
    assert town_assistant.context(closed, COMMAND_LINE) is not None
