"""The whole story against the whole product: from an empty data folder to labels on somebody else's disk.

The product is started as `make run` starts it, with its own Redis, workers and web processes. Nothing is reached for
behind its back: all that this test does, a person does with a browser.
"""

from __future__ import annotations

import io
import json
import re
import signal
import time
import xml.etree.ElementTree as ET
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, FilePayload, Page, Request, expect

from annotation.models import Field, Project
from models_zoo.generator import FieldSettings, GeneratedField, SetSettings, generate_set, write_set
from tests.browser.desk import Desk
from tests.house.server import Server

FIELD = FieldSettings(width=320, height=240, density=18.0, blur_share=0.0)
FIELDS, CASES, SEED = 18, 9, 3
LABELLED = 14  # of the first seven cases; the others wait in the pool
STEP, ROUND = 20_000, 600_000  # milliseconds; a training gives way to whatever else runs on the machine
CASES_BY_NAME = {"Cases are told by": "pattern", "Pattern of the file name": r"^(?P<case>case-\d+)-"}
CIRCLE = (60.0, 60.0, 22.0)
CONTOUR = ((150, 100), (200, 95), (215, 140), (170, 160), (140, 135))


@dataclass(frozen=True, slots=True)
class Running:
    """The product that runs, and who may sign in."""

    address: str
    name: str
    password: str


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    server = Server(tmp_path)
    made = server.product.ask("create_administrator")  # and so there is no demo project, whose round would come first
    process = server.start()
    try:
        server.wait(process)
        yield Running(f"http://localhost:{server.port}", made["administrator"], made["password"])
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=20) == 0, server.said()
    finally:
        server.product.end()
        process.wait()


@pytest.fixture
def diary() -> Iterator[Callable[[str], None]]:
    """Prints how long each part of the story took."""
    began = last = time.monotonic()
    lines: list[str] = []

    def note(what: str) -> None:
        nonlocal last
        lines.append(f"{time.monotonic() - last:6.1f} s  {what}")
        last = time.monotonic()

    yield note
    print("\n".join([*lines, f"{last - began:6.1f} s  in all"]))


@pytest.mark.early
def test_from_an_upload_to_a_download(
    running: Running, chromium: Browser, tmp_path: Path, diary: Callable[[str], None]
) -> None:
    fields = list(generate_set(FIELDS, SEED, CASES, SetSettings(FIELD)))
    context = chromium.new_context(
        base_url=running.address, reduced_motion="reduce", viewport={"width": 1280, "height": 800}
    )
    context.set_default_timeout(STEP)
    complaints = listen(context, running.address)
    page = context.new_page()

    sign_in(page, running)
    make_project(page)
    bring_in(page, labelled_set(fields[:LABELLED], tmp_path))
    bring_in(page, pool_set(fields[LABELLED:]), CASES_BY_NAME | {"Splits": "pool"})
    diary("two uploads are looked at and imported")

    drawn = label_by_hand(page)
    diary("a field is labelled by hand")
    start_round(page)
    watch_it_end(page)
    diary("a round")
    accepted = accept_predictions(page)
    diary("a field of the batch is labelled with predictions")
    archives = {name: export(page, name, tmp_path) for name in ("coco", "voc")}
    diary("two exports")

    cells = sum(len(field.cells) for field in fields[:LABELLED]) + 2 + accepted
    check_coco(archives["coco"], drawn, cells)
    check_voc(archives["voc"], drawn, cells)
    assert not complaints
    context.close()


def listen(context: BrowserContext, address: str) -> list[str]:
    """What its pages complain of from now on, and what they ask of other hosts."""
    heard: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            heard.append(message.text)

    def check_host(request: Request) -> None:
        if not request.url.startswith((address, "data:", "blob:")):
            heard.append(f"a request left the host: {request.url}")

    context.on("console", hear)
    context.on("request", check_host)
    context.on("weberror", lambda error: heard.append(str(error.error)))
    return heard


def sign_in(page: Page, running: Running) -> None:
    page.goto("/")
    page.get_by_label("Username").fill(running.name)
    page.get_by_label("Password").fill(running.password)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Projects")


def make_project(page: Page) -> None:
    page.get_by_role("link", name=re.compile("New project|first project", re.I)).first.click()
    page.get_by_label("Name", exact=True).fill("Story")
    page.get_by_label("Scale, in µm per pixel").fill(str(FIELD.um_per_px))
    page.get_by_role("button", name="Make the project").click()
    expect(page).to_have_url(re.compile(r"/projects/story/"))


def labelled_set(fields: list[GeneratedField], folder: Path) -> tuple[str, bytes]:
    """A data set in COCO, as one archive."""
    write_set(folder / "set", fields)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for file in sorted((folder / "set").rglob("*")):
            archive.write(file, file.relative_to(folder / "set"))
    return "set.zip", packed.getvalue()


