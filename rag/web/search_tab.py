"""The tab 「文書を探す」: a ranked list of places, without an answer.

No `from __future__ import annotations` here: Gradio looks at the annotation of the handler's request.
"""

import logging
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from rag.api import find_asker
from rag.assistant import MAX_QUESTION_CHARS
from rag.errors import RagError
from rag.web.filter_bar import FilterBar, read_filters
from rag.web.hits import render_hits
from rag.web.links import Links
from rag.web.render import render_error, render_progress

if TYPE_CHECKING:
    from rag.assistant import Assistant
    from rag.web.services import Services

HITS = 30
CONCURRENT_SEARCHES = 20
_FAILED = ("検索の途中で予期しない問題が起きました。", "もう一度お試しください。続くときは管理者に知らせてください。")
_WELCOME = '<p class="welcome">様式や要綱など、文書の置き場所を探すときに使います。回答は作らず、近い順に並べます。</p>'
_log = logging.getLogger(__name__)


def build_tab(gr: Any, services: "Services") -> None:
    """Fill the tab."""
    assistant = services.assistant
    wanted = gr.Textbox(
        label="探す言葉",
        placeholder="例: 住民異動届 様式（Enter で検索）",
        lines=1,
        max_lines=4,
        max_length=MAX_QUESTION_CHARS,
        elem_id="wanted",
    )
    find = gr.Button("探す", variant="primary", elem_id="find", elem_classes="send")
    filters = FilterBar(gr, assistant, "search-filters")
    hits = gr.HTML(_WELCOME, js_on_load=None, apply_default_css=False, elem_id="hits", show_label=False)

    def search(request: gr.Request, text: str, *limits: object) -> Iterator[str]:
        yield from search_in_steps(assistant, text, request, limits)

    find.click(
        search,
        inputs=[wanted, *filters.inputs],
        outputs=[hits],
        concurrency_limit=CONCURRENT_SEARCHES,
        concurrency_id="search",
        show_progress="hidden",
        api_visibility="private",
        trigger_mode="once",
    )


def search_in_steps(assistant: "Assistant", text: object, request: Any, limits: Sequence[object]) -> Iterator[str]:
    """Yield what to show at once, and again when the list is there; errors become sentences."""
    question = text.strip() if isinstance(text, str) else ""
    yield render_progress(question)
    try:
        asker, filters = find_asker(request), read_filters(*limits)
        passages = assistant.search(question, filters=filters, asker=asker, limit=HITS)
        yield render_hits(question, passages, filters, Links(assistant, asker))
    except RagError as error:
        yield render_error(error.message, error.hint)
    except Exception:
        _log.exception("a search on the page failed")
        yield render_error(*_FAILED)
