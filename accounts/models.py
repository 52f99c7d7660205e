"""Users and their sessions."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from datetime import datetime
from typing import Any, ClassVar

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import PermissionsMixin
from django.core.validators import MinLengthValidator
from django.db import models, transaction
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils import timezone

from accounts.managers import UserManager
from accounts.names import folded, login_characters, normalized, refuse_nul
from tiers.models import Tier


class User(AbstractBaseUser, PermissionsMixin):
    """An account; its key is a UUID that other services may know it by."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    username = models.CharField(
        "login",
        max_length=64,
        validators=[login_characters, MinLengthValidator(3)],
        error_messages={"unique": "This login is taken."},
    )
    # What decides uniqueness: the login in any case, in one form of each letter.
    username_key = models.CharField(max_length=192, unique=True, editable=False)
    name = models.CharField(max_length=150, blank=True, validators=[refuse_nul])
    email = models.EmailField(blank=True)
    tier = models.ForeignKey(Tier, on_delete=models.PROTECT, related_name="users")
    is_active = models.BooleanField(
        "active", default=True, help_text="Untick instead of deleting: ends every session."
    )
    is_staff = models.BooleanField("staff", default=False, help_text="May use the admin.")
    date_joined = models.DateTimeField(default=timezone.now, editable=False)
    # Another password that is not saved yet, and the session that saving it will spare.
    _password: str | None = None
    _spared: Session | None = None

    objects = UserManager()

    USERNAME_FIELD = "username"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        constraints = [
            models.UniqueConstraint(
                Lower("email"), name="user_email_unique", condition=~Q(email="")
            ),
        ]
        indexes = [models.Index(fields=["-date_joined", "id"], name="user_newest")]

    def __str__(self) -> str:
        """Return the login."""
        return self.username

    def clean_fields(self, exclude: Collection[str] | None = None) -> None:
        """Check the login as it will be stored: its normalized form can be 18 times as long."""
        self._normalize()
        super().clean_fields(exclude)

    def set_password(self, raw_password: str | None, *, keep: Session | None = None) -> None:
        """Hash another password (None: one that nobody has).

        Whoever sets it (a door, the admin, a command), saving it ends every session but `keep`.
        """
        super().set_password(raw_password)
        # What `save` goes by; Django takes it back where it only hashes the same password anew.
        self._password = raw_password or ""
        self._spared = keep

    def set_unusable_password(self) -> None:
        """Let nobody sign in by password; saving that ends every session."""
        self.set_password(None)

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Keep the compared form true, and end the sessions of another password in one commit."""
        self._normalize()
        if self._password is None or self._state.adding:
            super().save(*args, **kwargs)
        else:
            self._save_with_password(*args, **kwargs)

    def _normalize(self) -> None:
        self.username = normalized(self.username)
        self.username_key = folded(self.username)

    @transaction.atomic
    def _save_with_password(self, *args: Any, **kwargs: Any) -> None:
        from accounts.sessions import end_all

        super().save(*args, **kwargs)
        end_all(self, but=self._spared)

    def get_full_name(self) -> str:
        """Return the name, or the login where there is none."""
        return self.name or self.username

    def get_short_name(self) -> str:
        """Return the login."""
        return self.username


class SessionQuerySet(models.QuerySet["Session"]):
    """Questions about sessions."""

    def live(self) -> SessionQuerySet:
        """Those that may still be used, of accounts that may still sign in."""
        return self.filter(ended_at=None, expires_at__gt=timezone.now(), user__is_active=True)

    def with_user(self) -> SessionQuerySet:
        """Load the account and its tier in the same query."""
        return self.select_related("user__tier")


class Session(models.Model):
    """One signing-in, whatever token came of it; its key is the token id that a JWT carries."""

    class Scheme(models.TextChoices):
        """How the client carries its token."""

        BEARER = "bearer", "Bearer JWT"
        COOKIE = "cookie", "JWT cookies"
        API_TOKEN = "token", "API token"
        OUTSIDE = "outside", "JWT of an outside issuer"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="token_sessions"
    )
    scheme = models.CharField(max_length=8, choices=Scheme.choices)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    last_used_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True, editable=False)
    address = models.GenericIPAddressField(null=True, blank=True, editable=False)
    agent = models.CharField(max_length=200, blank=True, editable=False)
    # SHA-256 of an API token, which is itself never stored.
    key_hash = models.CharField(max_length=64, null=True, unique=True, editable=False)  # noqa: DJ001 (unique where there is one)
    # The refresh token in force, and the one it replaced a moment ago (see accounts.renewal).
    refresh_jti = models.CharField(max_length=32, blank=True, editable=False)
    replaced_jti = models.CharField(max_length=32, blank=True, editable=False)
    replaced_at = models.DateTimeField(null=True, editable=False)

    objects = SessionQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["-created_at", "id"], name="session_newest"),
            models.Index(fields=["expires_at"], name="session_expiry"),
        ]

    def __str__(self) -> str:
        """Return how and when, never the token."""
        return f"{self.get_scheme_display()} of {self.created_at:%Y-%m-%d %H:%M}"

    def is_live(self, now: datetime) -> bool:
        """Tell whether the session may still be used at `now`."""
        return self.ended_at is None and self.expires_at > now


class RevokedToken(models.Model):
    """A token that another service declared ended before it was seen here; kept as a digest."""

    digest = models.CharField(max_length=64, primary_key=True)
    expires_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["expires_at"], name="revoked_token_expiry")]

    def __str__(self) -> str:
        """Return the beginning of the digest."""
        return self.digest[:12]
