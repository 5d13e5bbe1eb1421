"""Whether a question finds the same page however it is written: `python -m eval.paraphrases [--index DIR]`.

Exit status: 0 done; 1 done, and the share is below --fail-under; 2 wrong usage, or nothing done.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rag.errors import RagError, UsageError
from rag.parser import DONE, DONE_WITH_PROBLEMS, NOT_DONE, Parser
from rag.progress import use_utf8
from rag.settings import load_settings

if TYPE_CHECKING:
    from rag.assistant import Assistant

PAIRS = Path(__file__).with_name("paraphrases.csv")
COLUMNS = ("番号", "種類", "質問", "言い換え")


@dataclass(frozen=True, slots=True)
class Pair:
    """One question in two ways to write it. kind: what differs, like 和暦/西暦."""

    number: str
    kind: str
    question: str
    paraphrase: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """The first place (source and page, row or line) that each of a pair finds; None for nothing."""

    pair: Pair
    first: str | None
    second: str | None

    @property
    def is_same(self) -> bool:
        """Tell whether both found the same place."""
        return self.first is not None and self.first == self.second


def read_pairs(file: Path) -> list[Pair]:
    """Return the pairs of a CSV file. Raises UsageError if it is not one, or a row lacks something."""
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream)
            rows, header = list(reader), tuple(reader.fieldnames or ())
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"言い換えの表を読めません: {file}", "UTF-8 の CSV を指定してください。") from error
    if header != COLUMNS:
        raise UsageError(f"言い換えの表の列が違います: {file}", f"1 行目を {','.join(COLUMNS)} にしてください。")
    for line, row in enumerate(rows, start=2):
        if not all(row[name] for name in COLUMNS):
            raise UsageError(f"言い換えの表の {line} 行目に空の欄があります: {file}", "4 つの列を全て埋めてください。")
    return [Pair(*(row[name] for name in COLUMNS)) for row in rows]


def compare(assistant: Assistant, pairs: Iterable[Pair]) -> list[Outcome]:
    """Search for both questions of every pair."""
    return [Outcome(p, _find_first(assistant, p.question), _find_first(assistant, p.paraphrase)) for p in pairs]


def render(outcomes: Sequence[Outcome]) -> str:
    """Return the share of pairs that find the same place, by kind and in all, and every pair that does not."""
    kinds = dict.fromkeys(outcome.pair.kind for outcome in outcomes)
    lines = [_render_share(kind, [o for o in outcomes if o.pair.kind == kind]) for kind in kinds]
    lines.append(_render_share("全体", outcomes))
    for outcome in outcomes:
        if not outcome.is_same:
            pair = outcome.pair
            lines += [f"× {pair.number} {pair.question}", f"    → {outcome.first}"]
            lines += [f"  {' ' * len(pair.number)} {pair.paraphrase}", f"    → {outcome.second}"]
    return "\n".join(lines)


def share_of_same(outcomes: Sequence[Outcome]) -> float:
    """Return the share of pairs that find the same place; 0 for no pairs."""
    return sum(outcome.is_same for outcome in outcomes) / max(1, len(outcomes))


def _render_share(kind: str, outcomes: Sequence[Outcome]) -> str:
    same = sum(outcome.is_same for outcome in outcomes)
    return f"{kind}\t{same}/{len(outcomes)}（{share_of_same(outcomes):.1%}）"


def _find_first(assistant: Assistant, question: str) -> str | None:
    passages = assistant.search(question, limit=1)
    if not passages:
        return None
    chunk = passages[0].chunk
    where = chunk.locator
    return f"{chunk.source} {where.page or where.row or where.line or ''} {where.sheet or ''}".strip()


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare and return the exit status."""
    from rag.assistant import Assistant

    use_utf8()
    parser = Parser(
        prog="python -m eval.paraphrases", description="同じ質問の書き方を変えても同じ頁が先頭になるかを測ります。"
    )
    parser.add_argument(
        "pairs", nargs="?", type=Path, default=PAIRS, metavar="表", help="CSV（既定 eval/paraphrases.csv）"
    )
    parser.add_argument("--index", type=Path, metavar="フォルダー", help="索引の場所（既定 indexes/default）")
    parser.add_argument("--fail-under", type=float, default=0.0, metavar="割合", help="全体がこれを下回れば 1 で終わる")
    options = parser.parse_args(list(sys.argv[1:] if arguments is None else arguments))
    try:
        pairs = read_pairs(options.pairs)
        with closing(Assistant.open(load_settings(index=options.index))) as assistant:
            outcomes = compare(assistant, pairs)
    except RagError as error:
        print(error, file=sys.stderr)
        return NOT_DONE
    print(render(outcomes))
    return DONE_WITH_PROBLEMS if share_of_same(outcomes) < options.fail_under else DONE


if __name__ == "__main__":
    sys.exit(main())
