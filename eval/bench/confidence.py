"""Fit the confidence of extractive answers: python -m eval.bench.confidence DATA [--readers DIR] [--write]

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
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eval.bench.asked_sets import (
    LIMIT,
    MAX_CHARS,
    choose_dropped,
    choose_questions,
    holds_answer,
    is_right,
    open_set,
    run_at_once,
    without,
)
from eval.bench.retrieval_sets import BenchQuestion, BenchSet, read_set
from eval.bench.town_questions import (
    Town,
    add_readers,
    fit_without_each,
    open_town,
    read_town_questions,
    weigh_wordings,
)
from eval.matching import missing_facts
from eval.questions import Question
from rag.answering.answerer import Answerer
from rag.answering.confidence import Calibration, Evidence
from rag.answering.extractive import build_extract
from rag.answering.selection import choose_units
from rag.documents import Passage
from rag.retrieval.editions import keep_one_edition
from rag.retrieval.query import Question as Understood
from rag.retrieval.query import parse_query
from rag.retrieval.retriever import Retriever
from rag.retrieval.trees import Tree

SETS = ("jaquad_dev", "jsquad_valid", "baobab_wiki_ja", "nta_shitsugi", "tmu_elearning_faq")
QUESTIONS_PER_SET = 1_200
DROPPED = 0.4  # of the documents that answer, in the second index
UNANSWERABLE_SHARE = 0.15  # what a town hall sees: the askings are weighted to it
NEAR_MISSES = 0.2  # of it
MOST_LOST = 0.07  # of the answerable questions, whose right answer silence may withhold, in the mean of the sets
TOWN = "town"
TOWN_SHARE = 0.5  # of the weight of all askings, and of what the threshold is chosen by
_TOWN_LIMIT = 60
TREES, DEPTH, LEARNING_RATE, LEAST_IN_LEAF = 500, 4, 0.03, 30
_STRENGTH = 0.03  # inverse of the ridge on standardised coefficients
_BINS = 10
Array = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Asking:
    """One asking: what the evidence looked like, whether the answer was right, and whether there was one to be found.

    is_everyday: asked in a citizen's words rather than the document's.
    """

    evidence: Evidence
    is_right: bool
    is_answerable: bool
    is_near_miss: bool = False
    is_everyday: bool = False


def collect(data: Path, name: str) -> list[list[Asking]]:
    """Return the askings of each question of a set."""
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
    return askings


def collect_town(readers: Path | None) -> list[list[Asking]]:
    """Return the askings of each question about the municipality; without its passages it is unanswerable, a near miss."""
    with open_town(readers=readers) as town:
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
    return Asking(evidence, holds and cites, question.answerable, is_everyday=question.is_paraphrase)


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
    """Return the weight of each asking, so that the unanswerable and the near misses among them have the shares above.

    Among those of a kind, the ones in everyday words have the share that `weigh_wordings` gives them.
    """
    shares = {
        (True, False): 1 - UNANSWERABLE_SHARE,
        (False, False): UNANSWERABLE_SHARE * (1 - NEAR_MISSES),
        (False, True): UNANSWERABLE_SHARE * NEAR_MISSES,
    }
    kinds = np.array([(asking.is_answerable, asking.is_near_miss) for asking in askings], dtype=bool).reshape(-1, 2)
    everyday = np.array([asking.is_everyday for asking in askings], dtype=bool)
    weights = np.zeros(len(askings))
    for kind, share in shares.items():
        inside = (kinds == kind).all(axis=1)
        weights[inside] = share * weigh_wordings(everyday[inside].tolist())
    return weights * len(askings)


def fit(of_sets: Mapping[str, Sequence[Sequence[Asking]]]) -> Calibration:
    """Return the model of how probable a right answer is. of_sets: name of a set -> the askings of each question.

    The town counts as much as TOWN_SHARE says, however few its questions are. A weighted logistic regression, and trees boosted on
    what it leaves, tell whether there is an answer to be found: that is what silence has to know. Their log odds are then scaled to
    the share of right answers (Platt 1999), so that the probability means what it says, and the threshold is chosen: both on log
    odds of models that had not seen the question.
    """
    rows = _flatten(of_sets)
    names = list(asdict(rows.askings[0].evidence))
    values = np.array([list(asdict(asking.evidence).values()) for asking in rows.askings], dtype=float)
    means, deviations = values.mean(axis=0), values.std(axis=0) + 1e-9
    standard, answerable = (values - means) / deviations, np.array([a.is_answerable for a in rows.askings])
    unseen = _ask_unseen(standard, answerable, rows)
    scale, offset = _scale(unseen, rows)
    probability = 1 / (1 + np.exp(-offset - scale * unseen))
    silences = {name: measure_silence(*_of_set(rows, probability, name)) for name in of_sets}
    found = _boost(standard, answerable, rows.weights)
    line = found.init_
    coefficients = line.coef_[0] / deviations * scale
    return Calibration(
        round(float(line.intercept_[0]) * scale + offset, 4),
        dict(zip(names, (round(float(c), 4) for c in coefficients), strict=True)),
        choose_threshold(silences),
        dict(zip(names, (round(float(mean), 4) for mean in means), strict=True)),
        [_grow(tree.tree_, names, means, deviations, scale * LEARNING_RATE) for tree in found.estimators_[:, 0]],
    )


@dataclass(frozen=True, slots=True)
class _Rows:
    """Askings of all sets, the set of each, the number of its question, and its weight."""

    askings: list[Asking]
    sets: NDArray[np.str_]
    questions: NDArray[np.int64]
    weights: NDArray[np.float64]


def _flatten(of_sets: Mapping[str, Sequence[Sequence[Asking]]]) -> _Rows:
    of = [(name, asking) for name, questions in of_sets.items() for askings in questions for asking in askings]
    lengths = [len(askings) for questions in of_sets.values() for askings in questions]
    sets = np.array([name for name, _ in of])
    weights = np.zeros(len(of))
    shares = ((sets == TOWN, TOWN_SHARE), (sets != TOWN, 1 - TOWN_SHARE))
    for part, share in shares:
        if part.any():
            weights[part] = weigh([asking for (_, asking), inside in zip(of, part, strict=True) if inside])
            weights[part] *= share / weights[part].sum()
    numbers = np.repeat(np.arange(len(lengths)), lengths)
    return _Rows([asking for _, asking in of], sets, numbers, weights * len(of) / weights.sum())


def _boost(standard: Array, answerable: Array, weights: Array) -> Any:
    from sklearn.ensemble import GradientBoostingClassifier
    from sklearn.linear_model import LogisticRegression

    model = GradientBoostingClassifier(
        init=LogisticRegression(C=_STRENGTH, max_iter=2_000),
        n_estimators=TREES,
        learning_rate=LEARNING_RATE,
        max_depth=DEPTH,
        min_samples_leaf=LEAST_IN_LEAF,
        max_features=0.3,
        subsample=0.7,
        random_state=0,
    )
    return model.fit(standard, answerable, sample_weight=weights)


def _ask_unseen(standard: Array, answerable: Array, rows: _Rows) -> Array:
    """Return the log odds of each asking by a model that had not seen its question."""

    def boost(questions: list[int]) -> Any:
        inside = np.isin(rows.questions, questions)
        return _boost(standard[inside], answerable[inside], rows.weights[inside])

    models = fit_without_each(range(int(rows.questions.max()) + 1), boost)
    of_question = [standard[rows.questions == number] for number in range(len(models))]
    return np.concatenate([m.decision_function(x) for m, x in zip(models, of_question, strict=True)])


def _scale(odds: Array, rows: _Rows) -> tuple[float, float]:
    """Return scale and offset that make a probability of being right of log odds."""
    from sklearn.linear_model import LogisticRegression

    right = [asking.is_right for asking in rows.askings]
    scaled = LogisticRegression(C=1e6).fit(odds[:, None], right, sample_weight=rows.weights)
    return float(scaled.coef_[0, 0]), float(scaled.intercept_[0])


def _of_set(rows: _Rows, probability: Array, name: str) -> tuple[list[Asking], Array]:
    inside = rows.sets == name
    return [asking for asking, of in zip(rows.askings, inside, strict=True) if of], probability[inside]


def _grow(tree: Any, names: Sequence[str], means: Array, deviations: Array, scale: float, node: int = 0) -> Tree:
    """Return a tree of sklearn over values as they are, what it adds multiplied by scale."""
    if tree.children_left[node] == tree.children_right[node]:  # a leaf: both are -1
        return round(float(tree.value[node, 0, 0]) * scale, 4)
    feature = int(tree.feature[node])
    most = float(tree.threshold[node]) * deviations[feature] + means[feature]
    low, high = (
        _grow(tree, names, means, deviations, scale, int(child[node]))
        for child in (tree.children_left, tree.children_right)
    )
    return names[feature], round(float(most), 4), low, high


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


def measure_silence(askings: Sequence[Asking], probability: Array) -> list[Silence]:
    """Return what each threshold would do, near misses left out: nobody knows what share of questions they are.

    probability: of each asking to be answered rightly.
    """
    probability = probability[[not asking.is_near_miss for asking in askings]]
    askings = [asking for asking in askings if not asking.is_near_miss]
    weights = weigh(askings)
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


def choose_threshold(of_sets: Mapping[str, Sequence[Silence]]) -> float:
    """Return the threshold of the best mean F1 of the sets among those that lose no more than MOST_LOST in their mean.

    of_sets: name of a set -> what each threshold does; in both means the town counts as much as TOWN_SHARE says.
    """
    others = max(1, len(of_sets) - (TOWN in of_sets))
    shares = [TOWN_SHARE if name == TOWN else (1 - TOWN_SHARE) / others for name in of_sets]

    def mean(values: Sequence[float]) -> float:
        return float(np.average(values, weights=shares))

    means = [
        (rows[0].threshold, mean([row.f1 for row in rows]), mean([row.lost for row in rows]))
        for rows in zip(*of_sets.values(), strict=True)
    ]
    allowed = [one for one in means if one[2] <= MOST_LOST] or means[:1]
    best: float = max(allowed, key=lambda one: one[1])[0]
    return best


def calibration_error(askings: Sequence[Asking], probability: Array) -> float:
    """Return the expected calibration error: mean distance of probability and share right over ten bins of equal width."""
    weights = weigh(askings)
    right = np.array([float(asking.is_right) for asking in askings])
    bins = np.minimum((probability * _BINS).astype(int), _BINS - 1)
    gaps = [abs((weights * (probability - right))[bins == number].sum()) for number in range(_BINS)]
    return float(sum(gaps) / weights.sum())


def main() -> None:
    """Fit, print, and write when asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    add_readers(parser)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    questions = run_at_once(
        {name: partial(collect, options.data, name) for name in SETS} | {TOWN: partial(collect_town, options.readers)}
    )
    fitted, held = ({name: of[half::2] for name, of in questions.items()} for half in (0, 1))
    model = fit(fitted)
    for name, of in held.items():
        askings = [asking for question in of for asking in question]
        probability = np.array([model.probability(asking.evidence) for asking in askings])
        rows = measure_silence(askings, probability)
        row = next(row for row in rows if row.threshold >= model.threshold - 1e-9)
        print(
            f"{name}: F1 {row.f1:.3f}  recall {row.recall:.3f}  precision {row.precision:.3f}  unanswered {row.unanswered:.3f}"
            f"  lost {row.lost:.3f}  calibration error {calibration_error(askings, probability):.3f}"
        )
    model = fit({**fitted, TOWN: questions[TOWN]})
    print(f"threshold {model.threshold:.2f}, {len(model.trees)} trees")
    if options.write:
        model.write()


if __name__ == "__main__":
    main()
