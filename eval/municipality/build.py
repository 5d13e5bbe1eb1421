"""Build ``corpus/`` and ``eval/questions.csv`` from the sources: ``python -m eval.municipality.build [alias …]``.

With aliases, only those PDFs are made anew, and the small files of all other kinds as always.
"""

from __future__ import annotations

import io
import re
import sys
from dataclasses import dataclass

from markdown_it import MarkdownIt
from pypdf import PdfReader, PdfWriter
from pypdf.constants import PageLabelStyle

from eval.municipality.facts import CORPUS, NOON, SOURCES, Facts, fill, load
from eval.municipality.figures import draw_tables
from eval.municipality.upright import set_upright

RULES = ("security", "wages-old", "wages-new")
UNNUMBERED = ("bulletin10", "bulletin11")
"""Sources in which a line that starts with a number is a date or an amount, and no step."""
STEP = re.compile(r"^([①-⑳]|\([0-9]+\)|・|[0-9]+)[　 ]?(?=\S)")


@dataclass(frozen=True)
class Print:
    """A PDF to be made from ``<source>.md``: where it goes, its title, and the number of front pages when labelled.

    short: how the questions call it, if not by the name of its source. look: a style sheet of its own beside ``print.css``.
    """

    target: str
    source: str
    title: str
    department: str
    front: int = 0
    labels: bool = False
    outline: bool = True
    short: str = ""
    look: str = ""

    @property
    def alias(self) -> str:
        """How the questions call it: the name of its source, where nothing shorter is given."""
        return self.short or self.source


PRINTS = (
    Print("企画財政課/第6次澄野町総合計画.pdf", "plan", "第6次澄野町総合計画", "企画財政課", front=4, labels=True),
    Print(
        "町民課/窓口事務マニュアル.pdf",
        "manual",
        "窓口事務マニュアル（令和8年度版）",
        "町民課",
        front=2,
        outline=False,
        short="man",
    ),
    Print(
        "デジタル推進課/情報セキュリティ規程.pdf",
        "security",
        "澄野町情報セキュリティ規程",
        "デジタル推進課",
        short="sec",
    ),
    Print(
        "企画財政課/広報すみの_令和8年10月号.pdf",
        "bulletin10",
        "広報すみの　令和8年10月号",
        "企画財政課",
        look="bulletin",
    ),
    Print(
        "企画財政課/広報すみの_令和8年11月号.pdf",
        "bulletin11",
        "広報すみの　令和8年11月号",
        "企画財政課",
        look="bulletin",
    ),
    Print(
        "総務課/会計年度任用職員の報酬等に関する規程_令和7年4月1日施行.pdf",
        "wages-old",
        "澄野町会計年度任用職員の報酬等に関する規程（令和7年4月1日施行）",
        "総務課",
        look="rule",
        short="wold",
    ),
    Print(
        "総務課/会計年度任用職員の報酬等に関する規程_令和8年10月1日施行.pdf",
        "wages-new",
        "澄野町会計年度任用職員の報酬等に関する規程（令和8年10月1日施行）",
        "総務課",
        look="rule",
        short="wnew",
    ),
    Print(
        "危機管理課/澄野町地域防災計画.pdf",
        "disaster",
        "澄野町地域防災計画",
        "危機管理課",
        front=4,
        labels=True,
        look="disaster",
    ),
    Print(
        "企画財政課/令和8年度当初予算の概要.pdf",
        "budget",
        "令和8年度 当初予算の概要",
        "企画財政課",
        front=3,
        labels=True,
        look="budget",
    ),
    Print(
        "福祉課/福祉・子育て事務マニュアル.pdf",
        "welfare",
        "福祉・子育て事務マニュアル（令和8年度版）",
        "福祉課",
        short="wel",
    ),
    Print("税務課/税務事務マニュアル.pdf", "tax", "税務事務マニュアル（令和8年度版）", "税務課", outline=False),
    Print(
        "企画財政課/財務・契約事務の手引.pdf",
        "finance",
        "財務・契約事務の手引（令和8年度版）",
        "企画財政課",
        short="fin",
    ),
)


def body_of(name: str, facts: Facts) -> str:
    """Return the HTML of a Markdown source, with numbered headings given anchors."""
    written = (SOURCES / f"{name}.md").read_text(encoding="utf-8")
    text = fill(draw_tables(written, name, facts), facts)
    lines = text.splitlines()
    if name not in UNNUMBERED:
        lines = [step_of(line, rule=name in RULES) for line in lines]
    html = set_upright(MarkdownIt("commonmark", {"html": True}).enable("table").render("\n".join(lines)))
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
    head = head.replace("{{目次}}", contents(body, 3 if job.source in ("plan", "disaster") else 2))
    sheets = ["print", job.look] if job.look else ["print"]
    style = "".join((SOURCES / f"{name}.css").read_text(encoding="utf-8") for name in sheets)
    return (
        f'<!doctype html><html lang="ja"><head><title>{job.title}</title><style>{style}</style></head>'
        f'<body class="{job.source} {job.look}">{head}<main>{body}</main></body></html>'
    )


def make_pdf(job: Print, facts: Facts) -> int:
    """Write one PDF with its metadata, outline and page labels; return its number of pages."""
    import weasyprint  # type: ignore[import-untyped,unused-ignore]

    printed = weasyprint.HTML(string=page_of(job, facts)).write_pdf(pdf_identifier=job.source.encode(), dpi=150)
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(printed)))
    if job.labels:
        writer.set_page_label(0, job.front - 1, style=PageLabelStyle.LOWERCASE_ROMAN)
        writer.set_page_label(job.front, len(writer.pages) - 1, style=PageLabelStyle.DECIMAL)
    if not job.outline:
        writer.root_object.pop("/Outlines", None)
    return write_pdf(writer, job.target, job.title, job.department)


def write_pdf(writer: PdfWriter, target: str, title: str, department: str) -> int:
    """Write a PDF into the corpus under its title, the same bytes every time; return its number of pages."""
    stamp = f"D:{NOON:%Y%m%d%H%M%S}+09'00'"
    writer.add_metadata(
        {
            "/Title": title,
            "/Author": f"澄野町 {department}（架空の自治体）",
            "/Producer": "eval.municipality.build",
            "/CreationDate": stamp,
            "/ModDate": stamp,
        }
    )
    path = CORPUS / target
    path.parent.mkdir(parents=True, exist_ok=True)
    writer.write(path)
    return len(writer.pages)


def main() -> None:
    """Write every document, leaving other files of the corpus folder alone, then resolve the questions to places in it."""
    from eval.municipality.decks import DECKS, make_deck
    from eval.municipality.papers import PAPERS, make_paper
    from eval.municipality.questions import write_questions
    from eval.municipality.scans import SCANS, make_scan
    from eval.municipality.texts import make_records, make_texts
    from eval.municipality.workbooks import make_workbooks

    facts, wanted = load(), set(sys.argv[1:])
    for job in PRINTS:
        if wanted and job.alias not in wanted:
            continue
        print(f"{job.target}: {make_pdf(job, facts)} pages")
    for job in SCANS:
        if wanted and job.alias not in wanted:
            continue
        print(f"{job.target}: {make_scan(job, facts)} pages, scanned")
    make_texts(facts)
    make_records(facts)
    make_workbooks(facts)
    for paper in PAPERS:
        make_paper(paper, facts)
    for deck in DECKS:
        print(f"{deck.target}: {make_deck(deck, facts)} slides")
    print(f"eval/questions.csv: {write_questions()} questions")


if __name__ == "__main__":
    main()
