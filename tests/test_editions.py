"""Editions of one document: linked, the newest in force answers, an older one is marked and named with the newer."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from rag.answer_json import answer_to_dict, hits_to_dict
from rag.assistant import Assistant
from rag.documents import COMMAND_LINE, EVERYONE, Answer, Asker, Filters, Kind, Metadata, Passage, Standing, Status
from rag.indexing.editions import Family, link_editions
from rag.indexing.snapshot import SnapshotStore
from rag.indexing.sync import SyncReport, sync
from rag.reading.metadata import MetadataRow, resolve_metadata
from rag.reading.plain import build_text_page, read_plain
from rag.reports import collect_status, render_answer, render_status
from rag.settings import Settings
from rag.web.links import Links
from rag.web.render import render_answer as render_page

TODAY = date(2026, 11, 25)
MANUAL = """# 窓口事務マニュアル（令和{year}年度版）

## 住民票の写しの手数料

住民票の写しの手数料は、1通{fee}円です。現金で受け取ります。

## 印鑑登録

印鑑登録証の再交付の手数料は、1件{fee}円です。
"""
RULE = """緑沢町職員旅費規程

（宿泊料）
第3条　宿泊料は、一夜につき{fee}円とする。

附　則
この規程は、平成18年4月1日から施行する。

附　則
この規程は、{day}から施行する。
"""
BUDGET = """# 令和{year}年度一般会計決算書

歳入の決算額は、{amount}億円です。前年度より増えました。
"""
FILES = {
    "町民課/窓口事務マニュアル_R5.md": MANUAL.format(year=5, fee=200),
    "町民課/窓口事務マニュアル_R6.md": MANUAL.format(year=6, fee=250),
    "町民課/窓口事務マニュアル_R8.md": MANUAL.format(year=8, fee=300),
    "町民課/窓口事務マニュアル_R99.md": MANUAL.format(year=99, fee=900),
    "総務課/職員旅費規程（平成30年）.txt": RULE.format(fee="8,000", day="平成30年4月1日"),
    "総務課/職員旅費規程.txt": RULE.format(fee="9,800", day="令和七年四月一日"),
    "財政課/令和6年度決算書.md": BUDGET.format(year=6, amount=71),
    "財政課/令和7年度決算書.md": BUDGET.format(year=7, amount=83),
    "環境課/ごみの出し方.md": "# ごみの出し方\n\n燃えるごみは、毎週月曜日と木曜日に出してください。\n",
}
FEE, LODGING, SETTLED = (
    "住民票の写しの手数料はいくらですか",
    "宿泊料は一夜につきいくらですか",
    "歳入の決算額はいくらですか",
)
R5, R6, R8, R99 = (f"町民課/窓口事務マニュアル_R{year}.md" for year in (5, 6, 8, 99))


def write(corpus: Path, files: dict[str, str]) -> None:
    for source, text in files.items():
        (corpus / source).parent.mkdir(parents=True, exist_ok=True)
        (corpus / source).write_text(text, encoding="utf-8")


def build(folder: Path, files: dict[str, str]) -> Settings:
    settings = Settings(corpus=folder / "corpus", index=folder / "index", workers=1, answer_threshold=0.0)
    write(settings.corpus, files)
    report = sync(settings)
    assert report.published and report.problems == (), report
    return settings


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Return the settings of a corpus with three families; nobody changes it."""
    return build(tmp_path_factory.mktemp("archive"), FILES)


@pytest.fixture(scope="module")
def assistant(archive: Settings) -> Iterator[Assistant]:
    with closing(Assistant.open(archive)) as opened:
        yield opened


def ask(settings: Settings, question: str, **limits: object) -> Answer:
    with closing(Assistant.open(settings)) as opened:
        return opened.ask(question, **limits)  # type: ignore[arg-type]


def cited(answer: Answer) -> set[str]:
    assert answer.status is Status.ANSWERED, answer
    return {citation.source for citation in answer.citations}


