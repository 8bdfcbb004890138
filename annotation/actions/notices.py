"""Notices: told once an event to a project's people, read by each, and handed on by mail and webhook where set up."""

from __future__ import annotations

from collections.abc import Collection

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from annotation.access import Actor, Permission, require, visible_receipts
from annotation.errors import Refused
from annotation.keys import new_secret
from annotation.lanes import wake_after_commit
from annotation.models import Delivery, Event, Membership, Notice, NoticeKind, Project, Receipt, Webhook
from annotation.webhooks import check_url


@transaction.atomic
def notify(*, project: Project, kind: NoticeKind, event: str, text: str, path: str) -> Notice | None:
    """Tell the people of `project`. None: this `event` was told already.

    Call it in the transaction of what happened: both are kept, or neither. `text` must name no patient and no file.
    """
    told = {"kind": kind, "text": " ".join(text.split())[:500], "path": path}
    notice, is_new = Notice.objects.get_or_create(project=project, event=event, defaults=told)
    if not is_new:
        return None
    members = list(project.memberships.filter(user__is_active=True).select_related("user"))
    Receipt.objects.bulk_create(Receipt(notice=notice, user=member.user) for member in members)
    now = timezone.now()
    waiting = [
        Delivery(notice=notice, user=member.user, due_at=now)
        for member in members
        if settings.EMAIL is not None and member.mail and member.user.email
    ]
    if Webhook.objects.filter(project=project).exists():
        waiting.append(Delivery(notice=notice, due_at=now))
    if waiting:
        Delivery.objects.bulk_create(waiting)
        wake_after_commit("annotation.tasks.deliveries")
    return notice


def read_notices(*, actor: User, notices: Collection[int] | None = None) -> int:
    """Mark as read, for `actor` alone: those with these numbers, or all. Returns how many were unread."""
    rows = visible_receipts(actor).filter(read_at=None)
    if notices is not None:
        rows = rows.filter(notice__in=notices)
    found = list(rows.values_list("pk", flat=True))
    return Receipt.objects.filter(pk__in=found, read_at=None).update(read_at=timezone.now())


@transaction.atomic
def change_mail(*, actor: User, projects: Collection[int]) -> None:
    """Notices of these projects also come to `actor` by mail, those of the others do not."""
    mine = Membership.objects.filter(user=actor)
    mine.filter(project__in=projects).update(mail=True)
    mine.exclude(project__in=projects).update(mail=False)


@transaction.atomic
def set_webhook(*, project: Project, url: str, actor: Actor, new_key: bool = False) -> Webhook:
    """Post the notices of `project` to `url`. The secret stays as it is unless a `new_key` is asked for.

    Raises Refused for an address that cannot be one.
    """
    require(actor, project, Permission.ADMINISTER)
    try:
        check_url(url, inside=settings.WEBHOOKS_INSIDE)
    except ValueError as error:
        raise Refused(str(error)) from error
    webhook, made = Webhook.objects.get_or_create(project=project, defaults={"url": url, "secret": new_secret()})
    if not made:
        webhook.url = url
        webhook.secret = new_secret() if new_key else webhook.secret
        webhook.save(update_fields=["url", "secret"])
    _record(project, actor, "webhook set")
    return webhook


@transaction.atomic
def remove_webhook(*, project: Project, actor: Actor) -> bool:
    """Post nothing any more. False: there was no webhook."""
    require(actor, project, Permission.ADMINISTER)
    gone, _ = Webhook.objects.filter(project=project).delete()
    if gone:
        _record(project, actor, "webhook removed")
    return bool(gone)


def _record(project: Project, actor: Actor, verb: str) -> None:
    """The address itself is left out: it may hold a key of its own."""
    Event.objects.create(project=project, actor_id=None if actor is None else actor.pk, verb=verb)
