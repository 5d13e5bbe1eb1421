"""Whether follow-ups keep their topic: `python -m eval.conversations [--index DIR]`.

The sheet holds conversations in the words of the documents' readers. Its two halves are printed apart: 調整 may be looked at when the
rules are changed, 確認 is only counted. Exit status: 0 done; 1 done, and a share is below --fail-under; 2 wrong usage, or nothing done.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from eval.matching import rank_places
from eval.questions import Gold, parse_place, split_cell
from rag.asking import is_thanks
from rag.documents import COMMAND_LINE, Passage
from rag.errors import QuestionSetError, RagError
from rag.parser import DONE, DONE_WITH_PROBLEMS, NOT_DONE, Parser
from rag.progress import use_utf8
from rag.settings import load_settings

if TYPE_CHECKING:
    from rag.assistant import Assistant

CONVERSATIONS = Path(__file__).with_name("conversations.csv")
COLUMNS = ("番号", "種類", "前の質問", "質問", "続き", "期待する文書", "ページ／行", "用途")
LOOKED_AT, HELD_OUT = "調整", "確認"


class Turning(StrEnum):
    """What the last turn is to the conversation: it follows up, it stands alone, or it only says thank you."""

    FOLLOWS = "はい"
    ALONE = "いいえ"
    THANKS = "挨拶"


@dataclass(frozen=True, slots=True)
class Conversation:
    """Earlier questions, oldest first, and the last one with where its answer stands."""

    number: str
    kind: str
    earlier: tuple[str, ...]
    question: str
    turning: Turning
    gold: tuple[Gold, ...]
    part: str

    @property
    def history(self) -> tuple[tuple[str, str], ...]:
        """The earlier questions as the assistant takes them; what was answered does not matter to it."""
        return tuple((question, "") for question in self.earlier)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of the last turn. topic: the earlier question that it was understood with. hit, alone_hit: first place is gold."""

    conversation: Conversation
    topic: str | None
    hit: bool
    alone_hit: bool

    @property
    def recognised(self) -> bool:
        """Tell whether it was taken for what it is."""
        asked = self.conversation
        if is_thanks(asked.question):
            return asked.turning is Turning.THANKS
        return (self.topic is not None) == (asked.turning is Turning.FOLLOWS) and asked.turning is not Turning.THANKS


def read_conversations(file: Path) -> list[Conversation]:
    """Return the conversations of a CSV file. Raises QuestionSetError that names the line that is wrong."""
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream)
            rows, header = list(reader), tuple(reader.fieldnames or ())
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise QuestionSetError(f"会話の表を読めません: {file}", "UTF-8 の CSV を指定してください。") from error
    if header != COLUMNS:
        raise QuestionSetError(f"会話の表の列が違います: {file}", f"1 行目を {','.join(COLUMNS)} にしてください。")
    return [_read_row(row, line, file) for line, row in enumerate(rows, start=2)]


def _read_row(row: dict[str, str], line: int, file: Path) -> Conversation:
    documents, places = split_cell(row["期待する文書"]), split_cell(row["ページ／行"])
    gold = [parse_place(*pair) for pair in zip(documents, places, strict=False)]
    known = tuple(place for place in gold if place)
    earlier = tuple(split_cell(row["前の質問"]))
    complete = row["番号"] and row["質問"] and earlier and row["用途"] in (LOOKED_AT, HELD_OUT)
    if not complete or len(known) != len(documents) or len(documents) != len(places) or row["続き"] not in set(Turning):
        hint = "番号・前の質問・質問・続き（はい／いいえ／挨拶）・用途（調整／確認）を埋め、文書と頁を同じ数にしてください。"
        raise QuestionSetError(f"会話の表の {line} 行目が正しくありません: {file}", hint)
    return Conversation(row["番号"], row["種類"], earlier, row["質問"], Turning(row["続き"]), known, row["用途"])


def try_conversations(assistant: Assistant, conversations: Iterable[Conversation]) -> list[Outcome]:
    """Search for the last turn of every conversation, with what was asked before and without."""
    return [_try(assistant, conversation) for conversation in conversations]