def families(settings: Settings) -> list[list[str]]:
    snapshot = SnapshotStore(settings.index).open_current()
    try:
        return [[member.source for member in family.members] for family in snapshot.catalog.families()]
    finally:
        snapshot.close()


# --- what a file says of its edition ----------------------------------------------------------------------------------


def marks(source: str, text: str = "", **said: object) -> tuple[int | None, str | None, tuple[int, ...]]:
    pages = (build_text_page(text, ()),)
    row = MetadataRow(2, **said) if said else None  # type: ignore[arg-type]
    found = resolve_metadata(source, title=None, kind=None, row=row, pages=pages)
    return found.year, found.effective_date and str(found.effective_date), found.edition


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("手引（令和6年度版）.pdf", (2024, None, ())),
        ("R6_手引.pdf", (2024, None, ())),
        ("令和6年度/手引.pdf", (2024, None, ())),
        ("旅費規程（改正令和6年4月1日）.docx", (2024, "2024-04-01", ())),
        ("旅費規程_20240401.docx", (2024, "2024-04-01", ())),
        ("旅費規程R060401.docx", (2024, "2024-04-01", ())),
        ("手引 第3版.pdf", (None, None, (3,))),
        ("地域防災計画（第2次修正）.pdf", (None, None, (2,))),
        ("操作手順書Ver.2.10.docx", (None, None, (2, 10))),
        ("第6次総合計画（令和6年度〜令和10年度）.pdf", (None, None, ())),
    ],
)
def test_names_say_the_year_the_day_or_the_number_of_an_edition(source: str, expected: tuple[object, ...]) -> None:
    assert marks(source) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("窓口の手引\n令和6年度版\n緑沢町", (2024, None, ())),
        ("窓口の手引\n令和６年４月１日施行", (None, "2024-04-01", ())),
        ("窓口の手引\n令和5年4月 初版\n令和6年10月 改訂第2版", (None, "2024-10-01", (2,))),
        ("窓口の手引\n計画期間 令和6年度〜令和10年度", (None, None, ())),
        ("窓口の手引\nこの手引は、令和6年4月1日施行の改正法に合わせたものです。", (None, None, ())),
        ("窓口の手引\n令和6年4月1日に届け出た人", (None, None, ())),
        ("窓口の手引\n" + "本文です。\n" * 200 + "令和6年4月1日施行", (None, None, ())),
    ],
    ids=["year", "day", "latest", "period", "sentence", "bare", "far down"],
)
def test_a_title_page_says_it_in_short_lines_and_running_text_does_not(text: str, expected: tuple[object, ...]) -> None:
    assert marks("窓口の手引.txt", text) == expected


def test_the_last_supplementary_provision_of_a_rule_dates_its_edition() -> None:
    text = RULE.format(fee="9,800", day="令和七年四月一日")
    assert marks("職員旅費規程.txt", text) == (None, "2025-04-01", ())
    assert marks("職員旅費の手引.txt", text) == (None, None, ()), (
        "a manual that quotes a rule is not in force from its day"
    )


def test_metadata_csv_wins_over_the_name_and_that_over_the_title_page() -> None:
    page = "窓口の手引\n令和5年度版\n令和5年4月1日施行"
    assert marks("窓口の手引_R6.txt", page) == (2024, None, ()), (
        "a day outside the year of the name is another edition's"
    )
    assert marks("窓口の手引_R6.txt", page, year=2025) == (2025, None, ())
    assert marks("窓口の手引_R6.txt", page, effective_date=date(2024, 10, 1)) == (2024, "2024-10-01", ())
    assert marks("窓口の手引_R6.txt", "窓口の手引\n令和6年3月改訂") == (2024, None, ()), (
        "printed before its year begins"
    )


# --- which files belong together --------------------------------------------------------------------------------------


