"""The supervisor's children: started again with longer and longer pauses, whatever they are."""

from __future__ import annotations

import os
import shutil
import sys
import time
from pathlib import Path

import pytest

from config.supervisor import broker, children
from config.supervisor.children import Child
from tests.house.product import wait_until


def kept(child: Child) -> None:
    child.look_after()
    time.sleep(0.01)


def test_who_dies_again_and_again_is_started_with_doubled_pauses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(children, "FIRST_PAUSE", 0.05)
    monkeypatch.setattr(children, "LONGEST_PAUSE", 0.15)
    prepared, following = list[int](), list[float]()
    child = Child("short", [sys.executable, "-c", "raise SystemExit(3)"], os.environ, tmp_path, prepare=prepared.append)
    child.start()
    while child.deaths < 4:
        kept(child)
        if len(following) < child.deaths:
            following.append(child._pause)
    child.end(0.0)
    assert following == [0.1, 0.15, 0.15, 0.15], "the pause after the next death"
    assert prepared == [0, 1, 2, 3]
    assert "ended with status 3" in capfd.readouterr().err


def test_redis_comes_back_also_where_its_folder_was_deleted_or_its_data_are_spoiled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(children, "FIRST_PAUSE", 0.05)
    opened = broker.open_broker("", tmp_path, dict(os.environ), lambda: False)
    child = opened.child
    assert child is not None, "no Redis could be started"
    place = broker._socket_of(opened)
    try:
        assert broker._ping(place)
        process = child._process
        assert process is not None
        shutil.rmtree(tmp_path / "redis")
        os.kill(process.pid, 9)
        process.wait()

        def answers() -> bool:
            kept(child)
            return broker._ping(place)

        wait_until(answers, "Redis without its folder", 60)

        # A log that cannot be read any more: after some deaths in a row it is thrown away.
        spoiled = child._process
        assert spoiled is not None
        os.kill(spoiled.pid, 9)
        spoiled.wait()
        (tmp_path / "redis" / "appendonly.aof").write_bytes(b"*3\r\n$3\r\nSET\r\nno log at all")
        wait_until(answers, "Redis without its data", 60)
    finally:
        child.end(1.0)
        broker.forget(opened, tmp_path)
