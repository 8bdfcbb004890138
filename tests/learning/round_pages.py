"""What the tests of the pages of rounds share: rounds in each state, what a page says without its tags."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from typing import TYPE_CHECKING, Any

from django.utils import timezone

from annotation.actions.batches import Asked, open_batch, publish_batch
from annotation.models import Batch, Field, Project
from learning.models import Round, Run
from learning.settings import RoundSettings, to_row
from learning.states import STATE_OF_STEP, RunState, Step
from tests.learning import rows

if TYPE_CHECKING:
    pass

ROUNDS = "/projects/study/rounds/"
GIVEN = {name: str(value) for name, value in to_row(RoundSettings(budget=4)).items()}
REFUSED = {
    "passed": False,
    "reason": "refused: AP50 -0.050 against s1 on 12 cases (95 % interval -0.080 to -0.010)",
    "evidence": {
        "fields": 12,
        "cases": 12,
        "cells": 300,
        "found": 200,
        "incumbent": "s1",
        "difference": {"ap50": -0.05, "low": -0.08, "high": -0.01, "better": 0.0},
    },
}
REPORT = {
    "ap50": 0.727,
    "f1": 0.68,
    "precision": 0.65,
    "recall": 0.72,
    "found": 0.9,
    "fields": 8,
    "cases": 2,
    "objects": 175,
    "intervals": {"ap50": [0.708, 0.778], "f1": None},
}


def text(answer: Any) -> str:
    """What the page says, without its tags and with single blanks."""
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]*>", " ", answer.content.decode())))


def html(answer: Any) -> str:
    return str(answer.content.decode())


def at_work(owner: Project, step: Step = Step.TRAIN, **values: Any) -> tuple[Round, Run]:
    """A round whose `step` is under way, with the steps before it done."""
    round_ = rows.round_of(owner, STATE_OF_STEP[step])
    for earlier in list(Step)[: list(Step).index(step)]:
        rows.run_of(owner, earlier, round_, state=RunState.SUCCEEDED, attempt=1, seconds=61.0)
    known = {"state": RunState.RUNNING, "attempt": 1, "lease_until": timezone.now() + timedelta(minutes=1)}
    return round_, rows.run_of(owner, step, round_, started_at=timezone.now(), **(known | values))


def with_batch(round_: Round, fields: list[Field], *, opened: bool = True) -> Batch:
    asked = [Asked(field, 1.5, f"3 uncertain cells: blast or seg, {field.code}") for field in fields]
    batch = publish_batch(project=round_.project, number=round_.number, strategy="hybrid", seed=0, asked=asked)
    if opened:
        open_batch(batch=batch)
    Round.objects.filter(pk=round_.pk).update(batch=batch)
    round_.refresh_from_db()
    return batch
