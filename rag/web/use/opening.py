"""A tab fills itself when somebody opens it, not when the page is loaded: until then nobody has asked for what it shows."""

from collections.abc import Callable, Sequence
from typing import Any


def when_opened(gr: Any, fill: Callable[..., Any], inputs: Sequence[Any], outputs: Sequence[Any]) -> None:
    """Call `fill` whenever the tab that is being built is opened; outside a tab never."""
    from gradio.context import Context

    place = Context.block
    while place is not None and not isinstance(place, gr.Tab):
        place = place.parent
    if place is not None:
        place.select(fill, list(inputs), list(outputs), show_progress="hidden", api_visibility="private")
