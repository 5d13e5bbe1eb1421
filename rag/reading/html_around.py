"""What on an HTML page is its content, and what surrounds it: navigation, the site's header and footer, the way to the page."""

from __future__ import annotations

import re

from rag.documents import BlockKind
from rag.reading.package import Element

_AROUND = {"nav": BlockKind.HEADER, "aside": BlockKind.HEADER, "header": BlockKind.HEADER, "footer": BlockKind.FOOTER}
_AROUND_ROLES = {
    "navigation": BlockKind.HEADER, "banner": BlockKind.HEADER, "complementary": BlockKind.HEADER, "search": BlockKind.HEADER,
    "contentinfo": BlockKind.FOOTER,
}  # fmt: skip
_AROUND_IDS = re.compile(
    r"(?P<foot>footer)|header|(?:g|global|local|side|sub|main)?[-_]?navi?(?:gation)?|side(?:bar)?", re.IGNORECASE
)
_PATHS = re.compile(r"topic[-_]?path|bread[-_]?crumbs?(?:[-_]?list)?|pankuzu", re.IGNORECASE)
_SECTIONS = ("main", "article", "section")
HIDDEN_STYLE = re.compile(r"(?:display\s*:\s*none|visibility\s*:\s*hidden)", re.IGNORECASE)
_MIN_MAIN_CHARS = 20


def find_main(root: Element) -> Element | None:
    """Return the element that the page calls its main content, if there is text in it; None when the body is all there is."""
    for path in (".//main", ".//*[@role='main']", ".//article"):
        found = root.xpath(path)
        if found and (path != ".//article" or len(found) == 1) and len(text_of(found[0])) >= _MIN_MAIN_CHARS:
            return found[0]
    return None


def text_of(element: Element | None) -> str:
    """Return the words of an element in one line, without scripts and the like."""
    if element is None:
        return ""
    unseen = " or ".join(f"ancestor::{tag}" for tag in ("script", "style", "noscript", "template"))
    return " ".join(" ".join(element.xpath(f".//text()[not({unseen})]")).split())


def around_kind(element: Element, *, is_marked: bool) -> BlockKind | None:
    """Return as what an element that surrounds the content is kept apart; None for content. is_marked: the page marks its content."""
    kind = _AROUND.get(element.tag) or _AROUND_ROLES.get(element.get("role", ""))
    if kind and (element.tag not in ("header", "footer") or next(element.iterancestors(*_SECTIONS), None) is None):
        return kind
    names = [element.get("id", ""), *element.get("class", "").split()]
    if element.tag in ("div", "ul", "ol", "p") and any(map(_PATHS.fullmatch, names)):
        return BlockKind.HEADER
    match = _AROUND_IDS.fullmatch(names[0]) if not is_marked and element.tag == "div" else None
    return (BlockKind.FOOTER if match["foot"] else BlockKind.HEADER) if match else None