def pool_set(fields: list[GeneratedField]) -> tuple[str, bytes]:
    """Pictures of fields that nobody has labelled."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for number, field in enumerate(fields):
            picture = io.BytesIO()
            Image.fromarray(field.image).save(picture, "PNG")
            archive.writestr(f"{field.case}-{number}.png", picture.getvalue())
    return "pool.zip", packed.getvalue()


def bring_in(page: Page, file: tuple[str, bytes], settings: dict[str, str] | None = None) -> None:
    """Upload, preview, import."""
    room(page, "Data")
    page.get_by_role("link", name="Upload").first.click()
    name, data = file
    page.get_by_label("Files", exact=True).set_input_files(
        FilePayload(name=name, mimeType="application/zip", buffer=data)
    )
    page.get_by_role("button", name="Preview").wait_for()
    if settings:
        page.get_by_text("Settings of the import").click()
    for label, value in (settings or {}).items():
        control = page.get_by_label(label, exact=True)
        if control.evaluate("one => one.tagName") == "SELECT":
            control.select_option(value)
        else:
            control.fill(value)
    page.get_by_role("button", name="Preview").click()
    page.get_by_role("button", name="Import", exact=True).click(timeout=60_000)
    expect(page.get_by_role("heading", name="In the project now")).to_be_visible(timeout=60_000)


def room(page: Page, name: str) -> None:
    page.get_by_role("navigation", name="Project").get_by_role("link", name=name, exact=True).click()


def desk_of(page: Page) -> Desk:
    code = re.search(r"/fields/([^/]+)/", page.url)
    assert code is not None, page.url
    field = Field(project=Project(key="story"), code=code[1], width=FIELD.width, height=FIELD.height)
    return Desk(page, field).open()


def label_by_hand(page: Page) -> str:
    """A circle and a contour on a field of the pool; returns the field's public name."""
    room(page, "Cases")
    page.get_by_role("link", name=f"case-{CASES}").first.click()
    page.locator("a[href*='/fields/']").first.click()
    desk = desk_of(page)
    name = page.get_by_role("heading", level=1).inner_text()
    x, y, radius = CIRCLE
    desk.press("Shift+C", "l")
    desk.drag((x, y), (x + radius, y))
    expect(desk.count("lym")).to_have_text("1")
    desk.press("Escape", "Shift+D", "l")
    for corner in CONTOUR:
        desk.click(*corner)
    desk.press("Enter")
    expect(desk.count("lym")).to_have_text("2")
    desk.expect_saved()
    finish(page, "No, only some")
    return name


def finish(page: Page, answer: str) -> None:
    page.get_by_role("button", name="Finish", exact=True).click()
    page.get_by_role("dialog").get_by_label(re.compile(answer)).check()
    page.get_by_role("button", name="Finish and go on").click()
    expect(page.get_by_role("dialog")).to_be_hidden()


def start_round(page: Page) -> None:
    page.goto("/projects/story/rounds/")
    page.get_by_role("link", name="Start the first round").first.click()
    page.get_by_label("Teacher", exact=True).select_option("yolo26n")
    page.get_by_label("Teacher's epochs").fill("1")
    page.get_by_label("Student's epochs").fill("1")
    page.get_by_label("Budget").fill("2")
    page.get_by_text("More", exact=True).click()
    page.get_by_label("Cells a class needs").fill("10")
    page.get_by_role("button", name="Start round 1").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Round 1")


def watch_it_end(page: Page) -> None:
    """On its page, which is not reloaded."""
    heading = page.get_by_role("heading", level=1)
    expect(heading).to_contain_text(re.compile("labelling|failed"), timeout=ROUND)
    expect(heading).to_contain_text("labelling")
    expect(page.locator("#rest")).to_contain_text("Batch")


def accept_predictions(page: Page) -> int:
    """The next field of the batch: what the student suggests is accepted; returns how many cells that makes."""
    room(page, "Queue")
    page.get_by_role("link", name="Label the next field").click()
    desk = desk_of(page)
    page.get_by_label("Score from").fill("0")
    count = page.locator("#prediction-count")
    expect(count).to_contain_text(re.compile(r"^[1-9]\d* shown"))
    shown = int(count.inner_text().split()[0])
    page.get_by_role("button", name="Accept shown").click()
    page.get_by_role("dialog").get_by_role("button", name="Yes").click()
    expect(count).to_contain_text(f"{shown} decided")
    desk.expect_saved()
    finish(page, "Yes, every one")
    return shown


def export(page: Page, name: str, folder: Path) -> zipfile.ZipFile:
    page.goto("/projects/story/data/export/")
    page.get_by_label("Format").select_option(name)
    page.get_by_role("button", name="Export", exact=True).click()
    link = page.get_by_role("link", name="Download", exact=True)
    link.wait_for(timeout=60_000)
    with page.expect_download() as download:
        link.click()
    path = folder / f"{name}.zip"
    download.value.save_as(path)
    return zipfile.ZipFile(path)


def check_coco(archive: zipfile.ZipFile, drawn: str, cells: int) -> None:
    data = json.loads(archive.read("annotations/instances.json"))
    assert (len(data["images"]), len(data["annotations"])) == (LABELLED + 2, cells)
    (image,) = (one for one in data["images"] if Path(one["file_name"]).stem == drawn)
    assert image["exhaustive"] is False
    circle, contour = (one for one in data["annotations"] if one["image_id"] == image["id"])
    names = {one["id"]: one["name"] for one in data["categories"]}
    assert names[circle["category_id"]] == names[contour["category_id"]] == "Lymphocyte"
    assert circle["circle"] == pytest.approx(CIRCLE, abs=1)
    assert contour["segmentation"][0] == pytest.approx([number for corner in CONTOUR for number in corner], abs=1)


def check_voc(archive: zipfile.ZipFile, drawn: str, cells: int) -> None:
    files = [name for name in archive.namelist() if name.startswith("Annotations/")]
    trees = {Path(name).stem: ET.fromstring(archive.read(name)) for name in files}  # noqa: S314  # our own files
    assert (len(trees), sum(len(tree.findall("object")) for tree in trees.values())) == (LABELLED + 2, cells)
    x, y, radius = CIRCLE
    boxes = [[float(side.text or "") for side in one] for one in trees[drawn].iterfind("object/bndbox")]
    assert boxes[0] == pytest.approx([x - radius, y - radius, x + radius, y + radius], abs=2)
    assert boxes[1] == pytest.approx([140, 95, 215, 160], abs=2)
