"""How fast the workbench is on a crowded field: `python -m benchmarks.canvas`.

A field of 4000 x 3000 pixels with 500, 5,000 and 10,000 cells, half circles and half contours of 30 points, in headless
Chromium without a GPU, served by the product's own web process.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import crowded, frame
from benchmarks.frame import CannotMeasureError, Task

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, CDPSession, Page

SIZES = (500, 5000, 10000)
REPEATS = {"small": 40, "full": 120}
OPENINGS = {"small": 3, "full": 7}
EDITS = 500
WINDOW = {"width": 1400, "height": 900}
NAMES = ("chromium", "chromium-headless-shell", "chromium-browser", "google-chrome")
FLAGS = ["--disable-gpu", "--no-first-run", "--disable-background-networking", "--enable-precise-memory-info"]
DELETE = "#selection button[title^='Delete']"
SCRIPT = Path(__file__).with_name("painted.js")


EMPTY = """
<style>#canvas { height: 800px } .bench-sheet { width: 99px; height: 99px; background: red }</style>
<div id="canvas"><div class="bench-sheet"></div></div>
<span id="zoom"></span>
<script>
  const [canvas, square] = document.querySelectorAll("div");
  let moved = 0;
  const move = () => requestAnimationFrame(() => { square.style.transform = `translate(${++moved % 300}px)`; });
  canvas.addEventListener("pointermove", move);
  canvas.addEventListener("wheel", (event) => { event.preventDefault(); move(); }, { passive: false });
</script>
"""


@dataclass(slots=True)
class Times:
    """Milliseconds of each event, by what it was."""

    of: dict[str, list[float]] = field(default_factory=dict)

    def note(self, name: str, value: float) -> None:
        self.of.setdefault(name, []).append(round(value, 2))

    def p95(self, *names: str) -> float | None:
        """Of several kinds the slowest one's."""
        found = [percentile(self.of[name], 95) for name in names if self.of.get(name)]
        return round(max(found), 1) if found else None


