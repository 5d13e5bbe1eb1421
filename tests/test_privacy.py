"""Personal data: what is found, what comes back after masking, and what never stands in a log."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval.privacy import HELD_OUT, SENTENCES, Marked, Outcome, Sentence, main, read_sentences, share
from rag.answering.privacy.digits import is_card, is_licence, is_my_number
from rag.answering.privacy.finding import find_personal_data
from rag.answering.privacy.kinds import PersonalKind, fold_characters
from rag.answering.privacy.masking import Mask, check_may_send, redact
from rag.errors import PersonalDataError, RagError

MY_NUMBER, CARD, LICENCE = "787789328790", "4789914330146730", "306148540530"
PLANTED = (
    "佐藤花子さん",
    "０９０－１２３４－５６７８",
    "0123-45-6789",
    "澄野町本町1丁目2番3号",
    "taro@example.jp",
    f"個人番号{MY_NUMBER}",
    "みどり銀行澄野支店 普通 1234567",
    "【電話1】",
    "[氏名２]",
    "（住所1の2）",
)
TEXTS = st.lists(
    st.one_of(
        st.sampled_from(PLANTED), st.text(max_size=12), st.sampled_from(list("【】[]（）電話氏名12１のさん様\n"))
    ),
    max_size=14,
).map("".join)


def found(text: str) -> list[tuple[str, str]]:
    return [(datum.kind.label, datum.text) for datum in find_personal_data(text)]


# --- what is found ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("番号は７８７７−８９３２−８７９０です", ("マイナンバー", "７８７７−８９３２−８７９０")),
        ("電話０１２３ー４５ー６７８９へ", ("電話", "０１２３ー４５ー６７８９")),
        ("ｔａｒｏ＠ｅｘａｍｐｌｅ．ｊｐまで", ("メール", "ｔａｒｏ＠ｅｘａｍｐｌｅ．ｊｐ")),
        ("澄野町本町一丁目二番三号に住む", ("住所", "澄野町本町一丁目二番三号")),
        ("大字中原１２３番地の家", ("住所", "大字中原１２３番地")),
        ("カード4789 9143 3014 6730で払う", ("カード", "4789 9143 3014 6730")),
        ("免許証3061-4854-0530の写し", ("免許証", "3061-4854-0530")),
        ("記号12340 番号12345671へ", ("口座", "記号12340 番号12345671")),
        ("生年月日　昭和五十年三月四日", ("生年月日", "昭和五十年三月四日")),
        ("氏名：髙橋　花子", ("氏名", "髙橋　花子")),
        ("髙橋さんの家", ("氏名", "髙橋")),
    ],
)
def test_every_width_hyphen_and_old_character_is_read(text: str, wanted: tuple[str, str]) -> None:
    assert found(text) == [wanted]


@pytest.mark.parametrize(
    "text",
    [
        "様式第3号を第12条の2により提出する",
        "内線111の総務課長、町長及び教育長",
        "お客様と皆様、保護者様、神様、大家さん、赤ちゃん",
        "予算額1,234,567,890円、澄総第1234号",
        "氏名、住所及び生年月日を記入する",
        "本町2丁目の収集日、澄野町の人口",
    ],
)
def test_forms_titles_without_names_and_amounts_are_nobodys_data(text: str) -> None:
    assert found(text) == []


def test_a_number_counts_only_with_its_check_digit() -> None:
    for is_valid, digits in ((is_my_number, MY_NUMBER), (is_card, CARD)):
        others = [digits[:-1] + last for last in "0123456789" if last != digits[-1]]
        assert is_valid(digits) and not any(map(is_valid, others))
    assert is_licence(LICENCE) and sum(is_licence(LICENCE[:10] + d + "0") for d in "0123456789") == 1
    assert found(f"番号 {MY_NUMBER}") and not found(f"番号 {MY_NUMBER[:-1]}1")


@given(TEXTS)
@settings(max_examples=150, deadline=None)
def test_what_is_found_is_in_order_apart_and_stands_in_the_text(text: str) -> None:
    data = find_personal_data(text)

    assert all(text[d.start : d.end] == d.text and d.text for d in data)
    assert all(one.end <= other.start for one, other in itertools.pairwise(data))
    assert len(fold_characters(text)) == len(text)


# --- masking ----------------------------------------------------------------------------------------------------------


@given(st.lists(TEXTS, max_size=3))
@settings(max_examples=300, deadline=None)
def test_masking_and_unmasking_restores_every_text(texts: list[str]) -> None:
    mask = Mask(texts)
    masked = [mask.mask(text) for text in texts]

    assert [mask.unmask(text) for text in masked] == texts


@given(TEXTS)
@settings(max_examples=150, deadline=None)
def test_nothing_that_is_found_is_left_in_the_masked_text(text: str) -> None:
    mask = Mask()
    masked = mask.mask(text)

    assert not [d.text for d in find_personal_data(text) if len(d.text) > 4 and d.text in masked]


def test_one_value_has_one_token_in_question_and_passages_and_another_writing_is_told_apart() -> None:
    mask = Mask()

    assert mask.mask("0123-45-6789は何番ですか") == "【電話1】は何番ですか"
    assert mask.mask("電話 0123-45-6789、FAX 0123-45-6790") == "電話 【電話1】、FAX 【電話2】"
    assert mask.mask("電話０１２３－４５－６７８９") == "電話【電話1の2】"
    assert mask.unmask("【電話1】と【電話1の2】") == "0123-45-6789と０１２３－４５－６７８９"


@pytest.mark.parametrize("token", ["【電話1】", "［電話１］", "[電話 1]", "〔電話1〕", "（電話１）"])
def test_a_token_comes_back_in_other_brackets_and_digits(token: str) -> None:
    mask = Mask(["0123-45-6789"])

    assert mask.unmask(f"番号は{token}です") == "番号は0123-45-6789です"


def test_a_token_that_stands_in_a_document_is_not_taken_for_ours() -> None:
    mask = Mask()
    texts = ["電話は0123-45-6789", "様式の【電話1】と[氏名2]の欄"]
    masked = [mask.mask(text) for text in texts]

    assert masked == ["電話は【電話1】", "様式の【原文1】と【原文2】の欄"]
    assert [mask.unmask(text) for text in masked] == texts
    assert mask.unmask("【電話7】は知らない") == "【電話7】は知らない"


def test_a_name_announced_in_one_text_is_masked_in_the_others() -> None:
    question, passage = "佐藤さんの件", "佐藤は本町に住む。佐藤町は隣の町"
    mask = Mask([question, passage])

    assert mask.mask(passage) == "【氏名1】は本町に住む。佐藤町は隣の町"
    assert mask.leaks(passage) == ("佐藤",)
    assert mask.leaks(mask.mask(passage)) == ()


def test_a_leak_is_seen_in_any_width() -> None:
    mask = Mask(["電話0123-45-6789、口座番号7654321"])

    assert mask.leaks("０１２３（４５）６７８９") == ("0123-45-6789",)
    assert mask.leaks("7654321") == ("7654321",)
    assert mask.leaks("0123-45-6780") == ()


def test_what_goes_to_a_log_cannot_be_put_back() -> None:
    text = "、".join(PLANTED[:7])

    shown = redact(text)

    assert not [d.text for d in find_personal_data(text) if d.text in shown]
    assert shown.startswith("【氏名】さん、【電話】、【電話】、【住所】")
    assert Mask([text]).unmask(shown) == shown


# --- refusing ---------------------------------------------------------------------------------------------------------


def test_the_mode_that_refuses_names_the_kinds_and_no_value() -> None:
    with pytest.raises(PersonalDataError) as refused:
        check_may_send(["住民票の手数料は", "佐藤さんの電話は0123-45-6789"], "refuse")

    assert isinstance(refused.value, RagError)
    assert "電話・氏名" in refused.value.message and "personal_data" in refused.value.hint
    assert not [value for value in ("佐藤", "6789") if value in str(refused.value)]


def test_texts_without_personal_data_may_be_sent_in_every_mode() -> None:
    assert check_may_send(["住民票の手数料は"], "refuse") == ()
    assert check_may_send(["佐藤さんの件"], "mask") == (PersonalKind.NAME,)


# --- the written set --------------------------------------------------------------------------------------------------


def test_the_written_set_is_large_and_half_of_it_is_held_out() -> None:
    sentences = read_sentences(SENTENCES)

    assert len(sentences) >= 240
    assert sum(not s.wanted for s in sentences) >= 80
    assert {w.kind for s in sentences for w in s.wanted} == {kind.label for kind in PersonalKind}
    assert 0.4 < sum(s.group == HELD_OUT for s in sentences) / len(sentences) < 0.6


def test_the_command_prints_both_halves_and_fails_below_a_limit(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--fail-under", "0.9", "0.9"]) == 0
    printed = capsys.readouterr().out
    assert "【開発】" in printed and "【検証】" in printed and "再現率" in printed
    assert main(["--group", "検証", "--fail-under", "1.1", "1.1"]) == 1
    assert main(["missing.csv"]) == 2


def test_shares_are_of_what_was_found_and_of_what_was_wanted() -> None:
    sentence = Sentence("1", HELD_OUT, "", "佐藤花子さんと鈴木さん", (Marked("氏名", 0, 4), Marked("氏名", 7, 9)))
    outcome = Outcome(sentence, (Marked("氏名", 0, 2), Marked("氏名", 7, 9), Marked("電話", 4, 5)), (), (), True)

    assert share([outcome], None, precise=True, exact=True) == (1, 3)
    assert share([outcome], None, precise=False, exact=True) == (1, 2)
    assert share([outcome], None, precise=False, exact=False) == (2, 2)
    assert share([outcome], "電話", precise=True, exact=False) == (0, 1)
