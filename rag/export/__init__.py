"""Conversations as files that staff keep: Markdown, and Word with real footnotes."""
