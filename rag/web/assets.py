"""The page's own style sheets and scripts, in the order in which they are loaded."""

from __future__ import annotations

STYLES = (
    "tokens.css",
    "style.css",
    "controls.css",
    "cards.css",
    "lists.css",
    "documents.css",
    "figures.css",
    "accuracy.css",
    "use.css",
    "print.css",
)
FIRST_SCRIPT = "theme.js"
"""Runs before anything is drawn."""
SCRIPTS = ("page.js", "viewer.js", "documents.js", "examples.js", "days.js")
