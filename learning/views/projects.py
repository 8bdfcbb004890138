"""The projects of the signed-in person: where everything begins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.core.paginator import Paginator
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from annotation.access import may_create_projects, person, visible_projects
from annotation.models import Batch, Field, Membership, Project, Role
from learning.models import Round
from learning.states import WORKING

A_PAGE = 30


@dataclass(frozen=True, slots=True)
class ProjectRow:
    """`batch` is (number, asked, labelled) of the open one; `round` the one that is at work."""

    project: Project
    role: str
    fields: int
    labelled: int
    batch: tuple[int, int, int] | None
    round: Round | None


@login_required
@require_safe
def projects(request: HttpRequest) -> HttpResponse:
    actor = person(request.user)
    page = Paginator(visible_projects(actor).order_by("name", "pk"), A_PAGE).get_page(request.GET.get("page"))
    told = {"page": page, "rows": rows_of(actor, list(page.object_list)), "may_create": may_create_projects(actor)}
    return render(request, "learning/projects.html", told)


def rows_of(actor: User, shown: Sequence[Project]) -> list[ProjectRow]:
    """Four queries, however many projects there are."""
    roles = dict(Membership.objects.filter(user=actor, project__in=shown).values_list("project", "role"))
    grouped = Field.objects.filter(project__in=shown).order_by().values_list("project")
    fields = {pk: (count, done) for pk, count, done in grouped.annotate(Count("pk"), Count("current_reading"))}
    rounds = {row.project_id: row for row in Round.objects.filter(project__in=shown, state__in=WORKING)}
    batches = _open_batches(shown)
    return [
        ProjectRow(
            project,
            Role(roles[project.pk]).label if project.pk in roles else "Administrator of the installation",
            *fields.get(project.pk, (0, 0)),
            batches.get(project.pk),
            rounds.get(project.pk),
        )
        for project in shown
    ]


def _open_batches(shown: Sequence[Project]) -> dict[int, tuple[int, int, int]]:
    """The newest open batch of each project."""
    open_ones = Batch.objects.filter(project__in=shown, opened_at__isnull=False, closed_at=None).order_by("number")
    counted = open_ones.values_list("project", "number").annotate(
        Count("fields"), Count("fields__field__current_reading")
    )
    return {pk: (number, asked, labelled) for pk, number, asked, labelled in counted}
