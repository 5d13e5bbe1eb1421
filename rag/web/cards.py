"""The card of one source: what it is, where it says so, in which words, and the way to the original."""

from __future__ import annotations

import re
from datetime import date
from html import escape

from rag.documents import CELL_SEPARATOR, ELLIPSIS, Citation, Edition, Locator, Place, Standing
from rag.web.links import Links

PRINTED = "変換した PDF "  # the page's script adds the number
PAGE_PLACE = 987654321
"""Stands in an address for the number of any page."""
_EDGES = "…\n"
_BASIS = re.compile(r"^[^\t\n…]*(?:現在|時点|基準日)[^\t\n…]*[…\n]|[…\n][^\t\n…]*(?:現在|時点|基準日)[^\t\n…]*$")
"""As of when the figures of a quoted row are: it stands before or behind header and row."""


def render_citation(citation: Citation, links: Links) -> str:
    """Return the card of a citation."""
    number = citation.number
    return (
        f'<article class="card" id="citation-{number}" tabindex="-1" aria-label="出典{number}">'
        f'<h3><span class="number">[{number}]</span> {escape(citation.title)}</h3>'
        f'<p class="where">{_render_where(citation, links)}</p>'
        f"{render_edition(citation.edition, links)}{_render_reviewed(citation, links)}{_render_quote(citation)}"
        f"{_render_page(citation, links)}{render_original(citation.source, citation.locator, links)}</article>"
    )


def render_place(place: Place, links: Links) -> str:
    """Return the card of a place worth looking at."""
    return (
        f'<article class="card"><h3>{escape(place.title)}</h3><p class="where">{escape(place.locator.describe(place.source))}</p>'
        f'{render_edition(place.edition, links)}<p class="excerpt">{escape(place.text)}</p>{render_original(place.source, place.locator, links)}</article>'
    )


def render_badge(words: str, kind: str = "") -> str:
    """Return a short mark beside a title.

    >>> render_badge("旧版", "old")
    '<span class="badge old">旧版</span>'
    """
    return f'<span class="badge{f" {kind}" if kind else ""}">{escape(words)}</span>'


def _render_where(citation: Citation, links: Links) -> str:
    parts = [citation.locator.describe(citation.source), citation.department or ""]
    words = [f"<span>{escape(part)}</span>" for part in parts if part]
    checked = render_badge("確認済み") if citation.verified else render_badge("未確認", "unverified")
    read = links.ocr_confidence(citation.source, citation.page)
    ocr = render_badge(f"文字認識（OCR）{read:.0%}", "old") if read is not None else ""
    return "".join([*words, checked, ocr])


def _render_reviewed(citation: Citation, links: Links) -> str:
    """Return who wrote an official answer and by when it is looked at again; "" for any other source."""
    entry = links.find_reviewed(citation.source, citation.locator.row)
    if entry is None or not links.original(citation.source):
        return ""
    days = (("確認日", entry.confirmed), ("見直し日", entry.review_by))
    author = entry.author if entry.author.startswith(entry.department) else f"{entry.department} {entry.author}"
    parts = [f"作成者: {author}", *(f"{name}: {day}" for name, day in days if day)]
    late = entry.review_by is not None and entry.review_by < date.today()
    badge = render_badge("見直し日を過ぎています", "old") if late else ""
    words = "".join(f"<span>{escape(part)}</span>" for part in parts)
    return f'<p class="where reviewed">{words}{badge}</p>'


def render_edition(edition: Edition | None, links: Links) -> str:
    """Return the mark of an edition that is not in force, with the way to the one that is."""
    if edition is None or edition.standing is Standing.CURRENT:
        return ""
    badge = f'<span class="badge old">{escape(edition.standing.label)}</span>'
    begins = f"{edition.begins:%Y-%m-%d} から" if edition.standing is Standing.COMING and edition.begins else ""
    return f'<p class="edition">{badge} {begins}{_render_instead(edition, links)}</p>'


def _render_instead(edition: Edition, links: Links) -> str:
    other = edition.instead
    address = links.original(other.source) if other else None
    if other is None or address is None:
        return ""
    label = f'現行の「{escape(other.title)}」を開く<span class="visually-hidden">（新しいタブ）</span>'
    return f'<a class="newer" href="{escape(address)}" target="_blank" rel="noopener noreferrer">{label}</a>'


def _render_quote(citation: Citation) -> str:
    """Return the quotation; a row is shown as a record, cell by cell where it came with its header."""
    if citation.locator.row is None:
        return f'<blockquote class="quote">{_render_marked(citation)}</blockquote>'
    if record := split_record(citation.quote):
        words = [words.strip() for words, marked in citation.marked_quote if marked]
        rows = "".join(f"<div><dt>{escape(name)}</dt><dd>{_mark(value, words)}</dd></div>" for name, value in record)
        basis = "".join(f"<p>{escape(match[0].strip(_EDGES))}</p>" for match in _BASIS.finditer(citation.quote))
        return f'{basis}<dl class="record">{rows}</dl>'
    lines = "".join(f"<p>{escape(line)}</p>" for line in citation.quote.splitlines() if line.strip())
    return f'<blockquote class="record">{lines}</blockquote>'


