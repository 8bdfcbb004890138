"""Pages of rounds: the list, the form, a round in each state, its live part, its logs, and what is done with it."""

from __future__ import annotations

import os
import re
import time
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from annotation.actions.batches import Asked, open_batch, publish_batch
from annotation.models import Batch, BatchField, Field, Project, Reading, ReadingState, Source
from learning.actions.moves import move_round
from learning.forms.rounds import NAMES, RoundForm, settings_of
from learning.material import material_of
from learning.models import Epoch, Round, Run
from learning.settings import RoundSettings, to_row
from learning.states import STATE_OF_STEP, STEP_OF_STATE, WORKING, RoundState, RunState, Step
from learning.views.log import MOST_BYTES, read_log
from learning.views.words import SETTING_WORDS, advice, duration, gate_in_words
from tests.learning import rows

if TYPE_CHECKING:
    from tests.cast import Cast

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("home")]

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


class TestList:
    def test_without_a_round_it_says_what_one_is(self, cast: Cast) -> None:
        page = cast.client("lea").get(ROUNDS)
        assert "No round yet" in text(page)
        assert "Start the first round" in text(page)
        assert "Start the first round" not in text(cast.client("ana").get(ROUNDS))

    @pytest.mark.parametrize("state", list(RoundState))
    def test_it_names_every_state(self, cast: Cast, state: RoundState) -> None:
        rows.round_of(cast.project, state)
        assert f">{state}</span>" in html(cast.client("ana").get(ROUNDS))

    def test_a_round_stands_with_models_figures_batch_and_author(self, cast: Cast) -> None:
        teacher = rows.model(cast.project, "t1", metrics={"test": REPORT})
        student = rows.model(cast.project, "s1", metrics={"test": REPORT}, accepted=False)
        round_ = rows.round_of(cast.project, RoundState.LABELLING)
        Round.objects.filter(pk=round_.pk).update(teacher=teacher, student=student, author=cast.lea)
        fields = list(rows.pool_fields(cast.project, 3))
        with_batch(round_, fields)
        rows.reading(fields[0], {"seg": 2})
        rows.run_of(cast.project, Step.TRAIN, round_, seconds=125.0)
        words = text(cast.client("ana").get(ROUNDS))
        for word in ("t1", "s1", "0.727", "0.708 to 0.778", "refused", "1 of 3", "by lea", "2 min 5 s"):
            assert word in words

    def test_the_curve_is_there_from_two_measured_students_on(self, cast: Cast) -> None:
        for number in (1, 2):
            student = rows.model(cast.project, f"s{number}", metrics={"test": REPORT})
            round_ = rows.round_of(cast.project, RoundState.DONE)
            Round.objects.filter(pk=round_.pk).update(student=student)
            page = html(cast.client("ana").get(ROUNDS))
            assert ("<svg" in page.partition("<main")[2]) == (number > 1)

    def test_a_hundred_rounds_take_as_many_queries_as_ten(self, cast: Cast) -> None:
        client, counted = cast.client("lea"), []
        for upto in (10, 100):
            while cast.project.rounds.count() < upto:
                round_ = rows.round_of(cast.project, RoundState.DONE)
                student = rows.model(cast.project, f"s{round_.number}", metrics={"test": REPORT})
                Round.objects.filter(pk=round_.pk).update(student=student)
            with CaptureQueriesContext(
                connection,
            ) as queries:
                assert client.get(ROUNDS).status_code == 200
            counted.append(len(queries))
        assert counted[1] <= counted[0] + 1
        assert "Round 1 " in text(client.get(f"{ROUNDS}?page=4"))

    @pytest.mark.parametrize("page", ["0", "-3", "x", "999", "1e9"])
    def test_a_page_that_is_none_is_the_nearest(self, cast: Cast, page: str) -> None:
        rows.round_of(cast.project, RoundState.DONE)
        assert "Round 1" in text(cast.client("ana").get(f"{ROUNDS}?page={page}"))


