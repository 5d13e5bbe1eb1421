"""The evaluation from the outside: over a fake assistant, over a real small index, by the command line and as a gate."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from eval.__main__ import main
from eval.acceptance import DECISION
from eval.check import PROPOSED, write_proposals
from eval.gate import Proposals, build_gate, find_broken, tell_broken
from eval.groups import build_groups
from eval.human_judgements import Judgement, remember_answer
from eval.label_check import CheckResult
from eval.question_sheet import CellProblem, read_sheet
from eval.questions import COLUMNS, Gold, Question, read_questions
from eval.records import RunRecord
from eval.run import EvaluationStoppedError, run_evaluation
from eval.runs import list_runs, read_run
from eval.set_check import write_command
from eval.text_report import render_run, render_wrong
from rag.activity.question_form import normalize_question
from rag.activity.ratings import Rating
from rag.assistant import Assistant
from rag.batch import write_sheet
from rag.cli import main as rag_main
from rag.documents import (
    Answer,
    Chunk,
    ChunkKind,
    Citation,
    Filters,
    Kind,
    Locator,
    Metadata,
    Passage,
    Segment,
    Span,
    Status,
)
from rag.errors import QuestionSetError, UsageError
from rag.indexing.manifest import Manifest, Recipe
from rag.indexing.sync import GateResult, SyncReport, sync
from rag.settings import Settings

PAGE = "印鑑登録証の再交付は500円です。\n\n図書館は月曜日が休みです。"
SOURCE = "手引.md"
NOTICE = "# ごみの手引\n\n## 粗大ごみ\n\n粗大ごみの処理手数料は、1点につき{fee}円です。\n"
RECORDS = "質問,回答\n図書館の休館日はいつですか,月曜日と毎月の最終木曜日です。\n"


@dataclass(frozen=True)
class Entry:
    source: str
    metadata: Metadata


class OnePageAssistant:
    """Answer with the line of one page that shares the question's first two characters; 故障 raises."""

    settings = Settings()
    engine = "fake"

    def __init__(self) -> None:
        self.days: list[date | None] = []
        self.asked: list[str] = []

    def manifest(self) -> Manifest:
        recipe = Recipe("fake", "f1", 8, "t", "c", "r")
        return Manifest("s1", None, "2026-04-01", recipe, {"documents": 1}, {SOURCE: "0" * 64})

    def threshold(self) -> tuple[float, str]:
        return 0.5, "既定"

    def documents(self, asker: object) -> tuple[Entry, ...]:
        return (Entry(SOURCE, Metadata("手引", Kind.MANUAL)),)

    def page_text(self, source: str, page: int, asker: object) -> str | None:
        return PAGE if (source, page) == (SOURCE, 1) else None

    def search(self, question: str, *, asker: object, limit: int, filters: Filters | None = None) -> list[Passage]:
        lines = [(n, PAGE.index(text), text) for n, text in enumerate(PAGE.split("\n"), start=1) if text]
        lines.sort(key=lambda line: question[:2] not in line[2])
        return [self._passage(*line) for line in lines][:limit]

    def ask(self, question: str, *, asker: object, filters: Filters | None = None) -> Answer:
        self.days.append(filters.as_of if filters else None)
        self.asked.append(question)
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


def evaluate(questions: Sequence[Question] = QUESTIONS) -> RunRecord:
    return run_evaluation(FAKE, questions)


def test_every_kind_of_fault_is_named() -> None:
    faults = {result.id: result.faults for result in evaluate().results}
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
    run = evaluate()
    groups = {(group.axis, group.name): group.figures for group in build_groups(run.results)}
    shares = run.overall.shares
    assert shares["正答率"].value == 2 / 7 and shares["引用照合率"].value == 1.0
    assert groups[("分類", "手続")].shares["正答率"].value == 1 / 5 and groups[("言い方", "言い換え")].questions == 1
    assert groups[("回答可否", "回答不可")].shares["不回答再現率"].value == 1 / 2
    # gold lines 1, 3, 1, 1 and a failure; cited: 1 and 3. facts: 500円 and 月曜日 of six (祝日, two times 500円 missing, one without).
    assert shares["引用再現率"].value == 2 / 5 and shares["語の網羅率"].value == 2 / 5


