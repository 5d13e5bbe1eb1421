"""Propose questions for the question set: `python -m eval suggest --output 候補.xlsx`.

They come from the indexed documents (headings, articles, tables, official questions, amounts and deadlines), with an LLM too when
the settings name one; questions of use come behind them. What is asked already or found trivially is left out. People decide in the column 採否, and
`python -m eval convert --accepted` makes a question set of what they took. Exit status: 0 done, 1 fewer than wanted, 2 nothing done.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path

from eval.acceptance import ACCEPTED, DECISION, REFUSED
from eval.document_names import read_document_names
from eval.question_arguments import QUESTIONS
from eval.question_sheet import SUFFIXES
from eval.questions import read_questions
from eval.sheet_writing import QUESTION_COLUMNS, write_rows
from eval.suggestion import Suggestion
from eval.suggestion_choice import Choice, choose_suggestions
from eval.suggestion_source import propose_with_llm, read_suggestions
from eval.use_candidates import read_use_candidates
from rag.assistant import Assistant
from rag.batch import check_output_file
from rag.documents import COMMAND_LINE, Standing
from rag.errors import RagError
from rag.parser import DONE, DONE_WITH_PROBLEMS, NOT_DONE, Parser
from rag.progress import use_utf8
from rag.settings import load_settings

COUNT = 60
_SEARCHED = 20  # passages


def build_parser() -> Parser:
    """Return the parser of `python -m eval suggest`."""
    parser = Parser(
        prog="python -m eval suggest",
        description="索引の文書から質問の候補を作り、人が採否を決める表に書きます。設定に生成AIがあれば、その提案も加えます。",
    )
    parser.add_argument("--output", type=Path, required=True, metavar="ファイル", help="書き先（Excel か CSV）")
    parser.add_argument("--index", type=Path, metavar="フォルダー", help="索引の場所（既定 indexes/default）")
    parser.add_argument(
        "--questions",
        type=Path,
        default=QUESTIONS,
        metavar="質問集",
        help="今の質問集。似た質問は作らない（既定 eval/questions.csv）",
    )
    parser.add_argument("--count", type=read_count, default=COUNT, metavar="件数", help=f"候補の数（既定 {COUNT}）")
    return parser


def read_count(text: str) -> int:
    """Return how many candidates are wanted, at least one."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"「{text}」は使えません。1 以上の整数（例: --count 20）にしてください。")
    return int(text)


def main(arguments: Sequence[str] | None = None) -> int:
    """Propose questions and return the exit status."""
    use_utf8()
    options = build_parser().parse_args(list(sys.argv[1:] if arguments is None else arguments))
    try:
        check_output_file(options.output, options.questions, allowed=SUFFIXES)
        settings = load_settings(index=options.index)
        questions = read_questions(options.questions, read_document_names(settings))
        made = read_suggestions(settings)
        proposed, refused = propose_with_llm(settings, made.chunks, count=options.count)
        with closing(Assistant.open(settings)) as assistant:
            search = partial(assistant.search, asker=COMMAND_LINE, limit=_SEARCHED)
            choice = choose_suggestions(
                [*proposed, *made.suggestions],
                questions,
                search,
                lambda source, page: assistant.page_text(source, page, COMMAND_LINE),
                count=options.count,
            )
        from_use = read_use_candidates(settings, questions)
        write_suggestions(options.output, choice.chosen, from_use)
    except RagError as error:
        print(error, file=sys.stderr)
        return NOT_DONE
    print(render_choice(choice, refused))
    print(render_left_out(made.left_out), end="")
    print(f"利用から加えた質問 {len(from_use)} 問（質問集の候補、○△×と評価、回答できなかった質問）")
    print(
        f"\n{options.output} に書きました。「{DECISION}」の列に {ACCEPTED} か {REFUSED} を書いてください。",
        file=sys.stderr,
    )
    return DONE if len(choice.chosen) >= options.count else DONE_WITH_PROBLEMS


def write_suggestions(
    path: Path, suggestions: Sequence[Suggestion], from_use: Sequence[Mapping[str, str]] = ()
) -> None:
    """Write suggestions as a question set with a column before it for what people decide. from_use: more rows, behind them."""
    rows = [suggestion.write_cells(f"S{number}") for number, suggestion in enumerate(suggestions, start=1)]
    rows += [{**cells, "番号": f"R{number}"} for number, cells in enumerate(from_use, start=1)]
    write_rows(path, (DECISION, *QUESTION_COLUMNS), rows, choices={DECISION: (ACCEPTED, REFUSED)})


def render_choice(choice: Choice, refused: Counter[str]) -> str:
    """Return how many were made and left out, and why."""
    made = "、".join(f"{origin} {count}" for origin, count in choice.made.most_common())
    documents = Counter(suggestion.gold.source for suggestion in choice.chosen)
    chosen = Counter(suggestion.origin for suggestion in choice.chosen)
    lines = [
        f"作った候補 {choice.made.total()} 問（{made}）",
        *(f"  除いたもの: {reason} {count} 問" for reason, count in choice.dropped.most_common()),
        *(f"  生成AIの提案で除いたもの: {reason} {count} 問" for reason, count in refused.most_common()),
        f"  調べていないもの（数がそろったため） {choice.untried} 問",
        f"選んだ候補 {len(choice.chosen)} 問（{'、'.join(f'{o} {n}' for o, n in chosen.most_common())}）",
        *(f"  {source}: {count} 問" for source, count in sorted(documents.items())),
    ]
    return "\n".join(lines)


def render_left_out(left_out: Mapping[str, Standing]) -> str:
    """Return the documents that no question was made of, a line each."""
    lines = [f"  {source}（{standing.label}）\n" for source, standing in left_out.items()]
    head = f"質問を作らなかった文書 {len(lines)} 件（今日施行されている版でないため。基準日の要る質問は質問集に直接書いてください）\n"
    return head + "".join(lines) if lines else ""


if __name__ == "__main__":
    sys.exit(main())
