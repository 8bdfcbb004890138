"""What stands on the pages of rounds: steps with their progress, verdicts, warnings, batch, history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Max, Q, QuerySet
from django.utils import timezone

from annotation.models import BatchField, CellClass, Reading, ReadingState
from learning.actions.models import deployed_model
from learning.models import Epoch, ModelVersion, Round, Run, Transition
from learning.states import STEP_OF_STATE, WORKING, Cause, RoundState, RunState, Step
from learning.views.words import (
    STEP_TITLES,
    advice,
    duration,
    gate_in_words,
    many,
    sentence,
    strategy_words,
    tone,
)

ENDED = frozenset({RunState.SUCCEEDED, RunState.FAILED, RunState.CANCELLED})
# After this many seconds in the queue the page says what may be wrong.
LONG_WAIT = 60
# How much of an error is shown on the page; the log has the rest.
MOST_ERROR = 1_000
MOST_HISTORY = 200
# An estimate of the time that is left is worth saying after this many epochs.
EPOCHS_SEEN = 2


@dataclass(frozen=True, slots=True)
class StepView:
    """One of the four steps. `run` is None where the step has not begun."""

    title: str
    state: str
    tone: str
    run: Run | None = None
    doing: str = ""
    done: int = 0
    total: int = 0
    note: str = ""
    took: str = ""
    left: str = ""

    @property
    def where(self) -> str:
        """What it computes on, or did."""
        if self.run is None or not self.run.device:
            return ""
        return "on the CPU" if self.run.device == "cpu" else f"on {self.run.device}"

    @property
    def percent(self) -> int | None:
        return min(100, 100 * self.done // self.total) if self.total else None


def runs_of(round_: Round) -> dict[Step, Run]:
    """The newest run of each step."""
    return {Step(run.step): run for run in round_.runs.order_by("pk")}


def steps_of(round_: Round, runs: Mapping[Step, Run], now: datetime) -> list[StepView]:
    return [
        _step(runs[step], now, _began(runs[step])) if step in runs else _step_without_run(round_, step, runs)
        for step in Step
    ]


def _began(run: Run) -> datetime | None:
    """When the present attempt took the run up."""
    if run.state != RunState.RUNNING:
        return None
    moves = Transition.objects.filter(run=run, new=RunState.RUNNING)
    return moves.aggregate(at=Max("at"))["at"] or run.started_at


def _step_without_run(round_: Round, step: Step, runs: Mapping[Step, Run]) -> StepView:
    here = STEP_OF_STATE.get(RoundState(round_.state))
    later = any(other in runs for other in list(Step)[list(Step).index(step) + 1 :])
    if later:
        return StepView(STEP_TITLES[step], "left out", "quiet", note="There is no accepted teacher to learn from.")
    state = "to come" if here else "not begun"
    return StepView(STEP_TITLES[step], state, "quiet")


def _step(run: Run, now: datetime, began: datetime | None) -> StepView:
    title, said = STEP_TITLES[Step(run.step)], run.progress if isinstance(run.progress, dict) else {}
    if run.state == RunState.QUEUED:
        return StepView(title, "waiting", "quiet", run, note=_waiting_note(run, now))
    if run.state != RunState.RUNNING:
        took = duration(run.seconds) if run.seconds else ""
        return StepView(title, _ended_word(run), tone(run.state), run, note=_result_note(run), took=took)
    done, total = _whole(said.get("done")), _whole(said.get("total"))
    doing = str(said.get("doing") or "starting")
    elapsed = run.seconds + ((now - began).total_seconds() if began else 0)
    return StepView(
        title,
        "stopping" if run.cancel_requested else "running",
        "working",
        run,
        doing=doing,
        done=min(done, total),
        total=total,
        note=_running_note(run, now),
        took=duration(elapsed),
        left=_left(said, doing, done),
    )


def _whole(value: Any) -> int:
    return int(value) if isinstance(value, int | float) and value == value and abs(value) < 1e12 else 0


def _left(said: Mapping[str, Any], doing: str, done: int) -> str:
    """Told by the training alone, once it has seen some epochs; the judging after it is not in it."""
    left = said.get("seconds_left")
    if doing != "training" or done < EPOCHS_SEEN or not isinstance(left, int | float) or left <= 0:
        return ""
    return f"about {duration(left)} of training left"


def _ended_word(run: Run) -> str:
    if run.state == RunState.FAILED and run.cause not in ("", Cause.ERROR):
        return f"failed: {run.cause}"
    return "done" if run.state == RunState.SUCCEEDED else run.state


def _waiting_note(run: Run, now: datetime) -> str:
    ahead = Run.objects.filter(Q(state=RunState.QUEUED, pk__lt=run.pk) | Q(state=RunState.RUNNING)).exclude(pk=run.pk)
    others = ahead.filter(field=None).count()
    if others:
        return f"Waits for a worker, behind {many(others, 'other run')}."
    if (now - run.created_at).total_seconds() > LONG_WAIT and not run.attempt:
        return "Waits for a worker. None has come for a while: check that the workers run."
    return "Waits for a worker."


def _running_note(run: Run, now: datetime) -> str:
    if run.cancel_requested:
        return "It was asked to stop, and does so within seconds."
    if run.lease_until is not None and run.lease_until < now:
        return "Its worker does not answer; another one takes it over."
    said = run.progress.get("notes") if isinstance(run.progress, dict) else None
    notes = [str(note) for note in said] if isinstance(said, list) else []
    if run.batch:
        notes.append(f"the card's memory was too small for more than {many(run.batch, 'tile')} in a step")
    return " ".join(sentence(note) for note in notes)


def _result_note(run: Run) -> str:
    result = run.result if isinstance(run.result, dict) else {}
    if run.state != RunState.SUCCEEDED:
        return ""
    if run.step == Step.RANK:
        count = many(_whole(result.get("batch")), "field")
        used = result.get("strategy")
        return f"{count} chosen by {strategy_words(str(used))}." if used else ""
    if run.step == Step.PREDICT:
        if not result.get("model"):
            return "No student is deployed yet: nothing was predicted."
        shown, stored = _whole(result.get("shown")), _whole(result.get("predictions"))
        return f"{many(stored, 'prediction')} by {result['model']}, {shown} at or above its threshold."
    if not result.get("model"):
        return sentence(str(result.get("reason", "")))
    return f"{result['model']} {'passed its gate' if result.get('accepted') else 'was refused by its gate'}."


def count_epochs(runs: Mapping[Step, Run]) -> int:
    return Epoch.objects.filter(run__in=[run.pk for run in runs.values()]).count()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a round came to: a headline, its reason, and what happens next."""

    tone: str
    headline: str
    words: str
    following: str = ""
    about: int | None = None


