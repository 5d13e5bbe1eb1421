"""Check files against what is expected of them, and show recall by kind, by file, and every miss with what was found instead."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from eval.reading.checks import facts_of, holds
from eval.reading.expectations import Expectation, Kind
from eval.reading.needles import Needle, Plain, comparable, find_similar
from eval.reading.view import Piece, ReadFile
from rag.documents import BlockKind

_SHOWN = 120


@dataclass(frozen=True, slots=True)
class Result:
    """One expectation of one file, and whether it held. evidence: what was found instead, where something like it was."""

    file: str
    expectation: Expectation
    held: bool
    evidence: str = ""

    def render(self) -> str:
        """Return the miss as one line, with the evidence on another."""
        place = f"{self.expectation.page}枚目" if self.expectation.page else "全体"
        line = (
            f"{self.file}\t{place}\t{self.expectation.kind}（{self.expectation.kind.label}）\t{self.expectation.hint}"
        )
        return f"{line}\n    → {self.evidence}" if self.evidence else line


def check_file(name: str, read: ReadFile, expectations: Iterable[Expectation]) -> list[Result]:
    """Return what came of every expectation of a file."""
    results = []
    for expectation in expectations:
        held = holds(read, expectation)
        results.append(Result(name, expectation, held, "" if held else find_evidence(read, expectation)))
    return results


def fail_file(name: str, expectations: Iterable[Expectation], reason: str) -> list[Result]:
    """Return all expectations of a file that could not be read as missed."""
    return [Result(name, expectation, False, reason) for expectation in expectations]


def find_evidence(read: ReadFile, expectation: Expectation) -> str:
    """Return what of the page is most like the part that is missing."""
    pages = read.pages(expectation.page)
    if not pages:
        return f"{expectation.page}枚目がありません（全{len(read.document.pages)}枚）"
    if expectation.kind is Kind.QUALITY:
        return " ".join(facts_of(pages[0]))
    if expectation.kind is Kind.LABEL and len(expectation.needles) == 1:
        return f"頁の番号は {pages[0].label}"
    parts = [needle for needle in expectation.needles if isinstance(needle, Plain)]
    pieces = read.pieces(expectation.page)
    if expectation.kind in (Kind.ROW, Kind.CELL) and parts:
        parts = [Plain("".join(part.text for part in parts))] if expectation.kind is Kind.ROW else parts[-1:]
        pieces = [p for p in pieces if p.block.kind is BlockKind.TABLE_ROW and parts[0].find(p.text) >= 0] or pieces
    found = [_nearest(pieces, part) for part in parts]
    return " ／ ".join(dict.fromkeys(filter(None, found)))


def _nearest(pieces: Sequence[Piece], needle: Needle) -> str:
    """Return the block that is most like a text: its kind, headings and the stretch itself."""
    wanted = comparable(needle.hint)
    if not pieces or not wanted:
        return ""
    piece = max(pieces, key=lambda p: _share_of_pairs(wanted, p.text))
    _, start = find_similar(wanted, piece.text)
    stretch = piece.text[max(0, start - 10) :][:_SHOWN]
    above = " > ".join(piece.block.headings)
    around = f"（前後の見出しのセル {'・'.join(piece.around[:8])}）" if piece.block.context else ""
    label = f" 頁{piece.block.locator.label}" if piece.block.locator.label else ""
    return f"{piece.block.kind}{label} [{above}]{around} 「{stretch}」"


def _share_of_pairs(wanted: str, text: str) -> float:
    """Return how many pairs of neighbouring characters of `wanted` a text has; of two alike the shorter one is more."""
    pairs = {wanted[i : i + 2] for i in range(max(1, len(wanted) - 1))}
    return sum(pair in text for pair in pairs) - len(text) / 1e6


# --- figures ----------------------------------------------------------------------------------------------------------


def tally(results: Sequence[Result]) -> dict[str, tuple[int, int]]:
    """Return kind -> (held, all), in the order of the kinds, with the sum under "all"."""
    groups = {kind.value: [r.held for r in results if r.expectation.kind is kind] for kind in Kind}
    groups["all"] = [result.held for result in results]
    return {name: (sum(held), len(held)) for name, held in groups.items() if held}


def to_dict(results: Sequence[Result]) -> dict[str, Any]:
    """Return the JSON form: recall by kind, by file, and the misses."""
    files = dict.fromkeys(result.file for result in results)
    by_file = {file: tally([r for r in results if r.file == file])["all"] for file in files}
    return {
        "recall": {name: _share_to_dict(*counts) for name, counts in tally(results).items()},
        "files": {file: _share_to_dict(*counts) for file, counts in by_file.items()},
        "misses": [_miss_to_dict(result) for result in results if not result.held],
    }


def _share_to_dict(held: int, total: int) -> dict[str, Any]:
    return {"held": held, "total": total, "recall": round(held / total, 4)}


def _miss_to_dict(result: Result) -> dict[str, Any]:
    wanted = result.expectation
    return {
        "file": result.file,
        "page": wanted.page,
        "kind": wanted.kind.value,
        "hint": wanted.hint,
        "evidence": result.evidence,
    }


def render_recall(title: str, results: Sequence[Result]) -> str:
    """Return recall by kind as lines for people."""
    lines = [title]
    for name, (held, total) in tally(results).items():
        label = "合計" if name == "all" else Kind(name).label
        lines.append(f"  {name:<9} {_render_share(held, total)}  {label}")
    return "\n".join(lines)


def render_files(results: Sequence[Result]) -> str:
    """Return recall by file, the worst first."""
    files = dict.fromkeys(result.file for result in results)
    shares = [(file, tally([r for r in results if r.file == file])["all"]) for file in files]
    shares.sort(key=lambda share: (share[1][0] / share[1][1], share[0]))
    return "\n".join(f"  {_render_share(*counts)}  {file}" for file, counts in shares)


def _render_share(held: int, total: int) -> str:
    return f"{held / total:5.2f} ({held}/{total})".ljust(16)
