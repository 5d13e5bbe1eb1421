"""The sentences of one generated answer, as they come: each is proved and shown, or struck with its reason."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from rag.answering.verification import all_verified
from rag.answering.writing.failures import Failure
from rag.answering.writing.generation import Generation, Mask, Statement, StatementChecker, join_statement
from rag.answering.writing.prompt import NOT_FOUND
from rag.answering.writing.sentences import strip_marks
from rag.answering.writing.support import CitationBook
from rag.documents import Checks, Citation, Struck
from rag.text import squeeze

NO_SOURCE = "根拠として示せる箇所が、引いた文書の中にありません。"
ENDLESS = "長すぎるため、途中で読むのをやめました。"
_CUT_CHARS = 60
_MAX_STATEMENTS = 8
_LEAST_KEPT = 0.5  # of the statements; with fewer the answer is no whole any more


@dataclass(slots=True)
class Proof:
    """The sentences of one answer, as they are proved or struck. open_checker: called once, by get_ready."""

    open_checker: Callable[[], StatementChecker]
    mask: Mask
    book: CitationBook
    on_token: Callable[[str], None] | None
    kept: list[Statement] = field(default_factory=list)
    struck: list[Struck] = field(default_factory=list)
    facts: int = 0
    says_nothing: bool = False
    repeats: bool = False
    _seen: set[str] = field(default_factory=set)
    _checker: StatementChecker | None = None

    def get_ready(self) -> StatementChecker:
        """Read the passages, which takes a while: best done while the LLM reads them too."""
        if self._checker is None:
            self._checker = self.open_checker()
        return self._checker

    @property
    def has_shown(self) -> bool:
        """Tell whether somebody has seen a sentence."""
        return bool(self.kept)

    @property
    def has_enough(self) -> bool:
        """Tell whether nothing good can follow: the answer repeats itself or is far longer than was asked for."""
        return self.repeats or len(self.kept) + len(self.struck) >= _MAX_STATEMENTS

    def forget(self) -> None:
        """Begin again; nothing was shown yet."""
        assert not self.kept
        self.struck, self.facts, self.says_nothing, self.repeats, self._seen = [], 0, False, False, set()

    def take(self, sentence: str) -> None:
        """Prove a sentence and show it, or strike it with its reason."""
        sentence = self.mask.unmask(sentence)
        words = strip_marks(sentence)
        key = squeeze(words).strip("。.")
        if not key:
            return
        if key in self._seen:
            self.repeats = True
            return
        self._seen.add(key)
        if key == squeeze(NOT_FOUND).strip("。"):
            self.says_nothing = True
            return
        checked = self.get_ready().check(sentence)
        if checked.connective:  # it needs no proof and has none: nobody needs to see it
            self.says_nothing = True
            return
        self.facts += checked.facts
        entry = self.book.enter(words, checked.citations) if checked.reason is None else None
        if entry is None:
            self.struck.append(Struck(words, checked.reason or NO_SOURCE))
        else:
            self._show(Statement(words, entry.marks, entry.places))

    def cut_off(self, rest: str) -> None:
        """Strike a sentence that does not come to an end."""
        if rest:
            self.struck.append(Struck(rest[:_CUT_CHARS] + "…", ENDLESS))

    def _show(self, statement: Statement) -> None:
        piece = join_statement(self.kept, statement)
        self.kept.append(statement)
        if self.on_token:
            self.on_token(piece)

    def conclude(self, failure: Failure | None = None, detail: str = "") -> Generation:
        """Return what came of it. failure: of the call; what was said is judged where there is none."""
        citations = self.book.citations() if self.kept else ()
        checks = Checks(len(citations), len(self.kept) + len(self.struck), self.facts, tuple(self.struck))
        return Generation(tuple(self.kept), citations, checks, failure or self._judge(citations), detail)

    def _judge(self, citations: Sequence[Citation]) -> Failure | None:
        statements = len(self.kept) + len(self.struck)
        if statements == 0:
            return Failure.NOT_FOUND if self.says_nothing else Failure.EMPTY
        if len(self.kept) < _LEAST_KEPT * statements or not self.kept or not all_verified(citations):
            return Failure.BABBLING
        return None
