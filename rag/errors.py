"""Every error that しるべ raises on purpose.

    RagError                      what happened, to which thing, what to do next (Japanese)
    ├── SettingsError             a setting is unknown or has a wrong value
    ├── ReadingError              one file cannot be read (becomes a listed Problem while indexing)
    ├── EmbedderError             an embedding or reranking model is missing, broken or of another kind or dimension
    ├── IndexError_               the index as a whole
    │   ├── IndexMissingError     nothing has been indexed there yet
    │   ├── IndexMismatchError    built with another embedder, tokenizer or format
    │   ├── IndexLockedError      another process is writing; says who
    │   ├── IndexBuildError       a new snapshot failed its checks and was not published
    │   ├── IndexCancelledError   a run was stopped on request; nothing was published
    │   └── RemovalGuardError     the run would remove more documents than the guard allows
    ├── AdaptationError           the embedder cannot be adapted to this corpus
    ├── LibraryError              a file or table of the corpus cannot be changed that way
    ├── QuestionSetError          a question set or batch file cannot be used
    ├── ActivityError             what was remembered of the use cannot be read or written
    ├── PersonalDataError         a text holds personal data, and the settings say to send none
    ├── AccountError              a user cannot be registered or changed as asked, or the register cannot be read
    ├── NotAllowedError           the person who asks may not do this
    │   └── NotSignedInError      nobody has signed in, or the session has ended
    └── UsageError                a command was called in a way that cannot work

`str(error)` is one line for people; `error.hint` is the next step.
"""

from __future__ import annotations

from typing import Any


class RagError(Exception):
    """Carry a message (what happened, to which thing) and a hint (what to do next), both in Japanese."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n対処: {self.hint}"

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel between processes whole: the default would call the class with the message alone."""
        return _restore, (type(self), self.args, vars(self))


def _restore(kind: type[RagError], args: tuple[Any, ...], values: dict[str, Any]) -> RagError:
    error = kind.__new__(kind, *args)
    vars(error).update(values)
    return error


class SettingsError(RagError):
    """A setting is unknown or has a wrong value."""


class ReadingError(RagError):
    """One file cannot be read.

    `code` is the stable name of the reason (encrypted, truncated, no_text, unknown_format, encoding, …).
    """

    def __init__(self, message: str, hint: str, *, code: str) -> None:
        super().__init__(message, hint)
        self.code = code


class EmbedderError(RagError):
    """An embedding or reranking model is missing, broken or of another kind or dimension."""


class IndexError_(RagError):
    """The index as a whole cannot be used or built."""


class IndexMissingError(IndexError_):
    """Nothing has been indexed there yet."""


class IndexMismatchError(IndexError_):
    """The index was built with another embedder, tokenizer or format."""


class IndexLockedError(IndexError_):
    """Another process is writing the index."""


class IndexBuildError(IndexError_):
    """A new snapshot failed its checks and was not published."""


class IndexCancelledError(IndexError_):
    """A run was stopped on request; nothing was published."""


class RemovalGuardError(IndexError_):
    """The run would remove more documents than the guard allows."""


class AdaptationError(RagError):
    """The embedder cannot be adapted to this corpus."""


class LibraryError(RagError):
    """A file or table of the corpus cannot be changed that way; nothing was changed."""


class QuestionSetError(RagError):
    """A question set or batch file cannot be used."""


class ActivityError(RagError):
    """What was remembered of the use (activity, questions registry, reviewed answers) cannot be read or written."""


class PersonalDataError(RagError):
    """A text holds personal data, and the settings say that none is sent to an LLM."""


class AccountError(RagError):
    """A user cannot be registered or changed as asked, or the register cannot be read."""


class NotAllowedError(RagError):
    """The person who asks may not do this."""


class NotSignedInError(NotAllowedError):
    """Nobody has signed in, or the session has ended."""


class UsageError(RagError):
    """A command was called in a way that cannot work."""
