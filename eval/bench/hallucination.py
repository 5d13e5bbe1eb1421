"""Measure how well planted errors of generated answers are struck: python -m eval.bench.hallucination [DATA] [--failures N] [--half dev|test]

Answers are made, the same ones each time, of the town's documents and, where a folder of benchmark sets is given, of their
passages: true sentences are rewritten without changing what they say, and into others one error is planted. The halves dev and
test are of different documents; failures are listed of dev only. Last, the answers of eval/hallucinations.csv, written by hand.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from eval.bench.hallucination_plants import INVENTED, PLANTS, find_names, plant_name, plant_swap
from eval.bench.hallucination_rewrites import join, rewrite
from eval.bench.hallucination_texts import Piece, read_sets, read_town
from rag.answering.checking.statements import StatementChecker
from rag.answering.facts.finding import FactKind, find_facts
from rag.errors import QuestionSetError
from rag.text import squeeze

WRITTEN_BY_HAND = Path(__file__).resolve().parents[1] / "hallucinations.csv"
TRUE, SWAP, NAME, UNKNOWN, WRONG_SOURCE, INVENTION = (
    "（正しい文）",
    "別の行の値",
    "名称",
    "存在しない引用番号",
    "別の文書の引用",
    "作り話",
)
MOST_OF_A_CLASS, MOST_TRUE, MOST_OF_A_SET = 60, 400, 120
_SOURCES = 4


@dataclass(frozen=True, slots=True)
class Case:
    """One statement of a generated answer. label: the kind of error, or TRUE; original: the sentence it was made of."""

    label: str
    statement: str
    sources: Mapping[int, str]
    original: str = ""
    group: str = ""


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a case; reason: why it was struck, None if it was not."""

    case: Case
    reason: str | None

    @property
    def is_right(self) -> bool:
        """Tell whether a planted error was struck, or a true statement kept."""
        return (self.reason is None) == (self.case.label == TRUE)


def build_cases(pieces: Sequence[Piece], group: str) -> list[Case]:
    """Return true and wrong statements made of passages, each kind up to its limit."""
    names = sorted({name for piece in pieces for name in find_names(piece.text)})
    cases: dict[str, list[Case]] = defaultdict(list)
    for index, piece in enumerate(pieces):
        random = Random(f"{piece.document} {index}")
        for case in _cases_of(piece, pieces, index, names, random, group):
            cases[case.label].append(case)
    return [
        case
        for label, found in sorted(cases.items())
        for case in Random(label).sample(found, min(len(found), MOST_TRUE if label == TRUE else MOST_OF_A_CLASS))
    ]


def _cases_of(
    piece: Piece, pieces: Sequence[Piece], index: int, names: Sequence[str], random: Random, group: str
) -> Iterator[Case]:
    number, sources = _choose_sources(piece, pieces, index, random)
    sentences = random.sample(piece.sentences, min(3, len(piece.sentences)))
    for original in sentences:
        true = rewrite(original, random)
        mark = f"[{number}]" if random.random() < 0.8 else f"【{number}】"
        yield Case(TRUE, true + mark, sources, original, group)
        for label, plant in PLANTS.items():
            if planted := plant(true, random):
                yield Case(label, planted + mark, sources, original, group)
        if planted := plant_swap(true, random, piece.text, original):
            yield Case(SWAP, planted + mark, sources, original, group)
        if planted := plant_name(true, random, names):
            yield Case(NAME, planted + mark, sources, original, group)
        yield Case(UNKNOWN, f"{true}[{_SOURCES + random.randint(1, 5)}]", sources, original, group)
        wrong = random.choice([other for other in sources if other != number])
        if _has_own_fact(original, sources[wrong]):
            yield Case(WRONG_SOURCE, f"{true}[{wrong}]", sources, original, group)
    invention = random.choice(INVENTED) if random.random() < 0.5 else _foreign_sentence(pieces, index, random)
    if invention:
        yield Case(INVENTION, f"{invention}[{number}]", sources, "", group)
    if len(sentences) > 1 and (joined := join(sentences[0], sentences[1])):
        yield Case(TRUE, f"{joined}[{number}]", sources, " / ".join(sentences[:2]), group)


def _choose_sources(piece: Piece, pieces: Sequence[Piece], index: int, random: Random) -> tuple[int, Mapping[int, str]]:
    """Return the number of a passage among its sources: its neighbour, which is of the same kind, and two others."""
    others = [pieces[(index + 1) % len(pieces)], *random.sample(pieces, _SOURCES)]
    texts = [text for text in dict.fromkeys(other.text for other in others) if text != piece.text][: _SOURCES - 1]
    place = random.randrange(len(texts) + 1)
    texts.insert(place, piece.text)
    return place + 1, dict(enumerate(texts, start=1))


def _has_own_fact(sentence: str, other: str) -> bool:
    """Tell whether a sentence states a figure that another text does not print: citing that text is wrong."""
    facts = [fact for fact in find_facts(sentence) if fact.kind not in (FactKind.NAME, FactKind.UNIT)]
    return any(sentence[fact.start : fact.end] not in other for fact in facts)


