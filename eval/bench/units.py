"""Learn which sentence of a passage answers: python -m eval.bench.units DATA [--write]

DATA is a folder of question sets; those whose questions mark the words that answer them are used (see eval.bench.retrieval_sets).
Half of the questions of each fit the model, and the answers of the other half are printed: the share that holds the marked words,
the share that cites a right place, the share of the citations that are right, and the median length. --write replaces
units_public.json, which `eval.bench.units_town` moves on, and `eval.bench.unit_trees` corrects.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from eval.bench.asked_sets import MAX_CHARS, choose_questions, holds_answer, is_right, label_units, open_set
from eval.bench.retrieval_sets import BenchQuestion, BenchSet, read_set
from eval.bench.units_town import PUBLIC
from rag.answering.extractive import build_extract
from rag.answering.selection import choose_units
from rag.answering.unit_features import MEASURES, Measured
from rag.answering.unit_model import UnitModel, score_units
from rag.documents import Passage
from rag.retrieval.learned import LinearModel

SETS = ("jaquad_dev", "jsquad_valid")
QUESTIONS_PER_SET = 2_000
_STRENGTH = 1.0  # inverse of the ridge on standardised weights


@dataclass(frozen=True, slots=True)
class Sample:
    """One question, asked: its passages, its units with their features, and which of them hold the answer at a right place."""

    bench_set: BenchSet
    question: BenchQuestion
    passages: tuple[Passage, ...]
    measured: Measured
    labels: tuple[bool, ...]


def collect(data: Path, name: str, most: int = QUESTIONS_PER_SET) -> Iterator[Sample]:
    """Yield the questions of a set, asked of all its documents."""
    bench_set = read_set(data / name)
    with open_set(bench_set) as (retriever, answerer):
        for question in choose_questions(bench_set, most):
            asked = retriever.understand(question.text)
            passages = retriever.retrieve(asked, limit=10)
            measured = answerer.measure(asked, passages)
            labels = label_units(bench_set, question, measured.units, passages)
            yield Sample(bench_set, question, tuple(passages), measured, tuple(labels))


def fit(samples: Sequence[Sample]) -> LinearModel:
    """Return the logistic regression of "this unit holds the answer" over the measures, standardised while it is fitted."""
    from sklearn.linear_model import LogisticRegression

    features = np.concatenate([sample.measured.features[:, : len(MEASURES)] for sample in samples])
    labels = np.concatenate([sample.labels for sample in samples])
    means, deviations = features.mean(axis=0), features.std(axis=0) + 1e-9
    model = LogisticRegression(C=_STRENGTH, max_iter=2_000).fit((features - means) / deviations, labels)
    weights = model.coef_[0] / deviations
    return LinearModel(_by_name(weights), _by_name(means), 1.0, round(float(model.intercept_[0]), 5))


def _by_name(values: np.ndarray) -> dict[str, float]:
    return {name: round(float(value), 5) for name, value in zip(MEASURES, values, strict=True)}


def describe(samples: Sequence[Sample], models: Sequence[UnitModel]) -> str:
    """Return what the answers of samples hold, cite and how long they are, in one line. models: for each sample."""
    holds, cites, precise, lengths = [], [], [], []
    for sample, model in zip(samples, models, strict=True):
        units = score_units(sample.measured, model)
        chosen = choose_units(units, sample.passages, max_chars=MAX_CHARS)
        text = build_extract(chosen, sample.passages).text
        right = [
            is_right(sample.bench_set, sample.question, sample.passages[n]) for n in {unit.passage for unit in chosen}
        ]
        holds.append(holds_answer(sample.question, text))
        cites.append(any(right))
        precise.append(statistics.fmean(right) if right else 0.0)
        lengths.append(len(text))
    shares = (statistics.fmean(values) for values in (holds, cites, precise))
    figures = "  ".join(f"{n} {v:.3f}" for n, v in zip(("holds", "cites", "precise"), shares, strict=True))
    return f"{figures}  median {statistics.median(lengths):.0f} characters, of {len(samples)}"


def main() -> None:
    """Fit, print, and write when asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    samples = {name: list(collect(options.data, name)) for name in SETS}
    model = fit([sample for of_set in samples.values() for sample in of_set[::2]])
    for name, of_set in samples.items():
        held = of_set[1::2]
        print(f"{name}: {describe(held, [UnitModel(model)] * len(held))}")
    for name, weight in sorted(model.weights.items(), key=lambda item: -abs(item[1])):
        print(f"  {name} {weight:+.3f}")
    if options.write:
        model.write(PUBLIC)


if __name__ == "__main__":
    main()
