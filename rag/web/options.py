"""How our components are set: handlers show no spinner and stand in no API; HTML is ours alone."""

from __future__ import annotations

from typing import Any

HIDDEN: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
PLAIN: dict[str, Any] = {"js_on_load": None, "apply_default_css": False, "show_label": False}
