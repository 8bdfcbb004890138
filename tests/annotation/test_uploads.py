"""Files on their way in: parts, breaks, two tabs, names and kinds that must not be believed."""

from __future__ import annotations

import io
import itertools
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from annotation.actions import uploads as actions
from annotation.actions.uploads import Offered, file_of, offer_files, receive_part, received_of, start_upload
from annotation.archives import unpack
from annotation.errors import Refused
from annotation.formats.records import Fault
from annotation.models import Field, Transfer, Upload
from annotation.transfers import content
from annotation.transfers.laying import lay_out
from annotation.transfers.names import PART_BYTES, safe_name
from tests.annotation.uploading import offer, picture, png, put, uploaded
from tests.cast import Cast

DATA = png(1)


def no_tick() -> None:
    pass


def test_a_file_comes_in_parts_and_is_whole(cast: Cast) -> None:
    lea = cast.client("lea")
    _, rows = offer(lea, cast.project, {"P1/a.png": DATA})
    assert (rows[0]["received"], rows[0]["whole"]) == (0, False)
    half = len(DATA) // 2
    assert put(lea, rows[0], 0, DATA[:half]).json()["received"] == half
    last = put(lea, rows[0], half, DATA[half:]).json()
    assert (last["received"], last["whole"], last["fault"]) == (len(DATA), True, "")
    row = Upload.objects.select_related("transfer").get()
    assert file_of(row).read_bytes() == DATA
    assert file_of(row).is_relative_to(settings.TRANSFERS_DIR)
    assert row.name == "P1/a.png"
    assert "a.png" not in rows[0]["address"]


def test_parts_out_of_order_doubled_or_too_long_change_nothing(cast: Cast) -> None:
    lea = cast.client("lea")
    _, [row] = offer(lea, cast.project, {"a.png": DATA})
    early = put(lea, row, 100, DATA[100:200])
    assert (early.status_code, early.json()["received"]) == (409, 0)
    assert put(lea, row, 0, DATA[:100]).status_code == 200
    again = put(lea, row, 0, DATA[:100])
    assert (again.status_code, again.json()["received"]) == (409, 100)
    beyond = put(lea, row, 100, DATA[100:] + b"more")
    assert (beyond.status_code, "goes beyond" in beyond.json()["message"]) == (422, True)
    for offset in ("", "-1", "x", "1e3", "9" * 30):
        assert put(lea, row, offset, b"x").status_code == 422
    assert put(lea, row, 100, b"").status_code == 422
    assert put(lea, row, 100, b"x" * (actions.PART_BYTES + 1)).status_code == 422
    assert put(lea, row, 100, DATA[100:]).json()["whole"] is True
    assert put(lea, row, 0, DATA).status_code == 409
    assert file_of(Upload.objects.get()).read_bytes() == DATA


def test_the_same_files_chosen_again_go_on_where_they_were(cast: Cast) -> None:
    lea = cast.client("lea")
    files = {"a.png": DATA, "b.png": png(2)}
    page, rows = offer(lea, cast.project, files)
    put(lea, rows[0], 0, DATA)
    put(lea, rows[1], 0, files["b.png"][:50])
    page_again, again = offer(lea, cast.project, files)
    assert page_again == page
    assert [(row["received"], row["whole"]) for row in again] == [(len(DATA), True), (50, False)]
    assert Upload.objects.count() == 2
    # Another size is another file, another person's upload is never gone on with, another file begins a new one.
    assert offer(lea, cast.project, {"a.png": DATA + b"x"})[0] != page
    assert offer(cast.client("ada"), cast.project, files)[0] != page


def test_two_tabs_send_one_file(cast: Cast) -> None:
    """What the second tab sends late is told to go on elsewhere, and the file is as it should be."""
    one, other = cast.client("lea"), cast.client("lea")
    _, [row] = offer(one, cast.project, {"a.png": DATA})
    offer(other, cast.project, {"a.png": DATA})
    cuts = [0, 60, 120, len(DATA)]
    for start, end in itertools.pairwise(cuts):
        assert put(one, row, start, DATA[start:end]).status_code == 200
        assert put(other, row, start, DATA[start:end]).status_code == 409
    assert file_of(Upload.objects.get()).read_bytes() == DATA


