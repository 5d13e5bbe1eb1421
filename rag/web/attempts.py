"""What a handler of the page does with an error: those of ours become a sentence, others are logged and told as such."""

from __future__ import annotations

import logging
from collections.abc import Callable
from html import escape
from typing import TypeVar

from rag.errors import RagError
from rag.web.render import render_error

FAILED = ("予期しない問題が起きました。", "もう一度お試しください。続くときは管理者に知らせてください。")
Result = TypeVar("Result")
_log = logging.getLogger(__name__)


def attempt(work: Callable[[], Result], otherwise: Callable[[str], Result]) -> Result:
    """Return what the work gives; where it fails, what is shown with the error as HTML.

    >>> attempt(lambda: "表", lambda html: html)
    '表'
    """
    try:
        return work()
    except RagError as error:
        return otherwise(render_error(error.message, error.hint))
    except Exception:
        _log.exception("a handler of the page failed")
        return otherwise(render_error(*FAILED))


def render_done(words: str) -> str:
    """Return what was done as a sentence that is read out.

    >>> render_done("<承認>しました。")
    '<div class="notice-box done" role="status"><p>&lt;承認&gt;しました。</p></div>'
    """
    return f'<div class="notice-box done" role="status"><p>{escape(words)}</p></div>'
