"""Entering a project: who comes, which project it is, and what that person may do there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User
from django.http import HttpRequest

from annotation.access import Permission, find_project, permissions_of, person
from annotation.models import Project


@dataclass(frozen=True, slots=True)
class Entry:
    """What each page of a project starts from. `can` holds the permissions as words: {% if "run" in can %}."""

    actor: User
    project: Project
    can: frozenset[Permission]

    def context(self, room: str, **more: Any) -> dict[str, Any]:
        """For the template; `room` is the entry of the project's menu that the page belongs to."""
        return {"project": self.project, "can": self.can, "room": room, **more}


def enter(request: HttpRequest, key: str, permission: Permission = Permission.VIEW) -> Entry:
    """Raises Http404 for an outsider, PermissionDenied for a member without `permission`."""
    actor = person(request.user)
    project = find_project(actor, key, permission)
    return Entry(actor, project, permissions_of(actor, project))
