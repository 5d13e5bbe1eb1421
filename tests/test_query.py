"""Other wordings of a question: what they stand for, how they count, and which words are taken for misspelt."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.indexing.lexical import FIELDS, LexicalEntry, LexicalStore
from rag.indexing.names import NameFinder, index_run
from rag.indexing.stores import FilterFields
from rag.retrieval.fusion import FIELD_WEIGHTS
from rag.retrieval.query import Expansion, Query, Reason, parse_query
from rag.retrieval.spelling import count_mistakes, find_misspelt
from rag.retrieval.synonyms import SYNONYM_WEIGHT, Thesaurus
from rag.retrieval.words import build_lexical_question
from rag.wording import Name

THESAURUS = Thesaurus(
    (
        ("住民基本台帳", "住基"),
        ("国民健康保険", "国保"),
        ("国民健康保険税", "国保税"),
        ("可燃ごみ", "燃えるごみ"),
        ("不燃ごみ", "燃えないごみ"),
        ("年次有給休暇", "年休"),
        ("死亡", "亡くなった"),
        ("児童手当", "児手"),
        ("仮想プライベートネットワーク", "VPN"),
    )
)


def meant(question: str) -> list[str]:
    return [expansion.meant for expansion in THESAURUS.expand(question)]


# --- synonyms ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("住基カードの更新", ["住民基本台帳"]),
        ("住民基本台帳カードの更新", ["住基"]),
        ("国保税の納期", ["国民健康保険税"]),  # the longest first
        ("国保の手続", ["国民健康保険"]),
        ("父が亡くなりました", ["死亡"]),  # bent
        ("ＶＰＮにつながらない", ["仮想プライベートネットワーク"]),
        ("児童の手当はいくら", ["児手"]),  # with a particle between
        ("燃えないごみの日", ["不燃ごみ"]),  # never 可燃ごみ, though its words are the same
        ("燃えるごみの日", ["可燃ごみ"]),
        ("可燃ごみと不燃ごみ", ["燃えるごみ"]),  # 燃えないごみ would look for 燃える
    ],
)
def test_a_part_of_a_question_has_the_other_words_of_its_group(question: str, expected: list[str]) -> None:
    assert meant(question) == expected


@pytest.mark.parametrize("question", ["全国保育協議会", "その年の休みはいつですか", "VPNXという製品", "道路の工事"])
def test_what_only_looks_like_a_word_of_the_table_is_left_alone(question: str) -> None:
    assert meant(question) == []


@given(st.text(alphabet="住基国保税カード年休燃えないごみの日VPN、？ 。", max_size=20))
def test_whatever_is_asked_no_word_belongs_to_two_parts(question: str) -> None:
    terms = parse_query(question).terms
    parts: dict[tuple[str, ...], None] = {}
    for expansion in THESAURUS.expand(question):
        assert expansion.of and expansion.words and set(expansion.of) <= set(terms)
        parts[expansion.of] = None
    assert all(not set(a) & set(b) for a in parts for b in parts if a != b)


# --- how they count ---------------------------------------------------------------------------------------------------


def entry(number: int, body: str, names: str = "") -> LexicalEntry:
    words = {**dict.fromkeys(FIELDS, ""), "body": body}
    runs = " ".join(word for run in names.split() for word in index_run(run))
    return LexicalEntry(f"{number:032x}", **words, names=runs)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[LexicalStore]:
    opened = LexicalStore.create(tmp_path / "lexical")
    entries = [
        entry(1, "国保 加入 届け"),
        entry(2, "国民 健康 保険 加入 届け"),
        entry(3, "国保 国民 健康 保険 と 同じ もの"),
        entry(4, "道路 工事 届け", "マイナンバーカード クリーンセンター kibaco 印鑑登録証明書"),
        entry(5, "公園 遊具", "マイナンバーカード クリーニング"),
    ]
    opened.add(entries, [FilterFields("a.txt", "manual")] * len(entries))
    opened.commit()
    yield opened
    opened.close()


def scores(store: LexicalStore, ways: list[Mapping[str, float]]) -> dict[int, float]:
    return {int(id_, 16): score for id_, score in store.search({}, 10, choices=[{"body": ways}])}


def test_a_choice_counts_as_its_best_way_and_not_as_their_sum(store: LexicalStore) -> None:
    short, long = {"国保": 1.0}, {"国民": 0.5, "健康": 0.5, "保険": 0.5}
    first, second, both = scores(store, [short]), scores(store, [long]), scores(store, [short, long])
    assert set(both) == {1, 2, 3}
    for number in both:
        assert both[number] == pytest.approx(max(first.get(number, 0), second.get(number, 0)))


def test_a_choice_adds_to_the_words_beside_it_and_scores_agree_with_the_search(store: LexicalStore) -> None:
    words, choice = {"body": {"加入": 1.0}}, {"body": [{"国保": 1.0}, {"国民": 1.0, "健康": 1.0, "保険": 1.0}]}
    found = dict(store.search(words, 10, choices=[choice]))
    parts = [dict(store.search(words, 10)), dict(store.search({}, 10, choices=[choice]))]
    for id_, score in found.items():
        assert score == pytest.approx(sum(part.get(id_, 0.0) for part in parts))
    assert store.scores(words, list(found), choices=[choice]) == pytest.approx(found)


def expand(question: str, *expansions: Expansion) -> Query:
    query = parse_query(question)
    return Query(query.text, query.terms, query.nouns, query.bigrams, query.wanted, expansions=expansions)


def test_a_longer_wording_can_score_no_more_than_what_was_asked() -> None:
    long = Expansion(("国保",), ("国民", "健康", "保険"), 0.8, Reason.SYNONYM, "国保", "国民健康保険")
    rarity = {"国保": 6.0, "国民": 4.0, "健康": 5.0, "保険": 3.0}
    asked = build_lexical_question(expand("国保の加入", long), rarity, 9.0)
    terms, choices = asked.terms, asked.choices
    asked, other = choices[0]["body"]
    assert terms["body"] == {"加入": FIELD_WEIGHTS["body"]} and asked == {"国保": FIELD_WEIGHTS["body"]}
    assert sum(rarity[word] * weight for word, weight in other.items()) == pytest.approx(0.8 * 6.0)
    assert set(choices[0]) == {*FIELD_WEIGHTS} and terms["bigrams"]


def test_a_common_word_is_not_raised_to_the_rarity_of_the_one_that_was_asked() -> None:
    common = Expansion(("加入",), ("入る",), 0.8, Reason.SYNONYM, "加入", "入る")
    choices = build_lexical_question(expand("加入", common), {"加入": 8.0, "入る": 1.0}, 9.0).choices
    assert choices[0]["body"][1] == {"入る": pytest.approx(0.8 * FIELD_WEIGHTS["body"])}


def test_a_wording_that_no_chunk_has_is_not_looked_for() -> None:
    unknown = Expansion(("加入",), ("入る",), 0.8, Reason.SYNONYM, "加入", "入る")
    asked = build_lexical_question(expand("加入", unknown), {"加入": 2.0, "入る": 9.0}, 9.0)
    terms, choices = asked.terms, asked.choices
    assert choices == [] and set(terms["body"]) == {"加入"}


def test_wordings_that_share_a_word_are_one_choice() -> None:
    whole = Expansion(("国保", "加入"), ("保険",), 0.5, Reason.SYNONYM, "国保加入", "保険")
    part = Expansion(("国保",), ("健康",), 0.5, Reason.SYNONYM, "国保", "健康")
    choices = build_lexical_question(
        expand("国保の加入", whole, part), dict.fromkeys(("国保", "加入", "保険", "健康"), 2.0), 9.0
    ).choices
    assert [set(way) for way in choices[0]["body"]] == [{"国保", "加入"}, {"保険"}, {"加入", "健康"}]
    assert len(choices) == 1


# --- misspelt names ---------------------------------------------------------------------------------------------------


def corrections(question: str, store: LexicalStore, *names: str) -> list[tuple[str, str]]:
    terms = parse_query(question).terms
    found = find_misspelt(question, terms, store, NameFinder([Name(name) for name in names]))
    assert all(e.weight < SYNONYM_WEIGHT and e.reason is Reason.SPELLING and set(e.of) <= set(terms) for e in found)
    return [(expansion.asked, expansion.meant) for expansion in found]


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("マイナンバカード", "マイナンバーカード"),
        ("マイナンーバカード", "マイナンバーカード"),
        ("マイナバカード", "マイナンバーカード"),
        ("タイナンバーカード", "マイナンバーカード"),
        ("クリンーセンター", "クリーンセンター"),
        ("kibako", "kibaco"),
        ("印艦登録証明書", "印鑑登録証明書"),
    ],
)
def test_a_misspelt_name_is_found_and_told(store: LexicalStore, written: str, name: str) -> None:
    assert corrections(f"{written}はどこで使いますか", store) == [(written, name)]


@pytest.mark.parametrize(
    "question", ["マイナンバーカードの受取り", "道路の工事の届", "テレビの捨て方", "クリーンセンタの場所", "公圓の場所"]
)
def test_what_is_written_right_or_like_nothing_known_is_left_alone(store: LexicalStore, question: str) -> None:
    assert corrections(question, store) == []


def test_a_name_of_the_dictionary_in_mixed_script_is_mended(store: LexicalStore) -> None:
    assert corrections("すみのベスはどこですか", store, "すみのベース") == [("すみのベス", "すみのベース")]
    assert corrections("すみのベースはどこですか", store, "すみのベース") == []


@given(st.text("アイカー", max_size=7), st.text("アイカー", max_size=7))
def test_mistakes_are_a_distance(first: str, second: str) -> None:
    mistakes = count_mistakes(first, second, most=9)
    assert mistakes == count_mistakes(second, first, most=9) and (mistakes == 0) == (first == second)
    assert abs(len(first) - len(second)) <= mistakes <= max(len(first), len(second))
    assert count_mistakes(first, second, most=1) == min(mistakes, 2)


def test_the_question_as_understood_names_what_seems_to_be_meant() -> None:
    from rag.retrieval.query import Question

    spelling = Expansion(("kibako",), ("kibaco",), 0.7, Reason.SPELLING, "kibako", "kibaco")
    query = expand("kibakoの使い方", spelling)
    assert query.corrections == (("kibako", "kibaco"),)
    assert Question("kibakoの使い方", query, None).understood == "kibacoの使い方"  # type: ignore[arg-type]
