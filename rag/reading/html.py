"""HTML pages -> one page: the main content, with what surrounds it (navigation, site header and footer) apart. Nothing is fetched."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from rag.documents import NOT_SEARCHED, Content, Locator, Problem
from rag.errors import ReadingError
from rag.reading.encoding import read_text_bytes
from rag.reading.flow import Flow, lay_out
from rag.reading.flow_headings import promote_only_heading
from rag.reading.html_around import find_main, text_of
from rag.reading.html_items import ItemReader
from rag.reading.left_out import report_left_out
from rag.reading.options import DEFAULT_OPTIONS, ReadingOptions
from rag.reading.package import Element
from rag.reading.table_rows import Item, Paragraph
from rag.text import squeeze

_DECLARED = re.compile(
    rb"""(?:<meta[^>]{0,200}?charset\s*=\s*|<\?xml[^>]{0,200}?encoding\s*=\s*)["']?\s*([\w.-]+)""", re.IGNORECASE
)
_DECLARATION_BYTES = 8192
_LEGACY = {
    "shift_jis": ("cp932",), "shift-jis": ("cp932",), "sjis": ("cp932",), "x-sjis": ("cp932",), "windows-31j": ("cp932",),
    "cp932": ("cp932",), "ms932": ("cp932",), "euc-jp": ("euc_jp", "euc_jis_2004"), "x-euc-jp": ("euc_jp", "euc_jis_2004"),
}  # fmt: skip
_SITE_NAME = re.compile(r"\s*[|｜]\s*|\s+[-－–—／/:：]\s+|\s*[－–—]\s*")


def read_html(path: Path, source: str, options: ReadingOptions = DEFAULT_OPTIONS) -> Content:
    """Return an HTML file as one page; its title is that of the file, without the name of the site.

    Raises ReadingError (code encoding).
    """
    text, problems = decode_html(path.read_bytes(), source)
    root = parse_html(text, source)
    reader = ItemReader(find_main(root))
    items = reader.read(root)
    title = _find_title(root, items)
    flow = lay_out(promote_only_heading(items), locate=_locate)
    counts = reader.left_out | Counter(skipped_rows=flow.skipped_rows)
    return Content(
        (flow.page,),
        (*problems, *report_left_out(counts, source), *_report_no_content(flow, source)),
        title or flow.title,
    )


def decode_html(data: bytes, source: str) -> tuple[str, tuple[Problem, ...]]:
    """Return the text of an HTML file: by its mark, as UTF-8 if it is that, by what it declares, else as any text file.

    >>> decode_html('<meta charset="Shift_JIS">ﾃｽﾄ①'.encode("cp932"), "a.html")[0][-4:]
    'ﾃｽﾄ①'
    """
    declared = _DECLARED.search(data[:_DECLARATION_BYTES])
    if declared and not _is_japanese_utf8(data):
        for encoding in _LEGACY.get(declared[1].decode("ascii", "replace").lower(), ()):
            if _is_in(data, encoding):
                return read_text_bytes(data.decode(encoding).encode(), source)
    return read_text_bytes(data, source)


def _is_japanese_utf8(data: bytes) -> bool:
    """Tell whether bytes are UTF-8, whatever they declare: nobody writes ideographs or kana in it by chance."""
    return _is_in(data, "utf-8") and any(character >= "\u3000" for character in data.decode("utf-8"))


def _is_in(data: bytes, encoding: str) -> bool:
    try:
        data.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def parse_html(text: str, source: str) -> Element:
    """Return the root element of a page; broken mark-up is mended as browsers do, entities of its own are ignored.

    Raises ReadingError (code broken) when it is nested so deeply that the parser stopped.
    """
    from lxml import html

    parser = html.HTMLParser(encoding="utf-8", no_network=True, remove_comments=True, remove_pis=True, huge_tree=True)
    data = text.encode() if text.strip() else b"<html></html>"
    root = html.document_fromstring(data, parser=parser, ensure_head_body=True)
    if any(entry.type_name == "ERR_RESOURCE_LIMIT" for entry in parser.error_log):
        message = f"要素の入れ子が深すぎます: {source}"
        raise ReadingError(message, "ブラウザーで開き、PDF で保存し直してください。", code="broken")
    return root


def read_html_text(text: str, source: str) -> str:
    """Return what a page shows as lines of plain text."""
    return lay_out(ItemReader(None).read(parse_html(text, source)), locate=_locate).page.text


def _locate(headings: tuple[str, ...], paragraph: int) -> Locator:
    return Locator(heading=" > ".join(headings) or None, paragraph=paragraph)


def _find_title(root: Element, items: Sequence[Item]) -> str | None:
    """Return the title of a page without the name of its site, which stands beside what the first heading says."""
    written = text_of(root.find("head/title"))
    heading = next((item.text for item in items if isinstance(item, Paragraph) and item.level == 1), "")
    heading = " ".join(heading.split())
    parts = _SITE_NAME.split(written)
    return heading if heading and squeeze(heading) in map(squeeze, parts) else written or heading or None


def _report_no_content(flow: Flow, source: str) -> Iterator[Problem]:
    """Yield a problem when there is nothing on a page but what surrounds its content."""
    if flow.page.blocks and all(block.kind in NOT_SEARCHED for block in flow.page.blocks):
        message = "案内（メニューやヘッダー、フッター）だけで、本文がありません。"
        remedy = "本文のあるページを保存し直してください。後から表示されるページは、ブラウザーで開いて PDF で保存してください。"
        yield Problem(source, "no_text", message, remedy)
