"""The reader of this package, and how what it says joins the score of the learned reranker."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from test_reranker import chunk_of

from rag.documents import Metadata, Passage
from rag.indexing.lexical import LexicalEntry, analyze
from rag.indexing.pieces import cut_pieces
from rag.retrieval.close_reading import MOST, NEAR, read_closely
from rag.retrieval.learned import READER, LinearModel
from rag.retrieval.query import Expansion, Question, Reason, parse_query
from rag.retrieval.reader import UNREAD, Read, Reader, Text, odds_of_text, open_reader
from rag.text import fold

QUESTION = "駅に置いてある自転車がなくなっていた、どこへ取りに行けばいい"
ANSWER = "放置自転車は撤去し、北沢保管所でお返しします。"
BESIDE = "駐輪場の定期利用は、窓口で申し込みます。"
HOME_WORDS = {
    QUESTION: ("自転車の手引", ANSWER, BESIDE),
    "本を借りに行く日、閉まっていたら困る": (
        "図書館の利用案内",
        "休館日は毎週月曜日です。",
        "貸出しは1人10冊までです。",
    ),
    "引っ越してきたら何日のうちに言えばいい": (
        "住民異動の手引",
        "転入した日から14日以内に届け出てください。",
        "届出には本人確認書類をお持ちください。",
    ),
    "うちの子が熱を出したけど仕事を休めない": (
        "病児保育の案内",
        "病気の児童を看護師のいる施設で預かります。",
        "利用料は1日2,000円です。",
    ),
    "お金がなくて払えない": (
        "町税の手引",
        "納付が困難なときは、分割納付を相談できます。",
        "口座振替は金融機関で申し込みます。",
    ),
    "家の前のアスファルトに穴があいている": (
        "道路の手引",
        "道路の損傷を見つけたときは、建設課へ連絡してください。",
        "道路台帳は窓口で閲覧できます。",
    ),
}
MODEL = LinearModel({"body": 1.0, READER: 0.5}, {}, 1.0, -4.0)


ASKED = Question(QUESTION, parse_query(QUESTION), np.zeros(1, np.float32))


class Says(Reader):
    """A reader that gives each text what it was told, and remembers what it read."""

    def __init__(self, *odds: float) -> None:
        super().__init__()
        self._odds, self.read_texts = odds, list[Text]()

    def read(self, texts: Sequence[Text]) -> list[Read]:
        self.read_texts = list(texts)
        said = zip(texts, self._odds, strict=False)
        return [Read(odds, np.full(len(text.sentences), odds, np.float32)) for text, odds in said]


def passages_of(*sums: float, texts: Sequence[str] = ()) -> tuple[list[Passage], dict[str, LexicalEntry]]:
    """Return passages whose contributions have these sums, scored as the learned reranker scores them."""
    found = []
    for number, total in enumerate(sums):
        chunk = chunk_of(texts[number] if texts else f"{number}番の窓口です。", number=number)
        score = 1 / (1 + math.exp(-total - MODEL.offset))
        found.append(
            Passage(chunk, Metadata(chunk.title), score, features={"body": 0.5}, contributions={"body": total})
        )
    return found, {passage.chunk.id: analyze(passage.chunk) for passage in found}


def read_text(question: str, title: str, *sentences: str) -> Read:
    asked, name, *pieces = cut_pieces([fold(text) for text in (question, title, *sentences)])
    (read,) = open_reader().read([Text(asked, name, pieces)])
    return read


def test_of_texts_that_share_no_word_with_the_question_the_one_that_answers_is_likeliest() -> None:
    first = []
    for question in HOME_WORDS:
        odds = {other: read_text(question, *text).odds for other, text in HOME_WORDS.items()}
        first.append(max(odds, key=odds.__getitem__) == question)
    assert sum(first) >= len(HOME_WORDS) - 1, first


def test_texts_read_together_say_what_each_says_alone() -> None:
    asked, name, *pieces = cut_pieces([fold(text) for text in (QUESTION, "手引", ANSWER, BESIDE, ANSWER * 3)])
    texts = [Text(asked, name, [sentence]) for sentence in pieces]
    together = open_reader().read(texts)
    alone = [open_reader().read([text])[0] for text in texts]
    for one, other in zip(together, alone, strict=True):
        assert one.odds == pytest.approx(other.odds)
        np.testing.assert_allclose(one.sentences, other.sentences)


def test_the_sentence_that_answers_is_told_from_those_around_it() -> None:
    first = []
    for question, (title, answer, beside) in HOME_WORDS.items():
        for sentences in ([answer, beside], [beside, answer]):
            odds = read_text(question, title, *sentences).sentences
            first.append(sentences[int(odds.argmax())] == answer)
    assert sum(first) >= len(first) - 2, first


def test_what_is_said_of_a_sentence_does_not_depend_on_those_around_it() -> None:
    alone = read_text(QUESTION, "手引", ANSWER).sentences
    among = read_text(QUESTION, "手引", BESIDE, ANSWER, BESIDE).sentences
    assert among[1] == pytest.approx(alone[0], abs=0.3) and among[0] == pytest.approx(among[2], abs=0.3)  # 8 bits


def test_what_is_beyond_the_length_or_has_no_pieces_counts_as_unread() -> None:
    odds = read_text(QUESTION, "手引", "。", ANSWER, *[BESIDE] * 40).sentences
    assert len(odds) == 42 and odds[0] == odds[-1] == UNREAD and odds[1] > UNREAD


def test_what_the_reader_says_joins_the_sum_and_the_edition_still_counts() -> None:
    (first, second), entries = passages_of(1.0, 0.5)
    second = replace(second, score=second.score * 0.8)  # an edition that is not wanted
    read = read_closely(ASKED, [first, second], entries, Says(-4.0, 2.0), MODEL)
    assert [p.features[READER] for p in read] == pytest.approx([-4.0, 2.0])
    assert [p.contributions[READER] for p in read] == pytest.approx([0.5 * (-4.0 - UNREAD), 0.5 * (2.0 - UNREAD)])
    logits = [sum(p.contributions.values()) + MODEL.offset for p in read]
    assert [p.score for p in read] == pytest.approx(
        [f / (1 + math.exp(-x)) for f, x in zip((1, 0.8), logits, strict=True)]
    )
    assert read[1].score > read[0].score and all(len(p.sentence_odds) == 1 for p in read)


def test_only_what_is_near_the_first_is_read_and_the_rest_stays_behind() -> None:
    passages, entries = passages_of(2.0, 2.0 - NEAR + 0.01, 2.0 - NEAR - 0.01, -1.0)
    reader = Says(-6.0, 1.0)
    read = read_closely(ASKED, passages, entries, reader, MODEL)
    assert len(reader.read_texts) == 2 and [bool(p.sentence_odds) for p in read] == [True, True, False, False]
    assert [p.features[READER] for p in read] == pytest.approx([-6.0, 1.0, -6.0, -6.0])
    assert read[2].score < read[0].score < read[1].score
    many, of_many = passages_of(*[1.0] * (MOST + 3))
    everyone = Says(*[0.0] * MOST)
    read_closely(ASKED, many, of_many, everyone, MODEL)
    assert len(everyone.read_texts) == MOST


def test_without_the_learned_reranker_the_first_are_read_and_the_scores_stay() -> None:
    passages, entries = passages_of(1.0, 0.9, 0.8)
    read = read_closely(ASKED, passages, entries, Says(0.0, 0.0), None)
    assert [p.score for p in read] == [p.score for p in passages] and not any(READER in p.features for p in read)
    assert [bool(p.sentence_odds) for p in read] == [True, True, False]


def test_politeness_and_the_words_of_the_town_change_nothing_for_the_reader() -> None:
    wordings = (
        Expansion(("住基",), ("住民", "基本", "台帳"), 0.8, Reason.SYNONYM, "住基", "住民基本台帳"),
        Expansion(("出す",), ("届出",), 0.6, Reason.EVERYDAY, "出す", "届出"),
    )
    passages, entries = passages_of(1.0, 0.9, texts=("住民基本台帳の届出です。", "住基（住民基本台帳）です。"))
    read = []
    for text in ("すみませんが、住基に出すものを教えてください。", "住基に出すもの"):
        reader = Says(0.0, 0.0)
        read_closely(
            replace(ASKED, text=text, query=replace(parse_query(text), expansions=wordings)),
            passages,
            entries,
            reader,
            MODEL,
        )
        read.append([of_text.question.tolist() for of_text in reader.read_texts])

    expected = cut_pieces([fold("住民基本台帳に出すもの"), fold("住基に出すもの")])
    assert read[0] == read[1] == [pieces.tolist() for pieces in expected]


def test_a_follow_up_is_read_in_its_own_words_and_a_question_whose_part_it_exchanges_as_a_whole() -> None:
    passages, entries = passages_of(1.0)
    follow_up = replace(ASKED, text="費用は？", topic="転出届はいつまでに出しますか")
    for question in (follow_up, replace(follow_up, text="転入届は？", whole="転入届はいつまでに出しますか")):
        reader = Says(0.0)
        read_closely(question, passages, entries, reader, MODEL)

        (expected,) = cut_pieces([fold(question.whole or "費用は？")])
        assert reader.read_texts[0].question.tolist() == expected.tolist()


def test_nothing_found_is_nothing_to_read() -> None:
    assert read_closely(ASKED, [], {}, Says(), MODEL) == []


def test_a_text_is_as_likely_as_its_sentences_together() -> None:
    assert odds_of_text(np.array([1.0, -3.0], dtype=np.float32)) == pytest.approx(math.log(math.exp(1) + math.exp(-3)))
