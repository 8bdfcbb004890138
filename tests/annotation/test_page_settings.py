"""The settings of a project, its classes, and what a new round starts from."""

from __future__ import annotations

import pytest

from annotation.models import CellClass, Event, Project, ReferenceCell
from tests.cast import Cast
from tests.learning import rows

SETTINGS, CLASSES = "/projects/study/settings/", "/projects/study/ontology/"
GIVEN = {
    "name": "Study two",
    "um_per_px": "0.1",
    "weak_shape": "box",
    "cell_px": "48",
    "shrink": "0.85",
    "min_labelled": "3",
    "blind_share": "0.1",
    "public": "on",
}
CLASS = {
    "name": "Segmented",
    "aliases": "seg. neutrophil, PMN, PMN",
    "colour": "#112233",
    "line": "dotted",
    "hotkey": "g8",
    "guideline": "Lobes joined by threads.",
}


def seg(cast: Cast) -> CellClass:
    return cast.project.classes.get(key="seg")


def test_an_administrator_changes_them_and_the_change_is_on_record(cast: Cast) -> None:
    assert cast.client("ada").post(SETTINGS, GIVEN).status_code == 302
    project = Project.objects.get(pk=cast.project.pk)
    assert (project.name, project.um_per_px, project.weak_shape, project.cell_px) == ("Study two", 0.1, "box", 48)
    assert (project.shrink, project.min_labelled, project.public) == (0.85, 3, True)
    event = Event.objects.get(verb="settings changed")
    assert event.before is not None
    assert event.after is not None
    assert (event.before["public"], event.after["public"], event.actor) == (False, True, cast.ada)
    cast.client("ada").post(SETTINGS, GIVEN)
    assert Event.objects.filter(verb="settings changed").count() == 1


@pytest.mark.parametrize("who", ["ana", "rui", "lea"])
def test_everybody_reads_and_only_administrators_change(cast: Cast, who: str) -> None:
    for address in (SETTINGS, CLASSES, f"{CLASSES}{seg(cast).number}/"):
        page = cast.client(who).get(address)
        assert page.status_code == 200
        assert "Save" not in page.content.decode()
    assert cast.client(who).post(SETTINGS, GIVEN).status_code == 403
    assert cast.client(who).post(f"{CLASSES}{seg(cast).number}/", CLASS).status_code == 403
    assert cast.client(who).post(f"{CLASSES}{seg(cast).number}/retire/").status_code == 403
    assert cast.client(who).get(f"{CLASSES}new/").status_code == 403


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"name": ""}, "This field is required"),
        ({"um_per_px": "-1"}, "cannot be"),
        ({"cell_px": "0"}, "cannot be worked with"),
        ({"cell_px": "nan"}, "Enter a number"),
        ({"shrink": "2"}, "cannot be: choose 0.5 to 1"),
        ({"min_labelled": "-1"}, "greater than or equal to 0"),
        ({"min_labelled": "99999999999999999999"}, "less than or equal to"),
        ({"weak_shape": "star"}, "not one of the available choices"),
    ],
)
def test_a_setting_that_cannot_be_is_refused_at_its_place(cast: Cast, given: dict[str, str], said: str) -> None:
    answer = cast.client("ada").post(SETTINGS, GIVEN | given)
    assert (answer.status_code, said in answer.content.decode()) == (422, True)
    assert Project.objects.get(pk=cast.project.pk).name == "Study"


def test_the_tree_shows_each_class_below_its_parent_with_its_cells(cast: Cast) -> None:
    rows.reading(rows.field(cast.project), {"seg": 3})
    answer = cast.client("ana").get(CLASSES)
    placed = [(place.cell_class.key, place.depth, cells) for place, cells in answer.context["offered"]]
    assert placed[:3] == [("cell", 0, 0), ("blast", 1, 0), ("granulocytic", 1, 0)]
    assert ("seg", 2, 3) in placed
    assert len(placed) == cast.project.classes.count()


def test_a_class_is_changed_but_not_its_number(cast: Cast) -> None:
    row = seg(cast)
    assert cast.client("ada").post(f"{CLASSES}{row.number}/", CLASS).status_code == 302
    changed = seg(cast)
    assert (changed.number, changed.key, changed.parent_id) == (row.number, "seg", row.parent_id)
    assert (changed.name, changed.aliases) == ("Segmented", ["seg. neutrophil", "PMN"])
    assert (changed.line, changed.hotkey, changed.counted) == ("dotted", "g8", False)
    assert (Event.objects.get(verb="class changed").after or {})["hotkey"] == "g8"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"name": "Basophil"}, "already means"),
        ({"aliases": "blast"}, "already means"),
        ({"hotkey": "g1"}, "two classes have the hotkey"),
        ({"hotkey": "g"}, "begins with that of seg"),
        ({"hotkey": "abc"}, "at most 2 characters"),
        ({"colour": "red"}, "write one like #D55E00"),
        ({"line": "wavy"}, "not one of the available choices"),
        ({"name": " "}, "This field is required"),
    ],
)
def test_a_class_that_would_break_the_ontology_is_refused(cast: Cast, given: dict[str, str], said: str) -> None:
    answer = cast.client("ada").post(f"{CLASSES}{seg(cast).number}/", CLASS | given)
    assert (answer.status_code, said in answer.content.decode()) == (422, True)
    assert seg(cast).name == "Segmented neutrophil"


