"""Whole files of every kind that is read, for `eval.bench.fuzz` to damage: the sample corpus, and small ones that are made here."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Mapping, Sequence
from email.message import EmailMessage
from pathlib import Path

from rag.reading.archives import ARCHIVE_SUFFIX
from rag.reading.registry import READERS

CORPUS = Path(__file__).resolve().parents[2] / "corpus"
_MAX_BYTES = 700_000  # a long plan would take most of the time
_TEXT = "# 転入届\n\n転入届は、引っ越した日から14日以内に届け出てください。\n\n| 書類 | 部数 |\n|---|---|\n| 転出証明書 | 1 |\n"


def make_seeds(corpus: Path = CORPUS) -> Mapping[str, Sequence[bytes]]:
    """Return files by suffix, of every suffix that is read and that somebody here can make."""
    seeds: dict[str, list[bytes]] = {}
    for path in sorted(corpus.rglob("*")):
        if path.is_file() and path.stat().st_size <= _MAX_BYTES and path.suffix in READERS:
            seeds.setdefault(path.suffix, []).append(path.read_bytes())
    for suffix, make in _MAKERS.items():
        if suffix in READERS:
            seeds.setdefault(suffix, []).append(make())
    members = {f"{n}/見本{suffix}": min(data, key=len) for n, (suffix, data) in enumerate(seeds.items())}
    return seeds | {ARCHIVE_SUFFIX: [_make_archive(members)]}


def _make_archive(members: Mapping[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return packed.getvalue()


def _make_workbook() -> bytes:
    from openpyxl import Workbook

    book, saved = Workbook(), io.BytesIO()
    sheet = book.create_sheet("手数料", 0)
    for row in (["手数料"], ["種類", "金額", "合計"], ["住民票", 300, "=B3*2"], [None, 450, 1.5]):
        sheet.append(row)
    sheet.merge_cells("A3:A4")
    sheet.row_dimensions[4].hidden = True
    book.create_sheet("別の表")["C5"] = "右下の値"
    book.save(saved)
    return saved.getvalue()


def _make_word() -> bytes:
    import docx

    document, saved = docx.Document(), io.BytesIO()
    document.add_heading("転入届の手引", 1)
    document.add_paragraph("転入届は14日以内に届け出てください。")
    document.add_paragraph("本人確認書類", style="List Number")
    table = document.add_table(rows=2, cols=2)
    for cell, text in zip(table._cells, ["書類", "部数", "転出証明書", "1"], strict=True):
        cell.text = text
    document.sections[0].header.paragraphs[0].text = "緑沢町"
    document.save(saved)
    return saved.getvalue()


def _make_slides() -> bytes:
    import pptx

    deck, saved = pptx.Presentation(), io.BytesIO()
    slide = deck.slides.add_slide(deck.slide_layouts[1])
    slide.shapes.title.text, slide.placeholders[1].text = "説明会", "日時は4月1日です。\n場所は公民館です。"
    slide.notes_slide.notes_text_frame.text = "資料を配る。"
    table = slide.shapes.add_table(2, 2, 0, 0, 900_000, 900_000).table
    table.cell(0, 0).text, table.cell(1, 1).text = "会場", "公民館"
    deck.save(saved)
    return saved.getvalue()


def _make_html() -> bytes:
    rows = "<tr><th>書類</th><th>部数</th></tr><tr><td rowspan=2>転出証明書</td><td>1</td></tr>"
    body = f"<h1>転入届</h1><p>14日以内に<ruby>届<rt>とど</rt></ruby>けます。</p><table>{rows}</table><ul><li>印鑑<li>身分証</ul>"
    return f"<!DOCTYPE html><html><head><meta charset=utf-8><title>転入届</title></head><body>{body}</body></html>".encode()


def _make_mail() -> bytes:
    message = EmailMessage()
    message["Subject"], message["From"], message["To"] = "転入届の取扱い", "町民課 <a@example.jp>", "b@example.jp"
    message["Date"] = "Wed, 01 Apr 2026 09:00:00 +0900"
    message.set_content(_TEXT, charset="iso-2022-jp")
    message.add_alternative(_make_html().decode(), subtype="html")
    message.add_attachment(_TEXT.encode(), maintype="text", subtype="plain", filename="手引.txt")
    return message.as_bytes()


_MAKERS: Mapping[str, Callable[[], bytes]] = {
    ".xlsx": _make_workbook,
    ".xlsm": _make_workbook,
    ".docx": _make_word,
    ".pptx": _make_slides,
    ".html": _make_html,
    ".eml": _make_mail,
    ".txt": lambda: _TEXT.encode("cp932"),
    ".csv": lambda: '質問,回答\n"転入届は\nいつまでですか",14日以内です。\n'.encode("utf-16"),
    ".tsv": lambda: "種類\t手数料\n住民票\t300円\n".encode("euc_jp"),
    ".markdown": _TEXT.encode,
}