def verdict_of(round_: Round) -> Verdict | None:
    """None while the round is at its first step, or where it ended before it came to anything."""
    student, teacher = round_.student, round_.teacher
    if student is not None:
        words = gate_in_words(student.gate) or sentence(round_.reason)
        if round_.deployed:
            following = f"{student.label} predicts from now on."
            return Verdict("good", f"{student.label} is deployed", words, following, student.pk)
        following = f"It is kept but not deployed. {_goes_on(round_)}"
        return Verdict("warn", f"{student.label} is refused", words, following, student.pk)
    if teacher is not None and not teacher.accepted:
        words = gate_in_words(teacher.gate) or sentence(round_.reason)
        following = "It is kept, but neither ranks nor teaches a student. " + _goes_on(round_)
        return Verdict("warn", f"{teacher.label} is refused", words, following, teacher.pk)
    if teacher is None and round_.reason:
        words = sentence(round_.reason.removeprefix("no teacher: "))
        return Verdict("warn", "No teacher", words, _goes_on(round_))
    return None


def _goes_on(round_: Round) -> str:
    """What predicts instead; of a round that was followed by another, what did so then."""
    later = round_.project.rounds.filter(number__gt=round_.number).order_by("number").first()
    if later is None:
        now = deployed_model(round_.project)
        if now is None:
            return "No student predicts yet; the batch goes out without predictions."
        return f"{now.label} goes on predicting, and the batch goes out all the same."
    then = round_.project.deployments.filter(created_at__lt=later.created_at).select_related("model").last()
    return f"{then.model.label} went on predicting." if then else "No student predicted yet."


