"""The training of the reader, tiny: it learns, exports what it learned, and never calls the right document wrong."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from contextlib import redirect_stderr
from io import StringIO
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from rag.indexing.embedding import WEIGHTS_FILE
from rag.indexing.pieces import DEFAULT_MODEL, open_tokenizer
from rag.indexing.word_vectors import read_rows
from rag.models.reader_data import (
    COUNCIL,
    COUNCIL_QUESTIONS,
    TOPICS,
    Corpus,
    QuestionLists,
    Sequences,
    Source,
    build_corpus,
    find_near,
    read_texts,
)
from rag.models.reader_network import Reader, Shape, export_reader
from rag.models.topics import Topic
from rag.models.train_reader import Recipe, Stage, Training, train_reader
from rag.retrieval.reader_input import CLS, END, MAX_LENGTH, NO_END, PAD, PIECES, SEP, lay_out

PAIRS = {
    "財布": "遺失物",
    "蛇口": "給水栓",
    "病院": "医療機関",
    "葬式": "埋葬",
    "引越し": "転入",
    "赤ちゃん": "乳児",
    "年寄り": "高齢者",
    "犬": "鑑札",
    "ごみ": "廃棄物",
    "税金": "賦課",
    "給食": "食育",
    "道路": "占用",
}
TOPICS_OF_TOWN = [
    Topic(
        f"{official}の手引 ＞ 届出",
        f"{official}は窓口に届け出る。期限は十四日である。",
        (f"{home}はどこへ", f"{home}のこと"),
    )
    for home, official in PAIRS.items()
]
SOURCES = (Source(TOPICS, 1.0, teacher=1.0, student=1.0, batch=4, kept_back=4),)
TINY = Training(Shape(width=32, layers=2, heads=2, inner=64), Stage(3, 1e-3), Stage(3, 1e-3), deep=6)
RECIPE = Recipe(
    sources=SOURCES, teacher=TINY, student=TINY, rows=4, row_length=32, choices=4, near=8, every=1, measured=8, workers=0
)  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    """Threads that wait for one another take longer than so small a network does, where the tests run side by side."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return build_corpus(read_texts(Path(), TOPICS_OF_TOWN, SOURCES), SOURCES, seed=0)


@pytest.fixture(scope="module")
def near(corpus: Corpus) -> np.ndarray:
    return find_near(corpus, read_rows(DEFAULT_MODEL / WEIGHTS_FILE), count=8, device="cpu")


@pytest.fixture(scope="module")
def trained() -> tuple[Reader, str]:
    with redirect_stderr(StringIO()) as said:
        reader = train_reader(Path(), TOPICS_OF_TOWN, RECIPE, device="cpu")
    return reader, said.getvalue()


@pytest.fixture(scope="module")
def reader(trained: tuple[Reader, str]) -> Reader:
    return trained[0]