def test_a_disk_that_lost_bytes_is_believed_more_than_the_row(cast: Cast) -> None:
    lea = cast.client("lea")
    _, [row] = offer(lea, cast.project, {"a.png": DATA})
    put(lea, row, 0, DATA[:100])
    file_of(Upload.objects.get()).write_bytes(DATA[:40])
    answer = put(lea, row, 100, DATA[100:])
    assert (answer.status_code, answer.json()["received"]) == (409, 40)
    assert put(lea, row, 40, DATA[40:]).json()["whole"] is True


def test_a_kill_between_disk_and_row_costs_only_the_part(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    transfer = start_upload(project=cast.project, files=[], actor=cast.lea)
    [row] = offer_files(transfer=transfer, files=[Offered("a.png", len(DATA))], actor=cast.lea)
    receive_part(upload=row, offset=0, data=DATA[:50], actor=cast.lea)

    def dies(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("os.fsync", dies)
        with pytest.raises(KeyboardInterrupt):
            receive_part(upload=row, offset=50, data=b"?" * 50, actor=cast.lea)
    row.refresh_from_db()
    assert row.received == 50
    receive_part(upload=row, offset=50, data=DATA[50:], actor=cast.lea)
    assert file_of(row).read_bytes() == DATA


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("../../etc/passwd", "etc/passwd"),
        ("/etc/shadow", "etc/shadow"),
        ("C:\\scans\\a.png", "C_/scans/a.png"),
        ("..\\..\\a.png", "a.png"),
        (".ssh/.hidden", "ssh/hidden"),
        ("a\x00b\n.png", "ab.png"),
        ("\u202egnp.exe", "gnp.exe"),
        ("...", "file"),
        ("", "file"),
        ("Müller/fu\u0308nf.png", "Müller/fünf.png"),
    ],
)
def test_names_are_made_safe(sent: str, kept: str) -> None:
    assert safe_name(sent) == kept


@given(st.text(max_size=600))
def test_no_name_leaves_its_folder(name: str) -> None:
    safe = safe_name(name)
    parts = safe.split("/")
    assert safe
    assert not any(part in ("", ".", "..") or part.startswith(".") for part in parts)
    assert all(len(part.encode()) <= PART_BYTES for part in parts)
    assert safe.isprintable() or not safe.isascii()


@pytest.mark.parametrize(
    ("name", "data", "why"),
    [
        ("cells.png", b"these are words\n" * 50, "ends with .png, but the file is a text"),
        ("a.jpg", b"", "is empty"),
        ("a.pdf", b"%PDF-1.7 ...", "is a PDF"),
        ("scan.png", b"GIF89a......", "is a GIF"),
        ("tool.png", b"MZ\x90\x00" + bytes(100), "is a program"),
        ("noise.bin", bytes(range(256)) * 4, "not known"),
        ("set.zip", b"no archive at all", "ends with .zip, but the file is a text"),
    ],
)
def test_kinds_are_told_by_content_and_not_by_name(cast: Cast, name: str, data: bytes, why: str) -> None:
    transfer = uploaded(cast.project, cast.lea, {name: data, "good.png": DATA})
    bad, good = transfer.uploads.all()
    assert why in bad.fault
    assert not file_of(bad).exists()
    assert (good.fault, received_of(transfer).refused) == ("", 1)


def test_a_picture_of_any_name_is_a_picture(cast: Cast, tmp_path: Path) -> None:
    transfer = uploaded(cast.project, cast.lea, {"scan.dat": picture("JPEG"), "a.png": picture("JPEG", 2)})
    laid = lay_out(transfer, tmp_path, no_tick)
    assert sorted(path.name for path in laid.root.iterdir()) == ["a.png", "scan.dat.jpg"]
    assert content.look(picture("WEBP")) is content.WEBP
    assert content.look(picture("TIFF")) is content.TIFF
    assert content.look(picture("BMP")) is content.BMP


