"""Hostile and broken files: each becomes one listed problem, in bounded time, and nothing is written outside the index."""

from __future__ import annotations

import hashlib
import os
import sys
import unicodedata
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from fakes import BigramEmbedder

from rag.indexing.pipeline import build_pipeline
from rag.indexing.preparation import Outcome, Task, Work, prepare_files
from rag.indexing.sync import SyncReport, sync
from rag.reading.options import ReadingOptions
from rag.reading.registry import list_corpus
from rag.settings import Settings

SHORT = ReadingOptions(max_bytes=50_000_000, max_pages=100, max_seconds=20, max_memory_bytes=1_000_000_000)
GOOD = {"よい.txt": "転入届は14日以内に出してください。\n".encode()}


def write(corpus: Path, files: Mapping[str, bytes]) -> None:
    for source, data in files.items():
        (corpus / source).parent.mkdir(parents=True, exist_ok=True)
        (corpus / source).write_bytes(data)


def read_all(root: Path, files: Mapping[str, bytes], options: ReadingOptions = SHORT) -> dict[str, Outcome]:
    """Write files and one good one, and prepare them all in worker processes."""
    corpus = root / "corpus"
    write(corpus, {**GOOD, **files})
    listing = list_corpus(corpus, options=options)
    work = Work(build_pipeline(), listing, root / "index" / "files", 400, options)
    tasks = [Task(file, hashlib.sha256(file.path.read_bytes()).hexdigest()) for file in listing.files]
    outcomes = {outcome.source: outcome for outcome in prepare_files(tasks, work, workers=2)}
    assert outcomes["よい.txt"].prepared is not None, outcomes["よい.txt"].problem
    return outcomes


def codes_of(outcomes: Mapping[str, Outcome]) -> dict[str, str]:
    """Return "read" or the code of the problem, by source."""
    return {s: o.problem.code if o.problem else "read" for s, o in outcomes.items() if s not in GOOD}


def index(root: Path) -> SyncReport:
    settings = Settings(corpus=root / "corpus", index=root / "index", workers=1)
    return sync(settings, embedder=BigramEmbedder())


def codes(report: SyncReport) -> list[tuple[str, str]]:
    return sorted((problem.source, problem.code) for problem in report.problems)


# --- workbooks --------------------------------------------------------------------------------------------------------

SHEET = "xl/worksheets/sheet1.xml"
NAMESPACE = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"


def make_workbook(parts: Mapping[str, bytes] | None = None, fill: Callable[[Any], None] | None = None) -> bytes:
    """Return a workbook of which some parts are replaced."""
    from openpyxl import Workbook

    book, plain, changed = Workbook(), BytesIO(), BytesIO()
    book.active["A1"] = "本文です"
    if fill:
        fill(book)
    book.save(plain)
    with zipfile.ZipFile(plain) as old, zipfile.ZipFile(changed, "w", zipfile.ZIP_DEFLATED) as new:
        names = dict.fromkeys([*old.namelist(), *(parts or {})])
        for name in names:
            new.writestr(name, (parts or {}).get(name) or old.read(name))
    return changed.getvalue()


def make_sheet(rows: str, *, before: str = "", after: str = "", head: str = "") -> bytes:
    sheet = f'{head}<worksheet xmlns="{NAMESPACE}">{before}<sheetData>{rows}</sheetData>{after}</worksheet>'
    return f'<?xml version="1.0" encoding="UTF-8"?>{sheet}'.encode()


def text_cell(place: str, text: str) -> str:
    return f'<c r="{place}" t="inlineStr"><is><t>{text}</t></is></c>'


def test_entities_of_a_sheet_are_never_expanded_to_a_bomb_nor_to_a_file(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("himitsu", encoding="utf-8")
    levels = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))
    bomb = f'<!DOCTYPE x [<!ENTITY l0 "ha">{levels}]>'
    foreign = f'<!DOCTYPE x [<!ENTITY l11 SYSTEM "{secret.as_uri()}">]>'
    row = f'<row r="1">{text_cell("A1", "前&l11;後")}</row>'
    outcomes = read_all(
        tmp_path,
        {
            "爆弾.xlsx": make_workbook({SHEET: make_sheet(row, head=bomb)}),
            "外部.xlsx": make_workbook({SHEET: make_sheet(row, head=foreign)}),
        },
    )
    assert codes_of(outcomes)["爆弾.xlsx"] == "broken"
    assert outcomes["爆弾.xlsx"].problem is not None and "XML" in outcomes["爆弾.xlsx"].problem.message
    texts = [page.text for o in outcomes.values() if o.prepared for page in o.prepared.document.pages]
    assert not any("himitsu" in text or "hahaha" in text for text in texts)


