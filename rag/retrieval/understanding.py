"""Understand a question once: its words, the town's other wordings, misspelt names, and what it carries on from the last one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from rag.indexing.names import find_names_of
from rag.retrieval.follow_ups import CARRIED_WEIGHT, find_topic
from rag.retrieval.query import Expansion, Query, Question, Reason, parse_query
from rag.retrieval.spelling import find_misspelt
from rag.retrieval.synonyms import SYNONYM_WEIGHT, open_thesaurus
from rag.text import morphemes
from rag.words import find_other_writings

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from rag.indexing.embedding import Embedder
    from rag.indexing.snapshot import Snapshot
    from rag.wording import Wording


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
    query = _read(text, snapshot, wording)
    vector = _embed(text, query, embedder)
    topic = find_topic(text, history)
    if topic is None:
        return Question(text, query, vector)
    earlier = _read(topic, snapshot, wording)
    together = _unit(vector + CARRIED_WEIGHT * _embed(topic, earlier, embedder))
    return Question(text, carry(query, earlier), together, topic)


def _embed(text: str, query: Query, embedder: Embedder) -> NDArray[np.float32]:
    """Return the vector of a question in all its wordings; a slow embedder reads it once, and should know the wordings itself."""
    if len(query.wordings) == 1 or not embedder.is_fast:
        return embedder.embed_query(text)
    vectors = embedder.embed_documents(list(query.wordings))
    return _unit(sum(weight * vector for weight, vector in zip(query.wordings.values(), vectors, strict=True)))


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
    return replace(query, names=names, expansions=(*synonyms, *mended, *writings))


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


def carry(query: Query, topic: Query) -> Query:
    """Return a follow-up with the words of the earlier question, which count less than its own.

    >>> found = carry(parse_query("では費用は？"), parse_query("粗大ごみの収集"))
    >>> found.terms, sorted(found.carried), found.nouns
    (('費用', '粗大', 'ゴミ', '収集'), ['ゴミ', '収集', '粗大'], ('費用', '粗大', 'ゴミ', '収集'))
    """
    carried = {term: CARRIED_WEIGHT for term in topic.terms if term not in query.terms}
    own = {term for expansion in query.expansions for term in expansion.of}
    expansions = [e for e in topic.expansions if not own.intersection(e.of)]
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
