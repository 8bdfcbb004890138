"""What predictions save a reader: `python -m benchmarks.effort`.

A scripted reader labels 20 generated fields in the real workbench, in headless Chromium: once from nothing, once from
the predictions of a student that one round has made from the starter weights. It knows the truth, and does what a
person would do to get there. Every key, click and drag is counted.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import canvas, crowded, frame
from benchmarks.frame import CannotMeasureError, Task
from benchmarks.product import Product

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from annotation.models import Prediction

FIELDS = 20
# Labelled fields that the round learns from, and its epochs.
LEARNED, EPOCHS = {"small": 150, "full": 400}, {"small": 12, "full": 25}
SEEDS = {"learned": 101, "read": 202}
# Classes with so many cells are learned on their own: the starter weights know them all, a few more are enough.
MIN_CELLS = 8
# The key that shows more predictions lowers the score by so much.
STEP = 0.05
# As far as a reader lets a circle be off: its middle by half the radius, its box by an IoU of a half.
NEAR, OVERLAP = 0.5, 0.5
# Handles of a selected cell reach so far, in pixels.
HANDLE = 12.0

Circle = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Labelled:
    """A cell as it is to be, or as a model suggests it: key of its class, circle in field pixels.

    `after`: the class that the model holds for next likely; `score`: its score, 1 for what is no suggestion.
    """

    key: str
    circle: Circle
    after: str = ""
    score: float = 1.0


@dataclass(slots=True)
class Reader:
    """Hands at the workbench of one field that is shown at 100 %; `actions` counts what they do."""

    page: Page
    size: tuple[int, int]
    hotkeys: dict[str, str]
    names: dict[str, str]
    actions: int = 0
    by_kind: dict[str, int] = field(default_factory=dict)
    tool: str = ""
    active: str = ""
    drawn: Circle | None = None

    def place(self, x: float, y: float) -> tuple[float, float]:
        box = self.page.locator("#canvas").bounding_box()
        if box is None:
            raise CannotMeasureError("the page shows no canvas")
        return box["x"] + box["width"] / 2 + x - self.size[0] / 2, box["y"] + box["height"] / 2 + y - self.size[1] / 2

    def count(self, kind: str, by: int = 1) -> None:
        self.actions += by
        self.by_kind[kind] = self.by_kind.get(kind, 0) + by

    def press(self, kind: str, key: str) -> None:
        self.page.keyboard.press(key)
        self.count(kind)

    def take(self, tool: str, key: str) -> None:
        if self.tool != tool:
            self.press("tool", key)
            self.tool = tool

    def classify(self, key: str, was: str) -> None:
        """Give what is selected the class `key`, which also becomes that of the next cell.

        By the number key that the page offers for a class used not long ago, else by its letters.
        """
        if key != was:
            for letter in self.numbers().get(f"{self.names[key]}, used not long ago") or self.hotkeys[key]:
                self.press("class", letter)
        self.active = key

    def numbers(self) -> dict[str, str]:
        """The number keys of the classes used last, as the row above the list of classes shows them."""
        read = "all => Object.fromEntries(all.map(one => [one.title, one.querySelector('kbd').textContent]))"
        found: dict[str, str] = self.page.eval_on_selector_all("#recent .recent-choice", read)
        return found

    def draw(self, cell: Labelled) -> None:
        self.take("circle", "Shift+C")
        x, y, r = cell.circle
        if self.drawn is not None and near_handles(self.drawn, (x, y)):
            self.press("deselect", "Escape")
        start, end = self.place(x, y), self.place(x + r, y)
        self.page.mouse.move(*start)
        self.page.mouse.down()
        self.page.mouse.move(*end, steps=2)
        self.page.mouse.up()
        self.count("draw")
        self.drawn = cell.circle
        self.classify(cell.key, self.active)

    def pick(self, cell: Labelled, others: list[Labelled], *, more: bool = False) -> None:
        """Select a cell among others; with `more` beside what is selected already."""
        self.take("select", "Shift+S")
        place = free_spot(cell, others)
        if more:
            self.page.keyboard.down("Shift")
        self.page.mouse.click(*self.place(*place))
        self.page.keyboard.up("Shift")
        self.count("pick")
        self.drawn = None if more else cell.circle

    def pick_all(self, cells: list[Labelled], others: list[Labelled]) -> None:
        for nth, cell in enumerate(cells):
            self.pick(cell, others, more=nth > 0)

    def drop(self, cell: Labelled, others: list[Labelled]) -> None:
        self.pick(cell, others)
        self.press("delete", "Delete")
        self.drawn = None


def near_handles(circle: Circle, place: tuple[float, float]) -> bool:
    x, y, r = circle
    handles = [(x, y), (x + r, y), (x - r, y), (x, y + r), (x, y - r)]
    return any((place[0] - hx) ** 2 + (place[1] - hy) ** 2 <= HANDLE**2 for hx, hy in handles)


def is_same(one: Circle, other: Circle) -> bool:
    """Whether a reader takes `other` for a good circle of the cell that `one` covers."""
    apart = ((one[0] - other[0]) ** 2 + (one[1] - other[1]) ** 2) ** 0.5
    if apart > NEAR * one[2]:
        return False
    width = min(one[0] + one[2], other[0] + other[2]) - max(one[0] - one[2], other[0] - other[2])
    height = min(one[1] + one[2], other[1] + other[2]) - max(one[1] - one[2], other[1] - other[2])
    shared = max(0.0, width) * max(0.0, height)
    return shared >= OVERLAP * (4 * one[2] ** 2 + 4 * other[2] ** 2 - shared)


def matched(truth: list[Labelled], found: list[Labelled]) -> dict[int, int]:
    """For each index of `found` that stands for a cell of `truth` its index; those of the right class first."""
    pairs: dict[int, int] = {}
    for same_class in (True, False):
        for number, one in enumerate(found):
            if number in pairs:
                continue
            for index, cell in enumerate(truth):
                fits = (cell.key == one.key) or not same_class
                if index not in pairs.values() and fits and is_same(cell.circle, one.circle):
                    pairs[number] = index
                    break
    return pairs


def free_spot(cell: Labelled, others: list[Labelled]) -> tuple[float, float]:
    """A place in the cell that lies in no smaller one: a click takes the smallest."""
    x, y, r = cell.circle
    smaller = [one.circle for one in others if one.circle[2] < r]
    for reach in (0.0, 0.3, 0.6, 0.8):
        for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1), (0.7, 0.7), (-0.7, 0.7), (0.7, -0.7), (-0.7, -0.7)):
            spot = (x + dx * reach * r, y + dy * reach * r)
            if all((spot[0] - ox) ** 2 + (spot[1] - oy) ** 2 > (1.05 * o) ** 2 for ox, oy, o in smaller):
                return spot
    return (x, y)


def read_plain(reader: Reader, truth: list[Labelled]) -> None:
    for cell in truth:
        reader.draw(cell)


def read_predicted(reader: Reader, truth: list[Labelled], suggested: list[Labelled], least: float) -> float:
    """Accept all that is shown by two keys, then mend what is wrong, cells of one fault together.

    `least` is the score from which on the page shows suggestions; returned is the one that it keeps for the next field.
    """
    least = look_for_more(reader, truth, suggested, least)
    shown = [one for one in suggested if one.score >= least]
    pairs = matched(truth, shown)
    if shown:
        reader.press("accept", "Shift+Enter")
        if len(shown) > 1:
            reader.page.locator("#question").wait_for(state="visible")
            reader.press("accept", "Enter")
    reader.tool = "select"  # where a model has suggested cells the page begins with it
    for number, one in enumerate(shown):
        if number not in pairs:
            reader.drop(one, shown)
    rename(reader, [shown[number] for number in pairs], [truth[index].key for index in pairs.values()])
    missing = [truth[index] for index in sorted(set(range(len(truth))) - set(pairs.values()))]
    for cell in sorted(missing, key=lambda cell: (cell.key != reader.active, cell.key)):
        reader.draw(cell)
    return least


def look_for_more(reader: Reader, truth: list[Labelled], suggested: list[Labelled], least: float) -> float:
    """The score that is chosen in the end: while cells are missing it is lowered step by step, and once raised again
    where more came that is wrong than that is right."""
    shown = [one for one in suggested if one.score >= least]
    while len(matched(truth, shown)) < len(truth) and least > STEP:
        least = round(least - STEP, 2)
        wider = [one for one in suggested if one.score >= least]
        more = len(matched(truth, wider)) - len(matched(truth, shown))
        reader.press("score", ",")
        if 2 * more <= len(wider) - len(shown):
            reader.press("score", ".")
            return round(least + STEP, 2)
        shown = wider
    return least


def rename(reader: Reader, cells: list[Labelled], keys: list[str]) -> None:
    """Give cells the classes `keys`: by one key where that is the model's next one, the others class by class."""
    wrong = [(cell, key) for cell, key in zip(cells, keys, strict=True) if cell.key != key]
    nexts = [cell for cell, key in wrong if cell.after == key]
    if nexts:
        reader.pick_all(nexts, cells)
        reader.press("next class", ";")
    others = [(cell, key) for cell, key in wrong if cell.after != key]
    for wanted in dict.fromkeys(key for _, key in others):
        reader.pick_all([cell for cell, key in others if key == wanted], cells)
        reader.classify(wanted, "")


