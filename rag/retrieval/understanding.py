"""Understand a question once: its words, the town's other wordings, misspelt names, and what it carries on from the last one."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from rag.indexing.names import find_names_of
from rag.retrieval.aspects import own_words
from rag.retrieval.everyday import open_sayings
from rag.retrieval.follow_ups import CARRIED_WEIGHT, find_topic, strip_openings
from rag.retrieval.query import Expansion, Query, Question, Reason, parse_query
from rag.retrieval.spelling import find_misspelt
from rag.retrieval.synonyms import SYNONYM_WEIGHT, open_thesaurus
from rag.retrieval.topics import exchange_part
from rag.text import morphemes
from rag.words import find_other_writings

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from rag.indexing.embedding import Embedder
    from rag.indexing.lexical import LexicalEntry
    from rag.indexing.snapshot import Snapshot
    from rag.indexing.stores import LexicalLeg
    from rag.wording import Wording

_NAMING = ("title", "headings", "question")
USUAL_WEIGHT = 0.75
"""What the words in their usual form count beside the question as it is written (measured: docs/architecture.md)."""
_LOOKED_AT = 20  # places that are read where the words of a short question do not tell whether it follows up


def understand_question(
    text: str,
    history: Sequence[tuple[str, str]],
    snapshot: Snapshot,
    embedder: Embedder,
    *,
    wording: Wording | None = None,
) -> Question:
    """Return a question as this snapshot can answer it. history: earlier (question, answer) pairs, oldest first.

    wording: another one than that of the snapshot, to see what it would do.
    """
    wording = wording or snapshot.wording
    topic = find_topic(text, history, Vocabulary(snapshot.lexical)) if history else None
    asked = strip_openings(text) if history else text
    whole = exchange_part(asked, topic) if topic else None
    query = _read(whole or asked, snapshot, wording)
    vector = _embed(whole or asked, query, embedder)
    if topic is None or whole:
        return Question(text, query, vector, topic, whole)
    earlier = _read(topic, snapshot, wording)
    together = _unit(vector + CARRIED_WEIGHT * _embed(topic, earlier, embedder))
    return Question(text, carry(query, earlier, own_words(topic)), together, topic)


class Vocabulary:
    """What the documents of an index say of words."""

    def __init__(self, lexical: LexicalLeg) -> None:
        self._lexical = lexical

    def is_about(self, words: Sequence[str]) -> bool:
        """Tell whether a place has all of the words in its title, its headings or its official question."""
        found = self._find(words, _NAMING)
        return any(set(words) <= set(f"{e.title} {e.headings} {e.question}".split()) for e in found)

    def says_of(self, words: Sequence[str], topic: Sequence[str]) -> bool:
        """Tell whether a place has all of the words, and most of those of a topic."""
        needed, wanted = set(words), set(topic)
        for entry in self._find([*words, *topic], (*_NAMING, "body")):
            held = set(f"{entry.title} {entry.headings} {entry.question} {entry.body}".split())
            if needed <= held and wanted and 2 * len(wanted & held) >= len(wanted):
                return True
        return False

    def _find(self, words: Sequence[str], fields: Sequence[str]) -> list[LexicalEntry]:
        hits = self._lexical.search({field: dict.fromkeys(words, 1.0) for field in fields}, _LOOKED_AT)
        return list(self._lexical.words([id_ for id_, _ in hits]).values())


def _embed(text: str, query: Query, embedder: Embedder) -> NDArray[np.float32]:
    """Return the vector of a question in all its wordings, its words in their usual form beside them.

    So 申込の締切 and 申し込みの締め切り are nearly one. A slow embedder reads the question once, and should know its wordings itself.
    """
    if not embedder.is_fast or not query.terms:
        return embedder.embed_query(text)
    vectors = embedder.embed_documents([*query.wordings, " ".join(query.terms)])
    whole = _unit(sum(weight * vector for weight, vector in zip(query.wordings.values(), vectors[:-1], strict=True)))
    return _unit(whole + USUAL_WEIGHT * vectors[-1])


def _read(text: str, snapshot: Snapshot, wording: Wording) -> Query:
    """Return the words of a question with their other wordings; a word that has a synonym is not mended."""
    query = parse_query(text)
    dictionary = find_names_of(wording.names)
    synonyms = open_thesaurus(wording.groups).expand(text)
    understood = {term for expansion in synonyms for term in expansion.of}
    misspelt = find_misspelt(text, query.terms, snapshot.lexical, dictionary)
    mended = tuple(expansion for expansion in misspelt if not understood.intersection(expansion.of))
    names = tuple(dict.fromkeys(dictionary.find(text)))
    known = understood.union(*(expansion.of for expansion in mended))
    writings = tuple(expansion for expansion in find_writings(query.text) if not known.intersection(expansion.of))
    hints = [e for e in open_sayings().expand(query.terms) if not understood.issuperset(e.of)]
    return replace(query, names=names, expansions=(*synonyms, *mended, *writings, *hints))


def find_writings(text: str) -> tuple[Expansion, ...]:
    """Return the names and terms of a question in the writing of the dictionary; words that this does not change stay as they are.

    >>> [(e.asked, e.meant, e.of, e.words) for e in find_writings("野良ねこの相談")]
    [('野良ねこ', '野良猫', ('野良', '猫'), ('野良猫',))]
    >>> find_writings("いくらですか")
    ()
    """
    forms = (
        (asked, meant, tuple(morphemes(asked)), tuple(morphemes(meant))) for asked, meant in find_other_writings(text)
    )
    return tuple(
        Expansion(of, words, SYNONYM_WEIGHT, Reason.WRITING, asked, meant)
        for asked, meant, of, words in forms
        if of and words
    )


def carry(query: Query, topic: Query, own: Collection[str]) -> Query:
    """Return a follow-up with the words of the earlier question, which count less than its own.

    own: those that name its topic; the others, what was asked of it before, count half of that.

    >>> found = carry(parse_query("では費用は？"), parse_query("粗大ごみの収集の期限"), ("粗大", "ゴミ", "収集"))
    >>> found.terms, found.carried
    (('費用', '粗大', 'ゴミ', '収集', '期限'), {'粗大': 0.6, 'ゴミ': 0.6, '収集': 0.6, '期限': 0.3})
    """
    weights = {term: CARRIED_WEIGHT if term in own else CARRIED_WEIGHT / 2 for term in topic.terms}
    carried = {term: weight for term, weight in weights.items() if term not in query.terms}
    known = {term for expansion in query.expansions for term in expansion.of}
    expansions = [e for e in topic.expansions if not known.intersection(e.of)]
    return replace(
        query,
        terms=(*query.terms, *carried),
        nouns=tuple(dict.fromkeys((*query.nouns, *topic.nouns))),
        names=tuple(dict.fromkeys((*query.names, *topic.names))),
        expansions=(*query.expansions, *expansions),
        carried=carried,
    )


def _unit(vector: NDArray[np.float32]) -> NDArray[np.float32]:
    import numpy as np

    unit: NDArray[np.float32] = (vector / max(float(np.linalg.norm(vector)), 1e-9)).astype(np.float32)
    return unit
