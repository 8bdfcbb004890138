"""Runs: one execution of one step, and how it goes."""

from __future__ import annotations

from typing import Any

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers as s
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.access import Permission, require, visible_projects
from annotation.api.base import View
from annotation.api.pages import listed
from learning.models import Epoch, Run
from learning.states import RunState, Step
from learning.views.log import log_file, logs_of, read_log


class RunAnswer(s.ModelSerializer[Run]):
    project = s.CharField(source="project.key")
    round = s.IntegerField(source="round.number", default=None, allow_null=True, help_text="number of its round")
    field = s.CharField(source="field.code", default=None, allow_null=True, help_text="of a prediction on one field")
    step = s.ChoiceField([step.value for step in Step])
    state = s.ChoiceField([state.value for state in RunState])
    error = s.CharField(allow_blank=True)
    cause = s.CharField(allow_blank=True, help_text="why it failed, by name: disk full, out of memory, time limit, ...")
    progress = s.DictField(child=s.JSONField())
    result = s.DictField(child=s.JSONField())

    class Meta:
        model = Run
        fields = [
            *("id", "project", "round", "field", "step", "state", "error", "cause", "attempt", "cancel_requested"),
            *("device", "batch"),
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


class RunFilter(s.Serializer[Any]):
    step = s.ChoiceField([step.value for step in Step], required=False)
    state = s.ChoiceField([state.value for state in RunState], required=False)
    round = s.IntegerField(required=False, min_value=0, max_value=2**31 - 1, help_text="number of a round")


class Runs(View):
    @listed("list_runs", RunAnswer, RunFilter)
    def get(self, request: Request, key: str) -> Response:
        """The runs of a project, the newest first."""
        names = {"step": "step", "state": "state", "round": "round__number"}
        chosen = {names[name]: value for name, value in self.asked(RunFilter).items()}
        rows = Run.objects.filter(project=self.project(), **chosen).select_related("project", "round", "field")
        return self.paged(rows.order_by("-pk"), RunAnswer)


class EpochAnswer(s.ModelSerializer[Epoch]):
    losses = s.DictField(child=s.FloatField(allow_null=True))

    class Meta:
        model = Epoch
        fields = ["number", "attempt", "losses", "seconds"]
        read_only_fields = fields


class RunEpochs(View):
    @listed("list_epochs", EpochAnswer)
    def get(self, request: Request, pk: int) -> Response:
        """The losses of each finished epoch of a training."""
        return self.paged(find_run(self).epochs.order_by("number"), EpochAnswer)


class LogAnswer(s.Serializer[Any]):
    text = s.CharField(allow_blank=True)
    start = s.IntegerField()
    end = s.IntegerField(help_text="ask with this as `offset` for what follows")
    size = s.IntegerField()
    logs = s.ListField(child=s.CharField(), help_text="names of the logs there are")


class LogFilter(s.Serializer[Any]):
    of = s.CharField(required=False, max_length=20, help_text="name of a log; without it the newest")
    offset = s.IntegerField(required=False, min_value=0, max_value=2**62, help_text="without it the end of the log")


class RunLog(View):
    @extend_schema(operation_id="read_log", parameters=[LogFilter], responses={200: LogAnswer})
    def get(self, request: Request, pk: int) -> Response:
        """At most 64 KiB of a run's log. For engineers."""
        run, asked = find_run(self), self.asked(LogFilter)
        require(self.actor, run.project, Permission.RUN)
        of = asked.get("of", "")
        file = log_file(run, of)
        if of and file is None:
            raise Http404("This run has no such log.")
        growing = run.state in {RunState.QUEUED, RunState.RUNNING}
        part = read_log(None if file is None else file.path, asked.get("offset"), growing=growing)
        said = {"text": part.text, "start": part.start, "end": part.end, "size": part.size}
        return Response(said | {"logs": [log.of for log in logs_of(run)]})
