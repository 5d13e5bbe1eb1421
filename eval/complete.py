"""Complete the labels of a question set: `python -m eval complete --output 候補.xlsx`, then `… --accepted 候補.xlsx --output 質問集.xlsx`.

The first writes the unlabelled places that hold the key facts (`eval.more_places`); people decide in the column 採否; the second
writes the question set with the places that they took. Exit status: 0 done, 2 nothing done.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from eval.acceptance import ACCEPTED, DECISION, REFUSED, check_decisions
from eval.document_names import read_document_names
from eval.document_places import open_places
from eval.more_places import FoundPlace, add_places, excerpt, find_more_places
from eval.places import PLACE_FORMS, Gold, parse_place
from eval.question_arguments import add_question_set
from eval.question_sheet import SUFFIXES, raise_problems, read_sheet, report_cell
from eval.questions import Question, read_questions
from eval.sheet_writing import QUESTION_COLUMNS, write_cells, write_questions, write_rows
from rag.batch import check_output_file
from rag.errors import QuestionSetError, RagError
from rag.parser import DONE, NOT_DONE, Parser
from rag.progress import use_utf8
from rag.settings import load_settings

DOCUMENT, PLACE, EXCERPT = "候補の文書", "候補のページ／行", "候補の文"


def build_parser() -> Parser:
    """Return the parser of `python -m eval complete`."""
    parser = Parser(
        prog="python -m eval complete",
        description="正解に含まれる語があるのに正解の箇所に入っていない頁や行を、人が採否を決める表に書きます。",
    )
    add_question_set(parser)
    parser.add_argument("--output", type=Path, required=True, metavar="ファイル", help="書き先（Excel か CSV）")
    parser.add_argument(
        "--accepted", type=Path, metavar="候補の表", help="採否の列が 採 の箇所を加えた質問集を、書き先に書く"
    )
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the candidates, or the question set with those that were accepted, and return the exit status."""
    use_utf8()
    options = build_parser().parse_args(list(sys.argv[1:] if arguments is None else arguments))
    try:
        check_output_file(options.output, options.questions, allowed=SUFFIXES)
        settings = load_settings(index=options.index)
        questions = read_questions(options.questions, read_document_names(settings))
        if options.accepted:
            check_output_file(options.output, options.accepted, allowed=SUFFIXES)
            completed = add_places(questions, read_accepted_places(options.accepted, questions))
            write_questions(options.output, completed)
            added = sum(len(new.gold) - len(old.gold) for old, new in zip(questions, completed, strict=True))
            print(f"{added} か所を加えた質問集を {options.output} に書きました。")
            return DONE
        with open_places(settings) as places:
            found = find_more_places(questions, places)
        write_candidates(options.output, found)
    except RagError as error:
        print(error, file=sys.stderr)
        return NOT_DONE
    asked = len({one.question.id for one in found})
    print(f"{asked} 問に、候補 {len(found)} か所を {options.output} に書きました。")
    print(
        f"読んで、質問に答えている箇所だけ「{DECISION}」の列に {ACCEPTED} と書いてください。鍵の語があるだけの箇所は {REFUSED} です。"
    )
    return DONE


def write_candidates(path: Path, found: Sequence[FoundPlace]) -> None:
    """Write a row for each place that may answer too: what is asked, what is expected, and what stands there."""
    rows = [
        write_cells(one.question)
        | {
            DOCUMENT: one.gold.source,
            PLACE: one.gold.write(),
            EXCERPT: excerpt(one.text, one.question.key_facts),
        }
        for one in found
    ]
    columns = (DECISION, DOCUMENT, PLACE, EXCERPT, *QUESTION_COLUMNS)
    write_rows(path, columns, rows, choices={DECISION: (ACCEPTED, REFUSED)})


def read_accepted_places(path: Path, questions: Sequence[Question]) -> dict[str, list[Gold]]:
    """Return the places of the rows that are marked with 採, by the id of their question.

    Raises QuestionSetError for another sheet than that of the candidates, a mark that is neither, a question that is not in the set
    or has no answer, a place that is not understood, and where nothing is accepted.
    """
    if not path.is_file():
        raise QuestionSetError(f"候補の表がありません: {path}", "ファイルの場所と名前を確かめてください。")
    rows = read_sheet(path, extra=(DECISION, DOCUMENT, PLACE))
    if missing := [name for name in (DECISION, DOCUMENT, PLACE) if rows and name not in rows[0].columns]:
        raise QuestionSetError(
            f"{path} に列がありません: {'、'.join(missing)}。",
            "`python -m eval complete --output 候補.xlsx` が書いた表を渡してください。",
        )
    answerable = {question.id for question in questions if question.answerable}
    problems, accepted = list(check_decisions(rows)), dict[str, list[Gold]]()
    for row in (row for row in rows if row[DECISION] == ACCEPTED):
        place = parse_place(row[DOCUMENT], row[PLACE])
        if row["番号"] not in answerable:
            problems.append(report_cell(row, "番号", f"番号「{row['番号']}」の、回答できる質問が質問集にありません。"))
        elif place is None:
            told = f"「{row[DOCUMENT]}」の「{row[PLACE]}」が分かりません。{PLACE_FORMS} と書いてください。"
            problems.append(report_cell(row, PLACE, told))
        else:
            accepted.setdefault(row["番号"], []).append(place)
    raise_problems(path, problems)
    if not accepted:
        raise QuestionSetError(
            f"採用した箇所がありません: {path}",
            f"「{DECISION}」の列に、質問に答えている箇所の行だけ {ACCEPTED} と書いてください。",
        )
    return accepted


if __name__ == "__main__":
    sys.exit(main())
