"""Carrying notices out by mail and webhook: claimed by compare-and-swap, tried again with growing pauses, given up.

A delivery whose worker died while it was sending is not sent again: nobody can know whether it arrived, and nobody
should be told twice.
"""

from __future__ import annotations

import json
import logging
import time
import uuid
from datetime import timedelta
from smtplib import SMTPException
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.utils import timezone

from annotation.access import Actor, Permission, require
from annotation.models import Delivery, DeliveryState, Membership, Notice, Project, Webhook
from annotation.webhooks import PATIENCE, WebhookError, post, sign

# Pauses after the first, second... try that failed; after the last the delivery is given up.
PAUSES = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 30, 120))
# Whoever has been sending for so long is no more.
LEASE = timedelta(minutes=5)

_log = logging.getLogger(__name__)


class DeliveryError(Exception):
    """It did not go out this time; the text says why, in words for the administrators of the project."""


class NoReceiverError(DeliveryError):
    """There is nobody to send it to any more: it is not tried again."""


def take_delivery() -> bool:
    """Send one notice that waits. False: none does just now."""
    now = timezone.now()
    Delivery.objects.filter(state=DeliveryState.SENDING, due_at__lt=now).update(
        state=DeliveryState.FAILED, error="The worker ended while it was sending: it may have arrived or not."
    )
    waiting = Delivery.objects.filter(state=DeliveryState.QUEUED, due_at__lte=now).order_by("due_at", "pk")
    delivery = waiting.select_related("notice__project", "user").first()
    if delivery is None:
        return False
    if claim(delivery):
        _send(delivery)
    return True


def claim(delivery: Delivery) -> bool:
    """Whether it is ours to send. False: another worker was faster."""
    mine = Delivery.objects.filter(pk=delivery.pk, state=DeliveryState.QUEUED, attempt=delivery.attempt)
    until, attempt = timezone.now() + LEASE, delivery.attempt + 1
    if not mine.update(state=DeliveryState.SENDING, attempt=attempt, due_at=until):
        return False
    delivery.state, delivery.attempt, delivery.due_at = DeliveryState.SENDING, attempt, until
    return True


def _send(delivery: Delivery) -> None:
    try:
        if delivery.user is None:
            _send_to_webhook(delivery)
        else:
            _send_by_mail(delivery)
    except NoReceiverError as error:
        _settle(delivery, state=DeliveryState.FAILED, error=str(error))
    except DeliveryError as error:
        _try_again(delivery, str(error))
    else:
        _settle(delivery, state=DeliveryState.SENT, error="", sent_at=timezone.now())


def _try_again(delivery: Delivery, why: str) -> None:
    _log.warning("delivery %s did not go out at attempt %s: %s", delivery.pk, delivery.attempt, why)
    if delivery.attempt > len(PAUSES):
        _settle(delivery, state=DeliveryState.FAILED, error=why)
    else:
        due = timezone.now() + PAUSES[delivery.attempt - 1]
        _settle(delivery, state=DeliveryState.QUEUED, error=why, due_at=due)


def _settle(delivery: Delivery, *, error: str, **values: Any) -> None:
    """Only who holds the attempt writes how it ended."""
    mine = Delivery.objects.filter(pk=delivery.pk, state=DeliveryState.SENDING, attempt=delivery.attempt)
    mine.update(error=error[:300], **values)


def _send_by_mail(delivery: Delivery) -> None:
    notice, server = delivery.notice, settings.EMAIL
    member = Membership.objects.filter(
        project=notice.project_id, user=delivery.user_id, user__is_active=True
    ).select_related("user")
    to = member.first()
    if to is None:
        raise NoReceiverError("This person has left the project.")
    if server is None or not to.mail or not to.user.email:
        raise NoReceiverError("This person wants no mail, or no mail is set up any more.")
    line = get_connection(
        "django.core.mail.backends.smtp.EmailBackend",
        host=server.host,
        port=server.port,
        username=server.user,
        password=server.password,
        use_tls=server.security == "starttls",
        use_ssl=server.security == "tls",
        timeout=PATIENCE,
    )
    mail = EmailMessage(
        subject=f"{notice.project.name}: {notice.get_kind_display()}".replace("\n", " ").replace("\r", " "),
        body=f"{notice.text}\n\n{settings.ADDRESS}{notice.path}\n\n"
        f"You get this as one of the people of the project. To end it: {settings.ADDRESS}/account/\n",
        from_email=settings.EMAIL_FROM,
        to=[to.user.email],
        headers={"Message-ID": f"<{delivery.uuid}@marrowloop>", "Auto-Submitted": "auto-generated"},
        connection=line,
    )
    try:
        mail.send()
    except (SMTPException, OSError, ValueError) as error:
        raise DeliveryError(f"The mail server did not take it ({type(error).__name__}).") from error


def _send_to_webhook(delivery: Delivery) -> None:
    webhook = Webhook.objects.filter(project=delivery.notice.project_id).first()
    if webhook is None:
        raise NoReceiverError("The webhook was removed.")
    _post(webhook, delivery.uuid, _told(delivery.notice))


def try_webhook(*, project: Project, actor: Actor) -> None:
    """Post a notice of kind "test" now. Raises DeliveryError with the reason where it does not arrive."""
    require(actor, project, Permission.ADMINISTER)
    webhook = Webhook.objects.filter(project=project).first()
    if webhook is None:
        raise DeliveryError("There is no webhook yet: save its address first.")
    told = {"kind": "test", "project": project.key, "text": "A test of the webhook.", "url": f"{settings.ADDRESS}/"}
    _post(webhook, uuid.uuid4(), told | {"at": timezone.now().isoformat()})


def _told(notice: Notice) -> dict[str, str]:
    return {
        "kind": notice.kind,
        "project": notice.project.key,
        "text": notice.text,
        "url": settings.ADDRESS + notice.path,
        "at": notice.created_at.isoformat(),
    }


def _post(webhook: Webhook, number: uuid.UUID, told: dict[str, str]) -> None:
    body = json.dumps({"id": str(number)} | told).encode()
    timestamp = str(int(time.time()))
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Marrowloop",
        "X-Marrowloop-Delivery": str(number),
        "X-Marrowloop-Timestamp": timestamp,
        "X-Marrowloop-Signature": f"sha256={sign(webhook.secret, timestamp, body)}",
    }
    try:
        post(webhook.url, body, headers, inside=settings.WEBHOOKS_INSIDE)
    except WebhookError as error:
        raise DeliveryError(str(error)) from error
