"""Runs: one execution of one step, and how it goes."""

from __future__ import annotations

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers as s
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.access import visible_projects
from annotation.api.base import View
from learning.models import Run
from learning.states import RunState, Step


class RunAnswer(s.ModelSerializer[Run]):
    project = s.CharField(source="project.key")
    round = s.IntegerField(source="round.number", default=None, allow_null=True, help_text="number of its round")
    field = s.CharField(source="field.code", default=None, allow_null=True, help_text="of a prediction on one field")
    step = s.ChoiceField([step.value for step in Step])
    state = s.ChoiceField([state.value for state in RunState])
    error = s.CharField(allow_blank=True)
    progress = s.DictField(child=s.JSONField())
    result = s.DictField(child=s.JSONField())

    class Meta:
        model = Run
        fields = [
            *("id", "project", "round", "field", "step", "state", "error", "attempt", "cancel_requested"),
            *("progress", "result", "seconds", "created_at", "started_at", "ended_at"),
        ]
        read_only_fields = fields


def find_run(view: View) -> Run:
    """The run of an address. Raises Http404 for who does not see its project."""
    rows = Run.objects.select_related("project", "round", "field")
    run = rows.filter(pk=view.kwargs["pk"], project__in=visible_projects(view.actor)).first()
    if run is None:
        raise Http404("There is no such run, or you are not one of its people.")
    return run


class OneRun(View):
    @extend_schema(operation_id="read_run", responses={200: RunAnswer})
    def get(self, request: Request, pk: int) -> Response:
        """Where a run stands."""
        return Response(RunAnswer(find_run(self)).data)
