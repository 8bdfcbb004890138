"""Previews, imports, exports and releases from asking to the end, with cancels and kills in between."""

from __future__ import annotations

import io
import itertools
import shutil
import zipfile
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import orjson
import pytest
from django.conf import settings as config
from django.core.exceptions import PermissionDenied
from django.utils import timezone
from PIL import Image

from annotation.actions import imports
from annotation.actions.imports import ImportOptions
from annotation.actions.projects import create_project
from annotation.actions.releases import compare_releases, releases_of
from annotation.actions.transfers import (
    cancel_transfer,
    retry_transfer,
    start_export,
    start_import,
    start_preview,
    start_release,
)
from annotation.actions.transfers_work import execute_transfer
from annotation.actions.uploads import Offered, offer_files
from annotation.errors import Refused
from annotation.models import (
    Cell,
    DatasetImport,
    Field,
    Reading,
    ReadingState,
    Snapshot,
    Transfer,
    TransferKind,
    TransferState,
)
from annotation.transfers.faults import read_faults
from annotation.transfers.states import IllegalMove, Kind, State, check_move, moves_from
from annotation.transfers.sweep import sweep
from annotation.transfers.work import CancelledTransferError, perform
from tests.annotation.uploading import imported, picture, png, previewed, uploaded, voc
from tests.cast import Cast

LABELLED = {
    "images/a.png": png(1),
    "annotations/a.xml": voc("a.png", "seg", "seg", "Odd cell"),
    "images/b.png": png(2),
    "annotations/b.xml": voc("b.png", "seg", "RBC"),
}


@pytest.fixture(autouse=True)
def fresh() -> None:
    """Rows are rolled back after each test, and their numbers given again; files are not."""
    for folder in (config.TRANSFERS_DIR, config.SCRATCH_DIR):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)  # as the settings make it: other tests upload through it


def silent(done: int, total: int) -> None:
    pass


def after(calls: int) -> Callable[[], bool]:
    """Says yes from the so many-th question on."""
    asked = itertools.count()
    return lambda: next(asked) >= calls


def test_words_of_the_tables_are_those_of_the_rows() -> None:
    assert set(State) == set(TransferState.values)
    assert set(Kind) == set(TransferKind.values)


def test_legal_moves() -> None:
    for kind, old, new in itertools.product(Kind, State, State):
        legal = new in moves_from(kind, old)
        if legal:
            check_move(kind, old, new)
        else:
            with pytest.raises(IllegalMove, match=f"cannot go from {old} to {new}"):
                check_move(kind, old, new)
    check_move(Kind.PREVIEW, State.SUCCEEDED, State.QUEUED, Kind.IMPORT)
    for kind, old, new, become in (
        (Kind.IMPORT, State.SUCCEEDED, State.QUEUED, Kind.IMPORT),
        (Kind.EXPORT, State.FAILED, State.QUEUED, Kind.IMPORT),
        (Kind.PREVIEW, State.RUNNING, State.SUCCEEDED, Kind.IMPORT),
    ):
        with pytest.raises(IllegalMove):
            check_move(kind, old, new, become)


def test_a_preview_says_what_would_come_and_brings_nothing(cast: Cast) -> None:
    files = LABELLED | {"images/bad.png": b"words, not pixels", "images/twin.png": png(1), "notes.md": b"# read me\n"}
    done = previewed(uploaded(cast.project, cast.lea, files), cast.lea, class_map={"RBC": ""})
    assert (done.state, done.error) == ("succeeded", "")
    found = done.result
    assert (found["format"], found["images"], found["new_fields"], found["known"]) == ("voc", 2, 2, 0)
    assert (found["objects"], found["shapes"], found["refused_objects"]) == (5, {"box": 5}, 1)
    classes = {entry["label"]: (entry["objects"], entry["key"], entry["becomes"]) for entry in found["classes"]}
    assert classes == {"seg": (3, "seg", "mapped"), "Odd cell": (1, "", "new"), "RBC": (1, "", "refused")}
    told = [f"{entry['what']}: {entry['file']}: {entry['reason']}" for entry in read_faults(done.folder)]
    assert told == [
        "refused: images/bad.png: The name ends with .png, but the file is a text.",
        "warning: images/twin.png: twin.png is the same image as a.png: both are one field",
        "warning: images/twin.png: no label file: twin.xml",
        "warning: notes.md: is not looked at in a data set of the format voc",
    ]
    assert not Field.objects.exists()
    assert not DatasetImport.objects.exists()
    assert not cast.project.classes.filter(name="Odd cell").exists()


