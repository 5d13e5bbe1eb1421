"""One form for every way to write a word, a number, a year or a code, and no more than that."""

from __future__ import annotations

import threading

import pytest

from eval.paraphrases import PAIRS, Outcome, Pair, read_pairs, render
from rag.asking import strip_politeness
from rag.documents import Chunk, ChunkKind, Locator, Segment
from rag.eras import western_year, write_western
from rag.indexing.lexical import analyze
from rag.numerals import read_numeral, write_digits
from rag.retrieval.query import parse_query
from rag.text import bigrams, fold, is_number, morphemes, nouns
from rag.variants import OLD_TO_NEW, mend_characters

SAME_WORDS = (
    # years and days
    ("令和6年度の予算", "R6年度の予算", "Ｒ６年度の予算", "令和六年度の予算", "2024年度の予算", "令６年度の予算", "FY2024の予算"),
    ("令和6年4月1日", "令和６年４月１日", "2024/4/1", "R6.4.1", "r06.04.01", "2024-04-01", "令和六年四月一日", "20240401"),
    ("平成31年", "令和元年", "H31", "2019年", "平成三十一年"),
    ("昭和63年", "S63", "昭63", "1988年"),
    ("令和6～8年度", "令和6〜8年度", "R6-8年度", "2024~2026年度", "令和6年度~令和8年度"),
    ("2024-2026", "2024～2026", "2024年～2026年"),
    ("8:30", "8時30分", "八時三十分"),
    # numbers
    ("第三条", "第3条", "第３条"),
    ("三か月", "3ヶ月", "3カ月", "3箇月", "三ヵ月", "3ケ月"),
    ("五千円", "5,000円", "5000円", "５，０００円", "5千円"),
    ("一万二千円", "12000円", "1.2万円"),
    ("第二子", "第2子"),
    ("一回", "1回"),
    ("一人暮らし", "ひとり暮らし", "1人暮らし"),
    ("二〇二四年", "2024年"),
    # verbs, and nouns that are made of them
    ("申し込む", "申込む", "申し込み", "申込み", "申込"),
    ("届け出る", "届出", "届け出"),
    ("引っ越す", "引越し", "引越"),
    ("買い換える", "買換え", "買い替え", "買替え"),
    ("持ち込む", "持込み", "持込"),
    ("繰り越す", "繰越し", "繰越", "繰り越し"),
    ("汲み取り", "くみ取り", "汲取り"),
    ("預かり", "預り"),
    ("取扱い", "取り扱い", "取扱", "取り扱う"),
    # characters
    ("髙橋學", "高橋学"),
    ("渡邊", "渡邉", "渡辺"),
    ("齋藤", "齊藤", "斎藤", "斉藤"),
    ("圖書館", "図書館"),
    # imported words
    ("コンピュータ", "コンピューター", "コンピュ−タ", "ｺﾝﾋﾟｭｰﾀ"),
    ("サーバ", "サーバー", "ｻｰﾊﾞｰ", "サ‐バ‐"),
    ("メモリ", "メモリー"),
    ("フィルム", "フイルム"),
    ("ヴァイオリン", "バイオリン"),
    ("マイ・ナンバー", "マイナンバー"),
    ("ごみ", "ゴミ"),
    ("子ども", "こども", "子供"),
    # codes
    ("様式第3号の2", "様式第３号の２", "様式第三号の二"),
)  # fmt: skip

DIFFERENT = (
    ("令和6年度", "令和7年度"),
    ("令和6年", "平成6年"),
    ("2000年", "2,000円"),
    ("様式第3号", "様式第3号の2"),
    ("第12条の3", "第12条の4"),
    ("カード", "カー"),
    ("コピー", "コピ"),
    ("バレー", "バレエ"),
    ("三条市", "第3条"),
    ("届け", "届け出"),
    ("預かる", "預ける"),
    ("一部", "1部門"),
)


