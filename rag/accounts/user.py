"""The nouns: a user, his role, and what he may do.

What a role may do and which documents it may read are two things. An administrator may do what the QA team may, and both may do
what staff may. A document is open to the departments of its audience, whatever the role; the one exception is an administrator,
who manages every document and so may read every one. The QA team reads the documents of its own departments only.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum

from rag.documents import COMMAND_LINE, Asker
from rag.errors import NotAllowedError

MAX_NAME_CHARS = 64


class Role(StrEnum):
    """What a user is to しるべ."""

    STAFF = "staff"
    ADMIN = "admin"
    QA = "qa"

    @property
    def label(self) -> str:
        """The Japanese name that people see."""
        return {"staff": "職員", "admin": "管理者", "qa": "QA 担当"}[self.value]

    def covers(self, wanted: Role) -> bool:
        """Tell whether this role may do what another may.

        >>> [[role.value for role in Role if role.covers(wanted)] for wanted in (Role.STAFF, Role.QA, Role.ADMIN)]
        [['staff', 'admin', 'qa'], ['admin', 'qa'], ['admin']]
        """
        return self is wanted or self is Role.ADMIN or wanted is Role.STAFF


@dataclass(frozen=True, slots=True)
class User:
    """Someone who uses しるべ. departments: whose documents he may read, beside those open to all staff.

    is_local: sits at the machine itself, without accounts: may do everything, but reads only what is open to all staff.
    """

    name: str
    display_name: str
    role: Role
    departments: tuple[str, ...] = ()
    is_local: bool = False

    @property
    def asker(self) -> Asker:
        """How retrieval knows this user: by what he may read."""
        if self.role is Role.ADMIN and not self.is_local:
            return COMMAND_LINE
        return Asker(self.departments)

    def as_dict(self) -> dict[str, object]:
        """Return the JSON form."""
        return {
            "name": self.name,
            "display_name": self.display_name,
            "role": self.role.value,
            "departments": list(self.departments),
        }


def require(user: User, *roles: Role) -> User:
    """Return the user where his role covers one of these; raise NotAllowedError where it covers none."""
    if any(user.role.covers(role) for role in roles):
        return user
    names = "か".join(role.label for role in roles)
    raise NotAllowedError(
        "この操作をする権限がありません。", f"{names}の権限が必要です。必要なときは、しるべの管理者に頼んでください。"
    )


def name_key(name: str) -> str:
    """Return the form in which names of users are compared: width and letter case make no difference.

    >>> name_key(" Ｔａｒｏ ") == name_key("taro")
    True
    """
    return unicodedata.normalize("NFKC", name).strip().casefold()


def split_departments(text: str) -> tuple[str, ...]:
    """Return the departments of a text, as they are written in metadata.csv.

    >>> split_departments("税務課・ 町民課, 税務課")
    ('税務課', '町民課')
    """
    names = (name.strip() for name in re.split(r"[・･、,，;/／\n]", unicodedata.normalize("NFC", text)))
    return tuple(dict.fromkeys(name for name in names if name))
