"""Check a question set against the index: `python -m eval check [質問集] [--write-proposals 提案.xlsx]`.

Exit status: 0 nothing is wrong (what may be meant otherwise is listed as 注意); 1 something is, and all of it is listed by cell;
2 wrong usage, or nothing checked.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from eval.document_names import DocumentNames, normalize_source
from eval.document_places import open_places
from eval.label_check import CheckResult, check_rows
from eval.places import Gold
from eval.proposals import Proposal, apply_proposals
from eval.question_arguments import add_question_set
from eval.question_sheet import SUFFIXES, SheetRow, read_sheet
from eval.questions import find_row_mistakes, read_question
from eval.row_places import read_row_places
from eval.sheet_writing import QUESTION_COLUMNS, write_rows
from rag.batch import check_output_file
from rag.errors import QuestionSetError, RagError
from rag.parser import DONE, DONE_WITH_PROBLEMS, NOT_DONE, Parser
from rag.progress import use_utf8
from rag.settings import load_settings

PROPOSED, NEAR = ("提案する文書", "提案するページ／行"), "近い名前の文書"


def build_parser() -> Parser:
    """Return the parser of `python -m eval check`."""
    parser = Parser(
        prog="python -m eval check", description="質問集の誤りと、文書に合わなくなった箇所を、セルごとに示します。"
    )
    add_question_set(parser)
    parser.add_argument(
        "--write-proposals",
        type=Path,
        metavar="ファイル",
        help="移った箇所の提案を列に加えた写しを書く（CSV か Excel）",
    )
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Check and return the exit status."""
    use_utf8()
    options = build_parser().parse_args(list(sys.argv[1:] if arguments is None else arguments))
    try:
        if options.write_proposals:
            check_output_file(options.write_proposals, options.questions, allowed=SUFFIXES)
        rows = read_sheet(options.questions)
        if not rows:
            raise QuestionSetError(
                f"質問集に質問がありません: {options.questions}", "見出しの次の行から、1行に1問を書いてください。"
            )
        with open_places(load_settings(index=options.index)) as places:
            result = check_rows(rows, places)
        if options.write_proposals:
            write_proposals(options.write_proposals, rows, result)
    except RagError as error:
        print(error, file=sys.stderr)
        return NOT_DONE
    print(render_result(options.questions, result))
    return DONE_WITH_PROBLEMS if result.problems else DONE


def render_result(path: Path, result: CheckResult) -> str:
    """Return all that was found, a line each: mistakes first, then what may be meant otherwise."""
    head = f"{path}: {result.questions} 問に誤りはありません。"
    if result.problems:
        head = f"{path}: {result.questions} 問に誤りが {len(result.problems)} 件あります（移り先の提案 {len(result.proposals)} 件）。"
    lines = [head, *(f"  {problem.describe()}" for problem in result.problems)]
    if result.warnings:
        lines += [f"注意 {len(result.warnings)} 件:", *(f"  {warning.describe()}" for warning in result.warnings)]
    return "\n".join(lines)


def write_proposals(path: Path, rows: Sequence[SheetRow], result: CheckResult) -> None:
    """Write a copy of the question set with what its documents and places would be after the proposals, in columns behind.

    A document that is called by another name than the index has gets the whole one; one that is not there the names near it.
    """
    near = dict(result.near)
    copies = []
    for row in rows:
        copy = {**row.cells, NEAR: ";".join(near.get(row.number, ()))}
        if gold := _propose(row, [one for one in result.proposals if one.row == row.number], result.names):
            cells = (";".join(place.source for place in gold), ";".join(place.write() for place in gold))
            copy |= dict(zip(PROPOSED, cells, strict=True))
        copies.append(copy)
    write_rows(path, (*QUESTION_COLUMNS, *PROPOSED, NEAR), copies)


def _propose(row: SheetRow, proposals: Sequence[Proposal], names: DocumentNames | None) -> tuple[Gold, ...]:
    """Return the places that a row would have, () where it may stay as it is or cannot be understood."""
    if any(True for _ in find_row_mistakes(row, names)):
        return ()
    is_short = any(normalize_source(one.document) != one.gold.source for one in read_row_places(row, names).named)
    return apply_proposals(read_question(row, names), proposals) if proposals or is_short else ()


if __name__ == "__main__":
    sys.exit(main())
