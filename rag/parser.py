"""An argument parser that speaks Japanese, for every command line of the project."""

from __future__ import annotations

import argparse
import re
from typing import Any, NoReturn

DONE, DONE_WITH_PROBLEMS, NOT_DONE = 0, 1, 2
"""Exit statuses: done (a no_answer too); done, with problems that are listed, or a gate not met; wrong usage, or nothing done."""
_PARSER_MESSAGES = (
    (r"the following arguments are required: (.*)", r"次の引数が必要です: \1"),
    (r"unrecognized arguments: (.*)", r"知らない引数です: \1"),
    (r"argument (.*): invalid choice: (.*) \(choose from (.*)\)", r"\1 に \2 は使えません（使えるもの: \3）"),
    (r"argument (.*): invalid .* value: (.*)", r"\1 の値 \2 が正しくありません"),
    (r"argument (.*): ignored explicit argument (.*)", r"\1 に値 \2 は付けられません"),
    (r"argument (.*): expected one argument", r"\1 には値が1つ必要です"),
    (r"argument (.*): not allowed with argument (.*)", r"\1 は \2 と一緒に使えません"),
    (r"argument (.*?): (「.*)", r"\1 の値\2"),
)


class Parser(argparse.ArgumentParser):
    """An argument parser that speaks Japanese."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"add_help": False, "allow_abbrev": False, **kwargs})
        self._positionals.title, self._optionals.title = "引数", "オプション"
        self.add_argument("-h", "--help", action="help", help="この説明を表示する")

    def format_usage(self) -> str:
        """Return the usage line with its Japanese heading."""
        return super().format_usage().replace("usage:", "使い方:", 1)

    def format_help(self) -> str:
        """Return the help with its Japanese heading."""
        return super().format_help().replace("usage:", "使い方:", 1)

    def error(self, message: str) -> NoReturn:
        """Print what is wrong and how it is used, and leave with status 2."""
        for pattern, japanese in _PARSER_MESSAGES:
            message = re.sub(rf"^{pattern}$", japanese, message)
        self.exit(NOT_DONE, f"{message}\n{self.format_usage()}")
