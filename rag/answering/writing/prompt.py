"""The prompt of the generative engine: one file in Japanese that an administrator may replace, and its placeholders filled."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rag.answering.writing.exhibits import Exhibit
from rag.answering.writing.inert import make_inert, quote_lines
from rag.errors import SettingsError

PROMPT_FILE = Path(__file__).with_name("prompt.ja.txt")
NOT_FOUND = "文書では確かめられません。"
"""What an LLM is told to say where the documents do not answer."""
MAX_PROMPT_CHARS = 20_000
_SECTIONS = ("システム", "ユーザー")
_REQUIRED = ("question", "passages")
_KNOWN = (*_REQUIRED, "count", "not_found")
_SECTION = re.compile(r"^\[(\w+)\][ \t]*$", re.MULTILINE)
_COMMENT = re.compile(r"^#.*\n?", re.MULTILINE)
_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_REMEDY = f"同梱の {PROMPT_FILE.name} を写して直すか、設定 prompt_file を消して同梱のものに戻してください。"

Mask = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt with its placeholders. system: the standing orders; user: the question and the documents."""

    system: str
    user: str

    def fill(self, question: str, exhibits: Sequence[Exhibit], *, mask: Mask = str) -> tuple[str, str]:
        """Return (system, user) as they are sent. mask: applied to every text of a document and to the question.

        Placeholders that stand in a question or a document are text like any other.
        """
        values = {
            "question": quote_lines(mask(make_inert(question))),
            "passages": "\n\n".join(render_exhibit(exhibit, mask=mask) for exhibit in exhibits),
            "count": str(len(exhibits)),
            "not_found": NOT_FOUND,
        }
        return _fill(self.system, values), _fill(self.user, values)

    def list_texts(self, question: str, exhibits: Sequence[Exhibit]) -> list[str]:
        """Return every text that is masked when the prompt is filled."""
        return [make_inert(question), *(text for exhibit in exhibits for text in _texts(exhibit))]


def _fill(template: str, values: dict[str, str]) -> str:
    return _PLACEHOLDER.sub(lambda match: values[match[1]], template)


def render_exhibit(exhibit: Exhibit, *, mask: Mask = str) -> str:
    """Return a passage between its delimiters, every line of the document quoted: nothing in it can look like one of ours."""
    lines = [quote_lines(mask(text)) for text in _texts(exhibit)]
    delimiters = f"<<<文書 [{exhibit.number}]>>>", f"<<<文書 [{exhibit.number}] おわり>>>"
    return "\n".join((delimiters[0], *lines, delimiters[1]))


def _texts(exhibit: Exhibit) -> list[str]:
    """Return the title, the place and the text of a passage, made inert."""
    chunk = exhibit.passage.chunk
    place = _one_line(chunk.locator.describe(chunk.source))
    head = [f"表題：{_one_line(exhibit.heading)}", *([f"場所：{place}"] if place else [])]
    return [make_inert(text) for text in (*head, exhibit.body.replace("\t", " | "))]


def _one_line(text: str) -> str:
    return " ".join(text.split())


def open_prompt(file: Path | None = None) -> Prompt:
    """Return the prompt of a file; the packaged one when None. Raises SettingsError, with what to do, for one that cannot be used."""
    file = file or PROMPT_FILE
    sections = _split(_read(file), file)
    _check_placeholders(sections, file)
    return Prompt(sections["システム"], sections["ユーザー"])


def _read(file: Path) -> str:
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(
            f"指示文のファイルを読めません: {file}（{error}）", f"UTF-8 のファイルか確かめてください。{_REMEDY}"
        ) from error
    if len(text) > MAX_PROMPT_CHARS:
        raise SettingsError(
            f"指示文のファイルが長すぎます: {file}（{len(text)}文字）", f"{MAX_PROMPT_CHARS}文字までに縮めてください。"
        )
    return text


def _split(text: str, file: Path) -> dict[str, str]:
    """Return the text of each section, comments left out."""
    found = _SECTION.split(_COMMENT.sub("", text.replace("\r\n", "\n")))
    names, texts = found[1::2], found[2::2]
    if sorted(names) != sorted(_SECTIONS) or found[0].strip():
        raise SettingsError(
            f"指示文のファイルの形が正しくありません: {file}",
            f"[システム] と [ユーザー] の行を 1 つずつ、この名前で書いてください。{_REMEDY}",
        )
    return {name: section.strip() for name, section in zip(names, texts, strict=True)}


def _check_placeholders(sections: dict[str, str], file: Path) -> None:
    used = [name for section in sections.values() for name in _PLACEHOLDER.findall(section)]
    known = "、".join(f"{{{name}}}" for name in _KNOWN)
    for name in used:
        if name not in _KNOWN:
            raise SettingsError(
                f"指示文のファイルに知らない名前があります: {file} の {{{name}}}", f"使える名前は {known} です。"
            )
    for name in _REQUIRED:
        if name not in _PLACEHOLDER.findall(sections["ユーザー"]):
            raise SettingsError(
                f"指示文のファイルの [ユーザー] に {{{name}}} がありません: {file}",
                f"質問と文書を渡すため、{{{name}}} を書いてください。{_REMEDY}",
            )
