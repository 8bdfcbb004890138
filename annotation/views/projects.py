"""A new project."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from annotation.access import person, require_create_projects
from annotation.actions.projects import create_project
from annotation.errors import Refused
from annotation.forms.projects import NewProjectForm


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def new_project(request: HttpRequest) -> HttpResponse:
    actor = person(request.user)
    require_create_projects(actor)
    sent = request.method == "POST"
    form = NewProjectForm(request.POST, request.FILES) if sent else NewProjectForm()
    if sent and form.is_valid():
        given = form.cleaned_data
        words = ("name", "ontology", "um_per_px", "weak_shape", "public")
        try:
            project = create_project(**{word: given[word] for word in words}, actor=actor, client="page")
        except Refused as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, f"{project.name} is made. Upload its first fields next.")
            return redirect("overview", project.key)
    status = 422 if sent else 200
    return render(request, "annotation/new_project.html", {"form": form}, status=status)
