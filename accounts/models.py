"""Users and their sessions."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from functools import cached_property, partial
from typing import Any, ClassVar

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.hashers import check_password, make_password
from django.contrib.auth.models import PermissionsMixin
from django.core.validators import MinLengthValidator
from django.db import models, transaction
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _

from accounts.exceptions import BadCredentials
from accounts.names import login_characters, login_key, normalize_login, refuse_nul
from accounts.passwords import normalize_password
from accounts.scopes import Scopes, granted_scopes
from accounts.signals import password_changed, sessions_ended
from lib.compiled_query import CompiledQuery, CompiledUpdate, Parameter
from tiers.models import DEFAULT_TIER_NAME, Tier


class UserManager(BaseUserManager["User"]):
    """Finds accounts by their login, in any case."""

    def get_by_natural_key(self, username: str | None) -> User:
        """Return the account of a login; raise User.DoesNotExist."""
        return self._by_key.get(login_key(username or ""))

    def lock_with_password(self, pk: uuid.UUID, password_hash: str) -> None:
        """Lock an account's row until the commit, if its password still has this hash.

        Raise BadCredentials where the password was replaced, or the account closed, since the hash
        was read: hashing takes so long that both may happen in between.
        """
        same = self.filter(pk=pk, password=password_hash, is_active=True)
        if not list(same.select_for_update(no_key=True).values_list("pk")):
            raise BadCredentials

    def with_email(self, email: str) -> models.QuerySet[User]:
        """Return the account whose address this is, in any case; none for "".

        By the unique index, which `email__iexact` would not use.
        """
        same = self.alias(lower_email=Lower("email")).filter(lower_email=email.lower())
        return same.filter(~Q(email="") & Q(email_counts=True))

    def lock(self, pk: uuid.UUID) -> None:
        """Lock an account's row until the commit."""
        list(self.filter(pk=pk).select_for_update(no_key=True).values_list("pk"))

    def record_sign_in(self, pk: uuid.UUID, password_hash: str) -> None:
        """Lock an account's row as `lock_with_password` does, and write when it signed in."""
        if not self._sign_in.run(timezone.now(), pk, password_hash):
            raise BadCredentials

    @cached_property
    def _sign_in(self) -> CompiledUpdate:
        named = map(self.model._meta.get_field, ("last_login", "id", "password"))
        at, pk, password = (Parameter(position, field) for position, field in enumerate(named))  # type: ignore[arg-type]  # columns
        same = self.filter(pk=pk, password=password, is_active=True)
        return CompiledUpdate(same, last_login=at)

    @cached_property
    def _by_key(self) -> CompiledQuery[User]:
        return CompiledQuery(partial(self.select_related, "tier"), "username_key")

    def create_user(self, username: str, password: str | None = None, **fields: Any) -> User:
        """Create an account; raise IntegrityError for a login that is taken.

        It gets the default tier unless one is given; raise Tier.DoesNotExist without one.
        """
        if "tier" not in fields:
            fields["tier"] = Tier.objects.get(name=DEFAULT_TIER_NAME)
        user = self.model(username=username, **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, username: str, password: str | None = None, **fields: Any) -> User:
        return self.create_user(username, password, is_staff=True, is_superuser=True, **fields)


