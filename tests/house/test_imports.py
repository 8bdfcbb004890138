"""Who may import whom, and what a light process must never load."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.house.processes import ROOT, ask

HEAVY = ["torch", "torchvision", "ultralytics", "timm", "onnxruntime", "onnx", "cv2", "matplotlib", "polars"]

WEB = """
import importlib, json, pkgutil, sys
import django
django.setup()
import config.celery, config.urls, config.wsgi
from django.core.management import get_commands, load_command_class
for room in ("annotation", "learning"):
    for module in pkgutil.walk_packages(importlib.import_module(room).__path__, room + "."):
        importlib.import_module(module.name)
for name, app in get_commands().items():
    load_command_class(app, name)
from django.urls import get_resolver
get_resolver().url_patterns
print(json.dumps(sorted(sys.modules)))
"""

ZOO = """
import importlib, json, pkgutil, sys
import models_zoo
for module in pkgutil.iter_modules(models_zoo.__path__, "models_zoo."):
    if module.name in ("models_zoo.runtime", "models_zoo.__main__"):
        continue
    loaded = importlib.import_module(module.name)
print(json.dumps(sorted(sys.modules)))
"""


def test_import_contracts_hold() -> None:
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout


def test_the_web_process_stays_light(tmp_path: Path) -> None:
    """Every module of both apps, every command, the URLs and the WSGI application, in one fresh process."""
    loaded = ask(WEB, tmp_path)
    assert "django" in loaded
    assert "learning.models" in loaded
    assert [name for name in HEAVY if name in loaded] == []


def test_the_front_of_the_zoo_is_torch_free(tmp_path: Path) -> None:
    loaded = ask(ZOO, tmp_path)
    assert "models_zoo.records" in loaded
    assert [name for name in [*HEAVY, "django"] if name in loaded] == []


def test_the_runtime_is_torch_free(tmp_path: Path) -> None:
    loaded = ask("import json, sys, models_zoo.runtime; print(json.dumps(sorted(sys.modules)))", tmp_path)
    assert [name for name in ("torch", "torchvision", "ultralytics", "django") if name in loaded] == []