def test_limits_are_said(cast: Cast, settings: Any) -> None:
    settings.UPLOAD_FILE_MB, settings.UPLOAD_TOTAL_MB = 1, 2
    transfer = start_upload(project=cast.project, files=[], actor=cast.lea)
    large, small = offer_files(
        transfer=transfer, files=[Offered("a.png", 1_500_000), Offered("b.png", 900_000)], actor=cast.lea
    )
    assert large.fault == "The file has 1.5 MB; one file may have 1.0 MB. Divide it, or import it by command."
    assert small.fault == ""
    with pytest.raises(Refused, match=r"These would be 2.7 MB; one upload takes 2.0 MB"):
        offer_files(transfer=transfer, files=[Offered(f"c{n}.png", 900_000) for n in range(2)], actor=cast.lea)
    assert transfer.uploads.count() == 2
    settings.KEEP_FREE_MB = 10**9
    with pytest.raises(Refused, match="disk has room for 0 bytes"):
        offer_files(transfer=transfer, files=[Offered("d.png", 1000)], actor=cast.lea)
    with pytest.raises(Refused, match="disk has room"):
        receive_part(upload=small, offset=0, data=b"x", actor=cast.lea)


def test_too_many_files_are_refused(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("annotation.transfers.limits.MAX_FILES", 3)
    transfer = start_upload(project=cast.project, files=[], actor=cast.lea)
    with pytest.raises(Refused, match="one upload takes 3"):
        offer_files(transfer=transfer, files=[Offered(f"{n}.png", 9) for n in range(4)], actor=cast.lea)


def test_only_the_sender_goes_on_with_an_upload(cast: Cast) -> None:
    _, [row] = offer(cast.client("lea"), cast.project, {"a.png": DATA})
    assert put(cast.client("ada"), row, 0, DATA).status_code == 403
    assert put(cast.client("ana"), row, 0, DATA).status_code == 403
    assert put(cast.client("otto"), row, 0, DATA).status_code == 404
    assert put(cast.client("nobody"), row, 0, DATA).status_code == 302
    assert Upload.objects.get().received == 0
    with pytest.raises(PermissionDenied):
        start_upload(project=cast.project, files=[], actor=cast.ana)


def test_what_is_no_list_of_files_is_refused_in_words(cast: Cast) -> None:
    lea = cast.client("lea")
    bodies = [
        " ",
        "[]",
        "{}",
        '{"files": 3}',
        '{"files": [{"name": "a"}]}',
        '{"files": [{"name": "a", "size": -1}]}',
    ]
    bodies += ['{"files": [{"name": "a", "size": true}]}', '{"files": [{"name": "a", "size": 1.5}]}', '{"files": [7]}']
    bodies.append('{"files": [{"name": "a", "size": 1' + "0" * 30 + "}]}")
    for body in bodies:
        answer = lea.post(reverse("upload", args=[cast.project.key]), body, content_type="application/json")
        assert (answer.status_code, "message" in answer.json()) == (422, True), body
    assert not Transfer.objects.exists()


def test_a_plain_form_does_the_same_work(cast: Cast) -> None:
    lea = cast.client("lea")
    files = [
        SimpleUploadedFile("../a.png", DATA),
        SimpleUploadedFile("b.png", b"words words"),
        SimpleUploadedFile("c.png", b""),
    ]
    answer = lea.post(reverse("upload", args=[cast.project.key]), {"files": files})
    transfer = Transfer.objects.get()
    assert (answer.status_code, answer["Location"]) == (302, reverse("transfer", args=[cast.project.key, transfer.pk]))
    assert [(row.name, row.fault[:12]) for row in transfer.uploads.all()] == [
        ("a.png", ""),
        ("b.png", "The name end"),
        ("c.png", "The file is "),
    ]
    assert file_of(transfer.uploads.all()[0]).read_bytes() == DATA
    empty = lea.post(reverse("upload", args=[cast.project.key]))
    assert (empty.status_code, b"No file came" in empty.content) == (422, True)
    # Sent twice, it is there once.
    lea.post(
        reverse("transfer_files", args=[cast.project.key, transfer.pk]), {"files": [SimpleUploadedFile("a.png", DATA)]}
    )
    assert transfer.uploads.count() == 3


def test_a_form_that_is_too_large_is_refused_before_it_fills_the_disk(cast: Cast, settings: Any) -> None:
    settings.UPLOAD_FORM_MB = 0
    answer = cast.client("lea").post(
        reverse("upload", args=[cast.project.key]), {"files": [SimpleUploadedFile("a.png", DATA)]}
    )
    assert answer.status_code in (400, 413)
    assert not Upload.objects.exists()


def test_files_are_taken_out_again(cast: Cast) -> None:
    transfer = uploaded(cast.project, cast.lea, {"a.png": DATA, "b.png": png(2)})
    offer_files(transfer=transfer, files=[Offered("half.png", 500)], actor=cast.lea)
    row = transfer.uploads.all()[0]
    where = file_of(row)
    lea = cast.client("lea")
    lea.post(reverse("file_remove", args=[cast.project.key, transfer.pk, row.uuid]))
    lea.post(reverse("transfer_unfinished", args=[cast.project.key, transfer.pk]))
    assert [row.name for row in transfer.uploads.all()] == ["b.png"]
    assert not where.exists()
    lea.post(reverse("transfer_discard", args=[cast.project.key, transfer.pk]))
    assert not transfer.uploads.exists()
    assert not transfer.folder.exists()


def packed(entries: dict[str, bytes], kind: str = "zip") -> bytes:
    out = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in entries.items():
                archive.writestr(name, data)
        return out.getvalue()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for name, data in entries.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return out.getvalue()


@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
def test_archives_are_data_sets(cast: Cast, tmp_path: Path, kind: str) -> None:
    archive = packed({"set/images/a.png": DATA, "set/images/b.png": png(2)}, kind)
    alone = uploaded(cast.project, cast.lea, {f"set.{kind}": archive})
    laid = lay_out(alone, tmp_path / "one", no_tick)
    assert sorted(path.name for path in laid.root.rglob("*.png")) == ["a.png", "b.png"]
    beside = uploaded(cast.project, cast.lea, {f"P1.{kind}": archive + b"\0", "c.png": png(3)})
    laid = lay_out(beside, tmp_path / "two", no_tick)
    found = sorted(path.relative_to(laid.root).as_posix() for path in laid.root.rglob("*.png"))
    assert found == ["P1/images/a.png", "P1/images/b.png", "c.png"]
    assert laid.faults == []


@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
def test_archives_that_do_harm_are_refused_and_the_rest_is_kept(cast: Cast, tmp_path: Path, kind: str) -> None:
    evil = {"../out.png": DATA, "inside.png": DATA}
    bomb = {"huge.png": bytes(150_000_000)}
    files = {f"evil.{kind}": packed(evil, kind), f"bomb.{kind}": packed(bomb, kind), "good.png": png(5)}
    laid = lay_out(uploaded(cast.project, cast.lea, files), tmp_path / "x", no_tick)
    assert [path.name for path in laid.root.rglob("*") if path.is_file()] == ["good.png"]
    told = {fault.file: fault.reason for fault in laid.faults}
    assert "outside of its folder" in told[f"evil.{kind}"]
    assert "would unpack to 0.1 GB" in told[f"bomb.{kind}"] or "would unpack to 0.2 GB" in told[f"bomb.{kind}"]
    assert not (tmp_path / "out.png").exists()


def test_links_in_a_tar_are_refused(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "l.tar", "w") as archive:
        link = tarfile.TarInfo("a.png")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    with pytest.raises(Refused, match="holds the link"):
        unpack(tmp_path / "l.tar", tmp_path / "out", "l.tar")


def test_a_broken_archive_is_one_fault(cast: Cast, tmp_path: Path) -> None:
    archive = packed({"a.png": DATA, "b.png": png(2)})
    laid = lay_out(uploaded(cast.project, cast.lea, {"cut.zip": archive[:200], "good.png": DATA}), tmp_path, no_tick)
    assert [(fault.file, isinstance(fault, Fault)) for fault in laid.faults] == [("cut.zip", True)]
    assert [path.name for path in laid.root.iterdir()] == ["good.png"]
    assert not Field.objects.exists()