def _try(assistant: Assistant, asked: Conversation) -> Outcome:
    def hits(passages: Sequence[Passage]) -> bool:
        return rank_places(passages, asked.gold, lambda s, n: assistant.page_text(s, n, COMMAND_LINE))[:1] == (True,)

    together = assistant.search(asked.question, asked.history, asker=COMMAND_LINE, limit=1)
    alone = assistant.search(asked.question, asker=COMMAND_LINE, limit=1)
    return Outcome(asked, assistant.find_topic(asked.question, asked.history), hits(together), hits(alone))


def render(outcomes: Sequence[Outcome]) -> str:
    """Return the shares of both halves, then what went wrong in the half that may be looked at."""
    lines = []
    for part in (LOOKED_AT, HELD_OUT):
        lines += _render_part(part, [outcome for outcome in outcomes if outcome.conversation.part == part])
    wrong = [o for o in outcomes if o.conversation.part == LOOKED_AT and is_wrong(o)]
    return "\n".join([*lines, *(_render_wrong(outcome) for outcome in wrong)])


def is_wrong(outcome: Outcome) -> bool:
    """Tell whether a turn was taken for something else, or found another place first."""
    return not outcome.recognised or bool(outcome.conversation.gold and not outcome.hit)


def _render_part(part: str, outcomes: Sequence[Outcome]) -> list[str]:
    def share(label: str, chosen: Iterable[Outcome], good: Callable[[Outcome], bool]) -> str:
        tried = list(chosen)
        count = sum(good(outcome) for outcome in tried)
        return f"  {label}\t{count}/{len(tried)}（{count / max(1, len(tried)):.1%}）"

    def of(turning: Turning) -> list[Outcome]:
        return [outcome for outcome in outcomes if outcome.conversation.turning is turning]

    return [
        f"{part}（{len(outcomes)} 会話）",
        share("続きの質問を続きと見た", of(Turning.FOLLOWS), lambda o: o.recognised),
        share("別の質問をそのままにした", of(Turning.ALONE), lambda o: o.recognised),
        share("お礼をお礼と見た", of(Turning.THANKS), lambda o: o.recognised),
        share("続きの質問の hit@1（履歴あり）", of(Turning.FOLLOWS), lambda o: o.hit),
        share("続きの質問の hit@1（履歴なし）", of(Turning.FOLLOWS), lambda o: o.alone_hit),
        share("別の質問の hit@1（履歴あり）", of(Turning.ALONE), lambda o: o.hit),
        share("別の質問の hit@1（履歴なし）", of(Turning.ALONE), lambda o: o.alone_hit),
    ]


def _render_wrong(outcome: Outcome) -> str:
    asked = outcome.conversation
    found = "" if outcome.hit or not asked.gold else "　先頭が正解の箇所でない"
    taken = "" if outcome.recognised else f"　続き: {asked.turning}"
    return f"× {asked.number} {' → '.join((*asked.earlier, asked.question))}\n    話題: {outcome.topic}{taken}{found}"


def share_of_right(outcomes: Sequence[Outcome]) -> float:
    """Return the share of turns that were taken for what they are and found their place; 0 for none."""
    return sum(not is_wrong(outcome) for outcome in outcomes) / max(1, len(outcomes))


def main(arguments: Sequence[str] | None = None) -> int:
    """Try the conversations and return the exit status."""
    from rag.assistant import Assistant

    use_utf8()
    parser = Parser(prog="python -m eval.conversations", description="続きの質問が前の話題を保つかを測ります。")
    parser.add_argument(
        "conversations",
        nargs="?",
        type=Path,
        default=CONVERSATIONS,
        metavar="表",
        help="CSV（既定 eval/conversations.csv）",
    )
    parser.add_argument("--index", type=Path, metavar="フォルダー", help="索引の場所（既定 indexes/default）")
    parser.add_argument("--fail-under", type=float, default=0.0, metavar="割合", help="全体がこれを下回れば 1 で終わる")
    options = parser.parse_args(list(sys.argv[1:] if arguments is None else arguments))
    try:
        conversations = read_conversations(options.conversations)
        with closing(Assistant.open(load_settings(index=options.index))) as assistant:
            outcomes = try_conversations(assistant, conversations)
    except RagError as error:
        print(error, file=sys.stderr)
        return NOT_DONE
    print(render(outcomes))
    return DONE_WITH_PROBLEMS if share_of_right(outcomes) < options.fail_under else DONE


if __name__ == "__main__":
    sys.exit(main())
