"""The registry as one JSON file that towns hand to each other.

    {"format": "shirube-questions", "version": 1, "town": "澄野町",
     "entries": [{"kind": "example", "text": "…", "category": "…", "department": "…"}]}

kind is example or template. What else stands in an entry is left alone, so that a later version can say more.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from rag.errors import ActivityError
from rag.question_registry.entries import MAX_NAME_CHARS, EntryKind, NewEntry, RegistryEntry, find_mistakes

FORMAT, VERSION = "shirube-questions", 1
MAX_BYTES, MAX_ENTRIES = 5_000_000, 10_000
_KEYS = ("kind", "text", "category", "department")
_SAVE_AGAIN = "相手の町のしるべで書き出し直したファイルを使ってください。"


@dataclass(frozen=True, slots=True)
class EntryProblem:
    """An entry of a file that was not taken. number: its place among the entries, from 1; message: why, and what to do."""

    number: int
    message: str


@dataclass(frozen=True, slots=True)
class Exchange:
    """What a file holds: the entries that can be taken, with their numbers, and the others."""

    town: str
    entries: tuple[tuple[int, NewEntry], ...]
    problems: tuple[EntryProblem, ...]


def write_exchange(entries: Iterable[RegistryEntry], town: str) -> str:
    """Return the JSON text of entries, without how often they were used here."""
    rows = [{"kind": e.kind.value, "text": e.text, "category": e.category, "department": e.department} for e in entries]
    value = {"format": FORMAT, "version": VERSION, "town": town, "entries": rows}
    return json.dumps(value, ensure_ascii=False, indent=1) + "\n"


def read_exchange(data: bytes) -> Exchange:
    """Return what a file holds. Raises ActivityError for one that is no exchange file as a whole."""
    value = _read_json(data)
    if not isinstance(value, dict) or value.get("format") != FORMAT or not isinstance(value.get("entries"), list):
        raise ActivityError("質問の一覧の交換ファイルではありません。", _SAVE_AGAIN)
    if value.get("version") != VERSION:
        raise ActivityError(
            f"交換ファイルの版が違います: {str(value.get('version'))[:20]}（読めるのは {VERSION}）。",
            "しるべを新しくするか、相手の町に、この版で書き出してもらってください。",
        )
    if len(value["entries"]) > MAX_ENTRIES:
        raise ActivityError(
            f"質問が多すぎます（{len(value['entries'])}件）。", f"{MAX_ENTRIES}件以内に分けて取り込んでください。"
        )
    entries, problems = [], []
    for number, row in enumerate(value["entries"], start=1):
        found = list(_find_mistakes(row))
        problems += [EntryProblem(number, message) for message in found]
        if not found:
            entries.append((number, _to_entry(row)))
    town = value.get("town")
    return Exchange(town[:MAX_NAME_CHARS] if isinstance(town, str) else "", tuple(entries), tuple(problems))


def _read_json(data: bytes) -> Any:
    if len(data) > MAX_BYTES:
        raise ActivityError(
            f"交換ファイルが大きすぎます（{len(data):,}バイト）。",
            f"{MAX_BYTES:,}バイト以内に分けて取り込んでください。",
        )
    try:
        return json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise ActivityError("交換ファイルを JSON（UTF-8）として読めません。", _SAVE_AGAIN) from error


def _find_mistakes(row: Any) -> Iterator[str]:
    if not isinstance(row, dict):
        yield "形が違います（kind、text、category、department のある組にしてください）。"
        return
    if wrong := [key for key in _KEYS if not isinstance(row.get(key), str)]:
        yield f"{'、'.join(wrong)} がないか、文字列ではありません（文字列で書いてください）。"
    elif row["kind"] not in list(EntryKind):
        yield f"kind「{row['kind'][:20]}」が分かりません（{' か '.join(EntryKind)} にしてください）。"
    else:
        yield from find_mistakes(_to_entry(row))


def _to_entry(row: dict[str, str]) -> NewEntry:
    return NewEntry(EntryKind(row["kind"]), *(row[key].strip() for key in _KEYS[1:]))
