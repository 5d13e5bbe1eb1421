"""Answers that an LLM writes from numbered passages; nobody sees a sentence of them before it is proved.

    question, passages → exhibits → prompt (masked) → LLM → sentences → unmask → check → cite and read back → on_token

Whatever the LLM or its server does, `generate` comes back within the timeout, and says why where there is no answer.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from rag.answering.checking.statements import StatementChecker
from rag.answering.extractive import Marker
from rag.answering.privacy.masking import REFUSE, check_may_send
from rag.answering.privacy.masking import Mask as PersonalMask
from rag.answering.verification import PageReader
from rag.answering.writing.calls import Call, CallFault, Messages, Slots, start_call
from rag.answering.writing.exhibits import Exhibit, choose_exhibits, find_instructions
from rag.answering.writing.failures import Failure
from rag.answering.writing.generation import CheckerFactory, Generation, Limits, Mask, MaskFactory, no_mask
from rag.answering.writing.prompt import Prompt, open_prompt
from rag.answering.writing.proof import Proof
from rag.answering.writing.sentences import SentenceReader
from rag.answering.writing.support import CitationBook
from rag.documents import Passage
from rag.errors import RagError

if TYPE_CHECKING:
    from llama_index.core.llms import LLM

    from rag.retrieval.query import Question
    from rag.settings import Settings

ENGINE = "generative"
_ATTEMPTS = 2
_RETRY_PAUSE_SECONDS = 0.2
_CHARS_A_TOKEN = 4  # at most, in Japanese: a server that ignores max_tokens is left after as many characters
_MAX_SENTENCE_CHARS = 600


class GenerativeEngine:
    """Write answers with an LLM. Keep one for all questions: it counts how many are written at once. Safe in many threads.

    llm: any llama-index LLM, with a timeout of its own. mask_factory: called once a question.
    """

    def __init__(
        self,
        llm: LLM,
        prompt: Prompt,
        checker_factory: CheckerFactory,
        mask_factory: MaskFactory = no_mask,
        limits: Limits | None = None,
    ) -> None:
        self._llm, self._prompt, self._limits = llm, prompt, limits or Limits()
        self._checker_factory, self._mask_factory = checker_factory, mask_factory
        self._slots = Slots(self._limits.concurrency)

    def generate(
        self,
        question: Question | str,
        passages: Sequence[Passage],
        pages: PageReader,
        on_token: Callable[[str], None] | None = None,
        mark: Marker = lambda _: (),
    ) -> Generation:
        """Return an answer from passages (best first), each sentence of it proved; or why there is none, within the timeout.

        pages: where citations are read back from. on_token: called with each proved sentence, its marks behind it; what it
        was given joins to `text`. After a failure what it was given is to be replaced. mark: finds the decisive words of a citation.
        """
        call = Call(time.monotonic() + self._limits.timeout_seconds, self._limits.first_token_seconds)
        text = question if isinstance(question, str) else question.understood
        passages = passages[: self._limits.passages]
        exhibits = choose_exhibits(passages, max_chars=self._limits.context_chars)
        try:
            mask = self._mask_factory(self._prompt.list_texts(text, exhibits))
            messages = self._fill(text, exhibits, mask)
        except RagError as refusal:
            return Generation(failure=Failure.REFUSED, detail=refusal.message)
        sources = {exhibit.number: exhibit.source for exhibit in exhibits}
        proof = Proof(
            lambda: self._checker_factory(sources, text), mask, CitationBook(exhibits, pages, mark=mark), on_token
        )
        generation = self._write(messages, call, proof) if exhibits else proof.conclude(Failure.NOT_FOUND)
        return replace(generation, instructions=sum(len(find_instructions(p.chunk.text)) for p in passages))

    def _fill(self, question: str, exhibits: Sequence[Exhibit], mask: Mask) -> Messages:
        messages = self._prompt.fill(question, exhibits, mask=mask.mask)
        if any(mask.leaks(message) for message in messages):
            raise RagError("伏せきれない個人情報がありました。", "質問から個人情報を除いてください。")
        return messages

    def _write(self, messages: Messages, call: Call, proof: Proof) -> Generation:
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                self._read(messages, call, proof)
                return proof.conclude()
            except CallFault as fault:
                if attempt == _ATTEMPTS or not fault.is_passing or proof.has_shown or call.is_over:
                    return proof.conclude(fault.failure, fault.detail)
                proof.forget()
                time.sleep(min(_RETRY_PAUSE_SECONDS, call.remaining))
        raise AssertionError("every attempt returns")

    def _read(self, messages: Messages, call: Call, proof: Proof) -> None:
        """Read an answer to its end, or until enough was seen of it. Raises CallFault."""
        call = Call(call.deadline, call.patience_seconds)
        pieces = start_call(self._llm, messages, call, self._slots)
        try:
            proof.get_ready()
            self._prove(pieces, proof)
        finally:
            call.abandon()

    def _prove(self, pieces: Iterator[str], proof: Proof) -> None:
        reader, chars = SentenceReader(), 0
        for piece in pieces:
            chars += len(piece)
            for sentence in reader.feed(piece):
                proof.take(sentence)
            if proof.has_enough:
                return
            if reader.waiting_chars > _MAX_SENTENCE_CHARS or chars > _CHARS_A_TOKEN * self._limits.max_tokens:
                proof.cut_off("".join(reader.finish()))
                return
        for sentence in reader.finish():
            proof.take(sentence)


def open_engine(settings: Settings, llm: LLM | None = None) -> GenerativeEngine | None:
    """Return the engine of the settings; None where they name no server and no LLM is given. Nothing is sent yet.

    llm: any llama-index LLM instead of the server. Raises SettingsError for an address, a model or a prompt that cannot be used.
    """
    prompt = open_prompt(settings.prompt_file)
    if llm is None and settings.llm_url is not None:
        from rag.answering.writing.llm import open_llm

        llm = open_llm(settings)
    if llm is None:
        return None
    return GenerativeEngine(llm, prompt, StatementChecker, choose_masks(settings.personal_data), Limits.of(settings))


def choose_masks(personal_data: str) -> MaskFactory:
    """Return what opens the mask of a question. personal_data: "mask", or "refuse": then texts that hold any are not sent."""

    def open_mask(texts: Sequence[str]) -> Mask:
        if personal_data == REFUSE:
            check_may_send(texts, REFUSE)
        return PersonalMask(texts)

    return open_mask
