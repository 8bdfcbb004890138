"""The rows of the loop. Only learning.actions writes them."""

from __future__ import annotations

import uuid
from pathlib import Path

from django.conf import settings as config
from django.db import models
from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from annotation import store
from annotation.models import Batch, Field, Project, Snapshot
from learning.states import Cause, RoundState, RunState, Step


class ModelKind(models.TextChoices):
    TEACHER = "teacher"
    STUDENT = "student"


class ModelVersion(models.Model):
    """Weights plus card. `label` is t3 or s3: teacher or student number 3 of its project."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="models")
    kind = models.CharField(max_length=7, choices=ModelKind)
    label = models.CharField(max_length=20)
    variant = models.CharField(max_length=40, help_text="yolo26n")
    snapshot = models.ForeignKey(Snapshot, null=True, on_delete=models.PROTECT, related_name="+")
    teacher = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="students")
    folder = models.CharField(max_length=200, help_text="relative to MODELS_DIR: weights.pt, weights.onnx, card.json")
    sha256 = models.CharField(max_length=64, help_text="of weights.pt")
    classes = models.JSONField(help_text="class numbers of the project, in the order of the network's outputs")
    tile = models.PositiveIntegerField()
    shrink = models.FloatField()
    threshold = models.FloatField(help_text="score from which a prediction is shown; chosen on tuning")
    calibration = models.JSONField(default=dict, help_text="of scores to chances, fitted on tuning")
    metrics = models.JSONField(default=dict, help_text="by split: tuning, test")
    gate = models.JSONField(default=dict)
    card = models.JSONField(default=dict)
    accepted = models.BooleanField(default=False, help_text="passed its gate")
    weights_removed_at = models.DateTimeField(
        null=True, blank=True, help_text="from then on the card and what it found are all that is kept"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "label"], name="model_label_once")]

    def __str__(self) -> str:
        return self.label

    @property
    def path(self) -> Path:
        return config.MODELS_DIR / self.folder

    @property
    def weights(self) -> Path:
        return store.fetch(self.path / "weights.pt")

    @property
    def onnx(self) -> Path:
        return store.fetch(self.path / "weights.onnx")


class Classifier(models.Model):
    """A network that names single cells. `label` is c3: number 3 of its project. The newest one answers."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="classifiers")
    label = models.CharField(max_length=20)
    snapshot = models.ForeignKey(Snapshot, on_delete=models.PROTECT, related_name="+")
    folder = models.CharField(max_length=200, help_text="relative to MODELS_DIR: weights.pt, weights.onnx, card.json")
    sha256 = models.CharField(max_length=64, help_text="of weights.pt")
    card = models.JSONField(default=dict, help_text="classes, backbone, side of a crop, epochs, losses")
    metrics = models.JSONField(default=dict, help_text="by split: tuning, test")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["project", "label"], name="classifier_label_once")]

    def __str__(self) -> str:
        return self.label

    @property
    def path(self) -> Path:
        return config.MODELS_DIR / self.folder

    @property
    def weights(self) -> Path:
        return store.fetch(self.path / "weights.pt")

    @property
    def onnx(self) -> Path:
        return store.fetch(self.path / "weights.onnx")


class QuestionState(models.TextChoices):
    WAITING = "waiting"
    ANSWERING = "answering"
    ANSWERED = "answered"
    FAILED = "failed"