def link(*sources: str) -> list[list[str]]:
    """Return the families of files that have nothing but their names."""
    documents = [(source, resolve_metadata(source, title=None, kind=None, row=None)) for source in sources]
    return [[member.source for member in family.members] for family in link_editions(documents)]


@pytest.mark.parametrize(
    "editions",
    [
        ("税務課/課税の手引（令和5年度版）.pdf", "税務課/課税の手引（令和6年度版）.docx"),
        ("税務課/R5/課税の手引.pdf", "税務課/R6/課税の手引.pdf"),
        ("税務課/旧版/課税の手引_R5.pdf", "税務課/課税の手引_R6.pdf"),
        ("税務課/課税の手引 第2版.pdf", "税務課/課税の手引 第10版.pdf"),
        ("税務課/手引_R5.pdf", "税務課/手引_R6.pdf"),
        ("旅費規程_20230401.docx", "旅費規程（令和6年4月1日改正）.docx"),
        ("地域防災計画（令和3年度修正）.pdf", "地域防災計画（令和6年度修正）.pdf"),
        ("決算書_令和5年度.xlsx", "令和6年度決算書.xlsx"),
        ("様式第3号（令和5年度用）.xlsx", "様式第3号（令和6年度用）.xlsx"),
        ("職員名簿（令和5年4月1日現在）.xlsx", "職員名簿（令和6年4月1日現在）.xlsx"),
    ],
)
def test_names_that_differ_only_in_year_day_or_number_are_editions(editions: tuple[str, ...]) -> None:
    assert link(*reversed(editions)) == [list(editions)]


@pytest.mark.parametrize(
    "others",
    [
        ("第5次総合計画（令和3年度〜令和7年度）.pdf", "第6次総合計画（令和8年度〜令和12年度）.pdf"),
        ("総合計画_2021-2025.pdf", "総合計画_2026-2030.pdf"),
        ("広報みどり2022-08.pdf", "広報みどり2022-09.pdf"),
        ("令和5年度第3回審議会議事録.pdf", "令和6年度第3回審議会議事録.pdf"),
        ("断水のお知らせ_20240401.pdf", "断水のお知らせ_20240501.pdf"),
        ("様式第3号_R5.xlsx", "様式第4号_R6.xlsx"),
        ("教育課/緑沢小学校/危機管理マニュアル_R5.pdf", "教育課/澄野小学校/危機管理マニュアル_R6.pdf"),
        ("令和5年度/研修/資料1.pdf", "令和6年度/研修/資料1.pdf"),
        ("税務課/課税の手引_R5.pdf", "福祉課/課税の手引_R6.pdf"),
        ("税務課/課税の手引.pdf", "税務課/課税の手引（令和6年度版）.pdf"),
        ("税務課/課税の手引_R6.pdf", "税務課/課税の手引_R6.docx"),
    ],
)
def test_other_periods_issues_meetings_places_and_what_has_no_order_are_not_linked(others: tuple[str, ...]) -> None:
    assert link(*others) == []


def test_a_name_in_metadata_csv_links_what_is_called_otherwise_and_parts_what_is_not() -> None:
    def document(source: str, work: str | None) -> tuple[str, Metadata]:
        return source, replace(resolve_metadata(source, title=None, kind=None, row=None), work=work)

    renamed = [document("第5次総合計画_R3.pdf", "総合計画"), document("みどりビジョン_R8.pdf", "総合計画")]
    parted = [document("手引_R5.pdf", "甲の手引"), document("手引_R6.pdf", "乙の手引")]
    assert [[m.source for m in family.members] for family in link_editions(renamed + parted)] == [
        ["第5次総合計画_R3.pdf", "みどりビジョン_R8.pdf"]
    ]


def family_of(*sources: str) -> Family:
    (family,) = link_editions((s, resolve_metadata(s, title=None, kind=None, row=None)) for s in sources)
    return family


