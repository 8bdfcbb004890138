"""How people get in, and what is theirs alone: invitations, tokens, keys. Of a secret only its hash is kept."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from annotation.models.project import Project, Role


class Invitation(models.Model):
    """A link that gives whoever opens it first a role in a project, until it ends or is withdrawn."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="invitations")
    role = models.CharField(max_length=13, choices=Role)
    note = models.CharField(max_length=200, blank=True, help_text="for whom it is, as its author remembers them")
    secret_sha256 = models.CharField(max_length=64, unique=True)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    ends_at = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    accepted_at = models.DateTimeField(null=True, blank=True)
    accepted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    def __str__(self) -> str:
        return f"{self.role} of {self.project_id}"


class Scope(models.TextChoices):
    """What a token may do of what its owner may: read; also label; everything."""

    READ = "read"
    LABEL = "label"
    EVERYTHING = "everything"


class Token(models.Model):
    """A person's key for a program. It never may more than its owner, and ends at its date."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="tokens")
    name = models.CharField(max_length=80)
    secret_sha256 = models.CharField(max_length=64, unique=True)
    start = models.CharField(max_length=8, help_text="the first letters, to tell tokens apart")
    scope = models.CharField(max_length=10, choices=Scope, default=Scope.READ)
    created_at = models.DateTimeField(auto_now_add=True)
    ends_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.name} of {self.user_id}"


class KeyBindings(models.Model):
    """The keys of the workbench that a person has changed: by a command's name, the keys it has instead of its own."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="key_bindings")
    bindings = models.JSONField(default=dict, blank=True)
    changed_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"keys of {self.user_id}"