class TestRoles:
    ENGINEERS = ("lea", "ada", "root")

    @pytest.mark.parametrize("who", ["ana", "rui", "lea", "ada", "root"])
    def test_members_see_rounds_and_engineers_their_buttons(self, cast: Cast, who: str) -> None:
        rows.round_of(cast.project, RoundState.LABELLING)
        _, run = at_work(cast.project)
        page, may = html(cast.client(who).get(f"{ROUNDS}2/")), who in self.ENGINEERS
        for address in ("cancel/", f"runs/{run.pk}/log/", "rounds/new/?from=2"):
            assert (address in page) == may
        assert ("1/close/" in html(cast.client(who).get(f"{ROUNDS}1/"))) == may

    @pytest.mark.parametrize("address", ["", "new/", "1/", "1/cancel/", "1/close/", "1/runs/{run}/log/"])
    def test_outsiders_learn_nothing_and_nobody_signs_in(self, cast: Cast, address: str) -> None:
        _, run = at_work(cast.project)
        path = ROUNDS + address.format(run=run.pk)
        assert cast.client("otto").get(path).status_code == 404
        assert cast.client("nobody").get(path).status_code == 302

    @pytest.mark.parametrize("address", ["new/", "1/cancel/", "1/close/", "1/retry/"])
    @pytest.mark.parametrize("who", ["ana", "rui"])
    def test_who_does_not_run_rounds_changes_nothing(self, cast: Cast, who: str, address: str) -> None:
        round_, _ = at_work(cast.project)
        assert cast.client(who).post(ROUNDS + address, GIVEN).status_code == 403
        round_.refresh_from_db()
        assert (round_.state, cast.project.rounds.count()) == (RoundState.TRAINING, 1)

    def test_a_poll_of_somebody_signed_out_gets_no_sign_in_page(self, cast: Cast) -> None:
        at_work(cast.project)
        assert Client().get(f"{ROUNDS}1/?live=1", headers={"HX-Request": "true"}).status_code == 401


class TestForm:
    def test_it_starts_from_the_defaults(self, cast: Cast) -> None:
        page = html(cast.client("lea").get(f"{ROUNDS}new/"))
        assert re.search(r'name="budget" value="20"', page)
        assert re.search(r'value="hybrid"\s+required\s+checked', page)

    def test_it_starts_from_the_projects_own_defaults_as_far_as_they_can_be_read(self, cast: Cast) -> None:
        Project.objects.filter(pk=cast.project.pk).update(
            round_defaults={"budget": 7, "tile": "wide", "of old": 1, "epochs": -4}
        )
        page = html(cast.client("lea").get(f"{ROUNDS}new/"))
        for given in ('name="budget" value="7"', 'name="tile" value="320"', 'name="epochs" value="0"'):
            assert given in page

    def test_it_takes_the_settings_of_another_round_over(self, cast: Cast) -> None:
        rows.round_of(cast.project, RoundState.DONE, budget=33, strategy="coverage", min_cells=5)
        page = html(cast.client("lea").get(f"{ROUNDS}new/?from=1"))
        assert 'name="budget" value="33"' in page
        assert re.search(r'value="coverage"\s+required\s+checked', page)
        assert re.search(r'<details class="more"\s+open', page)

    @pytest.mark.parametrize("number", ["9", "x", "-1", "1" * 40, "²"])
    def test_a_round_that_is_not_there_is_no_fault(self, cast: Cast, number: str) -> None:
        assert 'name="budget" value="20"' in html(cast.client("lea").get(f"{ROUNDS}new/?from={number}"))

    def test_it_starts_a_round_as_it_says(self, cast: Cast) -> None:
        answer = cast.client("lea").post(
            f"{ROUNDS}new/", GIVEN | {"strategy": "random", "pseudo": "0.5", "device": "cpu"}
        )
        assert (answer.status_code, answer["Location"]) == (302, f"{ROUNDS}1/")
        round_ = cast.project.rounds.get()
        assert settings_of(round_.settings) == RoundSettings(budget=4, strategy="random", pseudo=0.5, device="cpu")
        assert (round_.author, round_.state, round_.runs.get().step) == (cast.lea, RoundState.TRAINING, Step.TRAIN)

    def test_a_double_click_is_one_round(self, cast: Cast) -> None:
        client = cast.client("lea")
        answers = [client.post(f"{ROUNDS}new/", GIVEN) for _ in range(2)]
        assert [answer["Location"] for answer in answers] == [f"{ROUNDS}1/"] * 2
        assert cast.project.rounds.count() == 1

    @pytest.mark.parametrize("other", ["another person", "other settings", "long ago"])
    def test_what_is_no_double_click_is_told_that_one_round_works(self, cast: Cast, other: str) -> None:
        cast.client("lea").post(f"{ROUNDS}new/", GIVEN)
        if other == "long ago":
            Round.objects.update(created_at=timezone.now() - timedelta(minutes=5))
        who, given = ("ada" if other == "another person" else "lea"), dict(GIVEN)
        if other == "other settings":
            given["budget"] = "5"
        answer = cast.client(who).post(f"{ROUNDS}new/", given)
        assert answer.status_code == 422
        assert "Round 1 is still training" in text(answer)
        assert cast.project.rounds.count() == 1

    FAULTS = {
        "teacher": ["", "yolo99", "../x"],
        "student": ["", "auto"],
        "tile": ["", "33", "0", "4096", "-32", "x", "3.5"],
        "epochs": ["", "-1", "999999", "x"],
        "student_epochs": ["", "-1", "1e3"],
        "batch": ["", "-1", "99999"],
        "budget": ["", "0", "-5", "10000000", "x"],
        "strategy": ["", "best"],
        "seed": ["", "-1", str(2**40)],
        "device": ["", "gpu", "cuda:0", "1; rm"],
        "artefacts": ["", "both"],
        "anms": ["", "-1", "0.3", "1.5", "x"],
        "min_cells": ["", "0", "-1"],
        "pseudo": ["", "-1", "nan", "inf", "x"],
        "patience": ["", "-1"],
    }

    @pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in FAULTS.items() for value in values])
    def test_a_fault_stands_at_its_field_and_nothing_is_lost(self, cast: Cast, name: str, value: str) -> None:
        answer = cast.client("lea").post(f"{ROUNDS}new/", GIVEN | {"budget": "17", "seed": "5", name: value})
        page = html(answer)
        assert answer.status_code == 422
        assert list(answer.context["form"].errors) == [name]
        assert 'class="fault"' in page
        assert 'name="budget" value="17"' in page or name == "budget"
        assert 'name="seed" value="5"' in page or name == "seed"
        assert not cast.project.rounds.exists()

    def test_each_setting_has_its_field_and_a_fault_of_each_was_tried(self) -> None:
        assert set(RoundForm(start=RoundSettings()).fields) == set(NAMES) == set(self.FAULTS) == set(SETTING_WORDS)

    @pytest.mark.parametrize("name", NAMES)
    def test_a_field_that_was_not_sent_is_a_fault(self, cast: Cast, name: str) -> None:
        given = {key: value for key, value in GIVEN.items() if key != name}
        assert name in cast.client("lea").post(f"{ROUNDS}new/", given).context["form"].errors

    def test_a_long_project_is_previewed_with_few_queries(self, cast: Cast) -> None:
        client = cast.client("lea")
        with CaptureQueriesContext(connection) as queries:
            client.get(f"{ROUNDS}new/")
        assert len(queries) <= 22

    def test_it_says_how_long_the_last_one_took(self, cast: Cast) -> None:
        teacher = rows.model(cast.project, "t1")
        round_ = rows.round_of(cast.project, RoundState.DONE)
        Round.objects.filter(pk=round_.pk).update(teacher=teacher)
        rows.run_of(cast.project, Step.TRAIN, round_, seconds=700.0, state=RunState.SUCCEEDED)
        assert "Round 1 took 11 min of work (train 11 min) with yolo26n" in text(
            cast.client("lea").get(f"{ROUNDS}new/")
        )


