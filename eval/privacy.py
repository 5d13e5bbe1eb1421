"""How well personal data is found: `python -m eval.privacy [TABLE]`.

The table holds sentences in which personal data is marked: 電話は{電話:0123-45-6789}です. One half (開発) may be looked at while
the finder is made, the other (検証) is for measuring only. Exit status: 0 done; 1 a figure is below a limit; 2 wrong usage.
"""

from __future__ import annotations

import csv
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rag.answering.privacy.finding import find_personal_data
from rag.answering.privacy.masking import Mask, redact
from rag.errors import RagError, UsageError
from rag.parser import DONE, DONE_WITH_PROBLEMS, NOT_DONE, Parser
from rag.progress import use_utf8

SENTENCES = Path(__file__).with_name("privacy.csv")
COLUMNS = ("番号", "群", "題材", "文")
DEVELOPED, HELD_OUT = "開発", "検証"
_MARKED = re.compile(r"\{(?P<kind>[^:{}]+):(?P<text>[^{}]*)\}")


@dataclass(frozen=True, slots=True)
class Marked:
    """Characters [start, end) that are personal data, of the kind with this label."""

    kind: str
    start: int
    end: int

    def overlaps(self, other: Marked) -> bool:
        """Tell whether two of one kind share a character."""
        return self.kind == other.kind and self.start < other.end and other.start < self.end


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence of the set, and the group that it belongs to."""

    number: str
    group: str
    topic: str
    text: str
    wanted: tuple[Marked, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was found in a sentence. leaked: wanted values that were left in the masked sentence, and in the line for a log."""

    sentence: Sentence
    found: tuple[Marked, ...]
    leaked: tuple[str, ...]
    logged: tuple[str, ...]
    restored: bool


def read_sentences(file: Path) -> list[Sentence]:
    """Return the sentences of a CSV file. Raises UsageError if it is not one."""
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream)
            rows, header = list(reader), tuple(reader.fieldnames or ())
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"個人情報の文の表を読めません: {file}", "UTF-8 の CSV を指定してください。") from error
    if header != COLUMNS:
        raise UsageError(f"個人情報の文の表の列が違います: {file}", f"1 行目を {','.join(COLUMNS)} にしてください。")
    return [Sentence(row["番号"], row["群"], row["題材"], *read_marks(row["文"])) for row in rows]


def read_marks(marked: str) -> tuple[str, tuple[Marked, ...]]:
    """Return a sentence without its marks, and what they mark.

    >>> read_marks("{氏名:佐藤}さんの件")
    ('佐藤さんの件', (Marked(kind='氏名', start=0, end=2),))
    """
    text, wanted, last = "", [], 0
    for match in _MARKED.finditer(marked):
        text += marked[last : match.start()]
        wanted.append(Marked(match["kind"], len(text), len(text) + len(match["text"])))
        text += match["text"]
        last = match.end()
    return text + marked[last:], tuple(wanted)


def judge(sentence: Sentence) -> Outcome:
    """Look for personal data in one sentence, mask it, and put it back."""
    found = tuple(Marked(d.kind.label, d.start, d.end) for d in find_personal_data(sentence.text))
    mask = Mask()
    masked, values = mask.mask(sentence.text), [sentence.text[w.start : w.end] for w in sentence.wanted]
    return Outcome(
        sentence,
        found,
        tuple(value for value in values if value in masked),
        tuple(value for value in values if value in redact(sentence.text)),
        mask.unmask(masked) == sentence.text,
    )


def render(outcomes: Sequence[Outcome]) -> str:
    """Return the figures of one group, by kind and in all, and every sentence that went wrong."""
    wanted = sum(len(o.sentence.wanted) for o in outcomes)
    without = sum(not o.sentence.wanted for o in outcomes)
    kinds = dict.fromkeys(w.kind for o in outcomes for w in (*o.sentence.wanted, *o.found))
    lines = [f"{len(outcomes)} 文（個人情報のない文 {without}）、個人情報 {wanted} か所"]
    lines.append("種類\t適合率\t再現率\t適合率（重なり）\t再現率（重なり）")
    lines += [_render_kind(kind, outcomes) for kind in (*kinds, None)]
    leaked, logged = (
        sum(len(values) for values in some) for some in ([o.leaked for o in outcomes], [o.logged for o in outcomes])
    )
    lines.append(f"値の残り: 伏せた文に {leaked}/{wanted}、記録用の文に {logged}/{wanted}")
    lines.append(
        f"個人情報のない文で伏せたもの: {sum(bool(o.found) for o in outcomes if not o.sentence.wanted)}/{without}"
    )
    lines.append(f"伏せて戻すと元の文になる: {sum(o.restored for o in outcomes)}/{len(outcomes)}")
    return "\n".join((*lines, *_render_failures(outcomes)))


