"""Without JavaScript every page does its work, but for the canvas: people sign in, look, start, send and take out."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import FilePayload, Page, expect

from annotation.actions.batches import Asked, open_batch, publish_batch
from annotation.actions.transfers_work import execute_transfer
from annotation.models import Case, Field, Transfer
from learning.models import Round
from tests.annotation.uploading import png
from tests.browser.conftest import Site, Visitor
from tests.cast import PASSWORD
from tests.learning import rows
from tests.learning.conftest import home

__all__ = ["home"]
BASE = "/projects/study/"


@pytest.fixture
def page(site: Site, visitor: Visitor, home: Path) -> Page:
    """Ada's browser, signed in by its form."""
    with site.still():
        project = site.cast.project
        for code, split in (("A-1", "training"), ("B-2", "tuning")):
            labelled = rows.picture(rows.field(project, split))
            rows.reading(labelled, {"seg": 6, "myc": 2})
            Field.objects.filter(pk=labelled.pk).update(case=Case.objects.create(project=project, code=code))
        waiting = rows.picture(rows.field(project))
        open_batch(
            batch=publish_batch(
                project=project, number=0, strategy="random", seed=0, asked=[Asked(waiting, 1.0, "by chance")]
            )
        )
    page = visitor.page("nobody", java_script_enabled=False)
    page.goto(BASE)
    page.get_by_label("Username").fill("ada")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Study")
    return page


def work_through(site: Site) -> Transfer:
    """What a worker would do."""
    with site.still():
        return execute_transfer(Transfer.objects.latest("pk"))


def test_what_waits_is_found_and_shown(page: Page) -> None:
    expect(page.get_by_role("heading", name="What to do next")).to_be_visible()
    page.get_by_role("link", name="Queue", exact=True).click()
    expect(page.locator("main")).to_contain_text("by chance")
    page.get_by_role("link", name="Label the next field").click()
    expect(page.get_by_text("Labelling needs JavaScript")).to_be_visible()


def test_cases_are_filtered(page: Page) -> None:
    page.goto(f"{BASE}cases/")
    expect(page.locator("tbody tr")).to_have_count(3)  # the third holds the fields of no case
    page.get_by_label("Split").select_option("tuning")
    page.get_by_role("button", name="Show").click()
    expect(page.locator("tbody tr")).to_have_count(1)
    page.get_by_role("link", name="B-2").click()
    page.get_by_role("button", name="Sign off 1 labelled field").click()
    expect(page.locator("main")).to_contain_text("1 signed off")


def test_a_round_is_started_and_cancelled(site: Site, page: Page, visitor: Visitor) -> None:
    visitor.expected = ["status of 422"]
    page.goto(f"{BASE}rounds/new/")
    page.get_by_text("More", exact=True).click()
    page.get_by_label("Device").fill("gpu")
    page.get_by_label("Teacher's epochs").fill("3")
    page.get_by_role("button", name="Start round 1").click()
    expect(page.locator(".at-fault")).to_contain_text("Write auto, cpu, or the number of a GPU")
    page.get_by_label("Device").fill("cpu")
    page.get_by_label(re.compile(r"^\s*random")).check()
    page.get_by_role("button", name="Start round 1").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Round 1")
    expect(page.get_by_role("link", name="Reload")).to_be_visible()
    with site.still():
        settings = Round.objects.get().settings
    assert (settings["epochs"], settings["strategy"]) == (3, "random")
    page.get_by_role("link", name="Cancel").click()
    page.get_by_role("button", name="Cancel round 1").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("cancelled")


def test_files_are_uploaded_looked_at_and_imported(site: Site, page: Page) -> None:
    page.goto(f"{BASE}data/upload/")
    files = [(f"{name}.png", png(number)) for number, name in enumerate("ab")] + [("bad.png", b"words words words")]
    page.get_by_label("Files", exact=True).set_input_files(
        [FilePayload(name=name, mimeType="image/png", buffer=data) for name, data in files]
    )
    page.get_by_role("button", name="Upload").click()
    expect(page.locator("main")).to_contain_text("2 files here")
    expect(page.locator("main")).to_contain_text("1 refused")
    page.get_by_role("button", name="Preview").click()
    work_through(site)
    page.get_by_role("link", name="Look again").click()
    page.get_by_role("button", name="Import", exact=True).click()
    work_through(site)
    page.get_by_role("link", name="Look again").click()
    expect(page.get_by_role("heading", name="In the project now")).to_be_visible()
    with site.still():
        assert Field.objects.filter(project=site.cast.project).count() == 5


def test_labels_are_exported(site: Site, page: Page) -> None:
    page.goto(f"{BASE}data/export/")
    page.get_by_label("Format").select_option("voc")
    page.get_by_role("button", name="Export", exact=True).click()
    work_through(site)
    page.get_by_role("link", name="Look again").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download", exact=True).click()
    with zipfile.ZipFile(io.BytesIO(download.value.path().read_bytes())) as archive:
        assert sum(name.startswith("Annotations/") for name in archive.namelist()) == 2


def test_people_are_invited_and_come(site: Site, page: Page, visitor: Visitor) -> None:
    page.goto(f"{BASE}people/")
    page.get_by_label("For whom").fill("Nia")
    page.get_by_role("button", name="Make an invitation link").click()
    address = page.locator("main").get_by_role("textbox").first.input_value()
    guest = visitor.page("nobody", java_script_enabled=False)
    guest.goto(address)
    expect(guest.get_by_role("heading", level=1)).to_be_visible()
    guest.get_by_label("Your name, as others see it").fill("Nia Example")
    guest.get_by_label("Sign-in name").fill("nia")
    guest.get_by_label("New password").fill(PASSWORD)
    guest.get_by_label("The same again").fill(PASSWORD)
    guest.get_by_role("button", name="Make the account and join").click()
    expect(guest.get_by_role("heading", level=1)).to_have_text("Study")
    page.reload()
    expect(page.locator("main")).to_contain_text("Nia Example")
