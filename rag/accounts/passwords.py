"""Passwords: argon2id hashes, what a new password must be, and passwords made by chance."""

from __future__ import annotations

import secrets
import threading
import unicodedata
from typing import Any

from rag.accounts.user import name_key
from rag.errors import AccountError

MIN_PASSWORD_CHARS = 10
MAX_PASSWORD_CHARS = 200
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"  # without what is mistaken for something else on paper
_GROUPS, _GROUP_CHARS = 4, 5
_AT_ONCE = 2
"""An argon2 hash takes 64 MiB and tens of milliseconds: so many are computed at a time, however many people sign in."""


class Passwords:
    """Hash and check passwords. hasher: an `argon2.PasswordHasher`; its defaults are the RFC 9106 low-memory parameters."""

    def __init__(self, hasher: Any = None) -> None:
        from argon2 import PasswordHasher

        self._hasher = hasher or PasswordHasher()
        self._turns = threading.BoundedSemaphore(_AT_ONCE)
        self._nobody = self._hasher.hash(secrets.token_urlsafe(16))

    def hash(self, password: str) -> str:
        """Return the hash of a password, with its salt and parameters."""
        with self._turns:
            return str(self._hasher.hash(_normal_form(password)))

    def verify(self, hash_: str | None, password: str) -> bool:
        """Tell whether a password belongs to a hash; takes as long where there is no hash, and then is never true."""
        from argon2.exceptions import InvalidHashError, VerificationError

        if len(password) > MAX_PASSWORD_CHARS:
            return False
        try:
            with self._turns:
                self._hasher.verify(hash_ or self._nobody, _normal_form(password))
        except (VerificationError, InvalidHashError):
            return False
        return hash_ is not None

    def is_outdated(self, hash_: str) -> bool:
        """Tell whether a hash was made with weaker parameters than those of today."""
        return bool(self._hasher.check_needs_rehash(hash_))


def check_new_password(name: str, password: str) -> None:
    """Raise AccountError for a password that is too short, too long, the user's name or one character again and again."""
    chars = len(password)
    if not MIN_PASSWORD_CHARS <= chars <= MAX_PASSWORD_CHARS:
        raise AccountError(
            f"パスワードの長さが合いません（{chars}文字）。",
            f"{MIN_PASSWORD_CHARS}文字以上{MAX_PASSWORD_CHARS}文字以内にしてください。文を並べたものが覚えやすく安全です。",
        )
    if name_key(name) in name_key(password) or len(set(password)) < 4:
        raise AccountError("推測されやすいパスワードです。", "利用者の名前や同じ文字の繰り返しを避けてください。")


def generate_password() -> str:
    """Return a password of four groups of five characters: 99 bits of chance."""
    groups = ("".join(secrets.choice(_ALPHABET) for _ in range(_GROUP_CHARS)) for _ in range(_GROUPS))
    return "-".join(groups)


def _normal_form(password: str) -> str:
    """Return the one form of a password: an input method may write the same characters in full width."""
    return unicodedata.normalize("NFKC", password)