def test_a_new_class_gets_the_next_number_and_its_parents_lineage(cast: Cast) -> None:
    highest = cast.project.next_class_number
    parent = cast.project.classes.get(key="granulocytic")
    given = CLASS | {"name": "Giant band", "aliases": "", "parent": str(parent.number), "kind": "cell", "counted": "on"}
    assert cast.client("ada").post(f"{CLASSES}new/", given).status_code == 302
    made = cast.project.classes.get(number=highest)
    assert (made.name, made.parent, made.tier, made.lineage, made.counted) == (
        "Giant band",
        parent,
        2,
        "granulocytic",
        True,
    )


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"name": "segmented_NEUTROPHIL"}, "already means Segmented neutrophil"),
        ({"parent": "999"}, "Select a valid choice"),
        ({"kind": "plant"}, "not one of the available choices"),
        ({"hotkey": "g1"}, "two classes have the hotkey"),
    ],
)
def test_a_new_class_at_fault_is_not_made(cast: Cast, given: dict[str, str], said: str) -> None:
    before = Project.objects.get(pk=cast.project.pk).next_class_number
    answer = cast.client("ada").post(f"{CLASSES}new/", CLASS | {"name": "Giant", "aliases": "", "kind": "cell"} | given)
    assert (answer.status_code, said in answer.content.decode()) == (422, True)
    assert Project.objects.get(pk=cast.project.pk).next_class_number == before


def test_a_class_is_retired_and_restored(cast: Cast) -> None:
    client, row = cast.client("ada"), seg(cast)
    rows.reading(rows.field(cast.project), {"seg": 1})
    client.post(f"{CLASSES}{row.number}/retire/")
    assert seg(cast).retired_at is not None
    page = client.get(CLASSES)
    assert [place.cell_class.key for place, _ in page.context["retired"]] == ["seg"]
    band = cast.project.classes.get(key="band")
    client.post(f"{CLASSES}{band.number}/", CLASS | {"name": "Band", "aliases": "", "hotkey": "g5"})
    refused = client.post(f"{CLASSES}{row.number}/restore/", follow=True)
    assert "two classes have the hotkey" in refused.content.decode()
    client.post(f"{CLASSES}{row.number}/", CLASS)
    client.post(f"{CLASSES}{row.number}/restore/")
    assert seg(cast).retired_at is None
    assert cast.project.classes.filter(cells__isnull=False).get() == row


def test_a_class_with_others_below_it_is_not_retired(cast: Cast) -> None:
    above = cast.project.classes.get(key="granulocytic")
    answer = cast.client("ada").post(f"{CLASSES}{above.number}/retire/", follow=True)
    assert "retire those first" in answer.content.decode()


def test_a_reviewer_removes_a_reference_and_the_cell_stays(cast: Cast) -> None:
    cell = rows.reading(rows.field(cast.project), {"seg": 1}).cells.get()
    kept = ReferenceCell.objects.create(cell_class=seg(cast), cell=cell, note="typical")
    address = f"{CLASSES}{seg(cast).number}/"
    assert "typical" in cast.client("ana").get(address).content.decode()
    assert cast.client("ana").post(f"{address}references/{kept.pk}/remove/").status_code == 403
    cast.client("rui").post(f"{address}references/{kept.pk}/remove/")
    assert not ReferenceCell.objects.exists()
    cell.refresh_from_db()
    assert cell.deleted_at is None


def test_splits_are_counted_by_case_and_field(cast: Cast) -> None:
    rows.reading(rows.field(cast.project, "test"), {"seg": 1})
    rows.field(cast.project, "test")
    answer = cast.client("ana").get(SETTINGS)
    test = next(part for part in answer.context["splits"] if part.split == "test")
    assert (test.fields, test.labelled, test.exhaustive, test.cases) == (2, 1, 1, 0)


def test_the_letter_nul_is_stopped_before_it_reaches_the_database(cast: Cast) -> None:
    answer = cast.client("ada").post(SETTINGS, GIVEN | {"name": "a\0b"})
    assert answer.status_code == 400
    assert "cannot be read" in answer.content.decode()
    assert cast.client("ada").get("/projects/st%00udy/settings/").status_code == 404
    assert Project.objects.get(pk=cast.project.pk).name == "Study"
