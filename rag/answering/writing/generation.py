"""What the generative engine works within and brings: its limits, its proved statements, and what came of an answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from rag.answering.writing.failures import Failure, warn_of_instructions, warn_of_struck
from rag.documents import Checks, Citation, Warning_
from rag.reading.structure import is_list_item

if TYPE_CHECKING:
    from rag.settings import Settings


class CheckedStatement(Protocol):
    """What a checker found of one statement. reason: why it is struck, None for one that is proved."""

    @property
    def citations(self) -> tuple[int, ...]:
        """The numbers of the passages that it cites."""

    @property
    def facts(self) -> int:
        """How many facts in it were compared."""

    @property
    def reason(self) -> str | None:
        """Why it is struck."""

    @property
    def connective(self) -> bool:
        """Whether it says nothing by itself (以下のとおりです。, or that nothing was found)."""


class StatementChecker(Protocol):
    """Compare statements with the passages that they cite."""

    def check(self, statement: str) -> CheckedStatement:
        """Return what was found of a statement, its marks in it."""


class Mask(Protocol):
    """Replace personal data in all that is sent for one question, and put it back into what comes."""

    def mask(self, text: str) -> str:
        """Return a text without personal data."""

    def unmask(self, text: str) -> str:
        """Return a text with the data put back."""

    def leaks(self, text: str) -> tuple[str, ...]:
        """Return the personal data that still stand in a text."""


class NoMask:
    """The mask of an LLM that may see everything."""

    def mask(self, text: str) -> str:
        """Return the text."""
        return text

    def unmask(self, text: str) -> str:
        """Return the text."""
        return text

    def leaks(self, text: str) -> tuple[str, ...]:
        """Return nothing."""
        return ()


CheckerFactory = Callable[[Mapping[int, str], str], StatementChecker]
"""(number -> text of a passage, question) -> checker."""
MaskFactory = Callable[[Sequence[str]], Mask]
"""The texts of one question -> the mask for it. Raises RagError where they must not be sent at all."""


def no_mask(texts: Sequence[str]) -> Mask:
    """Return the mask of an LLM that may see everything."""
    return NoMask()


@dataclass(frozen=True, slots=True)
class Limits:
    """How long, how much and how many at once. context_chars: of document text in a prompt; passages: at most in it."""

    timeout_seconds: float = 30.0
    first_token_seconds: float = 10.0
    context_chars: int = 6_000
    max_tokens: int = 400
    concurrency: int = 2
    passages: int = 5

    @classmethod
    def of(cls, settings: Settings) -> Limits:
        """Return the limits of the settings."""
        return cls(
            settings.llm_timeout_seconds,
            settings.llm_first_token_seconds,
            settings.llm_context_chars,
            settings.llm_max_tokens,
            settings.llm_concurrency,
        )


@dataclass(frozen=True, slots=True)
class Statement:
    """A proved sentence. marks: the numbers of its citations; passages: the passages that it stands on, as they were given, from 0."""

    text: str
    marks: tuple[int, ...]
    passages: tuple[int, ...]

    @property
    def marked(self) -> str:
        """The sentence with its marks."""
        return self.text + "".join(f"[{mark}]" for mark in self.marks)


@dataclass(frozen=True, slots=True)
class Generation:
    """What came of a generative answer. failure: why it is not to be shown; the extractive answer is given then, with `warnings`.

    statements: the proved ones, also those shown before a failure. citations: verified, by number. detail: for administrators.
    """

    statements: tuple[Statement, ...] = ()
    citations: tuple[Citation, ...] = ()
    checks: Checks = field(default_factory=Checks)
    failure: Failure | None = None
    detail: str = ""
    instructions: int = 0

    @property
    def text(self) -> str:
        """The answer with its marks."""
        return "".join(join_statement(self.statements[:i], s) for i, s in enumerate(self.statements))

    @property
    def warnings(self) -> tuple[Warning_, ...]:
        """The cautions that go with the answer, or with the one that is given instead."""
        fallback = (self.failure.warning,) if self.failure else ()
        struck = () if self.failure else warn_of_struck(len(self.checks.struck))
        return (*fallback, *struck, *warn_of_instructions(self.instructions))


def join_statement(before: Sequence[Statement], statement: Statement) -> str:
    """Return what a statement adds to the text: items stand on lines of their own."""
    is_item = is_list_item(statement.text) or (bool(before) and is_list_item(before[-1].text))
    return ("\n" if before and is_item else "") + statement.marked
