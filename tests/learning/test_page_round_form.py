"""The form that starts a round, and what it says of the labelled material."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from annotation.models import Field, Project
from learning.forms.rounds import NAMES, RoundForm, settings_of
from learning.material import material_of
from learning.models import Round
from learning.settings import RoundSettings
from learning.states import RoundState, RunState, Step
from learning.views.words import SETTING_WORDS
from tests.learning import rows
from tests.learning.round_pages import GIVEN, ROUNDS, html, text, with_batch

if TYPE_CHECKING:
    from tests.cast import Cast

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("home")]


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
