"""The page that makes a project."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from annotation.models import Membership, Project, Role
from tests.cast import Cast

MINE = """
name = "Mine"
[[class]]
key = "cell"
name = "Nucleated cell"
colour = "#76C800"
"""
GIVEN = {"name": "Second study", "ontology": "bone_marrow", "weak_shape": "circle"}


def test_its_maker_administers_it(cast: Cast) -> None:
    answer = cast.client("root").post("/projects/new/", GIVEN | {"um_per_px": "0.086"})
    assert (answer.status_code, answer["Location"]) == (302, "/projects/second-study/")
    made = Project.objects.get(key="second-study")
    assert (made.um_per_px, made.public, made.classes.count() > 20) == (0.086, False, True)
    assert Membership.objects.get(project=made).role == Role.ADMINISTRATOR


@pytest.mark.parametrize("who", ["ana", "lea", "ada", "otto"])
def test_who_may_not_make_projects_is_told_so(cast: Cast, who: str) -> None:
    assert cast.client(who).get("/projects/new/").status_code == 403
    assert cast.client(who).post("/projects/new/", GIVEN).status_code == 403
    assert Project.objects.count() == 1


def test_classes_of_ones_own_come_as_text(cast: Cast) -> None:
    cast.client("root").post("/projects/new/", GIVEN | {"ontology": "own", "ontology_text": MINE})
    made = Project.objects.get(key="second-study")
    assert list(made.classes.values_list("key", flat=True)) == ["cell"]
    assert made.ontology == "your text"


def test_classes_of_ones_own_come_as_a_file(cast: Cast) -> None:
    file = SimpleUploadedFile("mine.toml", MINE.encode())
    cast.client("root").post("/projects/new/", GIVEN | {"ontology": "own", "ontology_file": file})
    assert Project.objects.get(key="second-study").ontology == "mine.toml"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"name": ""}, "This field is required"),
        ({"name": "новое"}, "letters or digits of the Latin alphabet"),
        ({"name": "Study"}, "There is a project &#x27;study&#x27; already"),
        ({"name": "New"}, "choose another name"),
        ({"um_per_px": "0"}, "cannot be"),
        ({"um_per_px": "nan"}, "Enter a number"),
        ({"weak_shape": "star"}, "not one of the available choices"),
        ({"ontology": "/etc/passwd"}, "not one of the available choices"),
        ({"ontology": "own"}, "Choose a file or paste its text"),
        ({"ontology_text": MINE}, "chose others above"),
        ({"ontology": "own", "ontology_text": "name = "}, "cannot be read as TOML"),
        ({"ontology": "own", "ontology_text": MINE + 'hotkey = "abc"'}, "more than two keys"),
        ({"ontology": "own", "ontology_text": MINE + 'aliases = ["a\\u0000b"]'}, "cannot be printed"),
        ({"ontology": "own", "ontology_text": MINE.replace("Nucleated cell", "n" * 300)}, "at most 120 letters"),
    ],
)
def test_a_fault_is_told_at_its_place_and_nothing_is_lost(cast: Cast, given: dict[str, str], said: str) -> None:
    answer = cast.client("root").post("/projects/new/", GIVEN | given)
    page = answer.content.decode()
    assert (answer.status_code, said in page) == (422, True)
    if given.get("name", "kept"):
        assert given.get("name", GIVEN["name"]) in page
    assert Project.objects.count() == 1