class CellQuestion(models.Model):
    """What is this cell? Asked by a person, answered by a worker, shown to that person, and gone after minutes.

    Either `field` and `box` say where the cell is, or `picture` holds an uploaded one until it is answered.
    """

    uuid = models.UUIDField(default=uuid.uuid4, unique=True)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+")
    author = models.ForeignKey(config.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    field = models.ForeignKey(Field, null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    box = models.JSONField(default=list, help_text="x0, y0, x1, y1 in field pixels; empty: the picture is the cell")
    contour = models.JSONField(default=list, help_text="x, y of each point, in field pixels")
    picture = models.BinaryField(default=bytes, help_text="as uploaded; emptied when it is answered")
    state = models.CharField(max_length=9, choices=QuestionState, default=QuestionState.WAITING)
    answer = models.JSONField(default=dict, help_text="as learning.actions.classifying writes it")
    error = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"question {self.uuid}: {self.state}"


class Deployment(models.Model):
    """Which student predicts, from when on. Append-only: the newest row counts, rollback is one more row."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="deployments")
    model = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="deployments")
    author = models.ForeignKey(config.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL)
    reason = models.CharField(max_length=300)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.model} in {self.project}"


class Round(models.Model):
    """One turn of the loop: train, rank, distil, predict, then the batch waits for the experts."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="rounds")
    number = models.PositiveIntegerField()
    state = models.CharField(max_length=10, choices=[(s.value, s.value) for s in RoundState])
    settings = models.JSONField(help_text="as learning.settings.RoundSettings")
    batch = models.OneToOneField(Batch, null=True, blank=True, on_delete=models.PROTECT, related_name="round")
    teacher = models.ForeignKey(ModelVersion, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    student = models.ForeignKey(ModelVersion, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    deployed = models.BooleanField(default=False)
    reason = models.TextField(blank=True, help_text="why it was deployed or not, in a sentence for people")
    predictions = models.PositiveIntegerField(default=0)
    author = models.ForeignKey(config.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL)
    started_because = models.CharField(max_length=200, blank=True, help_text="of one that started by itself")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "number"], name="round_number_once")]

    def __str__(self) -> str:
        return f"round {self.number} of {self.project_id}"


class RunQuerySet(QuerySet["Run"]):
    def due(self) -> RunQuerySet:
        """Runs that an attempt may be begun of: those that wait, oldest first, and those whose lease has run out."""
        expired = Q(state=RunState.RUNNING) & (Q(lease_until__isnull=True) | Q(lease_until__lt=Now()))
        return self.filter(Q(state=RunState.QUEUED) | expired).order_by("id")

    def running(self) -> RunQuerySet:
        return self.filter(state=RunState.RUNNING).order_by("id")


class Run(models.Model):
    """One execution of one step. The row is the truth; who holds the lease of its newest attempt may write to it."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="runs")
    round = models.ForeignKey(Round, null=True, blank=True, on_delete=models.CASCADE, related_name="runs")
    field = models.ForeignKey(
        Field,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="runs",
        help_text="the one field that a predict run without a round is about",
    )
    step = models.CharField(max_length=8, choices=[(s.value, s.value) for s in Step])
    state = models.CharField(max_length=10, choices=[(s.value, s.value) for s in RunState], default=RunState.QUEUED)
    settings = models.JSONField(help_text="as learning.settings.RoundSettings")
    attempt = models.PositiveIntegerField(default=0)
    worker = models.CharField(
        max_length=120, blank=True, help_text="host:process:start/life of the attempt that holds the lease"
    )
    device = models.CharField(
        max_length=120, blank=True, help_text="what the newest attempt computes on: cpu, or a card by number and name"
    )
    batch = models.PositiveIntegerField(
        default=0, help_text="tiles in one training step, where the card's memory was too small for more; 0: as asked"
    )
    lease_until = models.DateTimeField(null=True, blank=True)
    cancel_requested = models.BooleanField(default=False)
    progress = models.JSONField(default=dict)
    result = models.JSONField(default=dict)
    error = models.TextField(blank=True)
    cause = models.CharField(
        max_length=13, blank=True, choices=[(c.value, c.value) for c in Cause], help_text="why it failed"
    )
    deaths = models.PositiveIntegerField(
        default=0, help_text="attempts in a row whose worker died alone, without an epoch in between"
    )
    seconds = models.FloatField(default=0.0, help_text="of work, all attempts together")
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = RunQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["state", "lease_until"])]

    def __str__(self) -> str:
        return f"run {self.pk}: {self.step}"

    @property
    def folder(self) -> Path:
        """Holds one folder an attempt, and the log."""
        return config.RUNS_DIR / str(self.pk)

    @property
    def log(self) -> Path:
        return self.folder / "log.txt"


class Chore(models.Model):
    """Something the workers do at its time, such as the nightly backup. Whoever moves `due_at` on first does it."""

    name = models.CharField(max_length=40, unique=True)
    due_at = models.DateTimeField()
    begun_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    result = models.JSONField(default=dict, help_text="what it printed")
    error = models.TextField(blank=True)

    def __str__(self) -> str:
        return f"{self.name} at {self.due_at}"


class Epoch(models.Model):
    """The losses of one finished epoch, kept by its number: one that is run again after a kill overwrites its own."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="epochs")
    number = models.PositiveIntegerField()
    attempt = models.PositiveIntegerField()
    losses = models.JSONField()
    seconds = models.FloatField()

    class Meta:
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["run", "number"], name="epoch_once_per_run")]

    def __str__(self) -> str:
        return f"epoch {self.number} of run {self.run_id}"


class Transition(models.Model):
    """One move of a round or run: written in the same transaction as the move itself."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+")
    round = models.ForeignKey(Round, null=True, blank=True, on_delete=models.CASCADE, related_name="transitions")
    run = models.ForeignKey(Run, null=True, blank=True, on_delete=models.CASCADE, related_name="transitions")
    old = models.CharField(max_length=10)
    new = models.CharField(max_length=10)
    attempt = models.PositiveIntegerField(default=0)
    actor = models.ForeignKey(config.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL)
    why = models.CharField(max_length=300, blank=True)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.old} to {self.new}"
