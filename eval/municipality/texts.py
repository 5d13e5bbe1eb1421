"""Plain text, Markdown and CSV of the town: what old systems and hurried colleagues leave behind."""

from __future__ import annotations

import csv
from dataclasses import dataclass

from eval.municipality.facts import CORPUS, SOURCES, Facts, fill


@dataclass(frozen=True, slots=True)
class Text:
    """A text (.txt, .md, .html) or a table of records (.csv) to be made: how questions call it, where it goes, its source."""

    alias: str
    target: str
    source: str
    encoding: str = "utf-8"


TEXTS = (
    Text("travel", "総務課/職員旅費規程.txt", "travel.txt", "cp932"),
    Text("year", "環境課/年末年始のごみ収集のお知らせ.md", "yearend.md"),
    Text("drill", "危機管理課/令和8年度総合防災訓練実施要領.md", "drill.md"),
    Text("waste", "環境課/粗大ごみの出し方.html", "large-waste.html"),
    Text("child", "こども課/子育て支援のご案内.html", "childcare.html"),
    Text("mig", "企画財政課/移住定住住まい応援補助金のお知らせ.txt", "migration.txt"),
)
RECORDS = (
    Text("csv", "環境課/くらしと環境のよくある質問.csv", "qa-living.psv", "cp932"),
    Text("places", "企画財政課/公共施設一覧.csv", "facilities.psv", "cp932"),
)


def rows_of(name: str, facts: Facts) -> list[list[str]]:
    """Return the records of a source whose cells are parted by ``|``, with the facts put in."""
    text = fill((SOURCES / name).read_text(encoding="utf-8"), facts)
    return [line.split("|") for line in text.splitlines() if line and not line.startswith("#")]


def make_texts(facts: Facts) -> None:
    """Write the texts, the old ones with the encoding and line ends of Windows."""
    for one in TEXTS:
        text = fill((SOURCES / one.source).read_text(encoding="utf-8"), facts)
        path = CORPUS / one.target
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding=one.encoding, newline="\r\n" if one.encoding == "cp932" else "\n")


def make_records(facts: Facts) -> None:
    """Write the CSV files, that of the metadata among them, with the line ends that Excel writes."""
    for one in (*RECORDS, Text("", "metadata.csv", "metadata.psv", "utf-8-sig")):
        path = CORPUS / one.target
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", encoding=one.encoding, newline="") as file:
            csv.writer(file, lineterminator="\r\n").writerows(rows_of(one.source, facts))
