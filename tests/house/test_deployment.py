"""What is brought for several machines is valid: Compose file, image, units, proxies."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import check_jsonschema
import pytest
import yaml
from jsonschema import Draft202012Validator, validators

from annotation.actions.workers import show_sign
from annotation.models import Worker
from config import healthcheck
from config.part import PARTS, commands
from tests.house.clean_root import CleanRoot, can_have_one, instructions, listed
from tests.house.processes import ROOT
from tests.house.product import wait_until
from tests.house.server import free_port
from tests.house.test_setup import INSTALLERS

DOCKER = ROOT / "docker"
SCHEMA = Path(check_jsonschema.__file__).parent / "builtin_schemas" / "vendor" / "compose-spec.json"
# Variables of what is beside the product.
OF_OTHERS = {"POSTGRES_PASSWORD", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "MARROWLOOP_NAME", "MARROWLOOP_PUBLISH"}


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((DOCKER / "compose.yml").read_text())
    return found


def faults(document: dict[str, Any]) -> list[str]:
    schema = json.loads(SCHEMA.read_text())
    checker = validators.validator_for(schema, default=Draft202012Validator)(schema)
    return [f"{'/'.join(map(str, error.path))}: {error.message}" for error in checker.iter_errors(document)]


def test_the_compose_file_is_what_the_specification_asks_for(compose: dict[str, Any]) -> None:
    assert faults(compose) == []
    broken = compose | {"services": {"web": compose["services"]["web"] | {"port": ["8000:8000"]}}}
    assert faults(broken) != [], "the schema is not looked at"


def test_its_services_hang_together(compose: dict[str, Any]) -> None:
    services = compose["services"]
    assert {"web", "light", "train", "train-gpu", "postgres", "redis", "setup"} <= set(services)
    for name, service in services.items():
        assert set(service.get("depends_on", {})) <= set(services), name
        for volume in service.get("volumes", []):
            source = volume.partition(":")[0]
            assert source in compose["volumes"] or (DOCKER / source).exists(), f"{name}: {source}"
        command = service.get("command", [])
        if "config.part" in command:
            assert command[-1] in PARTS
            assert service["read_only"], "all that is written lies in the volume"
            assert service["cap_drop"] == ["ALL"]
        test = service.get("healthcheck", {}).get("test", [])
        if "config.healthcheck" in test:
            assert test[-1] in healthcheck.CHECKS
    (device,) = services["train-gpu"]["deploy"]["resources"]["reservations"]["devices"]
    assert device["capabilities"] == ["gpu"]


def test_its_variables_are_documented() -> None:
    asked = set(re.findall(r"\$\{(\w+)", (DOCKER / "compose.yml").read_text()))
    page = (ROOT / "docs" / "reference" / "settings.md").read_text()
    assert sorted(name for name in asked - OF_OTHERS if f"`{name}`" not in page) == []
    example = (DOCKER / "env.example").read_text()
    must = set(re.findall(r"\$\{(\w+):\?", (DOCKER / "compose.yml").read_text()))
    assert must == {"POSTGRES_PASSWORD", "MARROWLOOP_SECRET_KEY"}
    assert all(f"\n{name}=\n" in example for name in must), "no secret stands in the example"


def test_the_image_is_built_from_the_steps_of_make_and_runs_as_nobody_in_particular() -> None:
    steps = list(instructions(DOCKER / "Dockerfile"))
    runs = [rest for word, rest in steps if word == "RUN"]
    assert any(run.startswith("make setup") for run in runs)
    assert not any("pip" in run or "npm" in run for run in runs), "what is installed stands in the locks alone"
    users = [rest for word, rest in steps if word == "USER"]
    assert users[-1].isdigit()
    assert int(users[-1]) > 0
    copied = {name for word, rest in steps if word == "COPY" for name in rest.split()[:-1]}
    assert all((ROOT / name).exists() for name in copied)
    assert {"annotation", "config", "learning", "models_zoo", "templates", "docs", "static"} <= copied


@pytest.fixture
def root() -> Iterator[CleanRoot]:
    if why := can_have_one():
        pytest.skip(f"no clean root: {why}")
    uv = Path(sys.executable).with_name("uv")
    cache = Path(subprocess.run([uv, "cache", "dir"], capture_output=True, text=True, check=True).stdout.strip())
    env = {name: value for name, value in os.environ.items() if name.startswith(INSTALLERS)}
    # Packages are taken from the cache by links, because it lies on another mount inside.
    env |= {"UV_CACHE_DIR": "/cache", "UV_LINK_MODE": "symlink", "PIP_NO_CACHE_DIR": "1", "HOME": "/root"}
    env |= {"PATH": f"{sys.base_prefix}/bin:/usr/sbin:/usr/bin", "LANG": "C.UTF-8"}
    folder = Path(tempfile.mkdtemp(prefix="marrowloop-root-"))
    try:
        folder.chmod(0o755)
        yield CleanRoot(folder, [(cache, Path("/cache"), True)], env)
    finally:
        # Tens of thousands of links: faster than by Python, and mounts are gone with their processes.
        subprocess.run(["rm", "-rf", "--one-file-system", str(folder)], check=True)


@pytest.mark.setup
def test_the_steps_of_the_image_work_in_a_clean_root(root: CleanRoot) -> None:
    """Set-up, then the pages: as the user of the image, in a data folder that only it may enter."""
    told = root.follow(DOCKER / "Dockerfile")
    assert root.run("id", "-u").strip() == "10001"
    assert root.run("stat", "-c", "%u %a", "/data").split() == ["10001", "700"]
    port = free_port()
    root.env |= {"MARROWLOOP_PORT": str(port), "MARROWLOOP_BIND": "127.0.0.1"}
    root.run("python", "-m", "config.part", "setup")
    web = subprocess.Popen(root.command(*listed(told["CMD"])), env=root.env, start_new_session=True)
    try:
        health = listed(told["HEALTHCHECK"])

        def well() -> bool:
            assert web.poll() is None
            done = subprocess.run(root.command(*health), env=root.env, capture_output=True, check=False, timeout=60)
            return done.returncode == 0

        wait_until(well, "the pages of the image", 60)
        page = urllib.request.urlopen(f"http://127.0.0.1:{port}/sign-in/", timeout=20).read().decode()
        style = re.search(r'href="(/static/[^"]+\.css)"', page)
        assert style is not None
        assert urllib.request.urlopen(f"http://127.0.0.1:{port}{style[1]}", timeout=20).status == 200
        assert sum_of(port, "marrowloop_requests_total") >= 2
    finally:
        web.terminate()
        web.wait(20)
    assert subprocess.run(root.command(*health), env=root.env, capture_output=True, check=False).returncode == 1
    written = [path for path in (root.folder / "opt").rglob("*") if path.is_file() and path.stat().st_uid == 10001]
    assert written == [], "the program changes nothing of itself"


def sum_of(port: int, figure: str) -> float:
    """Over all web processes, each of which counts for itself."""
    text = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=20).read().decode()
    return sum(float(line.rpartition(" ")[2]) for line in text.splitlines() if line.startswith(f"{figure}{{"))


def test_each_part_is_a_command() -> None:
    for part in PARTS:
        *_, last = commands(part, "redis://there")
        assert Path(last[0]).exists()
    (train,) = commands("train", "redis://there")
    assert train[train.index("--queues") + 1] == "train"
    assert "--disable-prefetch" in train
    done = subprocess.run([sys.executable, "-m", "config.part", "all"], cwd=ROOT, capture_output=True, check=False)
    assert done.returncode == 2
    assert importlib.util.find_spec("config.gunicorn") is not None


@pytest.mark.django_db
def test_a_worker_is_well_while_it_gives_signs() -> None:
    assert "has given a sign" in healthcheck.worker()
    show_sign(["train"])
    assert healthcheck.worker() == ""
    Worker.objects.update(name="another-host:1:1")
    assert "has given a sign" in healthcheck.worker()


def test_the_units_are_valid(tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("systemd-analyze is absent")
    units = sorted((DOCKER / "systemd").glob("*.service"))
    assert [unit.stem for unit in units] == ["marrowloop-light", "marrowloop-train", "marrowloop-web"]
    for unit in units:
        text = unit.read_text()
        part = unit.stem.partition("-")[2]
        assert f"ExecStart=/opt/marrowloop/.venv/bin/python -m config.part {part}\n" in text
        (tmp_path / unit.name).write_text(text.replace("/opt/marrowloop/.venv/bin/python", "/bin/true"))
    copies = [str(path) for path in sorted(tmp_path.glob("*.service"))]
    done = subprocess.run([analyze, "verify", *copies], capture_output=True, text=True, check=False, timeout=60)
    said = [line for line in done.stderr.splitlines() if str(tmp_path) in line or "marrowloop" in line]
    assert (done.returncode, said) == (0, [])


def test_the_proxy_of_nginx_is_valid(tmp_path: Path) -> None:
    nginx, openssl = shutil.which("nginx"), shutil.which("openssl")
    if nginx is None or openssl is None:
        pytest.skip("nginx or openssl is absent")
    names = ["-keyout", str(tmp_path / "privkey.pem"), "-out", str(tmp_path / "fullchain.pem"), "-subj", "/CN=marrow"]
    make = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", *names]
    subprocess.run(make, capture_output=True, check=True, timeout=60)
    ours = (DOCKER / "nginx.conf").read_text().replace("/etc/ssl/marrow.example.org", str(tmp_path))
    whole = f"pid {tmp_path}/pid; error_log stderr; events {{}}\nhttp {{ access_log off;\n{ours}\n}}\n"
    (tmp_path / "nginx.conf").write_text(whole)
    done = subprocess.run(
        [nginx, "-t", "-c", str(tmp_path / "nginx.conf")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_both_proxies_say_who_came_and_hide_the_metrics() -> None:
    for name in ("nginx.conf", "Caddyfile"):
        text = (DOCKER / name).read_text()
        assert all(word in text for word in ("X-Forwarded-For", "X-Forwarded-Proto", "X-Request-ID", "/metrics", "404"))
        assert "proxy_add_x_forwarded_for" not in text, "what a browser says of itself would be passed on"
