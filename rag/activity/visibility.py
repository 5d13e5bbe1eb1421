"""Who sees the questions that others asked: the setting questions_visible_to, each step open to more people."""

from __future__ import annotations

from dataclasses import dataclass

from rag.activity.records import AskedQuestion

ADMIN, QA, DEPARTMENT = "admin", "qa", "department"


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who looks at what was asked."""

    is_admin: bool = False
    is_qa: bool = False
    departments: tuple[str, ...] = ()


def may_see(viewer: Viewer, asked: AskedQuestion, visible_to: str) -> bool:
    """Tell whether a viewer sees a question: administrators always, the QA team and the departments concerned by the setting."""
    if viewer.is_admin:
        return True
    if viewer.is_qa and visible_to in (QA, DEPARTMENT):
        return True
    concerned = {asked.department, asked.in_charge} & set(viewer.departments)
    return bool(concerned) and visible_to == DEPARTMENT
