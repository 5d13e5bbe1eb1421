"""Adapt the default embedder to the wording of a corpus, without labels: train on pairs of it, keep what is not worse.

Entries that were kept out of the training measure both models against every chunk of the corpus. Only then is the training
continued with the pairs of those entries too, so that the model that is kept knows the whole corpus.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from rag.documents import Chunk
from rag.errors import AdaptationError, UsageError
from rag.indexing.adaptation_pairs import HARD_KINDS, Pair, count_kinds, make_pairs
from rag.indexing.adapted_models import AdaptationNote, AdaptedModels, Figures
from rag.indexing.catalog import Catalog
from rag.indexing.embedders import DEFAULT
from rag.indexing.snapshot import CATALOG, SnapshotStore
from rag.settings import Settings

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from rag.indexing.adaptation_training import Floats, Schedule
    from rag.indexing.embedding import StaticEmbedder

MIN_PAIRS = 100
AUTO_CHUNKS = 50
AUTO_GROWTH = 1.3
DENSE_WEIGHT = 0.3
"""Of the adapted model: on development sets .3 and .4 were about equal, and better than the .2 of the default."""
_HELD_OUT_SHARE, _MOST_HELD_OUT, _MOST_ASKED = 0.15, 1_000, 2_000
_SECOND_SHARE = 1 / 3  # of the steps of the first training, in the second one, over all pairs
_MOST_PAIRS = 60_000
_ASKED_AT_ONCE = 512  # queries that are compared with all chunks: 100 MB for 50,000
_SHARES = (1.0, 0.5)  # of what was learned; half of it is safer where entries are few or alike
_SEED = 0
Progress = Callable[[str, int, int], None]
"""Called with ("adapt", done, total)."""


@dataclass(frozen=True, slots=True)
class Adaptation:
    """What an adaptation did. fingerprint: the model that was chosen, None where the model before it stays."""

    note: AdaptationNote
    fingerprint: str | None

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return asdict(self)


def is_due(settings: Settings, chunks: int) -> bool:
    """Tell whether an index of that many chunks should be adapted without being asked.

    It should at first, when the corpus has grown by AUTO_GROWTH since the last attempt, and when the default embedder has changed.
    """
    if settings.adapt != "auto" or settings.embedder != DEFAULT or chunks < AUTO_CHUNKS:
        return False
    from rag.indexing.embedding import DEFAULT_MODEL, static_fingerprint

    last = AdaptedModels(settings.index).last()
    return last is None or chunks >= AUTO_GROWTH * last.chunks or last.base != static_fingerprint(DEFAULT_MODEL)


def adapt_embedder(
    settings: Settings,
    text_to_embed: Callable[[Chunk], str],
    *,
    judged: Sequence[tuple[str, str]] = (),
    schedule: Schedule | None = None,
    progress: Progress | None = None,
) -> Adaptation:
    """Adapt the default embedder to the published snapshot; choose the result for the next one if it is not worse.

    judged: (question, text of a chunk) that staff found helpful. Needs the writer's lock. Raises AdaptationError for a corpus
    that is too small, UsageError for another embedder, IndexMissingError before the first snapshot.
    """
    from rag.indexing.adaptation_training import Schedule

    started, base = time.monotonic(), _open_base(settings)
    snapshot, chunks = _read_chunks(settings)
    pairs = make_pairs(chunks, judged, seed=_SEED)
    if len(pairs) < MIN_PAIRS:
        raise AdaptationError(
            f"文書が少ないため、言葉づかいを学習できません（学習に使える組 {len(pairs)}、必要な数 {MIN_PAIRS}）。",
            "文書を増やしてから `rag adapt` を実行してください。今の索引はそのまま使えます。",
        )
    pairs = _limit_pairs(pairs)
    run = _Adapting(
        base, chunks, pairs, schedule or Schedule(seed=_SEED), progress or (lambda stage, done, total: None)
    )
    before, after = run.measure(text_to_embed)
    note = AdaptationNote(
        base=base.fingerprint,
        snapshot=snapshot,
        chunks=len(chunks),
        pairs=count_kinds(pairs),
        steps=run.steps,
        share=run.share,
        held_out=len(run.asked),
        before=before,
        after=after,
        kept=after.ndcg_at_10 >= before.ndcg_at_10 and after.hit_at_1 >= before.hit_at_1,
        created_at=datetime.now().astimezone().isoformat(timespec="seconds"),
        seconds=0.0,
    )
    models, fingerprint = AdaptedModels(settings.index), None
    table = run.finish() if note.kept else None
    note = replace(note, seconds=round(time.monotonic() - started, 1))
    if table is not None:
        fingerprint = models.add(base, table, note, dense_weight=DENSE_WEIGHT)
        models.choose(fingerprint)
    models.record(note)
    return Adaptation(note, fingerprint)


def _open_base(settings: Settings) -> StaticEmbedder:
    from rag.indexing.embedding import StaticEmbedder, open_embedder

    if settings.embedder == DEFAULT and isinstance(base := open_embedder(), StaticEmbedder):
        return base
    raise UsageError(
        f"埋め込みモデル「{settings.embedder}」は、文書の言葉づかいを学習できません（標準のモデルだけができます）。",
        "設定 embedder を default にしてから `rag index` と `rag adapt` を実行してください。",
    )


def _read_chunks(settings: Settings) -> tuple[str, list[Chunk]]:
    """Return the id of the published snapshot and its chunks."""
    store = SnapshotStore(settings.index)
    snapshot = store.manifest().id
    with closing(Catalog(store.folder(snapshot) / CATALOG)) as catalog:
        return snapshot, [chunk for entry in catalog.documents() for chunk in catalog.chunks_of(entry.source)]


def _limit_pairs(pairs: list[Pair]) -> list[Pair]:
    """Return a fair sample of very many pairs: more could not be seen often enough in the time there is."""
    if len(pairs) <= _MOST_PAIRS:
        return pairs
    return [pairs[place] for place in sorted(random.Random(_SEED).sample(range(len(pairs)), _MOST_PAIRS))]


class _Adapting:
    """One adaptation: the trial without some entries, its measurement, and the rest of the training."""

    def __init__(
        self,
        base: StaticEmbedder,
        chunks: Sequence[Chunk],
        pairs: Sequence[Pair],
        schedule: Schedule,
        progress: Progress,
    ) -> None:
        from rag.indexing.adaptation_training import Trainer

        self._base, self._chunks = base, chunks
        self._held_out = _choose_entries(pairs)
        self.asked = _choose_queries(pairs, self._held_out)
        self._trainer = Trainer(base.tokenizer, pairs, schedule)
        self._first_steps = self._trainer.count_steps(without=self._held_out)
        self.steps = self._first_steps + self._trainer.count_steps(share=_SECOND_SHARE)
        self._progress, self._table, self.share = progress, base.table, 1.0

    def measure(self, text_to_embed: Callable[[Chunk], str]) -> tuple[Figures, Figures]:
        """Train without the held-out entries; return what their queries find before, and after with the best share."""
        self._table = self._trainer.run(self._base.table, without=self._held_out, progress=self._count_from(0))
        texts = [text_to_embed(chunk) for chunk in self._chunks]
        tables = [self._base.table, *(self._mix(self._table, share) for share in _SHARES)]
        before, *found = measure_tables(self._base, texts, self.asked, tables)
        after, self.share = max(zip(found, _SHARES, strict=True), key=lambda each: (each[0].ndcg_at_10, each[1]))
        return before, after

    def finish(self) -> Floats:
        """Train on, with every pair; return the table, mixed with that of the base as it was measured."""
        progress = self._count_from(self._first_steps)
        return self._mix(self._trainer.run(self._table, share=_SECOND_SHARE, progress=progress), self.share)

    def _mix(self, table: Floats, share: float) -> Floats:
        import numpy as np

        mixed: Floats = self._base.table + (table - self._base.table) * np.float32(share)
        return mixed

    def _count_from(self, done: int) -> Callable[[int], None]:
        return lambda step: self._progress("adapt", done + step, self.steps)


def _choose_entries(pairs: Sequence[Pair]) -> set[int]:
    """Return the entries that are kept out of the trial, the same for the same pairs."""
    import numpy as np

    entries = sorted({pair.entry for pair in pairs if pair.kind in HARD_KINDS} or {pair.entry for pair in pairs})
    count = min(_MOST_HELD_OUT, max(1, round(_HELD_OUT_SHARE * len(entries))))
    return set(np.random.default_rng(_SEED).choice(entries, count, replace=False).tolist())


def _choose_queries(pairs: Sequence[Pair], held_out: set[int]) -> list[Pair]:
    """Return the pairs of the held-out entries that are most like questions: all of the hard kinds, the others where none is."""
    of_entries = [pair for pair in pairs if pair.entry in held_out]
    asked = [pair for pair in of_entries if pair.kind in HARD_KINDS] or of_entries
    return asked if len(asked) <= _MOST_ASKED else random.Random(_SEED).sample(asked, _MOST_ASKED)


def measure_tables(
    base: StaticEmbedder, texts: Sequence[str], asked: Sequence[Pair], tables: Sequence[Floats]
) -> list[Figures]:
    """Return, for each table, how queries find their own entry among all texts.

    A query is taken out of its own entry (the vector of its passage stands for that), so that its own words do not lead to it.
    """
    import numpy as np

    from rag.indexing.adaptation_training import count_pieces, embed_counts

    size = len(base.table)
    chunks = count_pieces(base.tokenizer, texts, size)
    queries = count_pieces(base.tokenizer, [pair.query for pair in asked], size)
    passages = count_pieces(base.tokenizer, [pair.passage for pair in asked], size)
    entries, figures = np.array([pair.entry for pair in asked]), []
    for table in tables:
        query, passage, vectors = (embed_counts(counts, table) for counts in (queries, passages, chunks))
        ranks = np.concatenate(
            [
                _rank(query[start:end], passage[start:end], vectors, entries[start:end])
                for start, end in pairwise([*range(0, len(asked), _ASKED_AT_ONCE), len(asked)])
            ]
        )
        gains = np.where(ranks <= 10, 1 / np.log2(1 + ranks), 0.0)
        figures.append(Figures(round(float((ranks == 1).mean()), 4), round(float(gains.mean()), 4)))
    return figures


def _rank(query: Floats, passage: Floats, chunks: Floats, entries: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the rank of each query's passage among the chunks, its own chunk aside."""
    import numpy as np

    scores, own = query @ chunks.T, (query * passage).sum(axis=1)
    scores[np.arange(len(query)), entries] = -np.inf
    ranks: NDArray[np.int64] = 1 + (scores >= own[:, None]).sum(axis=1)
    return ranks
