"""The pages of data: who sees what, previews by form, progress, downloads in ranges, refusals in words."""

from __future__ import annotations

import csv
import io
import re
import shutil
import zipfile
from typing import Any

import pytest
from django.conf import settings as config
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from annotation.actions.imports import FORMATS, SPLIT_CHOICES, ImportOptions
from annotation.actions.projects import add_class, create_project
from annotation.actions.transfers import start_export, start_preview, start_release
from annotation.actions.transfers_work import execute_transfer
from annotation.forms.transfers import FORMAT_WORDS, SPLIT_WORDS, map_rows
from annotation.models import Cell, DatasetImport, Field, Membership, Role, Transfer
from annotation.transfers.faults import read_faults
from tests.annotation.uploading import imported, png, previewed, uploaded, voc
from tests.cast import Cast

FILES = {
    "images/Meier_a.png": png(1),
    "annotations/Meier_a.xml": voc("Meier_a.png", "seg", "Odd cell"),
    "images/b.png": png(2),
    "annotations/b.xml": voc("b.png", "seg", "RBC"),
    "images/Meier_bad.png": b"words words words",
}
SETTINGS = {"format": "auto", "case_by": "files", "split": "auto", "exhaustive": "auto", "unknown": "create"}


@pytest.fixture(autouse=True)
def fresh() -> None:
    for folder in (config.TRANSFERS_DIR, config.SCRATCH_DIR):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)  # as the settings make it: other tests upload through it


def page(client: Client, name: str, *args: Any, **asked: Any) -> Any:
    return client.get(reverse(name, args=args), asked)