def test_a_sheet_that_says_it_is_huge_is_read_as_what_it_holds(tmp_path: Path) -> None:
    rows = f'<row r="1">{text_cell("A1", "左上")}</row><row r="1048576">{text_cell("XFD1048576", "右下")}</row>'
    sheet = make_sheet(rows, before='<dimension ref="A1:XFD1048576"/>')
    outcomes = read_all(tmp_path, {"広い.xlsx": make_workbook({SHEET: sheet})})
    prepared = outcomes["広い.xlsx"].prepared
    assert prepared is not None and [page.text for page in prepared.document.pages] == ["左上\n右下\n"]


def test_cells_merged_over_the_whole_sheet_end_at_a_limit(tmp_path: Path) -> None:
    merged = '<mergeCells count="1"><mergeCell ref="A1:XFD1048576"/></mergeCells>'
    sheet = make_sheet(f'<row r="1">{text_cell("A1", "題")}</row>', after=merged)
    outcomes = read_all(tmp_path, {"結合.xlsx": make_workbook({SHEET: sheet})})
    assert codes_of(outcomes)["結合.xlsx"] in ("out_of_memory", "timeout")


def test_containers_too_large_as_unpacked_are_not_opened(tmp_path: Path) -> None:
    strings = f'<sst xmlns="{NAMESPACE}">{"<si><t>あ</t></si>" * 3_000_000}</sst>'.encode()
    outcomes = read_all(tmp_path, {"文字列.xlsx": make_workbook({"xl/sharedStrings.xml": strings})})
    assert codes_of(outcomes) == {"文字列.xlsx": "too_large"}
    problem = outcomes["文字列.xlsx"].problem
    assert problem is not None and "上限 50 MB" in problem.message


def test_too_many_sheets_are_refused_with_the_limit(tmp_path: Path) -> None:
    data = make_workbook(fill=lambda book: [book.create_sheet(f"{n}枚目") for n in range(100)])
    outcomes = read_all(tmp_path, {"多い.xlsx": data})
    problem = outcomes["多い.xlsx"].problem
    assert problem is not None and problem.code == "too_many_pages"
    assert "101シート" in problem.message and "上限 100" in problem.message and "max_file_pages" in problem.remedy


def test_macros_are_not_run(tmp_path: Path) -> None:
    data = make_workbook({"xl/vbaProject.bin": bytes.fromhex("d0cf11e0a1b11ae1") + b"Shell touch pwned" * 100})
    assert codes_of(read_all(tmp_path, {"マクロ.xlsm": data})) == {"マクロ.xlsm": "read"}


# --- PDF --------------------------------------------------------------------------------------------------------------


def make_pdf(objects: Mapping[int, str | bytes], *, trailer: str = "/Root 1 0 R", prev: str = "") -> bytes:
    """Return a PDF of these numbered objects. prev: what else the trailer says; {xref} in it is the place of the table."""
    out, places = bytearray(b"%PDF-1.7\n"), {}
    for number, body in objects.items():
        places[number] = len(out)
        out += f"{number} 0 obj\n".encode() + (body.encode() if isinstance(body, str) else body) + b"\nendobj\n"
    xref, size = len(out), max(objects) + 1
    out += f"xref\n0 {size}\n0000000000 65535 f \n".encode()
    for number in range(1, size):
        out += f"{places.get(number, 0):010} 00000 {'n' if number in places else 'f'} \n".encode()
    more = prev.replace("{xref}", str(xref))
    return bytes(out) + f"trailer\n<< /Size {size} {trailer} {more} >>\nstartxref\n{xref}\n%%EOF\n".encode()


