"""Who may do what: asked here and nowhere else.

An actor is a signed-in person, or None: the operator at the command line, who can read the database file anyway.
"""

from __future__ import annotations

from enum import StrEnum

from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import PermissionDenied

from annotation.models import Membership, Project, Role

Actor = AbstractBaseUser | None


class Permission(StrEnum):
    VIEW = "view"
    LABEL = "label"
    REVIEW = "review"
    RUN = "run"
    ADMINISTER = "administer"


_LABELLING = frozenset({Permission.VIEW, Permission.LABEL})
PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.ANNOTATOR: _LABELLING,
    Role.REVIEWER: _LABELLING | {Permission.REVIEW},
    Role.ENGINEER: frozenset({Permission.VIEW, Permission.RUN}),
    Role.ADMINISTRATOR: frozenset(Permission),
}


def may(actor: Actor, project: Project, permission: Permission) -> bool:
    if actor is None:
        return True
    if not actor.is_active:
        return False
    role = Membership.objects.filter(project=project, user_id=actor.pk).values_list("role", flat=True).first()
    return role is not None and permission in PERMISSIONS[Role(role)]


def require(actor: Actor, project: Project, permission: Permission) -> None:
    """Raises PermissionDenied, in words for the person, unless `actor` may."""
    if not may(actor, project, permission):
        raise PermissionDenied(f"You may not {permission} in this project: ask one of its administrators for the role.")
