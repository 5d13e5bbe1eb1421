"""Turn a question set from CSV into Excel or back: `python -m eval convert 質問集.csv 質問集.xlsx`.

--accepted keeps the rows that people marked with 採 in a sheet of suggestions. Exit status: 0 done, 2 nothing done.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from eval.acceptance import read_accepted
from eval.question_sheet import SUFFIXES
from eval.questions import read_questions
from eval.sheet_writing import write_questions
from rag.batch import check_output_file
from rag.errors import RagError
from rag.parser import DONE, NOT_DONE, Parser
from rag.progress import use_utf8


def build_parser() -> Parser:
    """Return the parser of `python -m eval convert`."""
    parser = Parser(
        prog="python -m eval convert", description="質問集を CSV から Excel に、Excel から CSV に書き直します。"
    )
    parser.add_argument("source", type=Path, metavar="質問集", help="CSV か Excel")
    parser.add_argument("target", type=Path, metavar="書き先", help="CSV か Excel")
    parser.add_argument("--accepted", action="store_true", help="「採否」の列が 採 の行だけを書く（質問の候補から）")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Convert and return the exit status."""
    use_utf8()
    options = build_parser().parse_args(list(sys.argv[1:] if arguments is None else arguments))
    try:
        check_output_file(options.target, options.source, allowed=SUFFIXES)
        questions = read_accepted(options.source) if options.accepted else read_questions(options.source)
        write_questions(options.target, questions)
    except RagError as error:
        print(error, file=sys.stderr)
        return NOT_DONE
    print(f"{len(questions)} 問を {options.target} に書きました。")
    return DONE


if __name__ == "__main__":
    sys.exit(main())
