"""The lexical leg: tantivy over words that are split here, because it knows no Japanese.

Fields: title, headings, question, body (morphemes, and the names of the user dictionary) and bigrams (character pairs of the whole
text); names holds the runs of one script, for mending misspellings, and is not searched. The words of the first four are stored
too, in order, those of the body with a line for each sentence, and so are the pieces that a static embedder sums: the reranker
compares them with a question.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rag.documents import Chunk
from rag.indexing.limits import FilterFields, Limits
from rag.indexing.names import find_names_of, find_runs, index_run, read_run, run_prefixes
from rag.indexing.pieces import cut_pieces, pack_pieces, vocabulary_of
from rag.indexing.stores import Choice, Hits
from rag.text import bigrams, fold, morphemes, split_sentences
from rag.wording import Name

FIELDS = ("title", "headings", "question", "body", "bigrams")
_STORED = FIELDS[:4]
_ANALYSIS = 4  # raise it when `analyze` comes to give other words
_NAMES, _FOLDED, _PIECES = "names", "folded", "pieces"
_WHITESPACE = "whitespace_only"
_COUNTS_KEPT = 1 << 14
_WRITER_BYTES = 128_000_000


@functools.cache
def tokenizer_version() -> str:
    """Return what the words of an index depend on: our rules, Sudachi and its dictionary, the vocabulary of the pieces."""
    sudachi = f"sudachipy-{version('sudachipy')}/core-{version('sudachidict-core')}"
    return f"{_ANALYSIS}/{sudachi}/pieces-{vocabulary_of()}"


@dataclass(frozen=True, slots=True)
class LexicalEntry:
    """The words of one chunk, by field, joined by blanks; those of each sentence of the body on a line of their own.

    names: runs of one script, each forwards and backwards. folded: the text in the form in which characters are compared, by sentence too.
    pieces: of the chunk's name (`name_of`) and of each folded sentence, packed.
    """

    id: str
    title: str
    headings: str
    question: str
    body: str
    bigrams: str
    names: str = ""
    folded: str = ""
    pieces: bytes = b""

    def terms(self) -> dict[str, dict[str, float]]:
        """Return every distinct word with the weight 1, by field: the query that finds the chunk itself."""
        return {field: dict.fromkeys(getattr(self, field).split(), 1.0) for field in FIELDS}


def analyze(chunk: Chunk, names: tuple[Name, ...] = ()) -> LexicalEntry:
    """Split a chunk into words. names: the user dictionary. The question of a Q&A chunk stands in `question` and in `body`."""
    question = chunk.question_text
    headings = "\n".join(chunk.headings)
    sentences = [chunk.text[start:end] for start, end in split_sentences(chunk.text)]
    folded = [fold(sentence) for sentence in sentences]
    return LexicalEntry(
        id=chunk.id,
        title=_words(chunk.title, names),
        headings=_words(headings, names),
        question=_words(question, names),
        body="\n".join(_words(sentence, names) for sentence in sentences),
        bigrams=" ".join(bigrams(chunk.text)),
        names=_runs(f"{chunk.title}\n{headings}\n{question}", chunk.text),
        folded="\n".join(folded),
        pieces=pack_pieces(cut_pieces([fold(name_of(chunk)), *folded])),
    )


def name_of(chunk: Chunk) -> str:
    """Return what a chunk is called: the question of a Q&A pair, else title and headings."""
    return chunk.question_text if chunk.question else "\n".join((chunk.title, *chunk.headings))


def _words(text: str, names: tuple[Name, ...]) -> str:
    return " ".join([*morphemes(text), *find_names_of(names).find(text)]) if text else ""


def _runs(naming: str, body: str) -> str:
    """Return the runs of a chunk; runs of kanji in running text are seldom names."""
    runs = dict.fromkeys([*find_runs(naming), *find_runs(body, kanji=False)])
    return " ".join(word for run in runs for word in index_run(run))


class LexicalStore:
    """The words of one snapshot. One writer at a time; searching is thread-safe and sees what was committed."""

    def __init__(self, index: Any) -> None:
        self._index: Any = index
        self._schema: Any = index.schema
        self._writer: Any = None
        self._count_chunks = functools.lru_cache(_COUNTS_KEPT)(self._read_frequency)
        _register_tokenizer(index)
        index.config_reader("manual", 0)  # no watching thread: a snapshot never changes
        index.reload()

    @classmethod
    def create(cls, folder: Path) -> LexicalStore:
        """Create an empty store in a folder that may not exist yet."""
        import tantivy

        folder.mkdir(parents=True, exist_ok=True)
        return cls(tantivy.Index(_build_schema(), path=str(folder), reuse=False))

    @classmethod
    def open(cls, folder: Path) -> LexicalStore:
        """Open the store of a folder."""
        import tantivy

        return cls(tantivy.Index.open(str(folder)))

    def add(self, entries: Sequence[LexicalEntry], fields: Sequence[FilterFields]) -> None:
        """Write chunks, to be seen after `commit`; an id that is there is replaced."""
        import tantivy

        self.delete([entry.id for entry in entries])
        for entry, values in zip(entries, fields, strict=True):
            self._open_writer().add_document(
                tantivy.Document(**asdict(entry) | {_FOLDED: entry.folded.encode()}, **asdict(values))
            )

    def delete(self, ids: Sequence[str]) -> None:
        """Remove chunks, to be seen after `commit`; ids that are not there are no error."""
        for id_ in ids:
            self._open_writer().delete_documents_by_term("id", id_)

    def commit(self) -> None:
        """Write what is pending and make it visible to searches."""
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.commit()
            writer.wait_merging_threads()
            self._index.reload()
            self._count_chunks.cache_clear()

    def count(self) -> int:
        """Return the number of chunks."""
        return int(self._index.searcher().num_docs)

    def ids(self) -> set[str]:
        """Return the ids of all chunks."""
        import tantivy

        return {id_ for id_, _ in self._run(tantivy.Query.all_query(), max(1, self.count()))}

    def search(
        self,
        terms_by_field: Mapping[str, Mapping[str, float]],
        limit: int,
        limits: Limits | None = None,
        *,
        choices: Sequence[Choice] = (),
    ) -> Hits:
        """Return the best admitted chunks with their BM25 scores, summed over terms and fields; limits add nothing to a score.

        choices: of the ways to say one thing, only the best counts in each field.
        """
        import tantivy

        words = self._word_clauses(terms_by_field, choices)
        if not words:
            return []
        must = [(tantivy.Occur.Must, tantivy.Query.boolean_query(words))]
        clauses = self._limit_clauses(limits) if limits else []
        # Without limits the plain disjunction is searched block by block (block-max WAND), which is much faster.
        return self._run(tantivy.Query.boolean_query(must + clauses if clauses else words), limit)

    def scores(
        self,
        terms_by_field: Mapping[str, Mapping[str, float]],
        ids: Sequence[str],
        *,
        choices: Sequence[Choice] = (),
    ) -> dict[str, float]:
        """Return the exact BM25 score of the chunks that are there; 0 where no term occurs. choices: as in `search`."""
        import tantivy

        if not ids:
            return {}
        clauses = [(tantivy.Occur.Must, tantivy.Query.const_score_query(self._any_of(ids), 0.0))]
        clauses += self._word_clauses(terms_by_field, choices)
        return dict(self._run(tantivy.Query.boolean_query(clauses), len(ids)))

    def words(self, ids: Sequence[str]) -> dict[str, LexicalEntry]:
        """Return the words of the chunks that are there, without their bigrams and names."""
        if not ids:
            return {}
        searcher = self._index.searcher()
        hits = searcher.search(self._any_of(ids), len(ids), count=False).hits
        found = [searcher.doc(address) for _, address in hits]
        return {document["id"][0]: _read_entry(document) for document in found}

    def document_frequency(self, field: str, term: str) -> int:
        """Return the number of chunks whose field holds a term; a question asks several times for each of its words."""
        return self._count_chunks(field, term)

    def _read_frequency(self, field: str, term: str) -> int:
        return int(self._index.searcher().doc_freq(field, term))

    def names_like(self, word: str) -> dict[str, int]:
        """Return the runs that begin or end as a word does, and the number of chunks that hold each."""
        found: list[tuple[str, int]] = []
        for prefix in run_prefixes(word):
            found += self._index.searcher().terms_with_prefix(_NAMES, prefix)
        return {read_run(term): count for term, count in found}

    def close(self) -> None:
        """Commit and let go of every file; a second call does nothing."""
        if self._index is not None:
            self.commit()
            self._index = self._schema = None

    def _open_writer(self) -> Any:
        if self._writer is None:
            self._writer = self._index.writer(_WRITER_BYTES, 1)  # one thread: one segment per commit
        return self._writer

    def _run(self, query: Any, limit: int) -> Hits:
        searcher = self._index.searcher()
        hits = searcher.search(query, limit, count=False).hits
        return [(searcher.doc(address)["id"][0], float(score)) for score, address in hits]

    def _any_of(self, ids: Sequence[str]) -> Any:
        """Return the query of some chunks; for so few, a set of terms, which walks through all ids, takes twice as long."""
        import tantivy

        occur, query = tantivy.Occur.Should, tantivy.Query
        terms = (query.term_query(self._schema, "id", id_, index_option="basic") for id_ in ids)
        return query.boolean_query([(occur, term) for term in terms])

    def _word_clauses(
        self, terms_by_field: Mapping[str, Mapping[str, float]], choices: Sequence[Choice]
    ) -> list[tuple[Any, Any]]:
        """Return one clause for each word, and one for each choice in each of its fields."""
        import tantivy

        occur, query = tantivy.Occur.Should, tantivy.Query
        clauses = [clause for field, terms in terms_by_field.items() for clause in self._terms(field, terms)]
        for field, ways in (item for choice in choices for item in choice.items()):
            parts = [query.boolean_query(words) for way in ways if (words := self._terms(field, way))]
            clauses.append((occur, query.disjunction_max_query(parts)))
        return clauses

    def _terms(self, field: str, terms: Mapping[str, float]) -> list[tuple[Any, Any]]:
        import tantivy

        occur, query = tantivy.Occur.Should, tantivy.Query
        return [
            (occur, query.boost_query(query.term_query(self._schema, field, term, index_option="freq"), weight))
            for term, weight in terms.items()
        ]

    def _limit_clauses(self, limits: Limits) -> list[tuple[Any, Any]]:
        from tantivy import FieldType, Occur, Query

        equal = {"department": limits.department, "kind": limits.kind, "year": limits.year}
        must = [Query.term_query(self._schema, k, v, "basic") for k, v in equal.items() if v is not None]
        if limits.until is not None:
            must.append(Query.range_query(self._schema, "effective", FieldType.Integer, 0, limits.until))
        if limits.audiences is not None:
            must.append(Query.term_set_query(self._schema, "audience", sorted(limits.audiences)))
        clauses = [(Occur.Must, Query.const_score_query(query, 0.0)) for query in must]
        if limits.left_out:
            clauses.append((Occur.MustNot, Query.term_set_query(self._schema, "source", sorted(limits.left_out))))
        return clauses


def _read_entry(document: Any) -> LexicalEntry:
    title, headings, question, body = (str(document[field][0]) for field in _STORED)
    folded, pieces = (bytes(document[field][0]) for field in (_FOLDED, _PIECES))
    return LexicalEntry(
        document["id"][0], title, headings, question, body, bigrams="", names="", folded=folded.decode(), pieces=pieces
    )


def _build_schema() -> Any:
    import tantivy

    builder = tantivy.SchemaBuilder()
    builder.add_text_field("id", stored=True, fast=True, tokenizer_name="raw", index_option="basic")
    for name in FIELDS:
        builder.add_text_field(name, stored=name in _STORED, tokenizer_name=_WHITESPACE, index_option="freq")
    builder.add_text_field(_NAMES, tokenizer_name=_WHITESPACE, index_option="basic")
    for name in (_FOLDED, _PIECES):
        builder.add_bytes_field(name, stored=True)
    for name in ("source", "department", "kind", "audience"):
        builder.add_text_field(name, tokenizer_name="raw", index_option="basic")
    for name in ("year", "effective"):
        builder.add_integer_field(name, indexed=True, fast=True)
    return builder.build()


def _register_tokenizer(index: Any) -> None:
    """Tell an opened index how to split the fields: the registration is not stored in the folder."""
    import tantivy

    analyzer = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace()).build()
    index.register_tokenizer(_WHITESPACE, analyzer)