class TestMaterial:
    def test_it_tells_what_is_learned_and_what_is_missing(self) -> None:
        owner = rows.study(training=6, pool=5, held_out=2)
        found = material_of(owner, RoundSettings(min_cells=20, budget=8))
        assert (found.training.exhaustive, found.training.cells, found.pool) == (6, 48, 5)
        learned = {row.cell_class.key: (row.cells, row.missing, row.onto) for row in found.classes}
        assert learned["seg"] == (36, 0, "")
        assert learned["myc"][:2] == (12, 8)
        assert learned["myc"][2]
        assert any("The pool holds 5 fields, fewer than the 8" in warning for warning in found.warnings)
        assert any("The gate will see little: tuning holds 2 cases" in warning for warning in found.warnings)

    def test_an_empty_project_can_only_choose_a_batch(self) -> None:
        owner = rows.project()
        found = material_of(owner, RoundSettings())
        assert (found.pool, found.classes) == (0, ())
        assert "no teacher can be trained" in found.warnings[0]

    def test_fields_labelled_in_part_are_left_out(self) -> None:
        owner = rows.study(training=2, pool=0)
        rows.reading(rows.field(owner), {"seg": 50}, exhaustive=False)
        found = material_of(owner, RoundSettings())
        assert (found.training.exhaustive, found.training.partly, found.training.cells) == (2, 1, 16)
        assert any("1 labelled training field is not exhaustive" in warning for warning in found.warnings)

    def test_missing_held_out_labels_mean_a_random_batch(self) -> None:
        owner = rows.study(training=2, pool=1, held_out=1)
        Project.objects.filter(pk=owner.pk).update(min_labelled=2)
        owner.refresh_from_db()
        rows.field(owner, "tuning")
        found = material_of(owner, RoundSettings())
        assert [part.lacking for part in found.splits] == [0, 0, 1, 0]
        assert any("(tuning 1)" in warning and "at random" in warning for warning in found.warnings)

    def test_the_open_batch_is_mentioned(self) -> None:
        owner = rows.study(training=2, pool=3)
        with_batch(rows.round_of(owner, RoundState.LABELLING), list(Field.objects.filter(project=owner).pool()))
        assert any(
            "3 fields of the open batch are not labelled" in warning
            for warning in material_of(owner, RoundSettings()).warnings
        )

    def test_the_preview_follows_the_form(self, cast: Cast) -> None:
        rows.reading(rows.field(cast.project), {"seg": 12, "myc": 3})
        client = cast.client("lea")
        few = text(client.get(f"{ROUNDS}new/?material&min_cells=2"))
        many = text(client.get(f"{ROUNDS}new/?material&min_cells=900"))
        assert "2 learned on their own" in few
        assert "2 learned on their own" not in many
        assert "<html" not in html(client.get(f"{ROUNDS}new/?material&min_cells=x&artefacts=y&budget=-2"))


