"""The network of the reader: a small transformer that reads a question and a passage together, and its export for the run time.

Teacher and student are of one kind and differ in their shape alone. Both begin by guessing masked pieces (`Reader.guess`), then
learn which sentence answers (`Reader.forward`). What is exported has the inputs `ids` and `segments` (int64, batch x length) and
the output `logits` (float32, batch x length), of which only those at an [END] mean something.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional

from rag.retrieval.reader_input import END, MAX_LENGTH, PAD, PIECES

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
    """The size of a reader. width: of what is known at a place; inner: of the step between; heads: of attention."""

    width: int
    layers: int
    heads: int
    inner: int
    dropout: float = 0.0


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

    def forward(self, known: torch.Tensor, readable: torch.Tensor | None) -> torch.Tensor:
        """Return what is known afterwards, shape (batch, length, width)."""
        batch, length, width = known.shape
        heads = self.attend(self.attention_norm(known)).view(batch, length, 3, self._heads, self._size)
        query, key, value = heads.permute(2, 0, 3, 1, 4).unbind(0)
        dropout = self._dropout if self.training else 0.0
        seen = functional.scaled_dot_product_attention(
            query, key, value, attn_mask=readable, dropout_p=dropout, scale=self._size**-0.5
        )
        known = known + self._drop(self.attended(seen.transpose(1, 2).reshape(batch, length, width)))
        return known + self._drop(self.narrow(functional.gelu(self.widen(self.step_norm(known)))))

    def _drop(self, change: torch.Tensor) -> torch.Tensor:
        return functional.dropout(change, self._dropout, self.training)


class Reader(nn.Module):
    """A transformer with one logit a place. pieces: the vectors that the table begins with, shape (PIECES, EMBEDDING)."""

    def __init__(self, shape: Shape, pieces: torch.Tensor) -> None:
        super().__init__()
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
        logits: torch.Tensor = self.judge(self._read(ids, segments, (ids != PAD)[:, None, None, :]))[..., 0]
        return logits

    def guess(self, ids: torch.Tensor, segments: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
        """Return the logits of all pieces at some places, numbered over the whole batch, shape (places, ROWS).

        Nothing is hidden from attention: the sequences are full.
        """
        known = self._read(ids, segments, None).flatten(0, 1)[places]
        return functional.linear(self.recall(known), self.pieces.weight, self.frequency)

    def _read(self, ids: torch.Tensor, segments: torch.Tensor, readable: torch.Tensor | None) -> torch.Tensor:
        placed = self.positions.weight[: ids.shape[1]] + self.segments(segments)
        known: torch.Tensor = self.first_norm(self.project(self.pieces(ids)) + placed)
        for layer in self.layers:
            known = layer(known, readable)
        normed: torch.Tensor = self.last_norm(known)
        return normed


def score_passages(reader: Reader, ids: torch.Tensor, segments: torch.Tensor, *, parts: int = 4) -> torch.Tensor:
    """Return the logit of each passage, the logsumexp of those of its sentences, shape (batch,).

    Short passages are read apart from long ones, in so many parts, so that less of what is read is padding.
    """
    lengths = (ids != PAD).sum(dim=1)
    order = lengths.argsort()
    scores = []
    for part in order.chunk(parts):
        length = int(lengths[part[-1]])
        read = ids[part, :length]
        logits = reader(read, segments[part, :length]).float()
        scores.append(logits.masked_fill(read != END, _NO_END).logsumexp(dim=1))
    return torch.cat(scores)[order.argsort()]


def export_reader(reader: Reader, file: Path) -> None:
    """Write a reader as ONNX, its tables and matrices as 8-bit numbers; those of a matrix with a scale for each column."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    with tempfile.TemporaryDirectory() as folder:
        whole = Path(folder) / "reader.onnx"
        _export_whole(reader, whole)
        file.parent.mkdir(parents=True, exist_ok=True)
        quantize_dynamic(whole, file, weight_type=QuantType.QInt8, per_channel=True)


def _export_whole(reader: Reader, file: Path) -> None:
    reader = reader.cpu().eval()
    ids = torch.full((2, 8), END)
    axes = {0: "batch", 1: "length"}
    torch.onnx.export(
        reader,
        (ids, torch.zeros_like(ids)),
        file,
        input_names=["ids", "segments"],
        output_names=["logits"],
        dynamic_axes={"ids": axes, "segments": axes, "logits": axes},
        opset_version=_OPSET,
        dynamo=False,  # the newer way needs onnxscript
    )
