"""The cast of all tests: Ana annotates, Rui reviews, Lea is the engineer, Ada administers, Otto is an outsider."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.auth.models import User
from django.test import Client

from annotation.actions.projects import create_project
from annotation.models import Membership, Project, Role

PASSWORD = "correct horse battery"


@dataclass(frozen=True, slots=True)
class Cast:
    """One project and its people; `otto` belongs to nobody's, `root` administers the installation."""

    project: Project
    ana: User
    rui: User
    lea: User
    ada: User
    otto: User
    root: User

    def client(self, who: str) -> Client:
        """A browser in which `who` is signed in; "nobody": in which nobody is."""
        client = Client()
        if who != "nobody":
            client.force_login(getattr(self, who))
        return client


def make_cast(key: str = "study") -> Cast:
    project = create_project(name=key.title(), key=key)
    people = {name: User.objects.create_user(name, password=PASSWORD) for name in ("ana", "rui", "lea", "ada", "otto")}
    roles = {"ana": Role.ANNOTATOR, "rui": Role.REVIEWER, "lea": Role.ENGINEER, "ada": Role.ADMINISTRATOR}
    for name, role in roles.items():
        Membership.objects.create(project=project, user=people[name], role=role)
    root = User.objects.create_superuser("root", password=PASSWORD)
    return Cast(project=project, root=root, **people)