class User(AbstractBaseUser, PermissionsMixin):
    """An account; other services may know it by its UUID."""

    id = models.UUIDField(_("UUID"), primary_key=True, default=uuid.uuid4, editable=False)
    username = models.CharField(
        _("login"),
        max_length=64,
        validators=[login_characters, MinLengthValidator(3)],
        error_messages={"unique": "This login is taken."},
    )
    # Decides uniqueness (see accounts.names.login_key).
    username_key = models.CharField(max_length=192, unique=True, editable=False)
    name = models.CharField(_("name"), max_length=150, blank=True, validators=[refuse_nul])
    email = models.EmailField(_("email address"), blank=True)
    # When somebody showed that they read the mail of this address; see `accounts.addresses`.
    email_verified_at = models.DateTimeField(null=True, editable=False)
    # Whether the address is this account's alone.
    email_counts = models.BooleanField(default=True, db_default=True, editable=False)
    tier = models.ForeignKey(
        Tier, verbose_name=_("tier"), on_delete=models.PROTECT, related_name="users"
    )
    is_active = models.BooleanField(
        _("active"), default=True, help_text=_("Untick instead of deleting: ends every session.")
    )
    is_staff = models.BooleanField(
        _("staff"),
        default=False,
        help_text=_(
            "May sign in to the admin. It gives nothing else: what somebody sees and changes "
            "there, and of other people's pictures at every contract, is what their roles and "
            "permissions say."
        ),
    )
    date_joined = models.DateTimeField(_("joined"), default=timezone.now, editable=False)
    # When the worker goes on removing a closed account; null while it is not closed by its owner
    # (`upkeep.closed_accounts`). From then on its pictures are nobody's to see.
    removal_due_at = models.DateTimeField(null=True, editable=False)
    # How often all sessions were ended; part of what the admin's own sessions are compared with.
    sign_outs = models.PositiveIntegerField(default=0, db_default=0, editable=False)
    # How often staff revoked the links that reset the password; part of what those are compared
    # with.
    reset_revocations = models.PositiveIntegerField(default=0, db_default=0, editable=False)
    # Whether this instance, which a session without the second factor loaded, shows no right that
    # its row has.
    rights_rest = False
    # A new password that is not saved yet, and the session that saving it does not end.
    _password: str | None = None
    _except_session: Session | None = None

    objects = UserManager()

    USERNAME_FIELD = "username"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        verbose_name, verbose_name_plural = _("account"), _("accounts")
        constraints = [
            models.UniqueConstraint(
                Lower("email"),
                name="user_email_counts_once",
                condition=~Q(email="") & Q(email_counts=True),
            ),
        ]
        indexes = [
            models.Index(fields=["-date_joined", "id"], name="user_newest"),
            models.Index(
                fields=["removal_due_at"],
                condition=Q(removal_due_at__isnull=False),
                name="user_removal_due",
            ),
        ]

    def __str__(self) -> str:
        return self.username

    def clean_fields(self, exclude: Collection[str] | None = None) -> None:
        """Validate the login as it will be stored: normalizing can make it 18 times as long."""
        self._normalize_login()
        super().clean_fields(exclude)

    def set_password(
        self, raw_password: str | None, *, except_session: Session | None = None
    ) -> None:
        """Set a new password, in its normalized form; None sets one that no login can match.

        Saving the user ends every session except `except_session`, whoever sets the password: a
        contract, the admin or a management command.
        """
        super().set_password(normalize_password(raw_password) if raw_password else raw_password)
        # `save` ends sessions when this is set.
        self._password = raw_password or ""
        self._except_session = except_session

    def set_unusable_password(self) -> None:
        self.set_password(None)

    def check_password(self, raw_password: str | None) -> bool:
        """Compare in the normalized form, else as it was sent: older hashes are of that.

        A hash of other settings than today's, or of a password as it was sent, is replaced. A
        password that was replaced meanwhile stays replaced. It takes one hash, and a second where
        the two forms differ; both also for an account without a usable password.
        """
        if raw_password is None:
            return check_password(None, self.password)
        normalized = normalize_password(raw_password)

        def upgrade(raw_password: str) -> None:
            checked, self.password = self.password, make_password(normalized)
            User.objects.filter(pk=self.pk, password=checked).update(password=self.password)

        if check_password(normalized, self.password, upgrade):
            return True
        if raw_password == normalized or not check_password(raw_password, self.password):
            return False
        upgrade(raw_password)
        return True

    def get_session_auth_hash(self) -> str:
        """Return what each of the admin's sessions keeps of the account, and must still equal."""
        return super().get_session_auth_hash() + self._sign_outs_mark

    def get_session_auth_fallback_hash(self) -> Iterator[str]:
        """Yield the same by the keys that were in use before."""
        for each in super().get_session_auth_fallback_hash():
            yield each + self._sign_outs_mark

    @property
    def _sign_outs_mark(self) -> str:
        return f":{self.sign_outs}" if self.sign_outs else ""

    def rest_rights(self) -> None:
        """Take the rights of staff from this instance alone: its row keeps them."""
        if self.is_staff or self.is_superuser:
            self.rights_rest = True
            self.is_staff = self.is_superuser = False

    def refresh_from_db(self, *args: Any, **kwargs: Any) -> None:
        """Read the row again; rights that rest go on resting."""
        super().refresh_from_db(*args, **kwargs)
        if self.rights_rest:
            self.rest_rights()

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save the login with its key; a new password ends sessions in the same commit.

        Rights that rest are not written.
        """
        self._normalize_login()
        if self.rights_rest:
            kwargs["update_fields"] = self._without_rights(kwargs.get("update_fields"))
        if self._password is None or self._state.adding:
            super().save(*args, **kwargs)
        else:
            self._save_with_password(*args, **kwargs)

    def _normalize_login(self) -> None:
        self.username = normalize_login(self.username)
        self.username_key = login_key(self.username)

    @transaction.atomic
    def _save_with_password(self, *args: Any, **kwargs: Any) -> None:
        super().save(*args, **kwargs)
        password_changed.send(sender=User, user=self)
        Session.objects.of(self).end(except_session=self._except_session)

    def _without_rights(self, names: Collection[str] | None) -> set[str]:
        if names is None:
            names = {field.name for field in self._meta.concrete_fields if not field.primary_key}
        return set(names) - {"is_staff", "is_superuser"}

    def get_full_name(self) -> str:
        return self.name or self.username

    def get_short_name(self) -> str:
        return self.username


class SessionQuerySet(models.QuerySet["Session"]):
    """Sessions: which are live, and how they are ended."""

    def of(self, user: User) -> SessionQuerySet:
        """Return the sessions of one account."""
        return self.filter(user=user)

    def live(self) -> SessionQuerySet:
        """Return the sessions that may still be used, of accounts that may still sign in."""
        return self.filter(ended_at=None, expires_at__gt=timezone.now(), user__is_active=True)

    def with_user(self) -> SessionQuerySet:
        """Load the account and its tier in the same query."""
        return self.select_related("user__tier")

    @transaction.atomic
    def end(
        self,
        *,
        except_session: Session | None = None,
        authorization: str = "",
        from_peer: bool = False,
    ) -> int:
        """End the sessions that have not ended and send `sessions_ended`; return how many.

        The rows stay locked until the commit, and the signal is sent inside the transaction.
        Sessions that have ended already are left alone, so ending twice sends one signal.

        `authorization` is the Authorization header of the JWT that signs out. `from_peer` means
        that another service announced the end, so it is not announced to other services again.
        """
        # A subquery, since rows cannot be locked through the joins that a caller may have added.
        running = self.model.objects.filter(pk__in=self.values("pk"), ended_at=None)
        if except_session is not None:
            running = running.exclude(pk=except_session.pk)
        # In one order everywhere, so that nobody waits in a circle.
        running = running.select_related("user").order_by("pk")
        ended = list(running.select_for_update(of=("self",)))
        if ended:
            now = timezone.now()
            for session in ended:
                session.ended_at = now
            keys = [session.pk for session in ended]
            self.model.objects.filter(pk__in=keys).update(ended_at=now)
            sessions_ended.send(
                sender=self.model, sessions=ended, authorization=authorization, from_peer=from_peer
            )
        return len(ended)

    # As with `delete`: ending every session of the table needs an explicit `.all()`.
    end.queryset_only = True  # type: ignore[attr-defined]


class Session(models.Model):
    """One sign-in, whatever kind of token it issued; a JWT carries its key as the token id."""

    class Scheme(models.TextChoices):
        """How the client carries its token."""

        BEARER = "bearer", _("Bearer JWT")
        COOKIE = "cookie", _("JWT cookies")
        API_TOKEN = "token", _("API token")
        EXTERNAL = "outside", _("JWT of an outside issuer")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("account"),
        on_delete=models.CASCADE,
        related_name="token_sessions",
        db_index=False,  # `session_of_account` begins with it
    )
    scheme = models.CharField(_("scheme"), max_length=8, choices=Scheme.choices)
    created_at = models.DateTimeField(_("created at"), default=timezone.now, editable=False)
    last_used_at = models.DateTimeField(_("last used at"), default=timezone.now, editable=False)
    expires_at = models.DateTimeField(_("expires at"))
    ended_at = models.DateTimeField(_("ended at"), null=True, blank=True, editable=False)
    address = models.GenericIPAddressField(_("address"), null=True, blank=True, editable=False)
    agent = models.CharField(_("client"), max_length=200, blank=True, editable=False)
    # When a second factor was given; null where a password alone, or another service, opened it.
    second_factor_at = models.DateTimeField(null=True, editable=False)
    # What people call a token that they made for something. Tokens of the contracts have no name.
    name = models.CharField(
        _("name"), max_length=100, blank=True, default="", db_default="", editable=False
    )
    # What its token may do; null for everything, also for what a later release adds.
    scopes = models.JSONField(null=True, editable=False)
    # SHA-256 of an API token, which is itself never stored.
    key_hash = models.CharField(max_length=64, null=True, unique=True, editable=False)  # noqa: DJ001 (unique where there is one)
    # Digest of the id of an external issuer's token; see `accounts.external_issuer`.
    external_id_digest = models.CharField(max_length=64, null=True, editable=False)  # noqa: DJ001 (the index holds those that have one)
    # The refresh token in force, and the one that it replaced last (see accounts.renewal).
    refresh_jti = models.CharField(max_length=32, blank=True, editable=False)
    replaced_jti = models.CharField(max_length=32, blank=True, editable=False)
    replaced_at = models.DateTimeField(null=True, editable=False)
    # `iat`, `exp`, `jti` and the key's name of each JWT that peers may hold, oldest first (see
    # accounts.sessions.remake_jwts). Null where the JWT is not ours and in rows of older releases.
    issued_jwts = models.JSONField(null=True, editable=False)

    objects = SessionQuerySet.as_manager()

    class Meta:
        verbose_name, verbose_name_plural = _("session"), _("sessions")
        indexes = [
            models.Index(fields=["-created_at", "id"], name="session_newest"),
            models.Index(fields=["user", "-created_at", "-id"], name="session_of_account"),
            models.Index(fields=["expires_at"], name="session_expiry"),
            models.Index(
                fields=["external_id_digest"],
                condition=Q(external_id_digest__isnull=False),
                name="session_external_id",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_scheme_display()} of {self.created_at:%Y-%m-%d %H:%M}"

    @property
    def granted_scopes(self) -> Scopes:
        """What the session's token may do."""
        return granted_scopes(self.scopes)

    def is_live(self, now: datetime) -> bool:
        """Tell whether the session may be used at `now`; the account is not looked at."""
        return self.ended_at is None and self.expires_at > now