def make_page(number: int, text: str = "Hello", *, parent: int = 2) -> dict[int, str]:
    stream = f"BT /F1 12 Tf 50 700 Td ({text}) Tj ET"
    font = "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"
    resources = f"<< /Font << /F1 {font} >> >>"
    page = f"<< /Type /Page /Parent {parent} 0 R /MediaBox [0 0 595 842] /Contents {number + 1} 0 R /Resources {resources} >>"
    return {number: page, number + 1: f"<< /Length {len(stream)} >>\nstream\n{stream}\nendstream"}


CATALOG = "<< /Type /Catalog /Pages 2 0 R >>"
HONEST = {1: CATALOG, 2: "<< /Type /Pages /Kids [3 0 R] /Count 1 >>", **make_page(3)}
PDFS = {
    "木が輪.pdf": make_pdf({1: CATALOG, 2: "<< /Type /Pages /Kids [2 0 R 3 0 R] /Count 9 >>", **make_page(3)}),
    "木が二重の輪.pdf": make_pdf(
        {
            1: CATALOG,
            2: "<< /Type /Pages /Kids [3 0 R] /Count 2 /Parent 3 0 R >>",
            3: "<< /Type /Pages /Kids [2 0 R 4 0 R] /Count 2 /Parent 2 0 R >>",
            **make_page(4, parent=3),
        }
    ),
    "頁数が嘘.pdf": make_pdf({**HONEST, 2: "<< /Type /Pages /Kids [3 0 R] /Count 99 >>"}),
    "頁数が負.pdf": make_pdf({**HONEST, 2: "<< /Type /Pages /Kids [3 0 R] /Count -5 >>"}),
    "前の表が自分.pdf": make_pdf(HONEST, prev="/Prev {xref}"),
    "前の表がない所.pdf": make_pdf(HONEST, prev="/Prev 999999999"),
    "前の表が負.pdf": make_pdf(HONEST, prev="/Prev -1"),
    "表の流れが自分.pdf": make_pdf(HONEST, prev="/XRefStm {xref}"),
    "根が自分を指す.pdf": make_pdf({1: "1 0 R"}),
    "頁がない.pdf": make_pdf({1: "<< /Type /Catalog >>"}),
    "長さが自分.pdf": make_pdf({**HONEST, 4: "<< /Length 4 0 R >>\nstream\nBT ET\nendstream"}),
    "流れの中に自分.pdf": make_pdf(
        {
            **HONEST,
            5: "<< /Type /ObjStm /N 1 /First 4 /Extends 5 0 R /Length 20 >>\nstream\n5 0 << /A 5 0 R >> \nendstream",
        }
    ),
    "深い入れ子.pdf": make_pdf({**HONEST, 6: "[" * 100_000 + "]" * 100_000}),
    "しおりが輪.pdf": make_pdf(
        {
            **HONEST,
            1: "<< /Type /Catalog /Pages 2 0 R /Outlines 5 0 R >>",
            5: "<< /Type /Outlines /First 6 0 R /Last 6 0 R /Count 1 >>",
            6: "<< /Title (a) /Parent 5 0 R /Next 6 0 R /First 6 0 R /Dest [3 0 R /Fit] >>",
        }
    ),
    "頁名が輪.pdf": make_pdf(
        {**HONEST, 1: "<< /Type /Catalog /Pages 2 0 R /PageLabels 5 0 R >>", 5: "<< /Kids [5 0 R] /Nums [0 5 0 R] >>"}
    ),
    "途中まで.pdf": make_pdf(HONEST)[:300],
    "頭だけ.pdf": b"%PDF-1.7\n",
}


def test_circular_and_truncated_pdfs_are_read_or_refused_in_bounded_time(tmp_path: Path) -> None:
    outcomes = codes_of(read_all(tmp_path, {"正直.pdf": make_pdf(HONEST), **PDFS}))
    assert outcomes["正直.pdf"] == "read"
    assert set(outcomes) == {"正直.pdf", *PDFS}
    assert {source: code for source, code in outcomes.items() if code not in ("read", "truncated", "broken")} == {}
    assert outcomes["頭だけ.pdf"] == outcomes["途中まで.pdf"] == "truncated"