def test_the_exported_reader_judges_as_the_trained_one(reader: Reader, corpus: Corpus, tmp_path: Path) -> None:
    export_reader(reader, tmp_path / "new" / "reader.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "new" / "reader.onnx", providers=["CPUExecutionProvider"])
    ids, segments = (np.array([row] * 3) for row in corpus.lay_out(0, 0, most=64))
    ids[1, -4:] = PAD

    (logits,) = session.run(None, {"ids": ids, "segments": segments})

    with torch.no_grad():
        expected = reader(torch.from_numpy(ids), torch.from_numpy(segments)).numpy()
    assert logits.dtype == np.float32 and logits.shape == ids.shape
    assert [one.name for one in session.get_inputs()] == ["ids", "segments"]
    np.testing.assert_allclose(logits[ids != PAD], expected[ids != PAD], atol=0.02)


def test_what_is_padding_changes_no_logit(reader: Reader, corpus: Corpus) -> None:
    ids, segments = (torch.tensor([row]) for row in corpus.lay_out(0, 0, most=64))
    longer, filled = (torch.nn.functional.pad(row, (0, 5), value=n) for row, n in ((ids, PAD), (segments, 0)))

    with torch.no_grad():
        torch.testing.assert_close(reader(longer, filled)[:, :-5], reader(ids, segments), atol=1e-5, rtol=0)


def test_training_says_how_well_both_readers_judge_what_was_kept_back(trained: tuple[Reader, str]) -> None:
    said = [line for line in trained[1].splitlines() if "AUC" in line]

    assert [line.split(", acc")[0] for line in said] == [f"{who}: topics 6 questions" for who in ("teacher", "student")]


def test_council_answers_ask_nothing_and_captions_that_statutes_share_are_no_questions(tmp_path: Path) -> None:
    for name, query in {COUNCIL: "道路を直せ。", "bulletin": "祭り", "law_articles": "町法 施行期日"}.items():
        row = json.dumps({"query": query, "title": "題", "passage": "本文。"}, ensure_ascii=False)
        (tmp_path / f"{name}.jsonl.gz").write_bytes(gzip.compress(row.encode()))
    sources = [Source(name, 1.0) for name in (COUNCIL, COUNCIL_QUESTIONS, "bulletin", "law_articles")]
    texts = read_texts(tmp_path, [], sources)

    assert [text[2:] for text in texts] == [
        ("題", "本文。", ()),
        ("", "道路を直せ。", ()),
        ("", "本文。", ("祭り",)),
        ("題", "本文。", ()),
    ]
    assert build_corpus(texts, sources, seed=0).is_answer.tolist() == [True, False, True, True]
    with pytest.raises(SystemExit, match=r"学習データがありません: .*faq\.jsonl\.gz"):
        read_texts(tmp_path, [], [*sources, Source("faq", 1.0)])


def test_near_documents_are_never_the_right_one(corpus: Corpus, near: np.ndarray) -> None:
    assert near.shape == (2 * len(PAIRS), 8)
    assert (near >= 0).all()
    assert not (near == corpus.owners[:, None]).any()


def test_what_says_the_same_as_the_right_document_is_not_near() -> None:
    twice = [*TOPICS_OF_TOWN, TOPICS_OF_TOWN[0]]
    texts = read_texts(Path(), twice, SOURCES)
    found = find_near(
        build_corpus(texts, SOURCES, seed=0), read_rows(DEFAULT_MODEL / WEIGHTS_FILE), count=20, device="cpu"
    )

    assert len(PAIRS) not in found[0] and 0 not in found[-1]
    assert set(found[0]) == {-1, *range(1, len(PAIRS))}


def test_wrong_documents_are_near_ones_and_one_of_all(corpus: Corpus, near: np.ndarray) -> None:
    lists = QuestionLists(corpus, near, SOURCES, [1.0], choices=8, deep=4, most=64, seed=0)
    generator = np.random.default_rng(0)
    for question in range(len(corpus.questions)):
        wrong = lists.draw_wrong(question, generator)
        assert len(wrong) == 7
        assert set(near[question, :4]) <= set(wrong)
        assert corpus.owners[question] not in wrong


def test_what_is_kept_back_is_neither_asked_nor_guessed_from(corpus: Corpus) -> None:
    assert corpus.is_kept_back.sum() == len(PAIRS) // 4
    kept = {piece for n in np.flatnonzero(corpus.is_kept_back) for piece in corpus.names[n]}
    kept -= {piece for n in np.flatnonzero(~corpus.is_kept_back) for piece in corpus.names[n]}
    rows = next(iter(Sequences(corpus, SOURCES, rows=64, length=32, seed=0)))[0]

    assert kept and not kept & set(rows.flatten().tolist())
    assert (rows != PAD).all(), "guessing takes no padding"
    learned, measured = (set(corpus.select_questions(0, kept_back=kept_back)) for kept_back in (False, True))
    assert learned | measured == set(range(len(corpus.questions))) and not learned & measured


# --- what the reader reads --------------------------------------------------------------------------------------------


def pieces(*lengths: int) -> list[np.ndarray]:
    return [np.full(length, n + 1) for n, length in enumerate(lengths)]


def test_the_marks_come_behind_the_vocabulary() -> None:
    assert open_tokenizer().get_vocab_size() == PIECES <= min(PAD, CLS, SEP, END)


def test_question_name_and_sentences_are_laid_out_in_their_segments() -> None:
    question, name, *sentences = pieces(2, 1, 2, 0, 1)

    ids, segments, ends = lay_out(question, name, sentences, most=MAX_LENGTH)

    assert ids == [CLS, 1, 1, SEP, 2, SEP, 3, 3, END, 5, END]
    assert segments == [0, 0, 0, 0, 1, 1, 2, 2, 2, 2, 2]
    assert ends == [8, NO_END, 10]


def test_sentences_that_do_not_fit_are_left_out_and_a_long_first_one_is_cut() -> None:
    question, name, *sentences = pieces(1, 0, 3, 3, 1)

    assert lay_out(question, name, sentences, most=11)[0] == [CLS, 1, SEP, SEP, 3, 3, 3, END]
    assert lay_out(question, name, sentences, most=12)[2] == [7, 11]
    assert lay_out(question, name, sentences, most=7)[0] == [CLS, 1, SEP, SEP, 3, 3, END]


def test_long_questions_and_names_are_cut() -> None:
    question, name, sentence = pieces(100, 100, 1)

    ids, segments, ends = lay_out(question, name, [sentence], most=MAX_LENGTH)

    assert [segments.count(n) for n in range(3)] == [1 + 48 + 1, 32 + 1, 2]
    assert ends == [len(ids) - 1]
