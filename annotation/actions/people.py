"""A project's people: invited by a link, given another role, removed; and links that set a new password."""

from __future__ import annotations

from datetime import timedelta

from django.contrib.auth.models import User
from django.contrib.auth.tokens import default_token_generator
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone
from django.utils.encoding import force_bytes, force_str
from django.utils.http import urlsafe_base64_decode, urlsafe_base64_encode

from annotation.access import Actor, Permission, require
from annotation.errors import Refused
from annotation.keys import hashed, new_secret
from annotation.models import Event, Invitation, Membership, Project, Role

INVITATION_LASTS = timedelta(days=7)


class PeopleError(Refused):
    """Something about people cannot be done; the text says why."""


@transaction.atomic
def invite_person(*, project: Project, role: Role, note: str = "", actor: Actor) -> tuple[Invitation, str]:
    """An invitation, and the secret of its link, which is told only here. It works once, for seven days."""
    require(actor, project, Permission.ADMINISTER)
    secret = new_secret()
    invitation = Invitation.objects.create(
        project=project,
        role=role,
        note=note[:200],
        secret_sha256=hashed(secret),
        author_id=_id(actor),
        ends_at=timezone.now() + INVITATION_LASTS,
    )
    _record(project, actor, "invited", {"invitation": invitation.pk, "role": role})
    return invitation, secret


def open_invitation(secret: str) -> Invitation:
    """The invitation of a link. Raises PeopleError when it is unknown, used, withdrawn or has ended."""
    found = Invitation.objects.select_related("project").filter(secret_sha256=hashed(secret)).first()
    if found is None:
        raise PeopleError("This invitation is unknown: check that the whole link was copied.")
    if found.accepted_at is not None:
        raise PeopleError("This invitation was used already: sign in, or ask for a new one.")
    if found.withdrawn_at is not None or found.ends_at <= timezone.now():
        raise PeopleError("This invitation has ended: ask for a new one.")
    return found


@transaction.atomic
def accept_invitation(*, secret: str, actor: User) -> Membership:
    """Make `actor` a member. Who is one already keeps the role; the invitation stays for somebody else."""
    invitation = open_invitation(secret)
    project = invitation.project
    if project.memberships.filter(user=actor).exists():
        raise PeopleError(f"You are one of the people of {project.name} already: open it from your projects.")
    taken = Invitation.objects.filter(pk=invitation.pk, accepted_at=None, withdrawn_at=None).update(
        accepted_at=timezone.now(), accepted_by=actor
    )
    if not taken:
        raise PeopleError("This invitation was used already: sign in, or ask for a new one.")
    membership = Membership.objects.create(project=project, user=actor, role=invitation.role)
    _record(project, actor, "joined", {"invitation": invitation.pk, "role": invitation.role})
    return membership


@transaction.atomic
def join_with_new_account(*, secret: str, username: str, name: str, password: str) -> User:
    """An account for who holds an open invitation, already a member. Raises PeopleError for a name that is taken."""
    open_invitation(secret)
    if User.objects.filter(username__iexact=username).exists():
        raise PeopleError(f"The name {username!r} is taken: choose another, or sign in if it is yours.")
    first, _, last = name.strip().partition(" ")
    user = User.objects.create_user(username, password=password, first_name=first[:150], last_name=last[:150])
    accept_invitation(secret=secret, actor=user)
    return user


@transaction.atomic
def withdraw_invitation(*, invitation: Invitation, actor: Actor) -> bool:
    """False: it was used or withdrawn already."""
    require(actor, invitation.project, Permission.ADMINISTER)
    open_ones = Invitation.objects.filter(pk=invitation.pk, accepted_at=None, withdrawn_at=None)
    if not open_ones.update(withdrawn_at=timezone.now()):
        return False
    _record(invitation.project, actor, "invitation withdrawn", {"invitation": invitation.pk})
    return True


@transaction.atomic
def change_role(*, membership: Membership, role: Role, actor: Actor) -> Membership:
    """Raises PeopleError where it would leave the project without an administrator."""
    require(actor, membership.project, Permission.ADMINISTER)
    if role != Role.ADMINISTRATOR:
        _keep_an_administrator(membership)
    old, membership.role = membership.role, role
    membership.save(update_fields=["role"])
    _record(membership.project, actor, "role changed", {"user": membership.user_id, "role": role}, {"role": old})
    return membership


@transaction.atomic
def remove_person(*, membership: Membership, actor: Actor) -> None:
    """Who is removed sees nothing of the project any more; what that person labelled stays, with the name."""
    require(actor, membership.project, Permission.ADMINISTER)
    _keep_an_administrator(membership)
    _record(membership.project, actor, "removed", None, {"user": membership.user_id, "role": membership.role})
    membership.delete()


def _keep_an_administrator(membership: Membership) -> None:
    Project.objects.select_for_update(no_key=True).get(pk=membership.project_id)
    others = Membership.objects.filter(project_id=membership.project_id, role=Role.ADMINISTRATOR, user__is_active=True)
    if membership.role == Role.ADMINISTRATOR and not others.exclude(pk=membership.pk).exists():
        raise PeopleError("A project needs an administrator: give somebody else that role first.")


def password_link_words(*, user: User, actor: Actor) -> tuple[str, str]:
    """The two words of a link that sets a new password of `user`, once, within three days.

    The operator and the administrator of the installation may make one for everybody; the administrator of a project
    only for people who have no rights beyond the projects that this administrator administers: else the link would be
    a way into other projects. Raises PermissionDenied.
    """
    if actor is not None and not actor.is_superuser:
        administered = Membership.objects.filter(user=actor, role=Role.ADMINISTRATOR, user__is_active=True)
        beyond = Membership.objects.filter(user=user).exclude(project__in=administered.values("project"))
        within = Membership.objects.filter(user=user, project__in=administered.values("project"))
        more = user.is_superuser or user.is_staff or bool(user.get_all_permissions())
        if more or beyond.exists() or not within.exists():
            raise PermissionDenied(
                "This person also works where you are no administrator: ask the administrator of this installation."
            )
    return urlsafe_base64_encode(force_bytes(user.pk)), default_token_generator.make_token(user)


def open_password_link(who: str, secret: str) -> User:
    """The person whose password a link sets. Raises PeopleError when the link is unknown, used or too old."""
    try:
        user = User.objects.filter(pk=int(force_str(urlsafe_base64_decode(who))), is_active=True).first()
    except (ValueError, OverflowError):
        user = None
    if user is None or not default_token_generator.check_token(user, secret):
        raise PeopleError("This link was used already or is too old: ask an administrator for a new one.")
    return user


@transaction.atomic
def set_password_by_link(*, who: str, secret: str, password: str) -> User:
    """Sets the password; the link is then used up, and sessions of the old password end."""
    user = open_password_link(who, secret)
    user.set_password(password)
    user.save(update_fields=["password"])
    return user


def change_name(*, actor: User, first_name: str, last_name: str, email: str) -> None:
    """How others see the person, and where mail would go."""
    actor.first_name, actor.last_name, actor.email = first_name, last_name, email
    actor.save(update_fields=["first_name", "last_name", "email"])


def _id(actor: Actor) -> int | None:
    return None if actor is None else actor.pk


def _record(
    project: Project, actor: Actor, verb: str, after: dict[str, object] | None, before: dict[str, object] | None = None
) -> None:
    Event.objects.create(project=project, actor_id=_id(actor), verb=verb, before=before, after=after)
