"""What an import brings, refuses, matches, and leaves alone; whole or not at all."""

import zipfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied
from PIL import Image

from annotation.actions import imports
from annotation.actions.imports import ImportOptions, ImportReport, import_dataset
from annotation.actions.projects import create_project
from annotation.errors import Refused
from annotation.models import Cell, DatasetImport, Event, Field, Project, Reading, Source, Split

pytestmark = pytest.mark.django_db

Box = tuple[str, int, int, int, int]
CELL: Box = ("WBC", 4, 4, 20, 20)


@pytest.fixture
def project() -> Project:
    return create_project(name="Blood", ontology="blood")


def picture(path: Path, seed: int) -> Path:
    """Noise: no two seeds look alike, so none are twins."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 255, (6, 8, 3), dtype=np.uint8)
    Image.fromarray(pixels).resize((64, 48), Image.Resampling.NEAREST).save(path)
    return path


def label(path: Path, image: str, boxes: Iterable[Box]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    objects = "".join(
        f"<object><name>{name}</name><bndbox><xmin>{x0}</xmin><ymin>{y0}</ymin><xmax>{x1}</xmax><ymax>{y1}</ymax>"
        "</bndbox></object>"
        for name, x0, y0, x1, y1 in boxes
    )
    path.write_text(f"<annotation><filename>{image}</filename>{objects}</annotation>")


def voc(root: Path, fields: dict[str, list[Box]], seed: int = 0) -> Path:
    """A VOC data set of 64 x 48 fields with these boxes."""
    for number, (stem, boxes) in enumerate(fields.items()):
        picture(root / "images" / f"{stem}.png", seed + number)
        label(root / "annotations" / f"{stem}.xml", f"{stem}.png", boxes)
    return root


def bring(project: Project, path: Path, **options: object) -> ImportReport:
    report = import_dataset(project=project, path=path, options=ImportOptions(**options))  # type: ignore[arg-type]
    project.refresh_from_db()
    return report


def reasons(report: ImportReport) -> list[tuple[str, int | None, str]]:
    return [(entry["file"], entry["index"], entry["reason"]) for entry in report.rejected]


def test_good_objects_come_in_and_bad_ones_are_named(project: Project, tmp_path: Path) -> None:
    root = voc(tmp_path, {"a": [CELL, ("RBC", 9, 9, 9, 20), ("platelet", 30, 30, 40, 40)], "b": [CELL, CELL]})
    (root / "images" / "broken.png").write_bytes(b"no picture")
    label(root / "annotations" / "broken.xml", "broken.png", [CELL, CELL])
    label(root / "annotations" / "lost.xml", "lost.png", [CELL])
    picture(root / "images" / "alone.png", 77)
    report = bring(project, root)
    assert (report.images, report.objects_in, report.objects_stored) == (3, 8, 3)
    assert report.classes == {"wbc": 2, "platelets": 1}
    told = reasons(report)
    assert ("annotations/a.xml", 2, "no area: 0 x 11 px") in told
    assert ("annotations/b.xml", 2, "exact duplicate of object 1") in told
    assert ("annotations/lost.xml", None, "image missing: lost.png") in told
    assert any(file == "annotations/broken.xml" and reason.startswith("broken.png: ") for file, _, reason in told)
    assert [entry["file"] for entry in report.warnings] == ["images/alone.png"]
    record, event = DatasetImport.objects.get(), Event.objects.get(verb="imported")
    assert (record.rejected, event.after) == (report.rejected, {"import": record.pk, "images": 3, "objects": 3})


def test_fields_readings_and_cells_are_what_the_files_say(project: Project, tmp_path: Path) -> None:
    bring(project, voc(tmp_path, {"slide 7": [CELL]}), split="training")
    field = Field.objects.get()
    assert (field.code, field.original_name, field.width, field.height) == ("F00001", "slide 7.png", 64, 48)
    assert (settings.IMAGES_DIR / field.file).is_file()
    assert field.current_reading is not None
    assert (field.current_reading.source, field.current_reading.exhaustive) == (Source.IMPORTED, True)
    cell = Cell.objects.current().get()
    assert (cell.kind, cell.points, cell.cell_class.key, cell.provenance) == ("box", [4, 4, 20, 20], "wbc", "imported")
    assert (cell.x0, cell.y0, cell.x1, cell.y1) == (4, 4, 20, 20)


def test_the_same_again_adds_nothing_whatever_the_order_and_format(project: Project, tmp_path: Path) -> None:
    other: Box = ("RBC", 30, 10, 50, 40)
    bring(project, voc(tmp_path / "voc", {"a": [CELL, other]}))
    report = bring(project, voc(tmp_path / "turned", {"a": [other, CELL]}))
    assert (report.images, report.objects_in, report.objects_stored, report.already) == (1, 2, 0, 2)
    picture(tmp_path / "yolo" / "images" / "a.png", 0)
    (tmp_path / "yolo" / "labels").mkdir()
    (tmp_path / "yolo" / "labels" / "a.txt").write_text("1 0.625 0.520833 0.3125 0.625\n0 0.1875 0.25 0.25 0.333333\n")
    (tmp_path / "yolo" / "data.yaml").write_text("names: [leukocyte, erythrocyte]\n")
    report = bring(project, tmp_path / "yolo")
    assert (report.format, report.objects_stored, report.already) == ("yolo", 0, 2)
    assert (Field.objects.count(), Reading.objects.count(), Cell.objects.count()) == (1, 1, 2)


def test_other_labels_for_a_field_stand_beside_the_old_ones(project: Project, tmp_path: Path) -> None:
    bring(project, voc(tmp_path / "first", {"a": [CELL]}))
    split = Field.objects.get().split
    report = bring(project, voc(tmp_path / "second", {"a": [("RBC", 1, 1, 9, 9)]}))
    field = Field.objects.get()
    assert (report.objects_stored, field.readings.count(), field.split) == (1, 2, split)
    assert field.current_reading == field.readings.latest("id")


def test_labels_alone_find_their_field_by_name(project: Project, tmp_path: Path) -> None:
    bring(project, voc(tmp_path / "images", {"a": [], "b": [], "c": []}))
    for stem, image in (("a", "A.jpg"), ("F00002", "F00002.png"), ("x", "nobody.png")):
        label(tmp_path / "labels" / f"{stem}.xml", image, [CELL])
    report = bring(project, tmp_path / "labels")
    assert (report.images, report.objects_stored) == (2, 2)
    assert reasons(report) == [("x.xml", None, "image missing: nobody.png")]
    assert sorted(Cell.objects.current().values_list("reading__field__code", flat=True)) == ["F00001", "F00002"]


def test_two_files_of_one_image_are_one_field(project: Project, tmp_path: Path) -> None:
    root = voc(tmp_path, {"a": [CELL]})
    for stem, boxes in (("same", [CELL]), ("unlike", [("RBC", 1, 1, 9, 9)])):
        picture(root / "images" / f"{stem}.png", 0)
        label(root / "annotations" / f"{stem}.xml", f"{stem}.png", boxes)
    report = bring(project, root)
    assert (report.images, report.objects_in, report.objects_stored, report.already) == (1, 3, 1, 1)
    assert reasons(report) == [
        ("annotations/unlike.xml", None, "unlike.png is the same image as a.png, whose labels differ and are kept")
    ]
    assert report.warnings[0]["reason"] == "same.png is the same image as a.png: both are one field"


def test_unknown_classes_are_made_or_their_objects_rejected(project: Project, tmp_path: Path) -> None:
    root = voc(tmp_path, {"a": [CELL, ("Hairy cell", 30, 30, 40, 40), ("hairy_cell", 1, 30, 9, 40)]})
    report = bring(project, root, create_classes=False)
    assert [reason for _, _, reason in reasons(report)] == ["unknown class 'Hairy cell'", "unknown class 'hairy_cell'"]
    assert not project.classes.filter(key="hairy_cell").exists()
    report = bring(project, root)
    assert report.classes == {"wbc": 1, "hairy_cell": 2}


def test_a_class_map_renames_and_refuses(project: Project, tmp_path: Path) -> None:
    root = voc(tmp_path, {"a": [CELL, ("RBC", 1, 1, 9, 9), ("N", 30, 30, 40, 40)]})
    report = bring(project, root, class_map={"N": "neutrophil", "rbc": ""})
    assert report.classes == {"wbc": 1, "neutrophil": 1}
    assert reasons(report) == [("annotations/a.xml", 2, "class 'RBC' is refused by the class map")]


def test_auto_draws_the_four_splits_and_keeps_cases_whole(project: Project, tmp_path: Path) -> None:
    fields = {f"P{case}_{n}": [CELL] for case in range(9) for n in range(2)}
    report = bring(project, voc(tmp_path / "one", fields), case_pattern=r"P(?P<case>\d)_(?P<slide>\d)")
    assert (report.unit, report.splits) == ("case", {"training": 10, "validation": 2, "tuning": 2, "test": 4})
    for case in project.cases.all():
        assert len(set(case.fields.values_list("split", flat=True))) == 1
    before = dict(project.cases.values_list("code", "fields__split"))
    more = voc(tmp_path / "two", {f"P{case}_9": [CELL] for case in range(9)}, seed=500)
    bring(project, more, case_pattern=r"P(?P<case>\d)_")
    assert dict(project.cases.values_list("code", "fields__split")) == before
    odd = bring(project, voc(tmp_path / "odd", {"Q": [CELL]}, seed=800), case_pattern=r"P(?P<case>\d)_")
    assert (odd.unit, odd.warnings[0]["reason"]) == (
        "field",
        "the case pattern does not fit Q.png, so its case is not known",
    )
    # Even a split asked for by name does not tear a case apart.
    late = bring(
        project,
        voc(tmp_path / "three", {"P0_7": [CELL]}, seed=900),
        case_pattern=r"P(?P<case>\d)_",
        split="test",
    )
    assert late.splits[before["0"]] == 1
    assert bool(late.warnings) == (before["0"] != "test")


def test_images_that_look_the_same_enter_the_same_split(project: Project, tmp_path: Path) -> None:
    root = voc(tmp_path, {f"f{n:02}": [CELL] for n in range(30)})
    for n in range(30):
        with Image.open(root / "images" / f"f{n:02}.png") as image:
            image.save(root / "images" / f"twin{n:02}.jpg", quality=95)
        label(root / "annotations" / f"twin{n:02}.xml", f"twin{n:02}.jpg", [CELL])
    assert bring(project, root).unit == "field"
    splits = dict(Field.objects.values_list("original_name", "split"))
    assert len(splits) == 60
    assert all(splits[f"f{n:02}.png"] == splits[f"twin{n:02}.jpg"] for n in range(30))


def test_source_splits_are_kept_and_refused_where_they_overlap(project: Project, tmp_path: Path) -> None:
    for folder, stem, seed in (("train", "a", 1), ("train", "b", 2), ("val", "c", 3)):
        picture(tmp_path / "images" / folder / f"{stem}.png", seed)
        (tmp_path / "labels" / folder).mkdir(parents=True, exist_ok=True)
        (tmp_path / "labels" / folder / f"{stem}.txt").write_text("0 0.5 0.5 0.2 0.2\n")
    (tmp_path / "data.yaml").write_text("names: [WBC]\n")
    picture(tmp_path / "images" / "val" / "again.png", 2)
    with pytest.raises(Refused, match=r"overlap in 1 images, such as training \(b.png\) and validation \(again.png\)"):
        bring(project, tmp_path, split="source")
    assert (Field.objects.count(), DatasetImport.objects.count()) == (0, 0)
    (tmp_path / "images" / "val" / "again.png").unlink()
    report = bring(project, tmp_path, split="source")
    assert report.splits == {"training": 2, "validation": 1, "tuning": 0, "test": 0}
    with pytest.raises(Refused, match="names no split for 1 images, such as z"):
        bring(project, voc(tmp_path / "without", {"z": [CELL]}, seed=40), split="source")


def test_pool_and_oracle_seal_labels(project: Project, tmp_path: Path) -> None:
    report = bring(project, voc(tmp_path / "pool", {"a": [CELL], "b": [CELL]}), split="pool")
    assert (report.objects_stored, report.oracle) == (2, 2)
    assert Field.objects.pool().count() == 2
    assert set(Reading.objects.values_list("source", "state")) == {("oracle", "sealed")}
    assert not Cell.objects.current().exists()
    again = bring(project, tmp_path / "pool", split="pool")
    assert (again.objects_stored, again.already) == (0, 2)
    report = bring(project, voc(tmp_path / "half", {f"h{n}": [CELL] for n in range(20)}, seed=100), oracle=0.5)
    assert report.splits["training"] == 11
    assert report.oracle in (5, 6)
    assert Field.objects.labelled().filter(split=Split.TRAINING).count() == 11 - report.oracle
    assert Reading.objects.filter(source=Source.ORACLE).exclude(field__split=Split.TRAINING).count() == 0


def points(root: Path) -> Path:
    picture(root / "images" / "p.png", 5)
    (root / "points").mkdir()
    (root / "points" / "p.txt").write_text("2 3 0\n10 10 1\n30 20 3\n")
    return root


def test_points_become_circles_of_the_radius_given_or_of_a_cell(project: Project, tmp_path: Path) -> None:
    root = points(tmp_path)
    with pytest.raises(Refused, match="type --radius-px"):
        bring(project, root)
    bring(project, root, radius_px=9)
    assert [cell.points for cell in Cell.objects.filter(project=project)] == [[10, 10, 9], [30, 20, 9]]
    scaled = create_project(name="Scaled", um_per_px=0.5)
    bring(scaled, root)
    assert [cell.points[2] for cell in Cell.objects.filter(project=scaled)] == [14, 14]
    field = scaled.fields.get()
    assert (field.um_per_px, field.um_source) == (0.5, "project")


def test_a_zip_is_a_folder_and_leaves_nothing_behind(project: Project, tmp_path: Path) -> None:
    root = voc(tmp_path / "set", {"a": [CELL]})
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        for file in root.rglob("*.*"):
            archive.write(file, Path("set") / file.relative_to(root))
    assert bring(project, tmp_path / "set.zip").objects_stored == 1
    assert list(settings.SCRATCH_DIR.glob("import-*")) == []


def test_what_a_killed_import_left_behind_is_swept_away(project: Project, tmp_path: Path) -> None:
    (settings.SCRATCH_DIR / "import-dead" / "images").mkdir(parents=True)
    bring(project, voc(tmp_path, {"a": [CELL]}))
    assert list(settings.SCRATCH_DIR.glob("import-*")) == []


def test_a_zip_that_would_write_elsewhere_is_refused(project: Project, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "evil.zip", "w") as archive:
        archive.writestr("../evil.png", b"")
    with pytest.raises(Refused, match="outside of its folder"):
        bring(project, tmp_path / "evil.zip")
    (tmp_path / "no.zip").write_bytes(b"PK nothing")
    with pytest.raises(Refused, match=r"no.zip is not a .zip"):
        bring(project, tmp_path / "no.zip")
    with pytest.raises(Refused, match="There is nothing at"):
        bring(project, tmp_path / "absent")


def test_a_crash_leaves_nothing_half_imported(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = voc(tmp_path, {"a": [CELL, ("novel", 30, 30, 40, 40)]}, seed=4000)
    before = set(settings.IMAGES_DIR.rglob("*.png"))

    def dies(**_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(imports, "ImportReport", dies)
    with pytest.raises(KeyboardInterrupt):
        bring(project, root)
    monkeypatch.undo()
    assert (Field.objects.count(), Cell.objects.count(), DatasetImport.objects.count()) == (0, 0, 0)
    assert not project.classes.filter(key="novel").exists()
    assert set(settings.IMAGES_DIR.rglob("*.png")) == before
    assert bring(project, root).objects_stored == 2


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"split": "train"}, "'train' is none of: auto, source"),
        ({"oracle": 1.5}, "1.5 is no share"),
        ({"radius_px": -1}, "-1 px is no radius"),
        ({"case_pattern": "("}, "is no regular expression"),
        ({"case_pattern": r"P\d"}, "has no group"),
        ({"class_map": {"WBC": "leuko"}}, "which is no class here"),
    ],
)
def test_wrong_options_are_refused_in_words(
    project: Project, tmp_path: Path, options: dict[str, object], words: str
) -> None:
    with pytest.raises(Refused, match=words):
        bring(project, voc(tmp_path, {"a": [CELL]}), **options)


def test_only_people_who_run_the_project_import(project: Project, tmp_path: Path) -> None:
    stranger = get_user_model().objects.create_user("mallory")
    with pytest.raises(PermissionDenied):
        import_dataset(project=project, path=voc(tmp_path, {"a": [CELL]}), actor=stranger)