@dataclass(frozen=True, slots=True)
class ModelView:
    """A model that the round made, with its headline figures of each split."""

    model: ModelVersion
    words: str
    facts: tuple[tuple[str, str], ...]
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]


@dataclass(frozen=True, slots=True)
class Column:
    """One split, and how much of it the figures are from."""

    split: str
    basis: str


FIGURE_NAMES = {"ap50": "AP50", "f1": "F1", "precision": "Precision", "recall": "Recall", "found": "Found"}


def models_of(round_: Round) -> list[ModelView]:
    return [_model(model) for model in (round_.teacher, round_.student) if model is not None]


def _model(model: ModelVersion) -> ModelView:
    card, metrics = model.card, model.metrics
    facts = [("Network", model.variant), ("Weights from", str(card.get("weights_from", "unknown")))]
    if card.get("epochs"):
        best = card.get("best_epoch")
        facts.append(("Epochs", f"{card['epochs']}" + (f", best {best}" if best else "")))
    learned = card.get("labelled", {}).get("training")
    if learned is not None:
        cells = sum(card.get("cells", {}).values())
        facts.append(("Learned from", f"{many(learned, 'labelled field')} with {many(cells, 'cell')}"))
    if card.get("pseudo_labelled_fields"):
        facts.append(("Beside them", f"{many(card['pseudo_labelled_fields'], 'pool field')} labelled by the teacher"))
    reports = [(split, metrics[split]) for split in ("tuning", "test") if split in metrics]
    columns = tuple(Column(split, _basis(report)) for split, report in reports)
    rows = tuple(
        (words, tuple((figure(report.get(name)), interval(_ends(report, name))) for _, report in reports))
        for name, words in FIGURE_NAMES.items()
        if any(name in report for _, report in reports)
    )
    return ModelView(model, gate_in_words(model.gate), tuple(facts), columns, rows)


def _basis(report: Mapping[str, Any]) -> str:
    return ", ".join(many(int(report[key]), noun) for key, noun in BASES.items() if key in report)


def _ends(report: Mapping[str, Any], name: str) -> Any:
    return (report.get("intervals") or {}).get(name)


BASES = {"fields": "field", "cases": "case", "objects": "cell"}


def figure(value: Any) -> str:
    return f"{value:.3f}" if isinstance(value, int | float) else "\N{EN DASH}"


def interval(ends: Any) -> str:
    if not isinstance(ends, list | tuple) or len(ends) != 2:  # low and high
        return ""
    return f"{ends[0]:.3f} to {ends[1]:.3f}"


@dataclass(frozen=True, slots=True)
class RolledUp:
    name: str
    missing: int


@dataclass(frozen=True, slots=True)
class Aside:
    field: str
    code: str
    reason: str


def rolled_up(round_: Round) -> list[RolledUp]:
    """Classes that the models of this round could not learn on their own, and how many cells they lack."""
    model = round_.teacher or round_.student
    missing: dict[str, int] = (model.card.get("rolled_up") or {}) if model else {}
    names = dict(CellClass.objects.filter(project=round_.project_id, key__in=missing).values_list("key", "name"))
    rows = [RolledUp(names.get(key, key), count) for key, count in missing.items()]
    return sorted(rows, key=lambda row: (row.missing, row.name))


def set_aside(runs: Mapping[Step, Run]) -> list[Aside]:
    """Fields that were not asked for because something seems wrong with them."""
    result = runs[Step.RANK].result if Step.RANK in runs else {}
    rows = result.get("set_aside") or []
    return [Aside(row["field"], str(row["field"]).rsplit("-", 1)[-1], sentence(row["reason"])) for row in rows]


