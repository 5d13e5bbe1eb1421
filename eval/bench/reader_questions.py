"""Write what the reader learns from the town: python -m eval.bench.reader_questions FILE

The town's questions that may be learned from are asked of the current index, and each is written with its fold and its first passages,
sentence by sentence, all folded as the index holds them; FILE (.jsonl.gz) goes to `rag.models.train_reader --town`. What answers is
labelled 1, what does not 0, and what nobody has judged null.
"""

from __future__ import annotations

import argparse
import gzip
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from eval.bench.town_questions import Town, fold_by_document, open_town, read_town_questions
from eval.matching import missing_facts
from eval.questions import Question
from rag.documents import Chunk
from rag.indexing.lexical import name_of
from rag.text import fold, split_sentences

PASSAGES = 8


@dataclass(frozen=True, slots=True)
class LabelledPassage:
    """A passage and its sentences, folded; labels: of the sentences, label: of the whole."""

    name: str
    sentences: tuple[str, ...]
    labels: tuple[int | None, ...]
    label: int | None


def write_questions(file: Path, questions: Sequence[Question], town: Town) -> None:
    """Write the questions with what the town finds for them."""
    folds = fold_by_document(questions)
    lines = [
        json.dumps(
            {
                "question": fold(question.text),
                "fold": folds[question.id],
                "is_answerable": question.answerable,
                "passages": [asdict(passage) for passage in _label_found(question, town)],
            },
            ensure_ascii=False,
        )
        for question in questions
    ]
    file.write_bytes(gzip.compress("\n".join(lines).encode(), mtime=0))


def _label_found(question: Question, town: Town) -> Iterator[LabelledPassage]:
    passages = town.ask(question, PASSAGES)[1]
    facts = question.key_facts if question.answerable else ()
    at_gold = town.find_gold(question, passages) if question.answerable else [False] * len(passages)
    for passage, is_gold in zip(passages, at_gold, strict=True):
        yield label_passage(passage.chunk, facts, is_at_gold=is_gold)


def label_passage(chunk: Chunk, key_facts: Sequence[str], *, is_at_gold: bool) -> LabelledPassage:
    """Return a passage with its labels. key_facts: none of a question that no document answers.

    A passage at a gold place is right if one of its sentences holds a key fact, and such sentences are; without one nothing of it is
    known. Another passage is wrong, but unknown where it holds all key facts, and so are its sentences that hold one.
    """
    sentences = [chunk.text[start:end] for start, end in split_sentences(chunk.text)]
    holds = [len(missing_facts(sentence, key_facts)) < len(key_facts) for sentence in sentences]
    labels: list[int | None]
    label: int | None
    if is_at_gold and any(holds):
        label, labels = 1, [int(one) for one in holds]
    elif is_at_gold:
        label, labels = None, [None] * len(sentences)
    else:
        label = None if key_facts and not missing_facts(chunk.text, key_facts) else 0
        labels = [None if one else 0 for one in holds]
    return LabelledPassage(fold(name_of(chunk)), tuple(fold(one) for one in sentences), tuple(labels), label)


def main() -> None:
    """Write the file, and print how much is in it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    options = parser.parse_args()
    questions = read_town_questions()
    with open_town() as town:
        write_questions(options.file, questions, town)
    answerable = sum(question.answerable for question in questions)
    print(f"{options.file}: {len(questions)} questions, {answerable} answerable, {PASSAGES} passages each")


if __name__ == "__main__":
    main()
