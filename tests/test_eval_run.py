"""The evaluation from the outside: over a fake assistant, over a real small index, by the command line and as a gate."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from eval.__main__ import main
from eval.gate import build_gate
from eval.questions import COLUMNS, Gold, Question, read_questions
from eval.run import evaluate, render_report, render_wrong, to_dict
from rag.assistant import Assistant
from rag.batch import write_sheet
from rag.documents import (
    Answer,
    Chunk,
    ChunkKind,
    Citation,
    Locator,
    Metadata,
    Passage,
    Segment,
    Span,
    Status,
)
from rag.errors import QuestionSetError, UsageError
from rag.indexing.sync import SyncReport, sync
from rag.settings import Settings

PAGE = "印鑑登録証の再交付は500円です。\n\n図書館は月曜日が休みです。"
SOURCE = "手引.md"
NOTICE = "# ごみの手引\n\n## 粗大ごみ\n\n粗大ごみの処理手数料は、1点につき{fee}円です。\n"
RECORDS = "質問,回答\n図書館の休館日はいつですか,月曜日と毎月の最終木曜日です。\n"


@dataclass(frozen=True)
class Entry:
    source: str


class OnePageAssistant:
    """Answer with the line of one page that shares the question's first two characters; 故障 raises."""

    def documents(self, asker: object) -> tuple[Entry, ...]:
        return (Entry(SOURCE),)

    def page_text(self, source: str, page: int, asker: object) -> str | None:
        return PAGE if (source, page) == (SOURCE, 1) else None

    def search(self, question: str, *, asker: object, limit: int) -> list[Passage]:
        lines = [(n, PAGE.index(text), text) for n, text in enumerate(PAGE.split("\n"), start=1) if text]
        lines.sort(key=lambda line: question[:2] not in line[2])
        return [self._passage(*line) for line in lines][:limit]

    def ask(self, question: str, *, asker: object) -> Answer:
        if "故障" in question:
            raise UsageError("質問が長すぎます。", "短くしてください。")
        chunk = self.search(question, asker=asker, limit=1)[0].chunk
        if question[:2] not in chunk.text:
            return Answer(Status.NO_ANSWER, "分かりません。", 0.2, "fake", 1.0)
        segment = chunk.segments[0]
        spans = (Span(segment.start, segment.end),)
        citation = Citation(1, SOURCE, "手引", segment.locator, 1, spans, chunk.text, verified=True)
        return Answer(Status.ANSWERED, chunk.text + "[1]", 0.8, "fake", 1.0, citations=(citation,))

    @staticmethod
    def _passage(line: int, start: int, text: str) -> Passage:
        segment = Segment(1, start, start + len(text), Locator(line=line))
        return Passage(Chunk("0" * 32, SOURCE, 0, ChunkKind.TEXT, text, "手引", (), (segment,)), Metadata("手引"), 0.5)


def ask_for(text: str, *facts: str, line: int | None = None, id: str = "1", note: str = "") -> Question:
    gold = (Gold(SOURCE, line=line),) if line else ()
    return Question(id, text, gold, facts, "", "手続" if line else "対象外", line is not None, "", note)


FAKE: Any = OnePageAssistant()
QUESTIONS = (
    ask_for("印鑑の再交付はいくら", "500円", line=1, id="1"),
    ask_for("図書館の休みは", "月曜日", "祝日", line=3, id="2"),
    ask_for("図書館の本の数は", line=1, id="3"),
    ask_for("実印のカードをなくした", "500円", line=1, id="4", note="言い換え"),
    ask_for("印鑑の故障", "500円", line=1, id="5"),
    ask_for("天気は", id="6"),
    ask_for("図書館の駐車場は", id="7"),
)


def test_every_kind_of_fault_is_named() -> None:
    faults = {result.question.id: result.faults for result in evaluate(FAKE, QUESTIONS).results}
    assert faults == {
        "1": (),
        "2": ("語の不足: 祝日",),
        "3": ("根拠違い",),
        "4": ("不回答",),
        "5": ("エラー: 質問が長すぎます。",),
        "6": (),
        "7": ("回答すべきでない質問に回答",),
    }


def test_figures_are_given_for_all_and_for_each_group() -> None:
    report = evaluate(FAKE, QUESTIONS)
    groups = {group.name: group.figures for group in report.groups}
    assert list(groups) == ["分類 手続", "分類 対象外", "言い換え", "回答可", "回答不可"]
    assert report.overall.shares["正答率"].value == 2 / 7
    assert groups["分類 手続"].shares["正答率"].value == 1 / 5 and groups["言い換え"].questions == 1
    assert groups["回答不可"].shares["不回答再現率"].value == 1 / 2
    assert report.overall.shares["引用照合率"].value == 1.0


def test_a_gold_document_that_is_not_indexed_is_told() -> None:
    elsewhere = replace(QUESTIONS[0], gold=(Gold("無い.pdf", page=1),))
    report = evaluate(FAKE, [elsewhere])
    assert report.unknown == ("無い.pdf",) and "索引にありません: 無い.pdf" in render_report(report)


def test_the_report_is_readable_as_a_table_and_as_json() -> None:
    report = evaluate(FAKE, QUESTIONS)
    table = render_report(report)
    assert "正答率" in table and "0.286 [" in table and "分類 手続" in table
    assert "2\t図書館の休みは\t語の不足: 祝日" in render_wrong(report) and "誤り 5 問 / 7 問" in render_wrong(report)
    written = json.loads(json.dumps(to_dict(report), ensure_ascii=False))
    assert written["figures"]["全体"]["正答率"]["value"] == pytest.approx(2 / 7, abs=1e-4)
    second = written["results"][1]
    assert second["gold"] == [{"source": SOURCE, "line": 3}] and second["hit_ranks"] == [1]
    assert second["answer"]["citations"][0]["quote"] == "図書館は月曜日が休みです。"
    assert second["checks"]["missing_facts"] == ["祝日"] and not second["checks"]["correct"]
    assert written["results"][4]["answer"] is None and written["results"][4]["error"]


