"""Draw the tables of the long documents from their figures: sums, shares and changes are computed, never written.

A source ``name.md`` with a file ``name-tables.toml`` beside it names its tables as ``{{図表:table}}``, the contacts of the
departments as ``{{図表:連絡先}}``. Amounts are thousands of yen where the caption says so.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from eval.municipality.facts import SOURCES, Facts, table, thousands

Table = Mapping[str, Any]
DRAWN = re.compile(r"\{\{図表:(?P<name>[^}]+)\}\}")
INCOME = 5_000_000
SOCIAL_SHARE = 238_000


def read_tables(source: str) -> Mapping[str, Table]:
    """Return the tables of a source by name; none when it has no file of tables."""
    path = SOURCES / f"{source}-tables.toml"
    return tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def draw_tables(text: str, source: str, facts: Facts) -> str:
    """Replace ``{{図表:name}}`` by the drawn table; an unknown name raises KeyError."""
    tables = read_tables(source)

    def drawn(found: re.Match[str]) -> str:
        name = found["name"]
        return contacts(facts) if name == "連絡先" else draw_table(tables[name], tables, facts)

    return DRAWN.sub(drawn, text)


def draw_table(of: Table, tables: Mapping[str, Table], facts: Facts) -> str:
    """Return the HTML of one table, by its kind."""
    if of.get("kind") == "heads":
        return heads(of, tables, int(re.sub(r"\D", "", facts["町"]["人口"])))
    if of.get("kind") == "household":
        return household(of, tables)
    return KINDS[of.get("kind", "plain")](of)


def plain(of: Table) -> str:
    """Return a table of cells, with a row of sums where the table asks for a total."""
    rows = [*of["rows"], totals(of)] if "total" in of else of["rows"]
    head = of["head"]
    if head[:2] == ["品目", "単位"]:
        rows = [[*row[:4], f"{row[3] / row[2]:.1%}".replace("%", "％"), *row[4:]] for row in rows]
    return table(of.get("caption", ""), head, [list(map(cell, row)) for row in rows], css=of.get("css", ""))


def compare(of: Table) -> str:
    """Return amounts of two years with the share, the change and its rate."""
    rows = [*of["rows"], totals(of)]
    whole = rows[-1][1]
    head = ["区分", "令和8年度", "構成比", "令和7年度", "増減額", "増減率"]
    body = [
        [name, thousands(now), percent(now, whole), thousands(before), change(now - before), rate(now, before)]
        for name, now, before in rows
    ]
    return table(of["caption"], head, body, css="figures money rates")


def shares(of: Table) -> str:
    """Return amounts of one year with their shares."""
    rows = [*of["rows"], totals(of)]
    body = [[name, thousands(amount), percent(amount, rows[-1][1])] for name, amount in rows]
    return table(of["caption"], ["区分", "予算額", "構成比"], body, css="figures money rates")


def stock(of: Table) -> str:
    """Return balances over two years: what was there, what comes, what goes, what is left."""
    rows = [[name, *balance(values)] for name, *values in of["rows"]]
    total = ["合計", *(sum(column) for column in zip(*(row[1:] for row in rows), strict=True))]
    return table(of["caption"], of["head"], [list(map(cell, row)) for row in [*rows, total]], css="figures money")


def balance(values: Sequence[int]) -> list[int]:
    """Return [start, in, out, middle, in, out, end] of [start, in, out, in, out].

    >>> balance([100, 20, 30, 5, 10])
    [100, 20, 30, 90, 5, 10, 85]
    """
    start, come, gone, later, left = values
    middle = start + come - gone
    return [start, come, gone, middle, later, left, middle + later - left]


def works(of: Table) -> str:
    """Return projects with their means; what no grant, bond or fund pays comes from general revenue."""
    head = ["事業", "区分", "事業費", "国県支出金", "町債", "その他", "一般財源", "内容", "担当課"]
    body = [
        [name, kind, *map(thousands, (cost, grant, bond, other, cost - grant - bond - other)), text, department]
        for name, kind, cost, grant, bond, other, text, department in of["rows"]
    ]
    return table(of["caption"], head, body, css="projects")


def social(of: Table) -> str:
    """Return the expenses that the consumption tax grant pays for, in proportion to the general revenue they need."""
    needs = [cost - grant - other for _, _, cost, grant, other in of["rows"]]
    parts = [round(SOCIAL_SHARE * need / sum(needs)) for need in needs[:-1]]
    parts.append(SOCIAL_SHARE - sum(parts))
    head = ["分野", "経費", "事業費", "国県支出金", "その他", "一般財源", "うち社会保障財源分"]
    rows = [[*row, need, part] for row, need, part in zip(of["rows"], needs, parts, strict=True)]
    total = ["合計", "", *(sum(column) for column in zip(*(row[2:] for row in rows), strict=True))]
    return table(of["caption"], head, [list(map(cell, row)) for row in [*rows, total]], css="figures money")


def heads(of: Table, tables: Mapping[str, Table], people: int) -> str:
    """Return the amounts of another table per inhabitant, in yen."""
    rows = [*tables[of["of"]]["rows"], totals(tables[of["of"]])]
    body = [
        [name, thousands(round(now * 1000 / people)), thousands(round(old * 1000 / people))] for name, now, old in rows
    ]
    head = ["区分", "令和8年度", "令和7年度の額を同じ人口で除した額"]
    return table(of["caption"], head, body, css="figures money")


def household(of: Table, tables: Mapping[str, Table]) -> str:
    """Return the budget as the year of a household with an income of five million yen."""
    come = {name.split(" ")[-1]: now for name, now, _ in tables["歳入"]["rows"]}
    out = {name: now for name, now, _ in tables["性質別"]["rows"]}
    whole = sum(come.values())
    own = come["町税"] + come["使用料及び手数料"] + come["分担金及び負担金"] + come["財産収入"] + come["寄附金"]
    own += come["諸収入"] + come["繰越金"]
    lines = [
        ("収入", "給料（町税、使用料、寄附金など）", own),
        ("収入", "預金の取崩し（繰入金）", come["繰入金"]),
        ("収入", "ローンの借入れ（町債）", come["町債"]),
        ("支出", "食費（人件費）", out["人件費"]),
        ("支出", "医療費と学費（扶助費）", out["扶助費"]),
        ("支出", "ローンの返済（公債費）", out["公債費"]),
        ("支出", "光熱水費と日用品（物件費、維持補修費）", out["物件費"] + out["維持補修費"]),
        ("支出", "家の増改築（普通建設事業費、災害復旧事業費）", out["普通建設事業費"] + out["災害復旧事業費"]),
        ("支出", "貯金（積立金）", out["積立金"]),
    ]
    spent = sum(amount for side, _, amount in lines if side == "支出")
    support = whole - sum(amount for side, _, amount in lines if side == "収入")
    lines.insert(1, ("収入", "親からの仕送り（地方交付税、国県支出金など）", support))
    lines.append(("支出", "子への仕送りと会費（繰出金、補助費等など）", whole - spent))
    body = [[side, name, thousands(round(amount * INCOME / whole))] for side, name, amount in lines]
    return table(of["caption"], ["区分", "項目", "金額"], body, css="figures money")


def contacts(facts: Facts) -> str:
    """Return the extension and the place of every department."""
    body = [[name, extension, place] for name, (extension, place) in facts["課"].items()]
    return table("町の各課の連絡先", ["課", "内線", "場所"], body)


def totals(of: Table) -> list[Any]:
    """Return the row of sums; columns of words stay empty."""
    columns = zip(*(row[1:] for row in of["rows"]), strict=True)
    return [of["total"], *(sum(column) if isinstance(column[0], int) else "" for column in columns)]


def cell(value: Any) -> str:
    """Return a cell's text, whole numbers with separators."""
    return thousands(value) if isinstance(value, int) else str(value)