def _render_marked(citation: Citation) -> str:
    """Return the quote with its decisive words marked."""
    return "".join(
        f"<mark>{escape(words)}</mark>" if marked else escape(words) for words, marked in citation.marked_quote
    )


def _mark(value: str, decisive: list[str]) -> str:
    """Return a cell with the decisive words that stand in it marked.

    >>> _mark("1通300円", ["300円"]), _mark("a<b", ["b"]), _mark("窓口", [])
    ('1通<mark>300円</mark>', 'a&lt;<mark>b</mark>', '窓口')
    """
    words = next((words for words in decisive if words and words in value), "")
    before, _, after = value.partition(words) if words else (value, "", "")
    return f"{escape(before)}<mark>{escape(words)}</mark>{escape(after)}" if words else escape(value)


def split_record(quote: str) -> list[tuple[str, str]]:
    """Return the cells of a quoted row with their headings, or nothing where header and row do not fit each other.

    >>> split_record("手続\\t窓口…転入届\\t市民課")
    [('手続', '転入届'), ('窓口', '市民課')]
    >>> split_record("（令和6年4月1日現在）…手続\\t窓口…転入届\\t市民課")
    [('手続', '転入届'), ('窓口', '市民課')]
    >>> split_record("\\t町外の者…\\t備考…小人\\t300円\\t中学生以下")
    [('', '小人'), ('町外の者', '300円'), ('備考', '中学生以下')]
    >>> split_record("転入届\\t市民課"), split_record("手続…転入届\\t市民課")
    ([], [])
    """
    parts = _BASIS.sub("", quote).split(ELLIPSIS)  # what stands above an empty cell is left out of the header
    for count in range(1, len(parts)):
        if any(not part.startswith(CELL_SEPARATOR) for part in parts[1:count]):
            break
        header, row = "".join(parts[:count]), ELLIPSIS.join(parts[count:])
        names, values = header.split(CELL_SEPARATOR), row.split(CELL_SEPARATOR)
        if len(names) == len(values) > 1 and "\n" not in header:
            return [(name.strip(), value.strip()) for name, value in zip(names, values, strict=True)]
    return []


def _render_page(citation: Citation, links: Links) -> str:
    """Return the surroundings of the quotation as an image, and the whole page to unfold, for a PDF and for what is printed as one.

    The page of a printed document is known only when its image has been drawn: the page's script puts it into the description.
    """
    if not citation.spans:
        return ""
    strip = links.page_image(citation.source, citation.page, citation.spans, strip=True)
    whole = links.page_image(citation.source, citation.page, citation.spans)
    if strip is None or whole is None:
        return ""
    printed = not citation.source.lower().endswith(".pdf")
    place = PRINTED if printed else citation.locator.describe(citation.source)
    alt = escape(f"{citation.title} {place}の画像。引用した箇所に色を付けています")
    kind = f'class="page"{" data-printed" if printed else ""}'
    pager = "" if printed else _render_pager(citation, links)
    return (
        f'<img {kind} src="{escape(strip)}" alt="{alt}">'
        f'<details class="viewer"{pager}><summary>頁全体を見る</summary>{_render_tools(paged=bool(pager))}'
        f'<div class="paper" tabindex="0" role="group" aria-label="頁の画像">'
        f'<img {kind} loading="lazy" src="{escape(whole)}" alt="{alt}"></div></details>'
    )


def _render_pager(citation: Citation, links: Links) -> str:
    """Return what the page's script needs to turn the pages of a PDF: the page, how many there are, and the address of any."""
    address = links.page_image(citation.source, PAGE_PLACE, ()) or ""
    count = links.page_count(citation.source)
    title = escape(citation.title)
    return (
        f' data-page="{citation.page}" data-pages="{count}" data-title="{title}"'
        f' data-place="{PAGE_PLACE}" data-address="{escape(address)}"'
    )


def _render_tools(*, paged: bool) -> str:
    turning = (
        '<button type="button" data-turn="-1">前の頁</button><button type="button" data-turn="1">次の頁</button>'
        '<span class="page-number" role="status"></span>'
    )
    zoom = (
        '<button type="button" data-zoom="1">拡大</button><button type="button" data-zoom="-1">縮小</button>'
        '<button type="button" data-zoom="0">元の大きさ</button>'
    )
    return f'<div class="pager">{turning if paged else ""}{zoom}</div>'


def render_original(source: str, locator: Locator, links: Links) -> str:
    """Return the link to a document, at its page where there is one."""
    address = links.original(source, locator.page)
    if address is None:
        return ""
    words = escape(f"原本を開く{_describe_page(locator, source)}")
    label = f'{words}<span class="visually-hidden">（新しいタブ）</span>'
    return f'<a class="original" href="{escape(address)}" target="_blank" rel="noopener noreferrer">{label}</a>'


def _describe_page(locator: Locator, source: str = "") -> str:
    """Return the page of a link in words: the printed number where there is one.

    >>> _describe_page(Locator(page=14, label="12")), _describe_page(Locator(page=3)), _describe_page(Locator(row=3))
    ('（12頁）', '（PDF 3枚目）', '')
    >>> _describe_page(Locator(page=3), "説明会.pptx")
    '（スライド3）'
    """
    if locator.page is None:
        return ""
    return f"（{locator.label}頁）" if locator.label else f"（{Locator(page=locator.page).describe(source)}）"