class TestRoundPage:
    @pytest.mark.parametrize("state", list(RoundState))
    @pytest.mark.parametrize("run_state", [None, *RunState])
    def test_every_state_of_round_and_run_is_shown(
        self, cast: Cast, state: RoundState, run_state: RunState | None
    ) -> None:
        round_ = rows.round_of(cast.project, state)
        if run_state is not None:
            step = STEP_OF_STATE.get(state, Step.DISTIL)
            rows.run_of(
                cast.project, step, round_, state=run_state, attempt=2, error="it broke", progress={"doing": "training"}
            )
        for who in ("lea", "ana"):
            answer = cast.client(who).get(f"{ROUNDS}1/")
            assert answer.status_code == 200
            page = html(answer)
            assert f">{state}</span>" in page
            assert ("hx-trigger" in page) == (state in WORKING)
            assert ("<noscript>" in page) == (state in WORKING)
            assert "style=" not in page

    @pytest.mark.parametrize("number", ["2", "0", "99999999999999999999"])
    def test_a_round_that_is_not_there(self, cast: Cast, number: str) -> None:
        rows.round_of(cast.project)
        assert cast.client("lea").get(f"{ROUNDS}{number}/").status_code == 404

    def test_a_training_shows_epoch_percent_and_time(self, cast: Cast) -> None:
        progress = {"doing": "training", "done": 5, "total": 20, "seconds_left": 90.0}
        at_work(cast.project, progress=progress)
        words = text(cast.client("lea").get(f"{ROUNDS}1/"))
        assert "training, epoch 5 of 20 (25 %)" in words
        assert "about 1 min 30 s of training left" in words

    @pytest.mark.parametrize(
        "progress", [{}, {"doing": "judging", "done": 3, "total": 0}, {"doing": None, "done": "x", "total": None}, []]
    )
    def test_progress_that_says_little_claims_nothing(self, cast: Cast, progress: Any) -> None:
        at_work(cast.project, progress=progress)
        words = text(cast.client("lea").get(f"{ROUNDS}1/"))
        assert "running" in words
        assert " left" not in words
        assert "%)" not in words

    def test_a_first_epoch_is_too_early_for_a_guess(self, cast: Cast) -> None:
        at_work(cast.project, progress={"doing": "training", "done": 1, "total": 20, "seconds_left": 90.0})
        assert "of training left" not in text(cast.client("lea").get(f"{ROUNDS}1/"))

    def test_a_queue_without_workers_is_noticed(self, cast: Cast) -> None:
        round_ = rows.round_of(cast.project)
        run = rows.run_of(cast.project, Step.TRAIN, round_)
        assert "Waits for a worker." in text(cast.client("lea").get(f"{ROUNDS}1/"))
        Run.objects.filter(pk=run.pk).update(created_at=timezone.now() - timedelta(minutes=10))
        assert "check that the workers run" in text(cast.client("lea").get(f"{ROUNDS}1/"))
        at_work(rows.project())
        assert "behind 1 other run" in text(cast.client("lea").get(f"{ROUNDS}1/"))

    def test_a_lost_worker_and_a_wanted_stop_are_told(self, cast: Cast) -> None:
        _, run = at_work(cast.project, lease_until=timezone.now() - timedelta(seconds=5))
        assert "Its worker does not answer" in text(cast.client("lea").get(f"{ROUNDS}1/"))
        Run.objects.filter(pk=run.pk).update(cancel_requested=True)
        assert "stopping" in text(cast.client("lea").get(f"{ROUNDS}1/"))

    def test_a_step_that_was_left_out_says_why(self, cast: Cast) -> None:
        round_ = rows.round_of(cast.project, RoundState.LABELLING)
        for step in (Step.TRAIN, Step.RANK, Step.PREDICT):
            rows.run_of(cast.project, step, round_, state=RunState.SUCCEEDED)
        assert "no accepted teacher to learn from" in text(cast.client("ana").get(f"{ROUNDS}1/"))

    def test_a_refused_student_in_plain_words(self, cast: Cast) -> None:
        incumbent = rows.model(cast.project, "s1")
        cast.project.deployments.create(model=incumbent, reason="first")
        student = rows.model(
            cast.project, "s2", accepted=False, gate=REFUSED, metrics={"test": REPORT, "tuning": REPORT}
        )
        round_ = rows.round_of(cast.project, RoundState.LABELLING)
        Round.objects.filter(pk=round_.pk).update(student=student, reason=REFUSED["reason"])
        words = text(cast.client("ana").get(f"{ROUNDS}1/"))
        assert "s2 is refused" in words
        assert "Its AP50 on 12 tuning cases is lower by 0.050 than that of s1" in words
        assert "s1 goes on predicting" in words
        assert "8 fields, 2 cases, 175 cells" in words
        rows.round_of(cast.project, RoundState.TRAINING)
        cast.project.deployments.create(model=rows.model(cast.project, "s3"), reason="later")
        assert "s1 went on predicting" in text(cast.client("ana").get(f"{ROUNDS}1/"))

    def test_a_refused_teacher_and_no_teacher(self, cast: Cast) -> None:
        round_ = rows.round_of(cast.project, RoundState.LABELLING)
        Round.objects.filter(pk=round_.pk).update(reason="no teacher: no training field is labelled exhaustively yet")
        words = text(cast.client("ana").get(f"{ROUNDS}1/"))
        assert "No teacher No training field is labelled exhaustively yet." in words
        assert "No student predicts yet" in words
        gate = {"passed": False, "reason": "refused: it found", "evidence": {"fields": 4, "found": 0}}
        Round.objects.filter(pk=round_.pk).update(teacher=rows.model(cast.project, "t1", accepted=False, gate=gate))
        assert "t1 is refused It found not one cell on 4 tuning fields." in text(cast.client("ana").get(f"{ROUNDS}1/"))

    def test_a_failure_is_told_in_full_to_engineers_alone(self, cast: Cast) -> None:
        round_ = rows.round_of(cast.project, RoundState.FAILED)
        run = rows.run_of(
            cast.project, Step.TRAIN, round_, state=RunState.FAILED, attempt=1, error="CUDA out of memory in secret.py"
        )
        run.folder.mkdir(parents=True, exist_ok=True)
        run.log.write_text("the last words <b>of it</b>\n")
        words = text(cast.client("lea").get(f"{ROUNDS}1/"))
        for told in ("It failed: Train the teacher", "secret.py", "smaller tile", "the last words", "Try again"):
            assert told in words
        assert "<b>of it" not in html(cast.client("lea").get(f"{ROUNDS}1/"))
        others = text(cast.client("ana").get(f"{ROUNDS}1/"))
        assert "An engineer of this project can see why" in others
        assert "secret.py" not in others
        assert "Try again" not in others

    def test_the_errors_in_the_history_are_for_engineers(self, cast: Cast) -> None:
        round_, _ = at_work(cast.project)
        move_round(round_, RoundState.FAILED, actor=cast.lea, why="secret.py broke")
        assert "secret.py broke" in text(cast.client("lea").get(f"{ROUNDS}1/"))
        assert "secret.py broke" not in text(cast.client("ana").get(f"{ROUNDS}1/"))
        assert "training → failed lea" in text(cast.client("ana").get(f"{ROUNDS}1/"))

    def test_warnings_name_classes_fields_and_weights(self, cast: Cast) -> None:
        card = rows.model(cast.project, "t1").card | {
            "rolled_up": {"baso": 12, "no longer a class": 3},
            "weights_from": "scratch",
            "notes": ["validation was empty"],
        }
        round_ = rows.round_of(cast.project, RoundState.LABELLING)
        Round.objects.filter(pk=round_.pk).update(teacher=rows.model(cast.project, "t2", card=card))
        result = {"batch": 2, "strategy": "coverage", "set_aside": [{"field": "C1-F00009", "reason": "blurred"}]}
        rows.run_of(cast.project, Step.RANK, round_, state=RunState.SUCCEEDED, result=result)
        page = cast.client("ana").get(f"{ROUNDS}1/")
        words = text(page)
        for told in (
            "2 classes had too few cells",
            "no longer a class",
            "C1-F00009",
            "Blurred.",
            "Validation was empty.",
        ):
            assert told in words
        assert "The batch was chosen by coverage, not by hybrid" in words
        assert "t2 began without weights" in words
        assert "/fields/F00009/" in html(page)

    def test_settings_that_differ_from_the_round_before_stand_out(self, cast: Cast) -> None:
        rows.round_of(cast.project, RoundState.DONE, budget=8)
        rows.round_of(cast.project, RoundState.DONE, budget=9)
        page = html(cast.client("ana").get(f"{ROUNDS}2/"))
        assert page.count('class="differs"') == 1
        assert "differs" not in html(cast.client("ana").get(f"{ROUNDS}1/")).replace("what differs", "")


