"""Names in a text: those of the user dictionary, as one more word each, and runs of one script, for mending misspellings.

Sudachi cuts what it does not know into pieces; a name weighs what it should only as a whole.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Iterator, Sequence

from rag.text import normalize, squeeze
from rag.wording import Name

MIN_RUN_CHARS = 3
NAME_MARK = "="
"""Stands before the word of a name, so that it is never that of a morpheme; `<` stands before a run that is written backwards."""
_BACKWARDS = "<"
_MIN_READING_CHARS = 4
_FOREIGN_RUN = re.compile(r"[ァ-ヺー]{3,}|[a-z]{3,}")
_RUN = re.compile(r"[ァ-ヺー]{3,}|[a-z]{3,}|[一-鿿々〆ヶ]{3,}")
_KATAKANA = str.maketrans({chr(code): chr(code + 0x60) for code in range(ord("ぁ"), ord("ゖ") + 1)})
_EDGES = ("[a-z0-9]", "[ァ-ヺー]")


def name_word(name: Name) -> str:
    """Return the word under which a name is indexed, however it is written.

    >>> name_word(Name("すみの ベース"))
    '=すみのベース'
    """
    return NAME_MARK + squeeze(name.word)


class NameFinder:
    """Finds the names of a user dictionary in texts; `find_names_of` keeps it for the next text."""

    def __init__(self, names: Sequence[Name]) -> None:
        self._forms = [(form, name_word(name)) for name in names for form in _forms(name)]

    @property
    def forms(self) -> list[tuple[str, str]]:
        """Every way to write a name, without white space and in the normal form, with its word."""
        return self._forms

    def find(self, text: str) -> list[str]:
        """Return the word of each name in a text, as often as it occurs; names inside longer names too.

        >>> NameFinder([Name("すみのベース"), Name("澄野川")]).find("澄野川と、すみの ベース（澄野川沿い）")
        ['=すみのベース', '=澄野川', '=澄野川']
        >>> NameFinder([Name("ベース")]).find("データベース")
        []
        """
        if not self._forms:
            return []
        clean = squeeze(text)
        return [word for form, word in self._forms if form in clean for _ in _whole(form).finditer(clean)]


@functools.lru_cache(maxsize=4)
def find_names_of(names: tuple[Name, ...]) -> NameFinder:
    """Return the finder of a dictionary, made once."""
    return NameFinder(names)


def _forms(name: Name) -> list[str]:
    readings = (name.reading, name.reading.translate(_KATAKANA)) if len(name.reading) >= _MIN_READING_CHARS else ()
    return list(dict.fromkeys(form for form in map(squeeze, (name.word, *name.others, *readings)) if form))


@functools.lru_cache(maxsize=10_000)
def _whole(form: str) -> re.Pattern[str]:
    """Return the pattern of a form that is not the middle of a longer Latin or katakana word."""
    before = "".join(f"(?<!{edge})" for edge in _EDGES if re.match(edge, form))
    after = "".join(f"(?!{edge})" for edge in _EDGES if re.fullmatch(edge, form[-1]))
    return re.compile(before + re.escape(form) + after)


def find_runs(text: str, *, kanji: bool = True) -> list[str]:
    """Return the runs of katakana, Latin letters and (where they are wanted) kanji of 3 characters or more.

    >>> find_runs("マイナンバーカードの受取りと印鑑登録証明書（ICT）")
    ['マイナンバーカード', '印鑑登録証明書', 'ict']
    """
    return (_RUN if kanji else _FOREIGN_RUN).findall(normalize(text))


def index_run(run: str) -> tuple[str, str]:
    """Return the two words of a run: as it is and backwards, so that one of its ends is right when the other is misspelt.

    >>> index_run("ｶｰﾄﾞ")
    ('カード', '<ドーカ')
    """
    clean = unicodedata.normalize("NFKC", run)
    return clean, _BACKWARDS + clean[::-1]


def run_prefixes(word: str, length: int = 2) -> Iterator[str]:
    """Yield the beginnings of the indexed runs that a misspelt word may have been: by its first and by its last characters.

    >>> list(run_prefixes("カドー"))
    ['カド', '<ード']
    """
    yield word[:length]
    yield _BACKWARDS + word[::-1][:length]


def read_run(word: str) -> str:
    """Return the run that an indexed word stands for.

    >>> read_run("<ドーカ"), read_run("カード")
    ('カード', 'カード')
    """
    return word[1:][::-1] if word.startswith(_BACKWARDS) else word
