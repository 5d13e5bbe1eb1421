"""The command line of the evaluation: `python -m eval [COMMAND] …`, `run` where no command is named.

Exit status: 0 done; 1 done, and a figure is below what was asked for; 2 wrong usage, or nothing done.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from types import ModuleType

from rag.errors import RagError
from rag.parser import NOT_DONE, Parser
from rag.progress import use_utf8

RUN = "run"
COMMANDS = (RUN, "history", "compare", "calibrate", "readme")
OF_QUESTIONS = ("check", "complete", "convert", "suggest")
"""What is done to the question set: modules of eval with a `build_parser` and a `main` of their own."""


def open_command(name: str) -> ModuleType:
    """Return the module of a command."""
    return importlib.import_module(f"eval.commands.{name}")


def open_own(name: str) -> ModuleType:
    """Return the module of a command of the question set."""
    return importlib.import_module(f"eval.{name}")


def build_parser(name: str = RUN) -> Parser:
    """Return the parser of a command."""
    command = open_command(name)
    shown = "[run]" if name == RUN else name
    parser = Parser(
        prog=f"python -m eval {shown}",
        description=command.DESCRIPTION + "。",
        epilog=_describe_commands() if name == RUN else None,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_arguments(parser)
    return parser


def _describe_commands() -> str:
    from eval.variants import ENGINES, RANKINGS

    lines = ["命令:", *(f"  {name:<12}{open_command(name).DESCRIPTION}" for name in COMMANDS)]
    lines += [f"  {name:<12}{open_own(name).build_parser().description}" for name in OF_QUESTIONS]
    lines += ["", "方式（--variant）:", *(f"  {name:<12}{label}" for name, label in {**RANKINGS, **ENGINES}.items())]
    return "\n".join([*lines, "", "各命令の説明: python -m eval 命令 --help"])


def find_meant(word: str) -> str | None:
    """Return the command that a first word may be meant for; None for a command, a file, and what is like no command.

    >>> find_meant("histroy"), find_meant("history"), find_meant("質問集.xlsx")
    ('history', None, None)
    """
    known = (*COMMANDS, *OF_QUESTIONS)
    if word in known or word.startswith("-") or Path(word).suffix or Path(word).exists():
        return None
    return next(iter(get_close_matches(word.lower(), known, 1)), None)


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what a command line says and return the exit status."""
    use_utf8()
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words[:1] and words[0] in OF_QUESTIONS:
        return int(open_own(words[0]).main(words[1:]))
    if words[:1] and (meant := find_meant(words[0])):
        print(f"知らない命令です: {words[0]}（もしかして {meant}）", file=sys.stderr)
        return NOT_DONE
    name = words.pop(0) if words[:1] and words[0] in COMMANDS else RUN
    options = build_parser(name).parse_args(words)
    try:
        status: int = open_command(name).run(options)
        return status
    except RagError as error:
        print(error, file=sys.stderr)
    except KeyboardInterrupt:
        print("中断しました。結果は書いていません。", file=sys.stderr)
    return NOT_DONE


if __name__ == "__main__":
    sys.exit(main())