def test_preview_then_import_keeps_the_good_and_names_the_bad(cast: Cast) -> None:
    transfer = uploaded(cast.project, cast.lea, LABELLED | {"images/cut.png": png(9)[:400]})
    previewed(transfer, cast.lea)
    done = imported(transfer, cast.lea, class_map={"Odd cell": "seg", "RBC": ""})
    assert (done.kind, done.state, done.error) == ("import", "succeeded", "")
    assert (done.result["images"], done.result["objects_in"], done.result["objects_stored"]) == (2, 5, 4)
    assert done.result["classes"] == {"seg": 4}
    assert (done.result["refused"], done.result["lost"]) == (3, 1)
    reasons = [entry["reason"] for entry in read_faults(done.folder) if entry["file"] == "images/cut.png"]
    assert any("truncated or damaged" in reason for reason in reasons)
    assert Cell.objects.filter(project=cast.project).count() == 4
    record = DatasetImport.objects.get()
    assert (record.settings["transfer"], record.author, record.counts["refused"]) == (done.pk, cast.lea, 3)
    # The files have done their work, and nothing of them stays.
    assert not done.uploads.exists()
    assert not (done.folder / "files").exists()
    with pytest.raises(Refused, match="has ended"):
        start_import(transfer=done, options=ImportOptions(), actor=cast.lea)


def test_what_is_here_already_is_told_before_and_not_stored_twice(cast: Cast) -> None:
    imported(uploaded(cast.project, cast.lea, LABELLED), cast.lea)
    again = uploaded(cast.project, cast.lea, LABELLED)
    found = previewed(again, cast.lea).result
    assert (found["known"], found["new_fields"], found["already"], found["objects"]) == (2, 0, 5, 5)
    done = imported(again, cast.lea)
    assert (done.result["objects_stored"], done.result["already"]) == (0, 5)
    assert Cell.objects.filter(project=cast.project).count() == 5


def test_plain_pictures_and_their_metadata(cast: Cast) -> None:
    """The shortest way, and what a camera wrote of a patient does not survive it."""
    exif = Image.Exif()
    exif[0x010E], exif[0x9C9B] = "Erika Mustermann", "Erika Mustermann".encode("utf-16le")
    transfer = uploaded(
        cast.project, cast.lea, {"Mustermann_Erika.jpg": picture("JPEG", 3, exif=exif), "b.png": png(4)}
    )
    assert previewed(transfer, cast.lea).result["format"] == "images"
    assert imported(transfer, cast.lea).state == "succeeded"
    assert Field.objects.filter(project=cast.project).count() == 2
    for field in Field.objects.all():
        stored = (config.IMAGES_DIR / field.file).read_bytes()
        assert b"Mustermann" not in stored
        assert "Mustermann".encode("utf-16le") not in stored
        assert "Mustermann" not in field.public_name + field.file
    assert not any(b"Mustermann" in path.read_bytes() for path in transfer.folder.rglob("*") if path.is_file())


@pytest.mark.parametrize(
    ("options", "cases"),
    [
        ({"case_by": "folder"}, {"P1/S1": 1, "P1/S2": 1, "P2/": 1}),
        ({"case_by": "name"}, {"X": 1, "Y": 2}),
        ({"case_by": "one", "case": "C7", "slide": "S"}, {"C7/S": 3}),
        ({"case_by": "pattern", "case_pattern": r"_(?P<case>\d)"}, {"1": 1, "2": 1, "3": 1}),
    ],
)
def test_cases_are_told_by_folder_name_code_or_pattern(
    cast: Cast, options: dict[str, Any], cases: dict[str, int]
) -> None:
    files = {"P1/S1/X_1.png": png(1), "P1/S2/Y_2.png": png(2), "P2/Y-_3.png": png(3)}
    transfer = uploaded(cast.project, cast.lea, files)
    found = previewed(transfer, cast.lea, **options)
    assert found.error == ""
    assert (found.result["unit"], found.result["without_case"]) == ("case", 0)
    imported(transfer, cast.lea, um_per_px=0.25, **options)
    told: dict[str, int] = {}
    for field in Field.objects.select_related("case", "slide"):
        assert (field.um_per_px, field.um_source) == (0.25, "import")
        slide = "" if field.slide is None else f"/{field.slide.code}"
        code = f"{field.case.code if field.case else ''}{slide or ('/' if options['case_by'] == 'folder' else '')}"
        told[code] = told.get(code, 0) + 1
    assert told == cases


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"case_by": "one"}, "Give the code of the case"),
        ({"case_by": "pattern"}, "Give the pattern"),
        ({"case_by": "moon"}, "'moon' is none of"),
        ({"um_per_px": -1.0}, "µm per pixel cannot be"),
        ({"case_pattern": "("}, "no regular expression"),
    ],
)
def test_options_that_cannot_be_are_refused_at_once(cast: Cast, options: dict[str, Any], words: str) -> None:
    transfer = uploaded(cast.project, cast.lea, {"a.png": png(1)})
    with pytest.raises(Refused, match=words):
        start_preview(transfer=transfer, options=ImportOptions(**options), actor=cast.lea)
    transfer.refresh_from_db()
    assert transfer.state == "receiving"


