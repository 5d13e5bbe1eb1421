"""The command line: its exit statuses, its objects, its batches, and its Japanese."""

from __future__ import annotations

import argparse
import csv
import importlib.metadata
import io
import json
import os
import re
import runpy
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openpyxl
import pytest

import rag.cli
from rag.batch import ANSWER_COLUMNS
from rag.cli import build_parser, main
from rag.settings import Settings

ROOT = Path(__file__).parents[1]
COMMANDS = ("index", "search", "ask", "adapt", "status", "rollback", "models", "serve", "users")
ENGLISH = ("usage", "optional", "positional", "show this help", "default", "required", "argument", "invalid", "choose")
LODGING, UNKNOWN = "宿泊料は一夜につきいくらですか", "火星移住の抽選倍率を教えてください"
ANSWER_KEYS = {
    "id", "status", "reason", "answer", "citations", "nearest", "contact", "warnings", "confidence", "engine", "elapsed_ms",
    "understood",
    "sought",
    "checks",
    "follow_ups",
}  # fmt: skip
ALWAYS = {"status", "answer", "confidence", "engine", "elapsed_ms"}
HOSTILE = ('=HYPERLINK("http://192.0.2.1/","宿泊料")', "+宿泊料", "-1+1", "@SUM(1)")


@dataclass(frozen=True)
class Done:
    """What a command did."""

    status: int
    out: str
    err: str

    @property
    def object(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Done]


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("RAG_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("RAG_WORKERS", "1")
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Return a function that runs a command in this process."""

    def run_command(*arguments: object) -> Done:
        try:
            status = main([str(argument) for argument in arguments])
        except SystemExit as left:
            status = int(left.code or 0)
        return Done(status, *capsys.readouterr())

    return run_command


@pytest.fixture
def town(run: Run, small_town: Settings) -> Run:
    """Return a function that runs a command on the index of the small town."""
    return lambda command, *arguments: run(command, *arguments, "--index", small_town.index)


def write_corpus(folder: str = "corpus", *, broken: bool = False) -> Path:
    corpus = Path(folder)
    corpus.mkdir()
    (corpus / "旅費.txt").write_text("旅費規程\n\n第1条　宿泊料は、一夜につき9,800円とする。\n", encoding="utf-8")
    if broken:
        (corpus / "暗号.xlsx").write_bytes(b"this is no workbook")
    return corpus


def read_csv(path: Path) -> list[list[str]]:
    return list(csv.reader(io.StringIO(path.read_bytes().decode("utf-8-sig"), newline="")))


def read_xlsx(path: Path) -> list[list[str]]:
    rows = openpyxl.load_workbook(path).worksheets[0].iter_rows(values_only=True)
    return [["" if cell is None else str(cell) for cell in row] for row in rows]


def write_batch(path: Path, questions: tuple[tuple[str, str], ...], header: tuple[str, str] = ("番号", "質問")) -> Path:
    """Write questions in the form of the suffix; nothing in an Excel file is a formula."""
    if path.suffix == ".jsonl":
        lines = [json.dumps({"id": i, "question": q}, ensure_ascii=False) for i, q in questions]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    elif path.suffix == ".csv":
        with path.open("w", encoding="utf-8-sig", newline="") as file:
            csv.writer(file).writerows([header, *questions])
    else:
        book = openpyxl.Workbook()
        for row, cells in enumerate([header, *questions], start=1):
            for column, cell in enumerate(cells, start=1):
                book.worksheets[0].cell(row, column, cell).data_type = "s"
        book.save(path)
    return path


# --- help -------------------------------------------------------------------------------------------------------------


def test_every_command_is_listed_with_what_it_does(run: Run) -> None:
    done = run("--help")

    listed = re.findall(r"^    ([a-z]+) +(\S.*)$", done.out, flags=re.MULTILINE)
    assert (done.status, tuple(name for name, _ in listed)) == (0, COMMANDS)
    assert [text for _, text in listed if not re.search("[ぁ-ん]", text)] == []


@pytest.mark.parametrize("command", [(), *((name,) for name in COMMANDS)], ids=lambda c: " ".join(c) or "rag")
def test_help_is_japanese_down_to_every_option(run: Run, command: tuple[str, ...]) -> None:
    done = run(*command, "--help")

    assert done.status == 0
    assert [word for word in ENGLISH if re.search(rf"(?<![\w/]){word}(?!\w)", done.out)] == [], done.out


def all_parsers(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """Yield a parser and those of all its commands."""
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for own in action.choices.values():
                yield from all_parsers(own)


def test_every_option_is_described_in_japanese() -> None:
    commands = next(a for a in build_parser()._actions if isinstance(a, argparse._SubParsersAction)).choices
    undescribed = [
        f"{parser.prog} {action.option_strings or action.metavar}"
        for parser in all_parsers(build_parser())
        for action in parser._actions
        if not isinstance(action, argparse._SubParsersAction) and not re.search("[ぁ-んァ-ヶ一-龠]", action.help or "")
    ]

    assert (tuple(commands), undescribed) == (COMMANDS, [])


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ((), "コマンド"),
        (("indx",), "indx"),
        (("ask", LODGING, "--fast"), "--fast"),
        (("ask", LODGING, "--kind", "law"), "law"),
        (("ask", LODGING, "--year", "令和"), "--year"),
        (("ask", LODGING, "--as-of", "2026-13-01"), "2026-13-01"),
        (("ask", LODGING, "--index"), "--index"),
        (("search", LODGING, "-k", "many"), "-k"),
        (("ask", LODGING, "--json=1"), "--json"),
    ],
)
def test_a_wrong_call_is_told_in_japanese_and_leaves_with_2(run: Run, arguments: tuple[str, ...], named: str) -> None:
    done = run(*arguments)

    assert (done.status, done.out) == (2, "")
    assert named in done.err.splitlines()[0]
    assert "使い方: rag" in done.err
    assert [word for word in ENGLISH if word in done.err] == [], done.err


def test_the_installed_command_and_the_module_are_the_same_function(monkeypatch: pytest.MonkeyPatch) -> None:
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["scripts"]
    entry = importlib.metadata.EntryPoint("rag", scripts["rag"], "console_scripts")
    assert entry.load() is main

    monkeypatch.setattr(rag.cli, "main", lambda: 73)
    with pytest.raises(SystemExit) as left:
        runpy.run_module("rag", run_name="__main__")
    assert left.value.code == 73


# --- exit statuses ----------------------------------------------------------------------------------------------------


def test_index_says_what_it_did_and_a_second_time_that_nothing_changed(run: Run) -> None:
    corpus = write_corpus()

    first, second = run("index", corpus), run("index", corpus)

    assert (first.status, second.status) == (0, 0), first.err
    assert "追加 1" in first.out and "新しい索引を公開しました" in first.out
    assert "変更なし 1" in second.out and "索引は前のままです" in second.out


def test_index_leaves_with_1_and_names_the_file_that_could_not_be_read(run: Run) -> None:
    done = run("index", write_corpus(broken=True), "--json")

    assert done.status == 1, done.err
    assert [problem["source"] for problem in done.object["problems"]] == ["暗号.xlsx"]
    assert done.object["published"] is True
    assert run("status").status == 1


def test_index_without_a_corpus_leaves_with_2(run: Run) -> None:
    done = run("index", "no-such-folder")

    assert (done.status, done.out) == (2, "")
    assert "no-such-folder" in done.err and "対処: " in done.err


@pytest.mark.parametrize(
    "arguments", [("ask", LODGING), ("search", LODGING), ("status",), ("rollback",), ("serve", "--port", "0")]
)
def test_without_an_index_every_command_leaves_with_2_and_names_the_command_that_mends_it(
    run: Run, arguments: tuple[str, ...]
) -> None:
    done = run(*arguments, "--index", "nowhere")

    assert (done.status, done.out) == (2, "")
    assert "nowhere" in done.err and "`rag index`" in done.err


@pytest.mark.parametrize("arguments", [("ask",), ("ask", "  "), ("search", ""), ("ask", "あ" * 2001)])
def test_a_question_that_is_none_leaves_with_2(town: Run, arguments: tuple[str, ...]) -> None:
    done = town(*arguments)

    assert (done.status, done.out) == (2, "")
    assert "質問" in done.err and "対処: " in done.err


def test_no_answer_is_a_result_and_not_an_error(town: Run) -> None:
    done = town("ask", UNKNOWN, "--json")

    assert (done.status, done.object["status"]) == (0, "no_answer")


# --- the objects of DESIGN 8 ------------------------------------------------------------------------------------------


def check_answer(answer: dict[str, Any], *, in_batch: bool) -> None:
    """Check that an object has exactly the keys that are promised, the absent ones left out."""
    assert set(answer) >= (ALWAYS | {"id"} if in_batch else ALWAYS), answer
    assert set(answer) <= (ANSWER_KEYS if in_batch else ANSWER_KEYS - {"id"}), answer
    assert [key for key, value in answer.items() if value in (None, "", [])] == []
    assert (answer["status"] == "answered") == ("citations" in answer), answer
    assert (answer["status"] == "no_answer") == ("reason" in answer), answer
    for citation in answer.get("citations", ()):
        assert set(citation) - {"marks"} == {"number", "source", "title", "locator", "quote", "verified"}
        assert citation["locator"] and citation["verified"] is True
    for place in answer.get("nearest", ()):
        assert set(place) == {"source", "title", "locator", "text"}
    for warning in answer.get("warnings", ()):
        assert set(warning) == {"code", "message"}
    assert set(answer.get("contact", {"department": ""})) <= {"department", "extension"}


def check_hits(hits: list[dict[str, Any]]) -> None:
    assert [hit["rank"] for hit in hits] == list(range(1, len(hits) + 1))
    of_editions = {"in_force_from"}  # only where a document has one
    expected = frozenset({"rank", "score", "source", "title", "locator", "text"})
    assert {frozenset(hit) - of_editions for hit in hits} <= {expected}
    assert [hit["score"] for hit in hits] == sorted((hit["score"] for hit in hits), reverse=True)


@pytest.mark.parametrize(("question", "status"), [(LODGING, "answered"), (UNKNOWN, "no_answer")])
def test_ask_prints_the_promised_object(town: Run, question: str, status: str) -> None:
    done = town("ask", question, "--json")

    check_answer(done.object, in_batch=False)
    assert (done.object["status"], done.err) == (status, "")


def test_ask_shows_people_the_answer_and_where_it_stands(town: Run) -> None:
    done = town("ask", LODGING)

    assert "9,800円" in done.out and "総務課/職員旅費規程.txt" in done.out and "確認済み" in done.out


def test_search_prints_as_many_hits_as_asked_for(town: Run) -> None:
    wide, narrow = town("search", LODGING, "--json").object, town("search", LODGING, "-k", "2", "--json").object

    check_hits(wide["hits"])
    assert (set(wide), set(narrow)) == ({"hits"}, {"hits"})
    assert len(narrow["hits"]) == 2 < len(wide["hits"]) <= 10
    assert narrow["hits"] == wide["hits"][:2]


def test_search_explains_every_leg_when_asked_why(town: Run) -> None:
    plain, explained = town("search", LODGING).out, town("search", LODGING, "--explain").out

    assert "位）" in explained and "位）" not in plain


@pytest.mark.parametrize(
    ("filters", "sources"),
    [
        (("--department", "環境課"), {"環境課/ごみの出し方.md"}),
        (("--kind", "plan"), {"企画課/第3次緑沢町総合計画.md"}),
        (("--year", "2025"), {"総務課/職員旅費規程.txt"}),
        (("--department", "環境課", "--kind", "plan"), set()),
    ],
)
def test_filters_limit_what_is_found(town: Run, filters: tuple[str, ...], sources: set[str]) -> None:
    hits = town("search", "手数料と宿泊料と目標", *filters, "--json").object.get("hits", [])

    assert {hit["source"] for hit in hits} == sources


def test_as_of_leaves_out_what_is_not_yet_in_force(town: Run) -> None:
    question = "避難所を開設する手順"
    found = {
        day: {hit["source"] for hit in town("search", question, "--as-of", day, "--json").object["hits"]}
        for day in ("2027-03-31", "2027-04-01")
    }

    assert ["防災課/避難所開設手順.md" in sources for sources in found.values()] == [False, True]


# --- batches ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("source", ["in.jsonl", "in.csv", "in.xlsx"])
@pytest.mark.parametrize("target", ["out.jsonl", "out.csv", "out.xlsx"])
def test_a_batch_goes_in_and_out_in_every_form(town: Run, source: str, target: str) -> None:
    batch = write_batch(Path(source), (("問1", LODGING), ("問2", UNKNOWN)))

    done = town("ask", "--batch", batch, "--output", target)

    assert (done.status, done.out) == (0, ""), done.err
    assert f"2問の結果を {target} に書きました" in done.err
    path = Path(target)
    if path.suffix == ".jsonl":
        objects = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        for answer in objects:
            check_answer(answer, in_batch=True)
        assert [(o["id"], o["status"]) for o in objects] == [("問1", "answered"), ("問2", "no_answer")]
    else:
        header, first, second = read_csv(path) if path.suffix == ".csv" else read_xlsx(path)
        assert tuple(header) == ANSWER_COLUMNS
        assert (first[:3], second[:3]) == (["問1", LODGING, "回答"], ["問2", UNKNOWN, "回答なし"])
        assert "9,800円" in first[3] and first[4] == "[1] 総務課/職員旅費規程.txt" and first[7] == "[1] 確認済み"


def test_csv_is_written_so_that_excel_reads_it_as_utf_8(town: Run) -> None:
    town("ask", "--batch", write_batch(Path("in.csv"), (("1", LODGING),)), "--output", "out.csv")

    assert Path("out.csv").read_bytes().startswith(b"\xef\xbb\xbf" + "番号,質問".encode())


@pytest.mark.parametrize("header", [("id", "question"), ("番号", "質問"), ("No.", "質問")])
def test_a_sheet_has_english_or_japanese_headings(town: Run, header: tuple[str, str]) -> None:
    town("ask", "--batch", write_batch(Path("in.csv"), (("甲", LODGING),), header), "--output", "out.csv")

    assert read_csv(Path("out.csv"))[1][:2] == ["甲", LODGING]


def test_a_csv_file_in_the_encoding_of_old_excel_is_read(town: Run) -> None:
    Path("in.csv").write_bytes(f"番号,質問\r\n1,{LODGING}\r\n".encode("cp932"))

    town("ask", "--batch", "in.csv", "--output", "out.csv")

    assert read_csv(Path("out.csv"))[1][1] == LODGING


@pytest.mark.parametrize("source", ["in.jsonl", "in.csv", "in.xlsx"])
@pytest.mark.parametrize("target", ["out.csv", "out.xlsx"])
def test_no_cell_that_is_written_runs_as_a_formula(town: Run, source: str, target: str) -> None:
    batch = write_batch(Path(source), tuple((text, text) for text in HOSTILE))

    done = town("ask", "--batch", batch, "--output", target)

    assert done.status == 0, done.err
    rows = read_csv(Path(target)) if target.endswith("csv") else read_xlsx(Path(target))
    assert [row[1].lstrip("'") for row in rows[1:]] == list(HOSTILE)
    assert [cell for row in rows for cell in row if cell.startswith(("=", "+", "-", "@", "\t", "\r"))] == []
    if target.endswith("xlsx"):
        types = {cell.data_type for row in openpyxl.load_workbook(target).worksheets[0] for cell in row}
        assert "f" not in types


def test_a_batch_of_searches_has_the_promised_objects(town: Run) -> None:
    batch = write_batch(Path("in.jsonl"), (("a", LODGING), ("b", "粗大ごみ")))

    done = town("search", "--batch", batch, "--output", "hits.jsonl", "-k", "3", "--department", "環境課")

    assert (done.status, done.out) == (0, ""), done.err
    objects = [json.loads(line) for line in Path("hits.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [(set(o), o["id"]) for o in objects] == [({"id", "hits"}, "a"), ({"id", "hits"}, "b")]
    for value in objects:
        check_hits(value["hits"])
        assert {hit["source"] for hit in value["hits"]} == {"環境課/ごみの出し方.md"} and len(value["hits"]) <= 3


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("missing.csv", None, ["missing.csv", "ありません"]),
        ("in.txt", b"x", ["in.txt", ".xlsx"]),
        ("in.csv", "番号,問い\n1,x\n".encode(), ["in.csv", "「質問」", "問い"]),
        ("empty.csv", b"", ["empty.csv", "「質問」"]),
        ("in.jsonl", b'{"id": "1", "question": "a"}\nnot json\n', ["in.jsonl", "2 行目"]),
        ("in.jsonl", b'{"id": "1"}\n', ["in.jsonl", "1 行目", '"question"']),
        ("in.jsonl", b"[1]\n", ["in.jsonl", "1 行目"]),
        ("in.jsonl", '{"id": "1", "question": "宿泊"}\n'.encode("cp932"), ["in.jsonl", "対処"]),
        ("in.xlsx", b"this is no workbook", ["in.xlsx", "対処"]),
    ],
)
def test_a_wrong_batch_file_is_refused_by_name_and_place(
    town: Run, name: str, content: bytes | None, words: list[str]
) -> None:
    if content is not None:
        Path(name).write_bytes(content)

    done = town("ask", "--batch", name, "--output", "out.csv")

    assert (done.status, done.out) == (2, "")
    assert [word for word in words if word not in done.err] == [], done.err
    assert not Path("out.csv").exists()


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ((), "--output"),
        (("--output", "out.docx"), "out.docx"),
        (("--output", "no-such-folder/out.csv"), "no-such-folder"),
    ],
)
def test_a_batch_needs_a_place_for_its_results(town: Run, arguments: tuple[str, ...], word: str) -> None:
    done = town("ask", "--batch", write_batch(Path("in.csv"), (("1", LODGING),)), *arguments)

    assert (done.status, done.out) == (2, "")
    assert word in done.err


def test_a_row_without_an_id_does_not_stop_the_batch(town: Run) -> None:
    Path("in.csv").write_text(f"質問,番号\n{LODGING}\n", encoding="utf-8")

    done = town("ask", "--batch", "in.csv", "--output", "out.csv")

    assert (done.status, read_csv(Path("out.csv"))[1][1]) == (0, LODGING), done.err


def test_a_line_separator_inside_a_question_ends_no_line(town: Run) -> None:
    question = "宿泊料は\u2028いくらですか"

    done = town("ask", "--batch", write_batch(Path("in.jsonl"), (("1", question),)), "--output", "out.jsonl")

    assert done.status == 0, done.err


def test_a_character_that_excel_forbids_does_not_stop_the_batch(town: Run) -> None:
    done = town("ask", "--batch", write_batch(Path("in.jsonl"), (("1", "宿泊料\x0bは"),)), "--output", "out.xlsx")

    assert (done.status, read_xlsx(Path("out.xlsx"))[1][0]) == (0, "1"), done.err


# --- status and rollback ----------------------------------------------------------------------------------------------


def test_status_shows_the_documents_and_on_demand_every_page(town: Run) -> None:
    plain, pages = town("status"), town("status", "--pages")
    values = town("status", "--pages", "--json").object

    assert plain.status == 0
    assert "文書 6" in plain.out and "窓口のよくある質問" in plain.out and "税務課/滞納整理の手引.txt" in plain.out
    assert "頁ごとの読み取り" in pages.out and "頁ごとの読み取り" not in plain.out
    assert {row["source"] for row in values["pages"]} == {document["source"] for document in values["documents"]}


def test_rollback_lets_the_snapshot_before_answer_again(run: Run) -> None:
    corpus = write_corpus()
    old = run("index", corpus, "--json").object["snapshot"]
    (corpus / "ごみ.txt").write_text("燃えるごみは月曜日に出してください。", encoding="utf-8")
    new = run("index", corpus, "--json").object["snapshot"]

    done = run("rollback", "--json")

    assert (done.status, done.object) == (0, {"from": new, "to": old})
    assert run("status", "--json").object["counts"]["documents"] == 1
    first = run("rollback")
    assert first.status == 2 and "より前の索引は残っていません" in first.err


# --- in a process of its own ------------------------------------------------------------------------------------------


def test_only_results_go_to_stdout_and_no_bar_is_drawn_into_a_file() -> None:
    write_corpus(broken=True)
    environment = os.environ | {"PYTHONPATH": str(ROOT), "RAG_WORKERS": "2"}

    done = subprocess.run(
        [sys.executable, "-m", "rag", "index", "--json"],
        env=environment,
        capture_output=True,
        encoding="utf-8",
        timeout=280,
    )

    assert done.returncode == 1, done.stderr
    assert json.loads(done.stdout)["published"] is True
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("search", LODGING, "-k", "0"), "-k"),
        (("ask", LODGING, "--output", "out.csv"), "--batch"),
        (("ask", LODGING, "--batch", "in.jsonl", "--output", "out.jsonl"), "--batch"),
        (("ask", "--batch", "in.jsonl", "--output", "in.jsonl"), "上書き"),
        (("ask", "--batch", "empty.jsonl", "--output", "out.jsonl"), "番号 2"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_anything_is_done(
    town: Run, arguments: tuple[str, ...], word: str
) -> None:
    write_batch(Path("in.jsonl"), (("1", LODGING),))
    write_batch(Path("empty.jsonl"), (("1", LODGING), ("2", " ")))
    before = Path("in.jsonl").read_bytes()

    done = town(*arguments)

    assert (done.status, done.out) == (2, "") and word in done.err, done.err
    assert not Path("out.jsonl").exists()
    assert Path("in.jsonl").read_bytes() == before


def test_a_rollback_of_an_index_that_is_not_there_leaves_no_folder_behind(run: Run) -> None:
    done = run("rollback", "--index", "nowhere")

    assert done.status == 2 and "索引がまだありません" in done.err
    assert not Path("nowhere").exists()
