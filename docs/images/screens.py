"""Photographs every page of a running Marrowloop: `python docs/images/screens.py FOLDER [--readme]`.

Start the server on a fresh data folder (`make run`) and let the demo's first round end. Every address that can be
reached by links is opened once as the administrator, at 1280 and 1920 px and as a tablet, light and dark. With
`--readme` the two pictures of the README are written beside this file as well, and nothing else. Needs Chromium.
"""

from __future__ import annotations

import argparse
import io
import os
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

HERE = Path(__file__).resolve().parent
FLAGS = ["--disable-gpu", "--no-first-run", "--disable-background-networking"]
SIZES = {"1280": (1280, 800), "1920": (1920, 1080), "tablet": (1024, 768)}
THEMES = ("light", "dark")
# One address for each of these: what differs from the first is the row, not the page.
ROWS = (r"\d+", r"fields/[^/]+", r"models/(?!compare|roll-back)[^/]+", r"help/.+")
LEFT_OUT = re.compile(r"/(download|picture|thumbnail|manifest|source|next)/|\.jpg$")
MOST_BYTES, COLOURS = 290_000, 128


def shape_of(path: str) -> str:
    """The address without what names a row."""
    for row in ROWS:
        path = re.sub(rf"(?<=/)({row})(?=/)", lambda found: found[0].partition("/")[0].rstrip("0123456789") + "*", path)
    return path


def sign_in(page: Page, address: str, name: str, password: str) -> None:
    page.goto(f"{address}/sign-in/")
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{address}/")


def pages(page: Page, address: str) -> Iterator[str]:
    """Each page that links lead to, once; of the rows of a kind the first."""
    waiting, seen = ["/", "/sign-in/help/"], {shape_of("/"), shape_of("/sign-in/help/")}
    while waiting:
        path = waiting.pop(0)
        answer = page.goto(address + path)
        if answer is None or "html" not in answer.headers.get("content-type", ""):
            continue
        yield path
        for link in page.eval_on_selector_all("a[href]", "links => links.map(link => link.href)"):
            found = urlsplit(link)
            if f"{found.scheme}://{found.netloc}" != address or LEFT_OUT.search(found.path):
                continue
            if (shape := shape_of(found.path)) not in seen:
                seen.add(shape)
                waiting.append(found.path + (f"?{found.query}" if found.query else ""))


def settle(page: Page) -> None:
    """Until pictures and canvas are there."""
    page.wait_for_load_state("load")
    if page.locator("#canvas").count():
        page.locator("#canvas[data-ready=true]").wait_for()
    page.wait_for_timeout(300)


def photograph_all(page: Page, address: str, folder: Path) -> int:
    folder.mkdir(parents=True, exist_ok=True)
    paths = list(pages(page, address))
    for path in paths:
        name = re.sub(r"[^a-z0-9]+", "-", path.lower()).strip("-") or "projects"
        for size, (width, height) in SIZES.items():
            page.set_viewport_size({"width": width, "height": height})
            page.emulate_media(color_scheme="light")
            page.goto(address + path)
            for theme in THEMES:
                page.emulate_media(color_scheme="light" if theme == "light" else "dark")
                settle(page)
                page.screenshot(path=folder / f"{name}-{size}-{theme}.png", full_page=True)
    return len(paths)


def save_small(shot: bytes, out: Path) -> None:
    """As wide as the repository can afford."""
    with Image.open(io.BytesIO(shot)) as picture:
        whole = picture.convert("RGB")
    for width in (1280, 1120, 960, 800):
        height = round(whole.height * width / whole.width)
        smaller = whole.resize((width, height), Image.Resampling.LANCZOS)
        # Rare colours, such as those of the classes, are kept.
        few = smaller.quantize(COLOURS, method=Image.Quantize.MAXCOVERAGE, kmeans=1, dither=Image.Dither.NONE)
        few.save(out, optimize=True)
        if out.stat().st_size <= MOST_BYTES:
            break
    print(f"{out.name}: {out.stat().st_size / 1000:.0f} kB")


def photograph_readme(page: Page, address: str) -> None:
    """The field that comes next, and the first round of the demo project."""
    page.set_viewport_size({"width": 1280, "height": 800})
    page.emulate_media(color_scheme="dark")
    page.goto(f"{address}/projects/demo/next/")
    settle(page)
    save_small(page.screenshot(), HERE / "workbench.png")
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": 1280, "height": 1290})
    page.goto(f"{address}/projects/demo/rounds/1/")
    settle(page)
    save_small(page.screenshot(), HERE / "round.png")


def login_of(home: Path) -> tuple[str, str]:
    name, password = (home / "first-login.txt").read_text().split()
    return name, password


def chromium() -> str:
    names = ("chromium", "chromium-headless-shell", "chromium-browser", "google-chrome")
    found = os.environ.get("MARROWLOOP_CHROMIUM") or next(filter(None, map(shutil.which, names)), None)
    if found is None:
        raise SystemExit("No Chromium: apt-get install chromium, or name it in MARROWLOOP_CHROMIUM.")
    return found


def open_page(browser: Browser) -> Page:
    return browser.new_context(reduced_motion="reduce").new_page()


def main() -> int:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("folder", type=Path, nargs="?", help="where the pictures of all pages go")
    asked.add_argument("--readme", action="store_true", help="only the two pictures of the README")
    asked.add_argument("--address", default="http://localhost:8000", help="of the running server")
    asked.add_argument("--home", type=Path, default=HERE.parents[1] / ".marrowloop", help="its data folder")
    given = asked.parse_args()
    if given.folder is None and not given.readme:
        asked.error("name a FOLDER, or say --readme")
    address = given.address.rstrip("/")
    with sync_playwright() as playwright:
        sandbox = [] if os.geteuid() else ["--no-sandbox"]  # Chromium refuses to sandbox what root starts
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS + sandbox)
        page = open_page(browser)
        sign_in(page, address, *login_of(given.home))
        if given.readme:
            photograph_readme(page, address)
        else:
            print(f"{photograph_all(page, address, given.folder)} pages in {given.folder}")
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