SELF_DRAWING = make_pdf(
    {
        **HONEST,
        3: "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9e9 9e9] /Contents 4 0 R /Resources << /XObject << /X 5 0 R >> >> >>",
        4: "<< /Length 5 >>\nstream\n/X Do\nendstream",
        5: "<< /Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources << /XObject << /X 5 0 R >> >> /Length 11 >>\nstream\n/X Do /X Do\nendstream",
    }
)
"""A drawing made of itself, twice: PDFium unfolds it 2**levels times."""


def test_a_pdf_that_is_never_done_ends_at_a_limit(tmp_path: Path) -> None:
    outcomes = read_all(tmp_path, {"図形が自分.pdf": SELF_DRAWING}, replace(SHORT, max_seconds=10))
    assert codes_of(outcomes)["図形が自分.pdf"] in ("timeout", "out_of_memory", "crashed")


def test_a_pdf_with_too_many_pages_is_refused_before_it_is_read(tmp_path: Path) -> None:
    from pypdf import PdfWriter

    writer, data = PdfWriter(), BytesIO()
    for _ in range(10_000):
        writer.add_blank_page(595, 842)
    writer.write(data)
    outcomes = read_all(tmp_path, {"多い.pdf": data.getvalue()})
    problem = outcomes["多い.pdf"].problem
    assert problem is not None and problem.code == "too_many_pages"
    assert "10,000頁" in problem.message and "上限 100" in problem.message


# --- names and kinds --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".pdf", ".xlsx", ".xlsm", ".csv", ".md", ".txt", ".zip"])
def test_an_empty_file_of_every_kind_says_that_it_is_empty(tmp_path: Path, suffix: str) -> None:
    write(tmp_path / "corpus", {**GOOD, f"空{suffix}": b""})
    assert codes(index(tmp_path)) == [(f"空{suffix}", "empty")]


def test_files_under_a_wrong_suffix_say_what_they_are(tmp_path: Path) -> None:
    jpeg = bytes.fromhex("ffd8ffe000104a46494600010100000100010000ffdb") + bytes(range(256)) * 4
    workbook, pdf = make_workbook(), make_pdf(HONEST)
    write(
        tmp_path / "corpus",
        {
            **GOOD,
            "文書.pdf": workbook,
            "写真.pdf": jpeg,
            "実はPDF.txt": pdf,
            "実はPDF.xlsx": pdf,
            "実は写真.md": jpeg,
            "実は表.csv": workbook,
            "実はPDF.zip": pdf,
        },
    )
    report = index(tmp_path)
    assert dict(codes(report)) == {
        "文書.pdf": "unknown_format",
        "写真.pdf": "unknown_format",
        "実はPDF.txt": "unknown_format",
        "実はPDF.xlsx": "unknown_format",
        "実は写真.md": "encoding",
        "実は表.csv": "unknown_format",
        "実はPDF.zip": "unknown_format",
    }
    assert report.counts.documents == 1


NAMES = [
    "🏢庁舎案内📄.txt",
    " 先頭の空白.txt",
    "改行\nのある名前.txt",
    "ゼロ幅\u200b.txt",
    "長" * 80 + ".txt",
    "引用'\"`$(rm -rf).txt",
    "{波}[角]%s.txt",
]


def test_strange_names_are_names(tmp_path: Path) -> None:
    bodies = {name: f"文書{n}の本文です。\n".encode() for n, name in enumerate(NAMES)}
    write(tmp_path / "corpus", {unicodedata.normalize("NFD", name): body for name, body in bodies.items()})
    report = index(tmp_path)
    assert report.added == tuple(sorted(unicodedata.normalize("NFC", name) for name in NAMES))
    assert report.problems == () and index(tmp_path).published is False


