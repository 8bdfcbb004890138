"""Projects, people, classes, cases, fields, cells and batches by the API: the same actions as the pages."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings as config
from django.contrib.auth.models import Permission as DjangoPermission
from django.test import Client

from annotation.actions.batches import Asked, open_batch, publish_batch
from annotation.models import Case, CellClass, Event, Field, Invitation, Membership, Project, ReadingState, Source
from tests.annotation.calling import call
from tests.cast import Cast
from tests.learning import rows


@pytest.fixture
def ada(cast: Cast) -> Client:
    return cast.client("ada")


def fields(cast: Cast, number: int = 3) -> list[Field]:
    case = Case.objects.create(project=cast.project, code="C1")
    made = [rows.field(cast.project, split) for split in ("training", "test", "tuning")[:number]]
    Field.objects.filter(pk=made[0].pk).update(case=case, original_name="Mustermann, Max.png")
    return made


def codes(answer: Any) -> list[str]:
    return [row["code"] for row in answer["results"]]


def test_projects_are_those_that_one_sees(cast: Cast, ada: Client) -> None:
    rows.project()
    assert [row["key"] for row in call(ada, "get", "projects/")["results"]] == ["study"]
    assert call(cast.client("root"), "get", "projects/")["count"] == 2
    assert call(cast.client("otto"), "get", "projects/")["results"] == []
    assert call(ada, "get", "projects/?q=nothing")["count"] == 0
    call(cast.client("otto"), "get", "projects/study/", status=404)


def test_a_project_is_made_by_who_may(cast: Cast, ada: Client) -> None:
    body = {"name": "New study", "um_per_px": 0.1}
    call(ada, "post", "projects/", body, status=403)
    may = DjangoPermission.objects.get(codename="add_project", content_type__app_label="annotation")
    cast.ada.user_permissions.add(may)
    made = call(cast.client("ada"), "post", "projects/", body, status=201)
    assert (made["key"], made["role"], made["um_per_px"]) == ("new-study", "administrator", 0.1)
    assert "already" in call(cast.client("ada"), "post", "projects/", body, status=422)["message"]
    assert "name" in call(ada, "post", "projects/", {}, status=400)["faults"]
    assert Event.objects.get(project__key="new-study", verb="created").client == "page"


def test_settings_change_one_by_one(cast: Cast, ada: Client) -> None:
    changed = call(ada, "patch", "projects/study/", {"name": "Renamed", "cell_px": 50})
    assert (changed["name"], changed["cell_px"], changed["shrink"]) == ("Renamed", 50.0, 0.9)
    assert "cell" in call(ada, "patch", "projects/study/", {"cell_px": 5}, status=422)["message"]
    values: tuple[Any, ...] = ("nan", True, [], {}, "50")
    for wrong in values:
        assert "cell_px" in call(ada, "patch", "projects/study/", {"cell_px": wrong}, status=400)["faults"]
    call(cast.client("rui"), "patch", "projects/study/", {"name": "Mine"}, status=403)
    assert Project.objects.get(key="study").name == "Renamed"


def test_people(cast: Cast, ada: Client) -> None:
    people = call(ada, "get", "projects/study/people/?role=reviewer")
    assert [row["username"] for row in people["results"]] == ["rui"]
    number = people["results"][0]["id"]
    assert call(ada, "patch", f"projects/study/people/{number}/", {"role": "engineer"})["role"] == "engineer"
    call(ada, "delete", f"projects/study/people/{number}/", status=204)
    assert not Membership.objects.filter(user=cast.rui).exists()
    last = Membership.objects.get(user=cast.ada).pk
    assert "administrator" in call(ada, "delete", f"projects/study/people/{last}/", status=422)["message"]
    call(cast.client("ana"), "get", "projects/study/people/", status=403)


def test_invitations(cast: Cast, ada: Client) -> None:
    made = call(ada, "post", "projects/study/invitations/", {"role": "annotator", "note": "Olga"}, status=201)
    assert made["link"].startswith("http://testserver/invitations/")
    listed = call(ada, "get", "projects/study/invitations/")["results"]
    assert [(row["note"], "link" in row) for row in listed] == [("Olga", False)]
    call(ada, "delete", f"projects/study/invitations/{made['id']}/", status=204)
    assert Invitation.objects.get().withdrawn_at is not None
    assert call(ada, "get", "projects/study/invitations/")["results"] == []


def test_classes(cast: Cast, ada: Client) -> None:
    seg = CellClass.objects.get(project=cast.project, key="seg")
    body = {"name": "Giant band", "colour": "#0072b2", "parent": seg.number, "aliases": ["GB"]}
    made = call(ada, "post", "projects/study/classes/", body, status=201)
    assert (made["parent"], made["kind"]) == (seg.number, "cell")
    path = f"projects/study/classes/{made['number']}/"
    assert call(ada, "patch", path, {"guideline": "Look at the nucleus."})["guideline"] == "Look at the nucleus."
    assert call(ada, "get", path)["name"] == "Giant band"
    assert call(ada, "post", f"{path}retire/")["retired"] is True
    retired = call(ada, "get", "projects/study/classes/?retired=true")["results"]
    assert [row["number"] for row in retired] == [made["number"]]
    assert call(ada, "post", f"{path}restore/")["retired"] is False
    assert "already" in call(ada, "post", "projects/study/classes/", body, status=422)["message"]
    assert "colour" in call(ada, "patch", path, {"colour": "red"}, status=400)["faults"]
    call(cast.client("ana"), "patch", path, {"name": "x"}, status=403)


def test_fields_are_filtered_and_tell_no_names(cast: Cast, ada: Client) -> None:
    first, second, third = fields(cast)
    rows.reading(second, {"seg": 1})
    assert codes(call(ada, "get", "projects/study/fields/")) == [first.code, second.code, third.code]
    assert codes(call(ada, "get", "projects/study/fields/?split=test")) == [second.code]
    assert codes(call(ada, "get", "projects/study/fields/?case=C1")) == [first.code]
    assert codes(call(ada, "get", "projects/study/fields/?labelled=false")) == [first.code, third.code]
    assert codes(call(ada, "get", "projects/study/fields/?state=submitted")) == [second.code]
    assert codes(call(ada, "get", f"projects/study/fields/?q={third.code}")) == [third.code]
    page = call(ada, "get", "projects/study/fields/?page_size=2")
    assert (page["count"], len(page["results"]), page["previous"]) == (3, 2, None)
    assert len(call(ada, "get", page["next"].partition("/api/")[2])["results"]) == 1
    call(ada, "get", "projects/study/fields/?page=9", status=404)
    assert "split" in call(ada, "get", "projects/study/fields/?split=x", status=400)["faults"]
    answer = ada.get("/api/projects/study/fields/")
    assert b"Mustermann" not in answer.content


def test_a_picture(cast: Cast, ada: Client) -> None:
    config.IMAGES_DIR.mkdir(parents=True, exist_ok=True)
    field = rows.picture(rows.field(cast.project))
    answer = ada.get(f"/api/projects/study/fields/{field.code}/image/")
    assert answer.headers["Content-Type"] == "image/png"
    assert b"".join(answer.streaming_content).startswith(b"\x89PNG")  # type: ignore[attr-defined]
    small = ada.get(f"/api/projects/study/fields/{field.code}/image/?small=true")
    assert small.headers["Content-Type"] == "image/jpeg"
    assert b"".join(small.streaming_content).startswith(b"\xff\xd8")  # type: ignore[attr-defined]
    gone = rows.field(cast.project)
    call(ada, "get", f"projects/study/fields/{gone.code}/image/", status=404)
    call(cast.client("otto"), "get", f"projects/study/fields/{field.code}/image/", status=404)


def test_cases_are_counted_and_signed_off(cast: Cast, ada: Client) -> None:
    first, *_ = fields(cast)
    rows.reading(first, {"seg": 1})
    (case,) = call(ada, "get", "projects/study/cases/?q=c1")["results"]
    assert (case["state"], case["field_count"], case["labelled_count"]) == ("labelled", 1, 1)
    path = f"projects/study/cases/{case['id']}/"
    assert call(ada, "get", path) == case
    call(cast.client("ana"), "post", f"{path}sign-off/", {"until": "2099-01-01T00:00Z"}, status=403)
    done = call(cast.client("rui"), "post", f"{path}sign-off/", {"until": "2099-01-01T00:00:00Z"})
    assert done == {"signed": 1, "newer": 0}
    assert call(ada, "get", path)["state"] == "signed_off"
    call(ada, "post", f"{path}sign-off/", {"until": "yesterday"}, status=400)


def test_the_cells_of_current_readings_alone(cast: Cast, ada: Client) -> None:
    first, second, _ = fields(cast)
    rows.reading(first, {"seg": 9}, source=Source.ORACLE, state=ReadingState.SEALED)
    rows.reading(first, {"seg": 5})
    rows.reading(first, {"seg": 2, "myc": 1})
    rows.reading(second, {"seg": 1})
    seg = cast.project.classes.get(key="seg").number
    assert len(call(ada, "get", "projects/study/cells/")["results"]) == 4
    assert len(call(ada, "get", f"projects/study/cells/?class={seg}")["results"]) == 3
    assert len(call(ada, "get", f"projects/study/cells/?class={seg}&split=test")["results"]) == 1
    (cell,) = call(ada, "get", f"projects/study/cells/?field={second.code}")["results"]
    assert (cell["field"], cell["class"]) == (second.code, seg)
    page = call(ada, "get", "projects/study/cells/?page_size=3")
    assert len(page["results"]) == 3
    assert len(call(ada, "get", page["next"].partition("/api/")[2])["results"]) == 1
    assert "class" in call(ada, "get", "projects/study/cells/?class=seg", status=400)["faults"]


def test_batches(cast: Cast, ada: Client) -> None:
    asked = [Asked(field, 0.5, "hard to tell") for field in fields(cast)]
    batch = publish_batch(project=cast.project, number=1, strategy="hybrid", seed=3, asked=asked)
    assert call(ada, "get", "projects/study/batches/?open=true")["count"] == 0
    open_batch(batch=batch)
    (told,) = call(ada, "get", "projects/study/batches/?open=true")["results"]
    assert (told["number"], told["asked"], told["labelled"]) == (1, 3, 0)
    assert call(ada, "get", "projects/study/batches/1/")["strategy"] == "hybrid"
    first = call(ada, "get", "projects/study/batches/1/fields/")["results"][0]
    assert (first["rank"], first["reason"], first["name"]) == (1, "hard to tell", f"C1-{asked[0].field.code}")


@pytest.mark.parametrize("path", ["fields/", "cells/", "cases/", "classes/", "batches/", "people/", "runs/", "models/"])
def test_lists_take_few_queries(cast: Cast, ada: Client, path: str, django_assert_max_num_queries: Any) -> None:
    for field in fields(cast):
        rows.reading(field, {"seg": 2})
    with django_assert_max_num_queries(12):
        call(ada, "get", f"projects/study/{path}")