def test_a_run_says_what_it_was_measured_with() -> None:
    about = run_evaluation(FAKE, QUESTIONS, name="町の質問集.xlsx").about
    assert (about.questions.name, about.questions.count, about.snapshot.id) == ("町の質問集.xlsx", 7, "s1")
    assert about.models["embedder"] == "f1" and len(about.models["confidence"]) == 64
    assert (about.threshold, about.threshold_origin, about.changed) == (0.5, "既定", {})
    assert "llm_api_key" not in about.settings
    other = run_evaluation(FAKE, QUESTIONS[:3]).about
    assert (
        other.questions.sha256 != about.questions.sha256
        and other.snapshot.corpus_sha256 == about.snapshot.corpus_sha256
    )


def test_a_question_for_a_day_is_asked_for_that_day() -> None:
    assistant = OnePageAssistant()
    day = replace(QUESTIONS[0], as_of=date(2025, 4, 1))
    run_evaluation(assistant, [day, QUESTIONS[1]])  # type: ignore[arg-type]
    assert assistant.days[-2:] == [date(2025, 4, 1), None]


def test_one_question_that_does_not_count_is_asked_first_so_that_loading_is_no_questions_time() -> None:
    assistant = OnePageAssistant()
    slow = assistant.ask

    def ask(question: str, **options: Any) -> Answer:
        if not assistant.asked:
            time.sleep(0.2)  # what is loaded at the first question
        return slow(question, **options)

    assistant.ask = ask  # type: ignore[method-assign]
    run = run_evaluation(assistant, QUESTIONS[:2])  # type: ignore[arg-type]
    assert len(assistant.asked) == 3 and assistant.asked[1:] == [question.text for question in QUESTIONS[:2]]
    assert len(run.results) == 2 and max(outcome.elapsed_ms for outcome in run.outcomes) < 200
    assert run_evaluation(OnePageAssistant(), ()).results == ()  # type: ignore[arg-type]


def test_progress_is_told_and_a_run_can_be_stopped() -> None:
    told: list[tuple[int, int]] = []
    run_evaluation(FAKE, QUESTIONS[:2], progress=lambda done, total: told.append((done, total)))
    assert told == [(0, 2), (1, 2), (2, 2)]
    with pytest.raises(EvaluationStoppedError, match="中断"):
        run_evaluation(FAKE, QUESTIONS, cancel=lambda: True)


def test_a_gold_document_that_is_not_indexed_is_told() -> None:
    elsewhere = replace(QUESTIONS[0], gold=(Gold("無い.pdf", page=1),))
    run = evaluate([elsewhere])
    assert run.unknown == ("無い.pdf",) and "索引にありません: 無い.pdf" in render_run(run)


def test_every_result_keeps_its_answer_and_its_evidence() -> None:
    run = evaluate()
    table = render_run(run)
    assert "正答率" in table and "0.286 [" in table and "分類 手続" in table
    assert "2\t図書館の休みは\t語の不足: 祝日" in render_wrong(run) and "誤り 5 問 / 7 問" in render_wrong(run)
    second = run.results[1]
    assert second.answer is not None and second.answer.citations[0].quote == "図書館は月曜日が休みです。"
    assert second.gold[0].describe() == "手引.md 3行目" and second.outcome.gold_ranks == (1,)
    assert [hit.at_gold for hit in second.hits] == [True, False] and second.kinds == ("マニュアル",)
    assert run.results[4].answer is None and run.results[4].error


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
        """Run it with a results folder beside the output."""
        results = str(output.parent / "kept")
        return main([*arguments, "--index", str(self.settings.index), "--results", results, "--output", str(output)])


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Town:
    town = Town(tmp_path_factory.mktemp("town"))
    sync(town.settings)
    return town


