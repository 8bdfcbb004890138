"""The workbench as a person at a desk has it: hands on the field, keys, and what the panel says."""

from __future__ import annotations

import re
from typing import Any

from django.conf import settings
from playwright.sync_api import Locator, Page, expect

from annotation.models import Field, Prediction, Project
from tests.learning import rows


class Desk:
    """A field in the workbench, shown at 100 %: a place on the field is a place on the screen."""

    def __init__(self, page: Page, field: Field) -> None:
        self.page, self.field = page, field

    def open(self, *, at_actual_size: bool = True) -> Desk:
        self.page.goto(f"/projects/{self.field.project.key}/fields/{self.field.code}/")
        expect(self.canvas).to_have_attribute("data-ready", "true")
        if at_actual_size:
            self.press("9")
            self.expect_actual_size()
        return self

    def expect_actual_size(self) -> None:
        """The field is painted at 100 %: the number beside it is ahead of what is painted."""
        expect(self.canvas).to_have_attribute("data-scale", "1")

    @property
    def canvas(self) -> Locator:
        return self.page.locator("#canvas")

    @property
    def saving(self) -> Locator:
        return self.page.locator("#saving")

    @property
    def selection(self) -> Locator:
        return self.page.locator("#selection")

    def count(self, key: str) -> Locator:
        """How many cells of a class the differential counts."""
        return self.page.locator(f"tr:has([data-class={key}]) td:nth-of-type(2)")

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def on_screen(self, x: float, y: float) -> tuple[float, float]:
        box = self.canvas.bounding_box()
        assert box is not None
        left, top = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        return left + x - self.field.width / 2, top + y - self.field.height / 2

    def click(self, x: float, y: float, **options: Any) -> None:
        self.page.mouse.click(*self.on_screen(x, y), **options)

    def drag(self, *places: tuple[float, float], button: Any = "left") -> None:
        self.page.mouse.move(*self.on_screen(*places[0]))
        self.page.mouse.down(button=button)
        for place in places[1:]:
            self.page.mouse.move(*self.on_screen(*place), steps=4)
        self.page.mouse.up(button=button)

    def expect_saved(self) -> None:
        expect(self.saving).to_have_text("All saved")

    def expect_not_saved(self) -> None:
        expect(self.saving).to_have_text(re.compile("Offline"))


def pictured(project: Project, size: int = 400, um_per_px: float | None = 0.1) -> Field:
    """A field with a picture."""
    settings.IMAGES_DIR.mkdir(exist_ok=True)
    made = rows.field(project, size=size)
    made.um_per_px = um_per_px
    made.save()
    return rows.picture(made)


def predict(field: Field, *suggested: tuple[str, float, float, float, float]) -> list[Prediction]:
    """Predictions of a model whose threshold is 0.3: class, score, circle."""
    model = field.project.models.first() or rows.model(field.project, "s1")
    classes = {row.key: row for row in field.project.classes.all()}
    return [
        Prediction.objects.create(
            field=field,
            model_id=model.pk,
            model_label=model.label,
            cell_class=classes[key],
            kind="circle",
            points=[x, y, r],
            score=score,
            class_scores=[[classes[key].number, score], [classes["mono"].number, round(0.9 - score / 2, 3)]],
        )
        for key, score, x, y, r in suggested
    ]
