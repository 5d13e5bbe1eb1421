"""The training of the reader, tiny: it learns, exports what it learned, and never calls the right document wrong.

What it learns from the town is written by `eval.bench.reader_questions`; a label that nobody knows teaches nothing.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from contextlib import redirect_stderr
from dataclasses import replace
from io import StringIO
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from eval.bench.reader_questions import label_passage, write_questions
from eval.places import Gold
from eval.questions import Question
from rag.documents import Chunk, ChunkKind
from rag.indexing.embedding import WEIGHTS_FILE
from rag.indexing.pieces import DEFAULT_MODEL, cut_pieces, open_tokenizer
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
from rag.models.reader_losses import general_loss, town_loss
from rag.models.reader_network import (
    EMBEDDING,
    Reader,
    Shape,
    export_reader,
    judge_sentences,
    score_passages,
    separate_sentences,
    take_layers,
)
from rag.models.reader_recipe import Recipe, Stage, Training
from rag.models.reader_town import (
    RIGHT,
    UNKNOWN,
    WRONG,
    TownLists,
    TownPassage,
    TownQuestion,
    draw_passages,
    read_town,
)
from rag.models.topics import Topic
from rag.models.train_reader import Trainer, train_readers
from rag.retrieval.reader_input import (
    CLS,
    END,
    MAX_LENGTH,
    NO_END,
    PAD,
    PASSAGES_FILE,
    PIECES,
    SENTENCES_FILE,
    SEP,
    lay_out,
)

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
SOURCES = (Source(TOPICS, 1.0, teacher=1.0, student=1.0, batch=4, general=1.0, general_batch=4, kept_back=4),)
TINY = Training(Shape(width=32, layers=3, heads=2, inner=64), Stage(2, 1e-3), Stage(2, 1e-3), deep=6)
TINY_END, TINY_TOWN = Stage(2, 1e-3), Stage(2, 1e-2, keeps_pieces=True)
RECIPE = Recipe(
    sources=SOURCES, teacher=TINY, student=TINY, passages=TINY_END, whole=TINY_END, apart=TINY_END, town=TINY_TOWN, rows=4,
    row_length=32, choices=4, near=8, every=1, measured=8, deep=6, town_batch=4, town_choices=4, workers=0,
)  # fmt: skip
FACTS = {"財布": "十四日", "蛇口": "三千円", "病院": "本庁舎二階", "葬式": "埋葬許可証", "犬": "狂犬病予防"}
WHOLE, APART = (Shape(width=32, layers=2, heads=2, inner=64, apart=apart) for apart in (False, True))


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


def chunk_of(name: str, text: str) -> Chunk:
    return Chunk("", "", 0, ChunkKind.TEXT, text, name, ("届出",), ())


def ask_town(home: str, *, is_answerable: bool = True) -> Question:
    """Every question has its own document, so that there are folds."""
    gold = (Gold(f"{home}.txt", line=1),) if is_answerable else ()
    facts = (FACTS[home],) if is_answerable else ()
    return Question(home, f"{home}はどうする？", gold, facts, "", "", is_answerable, "", "")


QUESTIONS = [*(ask_town(home) for home in FACTS), ask_town("財布", is_answerable=False)]


class HandMadeTown:
    """Finds five passages for everything, in one order; the gold one holds the key fact in its second sentence."""

    def ask(self, question: Question, limit: int) -> tuple[None, list[SimpleNamespace]]:
        assert limit == 8
        texts = {home: f"{home}のことである。（大切）{fact}である。" for home, fact in FACTS.items()}
        return None, [SimpleNamespace(chunk=chunk_of(f"ＡＢ{home}", text)) for home, text in texts.items()]

    def find_gold(self, question: Question, passages: list[SimpleNamespace]) -> list[bool]:
        return [passage.chunk.title == f"ＡＢ{question.id}" for passage in passages]


@pytest.fixture(scope="module")
def town_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("town") / "town.jsonl.gz"
    write_questions(file, QUESTIONS, HandMadeTown())
    return file


@pytest.fixture(scope="module")
def town(town_file: Path) -> list[TownQuestion]:
    return read_town(town_file)


OUTPUT, READERS = Path("output"), Path("readers")
Trained = tuple[dict[Path, Reader], str]
"""The networks, by the files that they are for, none of which is written; and what was said."""


@pytest.fixture(scope="module")
def trained(town_file: Path) -> Trained:
    with redirect_stderr(StringIO()) as said:
        readers = train_readers(Path(), TOPICS_OF_TOWN, town_file, RECIPE, device="cpu", output=OUTPUT, readers=READERS)
        return dict(readers), said.getvalue()


@pytest.fixture(scope="module")
def reader(trained: Trained) -> Reader:
    return trained[0][OUTPUT / "passages.onnx"]


def lively(shape: Shape) -> Reader:
    """Return a network whose logits depend much on all that it sees; trained for a few steps, one hardly looks."""
    torch.manual_seed(0)
    reader = Reader(shape, torch.randn(PIECES, EMBEDDING)).eval()
    for weight in reader.parameters():
        if weight.dim() == 2 and len(weight) < PIECES:
            torch.nn.init.normal_(weight, std=0.3)
    return reader


@pytest.mark.parametrize("apart", [False, True])
def test_the_last_layer_may_step_at_the_ends_alone(apart: bool) -> None:
    reader = lively(replace(TINY.shape, apart=apart))
    ids = torch.randint(0, PIECES, (2, 40), generator=torch.Generator().manual_seed(0))
    ends = torch.tensor([[12, 20, 39], [15, 16, 39]])
    ids.scatter_(1, ends, END)
    segments = torch.tensor([[0] * 5 + [1] * 5 + [2] * 30] * 2)

    with torch.no_grad():
        at_ends, everywhere = reader.judge_ends(ids, segments, ends), reader(ids, segments)

    torch.testing.assert_close(at_ends, everywhere.gather(1, ends), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("file", ["passages.onnx", "sentences.onnx"])
def test_the_exported_reader_judges_as_the_trained_one(
    file: str, trained: Trained, corpus: Corpus, tmp_path: Path
) -> None:
    reader = trained[0][OUTPUT / file]
    export_reader(reader, tmp_path / "new" / file)
    session = onnxruntime.InferenceSession(tmp_path / "new" / file, providers=["CPUExecutionProvider"])
    ids, segments = (np.array([row]) for row in corpus.lay_out(0, 0, most=64))
    ends = np.flatnonzero(ids[0] == END)[None]

    (logits,) = session.run(None, {"ids": ids, "segments": segments, "ends": ends})

    with torch.no_grad():
        expected = reader(torch.from_numpy(ids), torch.from_numpy(segments)).numpy()
    assert logits.dtype == np.float32
    assert [one.name for one in session.get_inputs()] == ["ids", "segments", "ends"]
    np.testing.assert_allclose(logits[0], expected[0, ends[0]], atol=0.02)


def test_what_is_padding_changes_no_logit(reader: Reader, corpus: Corpus) -> None:
    ids, segments = (torch.tensor([row]) for row in corpus.lay_out(0, 0, most=64))
    longer, filled = (torch.nn.functional.pad(row, (0, 5), value=n) for row, n in ((ids, PAD), (segments, 0)))

    with torch.no_grad():
        torch.testing.assert_close(reader(longer, filled)[:, :-5], reader(ids, segments), atol=1e-5, rtol=0)


def test_training_says_how_well_every_reader_judges_what_was_kept_back(trained: Trained) -> None:
    said = [line.split(": topics 6 questions")[0] for line in trained[1].splitlines() if "AUC" in line]

    of_town = ["sentences town", *(f"sentences town without {fold}" for fold in range(4))]
    assert said == ["teacher", "student", "passages", "sentences whole", "sentences apart", *of_town]


def test_training_gives_two_networks_and_of_every_fold_that_of_the_sentences(trained: Trained) -> None:
    shapes = {file: (one.shape.layers, one.shape.apart) for file, one in trained[0].items()}

    assert shapes == {
        OUTPUT / "passages.onnx": (3, False),
        OUTPUT / "sentences.onnx": (2, True),
        **{READERS / str(fold) / "sentences.onnx": (2, True) for fold in range(4)},
    }


def test_the_networks_that_ship_have_the_layers_of_the_recipe() -> None:
    recipe = Recipe()
    for file, layers in ((PASSAGES_FILE, recipe.student.shape.layers), (SENTENCES_FILE, len(recipe.layers))):
        names = [weight.name.split(".layers.") for weight in onnx.load(file).graph.initializer]
        assert {int(name[1].split(".")[0]) for name in names if name[1:]} == set(range(layers)), file


def test_both_networks_begin_with_the_student_and_leave_it_as_it_was(corpus: Corpus, town: list[TownQuestion]) -> None:
    still = Stage(1, 0.0)
    trainer = Trainer(corpus, town, replace(RECIPE, whole=still, apart=still), "cpu")
    student, untouched = lively(TINY.shape), lively(TINY.shape)

    passages = trainer.finish_passages(student, student)
    sentences = trainer.finish_sentences(student, student)

    assert same_weights(student, untouched), "a copy learns"
    assert not same_weights(passages, untouched), "it learned"
    assert same_weights(sentences, take_layers(untouched, (0, 2), apart=True)), "it begins with two layers"


def same_weights(one: Reader, other: Reader) -> bool:
    mine, theirs = one.state_dict(), other.state_dict()
    return mine.keys() == theirs.keys() and all(torch.equal(mine[name], theirs[name]) for name in mine)


def test_the_town_is_learned_by_each_fold_for_itself_and_moves_no_vector_of_a_piece(trained: Trained) -> None:
    readers = [one for file, one in trained[0].items() if file.name == "sentences.onnx"]
    judges = [one.judge[0].weight for one in readers]
    assert len(readers) == 5
    assert all(torch.equal(one.pieces.weight, readers[0].pieces.weight) for one in readers)
    assert not any(torch.equal(judges[0], other) for other in judges[1:])


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


# --- two networks of one ----------------------------------------------------------------------------------------------


def test_a_reader_of_some_layers_has_the_weights_of_these() -> None:
    large = lively(Shape(width=32, layers=4, heads=2, inner=64))

    small = take_layers(large, (0, 2), apart=True)

    assert small.shape == Shape(width=32, layers=2, heads=2, inner=64, apart=True)
    for place, layer in enumerate((0, 2)):
        for name, weight in large.layers[layer].state_dict().items():
            assert torch.equal(small.layers[place].state_dict()[name], weight)
    assert torch.equal(small.pieces.weight, large.pieces.weight)
    assert torch.equal(small.judge[2].weight, large.judge[2].weight)
    small.judge[2].weight.data += 1
    assert not torch.equal(small.judge[2].weight, large.judge[2].weight), "it learns for itself"


def read_last(ids: list[list[int]]) -> tuple[torch.Tensor, torch.Tensor]:
    rows = torch.tensor([[CLS, 11, 12, SEP, 13, SEP, *row, END, 51, 52, 53, END] for row in ids])
    return rows, torch.tensor([[0, 0, 0, 0, 1, 1] + [2] * (rows.shape[1] - 6)] * len(rows))


def test_a_sentence_that_is_read_apart_has_the_same_logit_whatever_else_stands_there() -> None:
    ids, segments = read_last([[21, 22, 23], [31, 32, 33], [41, END, 42]])
    alone, of_alone = read_last([[]])
    alone, of_alone = (torch.cat([row[:, :6], row[:, 7:]], dim=1) for row in (alone, of_alone))
    with torch.no_grad():
        apart, whole = (lively(shape)(ids, segments)[:, -1] for shape in (APART, WHOLE))
        by_itself = lively(APART)(alone, of_alone)[:, -1]

    assert torch.equal(apart, apart[:1].expand(3))
    torch.testing.assert_close(by_itself[0], apart[0], atol=1e-5, rtol=1e-5)
    assert (whole[1:] - whole[0]).abs().min() > 0.01, "one that sees the whole text tells the texts from one another"


def test_the_exported_network_reads_a_sentence_apart_up_to_its_8_bits(tmp_path: Path) -> None:
    rows = [read_last([row]) for row in ([21, 22, 23], [31, 32, 33], [41, END, 42])]
    differences = []
    for number, shape in enumerate((APART, WHOLE)):
        file = tmp_path / f"{number}.onnx"
        export_reader(lively(shape), file)
        session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
        last = [
            session.run(None, {"ids": a.numpy(), "segments": b.numpy(), "ends": np.array([[a.shape[1] - 1]])})[0][0, 0]
            for a, b in rows
        ]
        differences.append(max(last) - min(last))

    assert differences[0] < 0.2 * differences[1], f"apart {differences[0]:.3f}, whole {differences[1]:.3f}"


def test_separate_sentences_come_in_the_order_in_which_they_end_and_without_padding_between() -> None:
    ids, segments = read_last([[21, 22, 23], [31, END, 32]])
    ids[1, -4:], segments[1, -4:] = PAD, 0

    alone, of_alone = separate_sentences(ids, segments)

    texts = [[21, 22, 23, END], [51, 52, 53, END], [31, END, PAD, PAD], [32, END, PAD, PAD]]
    assert alone.tolist() == [[CLS, 11, 12, SEP, 13, SEP, *text] for text in texts]
    assert of_alone.tolist() == [[0, 0, 0, 0, 1, 1, *(0 if piece == PAD else 2 for piece in text)] for text in texts]


def test_judging_in_parts_gives_every_sentence_its_logit_in_the_order_of_the_rows() -> None:
    reader = lively(WHOLE)
    ids, segments = read_last([[21, 22, 23], [31, 32, 33]])
    ids[0, -4:], segments[0, -4:] = PAD, 0

    with torch.no_grad():
        judged, plain = judge_sentences(reader, ids, segments, parts=2), reader(ids, segments)
        scores = score_passages(reader, ids, segments)

    assert judged.shape == ids.shape
    torch.testing.assert_close(judged[ids == END], plain[ids == END], atol=1e-4, rtol=1e-4)
    assert (judged[ids != END] < -1_000).all()
    assert scores[0].item() == pytest.approx(plain[0, 9].item(), abs=1e-4)


def test_the_teacher_teaches_the_sentences_of_the_first_documents_only() -> None:
    ids, segments = read_last([[21, 22, 23], [31, 32, 33], [41, END, 42], [61, 62, 63]])
    teacher, reader = lively(WHOLE), lively(APART)

    def lose(examined: int) -> float:
        return general_loss(reader, ids, segments, choices=4, examined=examined, teacher=teacher).item()

    with torch.no_grad():
        told = [score_passages(teacher, *separate_sentences(ids[n : n + 1], segments[n : n + 1])) for n in range(4)]
        odds = [reader(ids[n : n + 1], segments[n : n + 1])[ids[n : n + 1] == END] for n in range(4)]
        of_rows = [
            torch.nn.functional.binary_cross_entropy_with_logits(ours, its.sigmoid(), reduction="sum").item()
            for ours, its in zip(odds, told, strict=True)
        ]
        assert lose(3) - lose(1) == pytest.approx(0.25 * sum(of_rows[1:3]), abs=1e-3)
        assert lose(4) - lose(3) == pytest.approx(0.25 * of_rows[3], abs=1e-3) != 0


# --- the questions of the town ----------------------------------------------------------------------------------------


def test_what_holds_a_key_fact_at_a_gold_place_is_right_and_what_nobody_judged_unknown() -> None:
    both, one, none = "届出は十四日以内。", "手数料は３００円。", "窓口へ。"
    facts = ("十四日", "300円")

    def label(text: str, key_facts: tuple[str, ...], *, is_at_gold: bool) -> tuple[int | None, tuple[int | None, ...]]:
        labelled = label_passage(chunk_of("題", text), key_facts, is_at_gold=is_at_gold)
        return labelled.label, labelled.labels

    assert label(both + none, facts, is_at_gold=True) == (1, (1, 0))
    assert label(none + none, facts, is_at_gold=True) == (None, (None, None)), "it may answer in other words"
    assert label(one + none, facts, is_at_gold=False) == (0, (None, 0))
    assert label(both + one + none, facts, is_at_gold=False) == (None, (None, None, 0)), "it may answer as well"
    assert label(both + one, (), is_at_gold=False) == (0, (0, 0)), "no document answers"
    assert label(both, (), is_at_gold=True) == (None, (None,)), "nobody said what answers"


def test_the_town_comes_back_as_it_was_written(town_file: Path, town: list[TownQuestion]) -> None:
    rows = [json.loads(line) for line in gzip.decompress(town_file.read_bytes()).splitlines()]
    right = town[1].passages[1]

    assert rows[1]["question"] == "蛇口はどうする?", "folded"
    assert [row["is_answerable"] for row in rows] == [True] * 5 + [False]
    assert {row["fold"] for row in rows[:5]} == {0, 1, 2, 3}
    assert [question.fold for question in town] == [row["fold"] for row in rows]
    for pieces, text in zip(
        (town[1].question, right.name, *right.sentences),
        ("蛇口はどうする?", "ab蛇口\n届出", "蛇口のことである。", "(大切)3000円である。"),
        strict=True,
    ):
        np.testing.assert_array_equal(pieces, cut_pieces([text])[0])
    assert (right.label, right.labels) == (RIGHT, [WRONG, RIGHT])
    assert [passage.label for passage in town[1].passages] == [WRONG, RIGHT, WRONG, WRONG, WRONG]
    assert [passage.label for passage in town[5].passages] == [WRONG] * 5


def test_a_label_that_is_missing_is_said(tmp_path: Path) -> None:
    passage = {"name": "題", "sentences": ["一。", "二。"], "labels": [1], "label": 1}
    row = json.dumps({"question": "問", "fold": 0, "passages": [passage]})
    (tmp_path / "town.jsonl.gz").write_bytes(gzip.compress(row.encode()))

    with pytest.raises(ValueError, match="題: 2 sentences, 1 labels"):
        read_town(tmp_path / "town.jsonl.gz")


def passage(label: int, *labels: int) -> TownPassage:
    """Return a passage whose sentence n is the piece 10 + n, with the name 9."""
    return TownPassage(np.array([9]), [np.array([10 + n]) for n in range(len(labels))], list(labels), label)


def test_a_right_passage_without_what_answers_is_wrong() -> None:
    left = passage(RIGHT, WRONG, RIGHT, WRONG).without_answers()

    assert (left.label, left.labels) == (WRONG, [WRONG, WRONG])
    assert [one.tolist() for one in left.sentences] == [[10], [12]]
    for kept in (passage(RIGHT, RIGHT), passage(WRONG, WRONG, UNKNOWN), passage(UNKNOWN, UNKNOWN)):
        assert kept.without_answers() is kept


def test_a_right_passage_comes_first_and_each_but_once() -> None:
    found = [passage(WRONG, WRONG), passage(UNKNOWN, UNKNOWN), passage(RIGHT, RIGHT), passage(WRONG, WRONG, WRONG)]
    generator = np.random.default_rng(0)

    for _ in range(20):
        drawn = draw_passages(found, 3, generator)
        assert drawn[0] is found[2] and len({id(one) for one in drawn}) == 3
    second = [id(draw_passages(found, 2, generator)[1]) for _ in range(400)]
    assert second.count(id(found[0])) > second.count(id(found[3])), "what was found first is drawn more often"
    assert len(draw_passages(found, 9, generator)) == 4


def test_lists_of_the_town_label_the_ends_of_sentences_and_cut_one_in_four() -> None:
    asked = TownQuestion(np.array([7]), 1, [passage(RIGHT, WRONG, RIGHT), *(passage(WRONG, WRONG, UNKNOWN),) * 3])
    lists = TownLists([asked], 0, choices=6, batch=400, most=64, seed=0)
    ids, segments, labels, of_rows = next(iter(lists))

    assert ids.shape == segments.shape == labels.shape == (2_400, ids.shape[1])
    assert (labels[ids != END] == UNKNOWN).all()
    first, cut = ids[::6], of_rows[::6] == WRONG
    assert 0.2 < cut.float().mean() < 0.3
    assert not (first[cut] == 11).any() and (first[~cut] == 11).any(dim=1).all(), "the answer is taken out"
    assert (labels[::6] == RIGHT).any(dim=1).equal(~cut)
    assert 0.05 < 1 - (first == 9).any(dim=1).float().mean() < 0.15, "one in ten without name"
    assert (of_rows.view(-1, 6)[:, 1:4] == WRONG).all() and (of_rows.view(-1, 6)[:, 4:] == UNKNOWN).all()
    with pytest.raises(ValueError, match="fold 1"):
        TownLists([asked], 1, choices=6, batch=1, most=64, seed=0)


def test_a_passage_whose_answer_is_not_read_is_unknown() -> None:
    asked = TownQuestion(np.array([7]), 1, [passage(RIGHT, WRONG, RIGHT), *(passage(WRONG, WRONG),) * 3])
    of_rows = next(iter(TownLists([asked], None, choices=4, batch=40, most=7, seed=0)))[3]

    assert set(of_rows[::4].tolist()) == {UNKNOWN, WRONG}


def test_what_is_unknown_of_the_town_teaches_nothing() -> None:
    reader = lively(APART)
    ids, segments = read_last([[21, 22, 23], [31, 32, 33]])
    ends = torch.where(ids == END, WRONG, UNKNOWN)

    def lose(labels: torch.Tensor, *of_rows: int) -> float:
        with torch.no_grad():
            return town_loss(reader, ids, segments, labels, torch.tensor(of_rows), choices=2).item()

    nothing = torch.full_like(ids, UNKNOWN)
    assert lose(nothing, UNKNOWN, UNKNOWN) == lose(nothing, RIGHT, UNKNOWN) == lose(nothing, WRONG, WRONG) == 0
    chances = score_passages(reader, ids, segments).softmax(dim=0)
    assert lose(nothing, RIGHT, WRONG) == pytest.approx(-chances[0].log().item(), abs=1e-4)
    odds = reader(ids, segments)[ids == END]
    assert lose(ends, UNKNOWN, UNKNOWN) == pytest.approx(0.5 * 0.4 * torch.nn.functional.softplus(odds).sum().item())


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