class TestBatch:
    def test_each_field_has_its_reason_and_its_state(self, cast: Cast) -> None:
        fields = list(rows.pool_fields(cast.project, 4))
        round_ = rows.round_of(cast.project, RoundState.LABELLING)
        batch = with_batch(round_, fields)
        rows.reading(fields[0], {"seg": 1})
        soon = timezone.now() + timedelta(minutes=5)
        for field, lease in ((fields[1], soon), (fields[2], None)):
            Reading.objects.create(field=field, source=Source.DRAWN, state=ReadingState.OPEN, lease_until=lease)
        answer = cast.client("ana").get(f"{ROUNDS}1/")
        assert [asked.state for asked in answer.context["asked_fields"]] == [
            "labelled",
            "being labelled",
            "begun",
            "waiting",
        ]
        assert f"blast or seg, {fields[3].code}" in text(answer)
        assert f"/fields/{fields[3].code}/thumbnail/?v=" in html(answer)
        assert "1 of 4 fields labelled" in text(answer)
        Batch.objects.filter(pk=batch.pk).update(closed_at=timezone.now())
        assert "back in the pool" in text(cast.client("ana").get(f"{ROUNDS}1/"))

    def test_before_it_goes_out_it_says_so(self, cast: Cast) -> None:
        round_, _ = at_work(cast.project, Step.PREDICT)
        with_batch(round_, list(rows.pool_fields(cast.project, 1)), opened=False)
        assert "goes out at the end" in text(cast.client("ana").get(f"{ROUNDS}1/"))

    def test_an_empty_batch_is_no_fault(self, cast: Cast) -> None:
        with_batch(rows.round_of(cast.project, RoundState.LABELLING), [])
        assert "No field was left to ask for" in text(cast.client("ana").get(f"{ROUNDS}1/"))

    def test_a_thousand_fields_come_in_pages_by_few_queries(self, cast: Cast) -> None:
        round_ = rows.round_of(cast.project, RoundState.LABELLING)
        batch = with_batch(round_, [])
        fields = Field.objects.bulk_create(
            Field(
                project=cast.project,
                code=f"B{n}",
                sha256=f"{n:064}",
                file="x",
                width=9,
                height=9,
                phash="0",
                split="training",
            )
            for n in range(1000)
        )
        BatchField.objects.bulk_create(
            BatchField(batch=batch, field=field, rank=rank, score=1, reason="why")
            for rank, field in enumerate(fields, 1)
        )
        client = cast.client("ana")
        with CaptureQueriesContext(connection) as queries:
            page = client.get(f"{ROUNDS}1/")
        assert len(queries) <= 20
        assert html(page).count("<img") < 40
        assert "1 to 24 of 1000" in text(page)
        assert "B999" in text(client.get(f"{ROUNDS}1/?page=9999"))


