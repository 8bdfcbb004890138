"""What a person can do next in a project, the most urgent first, by what they may do and how things stand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.db.models import Count, Q
from django.urls import reverse

from annotation.access import Permission
from annotation.models import BatchField, Case, Project, Reading, ReadingState
from annotation.models.field import CaseState
from annotation.tallies import Tally
from annotation.views.entry import Entry
from learning.models import Round
from learning.states import WORKING, RoundState
from learning.views.words import many


@dataclass(frozen=True, slots=True)
class NextStep:
    """How things stand, and the page where to go on."""

    words: str
    action: str
    address: str


def next_steps(entry: Entry, tally: Tally, round_: Round | None) -> list[NextStep]:
    """`round_` is the newest one. Empty where nothing waits for this person."""
    if not tally.whole.fields:
        return list(_beginning(entry))
    steps = list[NextStep]()
    if Permission.LABEL in entry.can:
        steps += _labelling(entry, tally, round_)
    if Permission.REVIEW in entry.can:
        steps += _reviewing(entry)
    if Permission.RUN in entry.can:
        steps += _running(entry.project, tally, round_)
    if Permission.ADMINISTER in entry.can:
        steps += _inviting(entry.project)
    return steps


def _beginning(entry: Entry) -> Iterator[NextStep]:
    if Permission.RUN in entry.can:
        address = reverse("data", args=[entry.project.key])
        yield NextStep("There is no field yet. Images come first, with labels or without.", "Upload images", address)
    if Permission.ADMINISTER in entry.can:
        yield from _inviting(entry.project)


def _labelling(entry: Entry, tally: Tally, round_: Round | None) -> Iterator[NextStep]:
    key = entry.project.key
    begun = Reading.objects.filter(field__project=entry.project, author=entry.actor, state=ReadingState.OPEN)
    field = begun.order_by("-id").values_list("field__code", flat=True).first()
    waiting = BatchField.objects.filter(batch__project=entry.project).waiting()
    numbers = dict(waiting.order_by().values_list("batch__number").annotate(Count("pk")))
    if numbers:
        words = f"{many(sum(numbers.values()), 'field')} of batch {max(numbers)} wait for labels."
        yield NextStep(words, "Go on labelling" if field else "Label the next", reverse("next_field", args=[key]))
    elif field:
        words = f"You have begun {field} and not submitted it."
        yield NextStep(words, "Go on with it", reverse("workbench", args=[key, field]))
    elif round_ is None and tally.whole.labelled < tally.whole.fields:
        words = f"No batch is open yet; {many(tally.whole.fields - tally.whole.labelled, 'field')} are unlabelled."
        yield NextStep(words, "Choose one to label", reverse("cases", args=[key]) + "?state=open")


def _reviewing(entry: Entry) -> Iterator[NextStep]:
    done = Case.objects.filter(project=entry.project).with_progress().filter(Q(state=CaseState.LABELLED)).count()
    if done:
        words = f"{many(done, 'case')} {'is' if done == 1 else 'are'} labelled and not signed off."
        yield NextStep(words, "Look at them", reverse("cases", args=[entry.project.key]) + "?state=labelled")


def _running(project: Project, tally: Tally, round_: Round | None) -> Iterator[NextStep]:
    new = reverse("new_round", args=[project.key])
    if round_ is None:
        if not tally.of("training").labelled:
            words = "No training field is labelled yet: a first round draws a batch by chance and asks for labels."
        else:
            words = f"{many(tally.of('training').labelled, 'training field')} are labelled, enough to begin the loop."
        yield NextStep(words, "Start the first round", new)
        return
    here = reverse("round", args=[project.key, round_.number])
    if round_.state in WORKING:
        yield NextStep(f"Round {round_.number} is {round_.state}.", "Watch it", here)
    elif round_.state in {RoundState.FAILED, RoundState.CANCELLED}:
        yield NextStep(f"Round {round_.number} {_stopped(round_)}.", "See why", here)
    else:
        yield from _after(round_, new)


def _stopped(round_: Round) -> str:
    return "failed" if round_.state == RoundState.FAILED else "was cancelled"


def _after(round_: Round, new: str) -> Iterator[NextStep]:
    asked = BatchField.objects.filter(batch=round_.batch_id)
    counted = asked.aggregate(asked=Count("pk"), labelled=Count("field__current_reading"))
    number = round_.number + 1
    if counted["labelled"] == counted["asked"]:
        yield NextStep(f"Batch {round_.number} is labelled.", f"Start round {number}", new)
    elif counted["labelled"]:
        words = f"{counted['labelled']} of {many(counted['asked'], 'field')} of batch {round_.number} are labelled."
        yield NextStep(words, f"Start round {number} with these", new)


def _inviting(project: Project) -> Iterator[NextStep]:
    if project.memberships.count() < 2:  # nobody but its administrator
        yield NextStep("Nobody else works in this project yet.", "Invite people", reverse("people", args=[project.key]))
