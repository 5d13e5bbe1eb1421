"""The retrieval benchmark: scored as the yardstick outside of this repository scores, every expected value by hand."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from eval.bench import public, retrieval
from eval.bench.plain_bm25 import PlainBM25
from eval.bench.retrieval_report import render_comparison, render_set, render_summary
from eval.bench.retrieval_scores import FIGURES, Score, SetResult, is_above, is_below, score_question
from eval.bench.retrieval_sets import BenchSet, Form, Place, find_sets, key_of, read_set, write_corpus
from eval.bench.retrieval_systems import FINAL, FUSED, LABELS, PLAIN, text_of
from eval.intervals import compute_difference
from eval.metrics import compute_ndcg
from rag.assistant import Assistant
from rag.documents import COMMAND_LINE, Chunk, ChunkKind, Locator, Segment
from rag.errors import QuestionSetError, SettingsError, UsageError
from rag.indexing.embedding import open_embedder
from rag.settings import Settings

SHARED = Path(__file__).resolve().parents[2] / "shared"
OTHER_SCRIPT, OTHER_DATA = SHARED / "bench" / "bench.py", SHARED / "data" / "bench"
needs_shared = pytest.mark.skipif(not OTHER_SCRIPT.is_file(), reason="the shared data folder is not there")

# Twelve notices of the town; n11 says what n0 says, with other marks and spaces.
NOTICES = (
    ("住民票の写し", "住民票の写しの手数料は、1通300円です。"),
    ("転出届", "転出届は、引っ越す日の14日前から出せます。"),
    ("印鑑登録", "印鑑登録には、登録する印鑑と本人確認書類が要ります。"),
    ("粗大ごみ", "粗大ごみは、電話で申し込み、処理券を貼って出します。"),
    ("燃えるごみ", "燃えるごみは、月曜日と木曜日の朝8時までに出します。"),
    ("保育所の申込み", "保育所の申込みは、入所する月の前の月の10日までです。"),
    ("図書館の休館日", "図書館は、月曜日と年末年始に休みます。"),
    ("町営バス", "町営バスの運賃は、大人200円、小学生100円です。"),
    ("水道の使用開始", "水道を使い始めるときは、上下水道課へ届け出ます。"),
    ("犬の登録", "犬を飼い始めたら、30日以内に登録します。"),
    ("避難所", "避難所には、毛布と飲料水を備えています。"),
    ("住民票の写し", "住民票の写しの 手数料は、1通300円です"),
)
QUESTIONS = (
    ("q0", "住民票の写しはいくらですか", {"n0": 1}),
    ("q1", "引っ越すときの届けはいつからですか", {"n1": 1}),
    ("q2", "ごみは何曜日に出しますか", {"n4": 2, "n3": 1}),
    ("q3", "バスの料金", {"n7": 1, "n_gone": 1}),
    ("q4", "町長の名前", {"n_gone": 1}),
    ("q5", "休みの日", {"n6": 0}),
)
NAME = "notices"


def write_set(folder: Path) -> Path:
    """Write the made-up set; return its folder."""
    folder.mkdir(parents=True)
    documents = [{"id": f"n{number}", "title": title, "text": text} for number, (title, text) in enumerate(NOTICES)]
    queries = [{"id": id_, "text": text, "type": "table" if id_ == "q3" else "paragraph"} for id_, text, _ in QUESTIONS]
    for name, rows in (("corpus.jsonl", documents), ("queries.jsonl", queries)):
        (folder / name).write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    qrels = [f"{id_}\t{document}\t{grade}\n" for id_, _, gold in QUESTIONS for document, grade in gold.items()]
    (folder / "qrels.tsv").write_text("".join(qrels), encoding="utf-8")
    return folder


@pytest.fixture
def notices(tmp_path: Path) -> BenchSet:
    return read_set(write_set(tmp_path / NAME))


def note(number: int, line: int = 1) -> Place:
    return f"{number:05d}.md", Locator(line=line)


def score(bench_set: BenchSet, question: str, *found: Place) -> Score:
    return score_question(bench_set, next(q for q in bench_set.questions if q.id == question), found)


def test_a_set_keeps_its_answerable_questions_and_counts_the_others(notices: BenchSet) -> None:
    assert [(q.id, dict(q.gold)) for q in notices.questions] == [
        ("q0", {"00000.md": 1}),
        ("q1", {"00001.md": 1}),
        ("q2", {"00004.md": 2, "00003.md": 1}),
        ("q3", {"00007.md": 1}),
    ]
    assert notices.unscored == ("q4", "q5")
    assert (notices.form, notices.targets) == (Form.PASSAGES, {})


def test_the_rank_is_that_of_the_first_right_document(notices: BenchSet) -> None:
    assert score(notices, "q1", note(1)) == Score(1, 1.0)
    assert score(notices, "q1", note(2), note(3), note(1)) == Score(3, 1 / math.log2(4))
    assert score(notices, "q1", note(2)) == Score(None, 0.0)
    assert score(notices, "q1") == Score(None, 0.0)


def test_passages_of_one_file_count_once_at_their_best_rank(notices: BenchSet) -> None:
    assert score(notices, "q1", note(2, 1), note(2, 5), note(1)) == Score(2, 1 / math.log2(3))
    assert score(notices, "q1", note(1, 1), note(1, 5)) == Score(1, 1.0)


def test_what_says_the_same_as_a_right_document_is_right_and_counts_once(notices: BenchSet) -> None:
    assert score(notices, "q0", note(11)) == Score(1, 1.0)
    assert score(notices, "q0", note(11), note(0)) == Score(1, 1.0)


def test_only_ten_distinct_documents_count(notices: BenchSet) -> None:
    nine = [note(number) for number in (0, 2, 3, 4, 5, 6, 7, 8, 9)]

    assert score(notices, "q1", *nine, note(1)) == Score(10, 1 / math.log2(11))
    assert score(notices, "q1", *nine, note(10), note(1)) == Score(None, 0.0)


def test_gain_grows_with_the_grade(notices: BenchSet) -> None:
    ideal = 3 / math.log2(2) + 1 / math.log2(3)

    assert score(notices, "q2", note(4), note(3)) == Score(1, 1.0)
    assert score(notices, "q2", note(3), note(4)).ndcg == pytest.approx((1 + 3 / math.log2(3)) / ideal)
    assert compute_ndcg([0, 2], [1, 2]) == pytest.approx(3 / math.log2(3) / ideal)


def test_every_form_is_written_so_that_its_keys_name_the_documents(tmp_path: Path) -> None:
    folder = write_set(tmp_path / "nta_shitsugi")
    as_rows, as_files = read_set(folder), read_set(folder.rename(tmp_path / NAME))
    for bench_set in (as_rows, as_files):
        write_corpus(bench_set, tmp_path / bench_set.name / "corpus")

    table = (tmp_path / "nta_shitsugi" / "corpus" / "faq.csv").read_text(encoding="utf-8-sig").splitlines()
    assert (as_rows.form, as_rows.documents[1].key, as_rows.targets) == (Form.FAQ, "faq.csv#r3", {"hit@1": 0.9})
    assert (table[0], table[2]) == ("質問,回答", "転出届,転出届は、引っ越す日の14日前から出せます。")
    note_file = (tmp_path / NAME / "corpus" / "00001.md").read_text(encoding="utf-8")
    assert note_file == "# 転出届\n\n転出届は、引っ越す日の14日前から出せます。\n"
    assert key_of(("計画.pdf", Locator(page=4, label="2"))) == "計画.pdf#p4"


def test_writing_again_leaves_nothing_of_before(notices: BenchSet, tmp_path: Path) -> None:
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    (corpus / "古い文書.md").write_text("古い", encoding="utf-8")

    write_corpus(notices, corpus)

    assert len(list(corpus.iterdir())) == len(NOTICES)
    assert not (corpus / "古い文書.md").exists()


def test_plain_bm25_is_the_formula() -> None:
    ranking = PlainBM25(["犬 犬 猫", "猫", "鳥 魚 馬"])
    mean, idf = 7 / 3, math.log(1 + (3 - 1 + 0.5) / (1 + 0.5))
    expected = idf * 2 * 2.2 / (2 + 1.2 * (0.25 + 0.75 * 3 / mean))

    assert ranking.search("犬", 10) == [(0, pytest.approx(expected))]
    assert [number for number, _ in ranking.search("猫", 10)] == [1, 0], "the shorter text comes first"
    assert [number for number, _ in ranking.search("猫", 1)] == [1]
    assert ranking.search("牛", 10) == []
    assert PlainBM25([]).search("犬", 10) == []


def test_a_chunk_is_one_field_that_says_nothing_twice() -> None:
    segments = (Segment(1, 0, 9, Locator(line=3)),)
    chunk = Chunk(
        "0" * 32, "規程.md", 0, ChunkKind.TEXT, "第2条\n旅費の種類", "旅費規程", ("旅費規程", "第2条"), segments
    )

    assert text_of(chunk) == "旅費規程\n第2条\n旅費の種類"


def test_a_difference_is_paired_and_marked_only_beyond_chance() -> None:
    better, worse = [1.0] * 30 + [0.0] * 10, [0.0] * 20 + [1.0] * 10 + [0.0] * 10

    assert compute_difference(better, worse).value == 20 / 40
    assert is_above(compute_difference(better, worse)) and is_below(compute_difference(worse, better))
    same = compute_difference(better, better)
    assert (same.value, same.low, same.high) == (0, 0, 0)
    assert not is_above(same) and not is_below(same)


# --- the whole ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, SetResult]:
    """Return the work folder and the result of the made-up set, measured once."""
    folder = tmp_path_factory.mktemp("bench")
    bench_set = read_set(write_set(folder / "data" / NAME))
    settings = retrieval.build_settings(["workers=1"])
    return folder, retrieval.measure_set(bench_set, folder, settings)


def test_every_system_answers_every_question(measured: tuple[Path, SetResult]) -> None:
    _, result = measured

    assert list(result.scores) == list(LABELS) == list(result.milliseconds)
    assert {tuple(scores) for scores in result.scores.values()} == {("q0", "q1", "q2", "q3")}
    assert result.scores[PLAIN]["q0"] == result.scores[FINAL]["q0"] == Score(1, 1.0)
    assert (result.unscored, result.unreadable, result.index["chunks"] >= len(NOTICES)) == (2, 0, True)


def test_the_tables_show_the_figures_of_the_scores(measured: tuple[Path, SetResult]) -> None:
    _, result = measured
    of_table = result.figure(FINAL, "hit@1", "table").value

    text, summary = render_set(result), render_summary([result])

    assert f"{result.figure(FINAL, 'hit@1').value:.3f} [" in text
    assert "正解の文書がなく採点しない質問: 2問。" in text
    assert "paragraph（3問）hit@1 / hit@5 | table（1問）hit@1 / hit@5" in text
    assert f" {of_table:.3f} / " in text
    assert "BM25Retriever は入れていない" in summary and f"| {NAME} | 4 | hit@1 |" in summary


def test_a_target_is_judged_by_the_final_system() -> None:
    scores = {system: {"a": Score(1, 1.0), "b": Score(2, 0.5)} for system in LABELS} | {
        FUSED: {"a": Score(1, 1.0), "b": Score(1, 1.0)}
    }
    result = SetResult(NAME, {"a": "", "b": ""}, {"a": None, "b": None}, scores, {"hit@1": 0.5, "nDCG@10": 0.8})

    rows = [row for row in render_summary([result]).splitlines() if NAME in row]

    assert [row.split(" | ")[-1].strip(" |") for row in rows] == ["○", "×"]
    assert [row.split(" | ")[3] for row in rows] == ["0.500", "0.750"]


def test_a_kept_result_is_compared_question_by_question(measured: tuple[Path, SetResult], tmp_path: Path) -> None:
    _, result = measured
    kept = tmp_path / "前.json"
    about = retrieval.describe_run(Settings(), [result], 1.0)
    retrieval.write_results(kept, about, [result])
    value = json.loads(kept.read_text(encoding="utf-8"))
    value["sets"][NAME]["ranks"][FINAL]["q0"] = [3, 0.5]
    kept.write_text(json.dumps(value), encoding="utf-8")

    earlier = retrieval.read_earlier(kept)
    text = render_comparison(result, earlier)

    assert earlier[NAME][PLAIN] == result.scores[PLAIN]
    assert "順位の変わった質問: 1問（下がった 0、上がった 1）" in text
    assert "- q0: 3位 → 1位　住民票の写しはいくらですか" in text
    assert "+0.250 [" in text, "one question of four"
    assert "前の結果にこのセットはありません" in render_comparison(result, {})


def test_of_many_changed_questions_the_worst_and_the_best_are_listed_and_the_rest_counted() -> None:
    ids = [f"q{number}" for number in range(25)]
    new = {id_: Score(number % 10 + 1, 0.5) for number, id_ in enumerate(ids)}
    result = SetResult(NAME, dict.fromkeys(ids, "問"), dict.fromkeys(ids), {FINAL: new})

    lines = render_comparison(result, {NAME: {FINAL: dict.fromkeys(ids, Score(None, 0.0))}}).splitlines()

    assert next(line for line in lines if "順位の変わった" in line).endswith("25問（下がった 0、上がった 25）")
    assert sum("圏外 → " in line for line in lines) == 20
    assert lines[-1].startswith("- ほか 5 問")


def test_questions_that_only_one_run_has_are_counted(measured: tuple[Path, SetResult]) -> None:
    _, result = measured
    fewer = {NAME: {FINAL: {id_: s for id_, s in result.scores[FINAL].items() if id_ != "q3"}}}

    assert "3（片方だけの 1 問を除く）" in render_comparison(result, fewer)


def test_the_command_measures_writes_and_reuses_its_indexes(
    measured: tuple[Path, SetResult],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder, result = measured
    output, before = tmp_path / "結果.json", (folder / NAME / "index" / "CURRENT").read_text()
    words = [str(folder / "data"), NAME, "--work", str(folder), "--output", str(output), "--setting", "workers=1"]

    status = retrieval.main(words)

    printed = capsys.readouterr().out
    assert status == 0 and (folder / NAME / "index" / "CURRENT").read_text() == before, "it was indexed again"
    assert retrieval.read_earlier(output)[NAME][FINAL] == result.scores[FINAL]
    run = json.loads(output.read_text(encoding="utf-8"))["run"]
    assert run["embedder"]["fingerprint"] == open_embedder().fingerprint
    assert f"指紋 {run['embedder']['fingerprint']}" in printed and "OCR なし" in printed
    assert (run["settings"], run["adapted"]) == ({"ocr": False, "workers": 1}, [])


def test_some_systems_can_be_asked_alone(measured: tuple[Path, SetResult]) -> None:
    folder, whole = measured
    bench_set = read_set(folder / "data" / NAME)

    result = retrieval.measure_set(bench_set, folder, retrieval.build_settings(["workers=1"]), [FINAL])

    assert result.scores == {FINAL: whole.scores[FINAL]}
    assert next(line.count("—") for line in render_set(result).splitlines() if LABELS[FINAL] in line) == 2
    assert "| — | — |" in render_summary([result])


def test_wrong_use_is_said_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_set(tmp_path / "data" / NAME)

    assert retrieval.main([str(tmp_path / "無い")]) == 2
    assert "評価データのフォルダーがありません" in capsys.readouterr().err
    with pytest.raises(UsageError, match="ないセット") as unknown:
        find_sets(tmp_path / "data", ["ないセット"])
    assert NAME in unknown.value.hint
    with pytest.raises(SettingsError, match="知らない設定"):
        retrieval.build_settings(["ocrr=true"])
    with pytest.raises(QuestionSetError, match="前の結果として読めません"):
        retrieval.read_earlier(tmp_path / "無い.json")


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("corpus.jsonl", '{"id": "n0", "title": ""}\n', "corpus.jsonl の 1 行目"),
        ("queries.jsonl", '{"id": "q0", "text": "？"}\n\n{', "queries.jsonl の 3 行目"),
        ("qrels.tsv", "q0\tn0\n", "qrels.tsv の 1 行目"),
    ],
)
def test_a_broken_set_is_named_by_file_and_line(tmp_path: Path, file: str, text: str, message: str) -> None:
    folder = write_set(tmp_path / NAME)
    (folder / file).write_text(text, encoding="utf-8")

    with pytest.raises(QuestionSetError, match=message):
        read_set(folder)


# --- the yardstick outside of this repository ----------------------------------------------------------------------------


def run_other(data: Path, *words: str) -> str:
    """Run the outside script; return what it printed."""
    command = [sys.executable, str(OTHER_SCRIPT), *words]
    environment = os.environ | {"BENCH_DATA": str(data), "PYTHONUTF8": "1"}
    return subprocess.run(command, check=True, capture_output=True, text=True, encoding="utf-8", env=environment).stdout


def check_same_figures(data: Path, name: str, folder: Path) -> None:
    """Index a set, and compare the figures of `rag search` by the outside script with ours."""
    bench_set = read_set(data / name)
    run_other(data, "prepare", name, str(folder / "other"))
    result = retrieval.measure_set(bench_set, folder, retrieval.build_settings(["workers=1"]), [FINAL])
    theirs = {path.name: path.read_bytes() for path in (folder / "other" / "corpus").iterdir()}
    assert {path.name: path.read_bytes() for path in (folder / name / "corpus").iterdir()} == theirs
    with closing(Assistant.open(Settings(index=folder / name / "index"))) as assistant:
        lines = list(write_hits(bench_set, assistant))
    (folder / "hits.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    printed = run_other(data, "score-search", name, str(folder / "other"), str(folder / "hits.jsonl"))
    ours = [result.figure(FINAL, figure).value for figure in ("hit@1", "hit@5", "MRR@10", "nDCG@10")]
    assert "hit@1 {:.3f} hit@5 {:.3f} mrr@10 {:.3f} ndcg@10 {:.3f}".format(*ours) == without_others(printed), printed
    assert f" n={len(bench_set.questions)} no-line=0 " in printed


def without_others(printed: str) -> str:
    words = printed.split()
    return " ".join(f"{name} {words[words.index(name) + 1]}" for name in ("hit@1", "hit@5", "mrr@10", "ndcg@10"))


def write_hits(bench_set: BenchSet, assistant: Assistant) -> Iterator[str]:
    from rag.answer_json import hits_to_dict

    for question in bench_set.questions:
        yield json.dumps(hits_to_dict(assistant.search(question.text, asker=COMMAND_LINE, limit=50), question.id))


@pytest.mark.shared
@needs_shared
def test_a_small_set_has_the_figures_of_the_outside_script(tmp_path: Path) -> None:
    write_set(tmp_path / "data" / NAME)

    check_same_figures(tmp_path / "data", NAME, tmp_path)


@pytest.mark.shared
@needs_shared
def test_a_real_set_has_the_figures_of_the_outside_script(tmp_path: Path) -> None:
    check_same_figures(OTHER_DATA, "lawqa_jp", tmp_path)


# --- published figures ------------------------------------------------------------------------------------------------


def result_of(name: str) -> SetResult:
    scores = {
        FINAL: {"q0": Score(1, 1.0), "q1": Score(None, 0.0)},
        PLAIN: {"q0": Score(2, 0.5), "q1": Score(None, 0.0)},
    }
    return SetResult(name, {"q0": "一", "q1": "二"}, {"q0": None, "q1": None}, scores)


def test_figures_stand_side_by_side_only_for_the_same_set() -> None:
    theirs = (public.PublishedFigure("town_faq", "ある町の FAQ", "よその検索", "ある論文", {"hit@1": 0.4}),)
    table = public.render_public([result_of("town_faq"), result_of("laws")], theirs, {"laws": "課題が違います"})
    assert "| town_faq | 2 | しるべ（最終） | 0.500 | 0.500 | 0.500 | 0.500 | この実行 |" in table
    assert "| town_faq | — | よその検索 | 0.400 | — | — | — | ある論文 |" in table
    assert "- town_faq: 公表値と同じセットなので" in table and "- laws: 課題が違います。" in table


def test_sets_that_are_absent_or_left_out_are_said() -> None:
    theirs = (public.PublishedFigure("town_faq", "ある町の FAQ", "よその検索", "ある論文", {"hit@1": 0.4}),)
    table = public.render_public([result_of("laws")], theirs, {}, absent=["wiki"], untried=["tax"])
    assert (
        "| ある町の FAQ | — | よその検索 | 0.400" in table
        and "town_faq がないので、この実行の値とは比べられません" in table
    )
    assert "- wiki: 評価データがないので" in table and "- tax: 評価データはありますが" in table
    assert "- laws: このセットの公表値を持っていません。" in table


def test_every_known_set_says_why_it_stands_beside_no_published_figure_and_every_figure_has_a_source() -> None:
    figures, notes = public.read_published()
    assert set(public.known_sets()) == set(notes)
    assert figures and all(figure.source and set(figure.values) <= set(FIGURES) for figure in figures)


def test_the_public_command_measures_a_set_that_is_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_set(tmp_path / "data" / NAME)
    assert public.main([str(tmp_path / "data"), NAME, "--work", str(tmp_path / "work")]) == 0
    out = capsys.readouterr().out
    assert f"| {NAME} | 4 | しるべ（最終）" in out and "jaquad_dev: 評価データがないので測っていません" in out
    assert public.main([str(tmp_path / "none")]) == 2
