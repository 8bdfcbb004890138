"""Projects, their classes, and how a label of a file finds its class."""

from pathlib import Path

import pytest
from django.contrib.auth.models import Permission, User
from django.core.exceptions import PermissionDenied

from annotation.actions.projects import ClassFinder, add_class, create_project
from annotation.errors import Refused
from annotation.models import Project

pytestmark = pytest.mark.django_db


def test_a_project_gets_its_classes_numbered_from_one_and_its_maker_as_administrator() -> None:
    maker = User.objects.create_user("alice")
    maker.user_permissions.add(Permission.objects.get(codename="add_project"))
    project = create_project(name="AML relapse 2026", um_per_px=0.086, actor=maker)
    assert (project.key, project.ontology, project.um_per_px) == ("aml-relapse-2026", "bone_marrow", 0.086)
    assert [entry.number for entry in project.classes.all()] == list(range(1, 29))
    assert project.classes.get(key="proery").parent == project.classes.get(key="erythroid")
    assert project.next_class_number == 29
    assert project.memberships.get().role == "administrator"


def test_who_may_not_create_projects_is_told_whom_to_ask() -> None:
    with pytest.raises(PermissionDenied, match="ask the administrator"):
        create_project(name="Mine", actor=User.objects.create_user("otto"))
    assert not Project.objects.exists()


def test_a_project_may_bring_its_own_ontology(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('[[class]]\nkey = "nucleus"\nname = "Nucleus"\ncolour = "#112233"\n')
    project = create_project(name="Nuclei", ontology=file)
    assert project.ontology == "mine.toml"
    assert project.classes.get().colour == "#112233"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": "First"}, "There is a project 'first' already"),
        ({"name": "骨髓"}, "No key can be made"),
        ({"name": "Second", "um_per_px": 0.0}, "0 µm per pixel cannot be"),
        ({"name": "Second", "ontology": "marrow"}, "There is no ontology 'marrow'"),
        ({"name": "Second", "weak_shape": "star"}, "'star' is not a valid choice"),
    ],
)
def test_what_cannot_be_made_is_refused_and_leaves_nothing(changes: dict[str, object], words: str) -> None:
    create_project(name="First")
    with pytest.raises(Refused, match=words):
        create_project(**changes)  # type: ignore[arg-type]
    assert Project.objects.count() == 1


@pytest.mark.parametrize(
    ("label", "key"),
    [
        ("WBC", "wbc"),
        ("white_blood-cell", "wbc"),
        ("Platelet", "platelets"),
        ("immature_granulocyte", "immature_granulocyte"),
    ],
)
def test_labels_find_their_class_by_key_name_or_alias(label: str, key: str) -> None:
    found = ClassFinder(create_project(name="Blood", ontology="blood")).find(label)
    assert found is not None
    assert found.key == key


def test_a_class_map_goes_first_and_may_refuse_a_label() -> None:
    project = create_project(name="Blood", ontology="blood")
    finder = ClassFinder(project, {"seg neutrophil": "neutrophil", "WBC": "unsure", "RBC": ""})
    found = [finder.find(label) for label in ("Seg_Neutrophil", "wbc", "rbc", "novel")]
    assert [entry and entry.key for entry in found] == ["neutrophil", "unsure", None, None]
    assert [finder.refuses(label) for label in ("wbc", "RBC", "novel")] == [False, True, False]
    with pytest.raises(Refused, match="sends 'WBC' to 'leuko', which is no class here"):
        ClassFinder(project, {"WBC": "leuko"})


def test_a_new_class_takes_the_next_number_and_hangs_under_cell() -> None:
    project = create_project(name="Marrow")
    first = add_class(project=project, name="Sea-blue histiocyte")
    assert (first.number, first.key, first.parent and first.parent.key) == (29, "sea_blue_histiocyte", "cell")
    assert add_class(project=project, name="sea blue HISTIOCYTE") == first
    first.delete()
    # The number of a class that is gone is never given again; a key of no Latin letter still is a key.
    second, third = add_class(project=project, name="组织细胞"), add_class(project=project, name="巨噬细胞")
    assert [(entry.number, entry.key) for entry in (second, third)] == [(30, "class"), (31, "class_2")]


@pytest.mark.parametrize("ontology", ["bone_marrow", "blood"])
def test_every_class_that_comes_along_has_a_guideline(ontology: str) -> None:
    project = create_project(name="Guided", ontology=ontology)
    assert not project.classes.filter(guideline="").exists()
