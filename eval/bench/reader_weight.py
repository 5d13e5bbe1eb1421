"""Fit how much the reader counts beside the learned reranker: python -m eval.bench.reader_weight DATA [--write]

The town's questions that may be learned from, and those of the public sets, are asked; what the reader says joins the sum of the
reranker with one weight: that with which most first passages are right, the town counting as much as all public sets together, and
each of these by the root of its number of questions (of 108 questions one is a point, which is no reason to choose). (The likeliest
weight, of a softmax over the candidates, is .49: it loses what it wins.) Printed is the share for each weight. The offset is set so
that the probability of the first passages is right as often as it says. --write puts both into reranker.json; run it after
`eval.bench.reranker_town`.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eval.bench.asked_sets import is_right, open_set, run_at_once
from eval.bench.retrieval_sets import read_set
from eval.bench.town_questions import open_town, read_town_questions, weigh_wordings
from rag.documents import Passage
from rag.retrieval.close_reading import MOST
from rag.retrieval.learned import READER, LinearModel, read_model
from rag.retrieval.reader import UNREAD

SETS = ("jaquad_dev", "jsquad_valid", "baobab_wiki_ja", "lawqa_jp", "nta_shitsugi", "tmu_elearning_faq")
WEIGHTS = (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4)
_TOWN = "town"
_TOWN_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class Asked:
    """The first candidates of a question. sums: log odds without the reader; read: what it says, above nothing; right: at a gold place."""

    sums: NDArray[np.float64]
    read: NDArray[np.float64]
    right: NDArray[np.bool_]
    is_everyday: bool = False

    @classmethod
    def of(cls, passages: Sequence[Passage], right: Sequence[bool], *, is_everyday: bool = False) -> Asked:
        """Take what a retriever found apart."""
        sums = [sum(v for name, v in p.contributions.items() if name != READER) for p in passages]
        read = [p.features[READER] - UNREAD for p in passages]
        return cls(np.array(sums), np.array(read), np.array(right, dtype=bool), is_everyday)

    def choose(self, weight: float) -> tuple[float, bool]:
        """Return the log odds of the candidate that comes first with a weight of the reader, and whether it is right."""
        odds = self.sums + weight * self.read
        first = int(odds.argmax())
        return float(odds[first]), bool(self.right[first])


def collect_town() -> list[Asked]:
    """Ask the town's answerable questions; the reader of whole passages has learned none of them."""
    found = []
    with open_town() as town:
        for question in read_town_questions():
            if question.answerable:
                _, passages = town.ask(question, MOST)
                found.append(Asked.of(passages, town.find_gold(question, passages), is_everyday=question.is_paraphrase))
    return found


def collect_public(data: Path, name: str) -> list[Asked]:
    """Ask questions of a public set."""
    bench_set = read_set(data / name)
    with open_set(bench_set) as (retriever, _):
        asked = [(q, retriever.retrieve(q.text, limit=MOST)) for q in bench_set.questions]
    return [Asked.of(passages, [is_right(bench_set, q, p) for p in passages]) for q, passages in asked if passages]


def weigh(of_sets: Mapping[str, Sequence[Asked]]) -> tuple[list[Asked], NDArray[np.float64]]:
    """Return all questions and the weight of each."""
    asked: list[Asked] = []
    weights: list[NDArray[np.float64]] = []
    roots = {name: len(questions) ** 0.5 for name, questions in of_sets.items() if name != _TOWN}
    for name, questions in of_sets.items():
        share = _TOWN_SHARE if name == _TOWN else (1 - _TOWN_SHARE) * roots[name] / sum(roots.values())
        asked += questions
        weights.append(share * weigh_wordings([one.is_everyday for one in questions]))
    return asked, np.concatenate(weights)


def fit(of_sets: Mapping[str, Sequence[Asked]], model: LinearModel) -> tuple[float, float]:
    """Return the weight of the reader and the offset of the sum."""
    from scipy.optimize import minimize_scalar

    asked, weights = weigh(of_sets)

    def count_right(weight: float) -> float:
        return float(weights @ [one.choose(weight)[1] for one in asked])

    weight = max(WEIGHTS, key=count_right)
    sums, right = np.array([one.choose(weight) for one in asked]).T
    odds = sums + model.offset

    def miss(shift: float) -> float:
        return float((weights * (np.logaddexp(0, odds + shift) - right * (odds + shift))).sum())

    shift = float(minimize_scalar(miss, bounds=(-5, 5), method="bounded").x)
    return weight, round(model.offset + shift, 4)


def measure(questions: Sequence[Asked], weight: float) -> float:
    """Return the share of questions whose first candidate is right."""
    return float(np.mean([one.choose(weight)[1] for one in questions]))


def main() -> None:
    """Print what each weight brings, and write when asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    calls: dict[str, Any] = {
        _TOWN: collect_town,
        **{name: partial(collect_public, options.data, name) for name in SETS},
    }
    of_sets: dict[str, list[Asked]] = run_at_once(calls)
    model = read_model()
    weight, offset = fit(of_sets, model)
    for name, questions in of_sets.items():
        line = " ".join(f"{shown:g}:{measure(questions, shown):.4f}" for shown in (0.0, *WEIGHTS))
        print(f"{name} ({len(questions)}): {line}")
    print(f"weight {weight:g}, offset {offset:g}")
    if options.write:
        replace(model, weights={**model.weights, READER: weight}, offset=offset).write()


if __name__ == "__main__":
    main()