def test_the_standing_of_an_edition_follows_the_day() -> None:
    family = family_of("手引_R5.pdf", "手引_R6.pdf", "手引_R7.pdf")

    def standings(day: date) -> list[str]:
        return [family.judge(member.source, day).standing.label for member in family.members]

    assert standings(date(2023, 3, 31)) == ["施行前", "施行前", "施行前"]
    assert standings(date(2024, 3, 31)) == ["現行", "施行前", "施行前"]
    assert standings(date(2024, 4, 1)) == ["旧版", "現行", "施行前"]
    assert standings(date(2026, 4, 1)) == ["旧版", "旧版", "現行"]


def test_a_draft_never_takes_the_place_of_a_text_in_force() -> None:
    family = family_of("旅費規程_R5.docx", "旅費規程_R6（案）.docx")
    assert {m.source: family.judge(m.source, TODAY).standing for m in family.members} == {
        "旅費規程_R5.docx": Standing.CURRENT,
        "旅費規程_R6（案）.docx": Standing.DRAFT,
    }


def test_copies_of_the_newest_edition_are_all_current_and_the_older_points_to_its_own_format() -> None:
    family = family_of("手引_R5.docx", "手引_R6.docx", "手引_R6.pdf")
    judged = {member.source: family.judge(member.source, TODAY) for member in family.members}
    assert [e.standing.label for e in judged.values()] == ["旧版", "現行", "現行"]
    newer = judged["手引_R5.docx"].superseded_by
    assert newer is not None and newer.source == "手引_R6.docx"


# --- what a question gets ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("question", "source", "fact"),
    [
        (FEE, R8, "300円"),
        (LODGING, "総務課/職員旅費規程.txt", "9,800円"),
        (SETTLED, "財政課/令和7年度決算書.md", "83億円"),
    ],
)
def test_the_newest_in_force_answers_alone_and_without_a_warning(
    assistant: Assistant, question: str, source: str, fact: str
) -> None:
    answer = assistant.ask(question)
    assert cited(answer) == {source} and fact in answer.text, answer.text
    assert answer.warnings == ()
    assert "superseded_by" not in answer_to_dict(answer)["citations"][0]


@pytest.mark.parametrize("year", ["令和5年度", "2023年度", "Ｒ５"])
def test_a_year_in_the_question_selects_its_edition_and_names_the_newer(assistant: Assistant, year: str) -> None:
    answer = assistant.ask(f"{year}の{FEE}")
    assert cited(answer) == {R5} and "200円" in answer.text
    (warning,) = answer.warnings
    assert warning.code == "superseded"
    assert all(words in warning.message for words in ("2023年4月1日", R5, "2026年4月1日", R8)), warning.message
    newer = {"source": R8, "title": "窓口事務マニュアル（令和8年度版）"}
    assert answer_to_dict(answer)["citations"][0]["superseded_by"] == newer
    assert f"【旧版】現行: {newer['title']}（{R8}）" in render_answer(answer)


@pytest.mark.parametrize(
    ("day", "fee"),
    [
        ("令和7年3月", "8,000円"),
        ("令和7年4月", "9,800円"),
        ("令和７年の３月31日", "8,000円"),
        ("2026年10月", "9,800円"),
    ],
)
def test_a_day_in_the_question_selects_the_edition_in_force_on_it(assistant: Assistant, day: str, fee: str) -> None:
    assert fee in assistant.ask(f"{day}の出張では、{LODGING}").text


@pytest.mark.parametrize(
    "question",
    [
        "令和5年6月生まれの子の",
        "国民健康保険から社会保険に変わったときの",
        "出産の前と後で必要な",
        "年齢によって変わる",
    ],
)
def test_days_and_changes_of_a_life_choose_no_other_edition(assistant: Assistant, question: str) -> None:
    assert cited(assistant.ask(f"{question}{FEE}")) <= {R8}


