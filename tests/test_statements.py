"""Statements of generated answers: what the cited text bears is kept with its citation, what it does not bear is struck."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from eval.bench.hallucination import TRUE, build_cases, check_cases, read_written
from eval.bench.hallucination_texts import CORPUS, Piece, read_town
from rag.answering.checking.statements import StatementChecker, StatementSplitter, split_statements

TABLE = "訓練の会場\n会場\t参加予定\t担当\n星見小学校\t420人\t危機管理課\n月見小学校\t180人\t福祉課"
SOURCES = {
    1: "よくある質問 > 届出\nいつまでに届ければよいですか。\n引っ越した日から14日以内に、町民課（内線111）へ転入届（様式第3号）を出してください。"
    "手数料は無料です。郵送では受け付けません。",
    2: TABLE,
    3: "旅費規程\n第10条　宿泊手当の額は、1夜につき2,400円とする。\n2　令和7年4月1日以後の旅行に適用する。町民の場合は300円、町民以外の場合は600円とする。",
    4: "施設の一覧\n番号\t施設\t定員\t負担\t開館\n1\t月見会館\t30人\t3割\t9時から\n8\t日向会館\t2人\t1割\t9時30分から",
    5: "基金の残高（単位：千円）\n基金\t令和7年度末\t令和8年度末見込\n森林の基金\t6,000\t7,500\n調整の基金\t812,000\t742,000",
}


@pytest.fixture(scope="module")
def checker() -> StatementChecker:
    return StatementChecker(SOURCES, "転入届は健康課に出しますか")


@pytest.mark.parametrize(
    "statement",
    [
        "転入届は、引っ越してから１４日以内に町民課へ出します。[1]",
        "転入届の期限は十四日以内（2週間以内）です【１】。",
        "届け出るときの手数料はかかりません。[1]",
        "町民課の内線番号は111です。[1]",
        "星見小学校には420名が参加する予定です。[2]",
        "宿泊手当は1夜2,400円です（第10条第1項）。[3]",
        "2025年4月1日以後の旅行から適用されます。[3]",
        "料金は、町民が300円、町民以外が600円です。[3]",
        "月見小学校の担当は福祉課で、参加予定は180人です。[2]",
        "星見小学校の参加予定は420人で、月見小学校の参加予定は180人です。[2]",
        "1番の施設の定員は30人で、8番の施設の開館は9時30分からです。[4]",
        "1番の負担は3割で、8番の負担は1割です。[4]",
        "森林の基金は、令和7年度末に6,000千円です。[5]",
        "調整の基金は、2025年度末の8億1,200万円から2026年度末に742,000千円になります。[5]",
    ],
)
def test_what_the_cited_text_says_is_kept(checker: StatementChecker, statement: str) -> None:
    checked = checker.check(statement)

    assert checked.reason is None
    assert len(checked.citations) == 1


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("転入届は、引っ越した日から15日以内に出します。[1]", "「15日以内」がありません"),
        ("転入届は、引っ越した日から14か月以内に出します。[1]", "「14か月以内」がありません"),
        ("転入届は様式第4号で出します。[1]", "「様式第4号」がありません"),
        ("転入届は税務課へ出してください。[1]", "「税務課」がありません"),
        ("町民課の内線は112です。[1]", "「内線は112」がありません"),
        ("森林の基金は、令和8年度末に6,000千円です。[5]", "「6,000千円」は、別の年のものです"),
        (
            "引っ越した日から14日以降に、町民課へ転入届を出してください。[1]",
            "「14日以降」の前後・以上・以内などの向きが",
        ),
        ("届出の手数料は有料です。[1]", "逆のこと"),
        ("転入届は郵送でも受け付けます。[1]", "逆のこと"),
        ("星見小学校には180人が参加する予定です。[2]", "別の事柄"),
        ("月見小学校の担当は危機管理課です。[2]", "別の事柄"),
        ("町民以外の場合は300円です。[3]", "別の事柄"),
        ("宿泊手当は第11条に定めがあります。[3]", "「第11条」がありません"),
        ("2024年4月1日以後の旅行に適用されます。[3]", "「2024年4月1日」がありません"),
        ("引っ越した日から14日以内に、町民課へ転入届を出してください。[3]", "「14日以内」がありません"),
        ("転入届は、抽選に当たった人だけが写真館で撮影してから出せます。[1]", "この文の内容がありません"),
        ("転入届は14日以内に出します。[8]", "引用番号［8］の文書はありません"),
    ],
)
def test_what_the_cited_text_does_not_say_is_struck_with_a_reason(
    checker: StatementChecker, statement: str, reason: str
) -> None:
    assert reason in (checker.check(statement).reason or "")


def test_a_citation_that_does_not_exist_is_taken_out_and_reported(checker: StatementChecker) -> None:
    checked = checker.check("転入届は、14日以内に町民課へ出します[1][9]。\n")

    assert (checked.text, checked.citations, checked.unknown) == (
        "転入届は、14日以内に町民課へ出します[1]。\n",
        (1,),
        (9,),
    )


def test_a_statement_without_a_mark_gets_that_of_the_source_that_supports_it(checker: StatementChecker) -> None:
    checked = checker.check("宿泊手当は1夜につき2,400円です。\n")

    assert (checked.text, checked.citations, checked.reason) == ("宿泊手当は1夜につき2,400円です。[3]\n", (3,), None)
    assert checker.check("宿泊手当は1夜につき2,500円です。").citations == ()


@pytest.mark.parametrize(
    "statement", ["以下のとおりです。", "## 手続", "\n", "文書には記載がありません。", "必要なものは次のとおりです：\n"]
)
def test_what_says_nothing_by_itself_needs_no_proof(checker: StatementChecker, statement: str) -> None:
    checked = checker.check(statement)

    assert (checked.connective, checked.reason, checked.facts) == (True, None, 0)


def test_the_question_lends_its_names_but_not_its_numbers() -> None:
    checker = StatementChecker({1: "転入届は町民課へ14日以内に出します。"}, "緑川県からの転入届は20日以内ですか")

    assert checker.check("緑川県からの転入届は、14日以内に町民課へ出します。[1]").reason is None
    assert "20日以内" in (checker.check("転入届は20日以内に出します。[1]").reason or "")


def test_the_facts_that_were_looked_for_are_counted(checker: StatementChecker) -> None:
    assert checker.check("町民課（内線111）へ14日以内に様式第3号を出します。[1]").facts == 4


def test_no_source_supports_anything_when_there_is_none() -> None:
    assert StatementChecker({}).check("転入届は14日以内に出します。").reason == "引用できる文書がありません"


TEXT = "結論です。届出は14日以内（休日。を除く）です。[1][2]\n\n- 印鑑（認印）[1]\n- 身分証\n「出してください。」と言われます！(2)次へ。※1"


def test_a_statement_ends_at_its_sentence_with_its_marks_or_at_its_line() -> None:
    assert split_statements(TEXT) == [
        "結論です。",
        "届出は14日以内（休日。を除く）です。[1][2]\n\n",
        "- 印鑑（認印）[1]\n",
        "- 身分証\n",
        "「出してください。」と言われます！(2)",
        "次へ。※1",
    ]


@pytest.mark.parametrize("seed", range(20))
def test_tokens_give_the_same_statements_wherever_they_are_cut(seed: int) -> None:
    random, splitter, found, rest = Random(seed), StatementSplitter(), [], TEXT
    while rest:
        size = random.randint(1, 9)
        found += splitter.feed(rest[:size])
        rest = rest[size:]
    found += splitter.finish()

    assert "".join(found) == TEXT
    assert [piece.strip() for piece in found if piece.strip()] == [piece.strip() for piece in split_statements(TEXT)]


def test_a_bracket_that_never_closes_does_not_hold_everything_back() -> None:
    text = "届出（14日以内です。" + "あ" * 500 + "\n次の文です。"

    assert len(split_statements(text)) == 2


# --- the measurement ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def town() -> list[Piece]:
    if not Path(CORPUS).is_dir():
        pytest.skip("the sample corpus is not here")
    return read_town()


def test_planted_errors_are_struck_and_true_sentences_kept(town: list[Piece]) -> None:
    pieces = [piece for piece in town if piece.sentences and not piece.is_test][::6]
    results = check_cases(build_cases(pieces, "町"))
    planted = [result for result in results if result.case.label != TRUE]
    true = [result for result in results if result.case.label == TRUE]

    assert (len(planted) > 100, len(true) > 30) == (True, True)
    wrong = [(result.case.label, result.case.statement, result.reason) for result in results if not result.is_right]
    assert sum(result.is_right for result in planted) >= 0.95 * len(planted), wrong
    assert sum(result.is_right for result in true) >= 0.97 * len(true), wrong


def test_answers_written_by_hand_are_told_apart(town: list[Piece]) -> None:
    results = check_cases(read_written(town))
    planted = [result for result in results if result.case.label != TRUE]
    true = [result for result in results if result.case.label == TRUE]

    assert (len(planted), len(true)) == (80, 80)
    wrong = [(result.case.label, result.case.statement, result.reason) for result in results if not result.is_right]
    assert sum(result.is_right for result in planted) >= 0.85 * len(planted), wrong
    assert sum(result.is_right for result in true) >= 0.93 * len(true), wrong


FEES = "料金\n使用料は、条例により、町民は300円とする。\n入場料は、条例により、町民は500円とする。"
COUNTERS = "町役場の手続\n申請は町民課の窓口で、本人または代理人が14日以内に行う。\n届出は税務課の窓口で、本人または代理人が30日以内に行う。"


@pytest.mark.parametrize(
    ("source", "statement"),
    [
        (FEES, "使用料は、条例により、町民は500円です。[1]"),
        (COUNTERS, "申請は町民課の窓口で、本人または代理人が30日以内に行います。[1]"),
    ],
)
def test_a_condition_or_an_alternative_is_no_new_topic(source: str, statement: str) -> None:
    assert "別の事柄" in (StatementChecker({1: source}).check(statement).reason or "")


REPAIR = "応急修理は、準半壊以上の住家について、日常の生活に必要な部分を行う。"
WORK = "休日に勤務したときは、勤務1時間につき、報酬の額に100分の135を乗じて得た額を支給する。\n日当は、1日につき2,000円とする。"
POOL = "施設\t町内の者\t備考\n町民体育館\t200円\t中学生以下は利用できない\n町民プール\t300円\t保護者の付き添いが必要"
CHILDREN = "保育料\n区分\t月額\n3歳未満の第3子以降\t30,000円\n3歳以上の第1子\t20,000円"


@pytest.mark.parametrize(
    ("source", "right", "wrong"),
    [
        (REPAIR, "応急修理は、準半壊以上の住家で行います。[1]", "応急修理は、準半壊未満の住家で行います。[1]"),
        (POOL, "町民体育館は、中学生以下は利用できません。[1]", "町民体育館は、中学生以上は利用できません。[1]"),
        (WORK, "日当は、1日当たり2,000円です。[1]", "日当は、1時間当たり2,000円です。[1]"),
        (CHILDREN, "3歳未満の第3子以降は、月額30,000円です。[1]", "3歳以上の第3子以降は、月額30,000円です。[1]"),
    ],
)
def test_the_side_of_a_word_and_of_a_figure_beside_another_is_checked(source: str, right: str, wrong: str) -> None:
    checker = StatementChecker({1: source})

    assert checker.check(right).reason is None
    assert checker.check(wrong).reason


@pytest.mark.parametrize(
    ("source", "statement"),
    [
        ("見舞金\n半壊以上の世帯には見舞金を支給する。\n半壊未満の世帯には、支給しない。", "見舞金は半壊以上の世帯に支給され、半壊未満の世帯には支給されません。[1]"),
        ("補助金\n補助金は、予算額を超えない範囲で交付する。", "補助金は、予算額以内で交付されます。[1]"),
        ("費用\n窓口での支払いは自己負担限度額までとなります。\n自己負担限度額を超えた分は払い戻します。", "窓口での支払いは、自己負担限度額以内で済みます。[1]"),
        ("訓練\n風速が20メートル以上のときは中止。\n20メートル未満のときは、現地の責任者が判断する。", "20メートル未満なら現地の責任者が判断し、20メートル以上なら中止です。[1]"),
        ("保育料\n所得割額が48,600円未満の世帯の保育料は月額8,000円とし、48,600円以上97,000円未満の世帯は月額15,000円とする。", "保育料は、所得割額が48,600円未満なら月額8,000円、48,600円以上97,000円未満なら月額15,000円です。[1]"),
        ("使用料\n宿泊税は、1人1泊につき200円とする。", "宿泊税は、1人当たり1泊200円です。[1]"),
    ],
)  # fmt: skip
def test_a_sentence_that_names_both_sides_or_the_same_in_other_words_stands(source: str, statement: str) -> None:
    assert StatementChecker({1: source}).check(statement).reason is None


@pytest.mark.parametrize(
    ("source", "statement"),
    [
        ("保険料（令和7年度の案内）\n区分\t令和6～8年度\n大人\t5,800円", "令和7年度の大人の保険料は5,800円です。[1]"),
        ("保険料（令和8年度の案内）\n区分\t令和7年度から\n大人\t5,800円", "令和8年度の大人の保険料は5,800円です。[1]"),
        ("令和8年度予算\n区分\t令和7年度\n町税\t6,000千円", "令和8年度予算の町税は、前年度は6,000千円でした。[1]"),
        ("手続の書類\n申請書は300円です。", "| 1 | 申請書 | 300円 |[1]"),
    ],
)
def test_spans_of_years_the_year_before_and_numbered_rows_are_no_errors(source: str, statement: str) -> None:
    assert StatementChecker({1: source}).check(statement).reason is None


LIGHTS = "照明\n町民体育館の照明は、別に1時間200円です。\n会議室は1日500円です。"
RANGES = "決裁\n予定価格\t決める者\n200万円以上1,000万円未満\t副町長\n1,000万円以上\t町長"
DOSES = "予防接種\n13歳未満は2回まで、13歳以上は1回です。\n12歳の方は相談してください。"
HOMES = "住宅\n地区\t建設できる戸数\n川瀬\t30\n日向\t96"
CHILD = (
    "子どもの医療\n健康診断は、医療費控除の対象とはなりません。\n治療を受けた場合の費用は、医療費控除の対象となります。"
)
LEVELS = "施設\n日向保育所は建築後46年を経過し、建替えが急務となっています。"
LISTED = "名簿\n以下の者は、委員となる資格を有する。"
TAX = "源泉徴収\n納期限は、翌月末日です（所得税法第212条第2項）。\n申告は、所得税法第120条による。"


@pytest.mark.parametrize(
    ("source", "right", "wrong"),
    [
        (LIGHTS, "町民体育館の照明は、別に1時間200円です。[1]", "町民体育館の照明は、別に1日200円です。[1]"),
        (RANGES, "1,000万円以上の予定価格を決める者は、町長です。[1]", "1,000万円未満の予定価格を決める者は、町長です。[1]"),
        (DOSES, "13歳未満は2回まで、13歳以上は1回です。[1]", "13歳未満は2回まで、13歳未満は1回です。[1]"),
        (HOMES, "川瀬の建設できる戸数は、30です。[1]", "川瀬の建設できない戸数は、30です。[1]"),
        (CHILD, "治療を受けた場合の費用は、医療費控除の対象です。[1]", "健康診断は、医療費控除の対象となります。[1]"),
        (LEVELS, "日向保育所は、建替えが急務となっています。[1]", "日向保育所は建築後46年を経過し、建替えが急務となっていません。[1]"),
        (LISTED, "以下の者は、委員となる資格を有します。[1]", "以上の者は、委員となる資格を有します。[1]"),
        (TAX, "納期限は、翌月末日です（所得税法第212条第2項）。[1]", "納期限は、翌月末日です（所得税法第212条第1項）。[1]"),
    ],
)  # fmt: skip
def test_what_nearly_repeats_a_sentence_or_row_says_what_it_says(source: str, right: str, wrong: str) -> None:
    checker = StatementChecker({1: source})

    assert checker.check(right).reason is None
    assert checker.check(wrong).reason


WORKS = "費用\n区分\t事業\t額\t財源\n保健\t母子の保健\t46,000\t4,611\n保健\t予防接種と健診の実施\t148,000\t23,055"


@pytest.mark.parametrize(
    ("source", "statement"),
    [
        (WORKS, "保健の財源は、23,055です。[1]"),
        (POOL, "町民体育館は200円で、町民プールは300円です。[1]"),
        (TABLE, "星見小学校の担当は、危機管理課で、月見小学校の担当は、福祉課です。[1]"),
        ("保険料（令和8年度）\n保険料は、年額6,000円です。令和7年度から500円上がります。", "令和8年度の保険料は、年額6,000円です。[1]"),
        ("証明\n手数料は無料です。\n証明は窓口で交付します。", "証明の手数料は、有料ではありません。[1]"),
    ],
)  # fmt: skip
def test_another_row_or_what_stands_around_is_no_contradiction(source: str, statement: str) -> None:
    assert StatementChecker({1: source}).check(statement).reason is None
