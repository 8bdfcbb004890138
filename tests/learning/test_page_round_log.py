"""The logs of a round: read in parts, sent whole."""

from __future__ import annotations

import os
import re
import time
from html import unescape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from learning.models import Run
from learning.states import RunState
from learning.views.log import MOST_BYTES, read_log
from tests.learning import rows
from tests.learning.round_pages import ROUNDS, at_work, html, text

if TYPE_CHECKING:
    from tests.cast import Cast

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("home")]


class TestLog:
    def run_with_log(self, cast: Cast, content: bytes, **values: Any) -> Run:
        _, run = at_work(cast.project, **values)
        run.folder.mkdir(parents=True, exist_ok=True)
        run.log.write_bytes(content)
        return run

    def path(self, run: Run, query: str = "") -> str:
        return f"{ROUNDS}1/runs/{run.pk}/log/{query}"

    def test_its_end_is_shown_and_followed(self, cast: Cast) -> None:
        run = self.run_with_log(cast, b"one\ntwo <i>\nhalf a li")
        client = cast.client("lea")
        page = html(client.get(self.path(run)))
        assert "two &lt;i&gt;" in page
        assert "half a li" not in page
        follow = re.search(r'hx-get="([^"]+)"', page)
        assert follow is not None
        more = unescape(follow[1])
        assert client.get(more).status_code == 204
        with run.log.open("ab") as stream:
            stream.write(b"ne\nthree\n")
        answer = client.get(more)
        assert "half a line\nthree" in html(answer)
        assert "every 2s" in html(answer)
        Run.objects.filter(pk=run.pk).update(state=RunState.SUCCEEDED)
        with run.log.open("ab") as stream:
            stream.write(b"no end of line")
        last = html(client.get(unescape(re.search(r'hx-get="([^"]+)"', html(answer))[1])))  # type: ignore[index]
        assert "no end of line" in last
        assert "every 2s" not in last

    @pytest.mark.parametrize("offset", ["0", "5", "99999999", "-4", "x", "1e3", "9" * 30, "", "²"])
    @pytest.mark.parametrize("name", ["offset", "follow"])
    def test_any_offset_is_answered(self, cast: Cast, name: str, offset: str) -> None:
        run = self.run_with_log(cast, b"one\ntwo\n", state=RunState.SUCCEEDED)
        assert cast.client("lea").get(self.path(run, f"?{name}={offset}")).status_code == 200

    def test_of_a_long_log_only_a_piece_is_read(self, cast: Cast) -> None:
        run = self.run_with_log(cast, b"", state=RunState.SUCCEEDED)
        with run.log.open("wb") as stream:
            stream.write(b"the beginning\n")
            stream.truncate(50 * 2**20)
            stream.seek(0, os.SEEK_END)
            stream.write(b"\nthe end\n")
        client = cast.client("lea")
        began = time.monotonic()
        page = client.get(self.path(run))
        assert time.monotonic() - began < 1
        assert "the end" in text(page)
        assert len(page.content) < MOST_BYTES * 2
        assert "the beginning" in text(client.get(self.path(run, "?offset=0")))
        assert "Earlier" in text(page)

    def test_it_downloads_whole(self, cast: Cast) -> None:
        run = self.run_with_log(cast, b"one\x1b[31m\r\n" * 9)
        answer = cast.client("lea").get(self.path(run, "download/"))
        assert b"".join(answer.streaming_content) == b"one\x1b[31m\r\n" * 9  # type: ignore[attr-defined]
        assert "attachment" in answer["Content-Disposition"]
        answer.close()

    def test_the_training_of_each_attempt_has_its_own(self, cast: Cast) -> None:
        run = self.run_with_log(cast, b"the run\n", attempt=2)
        for attempt in (1, 2, 3):
            folder = run.folder / f"attempt{attempt}" / "model"
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "train.log").write_text(f"training {attempt}\n")
        client = cast.client("lea")
        assert "training 2" in text(client.get(self.path(run)))
        assert "training 1" in text(client.get(self.path(run, "?of=1")))
        assert "the run" in text(client.get(self.path(run, "?of=run")))
        for of in ("3", "0", "../../1", "log.txt", "²"):
            assert client.get(self.path(run), {"of": of}).status_code == 404
            assert client.get(self.path(run, "download/"), {"of": of}).status_code == 404

    def test_a_link_out_of_the_folder_is_not_followed(self, cast: Cast, tmp_path: Path) -> None:
        run = self.run_with_log(cast, b"")
        secret = tmp_path / "secret"
        secret.write_text("the secret key\n")
        run.log.unlink()
        run.log.symlink_to(secret)
        client = cast.client("lea")
        assert "the secret key" not in text(client.get(self.path(run)))
        assert client.get(self.path(run, "download/")).status_code == 404

    def test_a_run_without_a_log_says_so(self, cast: Cast) -> None:
        _, run = at_work(cast.project)
        assert "Nothing is written yet" in text(cast.client("lea").get(self.path(run)))

    def test_it_belongs_to_its_round_and_project(self, cast: Cast) -> None:
        self.run_with_log(cast, b"x\n")
        _, other = at_work(rows.project())
        assert cast.client("root").get(self.path(other)).status_code == 404

    def test_who_does_not_run_rounds_does_not_read_them(self, cast: Cast) -> None:
        run = self.run_with_log(cast, b"x\n")
        for who in ("ana", "rui"):
            assert cast.client(who).get(self.path(run)).status_code == 403
            assert cast.client(who).get(self.path(run, "download/")).status_code == 403

    def test_lines_that_were_written_over_show_their_last_words(self, tmp_path: Path) -> None:
        file = tmp_path / "log"
        file.write_bytes("\x1b[32m10 %\r50 %\r100 %\x1b[0m\r\nGr\u00fc\u00dfe\x07\n".encode() + b"\xff\n")
        assert read_log(file).text == "100 %\nGr\u00fc\u00dfe\n\ufffd\n"