def text(answer: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


def finished(cast: Cast, **asked: Any) -> Transfer:
    imported(uploaded(cast.project, cast.lea, FILES), cast.lea)
    transfer = start_export(project=cast.project, format="coco", images=True, actor=cast.lea, **asked)
    return execute_transfer(transfer)


def test_only_those_who_run_the_project_see_its_data(cast: Cast) -> None:
    done = finished(cast)
    key = cast.project.key
    addresses = [reverse(name, args=[key]) for name in ("data", "upload", "export", "releases")]
    single = ("transfer", "transfer_faults", "transfer_download", "transfer_manifest")
    addresses += [reverse(name, args=[key, done.pk]) for name in single]
    for who, status in (
        ("lea", 200),
        ("ada", 200),
        ("root", 200),
        ("ana", 403),
        ("rui", 403),
        ("otto", 404),
        ("nobody", 302),
    ):
        assert {address: cast.client(who).get(address).status_code for address in addresses} == dict.fromkeys(
            addresses, status
        ), who
    other = Transfer.objects.create(project=create_project(name="Elsewhere"), kind="export")
    assert cast.client("lea").get(reverse("transfer", args=[key, other.pk])).status_code == 404


def test_posts_are_for_them_alone(cast: Cast) -> None:
    transfer = uploaded(cast.project, cast.lea, FILES)
    for name in ("transfer_start", "transfer_cancel", "transfer_retry", "transfer_discard", "transfer_unfinished"):
        address = reverse(name, args=[cast.project.key, transfer.pk])
        for who, status in (("ana", 403), ("rui", 403), ("otto", 404)):
            assert cast.client(who).post(address).status_code == status
        assert cast.client("lea").get(address).status_code == 405
    for name in ("export", "releases", "upload"):
        assert cast.client("ana").post(reverse(name, args=[cast.project.key])).status_code == 403
    assert Transfer.objects.count() == 1
    assert transfer.uploads.count() == 5


def test_from_upload_to_cases_by_form_alone(cast: Cast) -> None:
    lea, key = cast.client("lea"), cast.project.key
    transfer = uploaded(cast.project, cast.lea, FILES)
    shown = page(lea, "transfer", key, transfer.pk)
    assert "4 files here, 1 refused" in text(shown)
    start = reverse("transfer_start", args=[key, transfer.pk])
    assert lea.post(start, SETTINGS | {"go": "preview"}).status_code == 302
    waiting = page(lea, "transfer", key, transfer.pk)
    assert "Waiting for a worker" in text(waiting)
    execute_transfer(transfer)
    shown = text(page(lea, "transfer", key, transfer.pk))
    assert "Format voc" in shown
    assert "Odd cell new" in shown
    mapped = {
        "label-1": "Odd cell",
        "class-1": "seg",
        "label-2": "RBC",
        "class-2": "-",
        "label-3": "seg",
        "class-3": "seg",
    }
    assert lea.post(start, SETTINGS | mapped | {"go": "import"}).status_code == 302
    done = execute_transfer(Transfer.objects.get(pk=transfer.pk))
    assert done.settings["options"]["class_map"] == {"Odd cell": "seg", "RBC": "", "seg": "seg"}
    shown = text(page(lea, "transfer", key, transfer.pk))
    assert "Cells stored 3" in shown
    assert "To the cases" in shown
    assert "refused by the class map" in shown
    assert Cell.objects.count() == 3


def test_a_map_that_is_changed_and_looked_at_again_stays_chosen(cast: Cast) -> None:
    lea = cast.client("lea")
    transfer = previewed(uploaded(cast.project, cast.lea, FILES), cast.lea)
    start = reverse("transfer_start", args=[cast.project.key, transfer.pk])
    labels = {"label-1": "Odd cell", "label-2": "RBC", "go": "preview"}
    lea.post(start, SETTINGS | labels | {"class-1": "-", "class-2": "myc"})
    found = execute_transfer(Transfer.objects.get(pk=transfer.pk))
    assert {entry["label"]: entry["becomes"] for entry in found.result["classes"]} == {
        "seg": "mapped",
        "Odd cell": "refused",
        "RBC": "mapped",
    }
    lea.post(start, SETTINGS | labels | {"class-1": "", "class-2": ""})
    found = execute_transfer(Transfer.objects.get(pk=transfer.pk))
    assert found.settings["options"]["class_map"] == {}


def test_a_preview_that_grew_old_never_refuses_what_has_become_a_class(cast: Cast) -> None:
    transfer = previewed(uploaded(cast.project, cast.lea, FILES), cast.lea)
    found = transfer.result["classes"]
    chosen = {row["label"]: row["chosen"] for row in map_rows(cast.project, found, {})}
    assert chosen == {"seg": "seg", "Odd cell": "", "RBC": ""}
    add_class(project=cast.project, name="Odd cell")
    rows = {row["label"]: row for row in map_rows(cast.project, found, {"RBC": ""})}
    assert (rows["Odd cell"]["chosen"], rows["Odd cell"]["becomes"]) == ("odd_cell", "mapped")
    assert rows["RBC"]["chosen"] == "-"
    cast.project.classes.filter(key="odd_cell").update(retired_at=timezone.now())
    shown = page(cast.client("lea"), "transfer", cast.project.key, transfer.pk).content.decode()
    assert re.search(r'value="odd_cell"\s+selected', shown)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"case_by": "one"}, "Give the code of the case."),
        ({"case_by": "pattern", "case_pattern": "("}, "is no regular expression"),
        ({"case_by": "pattern", "case_pattern": "P"}, "has no group (?P&lt;case&gt;...)"),
        ({"format": "zip"}, "Select a valid choice"),
        ({"um_per_px": "-3"}, "greater than or equal to"),
        ({"um_per_px": "nan"}, "Enter a number"),
        ({"oracle": "101"}, "less than or equal to 100"),
        ({"radius_px": "wide"}, "Enter a number"),
        ({"seed": "-1"}, "greater than or equal to 0"),
    ],
)
def test_settings_that_cannot_be_are_told_at_their_place(cast: Cast, given: dict[str, str], words: str) -> None:
    transfer = uploaded(cast.project, cast.lea, FILES)
    start = reverse("transfer_start", args=[cast.project.key, transfer.pk])
    answer = cast.client("lea").post(start, SETTINGS | given | {"go": "preview"})
    assert (answer.status_code, words in answer.content.decode()) == (422, True)
    assert Transfer.objects.get().state == "receiving"


def test_a_class_that_is_none_is_refused_in_words(cast: Cast) -> None:
    transfer = previewed(uploaded(cast.project, cast.lea, FILES), cast.lea)
    start = reverse("transfer_start", args=[cast.project.key, transfer.pk])
    cast.client("lea").post(start, SETTINGS | {"label-1": "seg", "class-1": "moon", "go": "import"})
    done = execute_transfer(Transfer.objects.get())
    assert (done.state, "'moon', which is no class here" in done.error) == ("failed", True)
    assert not Field.objects.exists()


