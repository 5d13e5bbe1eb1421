"""Turn a question set from CSV into Excel or back: `python -m eval convert 質問集.csv 質問集.xlsx`.

--accepted keeps the rows that people marked with 採 in a sheet of suggestions; --add puts them behind those of a question set that is
there. No file is written over otherwise. Exit status: 0 done, 2 nothing done.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from eval.acceptance import read_accepted, read_accepted_rows
from eval.question_adding import add_rows
from eval.question_sheet import SUFFIXES
from eval.questions import read_questions
from eval.sheet_writing import write_questions
from rag.batch import check_batch_file, check_output_file
from rag.errors import QuestionSetError, RagError
from rag.parser import DONE, NOT_DONE, Parser
from rag.progress import use_utf8


def build_parser() -> Parser:
    """Return the parser of `python -m eval convert`."""
    parser = Parser(
        prog="python -m eval convert", description="質問集を CSV から Excel に、Excel から CSV に書き直します。"
    )
    parser.add_argument("source", type=Path, metavar="質問集", help="CSV か Excel")
    parser.add_argument("target", type=Path, metavar="書き先", help="CSV か Excel（まだない名前）")
    parser.add_argument("--accepted", action="store_true", help="「採否」の列が 採 の行だけを書く（質問の候補から）")
    parser.add_argument(
        "--add",
        action="store_true",
        help="--accepted の行を、もうある質問集の終わりに、続きの番号で加える（前のファイルは日時の付いた名前で残す）",
    )
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Convert and return the exit status."""
    use_utf8()
    parser = build_parser()
    options = parser.parse_args(list(sys.argv[1:] if arguments is None else arguments))
    if options.add and not options.accepted:
        parser.error("--add は --accepted と一緒に付けてください（採用した候補だけを質問集に加えます）")
    try:
        check_target(options.source, options.target, accepted=options.accepted, add=options.add)
        make = _add if options.add else partial(_write, accepted=options.accepted)
        print(make(options.source, options.target))
    except RagError as error:
        print(error, file=sys.stderr)
        return NOT_DONE
    return DONE


def check_target(source: Path, target: Path, *, accepted: bool, add: bool) -> None:
    """Raise QuestionSetError for a target that would be written over, or that is not there to be added to."""
    check_batch_file(target, allowed=SUFFIXES)
    if target.resolve() == source.resolve():
        raise QuestionSetError(
            f"書き先が元のファイルと同じで、上書きになります: {target}", "書き先に別の名前を付けてください。"
        )
    check_output_file(target, source, allowed=SUFFIXES)
    if add and not target.is_file():
        raise QuestionSetError(
            f"加える先の質問集がありません: {target}",
            "ファイルの場所と名前を確かめてください。新しい質問集にするなら --add を外してください。",
        )
    if target.is_file() and not add:
        how = "採用した行をこの質問集に加えるなら --add を付けてください。新しく書くなら、" if accepted else ""
        raise QuestionSetError(f"書き先のファイルがもうあります: {target}", f"{how}書き先に別の名前を付けてください。")


def _write(source: Path, target: Path, *, accepted: bool) -> str:
    questions = read_accepted(source) if accepted else read_questions(source)
    write_questions(target, questions)
    return f"{len(questions)} 問を {target} に書きました。"


def _add(source: Path, target: Path) -> str:
    numbers, kept = add_rows(source, read_accepted_rows(source), target)
    return f"{len(numbers)} 問を {target} に加えました（番号 {'、'.join(numbers)}）。加える前の質問集は {kept} です。"


if __name__ == "__main__":
    sys.exit(main())
