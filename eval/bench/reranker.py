"""Fit the learned reranker: python -m eval.bench.reranker DATA [--embedder MODEL] [--write]

DATA is a folder of training pairs (*.jsonl.gz); our own topics are in eval/training. An embedder is trained on the pairs and topics
that no collection holds, so that the reranker sees its cosines as they are for new questions; the collections are indexed and
asked; the weights are fitted on the features of the candidates. --embedder names such an embedder that is there already. --write
replaces reranker_public.json, which `eval.bench.reranker_town` moves on.

Loss: of each question the logarithm of the softmax that its right candidates get together (ListNet, Cao et al. 2007, with all right ones
equal). Then scale and offset by a logistic regression, so that the score is a probability.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from eval.bench.reranker_sets import (
    FIXED,
    PUBLIC,
    Collection,
    build_collections,
    build_training_pipeline,
    split_topics,
    write_rest,
)
from rag.indexing.embedding import open_embedder
from rag.indexing.snapshot import SnapshotStore
from rag.indexing.sync import sync
from rag.models.topics import Topic, read_topics, write_topics
from rag.retrieval.features import FEATURES
from rag.retrieval.learned import LinearModel
from rag.retrieval.retriever import Retriever
from rag.settings import Settings

TOPICS = Path(__file__).parents[1] / "training"
EPOCHS = 30
LEARNING_RATE = 0.01
WEIGHT_DECAY = 1.0
"""Decoupled (AdamW); chosen among .001, .1, 1 and 3 by the mean nDCG@10 of seven development sets."""
BATCH = 256
CANDIDATES = 50
"""Candidates of a question; more than the product looks at, so that there are hard ones enough."""
Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Sample:
    """The questions of a collection. features: (questions, candidates, FEATURES); right: (questions, candidates), 0 or 1."""

    name: str
    features: Array
    right: Array


def collect(collection: Collection, embedder_folder: str) -> Sample:
    """Index a collection, ask its questions, and return the features of the candidates; questions without a right one are left out."""
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary)
        collection.write(root / "corpus")
        settings = Settings(corpus=root / "corpus", index=root / "index", embedder=embedder_folder)
        sync(settings, pipeline=build_training_pipeline())
        embedder = open_embedder(embedder_folder)
        snapshot = SnapshotStore(settings.index).open_current(embedder.fingerprint)
        retriever = Retriever(snapshot, embedder, rerank=False)
        features, right = [], []
        for question, (source, number) in collection.questions:
            asked = retriever.understand(question)
            passages = retriever.retrieve(asked, limit=CANDIDATES)[:CANDIDATES]
            places = [(p.chunk.source, p.chunk.locator.page or p.chunk.locator.row) for p in passages]
            hits = np.array([place == (source, number) for place in places], dtype=np.float32)
            if len(passages) == CANDIDATES and hits.any():
                features.append(retriever.measure(asked, passages))
                right.append(hits)
        snapshot.close()
    print(f"{collection.name}: {len(right)} of {len(collection.questions)} questions", file=sys.stderr)
    return Sample(collection.name, np.stack(features), np.stack(right))


def fit(samples: Sequence[Sample], features: Sequence[str] = FEATURES, *, seed: int = 0) -> LinearModel:
    """Return the model of these features; every collection counts the same."""
    torch.manual_seed(seed)
    columns = [FEATURES.index(name) for name in features]
    x = np.concatenate([sample.features for sample in samples])[:, :, columns]
    y = torch.from_numpy(np.concatenate([sample.right for sample in samples]))
    counts = torch.tensor(
        np.concatenate([np.full(len(s.right), 1 / len(s.right)) for s in samples]), dtype=torch.float32
    )
    means, deviations = x.mean(axis=(0, 1)), x.std(axis=(0, 1)) + 1e-6
    weights = _fit_weights(torch.from_numpy((x - means) / deviations), y, counts, first=features.index("fused"))
    per_unit = np.array(
        [FIXED.get(name, w) for name, w in zip(features, weights / deviations, strict=True)], np.float32
    )
    scale, offset = _fit_probability((x - means) @ per_unit, y.numpy(), counts.numpy())
    return LinearModel(
        weights={name: round(float(weight), 4) for name, weight in zip(features, per_unit, strict=True)},
        means={name: round(float(mean), 4) for name, mean in zip(features, means, strict=True)},
        scale=round(scale, 4),
        offset=round(offset, 4),
    )


def _fit_weights(x: torch.Tensor, right: torch.Tensor, counts: torch.Tensor, *, first: int) -> Array:
    """Return one weight per standardised feature. first: the feature that the fit starts from."""
    start = torch.zeros(x.shape[2])
    start[first] = 1.0
    weights = torch.nn.Parameter(start)
    optimizer = torch.optim.AdamW([weights], lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    for _ in range(EPOCHS):
        for batch in torch.split(torch.randperm(len(x)), BATCH):
            scores = x[batch] @ weights
            chosen = torch.logsumexp(scores.masked_fill(right[batch] == 0, -torch.inf), 1)
            loss = ((torch.logsumexp(scores, 1) - chosen) * counts[batch]).sum() / counts[batch].sum()
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
    return np.asarray(weights.detach().numpy(), dtype=np.float32)


def _fit_probability(scores: Array, right: Array, counts: Array) -> tuple[float, float]:
    """Return scale and offset of a logistic regression of being right over the score of each candidate."""
    from sklearn.linear_model import LogisticRegression

    weight = np.repeat(counts, scores.shape[1])
    model = LogisticRegression(C=1e6).fit(
        scores.reshape(-1, 1), right.reshape(-1) > 0, sample_weight=weight / weight.mean()
    )
    return float(model.coef_[0, 0]), float(model.intercept_[0])


def hit_rate(sample: Sample, model: LinearModel | None) -> float:
    """Return the share of questions whose first candidate is right, in the order of the model; None is the fused order."""
    scores = (
        sample.features[:, :, 0]
        if model is None
        else np.stack([model.contributions(x).sum(1) for x in sample.features])
    )
    return float(np.mean(np.take_along_axis(sample.right, scores.argmax(1)[:, None], 1)))


def train_embedder(data: Path, unseen: set[str], topics: Sequence[Topic], folder: Path) -> Path:
    """Train the default embedder on the pairs that no collection holds, and on topics that no collection asks for."""
    write_rest(data, unseen, folder / "pairs")
    write_topics(topics, folder / "topics" / "rest.txt")
    command = [
        sys.executable,
        "-m",
        "rag.models.train",
        "--data",
        str(folder / "pairs"),
        "--topics",
        str(folder / "topics"),
        "--output",
        str(folder / "model"),
    ]
    subprocess.run(command, check=True)
    return folder / "model"


def main() -> None:
    """Fit, print what was learned, and write it where that is wanted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="学習データ（*.jsonl.gz）のフォルダー")
    parser.add_argument("--embedder", help="集めた質問を見ていない埋め込みモデルのフォルダー（省略時は学習する）")
    parser.add_argument("--samples", type=Path, help="素性を保存し、次からはそこから読むファイル（.npz）")
    parser.add_argument("--write", action="store_true", help="reranker_public.json を書き換える")
    arguments = parser.parse_args()
    samples = _read_samples(arguments.samples) or _collect_all(arguments)
    model = fit(samples)
    print("| collection | questions | hit@1 fused | hit@1 reranked |\n|---|---|---|---|")
    for sample in samples:
        print(f"| {sample.name} | {len(sample.right)} | {hit_rate(sample, None):.3f} | {hit_rate(sample, model):.3f} |")
    deviations = np.concatenate([s.features for s in samples]).std(axis=(0, 1))
    print("\n| feature | weight of a deviation |\n|---|---|")
    for name, deviation in zip(FEATURES, deviations, strict=True):
        print(f"| {name} | {model.weights[name] * deviation:+.2f} |")
    if arguments.write:
        model.write(PUBLIC)


def _collect_all(arguments: argparse.Namespace) -> list[Sample]:
    asked, rest = split_topics(read_topics(TOPICS))
    collections, unseen = build_collections(arguments.data, asked)
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.embedder or str(train_embedder(arguments.data, unseen, rest, Path(temporary)))
        samples = [collect(collection, folder) for collection in collections]
    if arguments.samples:
        np.savez(
            arguments.samples,
            **{f"{s.name}.{part}": getattr(s, part) for s in samples for part in ("features", "right")},
        )
    return samples


def _read_samples(file: Path | None) -> list[Sample]:
    if file is None or not file.exists():
        return []
    stored = np.load(file)
    names = dict.fromkeys(key.partition(".")[0] for key in stored.files)
    return [Sample(name, stored[f"{name}.features"], stored[f"{name}.right"]) for name in names]


if __name__ == "__main__":
    main()