def test_two_days_in_a_question_may_use_both_editions(assistant: Assistant) -> None:
    assert cited(assistant.ask(f"令和5年6月と令和8年6月の{FEE}")) == {R5, R8}


def test_a_question_for_two_years_may_use_both(assistant: Assistant) -> None:
    passages = assistant.search(f"令和5年度と令和6年度の{FEE}", limit=20)
    chosen = {p.chunk.source for p in passages if p.edition and p.edition.chosen}
    assert {R5, R6} <= chosen and not {R8, R99} & chosen


@pytest.mark.parametrize(
    "asked", ["改正の前と後でそれぞれいくらですか", "どう変わりましたか", "何円から何円に変わりましたか"]
)
def test_a_question_for_what_changed_is_answered_from_this_edition_and_the_one_before(
    assistant: Assistant, asked: str
) -> None:
    answer = assistant.ask(f"住民票の写しの手数料は、{asked}")
    assert cited(answer) == {R6, R8} and "250円" in answer.text and "300円" in answer.text


def test_the_budget_of_a_year_that_is_asked_for_needs_no_warning(assistant: Assistant) -> None:
    answer = assistant.ask(f"令和6年度の{SETTLED}")
    assert cited(answer) == {"財政課/令和6年度決算書.md"} and "71億円" in answer.text
    assert answer.warnings == ()
    (citation,) = answer.citations
    assert citation.edition is not None and citation.edition.standing is Standing.EARLIER


@pytest.mark.parametrize(
    ("day", "fact"),
    [("2023-04-01", "200円"), ("2024-03-31", "200円"), ("2024-04-01", "250円"), ("2026-04-01", "300円")],
)
def test_a_day_selects_the_edition_in_force_on_it(assistant: Assistant, day: str, fact: str) -> None:
    filters = Filters(as_of=date.fromisoformat(day))
    answer = assistant.ask(FEE, filters=filters)
    assert fact in answer.text and len(cited(answer)) == 1
    manuals = {p.chunk.source for p in assistant.search(FEE, filters=filters, limit=50)} & {R5, R6, R8, R99}
    assert manuals == cited(answer), "no other edition is even found"


def test_before_the_first_edition_nothing_of_the_text_is_found(assistant: Assistant) -> None:
    hits = assistant.search(FEE, filters=Filters(as_of=date(2015, 1, 1)), limit=50)
    assert {p.chunk.source for p in hits} == {"環境課/ごみの出し方.md"}


def test_an_edition_that_is_not_in_force_yet_waits_and_says_so_when_it_is_asked_for(assistant: Assistant) -> None:
    found = {p.chunk.source: p for p in assistant.search(FEE, limit=50)}
    assert found[R99].edition is not None and found[R99].edition.standing is Standing.COMING
    answer = assistant.ask(FEE, filters=Filters(as_of=date(2118, 1, 1)))
    (warning,) = answer.warnings
    assert cited(answer) == {R99} and warning.code == "not_in_force" and "2117年4月1日" in warning.message
    assert R8 in warning.message
    citation = answer_to_dict(answer)["citations"][0]
    assert citation["in_force_from"] == "2117-04-01" and "superseded_by" not in citation


def test_hits_of_older_editions_come_later_and_are_marked(assistant: Assistant) -> None:
    hits = hits_to_dict(assistant.search(FEE, limit=50))["hits"]
    fees = [hit for hit in hits if "住民票の写しの手数料は" in hit["text"]]
    assert fees[0]["source"] == R8 and "superseded_by" not in fees[0]
    assert {hit["source"]: hit["superseded_by"]["source"] for hit in fees if "superseded_by" in hit} == {R5: R8, R6: R8}


def test_what_only_the_older_edition_says_is_answered_from_it_with_the_warning(tmp_path: Path) -> None:
    old = MANUAL.format(year=5, fee=200) + "\n## 外国人登録\n\n外国人登録原票の写しの手数料は、1通350円です。\n"
    settings = build(tmp_path, {"手引_R5.md": old, "手引_R6.md": MANUAL.format(year=6, fee=250)})
    answer = ask(settings, "外国人登録原票の写しの手数料はいくらですか")
    assert "350円" in answer.text and [w.code for w in answer.warnings] == ["superseded"]