@pytest.mark.parametrize("writings", SAME_WORDS, ids=lambda writings: writings[0])
def test_every_way_to_write_a_thing_gives_the_same_words(writings: tuple[str, ...]) -> None:
    found = {writing: sorted(morphemes(writing)) for writing in writings}

    assert len({tuple(words) for words in found.values()}) == 1, found
    assert all(found.values())


@pytest.mark.parametrize("pair", DIFFERENT, ids="|".join)
def test_different_things_stay_different(pair: tuple[str, str]) -> None:
    assert morphemes(pair[0]) != morphemes(pair[1])


@pytest.mark.parametrize(
    "word",
    ["一般", "三重県", "八百屋", "千葉", "二宮", "一部", "十分な", "四日市", "六本木", "一時保育", "万一", "統一日程", "唯一人"],
)  # fmt: skip
def test_words_with_a_numeral_in_them_are_no_numbers(word: str) -> None:
    assert not any(is_number(part) for part in morphemes(word))
    if word not in ("四日市", "六本木"):  # bigrams do not ask the dictionary; 4日市 is the same on both sides
        assert write_digits(word) == word


def test_characters_of_numbers_and_days_are_compared_in_one_notation_too() -> None:
    assert bigrams("令和六年四月一日に五千円") == bigrams("2024/4/1に5,000円")
    assert fold("令和6年度、ヴィオラ") == "2024年度、ビオラ"


@pytest.mark.parametrize(
    "text",
    ["政令6号", "法令6条", "a-r6", "h2o", "m3", "s3", "t5", "r2d2", "0120-2024-2026", "令和の米", "令和70年", "1/2", "12345678", "2024円"],
)  # fmt: skip
def test_what_is_no_year_stays(text: str) -> None:
    assert write_western(text) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("令和5・6年度", "2023年度・2024年度"),
        ("令和5年度、6年度及び7年度", "2023年度、2024年度及び2025年度"),
        ("平成30・令和元年度", "2018年・2019年度"),
        ("令和6年3年生", "2024年3年生"),
        ("令和6年から3年間", "2024年から3年間"),
        ("令和6年、7月", "2024年、7月"),
        ("2024-25年度", "2024年度~2025年度"),
        ("2024-12", "2024年12月"),
        ("4/1(月)", "4月1日(月)"),
        ("平成32年度", "2020年度"),
    ],
)
def test_lists_and_periods_of_years_name_each_year(text: str, expected: str) -> None:
    assert write_western(text) == expected


@pytest.mark.parametrize(
    ("era", "first"), [("明治", 1868), ("大正", 1912), ("昭和", 1926), ("平成", 1989), ("令和", 2019)]
)
def test_every_era_counts_from_its_first_year(era: str, first: int) -> None:
    assert western_year(era, "元") == first
    assert write_western(f"{era}元年") == write_western(f"{era}1年") == f"{first}年"
    assert write_western(f"{era}十二年") == f"{first + 11}年"


@pytest.mark.parametrize("number", [1, 9, 10, 11, 20, 99, 100, 101, 305, 1000, 1234, 10000, 12000, 10_203_040])
def test_numbers_are_read_as_they_are_counted(number: int) -> None:
    assert read_numeral(count_in_kanji(number)) == str(number)


def count_in_kanji(number: int) -> str:
    if number >= 10_000:
        return count_in_kanji(number // 10_000) + "万" + (count_in_kanji(number % 10_000) if number % 10_000 else "")
    text = ""
    for size, unit in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit = number // size % 10
        if digit:
            text += ("" if digit == 1 and unit else "〇一二三四五六七八九"[digit]) + unit
    return text


def test_each_old_character_has_one_new_form_that_is_not_old_itself() -> None:
    assert len(OLD_TO_NEW) > 300
    assert not set(OLD_TO_NEW) & set(OLD_TO_NEW.values())
    assert all(mend_characters(old) == new for old, new in OLD_TO_NEW.items())


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("様式第3号の2による", "様式3の2"),
        ("別記様式第２号", "様式2"),
        ("第3号様式", "様式3"),
        ("第12条の3第2項", "12条の3"),
        ("第十二条の三", "12条の3"),
        ("A-12", "a12"),
        ("Ａ１２", "a12"),
        ("電話は0120-123-456", "0120-123-456"),
        ("別表第1", "別表1"),
    ],
)
def test_a_code_is_found_as_one_word(text: str, code: str) -> None:
    assert code in morphemes(text) and code in nouns(text)