def test_a_real_index_answers_its_questions(town: Town) -> None:
    assistant = Assistant.open(town.settings)
    try:
        report = run_evaluation(assistant, read_questions(town.questions))
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
    run = read_run(output)
    assert len(run.results) == 2 and run.about.settings["embedder"] == "default" and run.about.versions["python"]
    kept = output.parent / "kept"
    assert [entry.id for entry in list_runs(kept)] == [run.about.id]
    assert "粗大ごみの処理手数料" in (kept / "report.html").read_text(encoding="utf-8")


def test_a_second_run_is_compared_with_the_first_and_held_to_it(
    town: Town, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "r.json"
    assert town.main(str(town.questions), output=output) == 0
    first = read_run(output).about.id
    assert town.main(str(town.questions), "--no-worse-than", "last", output=output) == 0
    assert f"{first} と比べて（同じ質問 2 問" in capsys.readouterr().out
    kept = str(tmp_path / "kept")
    assert main(["history", "--results", kept]) == main(["compare", first, "--results", kept]) == 0
    shown = capsys.readouterr().out
    assert first in shown and "新たに誤り 0 問" in shown
    assert town.main(str(town.questions), "--no-worse-than", "無い", output=output) == 2
    assert main(["history", "--results", str(tmp_path / "none")]) == 0


def test_variants_are_measured_beside_it(town: Town, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "r.json"
    assert town.main(str(town.questions), "--variant", "all", output=output) == 0
    variants = {variant.name: variant for variant in read_run(output).variants}
    assert list(variants) == ["words", "vectors", "fused", "plain_bm25", "llama_index"]
    assert all(any(outcome.ranked) for variant in variants.values() for outcome in variant.outcomes)
    shown = capsys.readouterr()
    assert "素の BM25（Sudachi）" in shown.out and "生成AIの回答は、接続先の設定（llm_url）がないので" in shown.err
    assert town.main(str(town.questions), "--variant", "generative", output=output) == 2
    assert town.main(str(town.questions), "--variant", "bm26", output=output) == 2


def test_calibrate_needs_questions_enough(town: Town, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["calibrate", str(town.questions), "--index", str(town.settings.index)]) == 2
    assert "質問が足りません（調整用 2 問）" in capsys.readouterr().err
    assert not (town.settings.index / "calibration.json").exists()


def test_a_figure_below_its_limit_is_exit_status_1(
    town: Town, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = (str(town.questions), "--fail-under", "hit@1=100%", "不回答再現率=0.5")
    assert town.main(*arguments, output=tmp_path / "r.json") == 1
    assert "不回答再現率 は 計算できません" in capsys.readouterr().err


def test_labels_that_do_not_fit_the_documents_are_told_in_the_summary_the_json_and_the_report(
    town: Town, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [
        ["1", "粗大ごみの処理手数料はいくらですか。", "ごみ.md", "999", "500円", "", "", "可", "", ""],
        ["2", "図書館の休館日はいつですか。", "よくある質問.csv", "2", "水曜日", "", "", "可", "", ""],
        ["3", "図書館の休館日はいつですか？", "よくある質問.csv", "2", "月曜日", "", "", "可", "", ""],
    ]
    broken, output = tmp_path / "質問.csv", tmp_path / "r.json"
    write_sheet(broken, rows, COLUMNS)
    assert town.main(str(broken), output=output) == 0
    told = f"質問 3 問のうち 3 問に、文書に合わない正解や重複が 3 件あります。その質問の結果は当てになりません。すべてを見る: python -m eval check {broken.as_posix()} --index {town.settings.index.as_posix()}"
    shown, page = capsys.readouterr().out, (tmp_path / "kept" / "report.html").read_text(encoding="utf-8")
    for text in (shown, page):
        assert told in text and "D2（2行目「ページ／行」）" in text and "E3（3行目" in text and "B4（4行目" in text
    labels = json.loads(output.read_text(encoding="utf-8"))["labels"]
    assert (labels["problems"], labels["questions"], len(labels["first"])) == (3, 3, 3)
    assert town.main(str(town.questions), output=output) == 0 and "文書に合わない" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("decisions", "told"),
    [
        (("", ""), "採 0 行、否 0 行、空 2 行）。だれも確かめていない質問も測りました"),
        (("採", "否"), "採 1 行、否 1 行、空 0 行）。採っていない質問も測りました"),
        (("採", "採"), ""),
    ],
)
def test_suggestions_that_nobody_chose_are_measured_and_that_is_said(
    town: Town, tmp_path: Path, capsys: pytest.CaptureFixture[str], decisions: tuple[str, str], told: str
) -> None:
    rows = read_sheet(town.questions)
    file = tmp_path / "候補.csv"
    cells = [[decision, *row.cells.values()] for decision, row in zip(decisions, rows, strict=True)]
    write_sheet(file, cells, (DECISION, *rows[0].cells))
    assert town.main(str(file), output=tmp_path / "r.json") == 0
    shown = capsys.readouterr().out
    assert told in shown and ("質問の候補の表です" in shown) is bool(told)


def test_a_run_to_try_something_is_never_what_a_later_one_is_held_to(
    town: Town, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "r.json"
    assert town.main(str(town.questions), "--no-history", output=output) == 0
    tried = read_run(output).about.id
    assert town.main(str(town.questions), "--no-worse-than", "last", output=output) == 0
    first = capsys.readouterr()
    assert "前の測定がまだない" in first.err and "と比べて" not in first.out
    kept = read_run(output).about.id
    assert town.main(str(town.questions), "--no-history", output=output) == 0
    assert town.main(str(town.questions), "--compare", "last", output=output) == 0
    shown = capsys.readouterr().out
    assert shown.count(f"{kept} と比べて") == 2 and tried not in shown


def test_what_people_say_is_kept_with_the_run_and_shown_in_the_report(
    town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = tmp_path / "r.json"
    assert town.main(str(town.questions), output=output) == 0
    answered = read_run(output).results[0]
    said = [Judgement(normalize_question(answered.text), remember_answer(answered), Rating.BAD)]
    monkeypatch.setattr("eval.human_judgements.read_judgements", lambda settings: said)
    assert town.main(str(town.questions), output=output) == 0
    people = read_run(output).people
    assert people is not None and (people.ratings, people.same, people.differing) == ({Rating.BAD: 1}, 0, ("1",))
    page = (tmp_path / "kept" / "report.html").read_text(encoding="utf-8")
    assert "人の評価のある質問 1 問（○ 0、△ 0、× 1）" in page and "自動の正誤との一致 0/1" in page


def test_a_use_that_cannot_be_read_does_not_cost_the_run(
    town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(settings: Settings) -> list[Judgement]:
        raise UsageError("記録を開けません。", "場所を確かめてください。")

    monkeypatch.setattr("eval.human_judgements.read_judgements", fail)
    assert town.main(str(town.questions), output=tmp_path / "r.json") == 0
    assert "人の評価とは比べていません。記録を開けません。" in capsys.readouterr().err
    assert read_run(tmp_path / "r.json").people is None


def test_small_slips_are_told_before_anything_is_measured(
    town: Town, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "r.json"
    assert main(["histroy"]) == 2 and "もしかして history" in capsys.readouterr().err
    (tmp_path / "raw.txt").write_text("正答率 0.8", encoding="utf-8")
    assert town.main(str(town.questions), "--compare", str(tmp_path / "raw.txt"), output=output) == 2
    assert "JSON ではありません" in (told := capsys.readouterr().err) and "Invalid" not in told
    nowhere = tmp_path / "none" / "x.html"
    assert town.main(str(town.questions), "--html", str(nowhere), output=output) == 2
    assert f"フォルダーがありません: {nowhere.parent}" in capsys.readouterr().err and not nowhere.parent.exists()
    assert town.main(str(town.questions), "--html", str(tmp_path), output=output) == 2 and not output.exists()


@pytest.mark.parametrize("limit", ["正解=0.8", "正答率", "正答率=8", "正答率=高い"])
def test_a_limit_that_makes_no_sense_is_wrong_usage(town: Town, tmp_path: Path, limit: str) -> None:
    assert town.main(str(town.questions), "--fail-under", limit, output=tmp_path / "r.json") == 2


def test_documents_are_understood_by_a_short_name(town: Town, tmp_path: Path) -> None:
    short = (
        town.questions.read_text(encoding="utf-8-sig")
        .replace("ごみ.md", "ごみ")
        .replace("よくある質問.csv", "よくある質問")
    )
    (tmp_path / "q.csv").write_text(short, encoding="utf-8")
    assert town.main(str(tmp_path / "q.csv"), "--fail-under", "正答率=1.0", output=tmp_path / "r.json") == 0


def test_without_an_index_or_a_question_set_nothing_is_done(
    town: Town, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nowhere = ["--index", str(tmp_path / "none"), "--results", str(tmp_path)]
    assert main([str(town.questions), *nowhere, "--output", str(tmp_path / "r.json")]) == 2
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


def test_the_gate_names_what_is_lost_by_its_label_and_proposals_need_no_publishing(tmp_path: Path) -> None:
    town = Town(tmp_path)
    first = town.sync()
    old, file = town.corpus / "ごみ.md", tmp_path / "提案.csv"
    old.rename(town.corpus / "ごみの出し方.md")  # renamed
    (town.corpus / "よくある質問.csv").write_text(RECORDS.replace("月曜日", "水曜日"), encoding="utf-8")  # replaced
    refused = sync(town.settings, gate=build_gate(town.questions, town.settings, Proposals(file, write_proposals)))
    assert refused.gate and not refused.published and refused.snapshot == first.snapshot
    summary = refused.gate.summary
    assert "新たな誤りのうち 2 問は、質問集の正解が新しい文書に合いません" in summary
    assert "番号 1: C2（2行目「期待する文書」）: 文書「ごみ.md」が索引にありません" in summary
    assert "番号 2: E3（3行目「正解に含まれる語」）: 「月曜日」が" in summary
    assert f"{file} に書きました" in summary and list(refused.gate.details["labels"]) == ["1", "2"]
    assert read_sheet(file, extra=PROPOSED)[0]["期待する文書"] == "ごみ.md"
    again = town.sync()
    assert again.gate
    command = f"rag index {town.corpus.as_posix()} --index {town.settings.index.as_posix()} --gate {town.questions.as_posix()}"
    assert f"python -m {command} --write-proposals 提案.xlsx" in again.gate.summary


def test_a_question_that_is_lost_for_another_reason_is_not_blamed_on_its_label() -> None:
    labels = CheckResult(
        2, (CellProblem(2, "ページ／行", 3, "頁がありません。"), CellProblem(3, "質問", 1, "同じ質問です。")), ()
    )
    ids = {2: "一", 3: "二"}
    assert find_broken(labels, ids, ["二"]) == {} and list(find_broken(labels, ids, ["一", "二"])) == ["一"]
    many = {str(number): "頁がありません。" for number in range(8)}
    told = tell_broken(GateResult(False, "下がります。"), many, "").summary
    assert told.count("頁がありません。") == 5 and "ほか 3 問" in told


def test_proposals_are_refused_before_anything_is_indexed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    town = Town(tmp_path)
    index = ["index", str(town.corpus), "--index", str(town.settings.index)]
    assert rag_main([*index, "--write-proposals", str(tmp_path / "提案.csv")]) == 2
    assert "--gate に質問集" in capsys.readouterr().err
    assert rag_main([*index, "--gate", str(town.questions), "--write-proposals", str(town.questions)]) == 2
    assert not town.settings.index.exists()
    sync(town.settings)
    capsys.readouterr()
    assert rag_main([*index, "--gate", str(town.questions), "--write-proposals", str(tmp_path / "提案.csv")]) == 0
    assert "提案は書いていません" in capsys.readouterr().err and not (tmp_path / "提案.csv").exists()


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


def test_the_command_that_shows_all_names_files_as_they_are_typed_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = write_command(tmp_path / "質問集.csv", Settings(index=tmp_path / "索引"))
    assert command == f"python -m eval check {tmp_path.as_posix()}/質問集.csv --index {tmp_path.as_posix()}/索引"

    monkeypatch.chdir(tmp_path)
    assert (
        write_command(tmp_path / "質問集.csv", Settings(index=tmp_path / "索引"))
        == "python -m eval check 質問集.csv --index 索引"
    )
