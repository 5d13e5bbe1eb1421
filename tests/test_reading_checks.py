"""The checks of `eval.reading` on pages made by hand: each holds where it should, and fails where a reader errs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from eval.reading import expectations as expect
from eval.reading.__main__ import exit_status, main
from eval.reading.checks import CHECKS, facts_of, holds
from eval.reading.digest import make_lines
from eval.reading.expectations import COVERED, Expectation, Kind
from eval.reading.needles import Digest, Grams, Plain, find_similar, make_digest, make_grams
from eval.reading.real import format_needle, parse_needle, read_digests, read_plain
from eval.reading.report import check_file, fail_file, render_files, render_recall, tally, to_dict
from eval.reading.view import ReadFile, view_document
from rag.documents import (
    Block,
    BlockKind,
    Concern,
    Document,
    Locator,
    Metadata,
    Page,
    Quality,
    Span,
    WordBox,
)
from rag.errors import UsageError

MOVING = "転入届は、住み始めた日から14日以内に届け出てください。"
Part = tuple[BlockKind, str]


def make_page(parts: Sequence[Part], *, number: int = 1, label: str | None = None, **more: object) -> Page:
    """Return a page of blocks; every table row knows the table header above it, every block the headings above it."""
    text, blocks, header, headings = "", [], (), ()
    for kind, words in parts:
        start, end = len(text), len(text) + len(words)
        context = header if kind is BlockKind.TABLE_ROW else ()
        blocks.append(Block(kind, start, end, Locator(page=number, label=label), headings, context=context))
        header = (Span(start, end),) if kind is BlockKind.TABLE_HEADER else header
        headings = (*headings, words) if kind is BlockKind.HEADING else headings
        text += words + "\n"
    quality = Quality(len("".join(text.split())), searchable=1, columns=2, tables=1)
    return replace(Page(number, text, tuple(blocks), quality, label), **more)


def make_read(*pages: Page) -> ReadFile:
    return view_document(Document("手引.pdf", "0" * 64, Metadata("手引"), pages))


def of(*parts: Part, **more: object) -> ReadFile:
    return make_read(make_page(parts, **more))


def hold(read: ReadFile, expectations: Sequence[Expectation]) -> list[bool]:
    assert expectations
    return [holds(read, expectation) for expectation in expectations]


P, H, ROW, HEAD = BlockKind.PARAGRAPH, BlockKind.HEADING, BlockKind.TABLE_ROW, BlockKind.TABLE_HEADER
TABLE = (
    (H, "手数料"),
    (HEAD, "手続き\t窓口で\t郵便で"),
    (ROW, "住民票の写し\t300円\t400円"),
    (ROW, "納税証明書\t\t410円"),
)


def test_every_kind_has_its_check() -> None:
    assert set(CHECKS) == set(Kind)


def test_a_sentence_must_lie_in_one_searched_block_whatever_its_width_and_dashes() -> None:
    assert hold(of((P, "転入届は、\n住み始めた日から１４日以内に")), expect.sentences("住み始めた日から14日")) == [True]
    assert hold(of((P, "電話 5‐3980")), expect.sentences("電話5–3980")) == [True]
    assert hold(of((P, "転入届は、住み始め"), (P, "た日から")), expect.sentences("住み始めた日から")) == [False]
    assert hold(of((BlockKind.FOOTER, MOVING)), expect.sentences(MOVING)) == [False]
    assert hold(of((P, MOVING), number=2), expect.sentences(MOVING)) == [False]


def test_a_paragraph_over_a_page_break_must_lie_in_one_chunk() -> None:
    first, second = (
        make_page([(P, "届出は不要です。転入届は、住み始めた日から")]),
        [(P, "14日以内に届け出てください。")],
    )
    joined = make_read(first, make_page(second, number=2))
    parted = make_read(first, make_page([(H, "次の章"), *second], number=2))
    assert hold(joined, expect.joined(MOVING)) == [True]
    assert hold(parted, expect.joined(MOVING)) == [False]


def test_a_row_has_its_cells_in_cells_of_their_own() -> None:
    read = of(*TABLE)
    assert hold(read, expect.rows(("住民票の写し", "300円", "400円"), ("納税証明書", "410円"))) == [True, True]
    assert hold(read, expect.rows(("住民票の写し", "410円"), ("400円", "300円"))) == [False, False]
    assert hold(of((ROW, "住民票の写し300円\t町民課")), expect.rows(("住民票の写し", "300円"))) == [False]
    assert hold(of((P, "住民票の写し\t300円")), expect.rows(("住民票の写し", "300円"))) == [False]


def test_a_cell_merged_downwards_may_stand_in_the_context_but_not_the_whole_row() -> None:
    merged = of((HEAD, "町民課"), (ROW, "戸籍\t450円"))
    assert hold(merged, expect.rows(("町民課", "戸籍", "450円"))) == [True]
    assert hold(merged, expect.rows(("町民課",))) == [False]


def test_a_value_must_know_the_names_of_its_row_and_its_column() -> None:
    read = of(*TABLE)
    triples = [("納税証明書", "郵便で", "410円"), ("手数料", "窓口で", "300円")]
    assert hold(read, expect.cells(*triples)) == [True, True]
    assert (
        hold(read, expect.cells(("住民票の写し", "郵便で", "410円"), ("納税証明書", "電話で", "410円"))) == [False] * 2
    )


def test_a_heading_is_a_block_of_its_own() -> None:
    assert hold(of((H, "第1章　総則")), expect.headings("総則")) == [True]
    assert hold(of((P, "第1章　総則")), expect.headings("総則")) == [False]
    assert hold(of((H, f"総則 {MOVING}")), expect.headings("総則")) == [False]


def test_the_path_of_headings_is_exact() -> None:
    read = of((H, "第1章"), (H, "第1節"), (P, MOVING))
    assert hold(read, expect.path(MOVING, "第1章", "第1節")) == [True]
    for wrong in ((), ("第1章",), ("第1節", "第1章"), ("第1章", "第1節", "第1項")):
        assert hold(read, expect.path(MOVING, *wrong)) == [False]


def test_order_is_that_of_the_searched_text() -> None:
    read = of((P, "一の段。"), (BlockKind.HEADER, "柱"), (P, "二の段。"))
    assert hold(read, expect.order("一の段", "二の段")) == [True]
    assert hold(read, [*expect.order("二の段", "一の段"), *expect.order("一の段", "三の段")]) == [False, False]


def test_a_label_is_that_of_the_page_or_of_the_block_of_a_sentence() -> None:
    left, right = make_page([(P, "左の頁。")], label="12"), make_page([(P, "右の頁。")], label="13")
    moved = replace(right.blocks[0], start=len(left.text), end=len(left.text) + len("右の頁。"))
    sheet = make_read(replace(left, text=left.text + right.text, blocks=(*left.blocks, moved)))
    assert (
        hold(sheet, [*expect.label("12", "左の頁"), *expect.label("13", "右の頁"), *expect.label("12")]) == [True] * 3
    )
    assert hold(sheet, [*expect.label("12", "右の頁"), *expect.label("1"), *expect.label("2")]) == [False] * 3


def test_a_margin_is_in_a_header_or_footer_and_nowhere_else() -> None:
    footer = (BlockKind.FOOTER, "- 12 -")
    assert hold(of((P, "12枚を使う。"), footer), expect.margins("- 12 -", "12")) == [True, True]
    assert hold(of((P, "- 12 -")), expect.margins("- 12 -")) == [False]
    assert hold(of((P, "- 12 -"), footer), expect.margins("- 12 -")) == [False]


def test_captions_and_rubies_are_blocks_of_their_kind() -> None:
    assert hold(of((BlockKind.CAPTION, "図1　流れ")), expect.captions("図1 流れ")) == [True]
    assert hold(of((P, "図1　流れ")), expect.captions("図1 流れ")) == [False]
    sentence, reading = "緑沢町の欅並木は、", "けやきなみき"
    assert hold(of((P, sentence), (BlockKind.RUBY, reading)), expect.rubies((sentence, reading))) == [True]
    assert hold(of((P, sentence), (P, reading)), expect.rubies((sentence, reading))) == [False]
    assert hold(of((P, "緑沢町の欅けやき並木は、"), (BlockKind.RUBY, reading)), expect.rubies((sentence, reading))) == [
        False
    ]


def test_recognised_text_may_differ_in_a_few_characters_only() -> None:
    nearly, hardly = MOVING.replace("届", "屆"), MOVING.replace("日", "口").replace("届", "屆").replace("て", "こ")
    assert hold(of((P, f"前の文。{nearly}後の文。")), expect.recognised(MOVING)) == [True]
    assert hold(of((P, f"前の文。{hardly}後の文。")), expect.recognised(MOVING)) == [False]


def test_what_is_printed_twice_is_there_once() -> None:
    assert hold(of((H, "備え"), (P, "災害の話。")), expect.once("備え")) == [True]
    assert hold(of((H, "備え"), (P, "備え")), expect.once("備え")) == [False]


def test_the_place_is_the_one_that_people_are_told() -> None:
    read = of((P, MOVING), label="12", number=14)
    assert hold(read, expect.place(MOVING, "12頁（PDF 14枚目）", page=14)) == [True]
    assert hold(read, expect.place(MOVING, "14頁（PDF 14枚目）", page=14)) == [False]


def test_word_boxes_must_reach_the_place_of_the_text() -> None:
    boxes = (WordBox(0, 3, 60, 700, 120, 720), WordBox(3, 6, 120, 700, 180, 720), WordBox(7, 9, 60, 600, 100, 620))
    read = of((P, "緑沢町の知らせ"), (P, "本文"), word_boxes=boxes)
    assert hold(read, expect.box("緑沢町の知ら", 60, 700, 180, 720)) == [True]
    assert (
        hold(read, [*expect.box("緑沢町の知ら", 60, 700, 120, 720), *expect.box("本文", 60, 700, 180, 720)])
        == [False] * 2
    )
    assert hold(of((P, "緑沢町の知らせ")), expect.box("緑沢町の知ら", 60, 700, 180, 720)) == [False]


def test_quality_is_told_as_facts() -> None:
    garbled = Quality(12, searchable=10, ocr_confidence=0.5, vertical=True, concerns=(Concern.GARBLED,))
    read = of((P, MOVING), quality=garbled)
    assert facts_of(read.document.pages[0]) == [
        "columns=1", "tables=0", "characters=12", "searchable=10", "vertical=yes", "ocr=yes", "answerable=no", "blank=no",
        "word_boxes=no", "concern=garbled",
    ]  # fmt: skip
    assert hold(read, expect.quality("vertical=yes", "concern=garbled", "columns=2")) == [True, True, False]


def test_no_character_may_be_outside_of_all_blocks_or_chunks() -> None:
    read = of((P, MOVING))
    assert hold(read, [COVERED]) == [True]
    assert hold(replace(read, chunks=()), [COVERED]) == [False]


# --- digests ----------------------------------------------------------------------------------------------------------


def test_a_digest_finds_the_words_and_a_window_of_other_words_does_not() -> None:
    assert make_digest("住み始めた日から").find("転入届は、住み始めた日から14日") == 5
    assert make_digest("住み始めた日まで").find("転入届は、住み始めた日から14日") == -1
    assert MOVING[2:-2] not in format_needle(make_digest(MOVING))


@pytest.mark.parametrize("needle", [make_digest(MOVING), make_grams(MOVING), make_digest("3")])
def test_a_digest_is_written_and_read_again(needle: Digest | Grams) -> None:
    assert parse_needle(format_needle(needle)) == needle


def test_grams_allow_a_few_wrong_characters() -> None:
    assert make_grams(MOVING).resembles(f"前の文。{MOVING.replace('届', '屆', 1)}".replace(" ", ""))
    assert not make_grams(MOVING).resembles(MOVING[:12])


def test_the_most_similar_stretch_is_found() -> None:
    assert find_similar("欅並木", "緑沢町の欅並本は") == (pytest.approx(2 / 3), 4)
    assert find_similar("欅並木", "") == (0.0, 0)


def test_a_table_of_words_and_its_digests_expect_the_same(tmp_path: Path) -> None:
    lines = [
        f"手引.pdf\t1\tsentence\t{MOVING}\tcolumn",
        "手引.pdf\t1\trow\t住民票の写し | 300円 | 400円\t「手数料」の表",
        "手引.pdf\t1\tcell\t納税証明書 | 郵便で | 410円\t",
        "手引.pdf\t1\torder\t住民票 ⇒ 納税証明書\t",
        "手引.pdf\t1\tocr\t転入届は、住み始めた日から14日以内に\t",
        "手引.pdf\t1\tlabel\t12\t",
        "手引.pdf\t1\theading\t住所 | 氏名\t",
    ]
    (tmp_path / "plain.tsv").write_text("\n".join(lines), encoding="utf-8")
    digests = "\n".join(make_lines([tmp_path / "plain.tsv"]))
    (tmp_path / "real.tsv").write_text(digests, encoding="utf-8")
    read = of((P, MOVING), *TABLE, label="12")

    plain, kept = read_plain(tmp_path / "plain.tsv")["手引.pdf"], read_digests(tmp_path / "real.tsv")["手引.pdf"]

    found = {item.kind: holds(read, item) for item in plain}
    assert found == {item.kind: holds(read, item) for item in kept}
    assert found == {**dict.fromkeys(found, True), Kind.HEADING: False}
    assert {item.note for item in kept} == {"", "column", "…"}
    assert not any(words in digests for words in ("住み始めた", "住民票の写し", "手数料"))


@pytest.mark.parametrize("line", ["手引.pdf\t一\tsentence\t文", "手引.pdf\t1\tsentense\t文", "手引.pdf\t1\tsentence\t"])
def test_a_line_that_cannot_be_meant_is_refused(tmp_path: Path, line: str) -> None:
    (tmp_path / "plain.tsv").write_text(line, encoding="utf-8")
    with pytest.raises(UsageError, match="1 行目"):
        read_plain(tmp_path / "plain.tsv")


# --- figures ----------------------------------------------------------------------------------------------------------


def test_recall_is_told_by_kind_and_by_file_and_misses_with_what_was_found() -> None:
    read = of((P, MOVING))
    results = check_file("a.pdf", read, [*expect.sentences(MOVING, "転入届は、15日以内"), *expect.headings("総則")])
    results += fail_file("b.pdf", expect.sentences("読めない文"), "壊れています")

    assert tally(results) == {"sentence": (1, 3), "heading": (0, 1), "all": (1, 4)}
    assert "sentence   0.33 (1/3)" in render_recall("見本", results)
    assert [line.split()[-1] for line in render_files(results).splitlines()] == ["b.pdf", "a.pdf"]
    missed = [result.render() for result in results if not result.held]
    assert "paragraph" in missed[0] and "14日以内" in missed[0] and "壊れています" in missed[-1]
    assert to_dict(results)["recall"]["all"] == {"held": 1, "total": 4, "recall": 0.25}
    assert [miss["file"] for miss in to_dict(results)["misses"]] == ["a.pdf", "a.pdf", "b.pdf"]


def test_the_command_prints_recall_of_what_was_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--only", "csv_table"]) == 0
    assert "見本（1 ファイル）" in capsys.readouterr().out
    assert main(["--only", "csv_table", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["見本"]["recall"]["row"] == {"held": 3, "total": 3, "recall": 1.0}


def test_a_real_document_that_is_not_here_is_said_and_one_that_is_missed_fails_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "plain.tsv").write_text("ここにない.pdf\t1\tsentence\t文", encoding="utf-8")
    assert main(["--plain", str(tmp_path / "plain.tsv")]) == 0
    assert "1 件はこの計算機にない" in capsys.readouterr().err
    missed = fail_file("a.pdf", expect.sentences("文"), "")
    assert (exit_status({"実物": missed}), exit_status({"見本": missed})) == (0, 1)


def test_a_table_that_is_not_there_is_wrong_usage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--plain", str(tmp_path / "none.tsv")]) == 2
    assert "none.tsv" in capsys.readouterr().err


def test_words_are_found_as_they_are_written() -> None:
    assert Plain("１ ４日").find("転入届は14日") == 4
