"""create_project and import_dataset as they are typed, and what the real data sets must give."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from annotation.actions.imports import ImportOptions, ImportReport, import_dataset
from annotation.actions.projects import create_project
from annotation.models import Cell, Field, Project
from tests.annotation.test_imports import CELL, voc

ROOT = Path(__file__).resolve().parents[2]


def ask(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    call_command(*words, "--json")
    answer = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert isinstance(answer, dict)
    return answer


@pytest.mark.django_db
def test_a_project_and_its_data_by_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ask(capsys, "create_project", "My study", "--ontology", "blood", "--um-per-px", "0.25") == {
        "project": "my-study",
        "name": "My study",
        "ontology": "blood",
        "classes": 13,
        "um_per_px": 0.25,
    }
    (tmp_path / "map.toml").write_text('"WBC" = "unsure"\n')
    root = str(voc(tmp_path / "set", {"a": [CELL, ("RBC", 1, 1, 1, 9)]}))
    flags = ["--split", "training", "--exhaustive", "no", "--class-map", str(tmp_path / "map.toml")]
    answer = ask(capsys, "import_dataset", "my-study", root, *flags)
    assert {key: answer[key] for key in ("images", "objects_in", "objects_stored", "classes", "rejected")} == {
        "images": 1,
        "objects_in": 2,
        "objects_stored": 1,
        "classes": {"unsure": 1},
        "rejected": [
            {"file": "annotations/a.xml", "index": 2, "reason": "no area: 0 x 8 px", "lost_objects": 1},
        ],
    }
    assert not Field.objects.exhaustive().exists()
    call_command("import_dataset", "my-study", root, *flags)
    captured = capsys.readouterr()
    assert "already: 1" in captured.out
    assert "  annotations/a.xml, object 2: no area: 0 x 8 px" in captured.out
    assert "importing" in captured.err


@pytest.mark.django_db
def test_failures_are_plain_sentences(tmp_path: Path) -> None:
    create_project(name="Known")
    with pytest.raises(CommandError, match="No project has the key 'unknown'"):
        call_command("import_dataset", "unknown", str(tmp_path))
    with pytest.raises(CommandError, match="There is a project 'known' already"):
        call_command("create_project", "Known")
    (tmp_path / "map.toml").write_text("WBC = 1\n")
    with pytest.raises(CommandError, match='write "WBC" = "class key"'):
        call_command("import_dataset", "known", str(tmp_path), "--class-map", str(tmp_path / "map.toml"))


@pytest.mark.setup
def test_commands_work_in_an_empty_data_folder(tmp_path: Path) -> None:
    environment = {key: value for key, value in os.environ.items() if key not in ("DATABASE_URL", "MARROWLOOP_HOME")}

    def manage(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "manage.py", *words],
            cwd=ROOT,
            env={**environment, "MARROWLOOP_HOME": str(tmp_path / "home")},
            capture_output=True,
            text=True,
            check=False,
        )

    made = manage("create_project", "First", "--json")
    assert json.loads(made.stdout.splitlines()[-1])["project"] == "first"
    again = manage("create_project", "First", "--json")
    assert (again.returncode, again.stdout) == (1, "")
    assert "There is a project 'first' already" in again.stderr
    assert "Traceback" not in again.stderr


def bring(project: Project, path: Path, **options: Any) -> ImportReport:
    return import_dataset(project=project, path=path, options=ImportOptions(**options))


@pytest.mark.realdata
@pytest.mark.django_db
class TestRealData:
    def test_bccd_loses_exactly_its_two_boxes_without_area_and_adds_nothing_when_repeated(
        self, real_data: Path
    ) -> None:
        project = create_project(name="BCCD", ontology="blood")
        report = bring(project, real_data / "bccd")
        assert (report.format, report.images, report.objects_in, report.objects_stored) == ("voc", 364, 4888, 4886)
        assert [(entry["file"], entry["reason"]) for entry in report.rejected] == [
            ("Annotations/BloodImage_00338.xml", "no area: 0 x 0 px"),
            ("Annotations/BloodImage_00343.xml", "no area: 0 x 0 px"),
        ]
        assert report.classes == {"wbc": 372, "rbc": 4153, "platelets": 361}
        again = bring(project, real_data / "bccd")
        assert (again.images, again.objects_in, again.objects_stored, again.already) == (364, 4888, 0, 4886)

    def test_txl_pbc_loses_exactly_its_two_duplicates(self, real_data: Path) -> None:
        report = bring(create_project(name="TXL", ontology="blood"), real_data / "txl-pbc")
        assert (report.format, report.images, report.objects_in, report.objects_stored) == ("yolo", 1296, 23950, 23948)
        assert [entry["reason"][:15] for entry in report.rejected] == ["exact duplicate"] * 2
        assert report.splits == {"training": 726, "validation": 143, "tuning": 142, "test": 285}

    def test_bm_graz_points_become_circles_and_its_cases_stay_whole(self, real_data: Path) -> None:
        report = bring(
            create_project(name="Graz"),
            real_data / "bm-graz",
            radius_px=12,
            case_pattern=r"HE_(?P<case>\d{4})_(?P<slide>\d+)",
        )
        assert (report.images, report.objects_stored, report.unit) == (5, 1931, "case")
        assert set(Cell.objects.values_list("kind", flat=True)) == {"circle"}
        assert sorted(split for split, fields in report.splits.items() if fields) == sorted(report.splits)
        assert Field.objects.filter(case__code="0001").values("split").distinct().count() == 1

    def test_wbc_contours_become_contours(self, real_data: Path) -> None:
        names = {"1": "neutrophil", "2": "lymphocyte", "3": "monocyte", "4": "eosinophil", "5": "basophil"}
        report = bring(
            create_project(name="Contours", ontology="blood"),
            real_data / "wbc-contours",
            mask_kind="nucleus_cytoplasm",
            class_map=names,
        )
        # Two of its 300 files are one image, drawn twice and differently.
        assert (report.images, report.objects_in, report.objects_stored, len(report.rejected)) == (299, 300, 299, 1)
        assert set(report.classes) == set(names.values())
        assert set(Cell.objects.values_list("kind", flat=True)) == {"contour"}

    def test_pbc_cells_become_fields_of_one_cell(self, real_data: Path) -> None:
        report = bring(create_project(name="PBC", ontology="blood"), real_data / "pbc-cells", oracle=0.5)
        assert (report.format, report.images, report.objects_stored, report.oracle) == ("crops", 1050, 1050, 294)
        assert set(report.classes.values()) == {150}
        assert len(report.classes) == 7