def percent(part: int, whole: int) -> str:
    """Return a share with one decimal.

    >>> percent(1, 8)
    '12.5％'
    """
    return f"{part / whole * 100:.1f}％"


def change(difference: int) -> str:
    """Return a change of an amount, a decrease with a triangle.

    >>> change(-1200), change(30), change(0)
    ('△1,200', '30', '0')
    """
    return f"△{-difference:,}" if difference < 0 else thousands(difference)


def rate(now: int, before: int) -> str:
    """Return the rate of change with one decimal, a decrease with a triangle.

    >>> rate(98, 100), rate(103, 100)
    ('△2.0％', '3.0％')
    """
    value = round((now - before) / before * 100, 1)
    return f"△{-value:.1f}％" if value < 0 else f"{value + 0:.1f}％"


KINDS: Mapping[str, Callable[[Table], str]] = {
    "plain": plain,
    "compare": compare,
    "shares": shares,
    "stock": stock,
    "works": works,
    "social": social,
}


def figure_problems(facts: Facts) -> Iterator[str]:
    """Yield the sums of the budget and of the disaster plan that differ from one another or from the shared facts."""
    budget, plan = read_tables("budget"), read_tables("disaster")
    for told, one, other in [*budget_pairs(budget, facts), *plan_pairs(plan)]:
        if one != other:
            yield f"{told}: {one:,} and {other:,} differ"
    last: dict[str, list[int]] = {str(row[0]): row[1:] for row in budget["継続費"]["rows"]}
    yield from (f"継続費 {name}: {years}" for name, years in last.items() if sum(years[:3]) != years[3])
    total = {row[0]: int(row[2].replace(",", "")) * 1000 for row in facts["主要事業"]["一覧"]}
    yield from (f"継続費 {name} is not of the plan" for name, years in last.items() if total.get(name) != years[3])
    for name, cost in {row[0]: row[2] for number in range(1, 7) for row in budget[f"政策{number}"]["rows"]}.items():
        if cost > total.get(name, cost):
            yield f"{name}: {cost:,} this year exceeds the plan's {total[name]:,}"