def test_names_of_files_are_for_the_sender_reviewers_and_administrators(cast: Cast) -> None:
    """Lea sent them; Ada administers; another engineer is told how many, but no name."""
    Membership.objects.filter(user=cast.ana).update(role=Role.ENGINEER)
    transfer = previewed(uploaded(cast.project, cast.lea, FILES), cast.lea)
    for _ in range(2):
        for name in ("transfer", "transfer_faults"):
            for who, seen in (("lea", True), ("ada", True), ("ana", False)):
                answer = page(cast.client(who), name, cast.project.key, transfer.pk)
                said = b"".join(answer) if answer.streaming else answer.content
                assert (answer.status_code, b"Meier" in said) == (200, seen), (who, name)
        transfer = imported(transfer, cast.lea) if transfer.kind == "preview" else transfer


def test_why_an_import_failed_may_hold_a_name_and_is_told_to_the_same(cast: Cast) -> None:
    Membership.objects.filter(user=cast.ana).update(role=Role.ENGINEER)
    transfer = previewed(uploaded(cast.project, cast.lea, FILES), cast.lea)
    Transfer.objects.filter(pk=transfer.pk).update(state="failed", error="Meier.xml cannot be read.")
    api = f"/api/projects/study/transfers/{transfer.pk}/"
    for who, seen in (("lea", True), ("ada", True), ("ana", False)):
        client = cast.client(who)
        assert ("Meier.xml cannot" in text(page(client, "transfer", cast.project.key, transfer.pk))) == seen
        assert ("Meier.xml" in client.get(api).json()["error"]) == seen
        assert client.get(api).json()["error"]


def test_what_an_import_refused_stays_on_record(cast: Cast) -> None:
    transfer = imported(previewed(uploaded(cast.project, cast.lea, FILES), cast.lea), cast.lea)
    before = list(read_faults(transfer.folder))
    assert before
    cast.client("lea").post(f"/projects/study/data/transfers/{transfer.pk}/discard/")
    assert list(read_faults(transfer.folder)) == before


def test_the_list_of_faults_is_a_table_that_no_spreadsheet_runs(cast: Cast) -> None:
    transfer = uploaded(cast.project, cast.lea, {"=cmd.png": b"words words", "b.png": png(2)})
    previewed(transfer, cast.lea)
    answer = page(cast.client("lea"), "transfer_faults", cast.project.key, transfer.pk)
    lines = list(csv.reader(io.StringIO(b"".join(answer).decode("utf-8-sig"))))
    assert lines[0] == ["what", "file", "object", "reason", "objects lost"]
    assert lines[1][:2] == ["refused", "'=cmd.png"]


def test_the_bar_asks_and_then_the_page_is_loaded_anew(cast: Cast) -> None:
    lea = cast.client("lea")
    transfer = uploaded(cast.project, cast.lea, FILES)
    start_preview(transfer=transfer, options=ImportOptions(), actor=cast.lea)
    Transfer.objects.update(state="running", progress={"done": 30, "total": 40})
    shown = page(lea, "transfer", cast.project.key, transfer.pk, part="progress")
    assert "75 %" in text(shown)
    assert b"<html" not in shown.content
    lea.post(reverse("transfer_cancel", args=[cast.project.key, transfer.pk]))
    assert "Stopping" in text(page(lea, "transfer", cast.project.key, transfer.pk))
    Transfer.objects.update(state="cancelled")
    assert page(lea, "transfer", cast.project.key, transfer.pk, part="progress")["HX-Refresh"] == "true"


