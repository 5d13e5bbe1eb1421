"""The documents say what the program does: their commands, options, modules, links and settings exist."""

from __future__ import annotations

import argparse
import importlib.util
import re
from dataclasses import fields
from pathlib import Path

import pytest

from rag.cli import build_parser
from rag.settings import Settings

ROOT = Path(__file__).parents[1]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
Place = tuple[str, int, str]
_CODE = re.compile(r"`([^`]+)`")
_ROW = re.compile(r"^\| `(\w+)` \| (.*?) \| (.+) \|$")
_LINK = re.compile(r"\[[^\]]*\]\(([^)#]+)[^)]*\)")


def code_lines(document: Path) -> list[Place]:
    """Return (document, line number, code) of every line of a fenced block and every inline code."""
    if not document.exists():
        pytest.skip(f"{document.name} is not written yet")
    found, fenced = [], False
    for number, line in enumerate(document.read_text(encoding="utf-8").splitlines(), start=1):
        if line.startswith("```"):
            fenced = not fenced
        else:
            found += [(document.name, number, code) for code in ([line] if fenced else _CODE.findall(line))]
    return found


def all_code() -> list[Place]:
    return [place for document in DOCUMENTS for place in code_lines(document)]


def commands() -> dict[str, argparse.ArgumentParser]:
    return subcommands(build_parser())


def subcommands(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    action = next((a for a in parser._actions if isinstance(a, argparse._SubParsersAction)), None)
    return dict(action.choices) if action else {}


def known_options(parser: argparse.ArgumentParser, rest: str) -> set[str]:
    """Return the options of a command, and those of its own command that follows it: `rag users add`."""
    own = subcommands(parser).get((rest.split() or [""])[0])
    return {*parser._option_string_actions, *(own._option_string_actions if own else ())}


def test_every_rag_command_and_option_in_the_documents_exists() -> None:
    seen, wrong = set(), []
    for document, number, code in all_code():
        for name, rest in re.findall(r"(?<![\w.-])rag ([a-z][\w-]*)([^|#&]*)", code):
            seen.add(name)
            parser = commands().get(name)
            known = known_options(parser, rest) if parser else set()
            unknown = [
                word
                for word in re.findall(r"(?<!\S)-{1,2}[a-z][\w-]*", re.sub('"[^"]*"', "", rest))
                if word not in known
            ]
            if parser is None or unknown:
                wrong.append(f"{document}:{number}: rag {name} {unknown}")

    assert wrong == []
    assert seen >= {"index", "ask", "search"}, f"the documents show only {sorted(seen)}"


def test_every_command_is_shown_in_the_readme() -> None:
    shown = {name for _, _, code in code_lines(ROOT / "README.md") for name in re.findall(r"rag ([a-z]+)", code)}

    assert set(commands()) - shown == set()


def test_every_make_target_in_the_documents_exists() -> None:
    makefile = ROOT / "Makefile"
    if not makefile.exists():
        pytest.skip("Makefile is not written yet")
    targets = set(re.findall(r"^([a-z][\w-]*):", makefile.read_text(encoding="utf-8"), flags=re.MULTILINE))
    named = {(d, n, target) for d, n, code in all_code() for target in re.findall(r"(?<!\S)make ([a-z][\w-]*)", code)}

    assert sorted(place for place in named if place[2] not in targets) == []
    assert {target for _, _, target in named} >= {"run", "test"}


def test_every_module_that_the_documents_run_exists() -> None:
    ours = [
        (document, number, module)
        for document, number, code in all_code()
        for module in re.findall(r"python -m ((?:rag|eval)[\w.]*)", code)
    ]

    assert [place for place in ours if importlib.util.find_spec(place[2]) is None] == []
    assert ours, "no document shows `python -m eval`"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_to_a_file_of_ours_leads_somewhere(document: Path) -> None:
    if not document.exists():
        pytest.skip(f"{document.name} is not written yet")
    links = [link for link in _LINK.findall(document.read_text(encoding="utf-8")) if "://" not in link]

    assert [link for link in links if not (document.parent / link).exists()] == []


def test_the_settings_are_documented_with_their_defaults() -> None:
    lines = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8").splitlines()
    documented = [(row[1], row[2]) for line in lines if (row := _ROW.match(line))]

    assert documented == [(field.name, _render_default(field.default)) for field in fields(Settings)]


def _render_default(value: object) -> str:
    if value is None:
        return "（なし）"
    if isinstance(value, bool):
        return str(value).lower()
    return value.as_posix() if isinstance(value, Path) else str(value).replace("\n", "<br>")