def notes_of(round_: Round, runs: Mapping[Step, Run]) -> list[str]:
    """What else a reader of the figures should know."""
    rank = runs[Step.RANK].result if Step.RANK in runs else {}
    wanted, used = round_.settings.get("strategy"), rank.get("strategy")
    notes = []
    if used and wanted and used != wanted:
        notes.append(
            f"The batch was chosen by {strategy_words(used)}, not by {strategy_words(wanted)}: "
            + ("held-out splits still lack labelled fields." if used == "random" else "no accepted teacher could rank.")
        )
    for model in (round_.teacher, round_.student):
        origin = str(model.card.get("weights_from", "")) if model else ""
        if model and origin == "scratch":
            notes.append(f"{model.label} began without weights, from random numbers: it needs many labels and epochs.")
        notes.extend(sentence(str(note)) for note in (model.card.get("notes") or [] if model else []))
    return list(dict.fromkeys(notes))


@dataclass(frozen=True, slots=True)
class Failure:
    step: str
    words: str
    advice: str
    run: Run


def failure_of(round_: Round, runs: Mapping[Step, Run]) -> Failure | None:
    if round_.state != RoundState.FAILED:
        return None
    run = next((run for run in reversed(list(runs.values())) if run.state == RunState.FAILED), None)
    if run is None:
        return None
    words = run.error if len(run.error) <= MOST_ERROR else run.error[:MOST_ERROR] + " …"
    return Failure(STEP_TITLES[Step(run.step)], words, advice(run.error, run.cause), run)


@dataclass(frozen=True, slots=True)
class Asked:
    """A field of the batch and where it stands."""

    row: BatchField
    state: str
    tone: str


def batch_rows(round_: Round) -> QuerySet[BatchField]:
    return BatchField.objects.filter(batch=round_.batch_id).select_related("field__case").order_by("rank")


def with_states(rows: Sequence[BatchField], round_: Round) -> list[Asked]:
    """Each with its state, by one query for the readings that are at work."""
    open_ones = Reading.objects.filter(field__in=[row.field_id for row in rows], state=ReadingState.OPEN)
    begun = dict(open_ones.order_by("field").values_list("field").annotate(Max("lease_until")))
    now = timezone.now()
    return [Asked(row, *_asked_state(row, round_, begun, now)) for row in rows]


def _asked_state(
    row: BatchField, round_: Round, begun: Mapping[int, datetime | None], now: datetime
) -> tuple[str, str]:
    if row.field.current_reading_id is not None:
        return "labelled", "good"
    lease = begun.get(row.field_id)
    if lease is not None and lease > now:
        return "being labelled", "working"
    batch = round_.batch
    if batch is None or batch.opened_at is None:
        return "goes out at the end", "quiet"
    if batch.closed_at is not None:
        return "back in the pool", "quiet"
    return ("begun", "warn") if row.field_id in begun else ("waiting", "quiet")


@dataclass(frozen=True, slots=True)
class Move:
    at: datetime
    what: str
    words: str
    who: str
    why: str


def history_of(round_: Round, *, engineer: bool) -> list[Move]:
    """The newest moves of the round and its runs, the latest first. Errors are for those who run rounds."""
    rows = Transition.objects.filter(round=round_).select_related("actor", "run").order_by("-pk")[:MOST_HISTORY]
    start = Move(round_.created_at, "Round", "started", _name(round_.author), "")
    return [*(_move(row, engineer=engineer) for row in rows), start]


def _name(user: User | None) -> str:
    return (user.get_full_name() or user.get_username()) if user else ""


def _move(row: Transition, *, engineer: bool) -> Move:
    what = STEP_TITLES[Step(row.run.step)] if row.run else "Round"
    attempt = f" (attempt {row.attempt})" if row.attempt > 1 else ""
    who = _name(row.actor)
    hidden = not engineer and row.new == RunState.FAILED
    return Move(row.at, what, f"{row.old} → {row.new}{attempt}", who, "" if hidden else row.why)


def is_working(round_: Round) -> bool:
    return round_.state in WORKING


def elapsed(round_: Round, runs: Mapping[Step, Run], now: datetime) -> str:
    """Since its start while it works, else the time that its runs have worked."""
    if is_working(round_):
        return duration((now - round_.created_at).total_seconds())
    worked = sum(run.seconds for run in runs.values())
    return duration(worked) if worked else ""
