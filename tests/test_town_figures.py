"""The figures of the invented town's budget and disaster plan: what is computed from them agrees, and a slip is told."""

from __future__ import annotations

import copy

import pytest

from eval.municipality import figures
from eval.municipality.facts import load


def test_the_figures_of_the_town_agree_with_each_other_and_with_its_general_plan() -> None:
    assert list(figures.figure_problems(load())) == []


def test_a_table_of_two_years_has_shares_changes_and_a_row_of_sums() -> None:
    html = figures.compare({"caption": "例", "total": "合計", "rows": [["町税", 30, 40], ["町債", 10, 8]]})
    cells = [part.split("<")[0] for part in html.replace(" class=n", "").split("<td>")[1:]]
    assert cells[:6] == ["町税", "30", "75.0％", "40", "△10", "△25.0％"]
    assert cells[12:] == ["合計", "40", "100.0％", "48", "△8", "△16.7％"]


def test_what_no_grant_bond_or_fund_pays_is_general_revenue() -> None:
    html = figures.works({"caption": "例", "rows": [["舗装", "継続", 100, 20, 50, 5, "補修", "建設課"]]})
    assert "<td class=n>25</td>" in html


def test_the_grant_of_the_consumption_tax_is_spread_without_a_rest() -> None:
    html = figures.social({"caption": "例", "rows": [["福祉", name, 300, 0, 0] for name in "甲乙丙"]})
    assert html.count("79,333") == 2 and html.count("79,334") == 1 and "238,000" in html


def test_a_name_that_no_table_has_is_an_error() -> None:
    with pytest.raises(KeyError):
        figures.draw_tables("{{図表:無い表}}", "budget", load())


def test_the_check_tells_a_budget_that_does_not_add_up() -> None:
    budget = copy.deepcopy(dict(figures.read_tables("budget")))
    budget["歳入"]["rows"][0][1] += 1
    pairs = list(figures.budget_pairs(budget, load()))
    assert [told for told, one, other in pairs if one != other] == ["一般会計 歳入", "町税", "町税"]
