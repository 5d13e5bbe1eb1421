"""`python -m eval.reading`: recall by kind, over the fixtures and over the real documents that this machine has."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from eval.reading.expectations import Expectation
from eval.reading.fixtures import FIXTURES
from eval.reading.fixtures.fixture import Fixture
from eval.reading.real import TABLE, Expected, find_file, read_digests, read_plain
from eval.reading.report import Result, check_file, fail_file, render_files, render_recall, to_dict
from eval.reading.view import read_file
from rag.errors import RagError, ReadingError
from rag.progress import use_utf8

FIXTURES_NAME = "見本"
REAL_NAME = "実物"


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command."""
    parser = argparse.ArgumentParser(
        prog="python -m eval.reading", description="文書がどれだけ正しく読めるかを、種類ごとの再現率で示します。"
    )
    parser.add_argument("--only", metavar="名前", help="名前にこの語を含む見本や文書だけを調べる")
    parser.add_argument("--misses", action="store_true", help="読めなかったものを、ファイルごとにすべて表示する")
    parser.add_argument("--json", action="store_true", help="JSON で表示する")
    parser.add_argument("--plain", type=Path, metavar="表.tsv", help="この表（原文のまま）の文書だけを調べる")
    parser.add_argument("--keep", type=Path, metavar="フォルダー", help="見本のファイルをここに残す")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Check and print; return 0, or 1 when a fixture is not read as expected, or 2 for wrong usage."""
    use_utf8()
    options = build_parser().parse_args(arguments)
    try:
        groups = _check_plain(options) if options.plain else _check_all(options)
    except (RagError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    print(_render(groups, options))
    return exit_status(groups)


def exit_status(groups: dict[str, list[Result]]) -> int:
    """Return 1 when a fixture is not read as expected; a real document that is not read is a figure, not a failure."""
    return int(any(not result.held for result in groups.get(FIXTURES_NAME, [])))


def _check_all(options: argparse.Namespace) -> dict[str, list[Result]]:
    expected: Expected = read_digests() if TABLE.is_file() else {}
    return {FIXTURES_NAME: check_fixtures(options.only, options.keep), REAL_NAME: check_real(expected, options.only)}


def _check_plain(options: argparse.Namespace) -> dict[str, list[Result]]:
    return {REAL_NAME: check_real(read_plain(options.plain), options.only)}


def check_fixtures(only: str | None = None, keep: Path | None = None) -> list[Result]:
    """Make and read the fixtures; those that this machine cannot make are named on stderr."""
    results: list[Result] = []
    with tempfile.TemporaryDirectory() as made:
        folder = keep or Path(made)
        folder.mkdir(parents=True, exist_ok=True)
        for fixture in (f for f in FIXTURES if only is None or only in f.name):
            if obstacle := fixture.find_obstacle():
                print(f"見本 {fixture.name} を飛ばします: {obstacle}", file=sys.stderr)
            else:
                results += check_fixture(fixture, folder)
    return results


def check_fixture(fixture: Fixture, folder: Path) -> list[Result]:
    """Make one fixture in a folder, read it, and return what came of its expectations."""
    path = fixture.build(folder)
    try:
        read = read_file(path, fixture.options)
    except ReadingError as error:
        return fail_file(fixture.name, fixture.expectations, str(error))
    return check_file(fixture.name, read, fixture.expectations)


def check_real(expected: Expected, only: str | None = None) -> list[Result]:
    """Read the real documents that are there; those that are not are counted on stderr."""
    wanted = {name: items for name, items in expected.items() if only is None or only in name}
    absent = [name for name in wanted if find_file(name) is None]
    if absent:
        print(f"実物の文書 {len(absent)} 件はこの計算機にないので飛ばします。", file=sys.stderr)
    results: list[Result] = []
    for name, expectations in wanted.items():
        if (path := find_file(name)) is not None:
            results += _check_path(name, path, expectations)
    return results


def _check_path(name: str, path: Path, expectations: Iterable[Expectation]) -> list[Result]:
    try:
        return check_file(name, read_file(path), expectations)
    except ReadingError as error:
        return fail_file(name, expectations, str(error))


def _render(groups: dict[str, list[Result]], options: argparse.Namespace) -> str:
    if options.json:
        return json.dumps({name: to_dict(results) for name, results in groups.items()}, ensure_ascii=False, indent=1)
    parts = []
    for name, results in groups.items():
        if results:
            parts.append(render_recall(f"{name}（{len({r.file for r in results})} ファイル）", results))
            if options.misses:
                parts += [render_files(results), *(result.render() for result in results if not result.held)]
    return "\n".join(parts) or "調べるものがありません。"


if __name__ == "__main__":
    sys.exit(main())
