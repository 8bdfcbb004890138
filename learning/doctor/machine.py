"""The machine: weights to start from, and a card that torch cannot use. Without loading torch."""

from __future__ import annotations

import shutil
import subprocess
from importlib import metadata

from django.conf import settings

from learning.doctor.finding import Finding


def check_weights(_thorough: bool) -> list[Finding]:
    folder = settings.WEIGHTS_DIR
    if folder.exists() or folder == settings.HOME / "weights":
        return []
    what = f"{folder}, which MARROWLOOP_WEIGHTS names, is not there."
    return [Finding("weights", "warning", what, f"type: mkdir -p {folder}, or unset MARROWLOOP_WEIGHTS")]


def check_card(_thorough: bool) -> list[Finding]:
    """A driver that is too old for the CUDA that torch was built for. What the driver can, its own tool says."""
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return []
    try:
        said = subprocess.run([tool], capture_output=True, text=True, check=False, timeout=20)
    except (OSError, subprocess.TimeoutExpired) as error:
        return [
            Finding(
                "card", "warning", f"nvidia-smi does not answer: {error}", "look at the driver: dmesg | grep -i nvrm"
            )
        ]
    if said.returncode:
        reason = (said.stdout + said.stderr).strip().splitlines()
        what = f"There is an NVIDIA driver, but it sees no card: {reason[0] if reason else 'no reason given'}"
        return [Finding("card", "warning", what, "restart the machine, or install the driver anew")]
    return driver_findings(said.stdout, _cuda_of_torch())


def driver_findings(said: str, wanted: int | None) -> list[Finding]:
    """`said` by nvidia-smi, whose head names the newest CUDA that the driver can; `wanted`: that of torch."""
    _, mark, rest = said.partition("CUDA Version:")
    number = rest.strip().split(".")[0].split(" ")[0]
    if not mark or not number.isdigit() or wanted is None or int(number) >= wanted:
        return []
    what = f"The driver can CUDA {number}, and torch was built for CUDA {wanted}: trainings use the CPU."
    return [Finding("card", "bad", what, f"install an NVIDIA driver for CUDA {wanted}")]


def _cuda_of_torch() -> int | None:
    """By the packages that torch needs, such as nvidia-cudnn-cu13, or its own version as 2.15.0+cu132."""
    try:
        torch = metadata.distribution("torch")
    except metadata.PackageNotFoundError:
        return None
    words = " ".join([torch.version, *(torch.requires or [])])
    parts = words.replace("+", "-").replace(" ", "-").split("-")
    numbers = [part[2:4] for part in parts if part.startswith("cu") and part[2:4].isdigit()]
    return int(numbers[0]) if numbers else None