def test_the_card_shows_the_mark_with_a_link_to_the_newer_original(assistant: Assistant) -> None:
    question = f"令和5年度の{FEE}"
    page = render_page(assistant.ask(question), question, Links(assistant, EVERYONE))
    sha256 = next(entry.sha256 for entry in assistant.documents() if entry.source == R8)
    assert '<span class="badge old">旧版</span>' in page
    assert f'href="/originals/{sha256}/' in page and "現行の「窓口事務マニュアル（令和8年度版）」を開く" in page


def test_status_lists_the_editions_of_each_text(archive: Settings) -> None:
    status = render_status(collect_status(archive))
    block = status.partition("・窓口事務マニュアル（令和99年度版）\n")[2].splitlines()[:4]
    assert [line.split()[0] for line in block] == ["施行前", "現行", "旧版", "旧版"]
    assert "    以前の年度　2024-04-01 から　財政課/令和6年度決算書.md" in status
    assert "ごみの出し方" not in status.partition("版のある文書")[2]


# --- who asks ---------------------------------------------------------------------------------------------------------


def test_an_edition_that_the_asker_may_not_read_neither_hides_an_older_one_nor_is_named(tmp_path: Path) -> None:
    files = {R5: FILES[R5], R6: FILES[R6], R8: FILES[R8], "metadata.csv": f"ファイル,公開範囲\n{R8},町民課\n"}
    settings = build(tmp_path, files)
    desk, others = Asker(departments=("町民課",)), Asker(departments=("税務課",))

    seen = ask(settings, FEE, asker=others)
    assert cited(seen) == {R6} and "250円" in seen.text and seen.warnings == ()
    old = ask(settings, f"令和5年度の{FEE}", asker=others)
    assert R6 in old.warnings[0].message and R8 not in str(answer_to_dict(old))
    assert cited(ask(settings, FEE, asker=desk)) == cited(ask(settings, FEE, asker=COMMAND_LINE)) == {R8}


# --- from run to run --------------------------------------------------------------------------------------------------


def test_a_new_file_makes_another_one_old_and_its_removal_makes_it_current_again(tmp_path: Path) -> None:
    settings = build(tmp_path, {R5: FILES[R5], R6: FILES[R6], "ごみ.md": FILES["環境課/ごみの出し方.md"]})
    assert cited(ask(settings, FEE)) == {R6}

    write(settings.corpus, {R8: FILES[R8]})
    assert sync(settings).added == (R8,)
    assert cited(ask(settings, FEE)) == {R8} and families(settings) == [[R5, R6, R8]]

    (settings.corpus / R8).unlink()
    assert sync(settings).removed == (R8,)
    answer = ask(settings, FEE)
    assert cited(answer) == {R6} and answer.warnings == ()


def test_renaming_a_file_renames_its_edition(tmp_path: Path) -> None:
    settings = build(
        tmp_path, {"手引_R5.txt": "窓口の手数料は、200円です。\n", "手引_R6.txt": "窓口の手数料は、250円です。\n"}
    )
    (settings.corpus / "手引_R5.txt").rename(settings.corpus / "手引_R7.txt")
    assert sync(settings).renamed == (("手引_R5.txt", "手引_R7.txt"),)
    assert families(settings) == [["手引_R6.txt", "手引_R7.txt"]]
    assert cited(ask(settings, "窓口の手数料はいくらですか")) == {"手引_R7.txt"}


