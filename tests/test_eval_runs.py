"""Runs on the disk: what is written is read back; the history and the README follow from it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from eval.groups import build_groups
from eval.history import append_line, read_history, render_history, summarize
from eval.readme import END, START, render_section, write_readme
from eval.records import RunRecord, VariantRecord
from eval.runs import RunFileError, find_previous, find_run, list_runs, read_run, save_run
from eval.text_report import render_run, render_variants, render_wrong
from rag.errors import UsageError
from tests.eval_records import REFUSED, RIGHT, SILENT, WRONG, make_result, make_run

ROOT = Path(__file__).parents[1]
RESULTS = (
    make_result("1", RIGHT, as_of=date(2026, 4, 1)),
    make_result("2", WRONG, category="計画", note="言い換え", is_paraphrase=True),
    make_result("3", SILENT, is_held_out=True, answer=None, error="質問が長すぎます。"),
    make_result("4", REFUSED),
)


def test_a_run_that_was_saved_is_read_back_as_it_was(tmp_path: Path) -> None:
    run = make_run(RESULTS)
    run = replace(run, unknown=("無い.pdf",), variants=(VariantRecord("words", "語句", False, run.outcomes),))
    path = save_run(run, tmp_path)
    assert path == tmp_path / "runs" / f"{run.about.id}.json" and read_run(path) == run


def test_the_file_says_the_figures_too(tmp_path: Path) -> None:
    written = json.loads(save_run(make_run(RESULTS), tmp_path).read_text(encoding="utf-8"))
    assert written["figures"]["全体"]["正答率"]["value"] == 1 / 2
    assert written["figures"]["用途 検証"]["questions"] == 1 and written["figures"]["分類 計画"]["正答率"]["value"] == 0
    assert written["results"][0]["answer"]["citations"][0]["quote"] == "手数料は500円です。"


def test_runs_are_listed_newest_first_and_what_is_none_is_left_out(tmp_path: Path) -> None:
    for id in ("20260401T090000000", "20260402T090000000"):
        save_run(make_run(RESULTS, id), tmp_path)
    (tmp_path / "runs" / "20260403T090000000.json").write_text("{}", encoding="utf-8")
    assert [(entry.id, entry.accuracy) for entry in list_runs(tmp_path)] == [
        ("20260402T090000000", 0.5),
        ("20260401T090000000", 0.5),
    ]
    assert list_runs(tmp_path / "none") == ()


def test_a_run_is_found_by_its_id_its_file_or_as_the_last(tmp_path: Path) -> None:
    old, new = (make_run(RESULTS, id) for id in ("20260401T090000000", "20260402T090000000"))
    path = save_run(old, tmp_path)
    save_run(new, tmp_path)
    assert (
        find_run("last", tmp_path) == new and find_run(str(path), tmp_path) == find_run(old.about.id, tmp_path) == old
    )
    with pytest.raises(UsageError, match="20260402T090000000"):
        find_run("20250101", tmp_path)


def test_the_previous_run_is_of_the_same_question_set_and_engine(tmp_path: Path) -> None:
    first = make_run(RESULTS, "1")
    others = (make_run(RESULTS, "2", engine="generative"), make_run(RESULTS, "3"))
    for run in (first, *others):
        save_run(run, tmp_path)
    assert find_previous(others[1], tmp_path) == first and find_previous(others[0], tmp_path) is None


@pytest.mark.parametrize("text", ["", "[]", '{"format": 1}'])
def test_a_file_that_is_no_run_is_an_error_with_its_name(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.json").write_text(text, encoding="utf-8")
    with pytest.raises(RunFileError, match=r"x\.json"):
        read_run(tmp_path / "x.json")


def test_a_run_of_another_version_is_told_apart(tmp_path: Path) -> None:
    path = save_run(replace(make_run(RESULTS), format=99), tmp_path)
    with pytest.raises(RunFileError, match="別の版"):
        read_run(path)


def test_questions_are_grouped_by_all_they_have_in_common() -> None:
    groups = {(group.axis, group.name): group.figures.questions for group in build_groups(RESULTS)}
    assert groups[("用途", "調整")] == 3 and groups[("用途", "検証")] == 1
    assert (
        groups[("分類", "手続")] == 2 and groups[("回答可否", "回答不可")] == 1 and groups[("言い方", "言い換え")] == 1
    )
    assert ("問い", "金額") not in groups, "an axis with one value tells nothing"


def test_the_table_shows_both_halves_and_names_no_question_that_is_held_out() -> None:
    run = make_run(RESULTS)
    table, wrong = render_run(run), render_wrong(run)
    assert "全体（4問）" in table and "調整（3問）" in table and "検証（1問）" in table and "nDCG@10" in table
    assert "誤り 2 問 / 4 問" in wrong and "2\t2番の手数料" in wrong and "3番の" not in wrong and "1 問は" in wrong


def test_variants_stand_beside_the_run() -> None:
    worse = replace(RIGHT, ranked=(False,), gold_ranks=(None,))
    results = [make_result(str(number)) for number in range(20)]
    run = replace(make_run(results), variants=(VariantRecord("words", "語句の脚だけ", False, (worse,) * 20),))
    lines = render_variants(run).splitlines()
    assert lines[1].startswith("この測定（最終）") and "1.000" in lines[1]
    assert lines[2].startswith("語句の脚だけ") and "0.000 ▼" in lines[2]


# --- history and README -----------------------------------------------------------------------------------------------


def test_the_history_has_one_line_a_run(tmp_path: Path) -> None:
    for id in ("1", "2", "2"):
        append_line(make_run(RESULTS, id), tmp_path)
    lines = read_history(tmp_path)
    assert [line.id for line in lines] == ["1", "2"] and lines[0].figures["正答率"].value == 0.5
    table = render_history(lines).splitlines()
    assert len(table) == 3 and table[1].startswith("2 ") and "0.500" in table[1]


def test_a_broken_line_of_the_history_is_named(tmp_path: Path) -> None:
    (tmp_path / "history.jsonl").write_text("{}\n", encoding="utf-8")
    with pytest.raises(UsageError, match="1 行目"):
        read_history(tmp_path)


def test_the_readme_is_written_between_its_marks_from_the_newest_run_with_settings_as_they_come(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "README.md").write_text(f"前\n{START}\n{END}\n後\n", encoding="utf-8")

    def line_of(id: str, **changes: object) -> object:
        return summarize(make_run(RESULTS, id, **changes))

    chosen = write_readme([line_of("1"), line_of("2"), line_of("3", changed={"adapt": "off"})], tmp_path)  # type: ignore[list-item]

    text = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert chosen.id == "2" and text.startswith(f"前\n{START}\n") and text.endswith(f"{END}\n後\n")
    assert "**0.500 [" in text and "| 用途 検証 | 1 | 0.000" in text
    assert (tmp_path / "docs" / "accuracy.svg").read_text(encoding="utf-8").startswith("<svg")


def test_a_readme_without_a_fitting_run_or_marks_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("表題\n", encoding="utf-8")
    with pytest.raises(UsageError, match="履歴に"):
        write_readme([], tmp_path)
    with pytest.raises(UsageError, match="印"):
        write_readme([summarize(make_run(RESULTS))], tmp_path)
    assert (tmp_path / "README.md").read_text(encoding="utf-8") == "表題\n"


def test_the_readme_of_the_project_says_what_its_history_says() -> None:
    from eval.readme import CHART, choose_line, render_chart

    line = choose_line(read_history(ROOT / "eval" / "results"))
    assert f"{START}\n{render_section(line)}\n{END}" in (ROOT / "README.md").read_text(encoding="utf-8")
    assert (ROOT / CHART).read_text(encoding="utf-8") == render_chart(line)


def test_a_run_without_questions_has_no_figures() -> None:
    run: RunRecord = make_run(())
    assert run.overall.shares["正答率"].value is None and "質問 0 問" in render_run(run)