def share(outcomes: Iterable[Outcome], kind: str | None, *, precise: bool, exact: bool) -> tuple[int, int]:
    """Return (right, all) of what was found (precise) or of what was wanted, of a kind or of every kind."""
    same: Callable[[Marked, Marked], bool] = (lambda a, b: a == b) if exact else Marked.overlaps
    right = total = 0
    for outcome in outcomes:
        sides = (outcome.found, outcome.sentence.wanted)
        ours, theirs = sides if precise else sides[::-1]
        some = [one for one in ours if kind in (None, one.kind)]
        total += len(some)
        right += sum(any(same(one, other) for other in theirs) for one in some)
    return right, total


def _render_kind(kind: str | None, outcomes: Sequence[Outcome]) -> str:
    cells = [
        "{}/{}（{}）".format(right, total, f"{right / total:.1%}" if total else "—")
        for exact in (True, False)
        for right, total in (share(outcomes, kind, precise=precise, exact=exact) for precise in (True, False))
    ]
    return "\t".join((kind or "全体", *cells))


def _render_failures(outcomes: Iterable[Outcome]) -> Iterator[str]:
    for outcome in outcomes:
        text, wanted, found = outcome.sentence.text, outcome.sentence.wanted, outcome.found
        missed = [f"見落とし {w.kind}:{text[w.start : w.end]}" for w in wanted if w not in found]
        extra = [f"余分 {f.kind}:{text[f.start : f.end]}" for f in found if f not in wanted]
        if missed or extra:
            yield f"× {outcome.sentence.number} {text}\n    {'、'.join((*missed, *extra))}"


def find_failed(outcomes: Sequence[Outcome], least: Sequence[float]) -> list[str]:
    """Return a sentence for the precision and the recall (exact) of the held-out half if it is below its limit."""
    held_out = [outcome for outcome in outcomes if outcome.sentence.group == HELD_OUT]
    lines = []
    for name, precise, limit in zip(("適合率", "再現率"), (True, False), least, strict=True):
        right, total = share(held_out, None, precise=precise, exact=True)
        if right < limit * total:
            lines.append(f"基準に届きません: 検証の{name} {right}/{total}（基準 {limit:.3f}）。")
    return lines


def main(arguments: Sequence[str] | None = None) -> int:
    """Judge every sentence and return the exit status."""
    use_utf8()
    parser = Parser(prog="python -m eval.privacy", description="個人情報を見つけて伏せる正確さを測ります。")
    parser.add_argument(
        "table", nargs="?", type=Path, default=SENTENCES, metavar="表", help="CSV（既定 eval/privacy.csv）"
    )
    parser.add_argument("--group", choices=(DEVELOPED, HELD_OUT), metavar="群", help="開発 か 検証 の一方だけ")
    parser.add_argument(
        "--fail-under",
        nargs=2,
        type=float,
        default=(0.0, 0.0),
        metavar=("適合率", "再現率"),
        help="検証の文が下回れば 1 で終わる",
    )
    options = parser.parse_args(list(sys.argv[1:] if arguments is None else arguments))
    try:
        outcomes = [judge(sentence) for sentence in read_sentences(options.table)]
    except RagError as error:
        print(error, file=sys.stderr)
        return NOT_DONE
    for group in (options.group,) if options.group else (DEVELOPED, HELD_OUT):
        print(f"【{group}】" + render([outcome for outcome in outcomes if outcome.sentence.group == group]) + "\n")
    failed = find_failed(outcomes, options.fail_under)
    print("\n".join(failed), file=sys.stderr, end="\n" if failed else "")
    return DONE_WITH_PROBLEMS if failed else DONE


if __name__ == "__main__":
    sys.exit(main())
