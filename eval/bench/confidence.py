"""Fit the confidence of extractive answers: python -m eval.bench.confidence DATA [--write]

DATA is a folder of question sets (see eval.bench.retrieval_sets). Every question is asked of an index of all documents and of one
that lacks a part of those that answer; there, its question is unanswerable. An answer is right when it cites a right place and,
where the set marks the words that answer, holds them. A near miss, a question whose rarest noun is exchanged for that of another,
is never right. The questions about the invented municipality that may be learned from are asked too, those that are answerable
also without the passages that answer them. Half of the questions fit the model; the other half is printed: how well silence meets
the unanswerable at each threshold, and how well the probability is calibrated. --write replaces confidence.json by a model of that
half and of all the questions about the municipality.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from eval.bench.asked_sets import (
    LIMIT,
    MAX_CHARS,
    choose_dropped,
    choose_questions,
    holds_answer,
    is_right,
    open_set,
    without,
)
from eval.bench.retrieval_sets import BenchQuestion, BenchSet, read_set
from eval.bench.town_questions import Town, open_town, read_town_questions
from eval.matching import missing_facts
from eval.questions import Question
from rag.answering.answerer import Answerer
from rag.answering.confidence import COEFFICIENTS_FILE, Calibration, Evidence
from rag.answering.extractive import build_extract
from rag.answering.selection import choose_units
from rag.documents import Passage
from rag.retrieval.editions import keep_one_edition
from rag.retrieval.query import Question as Understood
from rag.retrieval.query import parse_query
from rag.retrieval.retriever import Retriever

SETS = ("jaquad_dev", "jsquad_valid", "baobab_wiki_ja", "nta_shitsugi", "tmu_elearning_faq")
QUESTIONS_PER_SET = 800
DROPPED = 0.4  # of the documents that answer, in the second index
UNANSWERABLE_SHARE = 0.15  # what a town hall sees: the askings are weighted to it
NEAR_MISSES = 0.2  # of it
MOST_LOST = 0.07  # of the answerable questions, whose right answer silence may withhold, in the mean of the sets
TOWN = "town"
TOWN_SHARE = 0.25  # of the weight of all askings
_TOWN_LIMIT = 60
_STRENGTH = 0.03  # inverse of the ridge on standardised coefficients
_BINS = 10


@dataclass(frozen=True, slots=True)
class Asking:
    """One asking: what the evidence looked like, whether the answer was right, and whether there was one to be found."""

    evidence: Evidence
    is_right: bool
    is_answerable: bool
    is_near_miss: bool = False


def collect(data: Path, name: str) -> Iterator[list[Asking]]:
    """Yield the askings of each question of a set."""
    bench_set = read_set(data / name)
    questions = choose_questions(bench_set, QUESTIONS_PER_SET)
    askings: list[list[Asking]] = [[] for _ in questions]
    for dropped in (frozenset[str](), choose_dropped(bench_set, DROPPED)):
        with open_set(bench_set, dropped) as (retriever, answerer):
            for place, question in enumerate(questions):
                left = without(question, dropped)
                if dropped and left.gold:
                    continue  # the same as before
                asked = retriever.understand(question.text)
                askings[place].append(_ask(bench_set, left, asked, retriever, answerer))
                if not dropped:
                    stranger = questions[(place + 1) % len(questions)]
                    askings[place].append(_ask_near_miss(bench_set, question, stranger, retriever, answerer))
    yield from askings


def collect_town(town: Town) -> list[list[Asking]]:
    """Return the askings of each question about the municipality; without its passages it is unanswerable, a near miss."""
    return [list(_ask_town(town, question)) for question in read_town_questions()]


def _ask_town(town: Town, question: Question) -> Iterator[Asking]:
    asked, passages = town.ask(question, _TOWN_LIMIT)
    at_gold = town.find_gold(question, passages)
    yield _examine_town(town, question, asked, passages[:LIMIT], is_complete=True)
    others = [passage for passage, gold in zip(passages, at_gold, strict=True) if not gold]
    if question.answerable and others:
        asking = _examine_town(town, question, asked, others[:LIMIT], is_complete=False)
        if not asking.is_right:
            yield replace(asking, is_answerable=False, is_near_miss=True)


def _examine_town(
    town: Town, question: Question, asked: Understood, passages: Sequence[Passage], *, is_complete: bool
) -> Asking:
    """Return an asking. Without its passages an answer is right where it holds the key facts all the same: they stand elsewhere too."""
    passages = keep_one_edition(passages)
    units, evidence = town.answerer.examine(asked, passages)
    chosen = choose_units(units, passages, max_chars=town.max_chars)
    holds = question.answerable and not missing_facts(build_extract(chosen, passages).text, question.key_facts)
    at_gold = town.find_gold(question, passages)
    cites = any(at_gold[unit.passage] for unit in chosen) or not is_complete
    return Asking(evidence, holds and cites, question.answerable)


def _ask(
    bench_set: BenchSet, question: BenchQuestion, asked: Understood, retriever: Retriever, answerer: Answerer
) -> Asking:
    passages = retriever.retrieve(asked, limit=LIMIT)
    units, evidence = answerer.examine(asked, passages)
    chosen = choose_units(units, passages, max_chars=MAX_CHARS)
    cites = any(is_right(bench_set, question, passages[unit.passage]) for unit in chosen)
    holds = not question.answers or holds_answer(question, build_extract(chosen, passages).text)
    return Asking(evidence, cites and holds, bool(question.gold))


def _ask_near_miss(
    bench_set: BenchSet, question: BenchQuestion, stranger: BenchQuestion, retriever: Retriever, answerer: Answerer
) -> Asking:
    asked = retriever.understand(exchange_noun(question.text, stranger.text, retriever))
    nothing = without(question, frozenset(question.gold))
    asking = _ask(bench_set, nothing, asked, retriever, answerer)
    return Asking(asking.evidence, False, False, is_near_miss=True)


def exchange_noun(question: str, stranger: str, retriever: Retriever) -> str:
    """Return a question with its rarest noun replaced by the rarest of another question: asked of a thing that is not there."""
    rarest = [find_rarest_noun(text, retriever) for text in (question, stranger)]
    return question.replace(rarest[0], rarest[1]) if all(rarest) else stranger


def find_rarest_noun(question: str, retriever: Retriever) -> str:
    """Return the noun of two characters or more that the fewest chunks have, as it stands in the question; "" for none."""
    found = [noun for noun in parse_query(question).nouns if len(noun) > 1 and noun in question]
    weights = retriever.term_weights(found)
    return max(found, key=lambda noun: weights[noun], default="")


def weigh(askings: Sequence[Asking]) -> np.ndarray:
    """Return the weight of each asking, so that the unanswerable and the near misses among them have the shares above."""
    shares = {
        (True, False): 1 - UNANSWERABLE_SHARE,
        (False, False): UNANSWERABLE_SHARE * (1 - NEAR_MISSES),
        (False, True): UNANSWERABLE_SHARE * NEAR_MISSES,
    }
    kinds = [(asking.is_answerable, asking.is_near_miss) for asking in askings]
    return np.array([shares[kind] / kinds.count(kind) for kind in kinds]) * len(askings)


def fit(of_sets: Mapping[str, Sequence[Asking]]) -> Calibration:
    """Return the model of how probable a right answer is; threshold 0. of_sets: name of a set -> its askings.

    The town counts as much as TOWN_SHARE says, however few its questions are. A weighted logistic regression tells whether there is
    an answer to be found: that is what silence has to know. Its log odds are then scaled to the share of right answers (Platt 1999),
    so that the probability means what it says.
    """
    from sklearn.linear_model import LogisticRegression

    parts = [part for part in _part_town(of_sets) if part[1]]
    askings = [asking for _, of_part in parts for asking in of_part]
    weights = np.concatenate([share / len(of_part) * weigh(of_part) for share, of_part in parts]) * len(askings)
    rows = [asdict(asking.evidence) for asking in askings]
    values = np.array([list(row.values()) for row in rows], dtype=float)
    means, deviations = values.mean(axis=0), values.std(axis=0) + 1e-9
    found = LogisticRegression(C=_STRENGTH, max_iter=2_000)
    found.fit((values - means) / deviations, [asking.is_answerable for asking in askings], sample_weight=weights)
    odds = found.decision_function((values - means) / deviations)[:, None]
    scaled = LogisticRegression(C=1e6).fit(odds, [asking.is_right for asking in askings], sample_weight=weights)
    scale, offset = float(scaled.coef_[0, 0]), float(scaled.intercept_[0])
    names = list(rows[0])
    coefficients = dict(zip(names, (round(float(c) * scale, 4) for c in found.coef_[0] / deviations), strict=True))
    rounded_means = dict(zip(names, (round(float(mean), 4) for mean in means), strict=True))
    return Calibration(round(float(found.intercept_[0]) * scale + offset, 4), coefficients, 0.0, rounded_means)


def _part_town(of_sets: Mapping[str, Sequence[Asking]]) -> list[tuple[float, list[Asking]]]:
    """Return the askings of all sets but the town, and those of the town, each with its share."""
    others = [asking for name, askings in of_sets.items() if name != TOWN for asking in askings]
    return [(1 - TOWN_SHARE, others), (TOWN_SHARE, list(of_sets.get(TOWN, ())))]


@dataclass(frozen=True, slots=True)
class Silence:
    """What silence below a threshold does. lost: share of the answerable questions that a right answer was withheld from;

    unanswered: share of the answerable questions that got none.
    """

    threshold: float
    f1: float
    recall: float
    precision: float
    unanswered: float
    lost: float


def measure_silence(askings: Sequence[Asking], model: Calibration) -> list[Silence]:
    """Return what each threshold would do, near misses left out: nobody knows what share of questions they are."""
    askings = [asking for asking in askings if not asking.is_near_miss]
    weights, probability = weigh(askings), np.array([model.probability(asking.evidence) for asking in askings])
    answerable = np.array([asking.is_answerable for asking in askings])
    right = np.array([asking.is_right for asking in askings])
    rows = []
    for threshold in np.arange(0.2, 0.9, 0.02):
        silent = probability < threshold
        both = weights[silent & ~answerable].sum()
        recall, precision = both / weights[~answerable].sum(), both / max(weights[silent].sum(), 1e-9)
        unanswered, lost = (weights[silent & answerable & of].sum() / weights[answerable].sum() for of in (True, right))
        f1 = 2 * recall * precision / max(recall + precision, 1e-9)
        rows.append(Silence(round(float(threshold), 2), f1, recall, precision, unanswered, lost))
    return rows


def choose_threshold(of_sets: Sequence[Sequence[Silence]]) -> float:
    """Return the threshold of the best mean F1 of the sets among those that lose no more than MOST_LOST in their mean."""
    means = [
        (rows[0].threshold, np.mean([row.f1 for row in rows]), np.mean([row.lost for row in rows]))
        for rows in zip(*of_sets, strict=True)
    ]
    allowed = [mean for mean in means if mean[2] <= MOST_LOST] or means[:1]
    return float(max(allowed, key=lambda mean: mean[1])[0])


def calibration_error(askings: Sequence[Asking], model: Calibration) -> float:
    """Return the expected calibration error: mean distance of probability and share right over ten bins of equal width."""
    weights, probability = weigh(askings), np.array([model.probability(asking.evidence) for asking in askings])
    right = np.array([float(asking.is_right) for asking in askings])
    bins = np.minimum((probability * _BINS).astype(int), _BINS - 1)
    gaps = [abs((weights * (probability - right))[bins == number].sum()) for number in range(_BINS)]
    return float(sum(gaps) / weights.sum())


def main() -> None:
    """Fit, print, and write when asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    questions = {name: list(collect(options.data, name)) for name in SETS}
    with open_town() as town:
        questions[TOWN] = collect_town(town)
    fitted, held = ({n: [a for q in v[half::2] for a in q] for n, v in questions.items()} for half in (0, 1))
    model = fit(fitted)
    threshold = choose_threshold([measure_silence(of_set, model) for of_set in fitted.values()])
    for name, askings in held.items():
        row = next(row for row in measure_silence(askings, model) if row.threshold >= threshold - 1e-9)
        print(
            f"{name}: F1 {row.f1:.3f}  recall {row.recall:.3f}  precision {row.precision:.3f}  unanswered {row.unanswered:.3f}"
            f"  lost {row.lost:.3f}  calibration error {calibration_error(askings, model):.3f}"
        )
    model = replace(fit({**fitted, TOWN: [a for q in questions[TOWN] for a in q]}), threshold=threshold)
    print(json.dumps(asdict(model), indent=1))
    if options.write:
        COEFFICIENTS_FILE.write_text(json.dumps(asdict(model), indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
