"""The schema of the API is complete, and what is committed is what the code says."""

from __future__ import annotations

import io
import json
import re
from typing import Any

import pytest
import yaml
from django.core.management import call_command
from django.test import Client
from django.urls import get_resolver

from tests.house.processes import ROOT
from tests.house.test_access import addresses

FILE = ROOT / "docs" / "reference" / "openapi.yml"


def written() -> str:
    """What `make schema` would write. Fails on any warning."""
    stream = io.StringIO()
    call_command("spectacular", "--validate", "--fail-on-warn", stdout=stream)
    return stream.getvalue()


def test_the_committed_schema_is_the_one_of_the_code() -> None:
    if FILE.read_text(encoding="utf-8").strip() != written().strip():
        pytest.fail("docs/reference/openapi.yml is out of date: type `make schema` and commit it")


def test_every_address_of_the_api_is_in_it() -> None:
    schema: Any = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    routes = {address.route for address in addresses(get_resolver()) if address.is_api} - {"api/docs/", "api/schema/"}
    written_so = {"/" + re.sub(r"<\w+:(\w+)>", r"{\1}", route).replace("{pk}", "{id}") for route in routes}
    assert set(schema["paths"]) == written_so
    operations = [operation["operationId"] for path in schema["paths"].values() for operation in path.values()]
    assert len(operations) == len(set(operations))
    assert all(operation.islower() for operation in operations)


def test_every_operation_says_what_it_does_and_what_may_go_wrong() -> None:
    schema: Any = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            assert operation.get("description"), f"{method} {path} says nothing"
            assert {"400", "401", "403", "404", "429"} <= set(operation["responses"]), f"{method} {path}"


def test_nothing_of_it_tells_a_file_name() -> None:
    text = FILE.read_text(encoding="utf-8")
    assert "original_name" not in text
    assert "secret_sha256" not in text


@pytest.mark.django_db
def test_the_page_that_shows_it_loads_only_what_is_ours() -> None:
    client = Client()
    page = client.get("/api/docs/")
    text = page.content.decode()
    assert page.status_code == 200
    assert "http://" not in text
    assert "https://" not in text
    assert "<style" not in text
    assert "style=" not in text
    script = client.get("/api/docs/?script=")
    assert script.headers["Content-Type"].startswith("application/javascript")
    shown = client.get("/api/schema/", headers={"Accept": "application/json"})
    assert json.loads(shown.content)["info"]["title"] == "Marrowloop"
