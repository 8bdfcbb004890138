"""Notices: told once, read by each alone, carried out by mail and webhook to whoever still belongs to the project."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import socket
import ssl
import threading
import time
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone

from annotation.access import visible_receipts
from annotation.actions import deliveries
from annotation.actions.deliveries import claim, take_delivery
from annotation.actions.notices import change_mail, notify, read_notices, remove_webhook, set_webhook
from annotation.actions.people import remove_person
from annotation.errors import Refused
from annotation.models import Delivery, DeliveryState, Membership, Notice, NoticeKind, Receipt, Webhook
from annotation.webhooks import WebhookError, post
from config.env import Email
from tests.annotation.receivers import certificate, hook, mailbox

if TYPE_CHECKING:
    from pytest_django import Settings

    from tests.cast import Cast

pytestmark = pytest.mark.django_db


def tell(cast: Cast, event: str = "round 1 failed 1") -> Notice | None:
    return notify(
        project=cast.project, kind=NoticeKind.ROUND_FAILED, event=event, text="Round 1 failed.", path="/projects/study/"
    )


def unread(cast: Cast, who: str) -> int:
    return visible_receipts(getattr(cast, who)).filter(read_at=None).count()


def page(cast: Cast, who: str, path: str = "/notices/") -> str:
    return str(cast.client(who).get(path).content.decode())


def send_all() -> None:
    while take_delivery():
        pass


def make_due() -> None:
    Delivery.objects.filter(state=DeliveryState.QUEUED).update(due_at=timezone.now())


def drip(server: socket.socket) -> None:
    """Answers one caller, each letter in less time than a socket's patience, and all of them in far more."""
    line, _ = server.accept()
    with line, contextlib.suppress(OSError):
        for _ in range(80):
            line.sendall(b"H")
            time.sleep(0.1)


class TestInTheApp:
    def test_an_event_is_told_once_to_each_of_the_people(self, cast: Cast) -> None:
        assert tell(cast) is not None
        assert tell(cast) is None
        assert {row.user.username for row in Receipt.objects.select_related("user")} == {"ana", "rui", "lea", "ada"}

    def test_it_is_undone_with_what_happened(self, cast: Cast) -> None:
        with transaction.atomic():
            tell(cast)
            transaction.set_rollback(True)
        assert not Notice.objects.exists()

    def test_the_bell_counts_what_is_unread_by_one_query(self, cast: Cast, django_assert_num_queries: Any) -> None:
        tell(cast)
        tell(cast, "another")
        assert '<span class="bell-count">2</span>' in page(cast, "ana", "/account/")
        assert "bell-count" not in page(cast, "otto", "/account/")
        with django_assert_num_queries(1):
            assert unread(cast, "ana") == 2

    def test_one_person_reads_one_and_then_all_and_nobody_elses(self, cast: Cast) -> None:
        first = tell(cast)
        tell(cast, "another")
        tell(cast, "a third")
        assert first is not None
        client = cast.client("ana")
        assert client.post(f"/notices/{first.pk}/read/")["Location"] == "/notices/"
        assert unread(cast, "ana") == 2
        client.post("/notices/read/")
        assert (unread(cast, "ana"), unread(cast, "rui")) == (0, 3)
        assert cast.client("otto").post(f"/notices/{first.pk}/read/").status_code == 404

    def test_the_page_lists_the_newest_first_and_leads_there(self, cast: Cast) -> None:
        tell(cast)
        notify(project=cast.project, kind=NoticeKind.BATCH_READY, event="b", text="The batch is ready.", path="/x/")
        shown = page(cast, "ana")
        assert shown.index("The batch is ready.") < shown.index("Round 1 failed.")
        assert 'href="/projects/study/"' in shown

    def test_who_left_sees_none_of_it_any_more(self, cast: Cast) -> None:
        tell(cast)
        remove_person(membership=Membership.objects.get(user=cast.ana), actor=cast.ada)
        assert unread(cast, "ana") == 0
        assert "Round 1 failed." not in page(cast, "ana")

    def test_the_api_lists_and_reads(self, cast: Cast) -> None:
        first = tell(cast)
        tell(cast, "another")
        assert first is not None
        client = cast.client("ana")
        body = {"notices": [first.pk]}
        answer = client.post("/api/notices/read/", body, content_type="application/json").json()
        assert answer == {"read": 1, "unread": 1}
        assert [row["id"] for row in client.get("/api/notices/?unread=true").json()["results"]] != [first.pk]
        assert client.get("/api/notices/").json()["count"] == 2
        assert client.post("/api/notices/read/", {}, content_type="application/json").json()["unread"] == 0

    def test_reading_again_changes_nothing(self, cast: Cast) -> None:
        tell(cast)
        assert (read_notices(actor=cast.ana), read_notices(actor=cast.ana)) == (1, 0)


