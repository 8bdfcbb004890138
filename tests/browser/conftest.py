"""A real Chromium, and the product answering it: what all tests of pages share."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.conf import settings
from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.db import connections
from django.test.testcases import LiveServerThread
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

if TYPE_CHECKING:  # it loads models, and there are no settings yet
    from tests.cast import Cast

NAMES = ("chromium", "chromium-headless-shell", "chromium-browser", "google-chrome", "google-chrome-stable")
MISSING = (
    "The tests of pages need Chromium and found none. On Debian type: apt-get install chromium\n"
    "If it is installed somewhere else, name it: MARROWLOOP_CHROMIUM=/path/to/chromium make test"
)
FLAGS = ["--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


def find_chromium() -> str:
    """By the variable, then on PATH. Fails in plain words where there is none: tests are never skipped in silence."""
    named = os.environ.get("MARROWLOOP_CHROMIUM")
    found = named or next(filter(None, map(shutil.which, NAMES)), None)
    if found is None or not Path(found).exists():
        pytest.fail(MISSING, pytrace=False)
    return found


@pytest.fixture(scope="session")
def chromium(django_db_setup: None) -> Iterator[Browser]:
    """One for all tests. The database is made before it: where Playwright runs, Django refuses to."""
    path = find_chromium()
    if not (settings.BASE_DIR / "static" / "dist" / "workbench.js").exists():
        pytest.fail("The scripts of the pages are not built. Type: make", pytrace=False)
    sandbox = [] if os.geteuid() else ["--no-sandbox"]  # Chromium refuses to sandbox what root starts
    expect.set_options(timeout=15_000)  # a busy machine is slow, not wrong
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS + sandbox)
        yield browser
        browser.close()


@pytest.fixture(autouse=True)
def _django_beside_playwright(monkeypatch: pytest.MonkeyPatch) -> None:
    """Playwright keeps an event loop running, which Django takes for code that must not wait for a database."""
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")


class Site:
    """The running product: its address, and a way to look into its database while it answers nobody."""

    def __init__(self, url: str, cast: Cast, lock: AbstractContextManager[Any]) -> None:
        self.url = url
        self.cast = cast
        self._lock = lock

    def still(self) -> AbstractContextManager[Any]:
        """In-memory SQLite has one connection, for the server and for the test: they take turns."""
        return self._lock


@pytest.fixture
def site(cast: Cast, transactional_db: None) -> Iterator[Site]:
    lock = threading.RLock()

    class OneByOne(StaticFilesHandler):
        def __call__(self, environ: Any, start_response: Any) -> Any:
            with lock:
                return super().__call__(environ, start_response)

    shared = {one.alias: one for one in connections.all() if one.vendor == "sqlite" and one.is_in_memory_db()}  # type: ignore[attr-defined]  # only SQLite has it
    for connection in shared.values():
        connection.inc_thread_sharing()
    thread = LiveServerThread("localhost", OneByOne, connections_override=shared)
    thread.daemon = True
    thread.start()
    thread.is_ready.wait()
    if thread.error:
        raise thread.error
    yield Site(f"http://localhost:{thread.port}", cast, lock)
    thread.terminate()
    # What still answers a page that was closed in the middle of a request ends before the connection is the test's own.
    for answering in threading.enumerate():
        if "process_request_thread" in answering.name:
            answering.join(timeout=5)
    for connection in shared.values():
        connection.dec_thread_sharing()


class Visitor:
    """Opens pages as one of the cast, and remembers what their browser complained of."""

    def __init__(self, browser: Browser, site: Site, stack: ExitStack) -> None:
        self._browser, self._site, self._stack = browser, site, stack
        self.complaints: list[str] = []
        #: What a test provokes on purpose: complaints that hold one of these words are none.
        self.expected: list[str] = []

    def context(self, who: str, **options: Any) -> BrowserContext:
        context = self._browser.new_context(base_url=self._site.url, reduced_motion="reduce", **options)
        self._stack.callback(context.close)
        context.on("console", lambda message: self._hear(message.type, message.text))
        context.on("weberror", lambda error: self._hear("error", str(error.error)))
        context.on("request", self._check_host)
        context.set_default_timeout(10_000)
        if who != "nobody":
            with self._site.still():
                cookie = self._site.cast.client(who).cookies["sessionid"].value
            context.add_cookies([{"name": "sessionid", "value": cookie, "url": self._site.url}])
        return context

    def page(self, who: str, **options: Any) -> Page:
        return self.context(who, **options).new_page()

    def _hear(self, kind: str, text: str) -> None:
        if kind in ("error", "warning") and not any(word in text for word in self.expected):
            self.complaints.append(f"{kind}: {text}")

    def _check_host(self, request: Any) -> None:
        if not request.url.startswith((self._site.url, "data:", "blob:")):
            self.complaints.append(f"a request left the host: {request.url}")


@pytest.fixture
def visitor(chromium: Browser, site: Site) -> Iterator[Visitor]:
    with ExitStack() as stack:
        made = Visitor(chromium, site, stack)
        yield made
    if made.complaints:
        pytest.fail("The browser complained:\n" + "\n".join(made.complaints), pytrace=False)


class Axe:
    """What axe has against a page: its rule, and the first element at fault."""

    def __init__(self) -> None:
        self._source = (settings.BASE_DIR / "static" / "node_modules" / "axe-core" / "axe.min.js").read_text()

    def __call__(self, page: Page, rules: Sequence[str] = ()) -> list[str]:
        """By all of its rules, or by those that are named."""
        page.evaluate(f"() => {{ if (!window.axe) {{ {self._source} }} }}")
        found = page.evaluate("rules => axe.run(rules.length ? { runOnly: rules } : {})", list(rules))
        return [f"{one['id']}: {one['help']} ({one['nodes'][0]['html'][:160]})" for one in found["violations"]]


@pytest.fixture(scope="session")
def axe() -> Axe:
    return Axe()