def budget_pairs(budget: Mapping[str, Table], facts: Facts) -> Iterator[tuple[str, int, int]]:
    """Yield (what, one value, the value it must equal) within the budget and against the plan's forecast."""
    come = {row[0].split(" ")[-1]: row[1:] for row in budget["歳入"]["rows"]}
    out = {row[0].split(" ")[-1]: row[1:] for row in budget["歳出"]["rows"]}
    kinds = {row[0]: row[1:] for row in budget["性質別"]["rows"]}
    accounts = {row[0]: row[1:] for row in budget["会計別"]["rows"]}
    for year in (0, 1):
        for name in ("歳入", "歳出", "性質別"):
            yield f"一般会計 {name}", totals(budget[name])[1 + year], accounts["一般会計"][year]
        yield "公債費", out["公債費"][year], kinds["公債費"][year]
        yield "町税", totals(budget["町税"])[1 + year], come["町税"][year]
        yield "基金の取崩し", sum(row[(5, 3)[year]] for row in budget["基金"]["rows"]), come["繰入金"][year]
        yield "町債の借入れ", sum(row[(4, 2)[year]] for row in budget["町債"]["rows"]), come["町債"][year]
        yield "積立金", sum(row[(4, 2)[year]] for row in budget["基金"]["rows"]), kinds["積立金"][year]
    means = [row for number in range(1, 7) for row in budget[f"政策{number}"]["rows"]]
    yield "町債を充てる事業", sum(row[4] for row in means), come["町債"][0]
    for sheet, row in (("譲与税", "地方譲与税"), ("繰入金", "繰入金")):
        yield sheet, totals(budget[sheet])[1], come[row][0]
    yield "公債費の内訳", totals(budget["公債費"])[1], out["公債費"][0]
    yield "元金", budget["公債費"]["rows"][0][1], sum(values[5] for values in budget["町債"]["rows"])
    yield "ふるさと応援基金", totals(budget["ふるさと充当"])[2], budget["基金"]["rows"][3][5]
    yield "繰出金", totals(budget["繰出"])[1], kinds["繰出金"][0]
    yield from account_pairs(budget, accounts)
    yield from forecast_pairs(come, kinds, facts)


def account_pairs(budget: Mapping[str, Table], accounts: Mapping[str, list[int]]) -> Iterator[tuple[str, int, int]]:
    """Yield the pairs of the special accounts: revenue, expenditure and the size of the account."""
    for short, name in (
        ("国保", "国民健康保険"),
        ("後期", "後期高齢者医療"),
        ("介護", "介護保険"),
        ("霊園", "霊園事業"),
    ):
        for side in ("歳入", "歳出"):
            yield name + side, totals(budget[short + side])[1], accounts[f"{name}特別会計"][0]
    for name in ("水道", "下水道"):
        spent = totals(budget[f"{name}支出"])[1] + totals(budget[f"{name}資本支出"])[1]
        yield name, spent, accounts[f"{name}事業会計"][0]


def forecast_pairs(
    come: Mapping[str, list[int]], kinds: Mapping[str, list[int]], facts: Facts
) -> Iterator[tuple[str, int, int]]:
    """Yield the pairs of the budget and the first year of the plan's forecast."""
    plan = {name: values[0] * 1000 for side in ("歳入", "歳出") for name, values in facts[side].items()}
    yield "町税", come["町税"][0], plan["町税"]
    yield "地方交付税", come["地方交付税"][0], plan["地方交付税"]
    yield "国・県支出金", come["国庫支出金"][0] + come["県支出金"][0], plan["国・県支出金"]
    yield "町債", come["町債"][0], plan["町債"]
    for name in ("人件費", "扶助費", "公債費", "普通建設事業費"):
        yield name, kinds[name][0], plan[name]


def plan_pairs(plan: Mapping[str, Table]) -> Iterator[tuple[str, int, int]]:
    """Yield the pairs within the disaster plan and against what the general plan says of it."""
    yield "想定避難者", totals(plan["地震被害"])[6], 2400
    yield "浸水想定区域の要支援者", totals(plan["浸水想定"])[4], 312
    yield "消防団員", totals(plan["消防団"])[2], 274
    yield "屋外拡声子局", totals(plan["無線"])[1], 64
    yield "指定避難所", len(plan["避難所"]["rows"]), 11
    yield "行政区", totals(plan["行政区割当"])[1], 62
    for row in plan["避難所"]["rows"]:
        yield f"{row[1]}の収容人数", row[5], int(row[4] / 3.5)