class TestLive:
    def live(self, cast: Cast, query: str, who: str = "lea") -> Any:
        return cast.client(who).get(f"{ROUNDS}1/?live=1&{query}", headers={"HX-Request": "true"})

    def test_it_is_small_while_nothing_changed(self, cast: Cast) -> None:
        at_work(cast.project)
        client = cast.client("lea")
        with CaptureQueriesContext(connection) as queries:
            page = html(client.get(f"{ROUNDS}1/?live=1&state=training&epochs=0"))
        assert page.strip().startswith('<div id="live"')
        assert "every 2s" in page
        assert "hx-swap-oob" not in page
        assert len(queries) <= 11

    def test_curves_come_along_with_each_new_epoch(self, cast: Cast) -> None:
        _, run = at_work(cast.project)
        for number in (1, 2):
            Epoch.objects.create(
                run=run,
                number=number,
                attempt=1,
                seconds=1,
                losses={"box_loss": 1.0 / number, "val_box_loss": 2.0, "odd": None},
            )
        page = html(self.live(cast, "state=training&epochs=1"))
        assert 'hx-swap-oob="innerHTML:#losses"' in page
        assert "Place and size (box loss)" in page
        assert "validation" in page
        assert "epochs=2" in page
        assert "innerHTML:#rest" not in page
        assert "<path" in html(cast.client("ana").get(f"{ROUNDS}1/"))

    def test_the_best_epoch_is_marked_here_and_on_the_page_of_the_model(self, cast: Cast) -> None:
        round_, run = at_work(cast.project)
        for number in (1, 2, 3):
            Epoch.objects.create(run=run, number=number, attempt=1, seconds=1, losses={"box_loss": 1.0 / number})
        assert "best epoch" not in html(cast.client("ana").get(f"{ROUNDS}1/")), "not known before the end"
        round_.teacher = rows.model(cast.project, "t1", card={"best_epoch": 2})
        round_.save()
        Run.objects.filter(pk=run.pk).update(state=RunState.SUCCEEDED, result={"model": "t1"})
        assert "best epoch: 2" in html(cast.client("ana").get(f"{ROUNDS}1/"))
        assert "best epoch: 2" in html(cast.client("ana").get("/projects/study/models/t1/"))

    def test_the_rest_comes_along_when_the_state_changed_and_the_asking_ends(self, cast: Cast) -> None:
        round_, _ = at_work(cast.project, Step.PREDICT)
        assert "innerHTML:#rest" in html(self.live(cast, "state=distilling&epochs=0"))
        move_round(round_, RoundState.LABELLING)
        page = html(self.live(cast, "state=predicting&epochs=0"))
        assert "innerHTML:#rest" in page
        assert "every 2s" not in page

    @pytest.mark.parametrize("query", ["", "state=&epochs=", "state=x&epochs=-1&page=x", "epochs=" + "9" * 50])
    def test_odd_questions_are_answered(self, cast: Cast, query: str) -> None:
        at_work(cast.project)
        assert self.live(cast, query).status_code == 200


