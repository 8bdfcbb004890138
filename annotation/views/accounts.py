"""Pages of one's own account: name, password, tokens."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.decorators import login_required
from django.contrib.auth.forms import PasswordChangeForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from annotation.access import person
from annotation.actions.people import change_name
from annotation.actions.tokens import make_token, withdraw_token
from annotation.errors import Refused
from annotation.forms.people import NameForm, TokenForm
from annotation.models import Scope, Token
from annotation.views.notices import mailed_projects


@sensitive_post_parameters()
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def account(request: HttpRequest) -> HttpResponse:
    """Two forms; the button's name says which was sent."""
    actor = person(request.user)
    naming = "first_name" in request.POST
    known = {"first_name": actor.first_name, "last_name": actor.last_name, "email": actor.email}
    names = NameForm(request.POST if naming else None, initial=known)
    password = PasswordChangeForm(actor, request.POST if request.POST and not naming else None)
    if naming and names.is_valid():
        change_name(actor=actor, **names.cleaned_data)
        messages.success(request, "Your name was saved.")
        return redirect("account")
    if request.POST and not naming and password.is_valid():
        update_session_auth_hash(request, password.save())
        messages.success(request, "Your password was changed; other browsers are signed out.")
        return redirect("account")
    status = 422 if request.method == "POST" else 200
    told = {"names": names, "password": password} | mailed_projects(request)
    return render(request, "annotation/account.html", told, status=status)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def tokens(request: HttpRequest) -> HttpResponse:
    actor = person(request.user)
    form = TokenForm(request.POST or None)
    made, secret = None, ""
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            made, secret = make_token(actor=actor, name=given["name"], scope=Scope(given["scope"]), days=given["days"])
            form = TokenForm()
        except Refused as error:
            form.add_error(None, str(error))
    known = actor.tokens.filter(withdrawn_at=None).order_by("-id")
    told = {"form": form, "tokens": known, "made": made, "secret": secret, "now": timezone.now()}
    status = 422 if form.is_bound and form.errors else 200
    answer = render(request, "annotation/tokens.html", told, status=status)
    answer["Cache-Control"] = "no-store"
    return answer


@login_required
@require_POST
def token_withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    actor = person(request.user)
    token = get_object_or_404(Token, pk=pk, user=actor)
    if withdraw_token(token=token, actor=actor):
        messages.success(request, f"The token {token.name} works no more.")
    return redirect("tokens")
