"""Pages of a project's people, of invitations, and of links that set a password."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from annotation.access import Permission, person
from annotation.actions import people as actions
from annotation.errors import Refused
from annotation.forms.people import ROLE_WORDS, InviteForm, JoinForm, NewPasswordForm, RoleForm
from annotation.models import Invitation, Membership, Role
from annotation.views.entry import Entry, enter

BACKEND = "django.contrib.auth.backends.ModelBackend"


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def people(request: HttpRequest, key: str) -> HttpResponse:
    """The people, and an invitation by POST; its link is shown once."""
    entry = enter(request, key, Permission.ADMINISTER)
    form = InviteForm(request.POST or None)
    link = ""
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        _, secret = actions.invite_person(
            project=entry.project, role=Role(given["role"]), note=given["note"], actor=entry.actor
        )
        link = request.build_absolute_uri(reverse("invitation", args=[secret]))
        form = InviteForm()
    return _people(request, entry, form=form, link=link)


def _people(request: HttpRequest, entry: Entry, **more: Any) -> HttpResponse:
    told = entry.context(
        "people",
        members=entry.project.memberships.select_related("user").order_by("user__username"),
        invitations=entry.project.invitations.filter(
            accepted_at=None, withdrawn_at=None, ends_at__gt=timezone.now()
        ).select_related("author"),
        roles=[(role.value, role.label) for role in Role],
        role_words=ROLE_WORDS.values(),
        **({"form": InviteForm()} | more),
    )
    status = 422 if told["form"].is_bound and told["form"].errors else 200
    answer = render(request, "annotation/people.html", told, status=status)
    answer["Cache-Control"] = "no-store"  # a link may stand on it
    return answer


@login_required
@require_POST
def person_role(request: HttpRequest, key: str, pk: int) -> HttpResponse:
    entry, membership = _member(request, key, pk)
    form = RoleForm(request.POST)
    if not form.is_valid():
        messages.error(request, "There is no such role: choose one of the list.")
    else:
        try:
            actions.change_role(membership=membership, role=Role(form.cleaned_data["role"]), actor=entry.actor)
            messages.success(request, f"{membership.user.username} is now {form.cleaned_data['role']}.")
        except Refused as error:
            messages.error(request, str(error))
    return redirect("people", key)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def person_remove(request: HttpRequest, key: str, pk: int) -> HttpResponse:
    entry, membership = _member(request, key, pk)
    if request.method != "POST":
        return render(request, "annotation/person_remove.html", entry.context("people", member=membership))
    try:
        actions.remove_person(membership=membership, actor=entry.actor)
        messages.success(request, f"{membership.user.username} was removed; the labels stay.")
    except Refused as error:
        messages.error(request, str(error))
    return redirect("people", key)


@login_required
@require_POST
def person_password(request: HttpRequest, key: str, pk: int) -> HttpResponse:
    """A link that sets a new password, shown once to the administrator, who passes it on."""
    entry, membership = _member(request, key, pk)
    try:
        who, secret = actions.password_link_words(user=membership.user, actor=entry.actor)
    except PermissionDenied as error:
        messages.error(request, str(error))
        return redirect("people", key)
    link = request.build_absolute_uri(reverse("set_password", args=[who, secret]))
    return _people(request, entry, password_link=link, password_of=membership.user)


@login_required
@require_POST
def invitation_withdraw(request: HttpRequest, key: str, pk: int) -> HttpResponse:
    entry = enter(request, key, Permission.ADMINISTER)
    found = get_object_or_404(Invitation, pk=pk, project=entry.project)
    if actions.withdraw_invitation(invitation=found, actor=entry.actor):
        messages.success(request, "The invitation works no more.")
    return redirect("people", key)


def _member(request: HttpRequest, key: str, pk: int) -> tuple[Entry, Membership]:
    entry = enter(request, key, Permission.ADMINISTER)
    return entry, get_object_or_404(Membership.objects.select_related("user", "project"), pk=pk, project=entry.project)


@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def invitation(request: HttpRequest, secret: str) -> HttpResponse:
    """Where an invitation's link leads: accept it as who you are, or with a new account."""
    try:
        found = actions.open_invitation(secret)
    except Refused as error:
        return render(request, "annotation/refused.html", {"message": str(error)}, status=422)
    if request.user.is_authenticated:
        return _accept(request, secret, found)
    form = JoinForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            user = actions.join_with_new_account(
                secret=secret, username=given["username"], name=given["name"], password=given["password"]
            )
            login(request, user, backend=BACKEND)
            return redirect("overview", found.project.key)
        except Refused as error:
            form.add_error("username", str(error))
    status = 422 if form.is_bound and form.errors else 200
    return render(request, "annotation/invitation.html", {"invitation": found, "form": form}, status=status)


def _accept(request: HttpRequest, secret: str, found: Invitation) -> HttpResponse:
    if request.method != "POST":
        return render(request, "annotation/invitation.html", {"invitation": found})
    try:
        actions.accept_invitation(secret=secret, actor=person(request.user))
    except Refused as error:
        return render(request, "annotation/refused.html", {"message": str(error)}, status=422)
    return redirect("overview", found.project.key)


@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def set_password(request: HttpRequest, who: str, secret: str) -> HttpResponse:
    try:
        user = actions.open_password_link(who, secret)
        form = NewPasswordForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            actions.set_password_by_link(who=who, secret=secret, password=form.cleaned_data["password"])
            messages.success(request, "The new password is set: sign in with it.")
            return redirect("sign_in")
    except Refused as error:
        return render(request, "annotation/refused.html", {"message": str(error)}, status=422)
    status = 422 if form.is_bound and form.errors else 200
    return render(request, "annotation/set_password.html", {"form": form, "of": user}, status=status)


@require_safe
def password_help(request: HttpRequest) -> HttpResponse:
    """There is no mail server to write to: who forgot the password is told whom to ask."""
    return render(request, "annotation/password_help.html")
