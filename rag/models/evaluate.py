"""Measure an embedder alone, without the lexical leg: `python -m rag.models.evaluate BENCH [--model M] [SET ...]`.

BENCH holds one folder per set: corpus.jsonl {id, title, text}, queries.jsonl {id, text}, qrels.tsv (query, document, grade).
Each document of a corpus (title and text) is one text to be found.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np

from rag.indexing.embedding import Embedder, open_embedder

CUTOFF = 10
_QUERIES_AT_ONCE = 512


def measure_set(folder: Path, embedder: Embedder) -> tuple[float, float, int]:
    """Return hit@1, nDCG@10 and the number of the questions that have an answer in the corpus."""
    documents, qrels = _read_lines(folder / "corpus.jsonl"), _read_qrels(folder / "qrels.tsv")
    questions = [question for question in _read_lines(folder / "queries.jsonl") if question["id"] in qrels]
    texts = [f"{document.get('title') or ''}\n{document['text']}".strip() for document in documents]
    vectors = embedder.embed_documents(texts)
    hits, gains = [], []
    for start in range(0, len(questions), _QUERIES_AT_ONCE):
        part = questions[start : start + _QUERIES_AT_ONCE]
        asked = np.stack([embedder.embed_query(question["text"]) for question in part])
        for question, order in zip(part, np.argsort(-(asked @ vectors.T), axis=1, kind="stable"), strict=True):
            ranked = [documents[index]["id"] for index in order[:CUTOFF]]
            hits.append(qrels[question["id"]].get(ranked[0], 0) > 0)
            gains.append(ndcg(ranked, qrels[question["id"]]))
    return float(np.mean(hits)), float(np.mean(gains)), len(questions)


def ndcg(ranked: list[str], grades: dict[str, int]) -> float:
    """Return nDCG with linear gains.

    >>> ndcg(["a", "b"], {"a": 1}), round(ndcg(["b", "a"], {"a": 1}), 3)
    (1.0, 0.631)
    """
    discounts = 1 / np.log2(np.arange(2, CUTOFF + 2))
    best = sorted(grades.values(), reverse=True)[:CUTOFF]
    found = [grades.get(document, 0) for document in ranked[:CUTOFF]]
    return float(np.dot(found, discounts[: len(found)]) / np.dot(best, discounts[: len(best)]))


def _read_lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").split("\n") if line]


def _read_qrels(file: Path) -> dict[str, dict[str, int]]:
    qrels: dict[str, dict[str, int]] = {}
    for line in filter(None, file.read_text(encoding="utf-8").split("\n")):
        question, document, grade = line.split("\t")
        if int(grade) > 0:
            qrels.setdefault(question, {})[document] = int(grade)
    return qrels


def main() -> None:
    """Print one line of a Markdown table per set."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bench", type=Path, help="評価セットのフォルダー")
    parser.add_argument("sets", nargs="*", help="セットの名前（省略時はすべて）")
    parser.add_argument("--model", help="モデルのフォルダーまたは名前（省略時は標準のモデル）")
    arguments = parser.parse_args()
    embedder = open_embedder(arguments.model)
    print(f"{embedder.name} {embedder.fingerprint}\n")
    print("| set | questions | hit@1 | nDCG@10 | seconds |\n|---|---|---|---|---|")
    for name in arguments.sets or sorted(path.name for path in arguments.bench.iterdir() if path.is_dir()):
        started = time.monotonic()
        hit, gain, count = measure_set(arguments.bench / name, embedder)
        print(f"| {name} | {count} | {hit:.3f} | {gain:.3f} | {time.monotonic() - started:.1f} |")


if __name__ == "__main__":
    main()
