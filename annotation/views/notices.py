"""One's notices; which of them come by mail; and the webhook that a project's are posted to."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from annotation.access import Permission, person, visible_receipts
from annotation.actions.deliveries import DeliveryError, try_webhook
from annotation.actions.notices import change_mail, read_notices, remove_webhook, set_webhook
from annotation.errors import Refused
from annotation.forms.notices import WebhookForm
from annotation.models import Delivery, Membership, Webhook
from annotation.views.entry import Entry, enter

ON_A_PAGE = 50
LAST = 20


@login_required
@require_safe
def notices(request: HttpRequest) -> HttpResponse:
    """Those of all one's projects, the newest first."""
    rows = visible_receipts(request.user).select_related("notice__project").order_by("-notice_id")
    page = Paginator(rows, ON_A_PAGE).get_page(request.GET.get("page"))
    return render(request, "annotation/notices.html", {"receipts": page, "page": page})


@login_required
@require_POST
def notices_read(request: HttpRequest) -> HttpResponse:
    read_notices(actor=person(request.user))
    return redirect("notices")


@login_required
@require_POST
def notice_read(request: HttpRequest, pk: int) -> HttpResponse:
    """Mark one as read; with `open` among what was sent, go on to the page that shows it."""
    receipt = get_object_or_404(visible_receipts(request.user).select_related("notice"), notice=pk)
    read_notices(actor=person(request.user), notices=[pk])
    return redirect(receipt.notice.path if "open" in request.POST else "notices")


@login_required
@require_POST
def mail(request: HttpRequest) -> HttpResponse:
    """Which projects' notices also come by mail."""
    chosen = [int(number) for number in request.POST.getlist("project") if number.isdecimal() and len(number) < 19]
    change_mail(actor=person(request.user), projects=chosen)
    messages.success(request, "Saved which notices come by mail.")
    return redirect("account")


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def webhook(request: HttpRequest, key: str) -> HttpResponse:
    """Where the project's notices are posted, and what became of the last ones."""
    entry = enter(request, key, Permission.ADMINISTER)
    known = Webhook.objects.filter(project=entry.project).first()
    if request.method != "POST":
        return _webhook(request, entry, known, WebhookForm(initial={"url": known.url if known else ""}))
    if "remove" in request.POST:
        if remove_webhook(project=entry.project, actor=entry.actor):
            messages.success(request, "The webhook is removed: nothing is posted any more.")
        return redirect("webhook", key)
    form = WebhookForm(request.POST)
    if form.is_valid():
        given = form.cleaned_data
        try:
            set_webhook(project=entry.project, url=given["url"], new_key=given["new_key"], actor=entry.actor)
        except Refused as error:
            form.add_error("url", str(error))
        else:
            messages.success(request, "The webhook is saved. Send a test to see whether it arrives.")
            return redirect("webhook", key)
    return _webhook(request, entry, known, form, 422)


def _webhook(
    request: HttpRequest, entry: Entry, known: Webhook | None, form: WebhookForm, status: int = 200
) -> HttpResponse:
    rows = Delivery.objects.filter(notice__project=entry.project).select_related("notice", "user").order_by("-pk")
    told = entry.context("settings", webhook=known, form=form, deliveries=rows[:LAST], mails=settings.EMAIL is not None)
    answer = render(request, "annotation/webhook.html", told, status=status)
    answer["Cache-Control"] = "no-store"  # the secret stands on it
    return answer


@login_required
@require_POST
def webhook_test(request: HttpRequest, key: str) -> HttpResponse:
    """Post a test at once; it takes ten seconds at most."""
    entry = enter(request, key, Permission.ADMINISTER)
    try:
        try_webhook(project=entry.project, actor=entry.actor)
    except DeliveryError as error:
        messages.error(request, f"The test did not arrive. {error}")
    else:
        messages.success(request, "The test arrived.")
    return redirect("webhook", key)


def mailed_projects(request: HttpRequest) -> dict[str, object]:
    """What the account's page says of mail."""
    mine = Membership.objects.filter(user=person(request.user)).select_related("project").order_by("project__name")
    return {"memberships": mine, "mails": settings.EMAIL is not None}