# --- a real index -----------------------------------------------------------------------------------------------------


class Town:
    """Two tiny files, a question set over them, and an index."""

    def __init__(self, root: Path) -> None:
        self.corpus, self.questions = root / "corpus", root / "questions.csv"
        self.settings = Settings(corpus=self.corpus, index=root / "index", workers=1, answer_threshold=0.3)
        self.corpus.mkdir()
        self.write_fee(500)
        (self.corpus / "よくある質問.csv").write_text(RECORDS, encoding="utf-8")
        rows = [
            ["1", "粗大ごみの処理手数料はいくらですか。", "ごみ.md", "5", "500円", "", "手続", "可", "", ""],
            ["2", "図書館の休館日はいつですか。", "よくある質問.csv", "2", "月曜日", "", "Q&A", "可", "", ""],
        ]
        write_sheet(self.questions, rows, COLUMNS)

    def write_fee(self, fee: int) -> None:
        (self.corpus / "ごみ.md").write_text(NOTICE.format(fee=fee), encoding="utf-8")

    def sync(self) -> SyncReport:
        return sync(self.settings, gate=build_gate(self.questions, self.settings))

    def main(self, *arguments: str, output: Path) -> int:
        return main([*arguments, "--index", str(self.settings.index), "--output", str(output)])


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Town:
    town = Town(tmp_path_factory.mktemp("town"))
    sync(town.settings)
    return town


def test_a_real_index_answers_its_questions(town: Town) -> None:
    assistant = Assistant.open(town.settings)
    try:
        report = evaluate(assistant, read_questions(town.questions))
    finally:
        assistant.close()
    assert [result.faults for result in report.results] == [(), ()]
    assert {
        name: report.overall.shares[name].value for name in ("正答率", "hit@1", "引用正解回答率", "引用照合率")
    } == {
        "正答率": 1.0,
        "hit@1": 1.0,
        "引用正解回答率": 1.0,
        "引用照合率": 1.0,
    }


def test_the_command_line_prints_figures_and_writes_every_result(
    town: Town, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "results" / "latest.json"
    assert town.main("run", str(town.questions), "--wrong", output=output) == 0
    assert "正答率" in (shown := capsys.readouterr().out) and "hit@5" in shown and "誤り" in shown
    written = json.loads(output.read_text(encoding="utf-8"))
    assert len(written["results"]) == 2 and written["snapshot"]["id"] and written["settings"]["embedder"] == "default"
    assert len(written["questions"]["sha256"]) == 64 and written["versions"]["python"]


def test_a_figure_below_its_limit_is_exit_status_1(
    town: Town, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = (str(town.questions), "--fail-under", "hit@1=100%", "不回答再現率=0.5")
    assert town.main(*arguments, output=tmp_path / "r.json") == 1
    assert "不回答再現率 は 計算できません" in capsys.readouterr().err


@pytest.mark.parametrize("limit", ["正解=0.8", "正答率", "正答率=8", "正答率=高い"])
def test_a_limit_that_makes_no_sense_is_wrong_usage(town: Town, tmp_path: Path, limit: str) -> None:
    assert town.main(str(town.questions), "--fail-under", limit, output=tmp_path / "r.json") == 2


def test_without_an_index_or_a_question_set_nothing_is_done(
    town: Town, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(town.questions), "--index", str(tmp_path / "none"), "--output", str(tmp_path / "r.json")]) == 2
    assert "rag index" in capsys.readouterr().err
    assert town.main(str(tmp_path / "none.csv"), output=tmp_path / "r.json") == 2
    assert not (tmp_path / "r.json").exists()


# --- the gate ---------------------------------------------------------------------------------------------------------


def test_the_gate_lets_the_first_index_pass_refuses_a_worse_one_and_passes_an_equal_one(tmp_path: Path) -> None:
    town = Town(tmp_path)
    first = town.sync()
    assert first.published and first.gate and "1.000" in first.gate.summary and first.gate.details["published"] is None
    town.write_fee(800)  # the label says 500円
    worse = town.sync()
    assert worse.gate and not worse.gate.passed and not worse.published and worse.snapshot == first.snapshot
    assert "0.500" in worse.gate.summary and "1.000" in worse.gate.summary and worse.gate.details["lost"] == ["1"]
    town.write_fee(500)
    (town.corpus / "水道.md").write_text("# 水道\n\n水道の使用開始は電話で受け付けます。\n", encoding="utf-8")
    equal = town.sync()
    assert equal.published and equal.gate and "変わりません" in equal.gate.summary


def test_the_gate_passes_where_the_published_index_cannot_be_asked_any_more(tmp_path: Path) -> None:
    town = Town(tmp_path)
    first = town.sync()
    manifest = town.settings.index / "snapshots" / str(first.snapshot) / "manifest.json"
    values = json.loads(manifest.read_text(encoding="utf-8"))
    values["recipe"]["embedder_fingerprint"] = "another"
    manifest.write_text(json.dumps(values), encoding="utf-8")
    rebuilt = town.sync()
    assert not rebuilt.full and rebuilt.published and rebuilt.gate and "今の設定では使えません" in rebuilt.gate.summary


def test_a_question_set_with_mistakes_stops_before_anything_is_indexed(tmp_path: Path) -> None:
    town = Town(tmp_path)
    town.questions.write_text("質問\nいつ\n", encoding="utf-8")
    with pytest.raises(QuestionSetError):
        town.sync()
    assert not town.settings.index.exists()
