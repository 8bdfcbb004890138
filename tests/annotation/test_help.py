"""The help inside the app is the documentation: every page opens, and every link leads somewhere."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from annotation.views import help  # noqa: A004  # the word people look for


def shown(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200, address
    return answer.content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize("name", help.names())
def test_every_page_opens_and_its_links_lead_somewhere(client: Client, name: str) -> None:
    body = re.search(r'<article class="prose">(.*)</article>', shown(client, f"/help/{name}/"), re.DOTALL)
    assert body is not None
    assert "<h1" in body[1]
    assert "toctree" not in body[1]
    for address in set(re.findall(r'(?:href|src)="(/[^"#]+)"', body[1])) - {"/source/"}:
        assert client.get(address).status_code == 200, address


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["nothing", "../README", "..%2f..%2fetc/passwd", "conf", "how-to/../../README"])
def test_nothing_else_is_shown(client: Client, name: str) -> None:
    assert client.get(f"/help/{name}/").status_code == 404


@pytest.mark.django_db
def test_an_anchor_leads_to_its_heading(client: Client) -> None:
    assert 'id="run_round"' in shown(client, "/help/reference/commands/")