class TestByWebhook:
    @pytest.fixture(autouse=True)
    def inside(self, settings: Settings) -> None:
        settings.WEBHOOKS_INSIDE = True
        settings.ADDRESS = "https://marrow.example"

    def test_it_arrives_once_and_its_signature_is_right(self, cast: Cast) -> None:
        with hook() as kept:
            secret = set_webhook(project=cast.project, url=kept.url, actor=cast.ada).secret
            tell(cast)
            send_all()
            send_all()
        [(headers, body)] = kept.calls
        signed = headers["x-marrowloop-timestamp"].encode() + b"." + body
        wanted = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
        assert headers["x-marrowloop-signature"] == f"sha256={wanted}"
        assert (headers["path"], headers["host"]) == ("/hook?room=7", f"127.0.0.1:{kept.port}")
        told = json.loads(body)
        assert told["id"] == headers["x-marrowloop-delivery"] == str(Delivery.objects.get().uuid)
        assert (told["kind"], told["project"]) == ("round_failed", "study")
        assert told["url"] == "https://marrow.example/projects/study/"
        assert Delivery.objects.get().state == DeliveryState.SENT

    def test_a_receiver_that_fails_twice_and_then_works_has_it_once(self, cast: Cast) -> None:
        with hook(500, 503) as kept:
            set_webhook(project=cast.project, url=kept.url, actor=cast.ada)
            tell(cast)
            for wanted in (timedelta(minutes=1), timedelta(minutes=5)):
                send_all()
                row = Delivery.objects.get()
                assert row.state == DeliveryState.QUEUED
                assert abs(row.due_at - timezone.now() - wanted) < timedelta(seconds=30)
                assert not take_delivery()  # not before its time
                make_due()
            send_all()
            make_due()
            send_all()
        assert len(kept.calls) == 3
        assert len({headers["x-marrowloop-delivery"] for headers, _ in kept.calls}) == 1
        assert (Delivery.objects.get().state, Delivery.objects.get().error) == (DeliveryState.SENT, "")

    def test_after_the_fifth_try_it_is_given_up_and_the_page_says_why(self, cast: Cast) -> None:
        with hook(*[418] * 9) as kept:
            set_webhook(project=cast.project, url=kept.url, actor=cast.ada)
            tell(cast)
            for _ in range(7):
                send_all()
                make_due()
        assert len(kept.calls) == 5
        assert Delivery.objects.get().state == DeliveryState.FAILED
        shown = page(cast, "ada", "/projects/study/settings/webhook/")
        assert "given up after 5 tries" in shown
        assert "The receiver answered 418." in shown

    def test_a_redirect_is_not_followed(self, cast: Cast) -> None:
        with hook(302) as kept:
            with pytest.raises(WebhookError, match="answered 302"):
                post(kept.url, b"{}", {}, inside=True)
            assert len(kept.calls) == 1

    def test_of_two_workers_one_claims_it(self, cast: Cast) -> None:
        set_webhook(project=cast.project, url="http://127.0.0.1:9/", actor=cast.ada)
        tell(cast)
        mine, theirs = Delivery.objects.get(), Delivery.objects.get()
        assert claim(mine)
        assert not claim(theirs)

    def test_what_a_dead_worker_was_sending_is_not_sent_again(self, cast: Cast) -> None:
        with hook() as kept:
            set_webhook(project=cast.project, url=kept.url, actor=cast.ada)
            tell(cast)
            claim(Delivery.objects.get())
            Delivery.objects.update(due_at=timezone.now() - timedelta(seconds=1))
            send_all()
        assert not kept.calls
        assert "may have arrived or not" in Delivery.objects.get().error

    def test_one_that_was_removed_gets_nothing(self, cast: Cast) -> None:
        with hook() as kept:
            set_webhook(project=cast.project, url=kept.url, actor=cast.ada)
            tell(cast)
            assert remove_webhook(project=cast.project, actor=cast.ada)
            send_all()
        assert not kept.calls
        assert Delivery.objects.get().state == DeliveryState.FAILED

    def test_the_button_sends_a_test_and_says_what_became_of_it(self, cast: Cast) -> None:
        client = cast.client("ada")
        with hook(204, 500) as kept:
            client.post("/projects/study/settings/webhook/", {"url": kept.url})
            test = "/projects/study/settings/webhook/test/"
            assert "The test arrived." in client.post(test, follow=True).content.decode()
            assert "The receiver answered 500." in client.post(test, follow=True).content.decode()
        assert [json.loads(body)["kind"] for _, body in kept.calls] == ["test", "test"]

    def test_the_secret_stays_until_a_new_one_is_asked_for(self, cast: Cast) -> None:
        first = set_webhook(project=cast.project, url="https://a.example/", actor=cast.ada).secret
        assert set_webhook(project=cast.project, url="https://b.example/", actor=cast.ada).secret == first
        assert set_webhook(project=cast.project, url="https://b.example/", new_key=True, actor=cast.ada).secret != first