def test_a_run_that_changes_nothing_stays_no_work(archive: Settings, tmp_path: Path) -> None:
    settings = replace(archive, corpus=tmp_path / "corpus", index=tmp_path / "index")
    shutil.copytree(archive.corpus, settings.corpus)
    shutil.copytree(archive.index, settings.index)
    before = SnapshotStore(settings.index).current_id()
    report: SyncReport = sync(settings)
    assert not report.published and report.snapshot == before and len(report.unchanged) == len(FILES)


def test_metadata_csv_may_name_the_text_and_its_day(tmp_path: Path) -> None:
    files = {
        "a.txt": "窓口の手数料は、200円です。\n",
        "b.txt": "窓口の手数料は、250円です。\n",
        "metadata.csv": "ファイル,文書名,施行日\na.txt,手数料表,令和5年4月1日\nb.txt,手数料表,令和6年4月1日\n",
    }
    settings = build(tmp_path, files)
    assert families(settings) == [["a.txt", "b.txt"]]
    assert "250円" in ask(settings, "窓口の手数料はいくらですか").text
    assert "200円" in ask(settings, "窓口の手数料はいくらですか", filters=Filters(as_of=date(2024, 3, 31))).text


def test_the_title_of_a_file_without_one_in_common_is_not_enough(tmp_path: Path) -> None:
    path = tmp_path / "x.txt"
    path.write_text("業務マニュアル\n\n本文です。\n", encoding="utf-8")
    title = read_plain(path, "x.txt").title
    found = [(s, Metadata(title or "", Kind.MANUAL, year=y)) for s, y in (("課税_R5.txt", 2023), ("収納_R6.txt", 2024))]
    assert title == "業務マニュアル" and link_editions(found) == []


# --- as of when figures are -------------------------------------------------------------------------------------------

POPULATION = """# 緑沢町の概要

## 人口

（令和6年4月1日現在）

| 地区 | 人口 |
|---|---|
| 東地区 | 3,210人 |
| 西地区 | 4,560人 |

## 職員

| 職 | 人数 |
|---|---|
| 保育士 | 48人 |

※令和7年10月1日現在

## 面積

緑沢町の総面積は、52.3平方キロメートルです。
（令和5年10月1日現在）
"""


@pytest.fixture(scope="module")
def figures(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Assistant]:
    sheet = (
        "緑沢町の世帯数,,\n令和8年1月1日現在,,\n地区,世帯数,うち単身\n南地区,1234世帯,321世帯\n北地区,987世帯,210世帯\n"
    )
    settings = build(tmp_path_factory.mktemp("figures"), {"概要.md": POPULATION, "世帯.csv": sheet})
    with closing(Assistant.open(settings)) as opened:
        yield opened


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("西地区の人口は何人ですか", "地区：西地区、人口：4,560人（令和6年4月1日現在）"),
        ("保育士は何人ですか", "職：保育士、人数：48人（令和7年10月1日現在）"),
        ("南地区の世帯数はいくつですか", "地区：南地区、世帯数：1234世帯、うち単身：321世帯（令和8年1月1日現在）"),
        ("緑沢町の総面積はどれだけですか", "緑沢町の総面積は、52.3平方キロメートルです。（令和5年10月1日現在）"),
    ],
)
def test_a_figure_is_given_with_the_day_that_stands_beside_it(figures: Assistant, question: str, text: str) -> None:
    answer = figures.ask(question)
    assert text in answer.text, answer.text
    (citation,) = answer.citations
    assert citation.verified and text[-14:].strip("（）")[-6:] in citation.quote, citation.quote


def test_the_card_of_such_a_row_is_still_a_record(figures: Assistant) -> None:
    question = "北地区の世帯数はいくつですか"
    page = render_page(figures.ask(question), question, Links(figures, EVERYONE))
    assert "<p>令和8年1月1日現在</p>" in page and "<dt>世帯数</dt><dd><mark>987世帯</mark></dd>" in page


def test_a_passage_without_editions_carries_no_mark(figures: Assistant) -> None:
    found: list[Passage] = figures.search("人口")
    assert found and all(passage.edition is None for passage in found)