def truths_of(folder: Path) -> dict[str, list[Labelled]]:
    """The cells of each picture, by its name, in reading order."""
    data = json.loads((folder / "annotations.json").read_text())
    names = {one["id"]: one["name"] for one in data["categories"]}
    files = {one["id"]: Path(one["file_name"]).name for one in data["images"]}
    found: dict[str, list[Labelled]] = {name: [] for name in files.values()}
    for one in data["annotations"]:
        x, y, width, height = one["bbox"]
        circle = (x + width / 2, y + height / 2, max(width, height) / 2)
        found[files[one["image_id"]]].append(Labelled(names[one["category_id"]], circle))
    for cells in found.values():
        cells.sort(key=lambda cell: (cell.circle[1] // 60, cell.circle[0]))
    return found


def told_apart(folder: Path) -> None:
    """Gives the cases of `folder` names of their own: two sets that were generated name theirs alike."""
    file = folder / "annotations.json"
    data = json.loads(file.read_text())
    for image in data["images"]:
        image |= {"case": f"read-{image['case']}", "slide": f"read-{image['slide']}"}
    file.write_text(json.dumps(data))


def prepare(task: Task, product: Product) -> dict[str, Any]:
    """Two projects on the same 20 fields: `plain` has nothing but them, `predicted` has had one round."""
    learned, read = task.folder / "learned", task.folder / "read"
    count = LEARNED[task.setting]
    product("generate_fields", str(learned), "--count", str(count), "--cases", "15", "--seed", str(SEEDS["learned"]))
    product("generate_fields", str(read), "--count", str(FIELDS), "--cases", "5", "--seed", str(SEEDS["read"]))
    told_apart(read)
    product("create_project", "Plain", "--key", "plain")
    product("import_dataset", "plain", str(read / "images"), "--format", "images", "--split", "training")
    product("create_project", "Predicted", "--key", "predicted")
    product("import_dataset", "predicted", str(learned))
    product("import_dataset", "predicted", str(read), "--split", "pool")
    task.say(f"one round learns from {count} fields")
    words = ["--epochs", str(EPOCHS[task.setting]), "--budget", str(FIELDS), "--strategy", "random"]
    words += ["--min-cells", str(MIN_CELLS), "--wait"]
    return product("run_round", "predicted", *words)


def measure(task: Task) -> frame.Outcome:
    home = task.folder / "home"
    crowded.set_up(home)
    answer = prepare(task, Product(home))
    if answer["student"] is None or not answer["deployed"]:
        raise CannotMeasureError(f"the round deployed no student: {answer['reason']}")
    truths = truths_of(task.folder / "read")
    told = {}
    # Playwright keeps an event loop running, which Django takes for code that must not wait for a database.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with crowded.served(home) as base, canvas.browser() as chromium:
        context = chromium.new_context(viewport=canvas.WINDOW)
        context.add_cookies([{"name": "sessionid", "value": signed_in(), "url": base}])
        for key in ("plain", "predicted"):
            told[key] = read_project(task, context, base, key, truths)
    cells = sum(map(len, truths.values()))
    figures: dict[str, float | int | None] = {"fields": FIELDS, "cells": cells}
    for key, one in told.items():
        figures[f"actions_per_100_cells_{key}"] = round(100 * one["actions"] / cells, 1)
        figures[f"cells_wrong_{key}"] = one["wrong"]
    return frame.Outcome(figures, {"round": answer["student"], "reading": told})


def signed_in() -> str:
    from django.contrib.auth.models import User
    from django.db import connections
    from django.test import Client

    client = Client()
    client.force_login(User.objects.create_superuser("reader"))
    session = client.cookies["sessionid"].value
    connections.close_all()
    return session


def read_project(task: Task, context: Any, base: str, key: str, truths: dict[str, list[Labelled]]) -> dict[str, Any]:
    """Label every field of a project whose truth is known; how many actions that took, and what is wrong afterwards."""
    total, wrong, by_kind = 0, 0, dict[str, int]()
    least: float | None = None
    for one in fields_of(key, set(truths)):
        truth = truths[one["name"]]
        page = context.new_page()
        page.goto(f"{base}/projects/{key}/fields/{one['code']}/")
        page.wait_for_selector("#canvas[data-ready=true]")
        page.keyboard.press("9")  # so that a place on the field is a place on the screen: no part of the reading
        page.wait_for_timeout(300)
        reader = Reader(page, one["size"], one["hotkeys"], one["names"])
        if key == "plain":
            read_plain(reader, truth)
        else:
            least = read_predicted(reader, truth, one["suggested"], one["least"] if least is None else least)
        page.get_by_text("All saved").wait_for(timeout=30_000)
        page.close()
        missed = len(truth) - right(key, one["code"], truth)
        total, wrong = total + reader.actions, wrong + missed
        for kind, count in reader.by_kind.items():
            by_kind[kind] = by_kind.get(kind, 0) + count
        task.say(f"{key} {one['code']}: {reader.actions} actions for {len(truth)} cells, {missed} wrong")
    return {"actions": total, "wrong": wrong, "by_kind": by_kind}


def fields_of(key: str, names: set[str]) -> list[dict[str, Any]]:
    """The fields to read with the hotkeys of their classes and what the deployed model suggests above its threshold."""
    from django.db import connections

    from annotation.models import CellClass, Field, Prediction
    from learning.actions.models import deployed_model

    rows = Field.objects.filter(project__key=key, current_reading=None).select_related("project")
    found = []
    for row in rows.order_by("pk"):
        if Path(row.original_name).name not in names:
            continue
        model = deployed_model(row.project)
        suggested = Prediction.objects.filter(field=row, model_id=model.pk) if model else Prediction.objects.none()
        titles = dict(CellClass.objects.filter(project=row.project).values_list("key", "name"))
        hotkeys = dict(CellClass.objects.filter(project=row.project).values_list("key", "hotkey"))
        keys = dict(CellClass.objects.filter(project=row.project).values_list("number", "key"))
        found.append(
            {
                "code": row.code,
                "name": Path(row.original_name).name,
                "size": (row.width, row.height),
                "hotkeys": hotkeys,
                "names": titles,
                "least": model.threshold if model else 1.0,
                "suggested": [
                    as_suggested(one, keys) for one in suggested.select_related("cell_class").order_by("-score")
                ],
            }
        )
    connections.close_all()
    if len(found) != len(names):
        raise CannotMeasureError(f"of {len(names)} fields {len(found)} are to be read in {key}")
    return found


def as_suggested(one: Prediction, keys: dict[int, str]) -> Labelled:
    ranked = [keys[number] for number, _ in sorted(one.class_scores, key=lambda pair: -pair[1])]
    at = ranked.index(one.cell_class.key) if one.cell_class.key in ranked else -1
    after = ranked[(at + 1) % len(ranked)] if ranked else ""
    return Labelled(one.cell_class.key, (one.points[0], one.points[1], one.points[2]), after, one.score)


def right(key: str, code: str, truth: list[Labelled]) -> int:
    """How many cells of `truth` the server now holds with their class, less what it holds beside them."""
    from django.db import connections

    from annotation.models import Cell

    kept = [
        Labelled(cell.cell_class.key, ((cell.x0 + cell.x1) / 2, (cell.y0 + cell.y1) / 2, (cell.x1 - cell.x0) / 2))
        for cell in Cell.objects.alive()
        .filter(project__key=key, reading__field__code=code, reading__source="drawn")
        .select_related("cell_class")
    ]
    connections.close_all()
    pairs = matched(truth, kept)
    good = sum(kept[number].key == truth[index].key for number, index in pairs.items())
    return good - (len(kept) - len(pairs))


if __name__ == "__main__":
    sys.exit(frame.run("effort", __doc__, measure))
