"""What was understood of each page, how much of each file can be answered from, and which pages need a person, in Japanese."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rag.documents import Concern, Locator

_MOST = 100  # pages listed; the rest is counted


def page_row(source: str, page: Any) -> dict[str, Any]:
    """Return what was understood of one page as plain values."""
    from dataclasses import asdict

    return {
        "source": source,
        "page": page.number,
        "label": page.label,
        **asdict(page.quality),
        "answerable": page.quality.is_answerable,
    }


def render_pages(pages: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return a line for each page: characters, share of unreadable ones, columns, tables, how it was read, and what is doubtful."""
    rows = list(pages)
    if not rows:
        return []
    totals = Counter(row["source"] for row in rows)
    lines = ["", "頁ごとの読み取り（文字数、うち検索できる文字数、読めない文字の割合、段、表）"]
    for row in rows:
        label = f"{row['label']}頁 " if row["label"] else ""
        marks = [f"{row['columns']}段"] * (row["columns"] > 1) + ["縦書き"] * row["vertical"]
        if row["ocr_confidence"] is not None:
            marks.append(f"OCR {row['ocr_confidence']:.0%}")
        marks += [Concern(concern).label for concern in row["concerns"]]
        lines.append(
            f"  {row['source']} {label}{row['page']}/{totals[row['source']]}　{row['characters']}字（検索 {row['searchable']}字）　"
            f"{row['suspicious_share']:.1%}　表{row['tables']}" + "".join(f"　{mark}" for mark in marks)
        )
    return lines


def render_readability(files: Sequence[Mapping[str, Any]], doubtful: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return how much can be answered from, the files of which that is not all, and the list of the pages that need a person."""
    pages, answerable = sum(f["pages"] for f in files), sum(f["answerable"] for f in files)
    if not pages:
        return []
    recognized = sum(f["recognized"] for f in files)
    by_ocr = f"、うち文字認識（OCR） {recognized} 頁" if recognized else ""
    lines = ["", f"回答に使える頁: {answerable}/{pages}（{answerable / pages:.1%}{by_ocr}）"]
    partial = [f for f in files if f["answerable"] < f["pages"]]
    lines += [
        f"  ・{f['source']}　{f['answerable']}/{f['pages']} 頁（{f['answerable'] / f['pages']:.0%}）" for f in partial
    ]
    return lines + _render_doubtful(doubtful)


def _render_doubtful(doubtful: Sequence[Mapping[str, Any]]) -> list[str]:
    if not doubtful:
        return []
    lines = ["", f"要確認ページ一覧: {len(doubtful)} 頁"]
    for page in doubtful[:_MOST]:
        place = Locator(page=page["number"], label=page["label"]).describe(page["source"])
        why = "、".join(Concern(concern).label for concern in page["concerns"])
        sure = f"（確からしさ {page['ocr_confidence']:.0%}）" if page["ocr_confidence"] is not None else ""
        lines.append(f"  ・{page['source']}　{place}　{why}{sure}")
    if len(doubtful) > _MOST:
        lines.append(f"  ・ほか {len(doubtful) - _MOST} 頁（`rag status --json` ですべて見られます）")
    return lines