def _foreign_sentence(pieces: Sequence[Piece], index: int, random: Random) -> str | None:
    """Return a sentence without figures of a passage of another document."""
    other = random.choice(pieces)
    if other.text == pieces[index].text or other.document.split()[0:2] == pieces[index].document.split()[0:2]:
        return None
    plain = [sentence for sentence in other.sentences if not any(character.isdigit() for character in sentence)]
    return random.choice(plain) if plain else None


def check_cases(cases: Iterable[Case]) -> list[Result]:
    """Return what the product makes of each statement."""
    return [Result(case, StatementChecker(case.sources).check(case.statement).reason) for case in cases]


def read_written(pieces: Sequence[Piece], path: Path = WRITTEN_BY_HAND) -> list[Case]:
    """Return the answers that were written by hand, those to look at (調整用) and those written later and apart (検証用).

    出典: for each source, divided by ｜｜, words that stand in its passage only.

    Raises QuestionSetError when no passage of the town holds such words.
    """
    texts = {squeeze(piece.text): piece.text for piece in pieces}
    cases = []
    with path.open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            wanted = [squeeze(words) for words in row["出典"].split("｜｜")]
            found = [next((text for folded, text in texts.items() if words in folded), None) for words in wanted]
            sources = {number: text for number, text in enumerate(found, start=1) if text is not None}
            if len(sources) < len(wanted):
                message = f"{path.name} の番号 {row['番号']} の出典が、見本の文書に見つかりません。"
                raise QuestionSetError(message, "出典の語を、文書の文面に合わせてください。")
            label = TRUE if row["判定"] == "正" else row["誤り"]
            cases.append(Case(label, row["文"], sources, row["文"], row["区分"]))
    return cases


def render(results: Sequence[Result], title: str) -> str:
    """Return the struck share of each kind of error, and of true statements, with 95 % intervals."""
    lines = [f"## {title}", "", "| 誤りの種類 | 消した割合 | 95 % 区間 | 件 |", "| --- | ---: | ---: | ---: |"]
    labels = sorted({result.case.label for result in results} - {TRUE})
    groups = [(label, [r for r in results if r.case.label == label]) for label in labels]
    groups.append(("誤りの全体", [r for r in results if r.case.label != TRUE]))
    groups.append((TRUE, [r for r in results if r.case.label == TRUE]))
    for label, found in groups:
        struck = sum(result.reason is not None for result in found)
        low, high = wilson_interval(struck, len(found))
        share = struck / len(found) if found else 0.0
        lines.append(f"| {label} | {share:.3f} | {low:.3f}–{high:.3f} | {len(found)} |")
    return "\n".join(lines) + "\n"


def wilson_interval(count: int, total: int) -> tuple[float, float]:
    """Return the 95 % interval of a share (Wilson 1927), which says something at 0 and 1 too.

    >>> [round(end, 3) for end in wilson_interval(50, 50)]
    [0.929, 1.0]
    """
    if not total:
        return 0.0, 1.0
    z, share = 1.959964, count / total
    middle = (share + z * z / (2 * total)) / (1 + z * z / total)
    half = z * ((share * (1 - share) + z * z / (4 * total)) / total) ** 0.5 / (1 + z * z / total)
    return max(0.0, middle - half), min(1.0, middle + half)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the tables, and the failures of the development half; 1 if a target is missed."""
    parser = argparse.ArgumentParser(description="作られた回答の誤りを消せるかを測ります。")
    parser.add_argument("data", nargs="?", type=Path, help="評価セットのフォルダー（なければ見本の町の文書だけ）")
    parser.add_argument("--failures", type=int, default=20, help="開発用の失敗例を何件まで示すか")
    parser.add_argument("--half", choices=("dev", "test"), help="片方だけを測る")
    parsed = parser.parse_args(arguments)
    collections = {"町": read_town()} | ({"評価セット": read_sets(parsed.data, MOST_OF_A_SET)} if parsed.data else {})
    for half in (parsed.half,) if parsed.half else ("dev", "test"):
        for name, pieces in collections.items():
            chosen = [piece for piece in pieces if piece.is_test == (half == "test") and piece.sentences]
            results = check_cases(build_cases(chosen, name))
            print(render(results, f"{name} {'開発用' if half == 'dev' else '検証用'}"))
            if half == "dev":
                _list_failures(results, parsed.failures)
    if not parsed.half and WRITTEN_BY_HAND.exists():
        results = check_cases(read_written(collections["町"]))
        for group in dict.fromkeys(result.case.group for result in results):
            print(render([result for result in results if result.case.group == group], f"手書きの回答 {group}"))
    return 0


def _list_failures(results: Sequence[Result], most: int) -> None:
    wrong = [result for result in results if not result.is_right]
    for result in Random(0).sample(wrong, min(most, len(wrong))):
        case = result.case
        print(f"- {case.label}: {case.statement}\n    元: {case.original}\n    理由: {result.reason}")
    if wrong:
        print()


if __name__ == "__main__":
    sys.exit(main())