def test_failures_are_said_in_the_words_of_the_page(cast: Cast) -> None:
    points = uploaded(cast.project, cast.lea, {"images/a.png": png(1), "points/a.txt": b"1\n10 10 1\n"})
    done = previewed(points, cast.lea)
    assert (done.state, "give the radius of a cell in pixels, or the scale" in done.error) == ("failed", True)
    words = uploaded(cast.project, cast.lea, {"readme.txt": b"nothing here"})
    done = previewed(words, cast.lea)
    assert done.error.startswith("Nothing to import was found. Looked for: COCO")
    assert str(config.SCRATCH_DIR) not in done.error
    broken = previewed(uploaded(cast.project, cast.lea, {"a.zip": b"PK\x03\x04" + bytes(30)}), cast.lea)
    assert broken.error == "None of the files can be used; the list says why of each."
    assert [entry["file"] for entry in read_faults(broken.folder)] == ["a.zip"]


def test_nothing_starts_before_all_files_are_whole(cast: Cast) -> None:
    transfer = uploaded(cast.project, cast.lea, {"a.png": png(1)})
    offer_files(transfer=transfer, files=[Offered("b.png", 999)], actor=cast.lea)
    with pytest.raises(Refused, match="1 files have not arrived whole"):
        start_preview(transfer=transfer, options=ImportOptions(), actor=cast.lea)
    empty = uploaded(cast.project, cast.lea, {"a.txt.png": b"words words"})
    with pytest.raises(Refused, match="no file to look at"):
        start_preview(transfer=empty, options=ImportOptions(), actor=cast.lea)


def test_a_cancelled_import_leaves_nothing_and_can_be_asked_for_again(cast: Cast) -> None:
    before = set(config.IMAGES_DIR.rglob("*.png"))
    for calls in range(0, 12):
        transfer = uploaded(cast.project, cast.lea, LABELLED)
        start_import(transfer=transfer, options=ImportOptions(), actor=cast.lea)
        try:
            perform(transfer, silent, after(calls))
        except CancelledTransferError:
            assert not Field.objects.exists()
            assert not DatasetImport.objects.exists()
            assert set(config.IMAGES_DIR.rglob("*.png")) == before
            assert list(config.SCRATCH_DIR.glob("*-*")) == []
        else:
            break
    assert 4 < calls < 12, "it is asked often, and comes to its end"
    assert Field.objects.count() == 2


