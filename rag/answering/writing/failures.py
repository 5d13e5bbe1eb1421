"""Why no generative answer was given: each reason with the Japanese sentence that goes with the extractive answer instead."""

from __future__ import annotations

from enum import StrEnum

from rag.documents import Warning_

FALLBACK = "fallback"
STRUCK = "struck"
INSTRUCTION = "instruction"
_INSTEAD = "回答は、文書からの引用で作りました。"


class Failure(StrEnum):
    """What went wrong with a generative answer.

    DEAD: no connection, an error, something that is no answer, or one that broke off. SLOW: not in time. EMPTY: no words.
    BABBLING: too little of it stands in the documents. NOT_FOUND: it says itself that the documents do not hold the answer.
    REFUSED: the question or the passages hold personal data, which must not be sent. BUSY: too many answers at once.
    """

    DEAD = "dead"
    SLOW = "slow"
    EMPTY = "empty"
    BABBLING = "babbling"
    NOT_FOUND = "not_found"
    REFUSED = "refused"
    BUSY = "busy"

    @property
    def message(self) -> str:
        """What happened, and what is shown instead, in Japanese."""
        return _MESSAGES[self] + _INSTEAD

    @property
    def warning(self) -> Warning_:
        """The caution that goes with the answer that is given instead."""
        return Warning_(FALLBACK, self.message)


_MESSAGES = {
    Failure.DEAD: "生成AIのサーバーから正しい応答がありませんでした。",
    Failure.SLOW: "生成AIのサーバーの応答が、制限時間に間に合いませんでした。",
    Failure.EMPTY: "生成AIのサーバーからの回答が空でした。",
    Failure.BABBLING: "生成AIの文は、文書で確かめられないものが多いため使いませんでした。",
    Failure.NOT_FOUND: "生成AIは、渡した文書の中に答えを見つけられませんでした。",
    Failure.REFUSED: "個人情報とみられる部分があるため、生成AIには送りませんでした。",
    Failure.BUSY: "生成AIのサーバーが混み合っています。",
}


def warn_of_struck(count: int) -> tuple[Warning_, ...]:
    """Return a caution where statements were struck.

    >>> [warning.message for warning in warn_of_struck(2)], warn_of_struck(0)
    (['文書で確かめられない文を 2 件取り除きました。'], ())
    """
    return (Warning_(STRUCK, f"文書で確かめられない文を {count} 件取り除きました。"),) if count else ()


def warn_of_instructions(count: int) -> tuple[Warning_, ...]:
    """Return a caution where lines of documents were kept from the LLM because they give orders to it."""
    message = "文書の中に、生成AIへの指示とみられる行がありました（{} 行）。生成AIには渡していません。"
    return (Warning_(INSTRUCTION, message.format(count)),) if count else ()
