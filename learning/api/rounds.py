"""Rounds: started, looked at, cancelled, tried again, closed; and what a new one starts from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers as s
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.access import Permission
from annotation.actions.projects import keep_round_defaults, set_round_start
from annotation.api.answers import name_of
from annotation.api.base import View
from annotation.api.pages import listed
from annotation.errors import Refused
from annotation.models import Project
from learning.actions import rounds as actions
from learning.forms.rounds import MOST_EPOCHS, MOST_FIELDS, MOST_SEED, RoundForm, settings_of
from learning.models import Round
from learning.settings import RoundSettings, to_row
from learning.states import RoundState


class SettingsAnswer(s.Serializer[Any]):
    """Settings of a round; 0 epochs or batch mean: as many as suit data and machine."""

    teacher = s.CharField(required=False, max_length=40)
    student = s.CharField(required=False, max_length=40)
    tile = s.IntegerField(required=False, min_value=32, max_value=2048)
    epochs = s.IntegerField(required=False, min_value=0, max_value=MOST_EPOCHS)
    student_epochs = s.IntegerField(required=False, min_value=0, max_value=MOST_EPOCHS)
    batch = s.IntegerField(required=False, min_value=0, max_value=1024)
    budget = s.IntegerField(required=False, min_value=1, max_value=MOST_FIELDS)
    strategy = s.CharField(required=False, max_length=40)
    seed = s.IntegerField(required=False, min_value=0, max_value=MOST_SEED)
    device = s.CharField(required=False, max_length=8)
    artefacts = s.ChoiceField([("own", "own"), ("background", "background"), ("cell", "cell")], required=False)
    min_cells = s.IntegerField(required=False, min_value=1, max_value=1_000_000)
    anms = s.FloatField(required=False, min_value=0, max_value=1)
    pseudo = s.FloatField(required=False, min_value=0, max_value=100)
    patience = s.IntegerField(required=False, min_value=0, max_value=MOST_EPOCHS)


class RoundAnswer(s.ModelSerializer[Round]):
    state = s.ChoiceField([state.value for state in RoundState])
    settings = s.SerializerMethodField()
    batch = s.IntegerField(source="batch.number", default=None, allow_null=True)
    teacher = s.CharField(source="teacher.label", default=None, allow_null=True)
    student = s.CharField(source="student.label", default=None, allow_null=True)
    author = s.SerializerMethodField()
    runs = s.SerializerMethodField(help_text="numbers of its runs")

    class Meta:
        model = Round
        fields = [
            *("number", "state", "settings", "batch", "teacher", "student", "deployed", "reason", "predictions"),
            *("started_because", "author", "runs", "created_at"),
        ]
        read_only_fields = fields

    @extend_schema_field(SettingsAnswer)
    def get_settings(self, row: Round) -> dict[str, Any]:
        return to_row(settings_of(row.settings))

    def get_author(self, row: Round) -> str | None:
        return name_of(row.author)

    def get_runs(self, row: Round) -> list[int]:
        return [run.pk for run in row.runs.all()]


class RoundFilter(s.Serializer[Any]):
    state = s.ChoiceField([state.value for state in RoundState], required=False)


def _rounds(project: Project) -> Any:
    return project.rounds.select_related("batch", "teacher", "student", "author", "project").prefetch_related("runs")


class RoundView(View):
    def round(self, permission: Permission = Permission.VIEW) -> Round:
        found: Round = get_object_or_404(_rounds(self.project(permission)), number=self.kwargs["number"])
        return found

    def wanted(self, start: RoundSettings) -> RoundSettings:
        """`start` with what the request says. Raises ValidationError, naming the setting."""
        unknown = sorted(set(self.object()) - set(to_row(start)))
        if unknown:
            raise s.ValidationError({name: ["There is no such setting."] for name in unknown})
        form = RoundForm(to_row(start) | self.object(), start=start)
        self.checked(form)
        return form.settings()

    def acted(self, act: Callable[..., bool], refusal: str) -> Response:
        found = self.round(Permission.RUN)
        if not act(round_=found, actor=self.actor):
            raise Refused(refusal)
        return Response(RoundAnswer(self.round()).data)


class Rounds(RoundView):
    @listed("list_rounds", RoundAnswer, RoundFilter)
    def get(self, request: Request, key: str) -> Response:
        """The rounds, the newest first."""
        rows = _rounds(self.project()).filter(**self.asked(RoundFilter))
        return self.paged(rows.order_by("-number"), RoundAnswer)

    @extend_schema(operation_id="start_round", request=SettingsAnswer, responses={201: RoundAnswer})
    def post(self, request: Request, key: str) -> Response:
        """Start the next round. What is not said is as the project's defaults have it."""
        project = self.project(Permission.RUN)
        settings = self.wanted(settings_of(project.round_defaults))
        made = actions.start_round(project=project, settings=settings, actor=self.actor)
        return Response(RoundAnswer(made).data, status=201)


