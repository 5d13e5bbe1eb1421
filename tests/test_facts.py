"""Facts of a text: the same fact in every notation, what holds what, and where in the text it stands."""

from __future__ import annotations

import pytest

from rag.answering.facts.finding import FactKind, contains, find_facts


def values(text: str, *kinds: FactKind) -> list[str]:
    return [fact.value for fact in find_facts(text) if not kinds or fact.kind in kinds]


@pytest.mark.parametrize(
    "writings",
    [
        ("令和6年4月1日", "2024年4月1日", "令和六年四月一日", "Ｒ６．４．１", "2024/4/1", "2024-04-01", "R6.4.1"),
        ("令和6年度", "2024年度", "Ｒ６年度", "令和六年度"),
        ("平成31年4月", "2019年4月"),
        ("14日以内", "十四日以内", "１４日以内", "2週間以内", "14日間"),
        ("3か月", "三ヶ月", "３カ月間", "3箇月以内"),
        ("1年以内", "12か月", "十二箇月間", "1年間"),
        ("90分", "1時間30分", "1時間半", "九十分間"),
        ("1,200円", "千二百円", "0.12万円", "１２００円", "1200円", "¥1,200"),
        ("14億2,300万円", "14億2300万円", "1,423,000,000円"),
        ("午後5時30分", "17時30分", "17:30", "午後5時半", "１７：３０"),
        ("正午", "12時", "12:00"),
        ("第12条第2項第3号", "第十二条第二項第三号", "１２条第２項第３号"),
        ("第12条の2", "第十二条の二", "12条の2"),
        ("様式第3号の2", "様式第三号の二", "別記様式第3号の2", "第3号の2様式"),
        ("0000-12-3400", "(0000)12-3400", "0000ー12ー3400"),
        ("内線150", "内線：１５０", "内線番号150"),
        ("15名", "15人", "十五人"),
        ("5割", "50%", "50％", "50パーセント"),
        ("3分の2", "三分の二", "２／３"),
        ("18歳", "18才", "十八歳"),
        ("50キロメートル", "50km", "50㎞"),
        ("週2回", "週に2回", "1週間に2回"),
        ("環境課", "環境課の"),
    ],
)
def test_a_fact_has_one_value_however_it_is_written(writings: tuple[str, ...]) -> None:
    found = {writing: values(writing) for writing in writings}

    assert {tuple(value) for value in found.values()} == {(values(writings[0])[0],)}, found


@pytest.mark.parametrize(
    ("held", "wanted"),
    [
        ("令和6年4月1日から", "令和6年4月"),
        ("令和6年4月1日から", "4月1日"),
        ("令和6年4月1日から", "2024年度"),
        ("令和6年3月31日から", "2023年度"),
        ("8月31日まで", "8月末"),
        ("毎月第2月曜日", "月曜日"),
        ("第12条第2項第3号による", "第12条第2項"),
        ("第12条第2項第3号による", "第12条"),
        ("電話 0000-12-3400", "12-3400"),
        ("別記様式第2号", "別記様式"),
        ("町民課戸籍住民係", "戸籍住民係"),
        ("事業費（百万円）\t350", "3億5,000万円"),
        ("人口（人）\t17,398", "17,398人"),
        ("担当課（内線）\n町民課（111）", "内線111"),
        ("支給は5日", "5日間"),
        ("420人が参加", "420"),
    ],
)
def test_who_says_more_says_the_less(held: str, wanted: str) -> None:
    facts = find_facts(held)
    [*_, fact] = find_facts(wanted)

    assert contains(facts, fact), (facts, fact)