def percentile(values: Sequence[float], percent: int) -> float:
    """The smallest value that is not below `percent` of all."""
    ordered = sorted(values)
    return ordered[max(0, -(-percent * len(ordered) // 100) - 1)]


class Hands:
    """A pointer on the page that waits after each event until its frame is painted."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.cdp: CDPSession = page.context.new_cdp_session(page)
        box = page.locator("#canvas").bounding_box()
        if box is None:
            raise CannotMeasureError("the page shows no canvas")
        self.left, self.top, self.width, self.height = box["x"], box["y"], box["width"], box["height"]

    def middle(self) -> tuple[float, float]:
        return self.left + self.width / 2, self.top + self.height / 2

    def mouse(self, kind: str, x: float, y: float, **more: Any) -> None:
        self.cdp.send("Input.dispatchMouseEvent", {"type": kind, "x": x, "y": y, **more})

    def notch(self, away: int) -> None:
        """One turn of the wheel by one notch of 120 px.

        A plain wheel event of the protocol waits a whole frame inside the browser after its clock has begun: an empty
        page would have 28 ms. A gesture at this speed is one event, and its clock begins at a frame.
        """
        x, y = self.middle()
        gesture = {"yDistance": -away, "speed": 80_000, "gestureSourceType": "mouse", "preventFling": True}
        self.cdp.send("Input.synthesizeScrollGesture", {"x": x, "y": y, **gesture})

    def timed(self, event: str, deed: Callable[[], None]) -> float:
        """Milliseconds from the moment that the browser took the event in until its frame was painted."""
        self.page.evaluate("type => painted.arm(type)", event)
        deed()
        return float(self.page.evaluate("() => painted.wait()"))

    def moving(self, event: str, deed: Callable[[], None]) -> float:
        """The same of an event that must have moved what is seen."""
        before = self.page.evaluate("() => painted.view()")
        taken = self.timed(event, deed)
        if self.page.evaluate("() => painted.view()") == before:
            raise CannotMeasureError(f"a {event} changed nothing that is seen: its time would say nothing")
        return taken

    def click(self, x: float, y: float) -> float:
        self.mouse("mouseMoved", x, y)
        self.mouse("mousePressed", x, y, button="left", clickCount=1)
        return self.timed("pointerup", lambda: self.mouse("mouseReleased", x, y, button="left", clickCount=1))

    def click_on(self, selector: str) -> float:
        box = self.page.evaluate(
            """selector => {
              const found = document.querySelector(selector);
              if (!found) return null;
              found.scrollIntoView({ block: "nearest" });
              const { x, y, width, height } = found.getBoundingClientRect();
              return { x, y, width, height };
            }""",
            selector,
        )
        if box is None:
            raise CannotMeasureError(f"the page shows no {selector}: {self.page.locator('#selection').inner_text()}")
        return self.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)

    def press(self, key: str) -> None:
        self.page.keyboard.press(key)


def pan(hands: Hands, times: Times, name: str, repeats: int) -> None:
    """The field is dragged to and fro by the middle button, which drags whatever the tool."""
    x, y = hands.middle()
    hands.mouse("mouseMoved", x, y)
    hands.mouse("mousePressed", x, y, button="middle", buttons=4)
    for step in range(repeats):
        x += 23 if step % 16 < 8 else -23
        y += 11 if step % 16 < 8 else -11
        times.note(
            name,
            hands.moving("pointermove", lambda x=x, y=y: hands.mouse("mouseMoved", x, y, button="middle", buttons=4)),  # type: ignore[misc]
        )
    hands.mouse("mouseReleased", x, y, button="middle")
    settle(hands.page)


def zoom(hands: Hands, times: Times, name: str, repeats: int) -> None:
    """Five notches of the wheel in, five out; a pause between them, as a hand makes."""
    for step in range(repeats):
        away = -120 if step % 10 < 5 else 120
        times.note(name, hands.moving("wheel", lambda away=away: hands.notch(away)))  # type: ignore[misc]
        if step % 10 in (4, 9):
            settle(hands.page)


def blank(context: BrowserContext, repeats: int) -> Times:
    """The same pans and zooms of a page that holds one square and moves it: less no page can take in this browser."""
    page = context.new_page()
    page.set_content(EMPTY)
    page.evaluate(SCRIPT.read_text(encoding="utf-8"))  # such a page runs no script of the context
    settle(page)
    times, hands = Times(), Hands(page)
    pan(hands, times, "pan", repeats)
    zoom(hands, times, "zoom", repeats)
    page.close()
    return times


def settle(page: Page) -> None:
    page.wait_for_timeout(350)


def edit(hands: Hands, times: Times | None, repeats: int, classes: Sequence[str]) -> None:
    """Draw, select, relabel and delete in turn, in free places of the window shown at 100 %."""
    for step in range(repeats):
        x = hands.left + 60 + 97 * (step % 9)
        y = hands.top + 60 + 83 * (step // 9 % 7)
        taken = {"draw": drawn(hands, x, y)}
        hands.press("1")
        hands.press("Escape")
        taken["select"] = hands.click(x, y)
        taken["relabel"] = hands.click_on(f"[data-class={classes[step % len(classes)]}]")
        taken["delete"] = hands.click_on(DELETE)
        for name, value in taken.items():
            if times is not None:
                times.note(name, value)


def drawn(hands: Hands, x: float, y: float) -> float:
    """A circle from its middle: small, so that a click on it selects it and not what it was drawn over."""
    hands.press("2")
    hands.press("Escape")
    hands.mouse("mouseMoved", x, y)
    hands.mouse("mousePressed", x, y, button="left", clickCount=1)
    hands.mouse("mouseMoved", x + 5, y, button="left", buttons=1)
    hands.mouse("mouseMoved", x + 9, y, button="left", buttons=1)
    return hands.timed("pointerup", lambda: hands.mouse("mouseReleased", x + 9, y, button="left", clickCount=1))


def look(hands: Hands, repeats: int, classes: Sequence[str]) -> Times:
    """Everything once: at fit, then at 100 %."""
    times = Times()
    hands.press("0")
    settle(hands.page)
    pan(hands, times, "pan_fit", repeats)
    hands.press("0")
    settle(hands.page)
    zoom(hands, times, "zoom_fit", repeats)
    hands.press("9")
    settle(hands.page)
    pan(hands, times, "pan_actual", repeats)
    zoom(hands, times, "zoom_actual", repeats)
    hands.press("9")
    settle(hands.page)
    edit(hands, times, repeats // 2, classes)
    return times


def heap(hands: Hands) -> float:
    """What the page's scripts hold, in 10^6 bytes, after the garbage was collected."""
    hands.cdp.send("HeapProfiler.collectGarbage")
    hands.cdp.send("Performance.enable")
    found = {one["name"]: one["value"] for one in hands.cdp.send("Performance.getMetrics")["metrics"]}
    return round(float(found["JSHeapUsedSize"]) / 1e6, 1)


def figures_of(times: Times, size: int, suffix: str) -> dict[str, float | None]:
    end = f"{suffix}_{size}"
    return {
        f"pan_ms_p95{end}": times.p95("pan_fit", "pan_actual"),
        f"zoom_ms_p95{end}": times.p95("zoom_fit", "zoom_actual"),
        f"draw_ms_p95{end}": times.p95("draw"),
        f"select_ms_p95{end}": times.p95("select"),
        f"relabel_ms_p95{end}": times.p95("relabel"),
        f"delete_ms_p95{end}": times.p95("delete"),
    }


def opened(context: BrowserContext, address: str) -> tuple[Page, float]:
    """The page, and seconds from navigation until its last cell was drawn."""
    page = context.new_page()
    page.goto(address, wait_until="commit")
    page.wait_for_selector("#canvas[data-ready=true]", timeout=60_000)
    deadline = time.monotonic() + 30
    while (seconds := page.evaluate("() => painted.opened")) is None:
        if time.monotonic() > deadline:
            raise CannotMeasureError("the page says that it is ready and paints nothing")
        page.wait_for_timeout(20)
    return page, float(seconds)


def check_painted(hands: Hands, cells: int) -> None:
    """The sheet of cells holds paint from the field's first to its last row: all were drawn, not some."""
    scale = min(hands.width / crowded.WIDTH, hands.height / crowded.HEIGHT)
    share = hands.page.evaluate(
        """high => {
          const sheet = [...document.querySelectorAll(".bench-sheet")].at(-1);
          const { data } = sheet.getContext("2d").getImageData(0, 0, sheet.width, Math.min(sheet.height, high));
          const bands = 20;
          let full = 0;
          for (let band = 0; band < bands; band++) {
            const from = Math.floor((band / bands) * data.length / 4) * 4;
            const to = Math.floor(((band + 1) / bands) * data.length / 4) * 4;
            for (let at = from + 3; at < to; at += 4) if (data[at] > 0) { full++; break; }
          }
          return full / bands;
        }""",
        round(crowded.HEIGHT * scale + 2 * 80),  # the sheet reaches 80 px beyond the field
    )
    if share < 0.85:  # the sheet has a margin above and below the field
        raise CannotMeasureError(f"of {cells} cells only a part was painted")


def measure_one(
    task: Task, context: BrowserContext, address: str, size: int, classes: Sequence[str]
) -> tuple[dict[str, float | None], dict[str, Any]]:
    openings = []
    for _ in range(OPENINGS[task.setting]):
        page, seconds = opened(context, address)
        openings.append(seconds)
        page.close()
    page, seconds = opened(context, address)
    openings.append(seconds)
    hands = Hands(page)
    figures: dict[str, float | None] = {f"open_s_{size}": round(percentile(openings, 50), 2)}
    repeats = REPEATS[task.setting]
    before = look(hands, repeats, classes)
    figures |= figures_of(before, size, "") | {f"heap_mb_{size}": heap(hands)}
    edit(hands, None, EDITS // 3, classes)  # each turn draws, relabels and deletes: three edits
    after = look(hands, repeats, classes)
    figures |= figures_of(after, size, "_after") | {f"heap_mb_after_{size}": heap(hands)}
    hands.press("0")
    settle(page)
    check_painted(hands, size)
    page.close()
    return figures, {"open_s": openings, "before_ms": before.of, "after_ms": after.of}


@contextmanager
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    found = os.environ.get("MARROWLOOP_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        raise CannotMeasureError("no Chromium is found: apt-get install chromium, or name it in MARROWLOOP_CHROMIUM")
    sandbox = [] if os.geteuid() else ["--no-sandbox"]  # Chromium refuses to sandbox what root starts
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=found, args=FLAGS + sandbox)
        yield made
        made.close()


def measure(task: Task) -> frame.Outcome:
    home = task.folder / "home"
    crowded.set_up(home)
    from django.contrib.auth.models import User
    from django.test import Client

    from annotation.actions.projects import create_project

    task.say(f"a field of {crowded.WIDTH} x {crowded.HEIGHT} pixels is drawn")
    person = User.objects.create_superuser("reader")
    project = create_project(name="Crowded", key="crowded")
    picture = crowded.make_picture(task.folder)
    fields = {
        size: crowded.make_field(project, number, picture, person, size) for number, size in enumerate(SIZES, start=1)
    }
    client = Client()
    client.force_login(person)
    session = client.cookies["sessionid"].value
    from django.db import connections

    connections.close_all()
    figures: dict[str, float | int | None] = {}
    details: dict[str, Any] = {"load_before": frame.load()}
    with crowded.served(home) as address, browser() as chromium:
        empty = blank(chromium.new_context(viewport=WINDOW), 2 * REPEATS[task.setting])
        figures |= {"pan_ms_p95_blank": empty.p95("pan"), "zoom_ms_p95_blank": empty.p95("zoom")}
        task.say(f"an empty page: {figures}")
        for size, made in fields.items():
            context = chromium.new_context(viewport=WINDOW)
            context.add_init_script(path=SCRIPT)
            context.add_cookies([{"name": "sessionid", "value": session, "url": address}])
            told, raw = measure_one(
                task, context, f"{address}/projects/crowded/fields/{made.code}/", size, ("seg", "myc", "lym")
            )
            context.close()
            task.say(f"{size} cells: " + ", ".join(f"{key} {value}" for key, value in told.items()))
            figures |= told
            details[str(size)] = raw
    return frame.Outcome(figures, details | {"blank_ms": empty.of, "load_after": frame.load(), "edits": EDITS})


if __name__ == "__main__":
    sys.exit(frame.run("canvas", __doc__, measure))