def default_end_of_invitation() -> datetime:
    """Return the end of an invitation that is made now, unless staff choose another."""
    return timezone.now() + timedelta(days=7)


class InvitationQuerySet(models.QuerySet["Invitation"]):
    def open(self) -> InvitationQuerySet:
        """Return the invitations that may still be accepted."""
        return self.filter(accepted_at=None, revoked_at=None, expires_at__gt=timezone.now())


class Invitation(models.Model):
    """Lets one person make an account; see `accounts.invitations`."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tier = models.ForeignKey(
        Tier,
        on_delete=models.CASCADE,
        related_name="+",
        verbose_name=_("tier"),
        help_text=_("Of the account that is made with it."),
    )
    note = models.CharField(
        _("note"),
        max_length=200,
        blank=True,
        validators=[refuse_nul],
        help_text=_("For staff alone: whom it is for."),
    )
    expires_at = models.DateTimeField(_("works until"), default=default_end_of_invitation)
    maker = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        editable=False,
        related_name="+",
        verbose_name=_("made by"),
    )
    created_at = models.DateTimeField(_("made"), default=timezone.now, editable=False)
    revoked_at = models.DateTimeField(null=True, editable=False)
    accepted_at = models.DateTimeField(_("accepted"), null=True, editable=False)
    account = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        editable=False,
        related_name="+",
        verbose_name=_("account"),
    )

    objects = InvitationQuerySet.as_manager()

    class Meta:
        verbose_name, verbose_name_plural = _("invitation"), _("invitations")
        indexes = [models.Index(fields=["-created_at", "id"], name="invitation_newest")]

    def __str__(self) -> str:
        made = date_format(timezone.localtime(self.created_at), "SHORT_DATETIME_FORMAT")
        return self.note or _("%(tier)s, made on %(time)s") % {"tier": self.tier, "time": made}

    def is_open(self, now: datetime) -> bool:
        """Tell whether it may still be accepted at `now`."""
        return self.accepted_at is None and self.revoked_at is None and self.expires_at > now


class Mail(models.Model):
    """A mail that is to be sent, until it is; see `accounts.mail`."""

    class Kind(models.TextChoices):
        VERIFY = "verify", "verifies an address"
        RESET = "reset", "resets a password"
        MOVED = "moved", "says that the account has another address"
        LESS = "less", "says that the account will be allowed less"
        AS_IT_IS = "as-it-is", "says that it will not, after all"

    kind = models.CharField(max_length=8, choices=Kind.choices)
    address = models.EmailField()
    # Null where somebody asked for an address alone: whose it is, the worker finds out.
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, related_name="+"
    )
    language = models.CharField(max_length=8)
    due_at = models.DateTimeField(default=timezone.now)
    attempts = models.PositiveSmallIntegerField(default=0)

    class Meta:
        indexes = [models.Index(fields=["due_at"], name="mail_due")]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"


class SecurityEvent(models.Model):
    """An entry of the security log; see `accounts.security_log`."""

    at = models.DateTimeField(_("time"), default=timezone.now, editable=False)
    kind = models.CharField(_("kind"), max_length=24, editable=False)
    # The account concerned, and who acted. Both outlive the account, so no foreign keys.
    user_id = models.UUIDField(_("account"), null=True, editable=False)
    actor_id = models.UUIDField(_("who acted"), null=True, editable=False)
    address = models.GenericIPAddressField(_("address"), null=True, editable=False)
    agent = models.CharField(_("client"), max_length=200, blank=True, editable=False)
    facts = models.JSONField(_("facts"), default=dict, editable=False)
    is_new_device = models.BooleanField(default=False, db_default=False, editable=False)

    class Meta:
        verbose_name, verbose_name_plural = _("security event"), _("security events")
        indexes = [
            models.Index(fields=["-at", "-id"], name="security_event_newest"),
            models.Index(fields=["user_id", "-id"], name="security_event_of_account"),
            models.Index(fields=["actor_id", "-id"], name="security_event_of_actor"),
            models.Index(fields=["kind", "-id"], name="security_event_of_kind"),
            models.Index(fields=["address", "-id"], name="security_event_of_address"),
            models.Index(
                fields=["-id"], condition=Q(is_new_device=True), name="security_event_new_device"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} at {self.at:%Y-%m-%d %H:%M:%S} UTC"


class RevokedToken(models.Model):
    """A token that a peer declared ended before it was seen here; see `accounts.denylist`."""

    digest = models.CharField(max_length=64, primary_key=True)
    expires_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["expires_at"], name="revoked_token_expiry")]

    def __str__(self) -> str:
        return self.digest[:12]