@pytest.mark.parametrize(
    ("held", "wanted"),
    [
        ("15人", "15%"),
        ("15人", "16人"),
        ("15人", "115人"),
        ("15日以内", "15か月以内"),
        ("14日以内", "15日以内"),
        ("令和6年4月1日", "令和7年4月1日"),
        ("令和6年4月1日", "令和6年4月2日"),
        ("令和6年4月1日", "令和6年5月"),
        ("令和6年度", "令和6年"),
        ("4月1日", "令和6年4月1日"),
        ("午前8時", "午後8時"),
        ("午後5時30分", "午後5時"),
        ("1,200円", "12,000円"),
        ("300円", "300人"),
        ("第12条", "第13条"),
        ("第12条", "第12条の2"),
        ("第12条第2項", "第12条第3項"),
        ("第12条", "第12条第2項"),
        ("第12条第2項", "第12条第1項"),
        ("1567年", "1568年"),
        ("1567年", "1567年間"),
        ("様式第3号", "様式第13号"),
        ("様式第3号の2", "様式第3号"),
        ("別表第1", "様式第1号"),
        ("内線150", "内線151"),
        ("0000-12-3400", "0000-12-3401"),
        ("週2回", "月2回"),
        ("第3子", "3人"),
        ("3分の2", "3分の1"),
        ("人口（人）\t450", "450円"),
        ("環境課", "健康課"),
        ("第2月曜日", "第3月曜日"),
        ("北沢小学校", "川瀬小学校"),
    ],
)
def test_another_fact_is_not_held(held: str, wanted: str) -> None:
    facts = find_facts(held)
    [fact, *_] = find_facts(wanted)

    assert not contains(facts, fact), (facts, fact)


def test_a_fact_stands_where_its_span_says() -> None:
    text = "　届出は\n新しい住所に、令和六年４月１日から十四日以内に、様式第３号で町民課（内線１１１）へ。手数料は、千二百円です。"

    assert [text[fact.start : fact.end] for fact in find_facts(text)] == [
        "令和六年４月１日", "十四日以内", "様式第３号", "町民課", "内線１１１", "千二百円",
    ]  # fmt: skip


def test_numbers_in_words_and_of_list_items_are_no_facts() -> None:
    text = "1. 一般の方は一部を除き、\n② 十分に一緒に確かめ、\n(3) 一人ひとりが八百屋で、\n- 二次元コードを使う。"

    assert values(text) == []


def test_the_lines_of_a_rule_are_its_articles() -> None:
    text = "第3条　旅行は、命令による。\n2　命令する者は、次のとおりとする。\n　(1)　課長　町長\n第4条　種類を定める。"
    held = find_facts(text)

    wanted = find_facts("第3条第1項、第3条第2項、第3条第2項第1号、第4条第1項、第4条第2項")
    assert [contains(held, fact) for fact in wanted] == [True, True, True, True, False]


def test_an_hour_without_its_half_of_the_day_belongs_to_the_period_it_ends() -> None:
    assert values("午後1時から4時まで") == ["13:00", "16:00"]
    assert values("午前9時から正午まで") == ["9:00", "12:00"]
    assert values("午前10時から2時まで") == ["10:00", "14:00"]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("澄野町環境課の窓口", ["澄野町", "環境課"]),
        ("担当課、所管課、同課、各課、他の市町村", []),
        ("町民課戸籍住民係と総務課", ["町民課", "戸籍住民係", "総務課"]),
        ("職員旅費規程と個人情報保護法", ["職員旅費規程", "個人情報保護法"]),
        ("こども家庭センター「すみっこ」", ["こども家庭センタ", "すみっこ"]),
        ("ホームページとパソコン", []),
        ("CSIRTに連絡", ["csirt"]),
        ("info@example.jp まで", ["info@example.jp"]),
        ("役場3階大会議室", []),
    ],
)
def test_names_are_of_organisations_people_places_rules_and_labels(text: str, names: list[str]) -> None:
    assert values(text, FactKind.NAME) == names


def test_every_kind_has_a_japanese_label() -> None:
    assert len({kind.label for kind in FactKind}) == len(FactKind)


def test_the_first_cell_of_a_row_is_a_number_and_no_fact_lies_in_two_cells() -> None:
    assert values("24\t中央小学校\t8\t日向第1区", FactKind.NUMBER) == ["24", "8", "第1区"]
    assert values("24 中央小学校は、8人です。", FactKind.NUMBER) == ["8人"], "the number of a list item"
    assert values("8\t日向公民館", FactKind.DATE) == []


def test_minutes_belong_to_their_hour_whatever_follows() -> None:
    assert values("12時30分の交代", FactKind.TIME, FactKind.PERIOD) == ["12:30"]


def test_a_year_is_a_date_before_1800_too_and_a_number_of_years_is_none() -> None:
    assert [(fact.kind, fact.value) for fact in find_facts("1567年に始まり、1200年間続いた。")] == [
        (FactKind.DATE, "1567年"),
        (FactKind.PERIOD, "14400箇月"),
    ]
