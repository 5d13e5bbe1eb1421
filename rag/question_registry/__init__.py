"""The questions registry: examples and prompt templates that staff share, and towns exchange.

QuestionRegistry    add, review, count, export and import
NewEntry, EntryKind, ReviewState, RegistryEntry, ImportReport, EntryProblem   its nouns
find_blanks         the places of a template that are to be filled in
read_starter        the exchange file of the sample town
"""

from rag.question_registry.entries import EntryKind, NewEntry, RegistryEntry, ReviewState, find_blanks
from rag.question_registry.exchange import EntryProblem
from rag.question_registry.registry import ImportReport, QuestionRegistry, read_starter

__all__ = [
    "EntryKind",
    "EntryProblem",
    "ImportReport",
    "NewEntry",
    "QuestionRegistry",
    "RegistryEntry",
    "ReviewState",
    "find_blanks",
    "read_starter",
]