class TestLog:
    def run_with_log(self, cast: Cast, content: bytes, **values: Any) -> Run:
        _, run = at_work(cast.project, **values)
        run.folder.mkdir(parents=True, exist_ok=True)
        run.log.write_bytes(content)
        return run

    def path(self, run: Run, query: str = "") -> str:
        return f"{ROUNDS}1/runs/{run.pk}/log/{query}"

    def test_its_end_is_shown_and_followed(self, cast: Cast) -> None:
        run = self.run_with_log(cast, b"one\ntwo <i>\nhalf a li")
        client = cast.client("lea")
        page = html(client.get(self.path(run)))
        assert "two &lt;i&gt;" in page
        assert "half a li" not in page
        follow = re.search(r'hx-get="([^"]+)"', page)
        assert follow is not None
        more = unescape(follow[1])
        assert client.get(more).status_code == 204
        with run.log.open("ab") as stream:
            stream.write(b"ne\nthree\n")
        answer = client.get(more)
        assert "half a line\nthree" in html(answer)
        assert "every 2s" in html(answer)
        Run.objects.filter(pk=run.pk).update(state=RunState.SUCCEEDED)
        with run.log.open("ab") as stream:
            stream.write(b"no end of line")
        last = html(client.get(unescape(re.search(r'hx-get="([^"]+)"', html(answer))[1])))  # type: ignore[index]
        assert "no end of line" in last
        assert "every 2s" not in last

    @pytest.mark.parametrize("offset", ["0", "5", "99999999", "-4", "x", "1e3", "9" * 30, "", "²"])
    @pytest.mark.parametrize("name", ["offset", "follow"])
    def test_any_offset_is_answered(self, cast: Cast, name: str, offset: str) -> None:
        run = self.run_with_log(cast, b"one\ntwo\n", state=RunState.SUCCEEDED)
        assert cast.client("lea").get(self.path(run, f"?{name}={offset}")).status_code == 200

    def test_of_a_long_log_only_a_piece_is_read(self, cast: Cast) -> None:
        run = self.run_with_log(cast, b"", state=RunState.SUCCEEDED)
        with run.log.open("wb") as stream:
            stream.write(b"the beginning\n")
            stream.truncate(50 * 2**20)
            stream.seek(0, os.SEEK_END)
            stream.write(b"\nthe end\n")
        client = cast.client("lea")
        began = time.monotonic()
        page = client.get(self.path(run))
        assert time.monotonic() - began < 1
        assert "the end" in text(page)
        assert len(page.content) < MOST_BYTES * 2
        assert "the beginning" in text(client.get(self.path(run, "?offset=0")))
        assert "Earlier" in text(page)

    def test_it_downloads_whole(self, cast: Cast) -> None:
        run = self.run_with_log(cast, b"one\x1b[31m\r\n" * 9)
        answer = cast.client("lea").get(self.path(run, "download/"))
        assert b"".join(answer.streaming_content) == b"one\x1b[31m\r\n" * 9  # type: ignore[attr-defined]
        assert "attachment" in answer["Content-Disposition"]
        answer.close()

    def test_the_training_of_each_attempt_has_its_own(self, cast: Cast) -> None:
        run = self.run_with_log(cast, b"the run\n", attempt=2)
        for attempt in (1, 2, 3):
            folder = run.folder / f"attempt{attempt}" / "model"
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "train.log").write_text(f"training {attempt}\n")
        client = cast.client("lea")
        assert "training 2" in text(client.get(self.path(run)))
        assert "training 1" in text(client.get(self.path(run, "?of=1")))
        assert "the run" in text(client.get(self.path(run, "?of=run")))
        for of in ("3", "0", "../../1", "log.txt", "²"):
            assert client.get(self.path(run), {"of": of}).status_code == 404
            assert client.get(self.path(run, "download/"), {"of": of}).status_code == 404

    def test_a_link_out_of_the_folder_is_not_followed(self, cast: Cast, tmp_path: Path) -> None:
        run = self.run_with_log(cast, b"")
        secret = tmp_path / "secret"
        secret.write_text("the secret key\n")
        run.log.unlink()
        run.log.symlink_to(secret)
        client = cast.client("lea")
        assert "the secret key" not in text(client.get(self.path(run)))
        assert client.get(self.path(run, "download/")).status_code == 404

    def test_a_run_without_a_log_says_so(self, cast: Cast) -> None:
        _, run = at_work(cast.project)
        assert "Nothing is written yet" in text(cast.client("lea").get(self.path(run)))

    def test_it_belongs_to_its_round_and_project(self, cast: Cast) -> None:
        self.run_with_log(cast, b"x\n")
        _, other = at_work(rows.project())
        assert cast.client("root").get(self.path(other)).status_code == 404

    def test_who_does_not_run_rounds_does_not_read_them(self, cast: Cast) -> None:
        run = self.run_with_log(cast, b"x\n")
        for who in ("ana", "rui"):
            assert cast.client(who).get(self.path(run)).status_code == 403
            assert cast.client(who).get(self.path(run, "download/")).status_code == 403

    def test_lines_that_were_written_over_show_their_last_words(self, tmp_path: Path) -> None:
        file = tmp_path / "log"
        file.write_bytes("\x1b[32m10 %\r50 %\r100 %\x1b[0m\r\nGr\u00fc\u00dfe\x07\n".encode() + b"\xff\n")
        assert read_log(file).text == "100 %\nGr\u00fc\u00dfe\n\ufffd\n"


