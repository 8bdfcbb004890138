"""Files that more than one machine must see, on a real S3 server: whole or not there, fetched once, found by both."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from annotation import store
from annotation.store import StoreError
from config.env import store_from
from tests.bucket import Bucket
from tests.house.processes import ROOT
from tests.machines import Machines, machines, server

__all__ = ["machines", "server"]


def written(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_a_file_is_found_by_the_other_machine(machines: Machines, server: Bucket) -> None:
    content = b"a picture"
    name = f"images/ab/{hashlib.sha256(content).hexdigest()}.png"
    store.share(written(machines.on("web") / name, content))
    assert server.names() == [f"study/{name}"]
    other = machines.on("worker")
    assert store.size(other / name) == len(content)
    assert store.fetch(other / name).read_bytes() == content
    server.raw.objects.delete()
    assert store.fetch(other / name).read_bytes() == content, "what is here is not asked for again"
    assert not store.fetch(other / "images" / "none.png").exists()
    assert list((other / "images").iterdir()) == [other / "images" / "ab"], "nothing half is left behind"


def test_what_is_not_what_its_name_says_is_not_taken(machines: Machines, server: Bucket) -> None:
    name = f"images/ab/{'a' * 64}.png"
    server.raw.put_object(Key=f"study/{name}", Body=b"something else")
    place = machines.on("worker") / name
    with pytest.raises(StoreError, match="not what its name says"):
        store.fetch(place)
    assert list(place.parent.iterdir()) == []


def test_a_log_that_grows_elsewhere_is_fetched_again_and_a_longer_one_here_stays(machines: Machines) -> None:
    name = "runs/1/log.txt"
    store.share(written(machines.on("worker") / name, b"one\n"))
    web = machines.on("web") / name
    assert store.fetch_larger(web).read_bytes() == b"one\n"
    store.share(written(machines.on("worker") / name, b"one\ntwo\n"))
    machines.on("web")
    assert store.fetch_larger(web).read_bytes() == b"one\ntwo\n"
    web.write_bytes(b"one\ntwo\nthree\n")
    assert store.fetch_larger(web).read_bytes() == b"one\ntwo\nthree\n"


def test_a_folder_goes_over_without_what_is_unfinished_and_is_forgotten_whole(
    machines: Machines, server: Bucket
) -> None:
    model = machines.on("worker") / "models" / "study" / "t1-abc"
    for name in ("weights.pt", "found/about.json", "run/results.csv", "half.part", ".hidden"):
        written(model / name, name.encode())
    beside = written(machines.on("worker") / "models" / "study" / "t1-abcdef" / "card.json", b"{}")
    store.share_folder(model)
    store.share(beside)
    there = store.fetch_folder(machines.on("web") / "models" / "study" / "t1-abc")
    found = sorted(path.relative_to(there).as_posix() for path in there.rglob("*") if path.is_file())
    assert found == ["found/about.json", "run/results.csv", "weights.pt"]
    store.forget(there)
    assert server.names() == ["study/models/study/t1-abcdef/card.json"], "a name that begins alike is another's"


def test_a_killed_upload_leaves_nothing_to_be_seen(machines: Machines, server: Bucket) -> None:
    """Killed for real, between two parts of a file that is sent in several."""
    path = written(machines.on("worker") / "models" / "large.pt", os.urandom(20_000_000))
    code = (
        "import os, signal, sys, django; django.setup()\n"
        "from pathlib import Path\nfrom annotation import store\n"
        "parts = []\n"
        "def send(**_):\n"
        "    parts.append(1)\n"
        "    if len(parts) == 2: os.kill(os.getpid(), signal.SIGKILL)\n"
        "store._bucket().meta.client.meta.events.register('before-send.s3.UploadPart', send)\n"
        "store.share(Path(sys.argv[1]))\n"
    )
    env = os.environ | {"MARROWLOOP_HOME": str(machines.settings.HOME), "MARROWLOOP_STORE": server.url}
    env |= {"DJANGO_SETTINGS_MODULE": "config.settings"}
    done = subprocess.run([sys.executable, "-c", code, str(path)], cwd=ROOT, env=env, check=False, timeout=60)
    assert done.returncode == -signal.SIGKILL
    assert server.names() == []
    other = machines.on("web")
    assert not store.fetch(other / "models" / "large.pt").exists()
    machines.on("worker")
    store.share(path)
    machines.on("web")
    assert store.fetch(other / "models" / "large.pt").stat().st_size == 20_000_000


def test_a_store_that_is_away_says_so(machines: Machines, settings: Any) -> None:
    settings.STORE = store_from("s3://marrow/study?endpoint=http://127.0.0.1:9")
    for deed in (lambda: store.check(), lambda: store.fetch(settings.HOME / "images" / "x.png")):
        with pytest.raises(StoreError, match="did not answer"):
            deed()
    settings.STORE = {}
    store.check()
    assert not store.fetch(settings.HOME / "images" / "x.png").exists(), "without a store nobody is asked"


@pytest.mark.parametrize("url", ["http://bucket", "s3://", "s3://key:secret@bucket", "/mnt/share"])
def test_an_address_that_is_no_store_is_refused(url: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="MARROWLOOP_STORE"):
        store_from(url)


def test_an_address_is_read() -> None:
    known: dict[str, Any] = store_from("s3://marrow/a/b/?endpoint=http://minio:9000")
    assert known == {"bucket_name": "marrow", "location": "a/b", "endpoint_url": "http://minio:9000"}
    assert store_from("") == {}


def test_work_in_the_background_waits_for_a_store_that_is_away(
    machines: Machines, server: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page gives up at once; a run does not end because a line was cut for a moment."""
    known = machines.settings.STORE
    name = "runs/1/log.txt"
    path = written(machines.on("worker") / name, b"line\n")
    machines.settings.STORE = known | {"endpoint_url": "http://127.0.0.1:9"}
    pauses: list[float] = []

    def back(seconds: float) -> None:
        if seconds == store.PAUSE:  # the client sleeps between tries of its own, too
            pauses.append(seconds)
            machines.settings.STORE = known

    monkeypatch.setattr("annotation.store.time.sleep", back)
    with store.patience(60):
        store.share(path)
    assert pauses == [store.PAUSE]
    assert server.names() == [f"study/{name}"]
    machines.settings.STORE = known | {"bucket_name": "another"}
    with store.patience(60), pytest.raises(StoreError, match=r"AccessDenied|NoSuchBucket"):
        store.share(path)
    assert len(pauses) == 1, "what is refused is not asked for again"
