"""Build ``corpus/`` and ``eval/questions.csv`` from the sources: ``python -m eval.municipality.build``."""

from __future__ import annotations

import csv
import datetime
import io
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path

import weasyprint  # type: ignore[import-untyped,unused-ignore]
from markdown_it import MarkdownIt
from openpyxl import Workbook
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.worksheet.worksheet import Worksheet
from pypdf import PdfReader, PdfWriter
from pypdf.constants import PageLabelStyle

from eval.municipality.facts import SOURCES, Facts, fill, load

ROOT = Path(__file__).parents[2]
CORPUS = ROOT / "corpus"
NOON = datetime.datetime(2026, 4, 1, 12, 0, 0)
STEP = re.compile(r"^([①-⑳]|\([0-9]+\)|・|[0-9]+)[　 ]?(?=\S)")
QA_FILE = "共通/よくある質問.xlsx"


@dataclass(frozen=True)
class Print:
    """A PDF to be made: where it goes, its style sheet, its title, and the number of front pages when labelled."""

    target: str
    source: str
    title: str
    department: str
    front: int = 0
    labels: bool = False
    outline: bool = True


PRINTS = (
    Print("企画財政課/第6次澄野町総合計画.pdf", "plan", "第6次澄野町総合計画", "企画財政課", front=4, labels=True),
    Print(
        "町民課/窓口事務マニュアル.pdf", "manual", "窓口事務マニュアル（令和8年度版）", "町民課", front=2, outline=False
    ),
    Print("デジタル推進課/情報セキュリティ規程.pdf", "security", "澄野町情報セキュリティ規程", "デジタル推進課"),
)
TEXTS = (
    ("総務課/職員旅費規程.txt", "travel.txt", "cp932"),
    ("環境課/年末年始のごみ収集のお知らせ.md", "yearend.md", "utf-8"),
    ("危機管理課/令和8年度総合防災訓練実施要領.md", "drill.md", "utf-8"),
    ("企画財政課/移住定住住まい応援補助金のお知らせ.txt", "migration.txt", "utf-8"),
)


def body_of(name: str, facts: Facts) -> str:
    """Return the HTML of a Markdown source, with numbered headings given anchors."""
    text = fill((SOURCES / f"{name}.md").read_text(encoding="utf-8"), facts)
    lines = [step_of(line, rule=name == "security") for line in text.splitlines()]
    html = MarkdownIt("commonmark", {"html": True}).enable("table").render("\n".join(lines))
    ids = iter(range(1, 1000))
    html = re.sub(r"<h3>(?=\d-\d )", '<h3 class="measure">', html)
    html = re.sub(r"<h2>(?=第\d節 政策)", '<h2 class="policy">', html)
    return re.sub(r"<h([1-4])(?=[ >])", lambda found: f'<h{found[1]} id="h{next(ids)}"', html)


def step_of(line: str, *, rule: bool) -> str:
    """Return a line that starts with a step's number as a paragraph of its own, hanging from the number."""
    if rule and line.startswith(("第", "（", "目次", "附則")):
        return f"\n{line}\n" if line != "附則" else f"{line}\n"
    if not STEP.match(line) or line.startswith(("1 ", "2 ", "3 ")):
        return line
    return f'\n<p class="step">{line}</p>\n'


def contents(html: str, deepest: int) -> str:
    """Return a table of contents with leaders and printed page numbers."""
    found = re.findall(rf'<h([1-{deepest}]) id="(h\d+)"[^>]*>(.*?)</h\1>', html)
    items = (f'<li class="t{level}"><a href="#{anchor}">{title}</a></li>' for level, anchor, title in found)
    return f'<nav><p class="toc-title">目次</p><ul>{"".join(items)}</ul></nav>'


def page_of(job: Print, facts: Facts) -> str:
    """Return the whole HTML of a PDF: its front pages, then its body."""
    body = body_of(job.source, facts)
    front = SOURCES / f"{job.source}-front.html"
    head = fill(front.read_text(encoding="utf-8"), facts) if front.exists() else ""
    head = head.replace("{{目次}}", contents(body, 3 if job.source == "plan" else 2))
    style = (SOURCES / "print.css").read_text(encoding="utf-8")
    return (
        f'<!doctype html><html lang="ja"><head><title>{job.title}</title><style>{style}</style></head>'
        f'<body class="{job.source}">{head}<main>{body}</main></body></html>'
    )


def make_pdf(job: Print, facts: Facts) -> int:
    """Write one PDF with its metadata, outline and page labels; return its number of pages."""
    printed = weasyprint.HTML(string=page_of(job, facts)).write_pdf(pdf_identifier=job.source.encode(), dpi=150)
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(printed)))
    if job.labels:
        writer.set_page_label(0, job.front - 1, style=PageLabelStyle.LOWERCASE_ROMAN)
        writer.set_page_label(job.front, len(writer.pages) - 1, style=PageLabelStyle.DECIMAL)
    if not job.outline:
        writer.root_object.pop("/Outlines", None)
    stamp = f"D:{NOON:%Y%m%d%H%M%S}+09'00'"
    writer.add_metadata(
        {
            "/Title": job.title,
            "/Author": f"澄野町 {job.department}（架空の自治体）",
            "/Producer": "eval.municipality.build",
            "/CreationDate": stamp,
            "/ModDate": stamp,
        }
    )
    target = CORPUS / job.target
    target.parent.mkdir(parents=True, exist_ok=True)
    writer.write(target)
    return len(writer.pages)


