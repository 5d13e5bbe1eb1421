"""Check that the questions and the shared facts agree with the corpus: ``python -m eval.municipality.check``."""

from __future__ import annotations

import csv
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import date

from eval.municipality.documents import DOCUMENTS
from eval.municipality.facts import CORPUS, Facts, columns, load
from eval.municipality.figures import figure_problems
from eval.municipality.places import normal, page_count, places
from eval.municipality.questions import HELD_OUT, OPTIONAL, TARGET, TUNED
from eval.municipality.scans import SCANS
from eval.questions import COLUMNS, PARAPHRASE

KINDS = {"マニュアル", "計画", "Q&A", "規程", "通知", "その他"}
LEAST = {
    "questions": 300,
    "unanswerable": 60,
    "paraphrased": 60,
    "tables": 40,
    "on a scan": 20,
    "of two documents": 20,
    "of a day": 20,
    "documents": 14,
    "pages": 250,
}
SCAN, TWO, NEAR_MISS = "スキャン", "複数文書", "紛らわしい"
WIDEST = 12_000_000
TABLES = {"metadata.csv", "synonyms.csv", "dictionary.csv"}


def question_problems(rows: list[dict[str, str]]) -> Iterator[str]:
    """Yield what is wrong with single questions: unknown documents and places, and facts that are not there."""
    for row in rows:
        label = f"問{row['番号']} {row['質問']}"
        if row["用途"] not in (TUNED, HELD_OUT) or not is_day(row["基準日"] or "2026-04-01"):
            yield f"{label}: 用途 {row['用途']}, 基準日 {row['基準日']}"
        if (problem := tag_problem(row)) is not None:
            yield f"{label}: {problem}"
        if row["回答可否"] == "不可":
            if row["期待する文書"] or row["ページ／行"] or row["正解に含まれる語"]:
                yield f"{label}: 不可 with a gold place or facts"
            continue
        if row["回答可否"] != "可":
            yield f"{label}: 回答可否 is neither 可 nor 不可"
        if not (row["模範解答"] and row["正解に含まれる語"]):
            yield f"{label}: no answer or no facts"
        yield from gold_problems(label, row)


def tag_problem(row: dict[str, str]) -> str | None:
    """Return what a remark says of a question that is not so."""
    documents = set(row["期待する文書"].split(";"))
    if TWO in row["備考"] and len(documents) < 2:
        return f"{TWO} on {documents}"
    if SCAN in row["備考"] and not documents & {job.target for job in SCANS}:
        return f"{SCAN} on {documents}"
    if NEAR_MISS in row["備考"] and row["回答可否"] != "不可":
        return f"{NEAR_MISS} but answerable"
    return None


def is_day(text: str) -> bool:
    """Tell whether a text is a day, as 2026-11-01.

    >>> is_day("2026-11-01"), is_day("2026-11-31"), is_day("令和8年11月1日")
    (True, False, False)
    """
    try:
        return text == date.fromisoformat(text).isoformat()
    except ValueError:
        return False


def gold_problems(label: str, row: dict[str, str]) -> Iterator[str]:
    """Yield what is wrong with the gold places of one answerable question."""
    documents, where = row["期待する文書"].split(";"), row["ページ／行"].split(";")
    if len(documents) != len(where):
        yield f"{label}: {len(documents)} documents, {len(where)} places"
        return
    text = ""
    for document, place in zip(documents, where, strict=True):
        if not (CORPUS / document).is_file():
            yield f"{label}: no file {document}"
        elif place not in places(document):
            yield f"{label}: no place {place} in {document}"
        else:
            text += "\n" + places(document)[place]
    for fact in row["正解に含まれる語"].split(";"):
        if normal(fact) not in text:
            yield f"{label}: {fact} is not on {row['期待する文書']} {row['ページ／行']}"


