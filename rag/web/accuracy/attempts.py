"""What the handlers of the tab share: how an error becomes a sentence, and how their components are set."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, TypeVar

from rag.errors import RagError
from rag.web.render import render_error

HIDDEN: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
PLAIN: dict[str, Any] = {"js_on_load": None, "apply_default_css": False, "show_label": False}
_FAILED = ("予期しない問題が起きました。", "もう一度お試しください。続くときは管理者に知らせてください。")
_log = logging.getLogger(__name__)
Result = TypeVar("Result")


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
        return otherwise(render_error(*_FAILED))
