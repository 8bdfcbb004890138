"""Power cuts: `python -m benchmarks.kill`. All is killed at random moments, started again, and must lose nothing.

The whole product runs as `make run` starts it, rounds follow one another, and a reader saves labels over HTTP. A first
round is left alone and timed. Then, at moments drawn from a seed, every process gets SIGKILL, the supervisor and Redis
among them, in random order.
"""

from __future__ import annotations

import json
import random
import signal
import statistics
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks import frame
from benchmarks.installation import Installation, NotReachedError
from benchmarks.kill_reader import SIDE, Reader, lost

KILLS = {"small": 20, "full": 200}
KEY = "kill"
EPOCHS, STUDENT_EPOCHS, BUDGET = 5, 3, 2
ROUND = {
    "teacher": "yolo26n",
    "tile": 96,
    "epochs": EPOCHS,
    "student_epochs": STUDENT_EPOCHS,
    "batch": 4,
    "budget": BUDGET,
    "min_cells": 1,
    "device": "cpu",
}
# Work between being up and the next kill, as a share of a round that is left alone.
LEAST, MOST = 0.02, 0.6
# Sooner or later the last round must have ended.
PATIENCE_SECONDS = 900.0
WORKING = "'training', 'ranking', 'distilling', 'predicting'"

SEED = """
import json, django
django.setup()
from django.contrib.auth.models import User
from annotation.actions.readings import open_reading
from annotation.actions.tokens import make_token
from annotation.models import Project, Scope
project, person = Project.objects.get(key="kill"), User.objects.get(username="keeper")
field = project.fields.pool().order_by("pk").first()
_, secret = make_token(actor=person, name="kill", scope=Scope.EVERYTHING, days=30)
reading = open_reading(field=field, actor=person)
cell_class = project.classes.filter(kind="cell").order_by("number").first()
print(json.dumps({"token": secret, "reading": reading.pk, "class": cell_class.number}))
"""


@dataclass
class Cut:
    """One kill: seconds after being up, what was at work, and how long it took to be up again."""

    after: float
    working: str
    processes: int
    up_again: float = 0.0


@dataclass
class Play:
    """Rounds, kills and what came of them."""

    task: frame.Task
    at: Installation
    seeded: dict[str, Any]
    cuts: list[Cut] = field(default_factory=list)
    round_seconds: float = 0.0

    def go(self, kills: int, chance: random.Random) -> None:
        self.at.start()
        self.at.wait()
        began = time.monotonic()
        self.keep_busy()
        self.let_end()
        self.round_seconds = time.monotonic() - began
        self.task.say(f"a round that is left alone takes {self.round_seconds:.0f} s")
        for number in range(1, kills + 1):
            cut = self.cut(chance)
            self.cuts.append(cut)
            self.at.start()
            cut.up_again = self.at.wait()
            self.task.say(
                f"kill {number} of {kills}: {cut.processes} processes, {cut.after:.1f} s after it was up, at "
                f"{cut.working}; up again after {cut.up_again:.1f} s"
            )

    def cut(self, chance: random.Random) -> Cut:
        after = self.round_seconds * chance.uniform(LEAST, MOST)
        until = time.monotonic() + after
        while time.monotonic() < until:
            self.keep_busy()
            time.sleep(min(0.2, max(0.0, until - time.monotonic())))
        working = self.at.value(f"select state from learning_round where state in ({WORKING})") or "no round"  # noqa: S608
        return Cut(round(after, 2), str(working), self.at.kill_all(chance.shuffle))

    def keep_busy(self) -> None:
        """As soon as a round has ended, by whatever end, the next one is asked for."""
        if self.at.value(f"select count(*) from learning_round where state in ({WORKING})"):  # noqa: S608
            return
        try:
            self.at.ask("POST", f"projects/{KEY}/rounds/", self.seeded["token"], ROUND)
        except (NotReachedError, frame.CannotMeasureError) as error:
            # Asked twice, because the first answer did not come: the second is refused, for the round works by then.
            self.task.say(f"the next round was not begun: {error}")

    def let_end(self) -> None:
        until = time.monotonic() + PATIENCE_SECONDS
        busy = f"select count(*) from learning_round where state in ({WORKING})"  # noqa: S608
        while self.at.value(busy) and time.monotonic() < until:
            time.sleep(0.5)


def measure(task: frame.Task) -> frame.Outcome:
    kills, seed = KILLS[task.setting], 7
    at = Installation(task.folder / "home")
    seeded = prepare(task, at)
    play = Play(task, at, seeded)
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))  # whoever stops it leaves nothing running
    reader = Reader(at, seeded["token"], seeded["reading"], seeded["class"], seed)
    try:
        reader.start()
        play.go(kills, random.Random(seed))
        task.say("the last round may end")
        play.let_end()
        reader.done.set()
        reader.join(60)
        at.stop()
        return outcome(play, reader)
    finally:
        reader.done.set()
        at.kill_all()


