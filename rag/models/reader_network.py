"""The network of the reader: a small transformer that reads a question and a passage together, and its export for the run time.

Teacher and students are of one kind and differ in their shape alone. They begin by guessing masked pieces (`Reader.guess`), then
learn which sentence answers (`Reader.forward`). The smallest is made of some layers of a larger one. What is exported has the inputs
`ids` and `segments` (int64, batch x length) and the output `logits` (float32, batch x length), of which only those at an [END] mean
something.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional

from rag.retrieval.reader_input import END, MAX_LENGTH, PAD, PIECES, TEXT_SEGMENT

ROWS = PIECES + 64
"""Of the table of pieces: the marks behind them, and a multiple of 64 in all, which a GPU multiplies faster."""
EMBEDDING = 128
"""Numbers a piece, as in the vectors of words, from which the table begins."""
_NO_END = -1e4  # the logit of a place that is no [END]
_SEGMENTS = 3
_DEVIATION, _PIECE_DEVIATION = 0.02, 0.05  # of the random weights at the beginning
_OPSET = 17


@dataclass(frozen=True, slots=True)
class Shape:
    """The size of a reader. width: of what is known at a place; inner: of the step between; heads: of attention.

    apart: whether each sentence is read by itself, with the question and the name, as if it alone followed them (`find_places`).
    """

    width: int
    layers: int
    heads: int
    inner: int
    dropout: float = 0.0
    apart: bool = False


class Layer(nn.Module):
    """Attention, then a step at each place, both on what was normalised before."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self._heads, self._size, self._dropout = shape.heads, shape.width // shape.heads, shape.dropout
        self.attention_norm, self.step_norm = nn.LayerNorm(shape.width), nn.LayerNorm(shape.width)
        self.attend = nn.Linear(shape.width, 3 * shape.width)
        self.attended = nn.Linear(shape.width, shape.width)
        self.widen = nn.Linear(shape.width, shape.inner)
        self.narrow = nn.Linear(shape.inner, shape.width)

    def forward(
        self, known: torch.Tensor, readable: torch.Tensor | None, wanted: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Return what is known afterwards, shape (batch, length, width). wanted: only at these places, shape (batch, places)."""
        batch, length = known.shape[:2]
        heads = self.attend(self.attention_norm(known)).view(batch, length, 3, self._heads, self._size)
        query, key, value = heads.permute(2, 0, 3, 1, 4).unbind(0)
        if wanted is not None:
            known, query = _take(known, wanted), _take(query, wanted[:, None])
            readable = None if readable is None else _take(readable, wanted[:, None])
        dropout = self._dropout if self.training else 0.0
        seen = functional.scaled_dot_product_attention(
            query, key, value, attn_mask=readable, dropout_p=dropout, scale=self._size**-0.5
        )
        known = known + self._drop(self.attended(seen.transpose(1, 2).flatten(2)))
        return known + self._drop(self.narrow(functional.gelu(self.widen(self.step_norm(known)))))

    def _drop(self, change: torch.Tensor) -> torch.Tensor:
        return functional.dropout(change, self._dropout, self.training)


class Reader(nn.Module):
    """A transformer with one logit a place. pieces: the vectors that the table begins with, shape (PIECES, EMBEDDING)."""

    def __init__(self, shape: Shape, pieces: torch.Tensor) -> None:
        super().__init__()
        self.shape = shape
        self.pieces, self.project = nn.Embedding(ROWS, EMBEDDING), nn.Linear(EMBEDDING, shape.width)
        self.positions, self.segments = nn.Embedding(MAX_LENGTH, shape.width), nn.Embedding(_SEGMENTS, shape.width)
        self.first_norm, self.last_norm = nn.LayerNorm(shape.width), nn.LayerNorm(shape.width)
        self.layers = nn.ModuleList([Layer(shape) for _ in range(shape.layers)])
        self.judge = nn.Sequential(nn.Linear(shape.width, shape.width), nn.GELU(), nn.Linear(shape.width, 1))
        self.recall = nn.Sequential(nn.Linear(shape.width, EMBEDDING), nn.GELU(), nn.LayerNorm(EMBEDDING))
        self.frequency = nn.Parameter(torch.zeros(ROWS))
        self._begin(pieces)

    @torch.no_grad()
    def _begin(self, pieces: torch.Tensor) -> None:
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, std=_DEVIATION)
                nn.init.zeros_(module.bias)
        for module in self.modules():
            if isinstance(module, Layer):  # the more layers add to what is known, the less each does at first
                module.attended.weight /= (2 * len(self.layers)) ** 0.5
                module.narrow.weight /= (2 * len(self.layers)) ** 0.5
        nn.init.normal_(self.positions.weight, std=_DEVIATION)
        nn.init.normal_(self.segments.weight, std=_DEVIATION)
        nn.init.normal_(self.pieces.weight, std=_PIECE_DEVIATION)
        self.pieces.weight[:PIECES] = pieces

    def forward(self, ids: torch.Tensor, segments: torch.Tensor) -> torch.Tensor:
        """Return the logits of all places, shape (batch, length)."""
        return self._judge(ids, segments, (ids != PAD)[:, None, None, :])

    def judge_ends(self, ids: torch.Tensor, segments: torch.Tensor, ends: torch.Tensor) -> torch.Tensor:
        """Return the logits at some places of texts without padding, shape (batch, places): what is exported. ends: the places.

        The last layer steps at those places alone: of a layer's work at the others, only what is attended to is needed.
        """
        return self._judge(ids, segments, None, ends)

    def _judge(
        self,
        ids: torch.Tensor,
        segments: torch.Tensor,
        readable: torch.Tensor | None,
        wanted: torch.Tensor | None = None,
    ) -> torch.Tensor:
        positions = None
        if self.shape.apart:
            positions, seen = find_places(ids, segments)
            readable = seen[:, None] if readable is None else readable & seen[:, None]
        logits: torch.Tensor = self.judge(self._read(ids, segments, readable, positions, wanted))[..., 0]
        return logits

    def guess(self, ids: torch.Tensor, segments: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
        """Return the logits of all pieces at some places, numbered over the whole batch, shape (places, ROWS).

        Nothing is hidden from attention: the sequences are full.
        """
        known = self._read(ids, segments, None).flatten(0, 1)[places]
        return functional.linear(self.recall(known), self.pieces.weight, self.frequency)

    def _read(
        self,
        ids: torch.Tensor,
        segments: torch.Tensor,
        readable: torch.Tensor | None,
        positions: torch.Tensor | None = None,
        wanted: torch.Tensor | None = None,
    ) -> torch.Tensor:
        of_places = self.positions.weight[: ids.shape[1]] if positions is None else self.positions(positions)
        placed = of_places + self.segments(segments)
        known: torch.Tensor = self.first_norm(self.project(self.pieces(ids)) + placed)
        *layers, last = self.layers
        for layer in layers:
            known = layer(known, readable)
        known = last(known, readable, wanted)
        normed: torch.Tensor = self.last_norm(known)
        return normed


def _take(rows: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
    """Return some rows of the last dimension but one. places: their numbers, shape of what comes before (or 1), and how many."""
    return rows.gather(-2, places[..., None].expand(*rows.shape[:-2], -1, rows.shape[-1]))


def find_places(ids: torch.Tensor, segments: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the positions of sentences that are read apart, shape (batch, length), and what each place sees, (batch, length, length).

    A sentence stands where the first one would; it sees question, name and itself, and these see nothing of it. Written without
    what the export does not know, so that the run time need not tell more than `ids` and `segments`.

    >>> ids, segments = torch.tensor([[5, 6, END, 7, END]]), torch.tensor([[0, 2, 2, 2, 2]])
    >>> positions, seen = find_places(ids, segments)
    >>> positions.tolist(), seen[0, 3].tolist()
    ([[0, 1, 2, 1, 2]], [True, False, False, True, True])
    """
    block = _number_sentences(ids, segments)
    same = block[:, :, None] == block[:, None, :]
    order = torch.arange(ids.shape[1], device=ids.device)
    within = (same & (order[:, None] > order[None, :])).long().sum(dim=2)
    before = ((block == 0) & (ids != PAD)).long().sum(dim=1, keepdim=True)
    positions = within + torch.where(block > 0, before, 0)
    return positions.clamp(max=MAX_LENGTH - 1), same | (block == 0)[:, None, :]


def separate_sentences(ids: torch.Tensor, segments: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return ids and segments of a row for each [END]: question and name, and the sentence before it alone.

    >>> ids, segments = torch.tensor([[5, 6, END, 7, 8, END]]), torch.tensor([[0, 2, 2, 2, 2, 2]])
    >>> [rows.tolist() for rows in separate_sentences(ids, segments)]
    [[[5, 6, 32003, 32000], [5, 7, 8, 32003]], [[0, 2, 2, 0], [0, 2, 2, 2]]]
    """
    block = _number_sentences(ids, segments)
    rows, ends = (ids == END).nonzero(as_tuple=True)
    kept = (ids[rows] != PAD) & ((block[rows] == 0) | (block[rows] == block[rows, ends][:, None]))
    order = (~kept).long().argsort(dim=1, stable=True)[:, : int(kept.sum(dim=1).max())]
    is_beyond = ~kept.gather(1, order)
    of_rows = ids[rows].gather(1, order), segments[rows].gather(1, order)
    return of_rows[0].masked_fill(is_beyond, PAD), of_rows[1].masked_fill(is_beyond, 0)


def _number_sentences(ids: torch.Tensor, segments: torch.Tensor) -> torch.Tensor:
    """Return for each place the number of its sentence, from 1 on; 0 for question, name and padding."""
    ends = (ids == END).long()
    return torch.where(segments == TEXT_SEGMENT, 1 + ends.cumsum(dim=1) - ends, 0)


def take_layers(reader: Reader, layers: Sequence[int], *, apart: bool) -> Reader:
    """Return a new reader with the weights of another, of its layers only those with these numbers; apart: as in `Shape`."""
    taken = Reader(replace(reader.shape, layers=len(layers), apart=apart), reader.pieces.weight[:PIECES])
    weights = {name: weight for name, weight in reader.state_dict().items() if not name.startswith("layers.")}
    for place, layer in enumerate(layers):
        weights |= {f"layers.{place}.{name}": weight for name, weight in reader.layers[layer].state_dict().items()}
    taken.load_state_dict(weights)
    return taken.to(reader.pieces.weight.device)


def copy_reader(reader: Reader, *, apart: bool) -> Reader:
    """Return a new reader with the weights of another; apart: as in `Shape`."""
    return take_layers(reader, range(reader.shape.layers), apart=apart)


def judge_sentences(reader: Reader, ids: torch.Tensor, segments: torch.Tensor, *, parts: int = 4) -> torch.Tensor:
    """Return the logits at all [END]s, and next to nothing elsewhere, shape (batch, length).

    Short passages are read apart from long ones, in so many parts, so that less of what is read is padding.
    """
    lengths = (ids != PAD).sum(dim=1)
    order = lengths.argsort()
    judged = []
    for part in order.chunk(parts):
        length = int(lengths[part[-1]])
        read = ids[part, :length]
        logits = reader(read, segments[part, :length]).float().masked_fill(read != END, _NO_END)
        judged.append(functional.pad(logits, (0, ids.shape[1] - length), value=_NO_END))
    return torch.cat(judged)[order.argsort()]


def score_passages(reader: Reader, ids: torch.Tensor, segments: torch.Tensor) -> torch.Tensor:
    """Return the logit of each passage, the logsumexp of those of its sentences, shape (batch,)."""
    return judge_sentences(reader, ids, segments).logsumexp(dim=1)


def export_reader(reader: Reader, file: Path) -> None:
    """Write a reader as ONNX, its tables and matrices as 8-bit numbers; those of a matrix with a scale for each column."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    with tempfile.TemporaryDirectory() as folder:
        whole = Path(folder) / "reader.onnx"
        _export_whole(reader, whole)
        file.parent.mkdir(parents=True, exist_ok=True)
        quantize_dynamic(whole, file, weight_type=QuantType.QInt8, per_channel=True)


class _Exported(nn.Module):
    def __init__(self, reader: Reader) -> None:
        super().__init__()
        self._reader = reader

    def forward(self, ids: torch.Tensor, segments: torch.Tensor, ends: torch.Tensor) -> torch.Tensor:
        return self._reader.judge_ends(ids, segments, ends)


def _export_whole(reader: Reader, file: Path) -> None:
    ids = torch.full((1, 8), END)
    torch.onnx.export(
        _Exported(reader.cpu().eval()),
        (ids, torch.zeros_like(ids), torch.tensor([[2, 5, 7]])),
        file,
        input_names=["ids", "segments", "ends"],
        output_names=["logits"],
        dynamic_axes={
            "ids": {1: "length"},
            "segments": {1: "length"},
            "ends": {1: "sentences"},
            "logits": {1: "sentences"},
        },
        opset_version=_OPSET,
        dynamo=False,  # the newer way needs onnxscript
    )