class TestWhereAWebhookMayLead:
    @pytest.mark.parametrize(
        "url",
        [
            "http://127.0.0.1/", "http://10.1.2.3/", "http://169.254.169.254/latest/", "http://[::1]/", "http://0.0.0.0/",
            "http://[::ffff:10.0.0.1]/", "http://[64:ff9b::a00:1]/", "http://100.64.0.1/", "http://[fe80::1]/",
            "http://224.0.0.1/", "ftp://example.org/", "https://user:word@example.org/", "https://", "https://a.example:99999/",
        ],
    )  # fmt: skip
    def test_it_is_refused_when_it_is_set(self, cast: Cast, url: str) -> None:
        with pytest.raises(Refused):
            set_webhook(project=cast.project, url=url, actor=cast.ada)
        assert not Webhook.objects.exists()

    @pytest.mark.parametrize("found", [["127.0.0.1"], ["8.8.8.8", "192.168.1.1"], ["::1"], ["fe80::1%eth0"]])
    def test_a_name_that_leads_inside_is_refused_when_it_is_called(
        self, monkeypatch: pytest.MonkeyPatch, found: list[str]
    ) -> None:
        entries = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (place, 80)) for place in found]
        monkeypatch.setattr("annotation.webhooks.socket.getaddrinfo", lambda *_args, **_more: entries)
        with pytest.raises(WebhookError, match="private network"):
            post("http://hook.example/", b"{}", {}, inside=False)

    def test_a_real_name_of_this_machine_is_looked_up_and_refused(self) -> None:
        with hook() as kept, pytest.raises(WebhookError):
            post(f"http://localhost:{kept.port}/", b"{}", {}, inside=False)
        assert not kept.calls

    def test_the_call_goes_to_the_address_that_was_looked_up(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with hook() as kept:
            entry = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", kept.port))
            monkeypatch.setattr("annotation.webhooks.socket.getaddrinfo", lambda *_args, **_more: [entry])
            post(f"http://hook.example:{kept.port}/", b"{}", {}, inside=True)
        assert kept.calls[0][0]["host"] == f"hook.example:{kept.port}"

    def test_a_receiver_that_says_nothing_is_given_up(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("annotation.webhooks.PATIENCE", 0.3)
        with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(WebhookError, match="did not answer"):
            post(f"http://127.0.0.1:{silent.getsockname()[1]}/", b"{}", {}, inside=True)

    def test_over_tls_the_certificate_must_be_the_names(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        file = certificate(tmp_path)
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(file)
        with hook(tls=tls) as kept:
            entry = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", kept.port))
            monkeypatch.setattr("annotation.webhooks.socket.getaddrinfo", lambda *_args, **_more: [entry])
            with pytest.raises(WebhookError, match="certificate"):
                post(f"https://localhost:{kept.port}/", b"{}", {}, inside=True)
            monkeypatch.setenv("SSL_CERT_FILE", str(file))
            with pytest.raises(WebhookError, match="certificate"):
                post(f"https://other.example:{kept.port}/", b"{}", {}, inside=True)
            assert not kept.calls
            post(f"https://localhost:{kept.port}/", b"{}", {}, inside=True)
        assert len(kept.calls) == 1

    def test_a_receiver_that_answers_letter_by_letter_is_given_up(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("annotation.webhooks.PATIENCE", 0.5)
        with socket.create_server(("127.0.0.1", 0)) as slow:
            thread = threading.Thread(target=drip, args=(slow,), daemon=True)
            thread.start()
            began = time.monotonic()
            with pytest.raises(WebhookError, match="did not answer"):
                post(f"http://127.0.0.1:{slow.getsockname()[1]}/", b"{}", {}, inside=True)
            assert time.monotonic() - began < 5.0
            thread.join(10)

    def test_only_administrators_set_remove_and_try_one(self, cast: Cast) -> None:
        with pytest.raises(PermissionDenied):
            set_webhook(project=cast.project, url="https://a.example/", actor=cast.lea)
        with pytest.raises(PermissionDenied):
            remove_webhook(project=cast.project, actor=cast.lea)
        with pytest.raises(PermissionDenied):
            deliveries.try_webhook(project=cast.project, actor=cast.lea)


class TestByMail:
    @pytest.fixture(autouse=True)
    def addresses(self, cast: Cast) -> None:
        for person in (cast.ana, cast.rui):
            person.email = f"{person.username}@lab.example"
            person.save(update_fields=["email"])

    def test_each_with_an_address_gets_one(self, cast: Cast, settings: Settings) -> None:
        settings.ADDRESS = "https://marrow.example"
        with mailbox() as kept:
            settings.EMAIL = Email("127.0.0.1", kept.port, "", "", "none")
            tell(cast)
            send_all()
            send_all()
        assert sorted(to for to, _ in kept.mails) == ["ana@lab.example", "rui@lab.example"]
        text = kept.mails[0][1]
        assert "Subject: Study: round failed" in text
        assert "https://marrow.example/projects/study/" in text

    def test_who_left_meanwhile_or_wants_none_gets_nothing(self, cast: Cast, settings: Settings) -> None:
        with mailbox() as kept:
            settings.EMAIL = Email("127.0.0.1", kept.port, "", "", "none")
            tell(cast)
            remove_person(membership=Membership.objects.get(user=cast.ana), actor=cast.ada)
            change_mail(actor=cast.rui, projects=[])
            send_all()
        assert not kept.mails
        assert set(Delivery.objects.values_list("state", flat=True)) == {DeliveryState.FAILED}

    def test_a_server_that_refuses_at_first_gets_it_once(self, cast: Cast, settings: Settings) -> None:
        change_mail(actor=cast.rui, projects=[])
        with mailbox(refused=2) as kept:
            settings.EMAIL = Email("127.0.0.1", kept.port, "", "", "none")
            tell(cast)
            for _ in range(4):
                send_all()
                make_due()
        assert [to for to, _ in kept.mails] == ["ana@lab.example"]
        assert Delivery.objects.get().attempt == 3

    def test_without_a_mail_server_nothing_waits(self, cast: Cast) -> None:
        tell(cast)
        assert not Delivery.objects.exists()

    def test_each_chooses_on_the_account_page(self, cast: Cast) -> None:
        client = cast.client("ana")
        assert "Notices by mail" in client.get("/account/").content.decode()
        client.post("/account/mail/", {})
        assert not Membership.objects.get(user=cast.ana).mail
        client.post("/account/mail/", {"project": [str(cast.project.pk)]})
        assert Membership.objects.get(user=cast.ana).mail
        assert Membership.objects.get(user=cast.rui).mail
