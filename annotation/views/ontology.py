"""The classes of a project: the tree, and one class with its guideline and its reference cells."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from annotation.access import Permission
from annotation.actions.classes import change_class, make_class, remove_reference, restore_class, retire_class
from annotation.errors import Refused
from annotation.forms.projects import ClassForm, NewClassForm
from annotation.models import CellClass, ReferenceCell
from annotation.tallies import tally
from annotation.tree import in_tree_order
from annotation.views.entry import Entry, enter

MOST_REFERENCES = 60


@login_required
@require_safe
def ontology(request: HttpRequest, key: str) -> HttpResponse:
    entry = enter(request, key)
    cells = tally(entry.project).whole.cells
    rows = [(place, cells.get(place.cell_class.pk, 0)) for place in in_tree_order(entry.project.classes.all())]
    told = entry.context(
        "settings",
        offered=[row for row in rows if row[0].cell_class.retired_at is None],
        retired=[row for row in rows if row[0].cell_class.retired_at is not None],
    )
    return render(request, "annotation/ontology.html", told)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def new_class(request: HttpRequest, key: str) -> HttpResponse:
    entry = enter(request, key, Permission.ADMINISTER)
    sent = request.method == "POST"
    form = NewClassForm(request.POST if sent else None, project=entry.project, initial={"colour": "#0072b2"})
    if sent and form.is_valid():
        given = form.cleaned_data
        try:
            made = make_class(
                project=entry.project,
                change=form.change(),
                parent=given["parent"],
                kind=given["kind"],
                actor=entry.actor,
                client="page",
            )
        except Refused as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, f"{made.name} is class {made.number} now.")
            return redirect("ontology", key)
    told = entry.context("settings", form=form)
    return render(request, "annotation/new_class.html", told, status=422 if sent else 200)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def cell_class(request: HttpRequest, key: str, number: int) -> HttpResponse:
    sent = request.method == "POST"
    entry, row = _class(request, key, number, Permission.ADMINISTER if sent else Permission.VIEW)
    form = ClassForm(request.POST) if sent else ClassForm.of(row)
    if sent and form.is_valid():
        try:
            change_class(cell_class=row, change=form.change(), actor=entry.actor, client="page")
        except Refused as error:
            form.add_error(None, str(error))
            row.refresh_from_db()
        else:
            messages.success(request, f"{row.name} is saved.")
            return redirect("ontology", key)
    references = (
        ReferenceCell.objects.filter(cell_class=row)
        .select_related("cell__reading__field", "author")
        .order_by("id")[:MOST_REFERENCES]
    )
    told = entry.context("settings", form=form, row=row, references=references)
    return render(request, "annotation/cell_class.html", told, status=422 if sent else 200)


@login_required
@require_POST
def class_retire(request: HttpRequest, key: str, number: int) -> HttpResponse:
    entry, row = _class(request, key, number, Permission.ADMINISTER)
    try:
        if retire_class(cell_class=row, actor=entry.actor, client="page"):
            messages.success(request, f"{row.name} is offered no more. Cells that have it keep it.")
    except Refused as error:
        messages.error(request, str(error))
        return redirect("cell_class", key, number)
    return redirect("ontology", key)


@login_required
@require_POST
def class_restore(request: HttpRequest, key: str, number: int) -> HttpResponse:
    entry, row = _class(request, key, number, Permission.ADMINISTER)
    try:
        if restore_class(cell_class=row, actor=entry.actor, client="page"):
            messages.success(request, f"{row.name} is offered again.")
    except Refused as error:
        messages.error(request, str(error))
        return redirect("cell_class", key, number)
    return redirect("ontology", key)


@login_required
@require_POST
def reference_remove(request: HttpRequest, key: str, number: int, pk: int) -> HttpResponse:
    entry, row = _class(request, key, number, Permission.REVIEW)
    reference = get_object_or_404(ReferenceCell.objects.select_related("cell", "cell_class"), pk=pk, cell_class=row)
    remove_reference(reference=reference, actor=entry.actor, client="page")
    messages.success(request, f"The cell is no example of {row.name} any more. It stays where it was.")
    return redirect("cell_class", key, number)


def _class(request: HttpRequest, key: str, number: int, permission: Permission) -> tuple[Entry, CellClass]:
    entry = enter(request, key, permission)
    rows = CellClass.objects.select_related("parent", "project")
    return entry, get_object_or_404(rows, project=entry.project, number=number)
