"""Projects: those that one sees, a new one, and their settings."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from django.db.models import OuterRef, Q, QuerySet, Subquery
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers as s
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.access import Permission, visible_projects
from annotation.actions.projects import ProjectChange, change_project, create_project
from annotation.api.base import View
from annotation.api.fields import Number
from annotation.api.pages import listed
from annotation.models import Membership, Project, Role, Split, WeakShape
from annotation.ontology import built_in
from annotation.tallies import tally_fields

_CELL_PX = "working resolution: pixels across a 12 µm cell"


class ProjectAnswer(s.ModelSerializer[Project]):
    role = s.SerializerMethodField(help_text="yours")

    class Meta:
        model = Project
        fields = [
            *("key", "name", "ontology", "um_per_px", "weak_shape", "cell_px", "shrink", "min_labelled"),
            *("blind_share", "public", "created_at", "role"),
        ]
        read_only_fields = fields

    def get_role(self, project: Project) -> Role:
        actor = self.context["request"].user
        return Role.ADMINISTRATOR if actor.is_superuser else Role(project.my_role)  # type: ignore[attr-defined]


class SplitAnswer(s.Serializer[Any]):
    split = s.ChoiceField(Split.choices)
    # A serializer has `fields` of its own, so the counts stand below a word.
    counts = s.DictField(child=s.IntegerField(), help_text="fields, labelled, exhaustive, signed_off, cases")


class WholeProjectAnswer(ProjectAnswer):
    splits = s.SerializerMethodField()

    class Meta(ProjectAnswer.Meta):
        fields = [*ProjectAnswer.Meta.fields, "splits"]
        read_only_fields = fields

    @extend_schema_field(SplitAnswer(many=True))
    def get_splits(self, project: Project) -> list[dict[str, Any]]:
        names = ("fields", "labelled", "exhaustive", "signed_off", "cases")
        return [
            {"split": part.split, "counts": {name: getattr(part, name) for name in names}}
            for part in tally_fields(project).splits
        ]


class ProjectFilter(s.Serializer[Any]):
    q = s.CharField(required=False, max_length=200, help_text="part of the name or key")


class NewProjectBody(s.Serializer[Any]):
    name = s.CharField(max_length=200)
    key = s.CharField(max_length=60, required=False, help_text="short name in addresses; made of the name if absent")
    ontology = s.ChoiceField(built_in(), default="bone_marrow", help_text="where the classes come from")
    um_per_px = Number(required=False, allow_null=True)
    weak_shape = s.ChoiceField(WeakShape.choices, default=WeakShape.CIRCLE.value)
    public = s.BooleanField(default=False, help_text="original file names may leave the project")


class ProjectChangeBody(s.Serializer[Any]):
    """What is absent stays as it is."""

    name = s.CharField(max_length=200, required=False)
    um_per_px = Number(required=False, allow_null=True)
    weak_shape = s.ChoiceField(WeakShape.choices, required=False)
    cell_px = Number(required=False, help_text=_CELL_PX)
    shrink = Number(required=False)
    min_labelled = s.IntegerField(required=False, min_value=0, max_value=1_000_000)
    blind_share = Number(required=False)
    public = s.BooleanField(required=False)


class Projects(View):
    @listed("list_projects", ProjectAnswer, ProjectFilter)
    def get(self, request: Request) -> Response:
        """The projects that you are one of the people of."""
        rows = _shown(self)
        words = self.asked(ProjectFilter).get("q")
        if words:
            rows = rows.filter(Q(name__icontains=words) | Q(key__icontains=words))
        return self.paged(rows.order_by("key"), ProjectAnswer)

    @extend_schema(operation_id="create_project", request=NewProjectBody, responses={201: WholeProjectAnswer})
    def post(self, request: Request) -> Response:
        """A new project, with the classes of an ontology; you administer it."""
        made = create_project(**self.said(NewProjectBody), actor=self.actor, client=self.client)
        return Response(_whole(self, made), status=201)


class OneProject(View):
    @extend_schema(operation_id="read_project", responses={200: WholeProjectAnswer})
    def get(self, request: Request, key: str) -> Response:
        """A project with its settings and how many fields are labelled."""
        return Response(_whole(self, self.project()))

    @extend_schema(operation_id="change_project", request=ProjectChangeBody, responses={200: WholeProjectAnswer})
    def patch(self, request: Request, key: str) -> Response:
        """Change settings."""
        project = self.project(Permission.ADMINISTER)
        now = {field.name: getattr(project, field.name) for field in fields(ProjectChange)}
        change = ProjectChange(**(now | self.said(ProjectChangeBody)))
        change_project(project=project, change=change, actor=self.actor, client=self.client)
        return Response(_whole(self, project))


def _shown(view: View) -> QuerySet[Project]:
    mine = Membership.objects.filter(project=OuterRef("pk"), user=view.actor)
    return visible_projects(view.actor).annotate(my_role=Subquery(mine.values("role")[:1]))


def _whole(view: View, project: Project) -> Any:
    return WholeProjectAnswer(_shown(view).get(pk=project.pk), context={"request": view.request}).data
