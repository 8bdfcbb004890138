"""The page of a round in each state, its batch, its live part, and what is done with it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from annotation.models import Batch, BatchField, Field, Reading, ReadingState, Source
from learning.actions.moves import move_round
from learning.models import Epoch, Round, Run
from learning.states import STEP_OF_STATE, WORKING, RoundState, RunState, Step
from tests.learning import rows
from tests.learning.round_pages import REFUSED, REPORT, ROUNDS, at_work, html, text, with_batch

if TYPE_CHECKING:
    from tests.cast import Cast

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("home")]


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