def test_a_running_transfer_is_asked_to_stop_a_waiting_one_is_cancelled(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    transfer = uploaded(cast.project, cast.lea, LABELLED)
    start_import(transfer=transfer, options=ImportOptions(), actor=cast.lea)
    assert cancel_transfer(transfer=transfer, actor=cast.ada)
    transfer.refresh_from_db()
    assert transfer.state == "cancelled"
    retry_transfer(transfer=transfer, actor=cast.lea)
    real = imports.ImportRun.gather

    def slow(*args: Any) -> Any:
        assert cancel_transfer(transfer=transfer, actor=cast.lea)
        return real(*args)

    monkeypatch.setattr("annotation.actions.transfers_work.PAUSE", 0)
    with monkeypatch.context() as patched:
        patched.setattr(imports.ImportRun, "gather", slow)
        assert execute_transfer(transfer).state == "cancelled"
    assert not Field.objects.exists()
    assert cancel_transfer(transfer=transfer, actor=cast.lea) is False
    retry_transfer(transfer=transfer, actor=cast.lea)
    assert execute_transfer(transfer).state == "succeeded"


def test_a_crash_in_the_middle_leaves_nothing_half(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    transfer = uploaded(cast.project, cast.lea, LABELLED)
    start_import(transfer=transfer, options=ImportOptions(), actor=cast.lea)

    def dies(**_: object) -> None:
        raise ZeroDivisionError("in the middle")

    with monkeypatch.context() as patched:
        patched.setattr(imports, "ImportReport", dies)
        done = execute_transfer(transfer)
    assert (done.state, "ZeroDivisionError" in done.error) == ("failed", True)
    assert (Field.objects.count(), Cell.objects.count(), DatasetImport.objects.count()) == (0, 0, 0)
    assert done.uploads.count() == 4
    retry_transfer(transfer=done, actor=cast.lea)
    assert execute_transfer(done).result["objects_stored"] == 5


def test_a_second_attempt_after_a_kill_adds_nothing_twice(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed after the labels were stored and before the row heard of it: the next attempt only tells it."""
    transfer = uploaded(cast.project, cast.lea, LABELLED | {"x.png": b"words words"})
    start_import(transfer=transfer, options=ImportOptions(), actor=cast.lea)
    first = perform(transfer, silent, bool)
    second = perform(transfer, silent, bool)
    assert first == second
    assert (first["objects_stored"], first["refused"]) == (5, 1)
    assert DatasetImport.objects.count() == 1

    def kill(*_: object) -> None:
        raise KeyboardInterrupt

    other = uploaded(cast.project, cast.lea, {"c.png": png(30)})
    start_import(transfer=other, options=ImportOptions(), actor=cast.lea)
    with monkeypatch.context() as patched:
        patched.setattr("annotation.transfers.work.write_faults", kill)
        with pytest.raises(KeyboardInterrupt):
            perform(other, silent, bool)
    assert Field.objects.count() == 3
    assert perform(other, silent, bool)["images"] == 1
    assert Field.objects.count() == 3
    assert DatasetImport.objects.count() == 2


def test_who_has_no_account_any_more_imports_nothing(cast: Cast) -> None:
    transfer = uploaded(cast.project, cast.lea, LABELLED)
    start_import(transfer=transfer, options=ImportOptions(), actor=cast.lea)
    cast.lea.delete()
    done = execute_transfer(transfer)
    assert (done.state, "has no account any more" in done.error) == ("failed", True)
    transfer = uploaded(cast.project, cast.ada, LABELLED)
    start_import(transfer=transfer, options=ImportOptions(), actor=cast.ada)
    cast.ada.memberships.all().delete()
    assert execute_transfer(transfer).state == "failed"
    assert not Field.objects.exists()


@pytest.fixture
def labelled(cast: Cast) -> Cast:
    imported(uploaded(cast.project, cast.lea, LABELLED), cast.lea)
    return cast


def exported(cast: Cast, **asked: Any) -> Transfer:
    return execute_transfer(start_export(project=cast.project, actor=cast.lea, **({"format": "coco"} | asked)))


def archive_of(transfer: Transfer) -> zipfile.ZipFile:
    return zipfile.ZipFile(io.BytesIO((config.TRANSFERS_DIR / transfer.file).read_bytes()))


@pytest.mark.parametrize("form", ["coco", "voc"])
def test_an_export_counts_in_and_out(labelled: Cast, form: str) -> None:
    done = exported(labelled, format=form, images=True)
    assert (done.state, done.error) == ("succeeded", "")
    assert (done.result["objects_in"], done.result["objects_out"], done.result["images"]) == (5, 5, 2)
    with archive_of(done) as archive:
        told = orjson.loads(archive.read("manifest.json"))
        names = " ".join(archive.namelist())
    assert (told["objects_in"], told["objects_out"], told["image_files"]) == (5, 5, 2)
    assert not {"a.png", "b.png", "a.xml", "b.xml"} & set(names.replace("/", " ").split())
    heard: list[tuple[int, int]] = []
    again = start_export(project=labelled.project, format=form, images=True, actor=labelled.lea)
    perform(again, lambda done, total: heard.append((done, total)), bool)
    assert heard == sorted(heard)
    assert heard[-1] == (4, 4)


def test_an_export_of_what_was_signed_off_alone(labelled: Cast) -> None:
    none = exported(labelled, signed_off=True)
    assert (none.state, none.error) == (
        "failed",
        "study has no signed-off field: there is nothing to export.",
    )
    Reading.objects.filter(pk=Reading.objects.order_by("pk")[0].pk).update(state=ReadingState.SIGNED_OFF)
    done = exported(labelled, signed_off=True)
    assert (done.state, done.result["images"]) == ("succeeded", 1)


def test_a_cancelled_export_leaves_no_archive(labelled: Cast) -> None:
    for calls in range(30):
        transfer = start_export(project=labelled.project, format="coco", images=True, actor=labelled.lea)
        try:
            perform(transfer, silent, after(calls))
        except CancelledTransferError:
            assert not list(transfer.folder.glob("*"))
        else:
            break
    assert 3 < calls < 29


def test_an_export_begun_again_uses_what_it_froze(labelled: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    transfer = start_export(project=labelled.project, format="coco", actor=labelled.lea)
    Transfer.objects.filter(pk=transfer.pk).update(state="running", attempt=1)
    transfer.refresh_from_db()

    def dies(**_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("annotation.transfers.work.export_dataset", dies)
        with pytest.raises(KeyboardInterrupt):
            perform(transfer, silent, bool)
    frozen = Transfer.objects.get(pk=transfer.pk).snapshot
    assert frozen is not None
    done = perform(Transfer.objects.get(pk=transfer.pk), silent, bool)
    assert done["snapshot"] == frozen.sha256
    assert Snapshot.objects.count() == 1


def test_a_release_is_exported_as_it_was_frozen(labelled: Cast) -> None:
    made = execute_transfer(
        start_release(project=labelled.project, name="first", notes="for a paper", actor=labelled.lea)
    )
    assert (made.state, made.error) == ("succeeded", "")
    release = releases_of(labelled.project).get()
    assert (release.name, release.notes, release.author) == ("first", "for a paper", labelled.lea)
    gone = Cell.objects.filter(cell_class__key="seg")[0]
    gone.deleted_at = timezone.now()
    gone.save()
    assert exported(labelled).result["objects_out"] == 4
    frozen = exported(labelled, release=release)
    assert (frozen.result["objects_out"], frozen.result["snapshot"]) == (5, release.sha256)
    assert exported(labelled, release=release).result["sha256"] == frozen.result["sha256"]
    with pytest.raises(Refused, match="There is a release 'first' already"):
        start_release(project=labelled.project, name=" first ", actor=labelled.lea)
    execute_transfer(start_release(project=labelled.project, name="second", actor=labelled.lea))
    second = releases_of(labelled.project)[0]
    told = {
        heading: {line.what: line.difference for line in lines} for heading, lines in compare_releases(release, second)
    }
    assert told["In all"] == {"Fields": 0, "Cells": -1}
    assert told["Cells by shape"] == {"box": -1}
    assert sum(told["Cells by class"].values()) == -1


def test_releases_and_exports_of_others_and_of_nothing_are_refused(labelled: Cast) -> None:
    with pytest.raises(PermissionDenied):
        start_release(project=labelled.project, name="x", actor=labelled.rui)
    with pytest.raises(PermissionDenied):
        start_export(project=labelled.project, format="coco", actor=labelled.ana)
    with pytest.raises(Refused, match="is no format"):
        start_export(project=labelled.project, format="yolo", actor=labelled.lea)
    with pytest.raises(Refused, match="needs a name"):
        start_release(project=labelled.project, name="  ", actor=labelled.lea)
    other = create_project(name="Other")
    theirs = Snapshot.objects.create(project=other, sha256="0" * 64, purpose="export", name="theirs")
    with pytest.raises(Refused, match="belongs to another project"):
        start_export(project=labelled.project, format="coco", release=theirs, actor=labelled.lea)
    empty = execute_transfer(start_export(project=other, format="coco", actor=None))
    assert empty.state == "failed"


def test_archives_and_uploads_have_their_days(labelled: Cast) -> None:
    done = exported(labelled)
    left = uploaded(labelled.project, labelled.lea, {"a.png": png(50)})
    sweep()
    assert (config.TRANSFERS_DIR / done.file).exists()
    long_ago = timezone.now() - timedelta(days=max(config.EXPORT_DAYS, config.UPLOAD_DAYS) + 1)
    Transfer.objects.update(created_at=long_ago, ended_at=long_ago)
    sweep()
    assert left.uploads.exists(), "somebody sent a file just now"
    left.uploads.update(completed_at=long_ago)
    sweep()
    done.refresh_from_db()
    assert (done.file, done.folder.exists()) == ("", False)
    assert not left.uploads.exists()
    assert not left.folder.exists()