def prepare(task: frame.Task, at: Installation) -> dict[str, Any]:
    """A project of small generated fields, of which some are labelled, and a reading that is open."""
    task.say("generating fields")
    fields = Path(task.folder) / "fields"
    sizes = ["--width", str(SIDE), "--height", str(SIDE)]
    at.command("create_administrator", "keeper")
    at.command("generate_fields", str(fields), "--count", "48", "--cases", "12", "--seed", "3", *sizes)
    at.command("create_project", KEY, "--key", KEY, "--ontology", "bone_marrow")
    at.command("import_dataset", KEY, str(fields), "--oracle", "0.5", "--seed", "3")
    seeded: dict[str, Any] = json.loads(at.python("-c", SEED))
    return seeded


def outcome(play: Play, reader: Reader) -> frame.Outcome:
    at = play.at
    cells = [
        (str(name), int(version), json.loads(points))
        for name, version, points in at.rows(
            f"select uuid, version, points from annotation_cell where reading_id = {reader.reading}"  # noqa: S608
            " and deleted_at is null"
        )
    ]
    gone = lost(reader, cells)
    twice, missing = steps_twice(at), epochs_missing(at)
    states = dict(at.rows("select state, count(*) from learning_round group by 1"))
    stuck = at.rows("select id, step, state, attempt from learning_run where state in ('queued', 'running')")
    ended = states.get("labelling", 0) + states.get("done", 0)
    again = [cut.up_again for cut in play.cuts]
    figures: dict[str, float | int | None] = {
        "kills": len(play.cuts),
        "labels_saved": reader.acknowledged,
        "labels_lost": len(gone),
        "labels_refused": len(reader.problems),
        "runs_stuck": len(stuck),
        "steps_twice": sum(twice.values()),
        "epochs_missing": missing,
        "rounds_started": sum(states.values()),
        "rounds_ended": ended,
        "processes_left": len(at.processes()),
        "round_alone_s": round(play.round_seconds, 1),
        "up_again_s_p50": round(statistics.median(again), 2) if again else None,
    }
    return frame.Outcome(
        figures,
        {
            "rounds": states,
            "twice": twice,
            "stuck": stuck,
            "lost": gone[:20],
            "refused": reader.problems[:20],
            "unanswered": reader.unanswered,
            "attempts": at.rows("select step, attempt, count(*) from learning_run group by 1, 2 order by 1, 2"),
            "errors": at.rows("select id, step, state, cause, error from learning_run where error <> ''"),
            "kills": [vars(cut) for cut in play.cuts],
        },
    )


# What must be there once, and how to count where it is there again.
ONCE = {
    "a step of a round succeeded": "select count(*) - count(distinct round_id || step) from learning_run"
    " where state = 'succeeded' and round_id is not null",
    "a run was queued again": "select count(*) - count(distinct round_id || step) from learning_run"
    " where round_id is not null",
    "a run ended": "select count(*) - count(distinct run_id) from learning_transition where new = 'succeeded'",
    "a teacher or student was made": "select count(*) - (select count(teacher_id) + count(student_id)"
    " from learning_round) from learning_modelversion where label <> 's0'",
    "a batch was frozen": "select count(*) - (select count(batch_id) from learning_round) from annotation_batch"
    " where number > 0",
    "a prediction was stored": "select count(*) - count(distinct field_id || '.' || model_id || '.' || points)"
    " from annotation_prediction",
    "a model was deployed": "select count(*) - count(distinct model_id) from learning_deployment",
}


def steps_twice(at: Installation) -> dict[str, int]:
    return {what: int(at.value(query) or 0) for what, query in ONCE.items()}


def epochs_missing(at: Installation) -> int:
    """Epochs that a training which succeeded does not tell of, or tells of beyond what was asked."""
    asked = {"train": EPOCHS, "distil": STUDENT_EPOCHS}
    rows = at.rows(
        "select r.id, r.step, count(e.number), coalesce(max(e.number), 0) from learning_run r"
        " left join learning_epoch e on e.run_id = r.id"
        " where r.state = 'succeeded' and r.step in ('train', 'distil') and r.result not like '%\"model\": null%'"
        " group by 1, 2"
    )
    return sum(abs(asked[step] - count) + abs(asked[step] - last) for _, step, count, last in rows)


if __name__ == "__main__":
    sys.exit(frame.run("kill", __doc__.partition("\n")[0], measure))
