"""What is looked for in a text: the words themselves, or, for documents of others, only their length and digest.

Every method takes text that `comparable` has passed over, so that white space, width, case and kind of dash never matter.
"""

from __future__ import annotations

import functools
import hashlib
from dataclasses import dataclass
from difflib import SequenceMatcher

from rag.text import squeeze

SIMILAR = 0.85
"""The least similarity of recognised text to the printed one, character by character."""
SHARED_GRAMS = 0.7
"""The least share of a text's runs of four characters that must be found, where only their digests are known."""
_GRAM = 4
_FOLDED = str.maketrans({**dict.fromkeys("‐‑‒–—―−─", "-"), **dict.fromkeys("〜∼", "~")})


def comparable(text: str) -> str:
    """Return the form in which texts are compared: squeezed, all dashes and wave dashes alike.

    >>> comparable("電話　５–３９８０（９時〜）")
    '電話5-3980(9時~)'
    """
    return squeeze(text).translate(_FOLDED)


@dataclass(frozen=True, slots=True)
class Plain:
    """Words as they are printed."""

    text: str

    @property
    def hint(self) -> str:
        """What people are shown of it."""
        return self.text

    @property
    def length(self) -> int:
        """How many characters it has without white space."""
        return len(comparable(self.text))

    def find(self, text: str) -> int:
        """Return where it begins, or -1."""
        return text.find(comparable(self.text))

    def resembles(self, text: str) -> bool:
        """Tell whether some stretch of a text is nearly this."""
        return find_similar(comparable(self.text), text)[0] >= SIMILAR


@dataclass(frozen=True, slots=True)
class Digest:
    """Words of which only the squeezed length and the digest are kept. hint: their first and last characters."""

    length: int
    digest: str
    hint: str

    def find(self, text: str) -> int:
        """Return where it begins, or -1."""
        return _windows(text, self.length).get(self.digest, -1)

    def resembles(self, text: str) -> bool:
        """Tell whether it is in a text: a digest knows no nearly."""
        return self.find(text) >= 0


@dataclass(frozen=True, slots=True)
class Grams:
    """Words of which only the digests of their runs of four characters are kept, unordered: for text that OCR recognised."""

    length: int
    grams: frozenset[str]
    hint: str

    def find(self, text: str) -> int:
        """Return 0 where it resembles the text, or -1."""
        return 0 if self.resembles(text) else -1

    def resembles(self, text: str) -> bool:
        """Tell whether enough of it is in a text."""
        return len(self.grams & _gram_digests(text)) >= SHARED_GRAMS * len(self.grams)


Needle = Plain | Digest | Grams


def make_digest(text: str) -> Digest:
    """Return the digest of words.

    >>> make_digest("転入届は 14日以内に")
    Digest(length=10, digest='af2fb3921539ec1b', hint='転入…内に')
    """
    form = comparable(text)
    return Digest(len(form), _digest(form), _hint(form))


def make_grams(text: str) -> Grams:
    """Return the digests of all runs of four characters of words (of the whole, where it is shorter)."""
    form = comparable(text)
    return Grams(len(form), _gram_digests(form), _hint(form))


def is_whole(needle: Needle, text: str) -> bool:
    """Tell whether a text is the needle and nothing else."""
    return len(text) == needle.length and needle.find(text) == 0


def find_similar(wanted: str, text: str) -> tuple[float, int]:
    """Return the similarity (0 to 1) of the most similar stretch as long as `wanted`, and where it begins.

    >>> find_similar("町民課の窓口", "本庁の町民諜の窓口へ")
    (0.8333333333333334, 3)
    """
    blocks = SequenceMatcher(None, wanted, text, autojunk=False).get_matching_blocks()
    starts = {max(0, block.b - block.a) for block in blocks if block.size} or {0}
    longest = SequenceMatcher(None, wanted, text, autojunk=False).find_longest_match()
    starts.add(max(0, longest.b - longest.a))
    compare = SequenceMatcher(None, "", wanted, autojunk=False)  # the second sequence is the one that is analysed once
    return max((_ratio(compare, text[start : start + len(wanted)]), start) for start in sorted(starts))


def _ratio(compare: SequenceMatcher[str], window: str) -> float:
    compare.set_seq1(window)
    return compare.ratio()


def _hint(form: str) -> str:
    """Return at most the first two and the last two characters, fewer of a short text."""
    shown = 2 if len(form) >= 8 else 1
    return f"{form[:shown]}…{form[-shown:]}" if len(form) > 2 else "…"


def _digest(form: str) -> str:
    return hashlib.blake2b(form.encode(), digest_size=8).hexdigest()


@functools.lru_cache(maxsize=8192)
def _windows(text: str, length: int) -> dict[str, int]:
    """Return the digest of every stretch of that length -> where it begins first."""
    starts = range(len(text) - length, -1, -1)
    return {_digest(text[start : start + length]): start for start in starts}


@functools.lru_cache(maxsize=1024)
def _gram_digests(text: str) -> frozenset[str]:
    runs = {text[start : start + _GRAM] for start in range(max(1, len(text) - _GRAM + 1))}
    return frozenset(hashlib.blake2b(run.encode(), digest_size=3).hexdigest() for run in runs)
