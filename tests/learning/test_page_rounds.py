"""The list of rounds, who may do what on it, and how settings are put in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from learning.models import Round
from learning.states import RoundState, Step
from learning.views.words import advice, duration, gate_in_words
from tests.learning import rows
from tests.learning.round_pages import GIVEN, REPORT, ROUNDS, at_work, html, text, with_batch

if TYPE_CHECKING:
    from tests.cast import Cast

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("home")]


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
