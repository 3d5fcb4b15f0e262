"""People, what they may do everywhere, and the record of what they did."""

from __future__ import annotations

import zoneinfo
from datetime import datetime, timedelta
from functools import cache
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractUser, UserManager
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.functions import Lower, Now
from django.utils.crypto import salted_hmac

from apps.accounts.saved import SavedView
from apps.accounts.status import TokenState

__all__ = ["ApiToken", "AuditEntry", "Density", "Role", "SavedView", "SignInAttempt", "Theme", "User"]


class Role(models.TextChoices):
    """What a person may do in the whole portal; a team membership may add to it for that team's things."""

    VIEWER = "viewer", "Viewer"
    ENGINEER = "engineer", "Engineer"
    APPROVER = "approver", "Approver"
    COMMANDER = "commander", "Incident commander"
    ADMIN = "admin", "Administrator"


class Theme(models.TextChoices):
    SYSTEM = "system", "Like the system"
    LIGHT = "light", "Light"
    DARK = "dark", "Dark"


class Density(models.TextChoices):
    COMFORTABLE = "comfortable", "Comfortable"
    COMPACT = "compact", "Compact"


@cache
def time_zones() -> frozenset[str]:
    """The names in the time zone database, read once."""
    return frozenset(zoneinfo.available_timezones())


def validate_time_zone(value: str) -> None:
    """Refuse a name that is not in the time zone database."""
    if value and value not in time_zones():
        raise ValidationError(f"“{value}” is not a time zone. Choose a name such as Europe/Berlin.")


class PeopleManager(UserManager["User"]):
    """Django's manager, whose `createsuperuser` makes an administrator of the portal too."""

    def create_superuser(
        self, username: str, email: str | None = None, password: str | None = None, **extra_fields: Any
    ) -> User:
        """A person with every right, whose role says so."""
        return super().create_superuser(username, email, password, **{"role": Role.ADMIN} | extra_fields)


class User(AbstractUser):
    """A person who signs in. Raising `session_generation` ends every session the person has."""

    full_name = models.CharField("name", max_length=120, blank=True)
    role = models.CharField(max_length=16, choices=Role.choices, default=Role.VIEWER)
    time_zone = models.CharField(max_length=64, blank=True, validators=[validate_time_zone])
    theme = models.CharField(max_length=8, choices=Theme.choices, default=Theme.SYSTEM)
    density = models.CharField(max_length=12, choices=Density.choices, default=Density.COMFORTABLE)
    has_shortcuts = models.BooleanField("single-key shortcuts", default=True)
    session_generation = models.PositiveIntegerField(default=0, editable=False)
    default_views = models.JSONField(default=dict, editable=False)  # path of a list -> key of a saved view

    objects: ClassVar[PeopleManager] = PeopleManager()

    class Meta:
        ordering = ["username"]
        constraints = [
            models.UniqueConstraint(
                Lower("username"),
                name="one_person_a_name",
                violation_error_message="Somebody with this user name is here already. Choose another one.",
            ),
            models.CheckConstraint(condition=models.Q(role__in=Role.values), name="user_role_is_known"),
        ]

    def __str__(self) -> str:
        return self.full_name or self.username

    @property
    def initials(self) -> str:
        """One or two capital letters for the avatar."""
        words = str(self).split()
        return "".join(word[0] for word in (words[:1] + words[-1:] if len(words) > 1 else words)).upper()

    def default_view_url(self, path: str) -> str:
        """Where the list at `path` is to open, "" for as it is; a view that is gone or hidden by now says nothing."""
        if path not in self.default_views:
            return ""
        seen = models.Q(owner=self) | models.Q(is_shared=True)
        view = SavedView.objects.filter(seen, pk=self.default_views[path], path=path).first()
        return view.get_absolute_url() if view else ""

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """What every session of this person carries; a new password or generation makes the old ones worthless."""
        value = f"{self.session_generation}:{self.password}"
        return salted_hmac("accounts.session", value, secret=secret, algorithm="sha256").hexdigest()


class AuditEntry(models.Model):
    """Who did what: append-only, kept by a trigger; written in the transaction of the deed itself."""

    class Origin(models.TextChoices):
        PAGE = "page", "Page"
        API = "api", "API"
        COMMAND = "command", "Command line"
        WORKER = "worker", "Worker"

    at = models.DateTimeField(db_default=Now())
    actor = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+", db_constraint=False)
    actor_label = models.CharField(max_length=150)
    action = models.CharField(max_length=64)  # "source:change"
    object_kind = models.CharField(max_length=64)
    object_id = models.CharField(max_length=64)
    object_label = models.CharField(max_length=512)
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)
    reason = models.TextField(blank=True)
    origin = models.CharField(max_length=8, choices=Origin.choices)
    request_id = models.CharField(max_length=36, blank=True)

    class Meta:
        ordering = ["-at", "-id"]
        indexes = [
            models.Index(fields=["-at", "-id"], name="audit_newest"),
            models.Index(fields=["object_kind", "object_id", "-at"], name="audit_of_object"),
        ]

    def __str__(self) -> str:
        return f"{self.actor_label} {self.action} {self.object_label}"

    @property
    def differences(self) -> list[tuple[str, Any, Any]]:
        """(name, before, after) of everything that the deed touched, None where there was nothing."""
        return [(name, self.before.get(name), self.after.get(name)) for name in {**self.before, **self.after}]


class ApiToken(models.Model):
    """A machine's way in, bound to a person. The token itself is shown once; only its SHA-256 is kept.

    A plain hash is enough: a token has 256 random bits, so nobody can guess from the digest back to it.
    """

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=120)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    hint = models.CharField(max_length=12, editable=False)  # how the token begins, to tell one from another
    scopes = ArrayField(models.CharField(max_length=40))
    sources = ArrayField(models.CharField(max_length=80), default=list, blank=True)  # slugs; none means every source
    folders = ArrayField(models.CharField(max_length=300), default=list, blank=True)  # of prompts; none means all
    created_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, editable=False)  # written at most once a minute
    revoked_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(expires_at__lte=models.F("created_at") + timedelta(days=365)),
                name="token_lives_a_year_at_most",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.hint}…)"

    def state_at(self, at: datetime) -> TokenState:
        """Whether it opens anything at `at`; needs `user`."""
        if self.revoked_at is not None:
            return TokenState.REVOKED
        if self.expires_at <= at:
            return TokenState.EXPIRED
        return TokenState.VALID if self.user.is_active else TokenState.ASLEEP


class SignInAttempt(models.Model):
    """When a name or an address tried to sign in lately; an attempt is noted here before any hash is computed."""

    key = models.CharField(max_length=80, unique=True)  # "user:<digest>" or "ip:192.0.2.7"
    tried_at = ArrayField(models.DateTimeField())
    last_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.key}: {len(self.tried_at)}"