def rows_of(name: str, facts: Facts) -> list[list[str]]:
    """Return the records of a source whose cells are parted by ``|``, with the facts put in."""
    text = fill((SOURCES / name).read_text(encoding="utf-8"), facts)
    return [line.split("|") for line in text.splitlines() if line]


def make_texts(facts: Facts) -> None:
    """Write the plain text and Markdown documents, the old ones with the encoding and line ends of Windows."""
    for target, source, encoding in TEXTS:
        text = fill((SOURCES / source).read_text(encoding="utf-8"), facts)
        path = CORPUS / target
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding=encoding, newline="\r\n" if encoding == "cp932" else "\n")


def make_csv(source: str, target: str, encoding: str, facts: Facts) -> None:
    """Write a CSV file with the line ends that Excel writes."""
    path = CORPUS / target
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding=encoding, newline="") as file:
        csv.writer(file, lineterminator="\r\n").writerows(rows_of(source, facts))


def make_workbook(facts: Facts) -> None:
    """Write the sheets of questions and answers."""
    book = Workbook()
    citizens = book.active
    assert isinstance(citizens, Worksheet)
    citizens.title = "住民向け"
    note = facts["町"]["断り"]
    fill_sheet(
        citizens,
        [["澄野町　よくある質問（住民向け）　令和8年10月1日現在"], [f"※{note}"]],
        rows_of("qa-citizens.psv", facts),
        facts,
    )
    fill_sheet(book.create_sheet("職員向け"), [], rows_of("qa-staff.psv", facts), facts)
    book.properties.creator = "澄野町総務課（架空の自治体）"
    book.properties.created = NOON
    kept = io.BytesIO()
    book.save(kept)
    path = CORPUS / QA_FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(settled(kept.getvalue()))


def fill_sheet(sheet: Worksheet, titles: list[list[str]], rows: list[list[str]], facts: Facts) -> None:
    """Write the title rows, the header and the numbered questions, with the department's extension."""
    for title in titles:
        sheet.append(title)
        sheet.cell(sheet.max_row, 1).font = Font(bold=True, size=13 if len(title[0]) < 30 else 9)
    sheet.append(["番号", "分類", "質問", "回答", "所管課", "内線", "更新日"])
    header = sheet.max_row
    for number, (kind, question, answer, department, day) in enumerate(rows, start=1):
        extension = int(facts["課"][department][0])
        sheet.append([number, kind, question, answer, department, extension, datetime.date.fromisoformat(day)])
    dress(sheet, header)


def dress(sheet: Worksheet, header: int) -> None:
    """Rule the cells, wrap the text and freeze the header."""
    line = Side(style="thin", color="808080")
    for column, width in zip("ABCDEFG", (6, 14, 44, 70, 14, 7, 12), strict=True):
        sheet.column_dimensions[column].width = width
    for row in sheet.iter_rows(min_row=header, max_col=7):
        for cell in row:
            cell.border = Border(left=line, right=line, top=line, bottom=line)
            cell.alignment = Alignment(wrap_text=True, vertical="top")
            if cell.row == header:
                cell.font, cell.fill = Font(bold=True), PatternFill("solid", fgColor="D9E5EC")
            elif cell.column == 7:
                cell.number_format = "[$-411]ggge年m月d日"
    sheet.freeze_panes = f"A{header + 1}"


def settled(archive: bytes) -> bytes:
    """Return the same workbook without the moment of saving, so that a rebuild gives the same bytes."""
    kept = io.BytesIO()
    moment = f"{NOON.isoformat()}Z".encode()
    with zipfile.ZipFile(io.BytesIO(archive)) as old, zipfile.ZipFile(kept, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            data = re.sub(rb"(<dcterms:modified[^>]*>)[^<]*", rb"\g<1>" + moment, old.read(name))
            new.writestr(zipfile.ZipInfo(name, NOON.timetuple()[:6]), data, zipfile.ZIP_DEFLATED)
    return kept.getvalue()


def main() -> None:
    """Write every document, leaving other files of the corpus folder alone, then resolve the questions to places in it."""
    from eval.municipality.questions import write_questions

    facts = load()
    for job in PRINTS:
        print(f"{job.target}: {make_pdf(job, facts)} pages")
    make_texts(facts)
    make_workbook(facts)
    make_csv("qa-living.psv", "環境課/くらしと環境のよくある質問.csv", "cp932", facts)
    make_csv("metadata.psv", "metadata.csv", "utf-8-sig", facts)
    print(f"eval/questions.csv: {write_questions()} questions")


if __name__ == "__main__":
    main()
