"""The facts that a text states, in values in which equal things are equal."""

from rag.answering.facts.finding import contains, find_facts
from rag.answering.facts.kinds import Fact, FactKind

__all__ = ["Fact", "FactKind", "contains", "find_facts"]
