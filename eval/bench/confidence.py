"""Fit the confidence of extractive answers: python -m eval.bench.confidence DATA [--write]

DATA is a folder of question sets, each with corpus.jsonl {id,title,text}, queries.jsonl {id,text} and qrels.tsv (query, doc,
grade). Every question is asked four times: of all documents (right when the answer cites a right one), with the right ones
hidden, with everything hidden that has the title of a right one, and of all documents with its rarest noun exchanged for one
of another question (a near miss; the last three are never right). Half of the questions fit the model, the other half is
printed. --write replaces confidence.json.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from eval.bench.retrieval_sets import BenchQuestion, key_of, read_set, write_corpus
from rag.answering.answerer import Answerer
from rag.answering.confidence import COEFFICIENTS_FILE, Calibration, Evidence
from rag.answering.extractive import choose_units
from rag.documents import Contact, Passage
from rag.indexing.embedders import EmbedderLibrary
from rag.indexing.snapshot import Snapshot, SnapshotStore
from rag.indexing.sync import sync
from rag.retrieval.fusion import fuse_scores
from rag.retrieval.query import parse_query
from rag.retrieval.retriever import Retriever
from rag.settings import Settings

SETS = ("jaquad_dev", "jsquad_valid", "baobab_wiki_ja", "nta_shitsugi", "tmu_elearning_faq")
QUESTIONS_PER_SET = 400
UNANSWERABLE_SHARE = 0.15  # what a town hall sees; the hidden half is weighted down to it
ASKINGS = 4
THRESHOLD = 0.5  # answer when the answer is likelier right than wrong
_LIMIT = 40
_PENALTY = 1e-3


def collect(data: Path, name: str) -> Iterator[tuple[str, Evidence, bool, float]]:
    """Yield (question id, evidence, answer is right, weight) of each asking of each question of a set."""
    bench_set = read_set(data / name)
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary)
        write_corpus(bench_set, root / "corpus")
        settings = Settings(corpus=root / "corpus", index=root / "index")
        sync(settings)
        snapshot = SnapshotStore(settings.index).open_current()
        embedder = EmbedderLibrary(settings).for_snapshot(snapshot.manifest)
        questions = list(bench_set.questions)
        random.Random(3).shuffle(questions)
        chosen = questions[:QUESTIONS_PER_SET]
        for question, other in zip(chosen, [*chosen[1:], chosen[0]], strict=True):
            yield from ask_again(snapshot, embedder, question, other)
        snapshot.close()


def ask_again(
    snapshot: Snapshot,
    embedder: Any,
    question: BenchQuestion,
    stranger: BenchQuestion,
) -> Iterator[tuple[str, Evidence, bool, float]]:
    """Yield the evidence of all askings of a question; `stranger` lends a noun to its near miss."""
    retriever = Retriever(snapshot, embedder)
    calibration = Calibration(0.0, {}, 0.0)
    answerer = Answerer(
        retriever, embedder, snapshot.catalog, calibration=calibration, max_chars=300, contact=Contact("総務課")
    )
    asked = retriever.understand(question.text)
    passages = retriever.retrieve(asked, limit=_LIMIT)
    hidden = [passage for passage in passages if not is_right(passage, question)]
    titles = {passage.chunk.title for passage in passages if is_right(passage, question)}
    other = [passage for passage in hidden if passage.chunk.title not in titles]
    near_miss = retriever.understand(exchange_noun(question.text, stranger.text, retriever))
    dense = embedder.dense_weight
    askings = [
        (asked, passages),
        (asked, retriever.order(asked, rescale(hidden, dense))),
        (asked, retriever.order(asked, rescale(other or hidden, dense))),
        (near_miss, retriever.retrieve(near_miss, limit=_LIMIT)),
    ]
    for number, (text, shown) in enumerate(askings):
        units, evidence = answerer.examine(text, shown)
        chosen = choose_units(units, shown, max_chars=300)
        right = number == 0 and any(is_right(shown[unit.passage], question) for unit in chosen)
        weight = UNANSWERABLE_SHARE / (ASKINGS - 1) if number else 1 - UNANSWERABLE_SHARE
        yield question.id, evidence, right, weight


def is_right(passage: Passage, question: BenchQuestion) -> bool:
    """Tell whether a passage stands at a right place of a question."""
    return question.gold.get(key_of((passage.chunk.source, passage.chunk.locator)), 0) >= 1


def exchange_noun(question: str, stranger: str, retriever: Retriever) -> str:
    """Return a question with its rarest noun replaced by the rarest of another question: asked of a thing that is not there."""
    rarest = [find_rarest_noun(text, retriever) for text in (question, stranger)]
    return question.replace(rarest[0], rarest[1]) if all(rarest) else stranger


def find_rarest_noun(question: str, retriever: Retriever) -> str:
    """Return the noun of two characters or more that the fewest chunks have, as it stands in the question; "" for none."""
    found = [noun for noun in parse_query(question).nouns if len(noun) > 1 and noun in question]
    weights = retriever.term_weights(found)
    return max(found, key=lambda noun: weights[noun], default="")


def rescale(passages: Sequence[Passage], dense_weight: float) -> list[Passage]:
    """Return passages with the fused scores that they have when nothing else was found."""
    legs = [{str(i): p.legs[leg] for i, p in enumerate(passages)} for leg in ("lexical", "dense")]
    scores = fuse_scores(legs[0], legs[1], dense_weight=dense_weight)
    changed = [replace(passage, score=scores[str(i)]) for i, passage in enumerate(passages)]
    return sorted(changed, key=lambda passage: -passage.score)


def fit(features: np.ndarray, right: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return [intercept, coefficients…] of a weighted logistic regression with a small ridge on the coefficients."""
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=1 / (_PENALTY * len(features)), solver="newton-cholesky", tol=1e-10)
    model.fit(features, right, sample_weight=weights)
    return np.concatenate([model.intercept_, model.coef_[0]])