def set_problems(rows: list[dict[str, str]]) -> Iterator[str]:
    """Yield what is wrong with the set as a whole: size, kinds, repeated questions, documents never asked for."""
    counts = {
        "questions": len(rows),
        "unanswerable": sum(row["回答可否"] == "不可" for row in rows),
        "paraphrased": sum(PARAPHRASE in row["備考"] for row in rows),
        "tables": sum(row["分類"] == "表" for row in rows),
        "on a scan": sum(SCAN in row["備考"] for row in rows),
        "of two documents": sum(TWO in row["備考"] for row in rows),
        "of a day": sum(bool(row["基準日"]) for row in rows),
        "documents": len(DOCUMENTS),
        "pages": sum(map(page_count, DOCUMENTS.values())),
    }
    yield from (f"{counts[name]} {name}, fewer than {least}" for name, least in LEAST.items() if counts[name] < least)
    repeated = [question for question, count in Counter(row["質問"] for row in rows).items() if count > 1]
    yield from (f"asked twice: {question}" for question in repeated)
    asked = {document for row in rows for document in row["期待する文書"].split(";")}
    yield from (f"no question on {document}" for document in DOCUMENTS.values() if document not in asked)


def fact_problems(facts: Facts) -> Iterator[str]:
    """Yield the sums and values that differ between the facts and the documents."""
    plan = places(DOCUMENTS["plan"])
    census = {year: sum(parts) for year, parts in facts["人口"].items()}
    districts = columns(facts["地区"])
    revenue, expenditure = columns(facts["歳入"]), columns(facts["歳出"])
    works = sum(int(row[2].replace(",", "")) for row in facts["主要事業"]["一覧"])
    body = normal("".join(plan.values()))
    yield from absent(body, f"{census['令和2年']:,}人", yen(works), f"{districts[1]:,}人")
    if districts[0] != census["令和2年"] or f"{districts[2]:,}人" != facts["町"]["目標人口"]:
        yield f"districts {districts} do not add up to the census and the target"
    if yen(revenue[0]) != facts["町"]["当初予算"]:
        yield f"revenue {revenue[0]} is not the budget {facts['町']['当初予算']}"
    for come, out in zip(revenue, expenditure, strict=True):
        if out > come:
            yield f"expenditure {out} exceeds revenue {come}"
    for rows in facts["指標"].values():
        for name, unit, base, target, department in rows:
            line = normal(name + unit + base + target + department)
            if sum(text.count(line) for text in plan.values()) != 2:
                yield f"the plan does not hold this indicator twice: {line}"
    everything = "".join("".join(places(document).values()) for document in DOCUMENTS.values())
    for table in ("手数料", "給付", "期日"):
        yield from absent(everything, *facts[table].values())
    for document in DOCUMENTS.values():
        yield from (f"{document}: {problem}" for problem in absent("".join(places(document).values()), "架空の自治体"))


def yen(millions: int) -> str:
    """Return an amount in millions of yen as official documents write it."""
    return f"{millions // 100}億{millions % 100 * 100:,}万円"


def absent(text: str, *wanted: str) -> Iterator[str]:
    """Yield the wanted strings that a normalised text does not hold."""
    yield from (f"nowhere: {one}" for one in wanted if normal(one) not in text)


def metadata_problems(facts: Facts) -> Iterator[str]:
    """Yield what is wrong with ``metadata.csv``, with files it leaves out, and with the size of the corpus."""
    with (CORPUS / "metadata.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    files = {path.relative_to(CORPUS).as_posix() for path in CORPUS.rglob("*") if path.is_file()} - TABLES
    yield from (
        f"metadata.csv and the corpus differ: {name}" for name in sorted(files ^ {row["ファイル"] for row in rows})
    )
    for row in rows:
        if row["種別"] not in KINDS:
            yield f"metadata.csv: 種別 {row['種別']}"
        if row["内線"][:2] != facts["課"][row["所管課"]][0][:2]:
            yield f"metadata.csv: {row['所管課']} is not on extension {row['内線']}"
    size = sum((CORPUS / name).stat().st_size for name in files)
    if size > WIDEST:
        yield f"the corpus has {size:,} bytes"


def main() -> int:
    """Print every problem; return 1 when there is one."""
    with TARGET.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        rows = list(reader)
    facts = load()
    problems = [] if tuple(reader.fieldnames or ()) == (*COLUMNS, *OPTIONAL) else [f"columns {reader.fieldnames}"]
    problems += [*question_problems(rows), *set_problems(rows), *fact_problems(facts), *figure_problems(facts)]
    problems += [*metadata_problems(facts)]
    print("\n".join(problems) or f"{len(rows)} questions and the shared facts agree with the corpus")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
