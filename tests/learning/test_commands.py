"""What the commands of the loop refuse, and in which words."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.management import CommandError, call_command

from learning.actions.rounds import cancel_round
from learning.management.commands import distil_student
from learning.models import Run
from learning.states import Step
from tests.learning import rows
from tests.learning.play import begin, play

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("zoo")]


def test_a_student_is_distilled_from_the_teacher_that_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    project = rows.study()
    play(begin(project), runs=2)
    queued: list[Run] = []

    def note(run: Run) -> Run:
        queued.append(run)
        return run

    monkeypatch.setattr(distil_student, "wait_for", note)
    call_command("distil_student", project.key, "--teacher", "t1")
    assert (queued[0].step, queued[0].settings["teacher"]) == (Step.DISTIL, "t1")
    with pytest.raises(CommandError, match="no model 't7'; it has: t1"):
        call_command("distil_student", project.key, "--teacher", "t7")
    with pytest.raises(CommandError, match="yolo26n"):
        call_command("distil_student", project.key, "--student", "yolo62n")
    assert len(queued) == 1


@pytest.mark.parametrize(
    ("command", "options", "words"),
    [
        ("run_round", {"tile": 100}, "multiple of 32"),
        ("run_round", {"budget": 0}, "at least one field"),
        ("run_round", {"strategy": "best"}, "hybrid"),
        ("run_round", {"resume": True}, "no round to go on with"),
        ("cancel_round", {}, "no round at work"),
        ("simulate_annotator", {}, "no such batch: run a round first"),
        ("predict", {}, "none yet: run a round first"),
    ],
)
def test_refusals_say_what_to_do(command: str, options: dict[str, Any], words: str) -> None:
    project = rows.project()
    with pytest.raises(CommandError, match=words):
        call_command(command, project.key, **options)
    assert not project.rounds.exists()


def test_a_round_that_waits_for_labels_is_not_resumed() -> None:
    project = rows.study()
    round_ = play(begin(project))
    with pytest.raises(CommandError, match="start one without --resume"):
        call_command("run_round", project.key, "--resume")
    assert not cancel_round(round_=round_, actor=None)
