"""Which document a question set means by a name: the whole name, or an unambiguous file name, name without extension or title."""

from __future__ import annotations

import functools
import unicodedata
from collections import defaultdict
from collections.abc import Mapping
from difflib import SequenceMatcher
from pathlib import PurePosixPath

from rag.activity.place_cells import form_of
from rag.errors import RagError
from rag.indexing.snapshot import SnapshotStore
from rag.settings import Settings

_MOST_NEAR, _NEAR = 3, 0.6
"""How like an unknown name one must be to be told (the share that `difflib` counts)."""


class DocumentNames:
    """The documents of an index by all that they are called. titles: source -> title."""

    def __init__(self, titles: Mapping[str, str]) -> None:
        self._sources = frozenset(titles)
        self._titles = dict(titles)
        self._nearest = functools.cache(self._find_nearest)
        called = defaultdict[str, set[str]](set)
        for source, title in titles.items():
            path = PurePosixPath(source)
            for name in (source, path.name, path.stem, str(path.with_suffix("")), title):
                called[_plain(name)].add(source)
        self._called = {name: tuple(sorted(sources)) for name, sources in called.items() if name}

    def find(self, name: str) -> tuple[str, ...]:
        """Return the documents that a name may mean: none, one, or several where it is ambiguous.

        >>> names = DocumentNames({"町民課/手引.pdf": "窓口の手引（令和8年度版）", "税務課/手引.pdf": "税の手引"})
        >>> names.find("窓口の手引(令和8年度版)"), names.find("税務課/手引"), len(names.find("手引.pdf")), names.find("手引書")
        (('町民課/手引.pdf',), ('税務課/手引.pdf',), 2, ())
        """
        source = normalize_source(name)
        return (source,) if source in self._sources else self._called.get(_plain(name), ())

    def nearest(self, name: str) -> tuple[str, ...]:
        """Return the documents whose file names or titles are spelt nearly like an unknown name, the nearest first."""
        return self._nearest(name)

    def _find_nearest(self, name: str) -> tuple[str, ...]:
        wanted = PurePosixPath(normalize_source(name))
        wanted_name = wanted.stem if form_of(str(wanted)) else wanted.name
        close = {
            source: max(
                SequenceMatcher(None, wanted_name, known).ratio() for known in (PurePosixPath(source).stem, title)
            )
            for source, title in self._titles.items()
        }
        near = sorted((source for source in close if close[source] >= _NEAR), key=lambda source: -close[source])
        return tuple(near[:_MOST_NEAR])


def normalize_source(name: str) -> str:
    """Return the name of a document as the index writes it: composed characters, / between folders."""
    return unicodedata.normalize("NFC", name).replace("\\", "/")


def find_documents(name: str, names: DocumentNames | None) -> tuple[str, ...]:
    """Return the documents that a name may mean; names: None where there is no index, so that only a whole name says enough."""
    found = names.find(name) if names else ()
    return found or ((normalize_source(name),) if form_of(normalize_source(name)) else ())


def read_document_names(settings: Settings) -> DocumentNames | None:
    """Return the names of the documents of the published index; None where none can be opened."""
    try:
        snapshot = SnapshotStore(settings.index).open_current()
    except RagError:
        return None
    try:
        return DocumentNames({entry.source: entry.metadata.title for entry in snapshot.catalog.documents()})
    finally:
        snapshot.close()


def _plain(name: str) -> str:
    return "".join(unicodedata.normalize("NFKC", name.replace("\\", "/")).split()).casefold()
