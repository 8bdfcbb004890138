"""Words for what the loop stores as values: states, durations, settings, verdicts. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from learning.settings import RoundSettings, to_row
from learning.states import Cause, RoundState, RunState, Step

STEP_TITLES = {
    Step.TRAIN: "Train the teacher",
    Step.RANK: "Rank the pool",
    Step.DISTIL: "Distil the student",
    Step.PREDICT: "Predict on the batch",
}
STATE_TONES: Mapping[str, str] = {
    RoundState.LABELLING: "good",
    RoundState.DONE: "quiet",
    RoundState.FAILED: "bad",
    RoundState.CANCELLED: "warn",
    RunState.QUEUED: "quiet",
    RunState.SUCCEEDED: "good",
}
SETTING_WORDS = {
    "teacher": "Teacher",
    "student": "Student",
    "tile": "Tile, in working pixels",
    "epochs": "Teacher's epochs",
    "student_epochs": "Student's epochs",
    "batch": "Tiles in one training step",
    "budget": "Fields asked for",
    "strategy": "Strategy",
    "seed": "Seed",
    "device": "Device",
    "artefacts": "Smudges and artefacts",
    "anms": "Nucleus inside a cell",
    "min_cells": "Cells a class needs",
    "pseudo": "Pool fields for the student, for each labelled one",
    "patience": "Patience",
}
# A setting of 0 that leaves the choice to the machine.
CHOSEN = {"epochs": "as suits the data", "batch": "8 or 16", "student_epochs": "as the teacher's", "patience": "never"}
LOSS_WORDS = {
    "box_loss": "Place and size (box loss)",
    "cls_loss": "Class (cls loss)",
    "dfl_loss": "Edges (dfl loss)",
    "l1_loss": "Edges (l1 loss)",
    "dis_loss": "Likeness to the teacher (dis loss)",
}
MINUTE, HOUR, DAY = 60, 3600, 24 * 3600


def tone(state: str) -> str:
    """The colour that helps the word of a state; what works has one of its own."""
    return STATE_TONES.get(state, "working")


def duration(seconds: float) -> str:
    """For example "45 s", "12 min", "2 h 5 min", "3 d 4 h"."""
    whole = max(0, round(seconds))
    for unit, name, smaller, small_name in UNITS:
        if whole >= unit:
            big, rest = divmod(whole, unit)
            small = f" {rest // smaller} {small_name}" if rest >= smaller and big < EXACT[name] else ""
            return f"{big} {name}{small}"
    return f"{whole} s"


UNITS = ((DAY, "d", HOUR, "h"), (HOUR, "h", MINUTE, "min"), (MINUTE, "min", 1, "s"))
# From so many on the smaller unit says nothing that matters.
EXACT = {"d": 30, "h": 24, "min": 10}


def strategy_words(name: str) -> str:
    return name.replace("_", " and ")


def loss_words(name: str) -> str:
    return LOSS_WORDS.get(name, name.replace("_", " "))


def many(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}".replace(",", "\N{NARROW NO-BREAK SPACE}")


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting of a round; `before` is what it was in the round before, where that differed."""

    name: str
    words: str
    value: str
    before: str = ""


def settings_in_words(settings: RoundSettings, before: RoundSettings | None = None) -> list[Setting]:
    now, then = to_row(settings), to_row(before) if before else {}
    return [
        Setting(name, words, _value(name, now[name]), _value(name, then[name]) if _differs(name, now, then) else "")
        for name, words in SETTING_WORDS.items()
    ]


def _differs(name: str, now: Mapping[str, Any], then: Mapping[str, Any]) -> bool:
    return name in then and then[name] != now[name]


def _value(name: str, value: Any) -> str:
    if value == 0 and name in CHOSEN:
        return f"0: {CHOSEN[name]}"
    if name == "strategy":
        return strategy_words(str(value))
    if name == "artefacts":
        return {"own": "classes of their own", "cell": "cells"}.get(value, "background")
    return f"{value:g}" if isinstance(value, float) else str(value)


def gate_in_words(gate: Mapping[str, Any]) -> str:
    """Why a candidate passed its gate or did not, for people who have not met the gate before."""
    evidence = gate.get("evidence") or {}
    difference, incumbent = evidence.get("difference"), evidence.get("incumbent")
    if gate and evidence.get("fields") and evidence.get("found") == 0:
        return f"It found not one cell on {many(evidence['fields'], 'tuning field')}."
    if difference and incumbent and "AP50" in str(gate.get("reason", "")):
        return _compared(difference, str(incumbent), int(evidence.get("cases", 0)))
    reason = str(gate.get("reason", ""))
    if TOO_FEW in reason:
        _, _, few = reason.partition("; ")
        return f"It finds something; more could not be told: {few.rstrip('.')}."
    return sentence(reason.removeprefix("refused: ").removeprefix("passed: "))


# What the gate says where it could not compare, as learning.gate puts it.
TOO_FEW = "are too few to compare"


def _compared(difference: Mapping[str, Any], incumbent: str, cases: int) -> str:
    by, low, high = difference["ap50"], difference.get("low"), difference.get("high")
    how = f"{'higher' if by >= 0 else 'lower'} by {abs(by):.3f} than that of {incumbent}"
    interval = "" if low is None or high is None else f" (95 % interval of the difference: {low:+.3f} to {high:+.3f})"
    return f"Its AP50 on {many(cases, 'tuning case')} is {how}{interval}."


def sentence(text: str) -> str:
    """With a capital and a full stop."""
    text = text.strip()
    if not text:
        return ""
    return text[0].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")


# What an engineer can do about a failure, by a word in its message; the first that fits.
ADVICE = (
    (("out of memory", "memoryerror", "cannot allocate", "worker died"), "memory"),
    (("no device", "cuda"), "device"),
    (("time limit",), "time"),
    (("no space left", "enospc"), "disk"),
    (("did you mean", "there is no model"), "model"),
)
ADVICE_WORDS = {
    "memory": "It may have run out of memory: start a new round with a smaller tile, smaller batch or smaller teacher, "
    "or try again when nothing else runs on the machine.",
    "device": "The device it asked for cannot be used: start a new round with device “auto”.",
    "time": "It took longer than this installation allows: start a new round with fewer epochs or a smaller teacher, "
    "or ask your administrator for a longer limit.",
    "disk": "The disk is full: make room, then try again.",
    "model": "Start a new round with a model that is there.",
}
TRY_AGAIN = "Try again goes on from the last checkpoint. If it fails at the same place, its log says more."


# What is known by its cause need not be guessed from words.
CAUSES = {
    Cause.DISK_FULL: "disk",
    Cause.OUT_OF_MEMORY: "memory",
    Cause.TIME_LIMIT: "time",
    Cause.WORKER_DIED: "memory",
}


def advice(error: str, cause: str = "") -> str:
    if cause in CAUSES:
        return ADVICE_WORDS[CAUSES[Cause(cause)]]
    low = error.lower()
    for words, name in ADVICE:
        if any(word in low for word in words):
            return ADVICE_WORDS[name]
    return TRY_AGAIN
