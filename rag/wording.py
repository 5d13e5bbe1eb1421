"""The municipality's own wording: words that mean the same, and names that no dictionary knows. Nouns only."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Name:
    """A name of the user dictionary. reading: in kana, "" where nobody said; others: other ways to write it."""

    word: str
    reading: str = ""
    others: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Wording:
    """What synonyms.csv and dictionary.csv say. groups: words that can stand for one another, the usual one first."""

    groups: tuple[tuple[str, ...], ...] = ()
    names: tuple[Name, ...] = ()

    @property
    def dictionary_version(self) -> str:
        """What the words of an index depend on: a hash of the names, "" without any."""
        return hashlib.sha256(repr(self.names).encode()).hexdigest()[:16] if self.names else ""

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Wording:
        """Return what `to_dict` was made of.

        >>> wording = Wording((("国保", "国民健康保険"),), (Name("すみのベース", "すみのべーす", ("澄野ベース",)),))
        >>> Wording.from_dict(wording.to_dict()) == wording
        True
        """
        names = (Name(name["word"], name["reading"], tuple(name["others"])) for name in values["names"])
        return cls(tuple(map(tuple, values["groups"])), tuple(names))
