"""Answers that an LLM writes from numbered passages, each sentence proved before anyone sees it."""
