"""Topics of town halls: an official text, and the ways in which people ask for it who know no official word.

Written by us, as plain text that anyone can read and add to; blank lines part the topics:

    # 国民健康保険事務の手引 ＞ 高額療養費の支給
    一部負担金が自己負担限度額を超えたときは、…（official words）
    - 病院代が高くついた月、いくらか戻ってきますか
    - 高額療養費の申請期限は
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

HEADING, QUESTION = "# ", "- "
TITLE_MARK = "＞"


@dataclass(frozen=True, slots=True)
class Topic:
    """title: of the document, and the heading, parted by ＞. passage: the official text. questions: at least one."""

    title: str
    passage: str
    questions: tuple[str, ...]


def read_topics(folder: Path) -> list[Topic]:
    """Return the topics of every *.txt of a folder; the program ends with a message where one is not whole."""
    files = sorted(folder.glob("*.txt"))
    if not files:
        sys.exit(f"話題の文（*.txt）がありません: {folder}")
    return [topic for file in files for topic in parse_topics(file.read_text(encoding="utf-8"), file.name)]


def write_topics(topics: Iterable[Topic], file: Path) -> None:
    """Write topics as `read_topics` reads them."""
    blocks = ("\n".join((HEADING + t.title, t.passage, *(QUESTION + q for q in t.questions))) for t in topics)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("\n\n".join(blocks) + "\n", encoding="utf-8")


def parse_topics(text: str, name: str = "") -> Iterator[Topic]:
    """Yield the topics of a text. name: of its file, for the message where one is not whole.

    >>> list(parse_topics("# 税の手引 ＞ 督促\\n督促状を発する。\\n- 払い忘れたら？\\n- 督促はいつ"))
    [Topic(title='税の手引 ＞ 督促', passage='督促状を発する。', questions=('払い忘れたら？', '督促はいつ'))]
    """
    for number, block in enumerate(text.strip().split("\n\n"), start=1):
        lines = [line.strip() for line in block.splitlines() if line.strip()]
        passages = [line for line in lines[1:] if not line.startswith(QUESTION)]
        questions = [line.removeprefix(QUESTION) for line in lines[1:] if line.startswith(QUESTION)]
        if not lines or not lines[0].startswith(HEADING) or len(passages) != 1 or not questions:
            sys.exit(f"{name} の {number} 番目の話題が、題名・本文 1 行・質問の順になっていません: {block[:40]}")
        yield Topic(lines[0].removeprefix(HEADING), passages[0], tuple(questions))
