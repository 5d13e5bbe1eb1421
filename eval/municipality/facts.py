"""Read the facts that several documents state, and put them into text and tables."""

from __future__ import annotations

import datetime
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

SOURCES = Path(__file__).with_name("sources")
CORPUS = Path(__file__).parents[2] / "corpus"
NOON = datetime.datetime(2026, 4, 1, 12, 0, 0)
"""The moment that every built file says it was made at, so that a rebuild gives the same bytes."""
YEARS = [f"令和{year}年度" for year in range(8, 13)]
PLACEHOLDER = re.compile(r"\{\{(?P<table>[^.:}]+)\.(?P<key>[^}]+)\}\}")
DRAWN = re.compile(r"\{\{(?P<kind>表|指標):(?P<name>[^}]+)\}\}")
THOUSANDS = "#,##0"
"""The format of amounts in workbooks."""

Facts = Mapping[str, Mapping[str, Any]]


def load() -> Facts:
    """Return every shared fact by table and key."""
    return tomllib.loads((SOURCES / "facts.toml").read_text(encoding="utf-8"))


def fill(text: str, facts: Facts) -> str:
    """Replace ``{{table.key}}`` by its value and ``{{表:name}}`` by a drawn table; an unknown name raises KeyError."""
    text = PLACEHOLDER.sub(lambda found: str(facts[found["table"]][found["key"]]), text)
    return DRAWN.sub(lambda found: draw(found["kind"], found["name"], facts), text)


def draw(kind: str, name: str, facts: Facts) -> str:
    """Return the HTML of a table that is made of facts."""
    if kind == "指標":
        return indicators([(name, row) for row in facts["指標"][name]], numbered=False)
    if name == "指標一覧":
        return indicators([(number, row) for number, rows in facts["指標"].items() for row in rows], numbered=True)
    if name in ("人口実績", "人口推計"):
        return population(facts["人口"], {"人口実績": "国勢調査", "人口推計": "推計"}[name])
    if name in ("歳入", "歳出"):
        return finance(name, facts[name])
    if name == "地区":
        rows = [[area, *map(thousands, values)] for area, values in facts["地区"].items()]
        total = ["合計", *map(thousands, columns(facts["地区"]))]
        head = ["地区", "令和2年（国勢調査）", "令和12年（目標）", "令和17年（目標）"]
        return table("地区別の目標人口（人）", head, [*rows, total], css="figures")
    return table(
        "前期基本計画の主要事業",
        ["事業名", "概要", "事業費（百万円）", "期間", "担当課"],
        [
            [a, b, cost, f"{start}から{end}まで" if start != end else start, who]
            for a, b, cost, start, end, who in facts["主要事業"]["一覧"]
        ],
        css="works",
    )


def indicators(rows: Iterable[tuple[str, Sequence[str]]], *, numbered: bool) -> str:
    """Return a table of indicators, with the number of the measure where the table spans measures."""
    head = ["指標名", "単位", "基準値（令和6年度）", "目標値（令和12年度）", "担当課"]
    if numbered:
        return table("", ["施策", *head], [[number, *row] for number, row in rows], css="indicators all")
    return table("指標", head, [row for _, row in rows], css="indicators")


def population(series: Mapping[str, Sequence[int]], source: str) -> str:
    """Return the table of population by age; the shares are computed here so that they agree."""
    years = [year for year in series if (year in ("平成22年", "平成27年", "令和2年")) == (source == "国勢調査")]
    rows = []
    for year in years:
        total = sum(series[year])
        shares = [f"{thousands(part)}（{part / total:.1%}）".replace("%", "％") for part in series[year]]
        rows.append([year, thousands(total), *shares])
    head = ["年次", "総数", "15歳未満", "15歳から64歳まで", "65歳以上"]
    return table(f"年齢3区分別人口（{source}、単位：人）", head, rows, css="figures")


def finance(name: str, rows: Mapping[str, Sequence[int]]) -> str:
    """Return a table of revenue or expenditure with its total."""
    body = [[label, *map(thousands, values)] for label, values in rows.items()]
    total = [f"{name}合計", *map(thousands, columns(rows))]
    return table(f"{name}の見通し（単位：百万円）", ["区分", *YEARS], [*body, total], css="figures")


def columns(rows: Mapping[str, Sequence[int]]) -> list[int]:
    """Return the sum of each column."""
    return [sum(column) for column in zip(*rows.values(), strict=True)]


def thousands(value: int) -> str:
    """Return a number with thousands separators."""
    return f"{value:,}"


def table(caption: str, head: Sequence[str], rows: Iterable[Sequence[str]], css: str = "") -> str:
    """Return an HTML table with a caption, on one line so that Markdown keeps it whole."""
    top = "".join(f"<th>{escape(cell)}</th>" for cell in head)
    body = "".join("<tr>" + "".join(cell_of(cell) for cell in row) + "</tr>" for row in rows)
    title = f"<caption>{escape(caption)}</caption>" if caption else ""
    return f'<table class="{css}">{title}<thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>'


def cell_of(text: str) -> str:
    """Return a cell, set to the right when it holds a number."""
    number = re.fullmatch(r"[\d,.]+(以下|（[\d.]+％）)?", text)
    return f"<td{' class=n' if number else ''}>{escape(text)}</td>"
