"""A project's people and the invitations to it."""

from __future__ import annotations

from typing import Any

from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers as s
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.access import Permission
from annotation.actions import people as actions
from annotation.api.answers import name_of
from annotation.api.base import View
from annotation.api.pages import listed
from annotation.models import Invitation, Membership, Role


class MemberAnswer(s.ModelSerializer[Membership]):
    username = s.CharField(source="user.username")
    name = s.SerializerMethodField()
    active = s.BooleanField(source="user.is_active")

    class Meta:
        model = Membership
        fields = ["id", "username", "name", "role", "active", "created_at"]
        read_only_fields = fields

    def get_name(self, row: Membership) -> str:
        return name_of(row.user) or ""


class InvitationAnswer(s.ModelSerializer[Invitation]):
    author = s.SerializerMethodField()

    class Meta:
        model = Invitation
        fields = ["id", "role", "note", "author", "created_at", "ends_at"]
        read_only_fields = fields

    def get_author(self, row: Invitation) -> str | None:
        return name_of(row.author)


class NewInvitationAnswer(InvitationAnswer):
    link = s.SerializerMethodField(help_text="works once, for seven days; it is told only here")

    class Meta(InvitationAnswer.Meta):
        fields = [*InvitationAnswer.Meta.fields, "link"]
        read_only_fields = fields

    def get_link(self, row: Invitation) -> str:
        address: str = self.context["request"].build_absolute_uri(reverse("invitation", args=[self.context["secret"]]))
        return address


class RoleBody(s.Serializer[Any]):
    role = s.ChoiceField(Role.choices)


class InviteBody(RoleBody):
    note = s.CharField(max_length=200, required=False, allow_blank=True, help_text="for whom it is")


class PeopleFilter(s.Serializer[Any]):
    role = s.ChoiceField(Role.choices, required=False)


class People(View):
    @listed("list_people", MemberAnswer, PeopleFilter)
    def get(self, request: Request, key: str) -> Response:
        """Who works in the project, and as what."""
        project = self.project(Permission.ADMINISTER)
        rows = project.memberships.filter(**self.asked(PeopleFilter)).select_related("user")
        return self.paged(rows.order_by("user__username"), MemberAnswer)


class Person(View):
    def member(self) -> Membership:
        rows = Membership.objects.select_related("user", "project")
        return get_object_or_404(rows, project=self.project(Permission.ADMINISTER), pk=self.kwargs["pk"])

    @extend_schema(operation_id="change_role", request=RoleBody, responses={200: MemberAnswer})
    def patch(self, request: Request, key: str, pk: int) -> Response:
        """Give a person another role."""
        member = self.member()
        role = Role(self.said(RoleBody)["role"])
        return Response(MemberAnswer(actions.change_role(membership=member, role=role, actor=self.actor)).data)

    @extend_schema(operation_id="remove_person", responses={204: None})
    def delete(self, request: Request, key: str, pk: int) -> Response:
        """Who is removed sees nothing of the project any more; what that person labelled stays."""
        actions.remove_person(membership=self.member(), actor=self.actor)
        return Response(status=204)


class Invitations(View):
    @listed("list_invitations", InvitationAnswer)
    def get(self, request: Request, key: str) -> Response:
        """Invitations that can still be accepted."""
        project = self.project(Permission.ADMINISTER)
        waiting = project.invitations.filter(accepted_at=None, withdrawn_at=None, ends_at__gt=timezone.now())
        return self.paged(waiting.select_related("author").order_by("pk"), InvitationAnswer)

    @extend_schema(operation_id="invite_person", request=InviteBody, responses={201: NewInvitationAnswer})
    def post(self, request: Request, key: str) -> Response:
        """Invite somebody: the link that is answered gives its first user the role."""
        project = self.project(Permission.ADMINISTER)
        said = self.said(InviteBody)
        made, secret = actions.invite_person(
            project=project, role=Role(said["role"]), note=said.get("note", ""), actor=self.actor
        )
        told = NewInvitationAnswer(made, context={"request": request, "secret": secret}).data
        return Response(told, status=201, headers={"Cache-Control": "no-store"})


class OneInvitation(View):
    @extend_schema(operation_id="withdraw_invitation", responses={204: None})
    def delete(self, request: Request, key: str, pk: int) -> Response:
        """End an invitation. One that was used or withdrawn already stays as it is."""
        project = self.project(Permission.ADMINISTER)
        actions.withdraw_invitation(invitation=get_object_or_404(Invitation, project=project, pk=pk), actor=self.actor)
        return Response(status=204)
