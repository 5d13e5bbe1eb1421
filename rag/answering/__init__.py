"""Passages -> an answer that is proved, or an honest no."""
