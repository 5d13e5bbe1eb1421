"""Our own topics: every one is whole, and the training meets each of its questions with its passage."""

from __future__ import annotations

from pathlib import Path

import pytest

from eval.bench.reranker import TOPICS
from eval.bench.reranker_sets import split_topics
from eval.bench.town_questions import PRACTICE, QUESTIONS, SHORT
from eval.questions import read_questions
from rag.indexing.embedding import open_embedder
from rag.models.topics import Topic, parse_topics, read_topics, write_topics
from rag.models.train import Recipe, pair_topics

TOPIC = Topic("税の手引 ＞ 督促", "納期限を過ぎたときは、督促状を発する。", ("払い忘れたらどうなる", "督促はいつ"))


def test_topics_are_written_as_they_are_read(tmp_path: Path) -> None:
    others = [TOPIC, Topic("年金の手引", "免除を申請する。", ("払えない",))]
    write_topics(others, tmp_path / "a.txt")
    assert read_topics(tmp_path) == others


@pytest.mark.parametrize(
    "text", ["本文だけ", "# 題名\n- 質問だけ", "# 題名\n本文\n二つ目の本文\n- 質問", "# 題名\n本文"]
)
def test_a_topic_that_is_not_whole_is_named(text: str) -> None:
    with pytest.raises(SystemExit, match=r"税\.txt の 1 番目の話題"):
        list(parse_topics(text, "税.txt"))


def test_a_folder_without_topics_is_named(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="話題の文"):
        read_topics(tmp_path)


def test_every_question_and_the_title_meet_the_passage_as_often_as_the_recipe_says() -> None:
    pairs = pair_topics([TOPIC], Recipe(topic_repeats=2), first_group=7)
    assert len(pairs) == 2 * 3 and {pair.group for pair in pairs} == {7}
    assert [pair.query for pair in pairs].count("払い忘れたらどうなる") == 2
    assert all("督促状を発する" in pair.passage for pair in pairs)


def test_our_topics_are_whole_and_know_nothing_of_the_invented_municipality() -> None:
    topics = read_topics(TOPICS)
    asked = {question for topic in topics for question in topic.questions}
    measured = {question.text for file in (QUESTIONS, SHORT, PRACTICE) for question in read_questions(file)}
    assert len(topics) > 3_000 and asked.isdisjoint(measured)
    assert not any("澄野" in topic.title + topic.passage for topic in topics)


def test_the_embedder_of_the_reranker_never_sees_a_topic_that_is_asked_for() -> None:
    topics = [Topic(f"手引 ＞ {n}", f"本文{n}", ("質問",)) for n in range(9)]
    asked, rest = split_topics(topics)
    assert len(asked) == 4 and sorted([*asked, *rest], key=lambda t: t.title) == topics


def test_the_practice_is_held_out_of_every_measurement() -> None:
    practice = read_questions(PRACTICE)
    measured = {question.text for question in read_questions(QUESTIONS)}
    assert len(practice) > 400 and not any(question.is_held_out for question in practice)
    assert measured.isdisjoint(question.text for question in practice)


@pytest.mark.parametrize(
    ("question", "official", "other"),
    [
        (
            "おなかに赤ちゃんができたら何をもらえますか",
            "妊娠の届出により母子健康手帳を交付する",
            "死亡の届出により火葬許可証を交付する",
        ),
        ("ペットが迷子になった", "飼い犬が行方不明のときの届出", "原動機付自転車の廃車の届出"),
        ("お金がなくて今月分を払えない", "納税の猶予及び分割納付の相談", "住宅の耐震改修の補助"),
    ],
)
def test_the_embedder_knows_what_people_mean_who_use_none_of_the_official_words(
    question: str, official: str, other: str
) -> None:
    embedder = open_embedder()
    right, wrong = embedder.embed_documents([official, other]) @ embedder.embed_query(question)
    assert right > wrong