class OneRound(RoundView):
    @extend_schema(operation_id="read_round", responses={200: RoundAnswer})
    def get(self, request: Request, key: str, number: int) -> Response:
        """Where a round stands; its runs tell the rest."""
        return Response(RoundAnswer(self.round()).data)


class RoundCancel(RoundView):
    @extend_schema(operation_id="cancel_round", request=None, responses={200: RoundAnswer})
    def post(self, request: Request, key: str, number: int) -> Response:
        """Stop a working round: at once where its step waits, within seconds where it runs."""
        return self.acted(actions.cancel_round, "This round is not working: there is nothing to cancel.")


class RoundRetry(RoundView):
    @extend_schema(operation_id="retry_round", request=None, responses={200: RoundAnswer})
    def post(self, request: Request, key: str, number: int) -> Response:
        """Take a failed or cancelled round up at the step it stopped in."""
        return self.acted(actions.retry_round, "This round has neither failed nor been cancelled.")


class RoundClose(RoundView):
    @extend_schema(operation_id="close_round", request=None, responses={200: RoundAnswer})
    def post(self, request: Request, key: str, number: int) -> Response:
        """End the labelling of a round; its unlabelled fields return to the pool."""
        return self.acted(actions.close_round, "This round is not being labelled: there is nothing to close.")


class RoundDefaults(RoundView):
    @extend_schema(operation_id="read_round_defaults", responses={200: SettingsAnswer})
    def get(self, request: Request, key: str) -> Response:
        """What a new round starts from."""
        return Response(to_row(settings_of(self.project().round_defaults)))

    @extend_schema(operation_id="keep_round_defaults", request=SettingsAnswer, responses={200: SettingsAnswer})
    def put(self, request: Request, key: str) -> Response:
        """Keep what a new round starts from."""
        project = self.project(Permission.RUN)
        row = to_row(self.wanted(RoundSettings()))
        keep_round_defaults(project=project, defaults=row, actor=self.actor, client=self.client)
        return Response(row)


class StartAnswer(s.Serializer[Any]):
    """When a round starts by itself; null: never."""

    after = s.IntegerField(allow_null=True, min_value=1, max_value=1_000_000, help_text="newly submitted fields")
    at = s.TimeField(allow_null=True, format="%H:%M", input_formats=["%H:%M"], help_text="time of day in UTC, as 02:30")


class RoundStart(RoundView):
    @extend_schema(operation_id="read_round_start", responses={200: StartAnswer})
    def get(self, request: Request, key: str) -> Response:
        """When a round starts by itself."""
        return Response(_start(self.project()))

    @extend_schema(operation_id="set_round_start", request=StartAnswer, responses={200: StartAnswer})
    def put(self, request: Request, key: str) -> Response:
        """Let rounds start by themselves, or not any more."""
        project = self.project(Permission.RUN)
        set_round_start(project=project, **self.said(StartAnswer), actor=self.actor, client=self.client)
        return Response(_start(project))


def _start(project: Project) -> Any:
    return StartAnswer({"after": project.start_after, "at": project.start_at}).data
