"""Turn the written questions into ``eval/questions.csv``, finding each gold place in the built corpus.

Sources are all ``sources/questions*.psv``; a line is ``kind|question|places|facts|answer|department|note|as_of|use``, the last two
may be missing, a line that starts with ``#`` is a remark. ``as_of`` is a day (2026-11-01) or empty; ``use`` is 調整 or 検証: what is
written in ``questions.psv`` may be tuned on; of any other file a quarter, drawn by a hash of the question before anyone had looked at what is
found, may be tuned on too, and the rest is held out, so that both halves ask about every document.
"""

from __future__ import annotations

import csv
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from eval.municipality.documents import DOCUMENTS
from eval.municipality.facts import SOURCES
from eval.municipality.places import locate
from eval.questions import COLUMNS

TARGET = Path(__file__).parents[1] / "questions.csv"
OPTIONAL = ("基準日", "用途")
TUNED, HELD_OUT = "調整", "検証"
TUNED_PERCENT = 26
"""Of the questions that were written later, so that half of all are held out."""
MOST_PLACES = 3


@dataclass(frozen=True, slots=True)
class Written:
    """One line of the sources. places: ``alias`` or ``alias@anchor``, several parted by ``;``, as are facts and note."""

    kind: str
    question: str
    places: str
    facts: str
    answer: str
    department: str
    note: str
    as_of: str
    use: str


def read_written() -> Iterator[Written]:
    """Yield the questions of all sources, those that may be tuned on first; raises ValueError for a line that is none."""
    for path in sorted(SOURCES.glob("questions*.psv"), key=lambda path: (path.stem != "questions", path.name)):
        for line in path.read_text(encoding="utf-8").splitlines():
            if line and not line.startswith("#"):
                yield _read_line(path, line)


def _read_line(path: Path, line: str) -> Written:
    cells = [cell.strip() for cell in line.split("|")]
    if not 7 <= len(cells) <= 9:
        raise ValueError(f"{path.name}: {len(cells)} fields instead of 7 to 9: {line}")
    kind, question, places, facts, answer, department, note, as_of, said = [*cells, "", ""][:9]
    use = said or (TUNED if path.stem == "questions" else draw_use(question))
    return Written(kind, question, places, facts, answer, department, note, as_of, use)


def draw_use(question: str) -> str:
    """Return whether a question is held out, by lot.

    >>> [draw_use(question) for question in ("配備の基準は", "予算の額は")]
    ['検証', '調整']
    """
    return TUNED if zlib.crc32(question.encode()) % 100 < TUNED_PERCENT else HELD_OUT


def gold(written: str, facts: list[str]) -> list[tuple[str, str]]:
    """Return (document, place) for ``alias`` or ``alias@anchor`` parts; without an anchor the facts find the place."""
    found: list[tuple[str, str]] = []
    for part in filter(None, written.split(";")):
        alias, _, anchor = part.partition("@")
        if alias not in DOCUMENTS:
            raise ValueError(f"{part}: no such document, there are {' '.join(DOCUMENTS)}")
        matches = locate(DOCUMENTS[alias], [anchor] if anchor else facts)
        if not 1 <= len(matches) <= MOST_PLACES:
            raise ValueError(f"{part} {facts}: {len(matches)} places {matches}")
        found += [(DOCUMENTS[alias], place) for place in matches]
    return list(dict.fromkeys(found))


def write_questions() -> int:
    """Write the question set and return its number of questions; a place that is not found is an error."""
    rows: list[list[str]] = []
    problems: list[str] = []
    for one in read_written():
        try:
            places = gold(one.places, one.facts.split(";"))
        except ValueError as error:
            problems.append(f"{one.question}: {error}")
            continue
        documents, where = (";".join(part) for part in zip(*places, strict=True)) if places else ("", "")
        asked = [str(len(rows) + 1), one.question, documents, where, one.facts, one.answer, one.kind]
        rows.append([*asked, "可" if places else "不可", one.department, one.note, one.as_of, one.use])
    if problems:
        raise SystemExit("\n".join(problems))
    with TARGET.open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file, lineterminator="\r\n").writerows([[*COLUMNS, *OPTIONAL], *rows])
    return len(rows)