def test_copies_of_a_form_are_no_part_of_its_code() -> None:
    assert "様式3" in morphemes("様式第3号の2部を提出") and "様式3の2" not in morphemes("様式第3号の2部を提出")


@pytest.mark.parametrize(
    "polite",
    [
        "住民票の写しの手数料を教えてください。",
        "住民票の写しの手数料について教えていただけますか",
        "住民票の写しの手数料を知りたいのですが",
        "すみませんが、住民票の写しの手数料についてお尋ねします。",
        "住民票の写しの手数料についてご教示ください。よろしくお願いいたします。",
        "お世話になっております。住民票の写しの手数料についてお伺いしたいです。",
        "住民票の写しの手数料はどのようになっていますか",
        "住民票の写しの手数料が分かりません。",
        "住民票の写しの手数料は何円でしょうか",
    ],
)
def test_politeness_is_no_content_of_a_question(polite: str) -> None:
    query = parse_query(polite)

    assert [term for term in query.terms if term != "円"] == ["住民", "票", "写し", "手数", "料"]
    assert "教え" not in query.bigrams and "願い" not in query.bigrams


@pytest.mark.parametrize(
    "content",
    [
        "教授の案内する窓口",
        "学校で教えている科目",
        "説明会の確認",
        "お願いの手紙の書き方",
        "伺い書の様式",
        "案内図",
        "指導主事の職務",
    ],
)
def test_the_same_words_are_content_where_nobody_is_asked(content: str) -> None:
    assert strip_politeness(content) == content


def test_a_question_of_politeness_only_keeps_its_words() -> None:
    assert strip_politeness("教えてください") == "教えてください"


def test_a_question_in_one_notation_has_the_words_of_a_document_in_the_other() -> None:
    text = "令和６年４月１日から、三か月につき五千円の使用料を渡邊齋が徴収する（様式第３号の２）。"
    chunk = Chunk("0" * 32, "a.txt", 0, ChunkKind.TEXT, text, "規程", (), (Segment(1, 0, len(text), Locator(page=1)),))

    asked = parse_query("2024/4/1から3ヶ月につき5,000円の使用料を渡辺斉が徴収する様式三号の二")

    held = analyze(chunk)
    assert set(asked.terms) - set(held.body.split()) <= {"第"}
    assert len(set(asked.bigrams) - set(held.bigrams.split())) < len(asked.bigrams) / 5


def test_every_thread_has_its_own_tokenizer() -> None:
    found: list[list[str]] = []
    threads = [
        threading.Thread(target=lambda: found.extend(morphemes("申し込んだ転出届の写し") for _ in range(50)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(found) == 200 and len({tuple(words) for words in found}) == 1


# --- the pairs of paraphrases -----------------------------------------------------------------------------------------


def test_the_pairs_are_complete_and_differ() -> None:
    pairs = read_pairs(PAIRS)

    assert len(pairs) >= 60 and len({pair.number for pair in pairs}) == len(pairs)
    assert {pair.kind for pair in pairs} == {
        "和暦/西暦", "全角/半角", "漢数字", "略語", "表記ゆれ", "送り仮名", "旧字体", "カタカナ", "丁寧さ"
    }  # fmt: skip
    assert all(pair.question != pair.paraphrase for pair in pairs)


def test_a_pair_that_finds_nothing_is_no_success_and_failures_are_shown() -> None:
    pair = Pair("1", "略語", "国民健康保険の葬祭費", "国保の葬祭費")
    report = render(
        [Outcome(pair, "a.pdf 1", "a.pdf 1"), Outcome(pair, None, None), Outcome(pair, "a.pdf 1", "b.pdf 2")]
    )

    assert "略語\t1/3（33.3%）" in report and "全体\t1/3" in report
    assert report.count("×") == 2 and "b.pdf 2" in report
