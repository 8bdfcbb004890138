"""People: sign-in and lock-out, invitations, roles, links that set a password, tokens."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth.models import Permission, User
from django.core.exceptions import PermissionDenied
from django.test import Client
from django.utils import timezone

from annotation.actions import people
from annotation.actions.projects import create_project
from annotation.actions.tokens import make_token
from annotation.models import Event, Invitation, Membership, Role, Scope, Token
from annotation.views import site
from tests.cast import PASSWORD

if TYPE_CHECKING:
    from tests.cast import Cast

pytestmark = pytest.mark.django_db


def text(answer: Any) -> str:
    return str(answer.content.decode())


class TestSignIn:
    def test_a_person_signs_in_and_out(self, cast: Cast) -> None:
        client = Client()
        answer = client.post("/sign-in/", {"username": "ana", "password": PASSWORD})
        assert (answer.status_code, answer["Location"]) == (302, "/")
        assert client.get("/account/").status_code == 200
        client.post("/sign-out/")
        assert client.get("/account/").status_code == 302

    def test_after_five_wrong_passwords_the_name_waits_and_others_do_not(self, cast: Cast) -> None:
        client = Client()
        for _ in range(5):
            answer = client.post("/sign-in/", {"username": "ana", "password": "wrong"})
        assert answer.status_code == 429
        assert "Wait 15 minutes" in text(answer)
        assert client.post("/sign-in/", {"username": "ana", "password": PASSWORD}).status_code == 429
        assert client.post("/sign-in/", {"username": "rui", "password": PASSWORD}).status_code == 302

    def test_nobody_is_sent_to_another_host_after_the_sign_in(self, cast: Cast) -> None:
        answer = Client().post("/sign-in/?next=https://evil.example/", {"username": "ana", "password": PASSWORD})
        assert answer["Location"] == "/"

    def test_every_page_has_the_notice_and_the_source(self, db: None) -> None:
        page = text(Client().get("/sign-in/"))
        assert "For research use only" in page
        assert 'href="/source/"' in page

    def test_the_source_holds_the_code_and_no_data(self, db: None) -> None:
        import io
        import zipfile

        answer = Client().get("/source/")
        names = zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content))).namelist()  # type: ignore[attr-defined]
        assert {"marrowloop/LICENSE", "marrowloop/annotation/access.py"} <= set(names)
        assert not [name for name in names if "node_modules" in name or "/.git/" in name or "secret_key" in name]

    def test_what_lies_beside_the_source_is_not_handed_out(self, tmp_path: Path) -> None:
        for name in (
            "LICENSE",
            "passwords.txt",
            "marrowloop.sqlite3",
            "docker/.env",
            "docker/compose.yaml",
            "docs/x.env",
        ):
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_text("x")
        (tmp_path / "docs" / "link.md").symlink_to(tmp_path / "passwords.txt")
        found = {path.relative_to(tmp_path).as_posix() for path in site.source_files(tmp_path)}
        assert found == {"LICENSE", "docker/compose.yaml"}


class TestInvitations:
    def test_an_invited_person_makes_an_account_and_is_a_member(self, cast: Cast) -> None:
        answer = cast.client("ada").post("/projects/study/people/", {"role": "reviewer", "note": "Dr. B."})
        link = next(part for part in text(answer).split('"') if "/invitations/" in part and part.startswith("http"))
        path = link.removeprefix("http://testserver")
        given = {"name": "Bea Brandt", "username": "bea", "password": PASSWORD, "again": PASSWORD}
        client = Client()
        assert client.post(path, given).status_code == 302
        member = Membership.objects.get(user__username="bea")
        assert (member.role, member.user.get_full_name()) == (Role.REVIEWER, "Bea Brandt")
        again = Client().post(path, given | {"username": "bob"})
        assert again.status_code == 422
        assert "used already" in text(again)
        assert not User.objects.filter(username="bob").exists()

    def test_only_a_hash_of_the_secret_is_kept(self, cast: Cast) -> None:
        invitation, secret = people.invite_person(project=cast.project, role=Role.ANNOTATOR, actor=cast.ada)
        assert secret not in str(invitation.__dict__)

    def test_a_signed_in_outsider_joins_as_who_they_are(self, cast: Cast) -> None:
        _, secret = people.invite_person(project=cast.project, role=Role.ANNOTATOR, actor=cast.ada)
        assert cast.client("otto").post(f"/invitations/{secret}/").status_code == 302
        assert Membership.objects.get(user=cast.otto).role == Role.ANNOTATOR

    def test_a_member_does_not_use_an_invitation_up(self, cast: Cast) -> None:
        _, secret = people.invite_person(project=cast.project, role=Role.ADMINISTRATOR, actor=cast.ada)
        with pytest.raises(people.PeopleError, match="already"):
            people.accept_invitation(secret=secret, actor=cast.ana)
        assert Membership.objects.get(user=cast.ana).role == Role.ANNOTATOR
        people.accept_invitation(secret=secret, actor=cast.otto)

    def test_an_invitation_ends_by_date_and_by_hand(self, cast: Cast) -> None:
        invitation, secret = people.invite_person(project=cast.project, role=Role.ANNOTATOR, actor=cast.ada)
        Invitation.objects.update(ends_at=timezone.now() - timedelta(seconds=1))
        with pytest.raises(people.PeopleError, match="ended"):
            people.accept_invitation(secret=secret, actor=cast.otto)
        invitation, secret = people.invite_person(project=cast.project, role=Role.ANNOTATOR, actor=cast.ada)
        assert people.withdraw_invitation(invitation=invitation, actor=cast.ada)
        assert not people.withdraw_invitation(invitation=invitation, actor=cast.ada)
        with pytest.raises(people.PeopleError, match="ended"):
            people.accept_invitation(secret=secret, actor=cast.otto)

    def test_a_name_in_other_letters_is_taken_and_what_was_typed_stays(self, cast: Cast) -> None:
        _, secret = people.invite_person(project=cast.project, role=Role.ANNOTATOR, actor=cast.ada)
        given = {"name": "Another Ana", "username": "ANA", "password": PASSWORD, "again": PASSWORD}
        answer = Client().post(f"/invitations/{secret}/", given)
        assert answer.status_code == 422
        assert "is taken" in text(answer)
        assert "Another Ana" in text(answer)

    @pytest.mark.parametrize("who", ["ana", "rui", "lea"])
    def test_only_administrators_invite(self, cast: Cast, who: str) -> None:
        assert cast.client(who).get("/projects/study/people/").status_code == 403
        with pytest.raises(PermissionDenied):
            people.invite_person(project=cast.project, role=Role.ADMINISTRATOR, actor=getattr(cast, who))


class TestRoles:
    def test_a_role_is_changed_and_recorded(self, cast: Cast) -> None:
        member = Membership.objects.get(user=cast.ana)
        cast.client("ada").post(f"/projects/study/people/{member.pk}/role/", {"role": "reviewer"})
        member.refresh_from_db()
        assert member.role == Role.REVIEWER
        event = Event.objects.get(verb="role changed")
        assert (event.actor, event.before, event.after) == (
            cast.ada,
            {"role": "annotator"},
            {"user": cast.ana.pk, "role": "reviewer"},
        )

    def test_the_last_administrator_stays(self, cast: Cast) -> None:
        member = Membership.objects.get(user=cast.ada)
        with pytest.raises(people.PeopleError, match="needs an administrator"):
            people.change_role(membership=member, role=Role.ANNOTATOR, actor=cast.ada)
        with pytest.raises(people.PeopleError, match="needs an administrator"):
            people.remove_person(membership=member, actor=cast.ada)

    def test_who_is_removed_sees_nothing_any_more(self, cast: Cast) -> None:
        member = Membership.objects.get(user=cast.ana)
        browser = cast.client("ana")
        assert cast.client("ada").post(f"/projects/study/people/{member.pk}/remove/").status_code == 302
        assert browser.get("/projects/study/people/").status_code == 404

    def test_a_member_of_another_project_is_not_reached_by_its_number(self, cast: Cast) -> None:
        other = create_project(name="Other")
        member = Membership.objects.create(project=other, user=cast.otto, role=Role.ANNOTATOR)
        for verb in ("role", "remove", "password"):
            assert cast.client("ada").post(f"/projects/study/people/{member.pk}/{verb}/").status_code == 404


class TestPasswordLinks:
    def test_the_link_sets_a_password_once(self, cast: Cast) -> None:
        who, secret = people.password_link_words(user=cast.ana, actor=cast.ada)
        path = f"/set-password/{who}/{secret}/"
        new = {"password": "another long one 7", "again": "another long one 7"}
        assert Client().post(path, new).status_code == 302
        cast.ana.refresh_from_db()
        assert cast.ana.check_password("another long one 7")
        assert Client().post(path, new).status_code == 422

    @pytest.mark.parametrize("again", ["something else 1", ""])
    def test_two_that_differ_are_refused_at_the_field(self, cast: Cast, again: str) -> None:
        who, secret = people.password_link_words(user=cast.ana, actor=cast.ada)
        answer = Client().post(f"/set-password/{who}/{secret}/", {"password": "another long one 7", "again": again})
        assert answer.status_code == 422
        cast.ana.refresh_from_db()
        assert cast.ana.check_password(PASSWORD)

    def test_it_is_no_way_into_other_projects(self, cast: Cast) -> None:
        other = create_project(name="Other")
        Membership.objects.create(project=other, user=cast.rui, role=Role.ADMINISTRATOR)
        cast.lea.user_permissions.add(Permission.objects.get(codename="add_project"))
        for user in (cast.rui, cast.otto, cast.root, User.objects.get(pk=cast.lea.pk)):
            with pytest.raises(PermissionDenied):
                people.password_link_words(user=user, actor=cast.ada)
        assert people.password_link_words(user=cast.rui, actor=cast.root)

    @pytest.mark.parametrize("who", ["x", "MQ", "!!", "OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5"])
    def test_a_made_up_link_is_refused_in_words(self, db: None, who: str) -> None:
        assert Client().get(f"/set-password/{who}/abc-def/").status_code == 422


class TestTokens:
    def test_a_token_is_shown_once_and_withdrawn(self, cast: Cast) -> None:
        browser = cast.client("ana")
        answer = browser.post("/account/tokens/", {"name": "script", "scope": "read", "days": "30"})
        token = Token.objects.get()
        shown = next(part for part in text(answer).split('"') if part.startswith(token.start) and len(part) > 30)
        assert shown not in text(browser.get("/account/tokens/"))
        assert cast.client("rui").post(f"/account/tokens/{token.pk}/withdraw/").status_code == 404
        browser.post(f"/account/tokens/{token.pk}/withdraw/")
        token.refresh_from_db()
        assert token.withdrawn_at is not None

    @pytest.mark.parametrize(
        "bad",
        [{"days": "0"}, {"days": "x"}, {"days": str(10**30)}, {"scope": "root"}, {"name": ""}, {"name": "x" * 81}],
    )
    def test_bad_input_is_told_at_the_field(self, cast: Cast, bad: dict[str, str]) -> None:
        given = {"name": "script", "scope": "read", "days": "30"} | bad
        assert cast.client("ana").post("/account/tokens/", given).status_code == 422
        assert not Token.objects.exists()

    def test_the_secret_is_not_kept(self, cast: Cast) -> None:
        token, secret = make_token(actor=cast.ana, name="x", scope=Scope.READ, days=1)
        assert secret not in str(token.__dict__)
