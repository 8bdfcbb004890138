"""Backups: all of an installation, of one moment, verified; and the way back, also from a version of long ago."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.db import DEFAULT_DB_ALIAS, connection

from annotation.alone import alone
from annotation.errors import Refused
from learning.actions import backups
from learning.actions.backups import back_up, kept_backups, remove_old_backups
from learning.keeping import rows
from learning.keeping.archive import ArchiveError, FileEntry, Manifest, Reader, Writer
from tests.house.processes import ROOT
from tests.learning.installations import Installation, installation

SCRIPTS = "from tests.learning import keeping_scripts as scripts; print(json.dumps(scripts."
ISSUE_2 = [("annotation", "0001_first_rooms"), ("learning", "0001_first_rooms")]
ISSUE_3 = [("annotation", "0005_releases_are_made_in_the_background"), ("learning", "0002_run_of_one_field")]
BESIDE = [("auth", "0012_alter_user_first_name_max_length"), ("contenttypes", "0002_remove_content_type_name")]
BESIDE += [("sessions", "0001_initial")]


@pytest.fixture
def new(db: None, tmp_path: Path) -> Callable[[str], Installation]:
    """Installations on the engine that the tests run on."""
    return lambda name: installation(tmp_path / name, postgres=connection.vendor == "postgresql")


def call(place: Installation, call: str) -> Any:
    return place.ask(f"{SCRIPTS}{call}))")


def test_100_000_cells_come_back_while_people_work(new: Callable[[str], Installation], tmp_path: Path) -> None:
    """Counts and hashes are equal, and nothing is torn."""
    doublings = 10 if connection.vendor == "postgresql" else 12  # they share the code, and the tests their time
    made = call(new("here"), f"back_up_while_people_work({doublings})")
    assert made["while_it_ran"] > 0, "nobody drew while the backup ran"
    assert made["rows"]["annotation_cell"] >= 25 * 2**doublings
    assert {name: made["rows"][name] >= count for name, count in made["filled"].items()} == dict.fromkeys(
        made["filled"], True
    )
    assert made["left_out"] == []
    came = call(new("there"), f"bring_back({made['archive']!r})")
    for what in ("rows", "hashes"):
        assert came[what] == made[what]
    assert came["files"] == made["files"]
    assert sum(name.startswith("images/") for name in came["files"]) == 25
    assert "secret_key" in came["files"]
    assert came["torn"] == 0
    assert 0 <= came["drawn"] == came["events"] <= made["later"]
    assert came["next"] > made["gone"], "a number is given a second time"
    if connection.vendor == "postgresql":
        across = call(installation(tmp_path / "across", postgres=False), f"only_restore({made['archive']!r})")
        assert across["hashes"] == made["hashes"]
        assert across["engine"] == "postgresql"


@pytest.mark.parametrize("state", [ISSUE_2, ISSUE_3], ids=["second issue", "third issue"])
def test_an_older_database_and_an_older_backup_keep_every_row(
    new: Callable[[str], Installation], state: list[tuple[str, str]]
) -> None:
    before = new("before")
    answer = call(before, f"upgrade({[list(node) for node in [*state, *BESIDE]]!r})")
    assert len(answer["filled"]) >= 25
    assert set(answer["filled"].values()) == {3}
    assert answer["lost"] == []
    came = call(new("after"), f"restore_the_old({answer['archive']!r}, {answer['rows']!r})")
    assert came["lost"] == []
    assert "--replace" in came["refused"], "what was there would have been covered"
    assert "stop it" in came["running"]
    assert (came["since"], came["there"], came["kept"]) == (False, False, True)


DELIVERED = {
    "annotation/migrations/0001_first_rooms.py": "45f21d99ad7cb92d",
    "annotation/migrations/0002_people_transfers_and_rejections.py": "504cd80018f1a873",
    "annotation/migrations/0003_batches_are_opened.py": "8dd82fcb812d850f",
    "annotation/migrations/0004_cells_are_counted_from_an_index.py": "89759f34cb24e236",
    "annotation/migrations/0005_releases_are_made_in_the_background.py": "bd6a3a12b10e498d",
    "learning/migrations/0001_first_rooms.py": "832e06122b1d9abd",
    "learning/migrations/0002_run_of_one_field.py": "d9fba7359786b305",
}


@pytest.mark.parametrize("file", DELIVERED)
def test_a_migration_that_was_delivered_is_never_changed(file: str) -> None:
    assert hashlib.sha256((ROOT / file).read_bytes()).hexdigest().startswith(DELIVERED[file])


@pytest.mark.django_db
def test_every_table_of_the_database_is_covered() -> None:
    assert rows.strangers(rows.tables_of(apps, DEFAULT_DB_ALIAS), DEFAULT_DB_ALIAS) == []


@pytest.mark.django_db
def test_a_table_that_is_not_ours_is_named() -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE somebody_elses (number integer)")
    assert rows.strangers(rows.tables_of(apps, DEFAULT_DB_ALIAS), DEFAULT_DB_ALIAS) == ["somebody_elses"]


LINES = [b'[1,"a"]\n', b'[2,"b"]\n']


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """A small one: a table of two rows and a picture."""
    picture = tmp_path / "picture.png"
    picture.write_bytes(b"the picture of a field" * 1000)
    writer = Writer(tmp_path / "small.zip")
    writer.add_table("annotation_case", ["id", "code"], iter(LINES))
    writer.add_file("images/ab/abcd.png", picture)
    writer.finish(a_manifest(writer))
    return tmp_path / "small.zip"


def a_manifest(writer: Writer) -> Manifest:
    return Manifest(1, "2026-11-27", "sqlite", [], writer.tables, {}, writer.files, [], [])


def test_an_archive_says_what_it_holds(archive: Path) -> None:
    with Reader(archive) as reader:
        reader.verify()
        assert list(reader.rows("annotation_case")) == LINES
        assert reader.manifest.rows == 2
    assert archive.stat().st_mode & 0o077 == 0, "others can read the pictures of patients"


def flip(archive: Path) -> None:
    """One bit of the picture, as a failing disk does it."""
    content = bytearray(archive.read_bytes())
    content[content.index(b"the picture") + 5000] ^= 1
    archive.write_bytes(content)


def cut(archive: Path) -> None:
    archive.write_bytes(archive.read_bytes()[:-200])


def rewritten(archive: Path, change: Callable[[str, bytes], Iterator[tuple[str, bytes]]]) -> None:
    with zipfile.ZipFile(archive) as old:
        entries = [(name, old.read(name)) for name in old.namelist()]
    with zipfile.ZipFile(archive, "w") as new:
        for name, content in entries:
            for entry in change(name, content):
                new.writestr(*entry)


def drop_a_row(archive: Path) -> None:
    rewritten(archive, lambda name, content: iter([(name, LINES[0] if name.startswith("rows/") else content)]))


def drop_the_picture(archive: Path) -> None:
    rewritten(archive, lambda name, content: iter([] if name.startswith("files/") else [(name, content)]))


def drop_the_manifest(archive: Path) -> None:
    rewritten(archive, lambda name, content: iter([] if name == "manifest.json" else [(name, content)]))


def of_the_future(archive: Path) -> None:
    def change(name: str, content: bytes) -> Iterator[tuple[str, bytes]]:
        yield name, json.dumps(json.loads(content) | {"version": 2}).encode() if name == "manifest.json" else content

    rewritten(archive, change)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (flip, "damaged: files/images/ab/abcd.png is not as it was written"),
        (cut, "cut off or no backup"),
        (drop_a_row, "damaged: the rows of annotation_case"),
        (drop_the_picture, "does not hold what its manifest says"),
        (drop_the_manifest, "no backup of Marrowloop"),
        (of_the_future, "form 2"),
        (lambda archive: archive.write_bytes(b"plain text"), "cut off or no backup"),
        (lambda archive: archive.unlink(), "There is no file"),
    ],
)
def test_a_damaged_archive_is_refused_in_plain_words(archive: Path, damage: Callable[[Path], None], words: str) -> None:
    damage(archive)
    with pytest.raises(ArchiveError, match=words), Reader(archive) as reader:
        reader.verify()


def test_no_file_comes_to_lie_outside_the_data_folder(tmp_path: Path) -> None:
    writer = Writer(tmp_path / "evil.zip")
    source = tmp_path / "x"
    source.write_bytes(b"x")
    writer.add_file("../outside", source)
    writer.finish(a_manifest(writer))
    with pytest.raises(ArchiveError, match="outside the data folder"), Reader(tmp_path / "evil.zip") as reader:
        reader.verify()


def test_what_rows_speak_of_and_is_not_there_is_named() -> None:
    wanted = backups.Wanted({"images/a": "1" * 64, "images/b": "2" * 64, "models/c": ""})
    found = {"images/a": FileEntry(1, "1" * 64), "images/b": FileEntry(1, "3" * 64)}
    assert wanted.faults(found) == ["images/b was changed", "models/c is missing"]


def test_only_the_newest_archives_are_kept(tmp_path: Path, settings: Any) -> None:
    settings.BACKUPS_DIR = tmp_path
    for day in range(1, 6):
        (tmp_path / f"marrowloop-2026110{day}-023000.zip").touch()
    (tmp_path / "by-hand.zip").touch()
    removed = remove_old_backups(2)
    assert [path.name[11:19] for path in kept_backups()] == ["20261105", "20261104"]
    assert len(removed) == 3
    assert (tmp_path / "by-hand.zip").exists()


def test_two_backups_do_not_meet() -> None:
    with alone("a backup"), pytest.raises(Refused, match="a backup is under way"):
        back_up()


def test_a_disk_without_room_is_told_before_anything_is_written(settings: Any, tmp_path: Path) -> None:
    settings.BACKUPS_DIR = tmp_path / "backups"
    settings.KEEP_FREE_MB = 10**9
    with pytest.raises(Refused, match="make room"):
        back_up()
    assert list((tmp_path / "backups").iterdir()) == []
