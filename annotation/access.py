"""Who may do what: asked here and nowhere else.

An actor is a signed-in person, or None: the operator at the command line, who can read the database file anyway.
"""

from __future__ import annotations

from enum import StrEnum

from django.contrib.auth.models import AnonymousUser, User
from django.core.exceptions import PermissionDenied
from django.db.models import F, Q, QuerySet
from django.http import Http404

from annotation.blinding import is_chosen
from annotation.models import Field, Membership, Project, Reading, ReadingState, Receipt, Role, Source

Actor = User | None


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


def role_of(actor: Actor, project: Project) -> Role | None:
    """The actor's role in `project`. The administrator of the installation is one in every project."""
    if actor is None:
        return Role.ADMINISTRATOR
    if not actor.is_active:
        return None
    if actor.is_superuser:
        return Role.ADMINISTRATOR
    role = Membership.objects.filter(project=project, user_id=actor.pk).values_list("role", flat=True).first()
    return None if role is None else Role(role)


def may(actor: Actor, project: Project, permission: Permission) -> bool:
    role = role_of(actor, project)
    return role is not None and permission in PERMISSIONS[role]


def permissions_of(actor: Actor, project: Project) -> frozenset[Permission]:
    """All that `actor` may in `project`, by one query: what a page shows and hides by."""
    role = role_of(actor, project)
    return frozenset() if role is None else PERMISSIONS[role]


def may_create_projects(actor: Actor) -> bool:
    """The operator, the administrator of the installation, and whoever was given `annotation.add_project`."""
    return actor is None or actor.has_perm("annotation.add_project")


def require_create_projects(actor: Actor) -> None:
    if not may_create_projects(actor):
        raise PermissionDenied("You may not create projects: ask the administrator of this installation.")


def person(user: User | AnonymousUser) -> User:
    """The signed-in person of a request. Raises PermissionDenied for nobody, who must never pass for the operator."""
    if not isinstance(user, User) or not user.is_authenticated:
        raise PermissionDenied("Sign in first.")
    return user


def visible_projects(user: User | AnonymousUser) -> QuerySet[Project]:
    """The projects that a signed-in person sees at all."""
    actor = person(user)
    if actor.is_superuser:
        return Project.objects.all()
    return Project.objects.filter(memberships__user_id=actor.pk) if actor.is_active else Project.objects.none()


def find_project(user: User | AnonymousUser, key: str, permission: Permission = Permission.VIEW) -> Project:
    """The project of an address. An outsider learns nothing (Http404), a member without the right is told so."""
    project = visible_projects(user).filter(key=key).first()
    if project is None:
        raise Http404("There is no such project, or you are not one of its people.")
    require(person(user), project, permission)
    return project


def visible_readings(user: User | AnonymousUser, project: Project) -> QuerySet[Reading]:
    """The readings of `project` that a person may look at. Readers stay blind: to labels that are kept aside all are,
    and to what others drew on the same field as long as it is not the current reading, all but reviewers."""
    actor = person(user)
    rows = Reading.objects.filter(field__project=project).exclude(
        Q(state=ReadingState.SEALED) | Q(source=Source.ORACLE)
    )
    if may(actor, project, Permission.REVIEW):
        return rows
    return rows.filter(Q(author=actor) | Q(field__current_reading=F("pk")))


def visible_receipts(user: User | AnonymousUser) -> QuerySet[Receipt]:
    """A person's own notices, of the projects whose people they still belong to."""
    actor = person(user)
    return Receipt.objects.filter(user=actor, notice__project__memberships__user=actor)


def find_reading(user: User | AnonymousUser, pk: int, permission: Permission = Permission.VIEW) -> Reading:
    """The reading of an address, its field and project along. Raises as `find_project` does.

    Each save asks this, so the rule of `visible_readings` is told of the one row here: two queries in place of five.
    """
    actor = person(user)
    reading = Reading.objects.select_related("field__project", "author").filter(pk=pk).first()
    allowed = frozenset[Permission]() if reading is None else permissions_of(actor, reading.field.project)
    if allowed and permission not in allowed:
        raise PermissionDenied(_refusal(permission))
    if reading is None or not allowed or not _may_see(actor, reading, allowed):
        raise Http404("There is no such reading, or it is not yours to see.")
    return reading


def _may_see(actor: User, reading: Reading, allowed: frozenset[Permission]) -> bool:
    """Whether `reading` is one of `visible_readings`."""
    if reading.state == ReadingState.SEALED or reading.source == Source.ORACLE:
        return False
    mine_or_current = reading.author_id == actor.pk or reading.field.current_reading_id == reading.pk
    return Permission.REVIEW in allowed or mine_or_current


def may_see_predictions(actor: Actor, field: Field) -> bool:
    """Whether `actor` is shown what models suggest on `field`.

    On fields that are read blind a person who labels is not, until a reading of theirs is submitted. Whoever opens
    one after somebody else's became current could have seen them before, and is shown them.
    """
    project = field.project
    if actor is None or not may(actor, project, Permission.LABEL):
        return True
    mine = field.readings.filter(author_id=actor.pk, source=Source.DRAWN)
    opened = mine.filter(state=ReadingState.OPEN).order_by("-pk").first()
    if opened is not None:
        return not opened.is_blind
    return not begins_blind(actor, field)


def begins_blind(actor: Actor, field: Field) -> bool:
    """Whether a reading that `actor` begins on `field` now is one without predictions."""
    if field.current_reading_id is not None or not is_chosen(field.project_id, field.code, field.project.blind_share):
        return False
    return not field.readings.filter(author_id=None if actor is None else actor.pk, source=Source.DRAWN).exists()


def require(actor: Actor, project: Project, permission: Permission) -> None:
    """Raises PermissionDenied, in words for the person, unless `actor` may."""
    if not may(actor, project, permission):
        raise PermissionDenied(_refusal(permission))


def _refusal(permission: Permission) -> str:
    return f"You may not {permission} in this project: ask one of its administrators for the role."
