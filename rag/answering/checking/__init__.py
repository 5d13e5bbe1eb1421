"""Statements of generated answers held against what they cite."""