def report(
    probability: np.ndarray, right: np.ndarray, hidden: np.ndarray, weights: np.ndarray
) -> list[tuple[float, ...]]:
    """Return (threshold, abstention F1, recall, precision, share of the answerable lost) over thresholds."""
    rows: list[tuple[float, ...]] = []
    for threshold in np.arange(0.2, 0.8, 0.025):
        silent = probability < threshold
        said, should = (weights * silent).sum(), (weights * hidden).sum()
        both = (weights * (silent & hidden)).sum()
        recall, precision = both / should, both / max(said, 1e-9)
        lost = (weights * (silent & ~hidden & (right > 0))).sum() / (weights * ~hidden).sum()
        rows.append((threshold, 2 * recall * precision / max(recall + precision, 1e-9), recall, precision, lost))
    return rows


def main() -> None:
    """Fit, print, and write when asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    rows = [row for name in SETS for row in collect(options.data, name)]
    features = np.array([list(asdict(evidence).values()) for _, evidence, _, _ in rows])
    right = np.array([float(ok) for _, _, ok, _ in rows])
    weights = np.array([weight for *_, weight in rows])
    hidden = np.arange(len(rows)) % ASKINGS > 0
    half = (np.arange(len(rows)) // ASKINGS) % 2 == 0
    theta = fit(features[half], right[half], weights[half])
    probability = 1 / (1 + np.exp(-np.column_stack([np.ones(len(rows)), features]) @ theta))
    table = report(probability[~half], right[~half], hidden[~half], weights[~half])
    print("threshold  F1     recall precision lost")
    for line in table:
        print("  ".join(f"{value:.3f}" for value in line))
    error = np.abs(
        np.average(probability[~half], weights=weights[~half]) - np.average(right[~half], weights=weights[~half])
    )
    print(f"mean probability against share right, held-out half: {error:.4f} apart")
    names = [field.name for field in fields(Evidence)]
    coefficients = dict(zip(names, (round(float(value), 4) for value in theta[1:]), strict=True))
    result = {
        "intercept": round(float(theta[0]), 4),
        "coefficients": coefficients,
        "threshold": THRESHOLD,
    }
    print(json.dumps(result, indent=1))
    if options.write:
        COEFFICIENTS_FILE.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
