"""What this machine can train on, asked without importing torch."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache


@dataclass(frozen=True, slots=True)
class Gpu:
    """One card as the driver tells it; memory in MiB. `uuid` is the same whoever looks at it, also from a container."""

    index: int
    name: str
    memory: int
    uuid: str = ""


@cache
def gpus() -> tuple[Gpu, ...]:
    """The NVIDIA cards of this machine; none where there is no driver."""
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return ()
    query = [tool, "--query-gpu=index,name,memory.total,uuid", "--format=csv,noheader,nounits"]
    answer = subprocess.run(query, capture_output=True, text=True, timeout=30, check=False)
    if answer.returncode:
        return ()
    rows = [line.split(",") for line in answer.stdout.splitlines() if line.count(",") == 3]
    return tuple(Gpu(int(index), name.strip(), int(memory), uuid.strip()) for index, name, memory, uuid in rows)


def choose_device(wanted: str) -> str:
    """`cpu`, or the index of a card as text. `auto` is the card with the most memory, else the CPU.

    Raises ValueError, naming the cards there are, for one that is not there.
    """
    cards = gpus()
    if wanted == "auto":
        return str(max(cards, key=lambda card: card.memory).index) if cards else "cpu"
    if wanted == "cpu" or wanted in {str(card.index) for card in cards}:
        return wanted
    there = ", ".join(f"{card.index} ({card.name})" for card in cards) or "no GPU"
    raise ValueError(f"there is no device {wanted!r}; this machine has cpu, {there}")


def choose_teacher(device: str, weights: frozenset[str]) -> str:
    """The largest YOLO26 that trains in reasonable time: by the card's memory, or on a CPU the small one where there
    are weights to start from (in `weights`), else the nano one, for which the starter weights are."""
    if device == "cpu":
        return "yolo26s" if "yolo26s" in weights else "yolo26n"
    memory = next(card.memory for card in gpus() if str(card.index) == device)
    for least, size in ((40_000, "x"), (24_000, "l"), (16_000, "m"), (8_000, "s")):
        if memory >= least:
            return f"yolo26{size}"
    return "yolo26n"


def cores() -> int:
    """Cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
