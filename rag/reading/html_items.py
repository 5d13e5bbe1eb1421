"""The elements of an HTML page -> paragraphs, tables and question-answer pairs in the order in which a browser shows them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

from rag.documents import BlockKind, Locator
from rag.reading.html_around import HIDDEN_STYLE, around_kind, text_of
from rag.reading.html_lists import ListCounter
from rag.reading.html_tables import own_rows, read_cells
from rag.reading.package import Element
from rag.reading.table_rows import Cell, Item, Pair, Paragraph, Table
from rag.reading.word_text import clean_text

_BLOCKS = frozenset(
    "address article aside blockquote body caption center dd details dialog dir div dl dt fieldset figcaption figure footer form "
    "h1 h2 h3 h4 h5 h6 header hr html legend li main menu nav ol p pre section summary table tbody td tfoot th thead tr ul".split()
)
_NEVER = frozenset(
    "head script style noscript template svg iframe object embed video audio canvas map select option textarea button input rp".split()
)
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_LINE_END = re.compile(r"(?<=[^\x00-\x7f])[ \t]*[\r\n]+[ \t\r\n]*(?=[^\x00-\x7f])")
_FILE_NAME = re.compile(r"[\w.-]+\.(?:png|jpe?g|gif|svg|webp|bmp)", re.IGNORECASE)
_QUESTION = re.compile(r"(?:Q|Ｑ|問|質問)\s*[0-9０-９]*[.．:：、　 ]|.*[?？]$|.*か[。]?$", re.DOTALL)


class ItemReader:
    """Walks through a page, or one cell of a table, and collects its items. left_out: characters that are hidden or struck."""

    def __init__(self, main: Element | None = None) -> None:
        self.left_out: Counter[str] = Counter()
        self._main = main
        self._above = set(main.iterancestors()) if main is not None else set[Any]()
        self._outside = main is not None
        self._after = False
        self._items: list[Item] = []
        self._parts: list[str] = []
        self._rubies: list[str] = []
        self._lists: list[ListCounter | None] = []
        self._label = ""
        self._level = 0
        self._verbatim = 0

    def read(self, root: Element) -> list[Item]:
        """Return the items of an element, its own mark-up aside."""
        from lxml import etree

        walk = etree.iterwalk(root, events=("start", "end"))
        for event, element in walk:
            if event == "end":
                self._end(element, is_root=element is root)
            elif element is root or self._start(element):
                self._add(element.text)
            else:
                walk.skip_subtree()
        self._flush()
        return self._items

    def _start(self, element: Element) -> bool:
        """Begin an element; return whether its content is walked through."""
        tag = element.tag
        if tag in _BLOCKS:
            self._flush()
        if element is self._main:
            self._outside = False
        if tag in _NEVER or self._is_hidden(element) or self._is_around(element):
            return False
        if tag in ("table", "dl"):
            return self._start_group(element)
        if tag == "rt":
            self._rubies += [reading] if (reading := text_of(element)) else []
            return False
        if tag in ("del", "s", "strike"):
            self.left_out["struck"] += len(text_of(element).replace(" ", ""))
            return False
        self._open(element, tag)
        return True

    def _open(self, element: Element, tag: str) -> None:
        if tag == "br":
            self._parts.append("\n")
        elif tag == "img":
            alternative = " ".join(element.get("alt", "").split())
            self._parts.append("" if _FILE_NAME.fullmatch(alternative) else alternative)
        elif tag in _HEADINGS:
            self._level = _HEADINGS[tag]
        elif tag in ("ul", "ol", "menu", "dir"):
            self._lists.append(ListCounter(element) if tag == "ol" else None)
        elif tag == "li":
            counter = self._lists[-1] if self._lists else None
            self._label = counter.next_label(element) if counter else "・"
        elif tag == "pre":
            self._verbatim += 1

    def _end(self, element: Element, *, is_root: bool) -> None:
        tag = element.tag
        if tag in _BLOCKS:
            self._flush()
        if tag in ("ul", "ol", "menu", "dir") and self._lists:
            self._lists.pop()
        elif tag == "li":
            self._label = ""
        elif tag in _HEADINGS:
            self._level = 0
        elif tag == "pre":
            self._verbatim = max(0, self._verbatim - 1)
        if element is self._main:
            self._outside = self._after = True
        if not is_root:
            self._add(element.tail)

    def _add(self, text: str | None) -> None:
        if text:
            self._parts.append(text if self._verbatim else re.sub(r"[ \t\r\n\f]+", " ", _LINE_END.sub("", text)))

    def _flush(self) -> None:
        """End the paragraph that was going on."""
        text = clean_text(re.sub(r" {2,}", " ", "".join(self._parts)))
        self._parts.clear()
        if not text:
            return
        rubies, self._rubies = tuple(self._rubies), []
        if self._outside:
            self._add_around(BlockKind.FOOTER if self._after else BlockKind.HEADER, text)
            return
        label, self._label = self._label, ""
        is_item = bool(self._lists) and not self._level
        self._items.append(
            Paragraph(
                label + text,
                kind=BlockKind.LIST_ITEM if is_item else BlockKind.PARAGRAPH,
                level=self._level,
                depth=max(0, len(self._lists) - 1),
                rubies=rubies,
                may_head=not is_item,
            )
        )

    # --- what surrounds the content -----------------------------------------------------------------------------------

    def _is_hidden(self, element: Element) -> bool:
        style = element.get("style", "")
        is_hidden = "hidden" in element.attrib or element.get("aria-hidden") == "true" or HIDDEN_STYLE.search(style)
        if is_hidden:
            self.left_out["hidden"] += len(text_of(element).replace(" ", ""))
        return bool(is_hidden)

    def _is_around(self, element: Element) -> bool:
        """Take an element that is not content (navigation, site header …) as one line apart; tell whether it was one."""
        if self._outside:
            place = BlockKind.FOOTER if self._after else BlockKind.HEADER
            kind = None if element in self._above else place
        else:
            kind = None if element is self._main else around_kind(element, is_marked=self._main is not None)
        if kind is not None:
            self._flush()
            self._add_around(kind, text_of(element))
        return kind is not None

    def _add_around(self, kind: BlockKind, text: str) -> None:
        if text:
            self._items.append(Paragraph(text, kind=kind, locator=Locator(part="案内"), counts=False))

    # --- tables and definition lists ----------------------------------------------------------------------------------

    def _start_group(self, element: Element) -> bool:
        """Take a table or a list of terms as a whole; False: nothing of it is left to walk through."""
        items = self._read_table(element) if element.tag == "table" else self._read_terms(element)
        if items is None:
            return True
        self._items += items
        return False

    def _read_inside(self, element: Element) -> tuple[Item, ...]:
        inner = ItemReader()
        items = inner.read(element)
        self.left_out += inner.left_out
        return tuple(items)

    def _read_table(self, table: Element) -> list[Item] | None:
        """Return a table with its caption; None when it only arranges the page."""
        rows = list(own_rows(table))
        has_headings = any(cell.tag == "th" for row in rows for cell in row.iterchildren("td", "th"))
        parts = [*(cell for row in rows for cell in row.iterchildren("td", "th")), *table.iterchildren("caption")]
        arranges = (
            not _is_made_of(table, parts)
            or table.get("role") in ("presentation", "none")
            or (not has_headings and next(table.iterdescendants("table", *_HEADINGS), None) is not None)
        )
        if arranges:
            return None
        captions = [text for caption in table.iterchildren("caption") if (text := text_of(caption))]
        heads = sum(row.getparent().tag == "thead" for row in rows)
        built = Table(read_cells(rows, self._read_inside), heads or None)
        return [*(Paragraph(text, kind=BlockKind.CAPTION) for text in captions), built]

    def _read_terms(self, terms: Element) -> list[Item] | None:
        """Return a definition list: pairs when the terms are questions, else a row for each; None when more than text is in it."""
        parts = [e for e in terms.iterdescendants("dt", "dd") if next(e.iterancestors("dl")) is terms]
        is_plain = next(terms.iterdescendants("table", "dl", *_HEADINGS), None) is None and _is_made_of(terms, parts)
        if not is_plain or not parts:
            return None
        entries: list[tuple[list[Item], list[Item]]] = []
        for part in parts:
            if part.tag == "dt" and (not entries or entries[-1][1]):
                entries.append(([], []))
            entries = entries or [([], [])]
            entries[-1][part.tag == "dd"].extend(self._read_inside(part))
        pairs = [Pair(_joined(question), _joined(answer)) for question, answer in entries]
        asked = sum(bool(_QUESTION.match(pair.question)) and bool(pair.answer) for pair in pairs)
        if asked > len(pairs) / 2 and all(pair.question and pair.answer for pair in pairs):
            return list(pairs)
        rows = tuple((Cell(tuple(term), 0, is_marked=True), Cell(tuple(said), 1)) for term, said in entries)
        return [Table(rows, header_rows=0)]


def _is_made_of(element: Element, parts: Sequence[Element]) -> bool:
    """Tell whether all words of an element stand in its parts: in broken mark-up there are some between them."""
    return _count(element) == sum(map(_count, parts))


def _count(element: Element) -> int:
    return len(text_of(element).replace(" ", ""))


def _joined(items: list[Item]) -> str:
    return "\n".join(item.text for item in items if isinstance(item, Paragraph) and item.text)