def test_a_download_comes_whole_or_in_ranges(cast: Cast) -> None:
    done = finished(cast)
    lea, address = cast.client("lea"), reverse("transfer_download", args=[cast.project.key, done.pk])
    whole = lea.get(address)
    content = b"".join(whole)
    assert zipfile.ZipFile(io.BytesIO(content)).testzip() is None
    assert (whole["Accept-Ranges"], int(whole["Content-Length"])) == ("bytes", len(content))
    size, tag = len(content), whole["ETag"]

    def part(asked: str, **more: str) -> tuple[int, bytes, str]:
        answer = lea.get(address, headers={"range": asked, **more})
        got = b"".join(answer) if answer.streaming else answer.content
        return answer.status_code, got, answer.get("Content-Range", "")

    assert part("bytes=0-9") == (206, content[:10], f"bytes 0-9/{size}")
    assert part("bytes=10-") == (206, content[10:], f"bytes 10-{size - 1}/{size}")
    assert part("bytes=-7") == (206, content[-7:], f"bytes {size - 7}-{size - 1}/{size}")
    assert part(f"bytes=5-{size * 9}") == (206, content[5:], f"bytes 5-{size - 1}/{size}")
    assert part(f"bytes={size}-") == (416, b"", f"bytes */{size}")
    assert part("bytes=-0")[0] == 416
    for odd in ("bytes=9-5", "bytes=-", "pages=1-2", "bytes=0-1,5-6", "bytes=x-", f"bytes={'9' * 40}-"):
        assert part(odd) == (200, content, ""), odd
    assert part("bytes=10-", **{"if-range": tag}) == (206, content[10:], f"bytes 10-{size - 1}/{size}")
    assert part("bytes=10-", **{"if-range": '"another"'}) == (200, content, "")
    assert lea.head(address).status_code == 200
    shutil.rmtree(done.folder)
    assert lea.get(address).status_code == 404


def test_exports_by_form(cast: Cast) -> None:
    finished(cast)
    lea, address = cast.client("lea"), reverse("export", args=[cast.project.key])
    asked = lea.post(address, {"what": "today", "format": "voc", "split": "", "images": "on"})
    transfer = Transfer.objects.order_by("-pk")[0]
    assert asked["Location"] == reverse("transfer", args=[cast.project.key, transfer.pk])
    assert transfer.settings == {"format": "voc", "split": "", "images": True, "signed_off": False}
    execute_transfer(transfer)
    shown = text(page(lea, "transfer", cast.project.key, transfer.pk))
    assert "Cells in 4 Cells out 4" in shown
    assert "objects_out" in text(page(lea, "transfer_manifest", cast.project.key, transfer.pk))
    for wrong in ({"what": "99"}, {"format": "xml"}, {"split": "moon"}):
        assert lea.post(address, {"what": "today", "format": "coco"} | wrong).status_code == 422


def test_releases_by_form_and_compared(cast: Cast) -> None:
    finished(cast)
    lea, address = cast.client("lea"), reverse("releases", args=[cast.project.key])
    assert lea.post(address, {"name": ""}).status_code == 422
    for name in ("one", "two"):
        assert lea.post(address, {"name": name, "notes": "so"}).status_code == 302
        execute_transfer(Transfer.objects.order_by("-pk")[0])
    again = lea.post(address, {"name": "one"})
    assert (again.status_code, "There is a release &#x27;one&#x27; already" in again.content.decode()) == (422, True)
    two, one = cast.project.snapshots.exclude(name="").order_by("-pk")
    assert one.name == "one"
    shown = text(lea.get(address, {"first": one.pk, "second": two.pk}))
    assert "Fields 2 2 0" in shown
    for odd in ("x", "-1", "9" * 40, "²"):
        assert lea.get(address, {"first": odd, "second": odd, "page": odd}).status_code == 200
    waiting = start_release(project=cast.project, name="three", actor=cast.lea)
    assert b"three" in page(lea, "data", cast.project.key).content
    assert waiting.state == "queued"


def test_the_data_page_lists_what_came_and_went_by_few_queries(
    cast: Cast, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    done = finished(cast)
    for number in range(40):
        counts = {"images": number, "objects_stored": 3, "already": 0, "refused": 1}
        DatasetImport.objects.create(project=cast.project, format="coco", counts=counts)
        Transfer.objects.create(project=cast.project, author=cast.lea, kind="export", settings=done.settings)
    uploaded(cast.project, cast.lea, {"a.png": png(9)})
    lea = cast.client("lea")
    with django_assert_max_num_queries(16):
        shown = page(lea, "data", cast.project.key)
    assert "by command coco 39 3 0 1" in text(shown)
    assert "receiving files" in text(shown)
    assert b"<html" not in page(lea, "data", cast.project.key, part="open").content
    for odd in ("x", "-1", "999", "9" * 40):
        assert page(lea, "data", cast.project.key, imports=odd, exports=odd).status_code == 200


def test_every_choice_has_words() -> None:
    assert (set(FORMAT_WORDS), set(SPLIT_WORDS)) == (set(FORMATS), set(SPLIT_CHOICES))
