"""What the commands over a question set are told alike: which set, and which index."""

from __future__ import annotations

from pathlib import Path

from rag.parser import Parser

QUESTIONS = Path(__file__).with_name("questions.csv")


def add_question_set(parser: Parser) -> None:
    """Add the arguments `questions` and `--index`."""
    parser.add_argument(
        "questions",
        nargs="?",
        type=Path,
        default=QUESTIONS,
        metavar="質問集",
        help="CSV か Excel（既定 eval/questions.csv）",
    )
    parser.add_argument("--index", type=Path, metavar="フォルダー", help="索引の場所（既定 indexes/default）")