class TestDoing:
    def test_cancelling_asks_first(self, cast: Cast) -> None:
        round_ = rows.round_of(cast.project)
        rows.run_of(cast.project, Step.TRAIN, round_)
        client = cast.client("lea")
        assert "Cancel round 1?" in text(client.get(f"{ROUNDS}1/cancel/"))
        round_.refresh_from_db()
        assert round_.state == RoundState.TRAINING
        assert "asked to stop" in text(client.post(f"{ROUNDS}1/cancel/", follow=True))
        round_.refresh_from_db()
        assert round_.state == RoundState.CANCELLED
        assert "not working any more" in text(client.post(f"{ROUNDS}1/cancel/", follow=True))

    def test_trying_again_goes_on_at_the_step(self, cast: Cast) -> None:
        round_ = rows.round_of(cast.project, RoundState.FAILED)
        rows.run_of(cast.project, Step.RANK, round_, state=RunState.FAILED, error="disk")
        client = cast.client("lea")
        assert "goes on where it stopped" in text(client.post(f"{ROUNDS}1/retry/", follow=True))
        round_.refresh_from_db()
        assert round_.state == RoundState.RANKING
        assert "needs no second try" in text(client.post(f"{ROUNDS}1/retry/", follow=True))
        assert client.get(f"{ROUNDS}1/retry/").status_code == 405

    def test_a_round_that_was_followed_is_not_tried_again(self, cast: Cast) -> None:
        round_ = rows.round_of(cast.project, RoundState.CANCELLED)
        rows.run_of(cast.project, Step.RANK, round_, state=RunState.CANCELLED)
        rows.round_of(cast.project, RoundState.LABELLING)
        client = cast.client("lea")
        page = text(client.get(f"{ROUNDS}1/"))
        assert "cannot be taken up again" in page
        assert "Try again" not in page
        assert "round 2 came after it" in text(client.post(f"{ROUNDS}1/retry/", follow=True))

    def test_closing_the_labelling_says_what_returns(self, cast: Cast) -> None:
        round_ = rows.round_of(cast.project, RoundState.LABELLING)
        fields = list(rows.pool_fields(cast.project, 3))
        with_batch(round_, fields)
        rows.reading(fields[0], {"seg": 1})
        client = cast.client("lea")
        assert "2 fields of its batch are not labelled and return to the pool" in text(client.get(f"{ROUNDS}1/close/"))
        assert "is closed" in text(client.post(f"{ROUNDS}1/close/", follow=True))
        round_.refresh_from_db()
        assert round_.state == RoundState.DONE
        assert "nothing was closed" in text(client.post(f"{ROUNDS}1/close/", follow=True))


class TestWords:
    @pytest.mark.parametrize(
        ("seconds", "words"),
        [
            (0, "0 s"),
            (59.4, "59 s"),
            (61, "1 min 1 s"),
            (725, "12 min"),
            (3599, "59 min"),
            (120, "2 min"),
            (7500, "2 h 5 min"),
            (2e5, "2 d 7 h"),
        ],
    )
    def test_durations(self, seconds: float, words: str) -> None:
        assert duration(seconds) == words

    @pytest.mark.parametrize(
        ("error", "word"),
        [
            ("torch.OutOfMemoryError: CUDA out of memory", "smaller tile"),
            ("its worker died 3 times", "memory"),
            ("there is no device '7'; this machine has cpu", "auto"),
            ("stopped after 10 s: the time limit", "fewer epochs"),
            ("OSError: [Errno 28] No space left on device", "make room"),
            ("something else", "Try again"),
        ],
    )
    def test_advice(self, error: str, word: str) -> None:
        assert word in advice(error)

    def test_a_gate_that_could_not_compare_and_one_without_evidence(self) -> None:
        few = "passed, its output is not empty; 1 case and 26 cells on the tuning split are too few to compare (10)"
        assert gate_in_words({"reason": few}).startswith(
            "It finds something; more could not be told: 1 case and 26 cells"
        )
        assert gate_in_words({}) == ""
        assert gate_in_words({"reason": "passed: the first of its kind"}) == "The first of its kind."
