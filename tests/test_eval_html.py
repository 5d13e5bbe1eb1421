"""The report as one HTML file: it shows everything, runs nothing that a document says, and asks for nothing from outside."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

from eval.calibration import ReliabilityBin
from eval.charts import Bar, render_bars, render_reliability, render_times, stand_alone
from eval.comparison import compare_runs
from eval.html_report import render_html
from eval.intervals import Figure
from eval.meanings import MEANINGS
from eval.metrics import AMOUNTS, NAMES
from eval.records import VariantRecord
from eval.text_report import render_run
from tests.eval_records import PLACE, REFUSED, SILENT, WRONG, make_result, make_run

EVIL = '<img src="https://example.invalid/x" onerror="alert(1)">&"\'</script>'
RESULTS = [
    make_result("1"),
    make_result("2", WRONG, is_held_out=True),
    make_result("3", SILENT),
    make_result("4", REFUSED),
    make_result("5", replace(WRONG, answered=False, at_gold=(), read_back=()), answer=None, error="読めません。"),
]


class Reader(HTMLParser):
    """Collect the tags with their attributes, and complain about an end without a beginning."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attributes)))
        if tag not in ("meta", "input", "br", "line", "rect", "circle", "polyline"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while self.open and self.open[-1] != tag and self.open[-1] in ("option", "li", "p"):
            self.open.pop()
        if tag in ("line", "rect", "circle", "polyline"):
            return
        assert self.open and self.open.pop() == tag, f"</{tag}> closes nothing"


def read(page: str) -> Reader:
    reader = Reader()
    reader.feed(page)
    assert reader.open == []
    return reader


def test_every_question_opens_to_its_evidence_and_can_be_filtered() -> None:
    page = render_html(make_run(RESULTS))
    questions = [a for tag, a in read(page).tags if tag == "details" and a.get("class") == "question"]
    assert [q["data-verdict"] for q in questions] == ["正解", "誤り", "不回答", "正解", "エラー"]
    assert [q["data-purpose"] for q in questions] == ["調整", "検証", "調整", "調整", "調整"]
    for shown in (
        "町民課/手引.pdf PDF 3枚目",
        "手数料は500円です。[1]",
        "検索 2 位",
        "照合一致",
        "正しい箇所",
        "3.00（1）",
    ):
        assert shown in page, shown


def test_every_figure_is_explained_where_it_stands_and_in_one_place() -> None:
    assert {*NAMES, *AMOUNTS, "期待較正誤差"} <= set(MEANINGS)
    page = render_html(make_run(RESULTS))
    told = {a["title"] for tag, a in read(page).tags if tag == "abbr" and a.get("title")}
    for name in ("hit@5", "MRR", "nDCG@10", "引用正解率", "引用正解回答率", "引用照合率", "不回答F1", "回答の確信度"):
        assert MEANINGS[name] in told and f"<dt>{name}</dt><dd>{MEANINGS[name]}</dd>" in page, name
    assert MEANINGS["期待較正誤差"] in told


def test_conditions_are_told_in_japanese() -> None:
    run = make_run(RESULTS, changed={"reranker_candidates": 30, "ocr": False})
    page = render_html(run)
    assert "文書からの引用で回答（extractive）" in page and "方式 文書からの引用で回答" in page
    assert "並べ替えモデルが読むまとまりの数（reranker_candidates） 30、文字認識（ocr） しない" in page
    assert "埋め込みモデルの指紋（embedder_fingerprint）" in page and "確信度（confidence）" in page


def test_questions_are_filtered_and_broken_down_by_department_kind_and_document() -> None:
    other, silent = replace(PLACE, source="税務課/手引.pdf"), replace(SILENT, gold_ranks=(None, None))
    run = make_run(
        [
            make_result("1", department="町民課"),
            make_result("2", silent, department="税務課", question_type="手順", gold=(PLACE, other)),
            make_result("3", REFUSED),
        ]
    )
    page = render_html(run)
    reader = read(page)
    assert {a["name"] for tag, a in reader.tags if tag == "select"} >= {"department", "type", "document", "category"}
    second = next(a for tag, a in reader.tags if a.get("id") == "q-2")
    assert (second["data-department"], second["data-type"]) == ("税務課", "手順")
    assert (second["data-document"] or "").split("\n") == ["町民課/手引.pdf", "税務課/手引.pdf"]
    assert "<option>税務課/手引.pdf</option>" in page and ">担当課</td><td>税務課</td>" in page
    assert "担当課 税務課" in render_run(run)
    one = render_html(make_run([make_result("1")]))
    assert 'name="department"' not in one and 'name="document"' not in one, "one value tells nothing apart"


def test_groups_show_the_share_of_facts_and_intervals() -> None:
    page = render_html(make_run(RESULTS))
    table = page[page.index("表で見る") : page.index("確信度と所要時間")]
    assert "語の網羅率" in table and "<small>1.00〜1.00</small>" in table


def test_held_out_questions_are_not_listed_before_somebody_asks_for_them() -> None:
    assert "<option selected>調整</option>" in render_html(make_run(RESULTS))
    assert 'name="purpose"' not in render_html(make_run([make_result("1")]))


def test_nothing_in_the_page_reaches_for_another_machine() -> None:
    page = render_html(make_run(RESULTS))
    reader = read(page)
    assert not {"img", "link", "iframe", "object", "embed"} & {tag for tag, _ in reader.tags}
    assert all("src" not in attributes for _, attributes in reader.tags)
    assert {a["href"][0] for tag, a in reader.tags if tag == "a" and a["href"]} <= {"#"}
    assert set(re.findall(r"https?://[^\"' <]+", page)) <= {"http://www.w3.org/2000/svg"}
    assert "default-src 'none'" in page and "@import" not in page and "url(" not in page


def test_what_documents_and_questions_say_is_text_wherever_it_stands() -> None:
    place = replace(RESULTS[0].gold[0], source=EVIL)
    plain = make_result("1", WRONG)
    assert plain.answer is not None
    answer = replace(
        plain.answer,
        text=EVIL,
        warnings=(EVIL,),
        citations=(replace(plain.answer.citations[0], quote=EVIL, place=place),),
    )
    evil = replace(
        plain, id=EVIL, text=EVIL, category=EVIL, note=EVIL, key_facts=(EVIL,), model_answer=EVIL, gold=(place,),
        kinds=(EVIL,), question_type=EVIL, answer=answer, missing=(EVIL,), hits=(replace(plain.hits[0], text=EVIL, place=place),),
    )  # fmt: skip
    failed = replace(evil, id=f"{EVIL}2", answer=None, error=EVIL)
    run = make_run([evil, failed, *RESULTS], changed={"page_title": EVIL}, threshold_origin=EVIL)
    run = replace(run, unknown=(EVIL,), variants=(VariantRecord("x", EVIL, False, run.outcomes),))

    page = render_html(run, compare_runs(run, run))

    assert not any(tag == "img" or "onerror" in attributes for tag, attributes in read(page).tags)
    assert page.count("</script>") == 1 and "&lt;img" in page


def test_comparison_and_variants_are_shown_where_there_are_any() -> None:
    before = make_run([make_result("1", WRONG), *RESULTS[1:]], "before")
    run = make_run(RESULTS, "after")
    assert "前の測定との差" not in render_html(run) and "方式を並べて" not in render_html(run)
    full = replace(run, variants=(VariantRecord("words", "語句の脚だけ", False, run.outcomes),))
    page = render_html(full, compare_runs(before, full))
    assert "新たに正解 1 問" in page and 'href="#q-1"' in page and "語句の脚だけ" in page


def test_a_report_without_questions_is_still_a_page() -> None:
    assert "0 問" in render_html(make_run(()))


# --- charts -----------------------------------------------------------------------------------------------------------


def test_a_bar_is_as_long_as_its_share_and_a_figure_without_value_has_none() -> None:
    svg = render_bars(
        [
            Bar("半分", Figure(0.5, 0.25, 0.75, 8)),
            Bar("無し", Figure(None, None, None, 0)),
            Bar("全部", Figure(1, 1, 1, 8)),
        ],
        "図",
    )
    half, full = (float(width) for width in re.findall(r'class="bar"[^>]* width="([\d.]+)"', svg))
    assert half * 2 == full and "無し" not in svg and "0.500 [0.25–0.75] n=8" in svg


def test_the_reliability_curve_has_a_point_for_each_bin_the_larger_the_more_answers() -> None:
    svg = render_reliability([ReliabilityBin(0.5, 0.6, 1, 0.55, 0.0), ReliabilityBin(0.9, 1.0, 9, 0.95, 1.0)], "曲線")
    small, large = (float(radius) for radius in re.findall(r' r="([\d.]+)"', svg))
    assert small < large and "確信度 0.95、正解 1.00、9問" in svg
    assert "circle" not in render_reliability([], "空")


def test_every_time_is_in_one_bin() -> None:
    svg = render_times([1.0, 2.0, 30.0], "時間")
    assert sum(int(count) for count in re.findall(r"ミリ秒: (\d+)問", svg)) == 3 and render_times([], "時間") == ""


def test_a_chart_in_a_file_of_its_own_brings_its_colours() -> None:
    svg = stand_alone(render_bars([Bar("<b>", Figure(0.5, 0.4, 0.6, 3))], "図"))
    assert "prefers-color-scheme:dark" in svg and "&lt;b&gt;" in svg and svg.count("<svg") == 1
