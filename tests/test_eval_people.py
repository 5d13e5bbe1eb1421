"""What people say of answers stands beside the automatic score, and what use brings up comes to the question set as candidates."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from activity_fakes import MANUAL, HandClock, answered, build_activity, declined

from eval.acceptance import ACCEPTED, DECISION, read_accepted
from eval.human_judgements import (
    Judgement,
    compare_with_people,
    read_judgements,
    remember_answer,
    render_comparison,
)
from eval.metrics import Outcome
from eval.questions import Question
from eval.records import QuestionRecord
from eval.sheet_writing import QUESTION_COLUMNS, write_rows
from eval.suggest import write_suggestions
from eval.use_candidates import read_use_candidates
from rag.activity import Asking, Rating, Verdict
from rag.documents import Locator
from rag.errors import QuestionSetError
from rag.settings import Settings
from tests.eval_records import make_result

GOOD, FAIR, BAD = Rating
RIGHT = Outcome(True, answered=True, has_facts=True, at_gold=(True,), read_back=(True,))
WRONG = Outcome(True, answered=True)


def result(number: int, outcome: Outcome, text: str = "答え。[1]") -> QuestionRecord:
    made = make_result(str(number), outcome, text=f"問い{number}はいつですか。")
    assert made.answer is not None
    return replace(made, answer=replace(made.answer, text=text))


def judge(number: int, rating: Rating, answer: str = "答え。[1]") -> Judgement:
    return Judgement(f"問い{number}はいつ", answer, rating)


def test_agreement_is_a_share_and_a_kappa() -> None:
    results = [result(1, RIGHT), result(2, RIGHT), result(3, WRONG), result(4, WRONG), result(5, RIGHT)]
    compared = compare_with_people(results, [judge(1, GOOD), judge(2, BAD), judge(3, BAD), judge(4, FAIR)])
    assert (compared.judged, compared.same, compared.differing) == (4, 3, ("2",))
    assert compared.ratings == {GOOD: 1, FAIR: 1, BAD: 2}
    # observed 3/4; by chance 2/4 x 1/4 (right) + 2/4 x 3/4 (not right) = 1/2; (3/4 - 1/2) / (1 - 1/2)
    assert compared.kappa == 0.5
    assert "3/4（0.750）、κ 0.500" in render_comparison(compared)


def test_a_judgement_of_another_answer_is_not_compared_and_that_is_said() -> None:
    compared = compare_with_people([result(1, RIGHT)], [judge(1, BAD, "前の答え。")])
    assert (compared.judged, compared.changed, compared.kappa) == (0, 1, None)
    assert render_comparison(compared) == (
        "人の評価のある質問はありません（ほかに、評価のあとで回答が変わった質問 1 問は比べません）。"
    )


def test_several_people_count_once_and_a_question_that_failed_not_at_all() -> None:
    failed = replace(result(2, WRONG), answer=None, error="故障")
    compared = compare_with_people([result(1, RIGHT), failed], [judge(1, GOOD), judge(1, GOOD), judge(1, BAD)])
    assert (compared.judged, compared.same, compared.ratings) == (1, 1, {GOOD: 1})
    assert compared.kappa is None and "計算できません" in render_comparison(compared)


def test_judgements_are_read_from_the_record_of_use(tmp_path: Path) -> None:
    assert read_judgements(Settings(data_dir=tmp_path / "none")) == [] and not (tmp_path / "none").exists()
    activity = build_activity(tmp_path)
    text = "担当は090-1234-5678です。[1]"
    rated = activity.store.record(Asking("問い1はいつですか"), answered(text))
    judged = activity.store.record(Asking("問い2はいつですか"), answered())
    activity.store.record(Asking("問い3はいつですか"), answered())
    activity.ratings.rate(rated, "甲", GOOD)
    activity.store.judge(rated, Verdict.WRONG)
    activity.store.judge(judged, Verdict.NOT_FOUND)
    settings = Settings(data_dir=tmp_path / "data")
    activity.close()

    found = {judgement.form: judgement for judgement in read_judgements(settings, HandClock())}
    assert {form: judgement.rating for form, judgement in found.items()} == {"問い1はいつ": GOOD, "問い2はいつ": BAD}
    asked = result(1, RIGHT, text)
    assert found["問い1はいつ"].answer == remember_answer(asked) != text, "kept without personal data"
    assert compare_with_people([asked], list(found.values())).same == 1


def test_what_use_brings_up_comes_as_candidates_once(tmp_path: Path) -> None:
    activity = build_activity(tmp_path)
    good = activity.store.record(Asking("転入届の期限は"), answered("14日以内です。[1]", MANUAL, Locator(page=3)))
    bad = activity.store.record(Asking("ごみ袋の値段は"), answered())
    kept = activity.store.record(Asking("休館日は"), answered("月曜日です。[1]", MANUAL, Locator(page=2)))
    for _ in range(2):
        activity.store.record(Asking("旅券の手数料は"), declined())
    activity.store.record(Asking("もう質問集にある"), declined())
    activity.ratings.rate(good, "甲", GOOD)
    activity.ratings.rate(bad, "甲", FAIR)
    activity.ratings.rate(kept, "甲", GOOD)
    activity.add_candidate(kept)
    settings = Settings(data_dir=tmp_path / "data")
    activity.close()
    there = Question("1", "もう質問集にある。", (), (), "", "", True, "", "")

    rows = {row["質問"]: row for row in read_use_candidates(settings, [there], HandClock())}

    assert list(rows) == ["休館日は", "転入届の期限は", "ごみ袋の値段は", "旅券の手数料は"]
    assert (rows["転入届の期限は"]["期待する文書"], rows["転入届の期限は"]["ページ／行"]) == (MANUAL, "3")
    assert rows["転入届の期限は"]["正解に含まれる語"] == "14日以内"
    assert "人が「△」と評価" in rows["ごみ袋の値段は"]["備考"]
    assert "（2 回）" in rows["旅券の手数料は"]["備考"]
    assert {row["回答可否"] for row in rows.values() if "【未記入】" in row["備考"]} == {""}
    assert [form for form, row in rows.items() if row["回答可否"] == "可"] == ["休館日は", "転入届の期限は"]
    write_suggestions(tmp_path / "候補.csv", [], list(rows.values()))
    assert (tmp_path / "候補.csv").read_text(encoding="utf-8-sig").startswith(f"{DECISION},番号")


def test_the_key_facts_of_a_judged_answer_are_what_was_asked_for(tmp_path: Path) -> None:
    activity = build_activity(tmp_path)
    text = "月曜日から金曜日までの午前9時から午後4時までです。手数料は10キログラムごとに150円です。[1]"
    id_ = activity.store.record(Asking("クリーンセンターの持込み手数料はいくらですか"), answered(text))
    activity.ratings.rate(id_, "甲", GOOD)
    settings = Settings(data_dir=tmp_path / "data")
    activity.close()
    assert [row["正解に含まれる語"] for row in read_use_candidates(settings, [], HandClock())] == ["150円"]


def test_facts_that_an_older_version_chose_are_chosen_anew_and_those_of_people_kept(tmp_path: Path) -> None:
    answer = "月曜日から金曜日までの午前9時からです。手数料は10キログラムごとに150円です。"
    for number, (facts, note) in enumerate([("月曜日;金曜日;午前9時", "要確認"), ("10キログラム", "要確認")], start=1):
        row = {"番号": f"U{number}", "質問": "手数料はいくらですか", "期待する文書": "手引.pdf", "ページ／行": "2"}
        row |= {"正解に含まれる語": facts, "模範解答": answer, "回答可否": "可", "備考": note}
        write_rows(tmp_path / "question_candidates.csv", QUESTION_COLUMNS, [row])
        (found,) = read_use_candidates(Settings(data_dir=tmp_path), [])
        assert found["正解に含まれる語"] == ("150円" if number == 1 else "10キログラム")


def test_what_people_judged_wrong_cannot_be_accepted_before_the_right_answer_is_filled_in(tmp_path: Path) -> None:
    activity = build_activity(tmp_path)
    wrong = activity.store.record(Asking("ごみ袋の値段は"), answered())
    kept = activity.store.record(Asking("休館日は"), answered("月曜日です。[1]", MANUAL, Locator(page=2)))
    activity.store.judge(wrong, Verdict.WRONG, "値上げの前の値段です。")
    activity.store.judge(kept, Verdict.NOT_FOUND)
    activity.add_candidate(kept)
    settings = Settings(data_dir=tmp_path / "data")
    activity.close()

    rows = read_use_candidates(settings, [], HandClock())
    assert [row["質問"] for row in rows] == ["休館日は", "ごみ袋の値段は"]
    assert "違う" in rows[1]["備考"] and "値上げの前の値段です。" in rows[1]["備考"]
    decided = [{**row, "番号": f"R{number}", DECISION: ACCEPTED} for number, row in enumerate(rows, start=1)]
    write_rows(tmp_path / "候補.xlsx", (DECISION, *QUESTION_COLUMNS), decided)
    with pytest.raises(QuestionSetError, match=r"I2（2行目「回答可否」）(?s:.)*I3（3行目「回答可否」）"):
        read_accepted(tmp_path / "候補.xlsx")


@pytest.mark.parametrize("name", ["none", "data"])
def test_an_installation_that_records_nothing_brings_up_nothing(tmp_path: Path, name: str) -> None:
    (tmp_path / "data").mkdir()
    assert read_use_candidates(Settings(data_dir=tmp_path / name), []) == []