@pytest.mark.skipif(sys.platform == "win32", reason="no pipes in folders")
def test_pipes_devices_loops_and_folders_named_like_files_are_never_opened(tmp_path: Path) -> None:
    corpus = tmp_path / "corpus"
    write(corpus, {**GOOD, "様式.pdf/中.txt": b"in a folder\n", "箱.zip/中.txt": b"in another\n"})
    os.mkfifo(corpus / "管.txt")
    os.mkfifo(corpus / "管.zip")
    (corpus / "無.txt").symlink_to("/dev/zero")
    (corpus / "輪1.txt").symlink_to("輪2.txt")
    (corpus / "輪2.txt").symlink_to("輪1.txt")
    (corpus / "上へ").symlink_to(corpus)
    report = index(tmp_path)
    assert report.added == ("よい.txt", "様式.pdf/中.txt", "箱.zip/中.txt")
    assert codes(report) == [
        ("上へ", "symlink"),
        ("無.txt", "symlink"),
        ("管.txt", "not_a_file"),
        ("管.zip", "not_a_file"),
        ("輪1.txt", "symlink"),
        ("輪2.txt", "symlink"),
    ]


def test_a_file_beyond_the_size_limit_is_neither_read_nor_copied(tmp_path: Path) -> None:
    corpus = tmp_path / "corpus"
    write(corpus, GOOD)
    with (corpus / "映像.pdf").open("wb") as file:
        file.truncate(400_000_000)  # a hole: no disk is used
    report = index(tmp_path)
    assert codes(report) == [("映像.pdf", "too_large")]
    assert "400 MB" in report.problems[0].message and "上限 300 MB" in report.problems[0].message
    assert [path.suffix for path in (tmp_path / "index/files").iterdir()] == [".txt"]


# --- while it happens -------------------------------------------------------------------------------------------------


def test_a_folder_that_closes_keeps_what_is_indexed_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "corpus", {**GOOD, "税務課/手引.txt": "課税の手引です。\n".encode()})
    index(tmp_path)
    scandir = os.scandir

    def refuse(path: str | os.PathLike[str]) -> Any:
        if Path(path).name == "税務課":
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    report = index(tmp_path)
    assert codes(report) == [("税務課", "unreadable")] and "残しています" in report.problems[0].message
    assert report.removed == () and report.unchanged == ("よい.txt", "税務課/手引.txt")
    monkeypatch.undo()
    report = index(tmp_path)
    assert report.problems == () and report.changed == report.added == ()


def test_a_file_that_was_locked_while_it_was_copied_is_read_the_next_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "corpus", {**GOOD, "開いている.csv": "質問,回答\nいつ,明日\n".encode()})
    original = Path.open
    calls: list[str] = []

    def lock(path: Path, *arguments: Any, **options: Any) -> Any:
        calls.append(path.name)
        if path.name == "開いている.csv" and calls.count(path.name) == 2:  # the first time it is hashed
            raise PermissionError(13, "Permission denied", str(path))
        return original(path, *arguments, **options)

    monkeypatch.setattr(Path, "open", lock)
    assert codes(index(tmp_path)) == [("開いている.csv", "inaccessible")]
    report = index(tmp_path)
    assert report.problems == () and report.changed == ("開いている.csv",)
    assert index(tmp_path).published is False


def test_nothing_is_written_outside_the_index(tmp_path: Path) -> None:
    write(tmp_path / "corpus", GOOD)
    with zipfile.ZipFile(tmp_path / "corpus/悪.zip", "w") as archive:
        for name in ("../../外.txt", "/tmp/外.txt", "..\\外.txt", "中/./良.txt"):
            archive.writestr(name, "本文です。\n")
    before = {path for path in tmp_path.rglob("*") if "index" not in path.parts}
    report = index(tmp_path)
    assert {path for path in tmp_path.rglob("*") if "index" not in path.relative_to(tmp_path).parts} == before
    assert report.added == ("よい.txt", "悪.zip/中/良.txt")
    assert [code for _, code in codes(report)] == ["unsafe_name"] * 3


def test_a_nul_in_a_text_is_an_odd_character_and_not_the_end_of_the_file(tmp_path: Path) -> None:
    write(
        tmp_path / "corpus",
        {**GOOD, "表.csv": "質問,回答\nいつ\0ですか,明日の朝八時から窓口で受け付けます。\n".encode("utf-16")},
    )
    report = index(tmp_path)
    assert codes(report) == [("表.csv", "odd_characters")] and report.counts.documents == 2
