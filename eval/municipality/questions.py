"""Turn the written questions into ``eval/questions.csv``, finding each gold place in the built corpus."""

from __future__ import annotations

import csv
from pathlib import Path

from eval.municipality.facts import SOURCES
from eval.municipality.places import locate
from eval.questions import COLUMNS

TARGET = Path(__file__).parents[1] / "questions.csv"
MOST_PLACES = 3
DOCUMENTS = {
    "plan": "企画財政課/第6次澄野町総合計画.pdf",
    "man": "町民課/窓口事務マニュアル.pdf",
    "sec": "デジタル推進課/情報セキュリティ規程.pdf",
    "travel": "総務課/職員旅費規程.txt",
    "xlsx": "共通/よくある質問.xlsx",
    "csv": "環境課/くらしと環境のよくある質問.csv",
    "year": "環境課/年末年始のごみ収集のお知らせ.md",
    "drill": "危機管理課/令和8年度総合防災訓練実施要領.md",
    "mig": "企画財政課/移住定住住まい応援補助金のお知らせ.txt",
}


def gold(written: str, facts: list[str]) -> list[tuple[str, str]]:
    """Return (document, place) for ``alias`` or ``alias@anchor`` parts; without an anchor the facts find the place."""
    found: list[tuple[str, str]] = []
    for part in filter(None, written.split(";")):
        alias, _, anchor = part.partition("@")
        matches = locate(DOCUMENTS[alias], [anchor] if anchor else facts)
        if not 1 <= len(matches) <= MOST_PLACES:
            raise ValueError(f"{part} {facts}: {len(matches)} places {matches}")
        found += [(DOCUMENTS[alias], place) for place in matches]
    return list(dict.fromkeys(found))


def write_questions() -> int:
    """Write the question set and return its number of questions; a place that is not found is an error."""
    rows: list[list[str]] = []
    problems: list[str] = []
    for line in filter(None, (SOURCES / "questions.psv").read_text(encoding="utf-8").splitlines()):
        kind, question, written, facts, answer, department, note = line.split("|")
        try:
            places = gold(written, facts.split(";"))
        except ValueError as error:
            problems.append(f"{question}: {error}")
            continue
        documents, where = (";".join(part) for part in zip(*places, strict=True)) if places else ("", "")
        answerable = "可" if places else "不可"
        rows.append([str(len(rows) + 1), question, documents, where, facts, answer, kind, answerable, department, note])
    if problems:
        raise SystemExit("\n".join(problems))
    with TARGET.open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file, lineterminator="\r\n").writerows([COLUMNS, *rows])
    return len(rows)
