"""Models: listed, with card and figures, promoted, rolled back, downloaded."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponseBase
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers as s
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.access import Permission
from annotation.actions.predictions import delete_predictions
from annotation.api.answers import name_of
from annotation.api.base import View
from annotation.api.pages import listed
from learning.actions.models import roll_back
from learning.actions.promoting import promote_model
from learning.models import Deployment, ModelKind, ModelVersion
from learning.views.models import download

HEAVY = ("metrics", "card", "gate", "calibration")


class ModelAnswer(s.ModelSerializer[ModelVersion]):
    teacher = s.CharField(source="teacher.label", default=None, allow_null=True)
    classes = s.ListField(child=s.IntegerField(), help_text="class numbers, in the order of the network's outputs")

    class Meta:
        model = ModelVersion
        fields: list[str] = [
            *("id", "label", "kind", "variant", "teacher", "classes", "tile", "shrink", "threshold", "accepted"),
            *("sha256", "created_at"),
        ]
        read_only_fields = fields


class ModelCardAnswer(ModelAnswer):
    card = s.DictField(child=s.JSONField())
    metrics = s.DictField(child=s.JSONField(), help_text="by split: tuning, test")
    gate = s.DictField(child=s.JSONField(), help_text="the comparison that it had to pass")
    calibration = s.DictField(child=s.JSONField())

    class Meta(ModelAnswer.Meta):
        fields = [*ModelAnswer.Meta.fields, *HEAVY]
        read_only_fields = fields


class DeploymentAnswer(s.ModelSerializer[Deployment]):
    model = s.CharField(source="model.label")
    author = s.SerializerMethodField()

    class Meta:
        model = Deployment
        fields = ["id", "model", "reason", "author", "created_at"]
        read_only_fields = fields

    def get_author(self, row: Deployment) -> str | None:
        return name_of(row.author)


class ModelFilter(s.Serializer[Any]):
    kind = s.ChoiceField(ModelKind.choices, required=False)
    accepted = s.ChoiceField([("true", "true"), ("false", "false")], required=False)


class PromoteBody(s.Serializer[Any]):
    reason = s.CharField(max_length=300)
    knowingly = s.BooleanField(required=False, help_text="although its gate refused it")


class Models(View):
    @listed("list_models", ModelAnswer, ModelFilter)
    def get(self, request: Request, key: str) -> Response:
        """The models of a project, the newest first."""
        project, asked = self.project(), self.asked(ModelFilter)
        if "accepted" in asked:
            asked["accepted"] = asked["accepted"] == "true"
        rows = project.models.filter(**asked).select_related("teacher").defer(*HEAVY)
        return self.paged(rows.order_by("-pk"), ModelAnswer)


class ModelView(View):
    def model(self, permission: Permission = Permission.VIEW) -> ModelVersion:
        rows = ModelVersion.objects.select_related("project", "teacher")
        return get_object_or_404(rows, project=self.project(permission), label=self.kwargs["label"])


class OneModel(ModelView):
    @extend_schema(operation_id="read_model", responses={200: ModelCardAnswer})
    def get(self, request: Request, key: str, label: str) -> Response:
        """A model with its card, its figures and its gate."""
        return Response(ModelCardAnswer(self.model()).data)


class ModelPromote(ModelView):
    @extend_schema(operation_id="promote_model", request=PromoteBody, responses={201: DeploymentAnswer})
    def post(self, request: Request, key: str, label: str) -> Response:
        """Let this model predict from now on; the reason is kept."""
        model, said = self.model(Permission.RUN), self.said(PromoteBody)
        made = promote_model(
            model=model, reason=said["reason"], knowingly=said.get("knowingly", False), actor=self.actor
        )
        return Response(DeploymentAnswer(made).data, status=201)


class ModelDownload(ModelView):
    @extend_schema(operation_id="download_model", responses={(200, "application/zip"): OpenApiTypes.BINARY})
    def get(self, request: Request, key: str, label: str) -> HttpResponseBase:
        """The model with all that is needed to use it elsewhere."""
        return download(request._request, key=key, label=self.model(Permission.RUN).label)


class DeletedAnswer(s.Serializer[Any]):
    deleted = s.IntegerField()
    kept = s.IntegerField(help_text="on fields that somebody has begun to read")


class ModelPredictions(ModelView):
    @extend_schema(operation_id="delete_predictions", request=None, responses={200: DeletedAnswer})
    def delete(self, request: Request, key: str, label: str) -> Response:
        """Delete what this model suggests on all fields that nobody has begun to read."""
        model = self.model(Permission.RUN)
        done = delete_predictions(
            project=model.project, model_id=model.pk, model_label=model.label, actor=self.actor, client=self.client
        )
        return Response(DeletedAnswer(done).data)


class Deployments(View):
    @listed("list_deployments", DeploymentAnswer)
    def get(self, request: Request, key: str) -> Response:
        """What predicted from when on, the newest first."""
        rows = self.project().deployments.select_related("model", "author")
        return self.paged(rows.order_by("-pk"), DeploymentAnswer)


class RollBack(View):
    @extend_schema(operation_id="roll_back", request=None, responses={201: DeploymentAnswer})
    def post(self, request: Request, key: str) -> Response:
        """Let predict again what did so before the present model."""
        made = roll_back(project=self.project(Permission.RUN), actor=self.actor)
        return Response(DeploymentAnswer(made).data, status=201)
