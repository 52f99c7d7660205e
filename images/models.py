"""Pictures and the expiring links to them."""

from __future__ import annotations

import uuid
from collections import Counter
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.validators import MaxLengthValidator
from django.db import models, transaction
from django.db.models import Case, Exists, F, OuterRef, Q, Value, When
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.security_log import record_event
from images.changes import announce_change
from images.file_names import MAX_NAME_LENGTH, validate_base_name
from images.ledger import Amounts, Column, CountedQuerySet, CountedRow, RowFile
from images.permissions import (
    PicturePermission,
    accounts_that_reach_others,
    reaches_others,
)
from lib.compiled_query import CompiledQuery

MAX_DESCRIPTION_LENGTH = 2000
# 25 bytes at most, in base64.
MAX_THUMBHASH_LENGTH = 36
# Of a link.
MAX_NOTE_LENGTH = 500
MAX_CACHE_SECONDS = 60
# What `Picture.render_backfill` is where thumbnails were requested again by nothing of the kind.
NO_BACKFILL = 0
# Raised whenever `images.metadata` leaves more out, or manages what it could not: a copy that an
# earlier one made, or failed to make, is made again when it is next needed.
STRIPPING_VERSION = 1
OVERDUE_AFTER = timedelta(seconds=20)
# `Picture.has_clean_copy` in queries.
HAS_CLEAN_COPY = ~Q(clean_key="") & ~Q(clean_key=F("key"))


def overdue_at() -> datetime:
    """Return when an upload of now is one of which the message was lost.

    Sooner, the sweep would write the rows of uploads that only wait for their turn.
    """
    return timezone.now() + OVERDUE_AFTER


class PictureQuerySet(CountedQuerySet["Picture"]):
    def owned_by(self, owner: User | UUID) -> PictureQuerySet:
        return self.filter(owner=owner)

    def in_reach_of(self, account: User, permission: PicturePermission) -> PictureQuerySet:
        """`images.access.may_act_for` as a query: one's own pictures, or all by a permission."""
        return self if reaches_others(account, permission) else self.filter(owner=account)

    def visible_to(self, viewer: User | None) -> PictureQuerySet:
        """`images.access.may_see` as a query; the viewer is None when not signed in."""
        there = self.filter(owner__removal_due_at=None)
        if viewer is None:
            return there.filter(visibility=self.model.Visibility.PUBLIC)
        if reaches_others(viewer, PicturePermission.VIEW):
            return there
        return there.filter(Q(owner=viewer) | ~Q(visibility=self.model.Visibility.PRIVATE))

    def of_account(self, owner_id: UUID, viewer: User) -> PictureQuerySet:
        """Return what a signed-in viewer may see of an account's pictures.

        One's own are all of them, without a look at the account: a closed one signs in no more.
        """
        owned = self.owned_by(owner_id)
        return owned if viewer.pk == owner_id else owned.visible_to(viewer)

    def active(self) -> PictureQuerySet:
        """Pictures that are their owner's avatar."""
        return self.filter(is_active=True)

    def with_owner(self) -> PictureQuerySet:
        """Load the owner and the owner's tier in the same query."""
        return self.select_related("owner__tier")

    def pending(self) -> PictureQuerySet:
        return self.filter(rendering=self.model.Rendering.PENDING)

    def of_uploads(self) -> PictureQuerySet:
        """Pending pictures whose thumbnails go first, for the upload itself wants them."""
        return self.pending().filter(render_backfill=None)

    def of_backfills(self) -> PictureQuerySet:
        """Pending pictures whose thumbnails wait behind those of uploads."""
        return self.pending().exclude(render_backfill=None)

    def mark_pending(self, *, backfill: int = NO_BACKFILL) -> int:
        """Request thumbnails; return how many pictures there are.

        They are rendered behind those of new uploads; a picture that is pending keeps its place.
        The new revision tells a worker that renders at this moment that its result is outdated.
        """
        is_pending = When(rendering=self.model.Rendering.PENDING, then=F("render_backfill"))
        return self.update(
            rendering=self.model.Rendering.PENDING,
            render_backfill=Case(is_pending, default=Value(backfill)),
            render_revision=F("render_revision") + 1,
            render_ask_at=timezone.now(),
            render_wanted_at=timezone.now(),
            render_failure="",
        )


_PictureManager = models.Manager.from_queryset(PictureQuerySet)


class PictureManager(_PictureManager["Picture"]):
    """Look-ups of one picture with its owner and tier, by one query whose SQL is compiled once.

    They raise Picture.DoesNotExist. Call them on `Picture.objects`, not on a related manager.
    """

    def by_uid(self, uid: UUID) -> Picture:
        return self._by_uid.get(uid)

    def by_key(self, key: str) -> Picture:
        return self._by_key.get(key)

    def find_by_id(self, picture_id: int) -> Picture | None:
        """Return the picture, or None."""
        return self._by_id.first(picture_id)

    @cached_property
    def _by_id(self) -> CompiledQuery[Picture]:
        return CompiledQuery(self.with_owner, "id")

    @cached_property
    def _by_uid(self) -> CompiledQuery[Picture]:
        return CompiledQuery(self.with_owner, "uid")

    @cached_property
    def _by_key(self) -> CompiledQuery[Picture]:
        return CompiledQuery(self.with_owner, "key")


class Picture(CountedRow):
    """An uploaded picture. A contract identifies it by `id` or by `uid`, whichever it publishes."""

    class Visibility(models.TextChoices):
        """Who may see a picture besides its owner and the staff who have the permission."""

        PRIVATE = "private", _("Private: only by a link")
        MEMBERS = "members", _("Members who know the id")
        PUBLIC = "public", _("Anyone who knows the id")

    class CleanCopy(models.TextChoices):
        """What whoever may have the original without metadata gets."""

        READY = "ready", _("The original without metadata")
        RENDITION = "rendition", _("A rendition, since its metadata cannot be removed")

    class Rendering(models.TextChoices):
        """State of the thumbnails."""

        PENDING = "pending", _("Wanted")
        READY = "ready", _("Ready")
        FAILED = "failed", _("Failed")

    uid = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    # The index `picture_newest_of_owner` begins with the owner: no other is needed.
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("owner"),
        on_delete=models.CASCADE,
        related_name="pictures",
        db_index=False,
    )
    visibility = models.CharField(
        _("visibility"), max_length=8, choices=Visibility.choices, default=Visibility.PRIVATE
    )
    description = models.TextField(
        _("description"),
        blank=True,
        max_length=MAX_DESCRIPTION_LENGTH,
        validators=[MaxLengthValidator(MAX_DESCRIPTION_LENGTH)],
    )
    # The uploader's file name, "" where none came: for the owner, and staff who change pictures.
    name = models.CharField(
        max_length=MAX_NAME_LENGTH,
        blank=True,
        default="",
        db_default="",
        validators=[validate_base_name],
    )
    # A JSON object of the client's own.
    metadata = models.JSONField(blank=True, default=dict, db_default={}, editable=False)
    is_active = models.BooleanField(_("active"), default=False)
    created_at = models.DateTimeField(_("created at"), default=timezone.now, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    # The uploaded file. `key` is its storage key; `clean_key` that of the copy without metadata:
    # the same key where there was nothing to strip, empty until somebody requests the copy.
    key = models.CharField(max_length=200, unique=True, editable=False)
    clean_key = models.CharField(max_length=200, blank=True, editable=False)
    # Of that copy's own file: null where it has none, and where an older release wrote it.
    clean_bytes = models.PositiveIntegerField(null=True, editable=False)
    # The STRIPPING_VERSION that made the copy or, where `clean_key` is empty, could not. The
    # database default serves an older release that still runs during an upgrade.
    clean_version = models.PositiveSmallIntegerField(default=0, db_default=0, editable=False)
    format = models.CharField(_("format"), max_length=8, editable=False)
    width = models.PositiveIntegerField(editable=False)
    height = models.PositiveIntegerField(editable=False)
    frames = models.PositiveIntegerField(default=1, editable=False)
    bytes = models.PositiveIntegerField(editable=False)
    sha256 = models.CharField(_("SHA-256"), max_length=64, editable=False)

    # Placeholders until a client has loaded the picture: a ThumbHash (evanw.github.io/thumbhash) in
    # base64 and the dominant colour as #rrggbb. Empty until thumbnails were rendered.
    thumbhash = models.CharField(
        max_length=MAX_THUMBHASH_LENGTH, blank=True, default="", db_default="", editable=False
    )
    dominant_color = models.CharField(
        "dominant colour", max_length=7, blank=True, default="", db_default="", editable=False
    )

    # State of rendering; `thumbnails.claims` explains how workers use it.
    rendering = models.CharField(
        _("thumbnails"), max_length=8, choices=Rendering.choices, default=Rendering.PENDING
    )
    render_revision = models.PositiveIntegerField(default=0, editable=False)
    # When the sweep may have it rendered, though nobody does: see `overdue_at`.
    render_ask_at = models.DateTimeField(default=overdue_at, editable=False)
    # When thumbnails were last requested; null where an older release wrote the row.
    render_wanted_at = models.DateTimeField(default=timezone.now, null=True, editable=False)
    render_failure = models.CharField(
        _("reason of the failure"), max_length=200, blank=True, editable=False
    )
    # Who last requested thumbnails: null for the upload itself, whose thumbnails go first, else the
    # backfill (`thumbnails.backfills`) or NO_BACKFILL. No foreign key, since pictures outlive it.
    render_backfill = models.BigIntegerField(null=True, editable=False)

    objects = PictureManager()

    class Meta:
        verbose_name, verbose_name_plural = _("picture"), _("pictures")
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["owner"], condition=Q(is_active=True), name="picture_one_active_per_owner"
            ),
        ]
        indexes = [
            models.Index(fields=["owner", "-created_at", "-id"], name="picture_newest_of_owner"),
            models.Index(fields=["-created_at", "-id"], name="picture_newest"),
            # Lists of all accounts, which staff filter.
            models.Index(fields=["format", "-created_at", "-id"], name="picture_newest_of_format"),
            models.Index(
                fields=["visibility", "-created_at", "-id"], name="picture_newest_visible"
            ),
            # Lists of one account that are filtered; words are found by `images.search_index`.
            models.Index(fields=["owner", "sha256"], name="picture_by_sha256"),
            models.Index(
                fields=["owner", "visibility", "-created_at", "-id"], name="picture_by_visibility"
            ),
            models.Index(
                fields=["owner", "format", "-created_at", "-id"], name="picture_by_format"
            ),
            models.Index(
                fields=["owner", "rendering", "-created_at", "-id"],
                condition=Q(rendering__in=["pending", "failed"]),
                name="picture_by_state",
            ),
            models.Index(
                fields=["render_ask_at"],
                condition=Q(rendering="pending"),
                name="picture_thumbnails_wanted",
            ),
            models.Index(
                fields=["render_ask_at"],
                condition=Q(rendering="pending", render_backfill__isnull=True),
                name="picture_wanted_by_upload",
            ),
            models.Index(
                fields=["render_ask_at"],
                condition=Q(rendering="pending", render_backfill__isnull=False),
                name="picture_wanted_behind",
            ),
            models.Index(
                fields=["render_wanted_at"],
                condition=Q(rendering="pending"),
                name="picture_waiting_longest",
            ),
            models.Index(
                fields=["-created_at"], condition=Q(rendering="failed"), name="picture_set_aside"
            ),
        ]

    def __str__(self) -> str:
        return self.file_name

    @property
    def account_id(self) -> UUID:
        return self.owner_id

    @property
    def files(self) -> list[RowFile]:
        original = RowFile(Column.ORIGINALS, self.key, self.bytes)
        if not self.has_clean_copy:
            return [original]
        return [original, RowFile(Column.OTHER, self.clean_key, self.clean_bytes)]

    @property
    def amounts(self) -> Amounts:
        return super().amounts + Counter({Column.PICTURES: 1})

    @property
    def has_clean_copy(self) -> bool:
        """Whether a copy without metadata lies beside the original."""
        return self.clean_key not in {"", self.key}

    @property
    def clean_copy(self) -> CleanCopy | None:
        """What leaves in place of the original; None until somebody requested it."""
        return clean_copy_state(self.clean_key, self.clean_version)

    @property
    def file_name(self) -> str:
        """The last part of the key, a generated name: never the uploader's."""
        return self.key.rsplit("/", 1)[-1]


def clean_copy_state(clean_key: str, clean_version: int) -> Picture.CleanCopy | None:
    """Return `Picture.clean_copy` by the columns that it is told by."""
    if clean_version != STRIPPING_VERSION:
        return None
    return Picture.CleanCopy.READY if clean_key else Picture.CleanCopy.RENDITION


class LinkQuerySet(models.QuerySet["Link"]):
    def with_picture(self) -> LinkQuerySet:
        """Load the picture, its owner, the maker and both tiers in the same query."""
        return self.select_related("picture__owner__tier", "maker__tier")

    def with_target(self) -> LinkQuerySet:
        """Load what says where a link of the picture's owner leads, and nothing else."""
        return self.select_related("picture__owner__tier").only(
            *("maker_id", "expires_at", "revoked_at", "max_opens", "opened", "password"),
            *("cache_seconds", "picture__key", "picture__clean_key", "picture__format"),
            *(
                "picture__clean_version",
                "picture__rendering",
                "picture__owner__is_active",
                "picture__owner__is_superuser",
            ),
            *("picture__owner__removal_due_at", "picture__owner__tier__grants_links"),
            *("picture__owner__tier__grants_original", "picture__owner__tier__cleans_originals"),
        )

    def in_reach_of(self, account: User) -> LinkQuerySet:
        """Links to one's own pictures, and those that one made as staff; all for superusers."""
        if account.is_superuser:
            return self
        reached = Q(picture__owner=account)
        if reaches_others(account, PicturePermission.LINK):
            reached |= Q(maker=account)
        return self.filter(reached)

    def with_openings(self) -> LinkQuerySet:
        """Links of which another opening may be spent."""
        return self.filter(HAS_OPENINGS)

    def with_liveness(self) -> models.QuerySet[Any, Any]:
        """Annotate `opens_now`: what `images.links.open_link` checks, as a query."""
        now = timezone.now()
        linkers = accounts_that_reach_others(PicturePermission.LINK)
        by_owner = Q(maker=F("picture__owner"))
        of_owner = by_owner & (Q(maker__is_superuser=True) | Q(maker__tier__grants_links=True))
        of_staff = ~by_owner & Q(Exists(linkers.filter(pk=OuterRef("maker"))))
        # Staff whose account is disabled have no permission.
        active = Q(picture__owner__is_active=True)
        not_over = Q(revoked_at=None, expires_at__gt=now)
        opens = not_over & HAS_OPENINGS & active & (of_owner | of_staff)
        return self.annotate(opens_now=Case(When(opens, then=True), default=False))

    @transaction.atomic
    def revoke(self) -> int:
        """Revoke the links that are not revoked yet; return how many there were."""
        live = self.model.objects.filter(pk__in=self.values("pk"), revoked_at=None)
        links = list(live.select_for_update().values_list("pk", "picture__owner_id"))
        now = timezone.now()
        self.model.objects.filter(pk__in=[pk for pk, _owner in links]).update(revoked_at=now)
        for owner_id, count in Counter(owner for _pk, owner in links).items():
            record_event("link.revoked", owner_id, count=count)
            announce_change(owner_id)
        return len(links)

    # As with `delete`: revoking every link of the table needs an explicit `.all()`.
    revoke.queryset_only = True  # type: ignore[attr-defined]


# Of a link to which the owner gave a number of openings, one at least is left.
HAS_OPENINGS = Q(max_opens=None) | Q(opened__lt=F("max_opens"))


class Link(models.Model):
    """An expiring link to a picture; the signed token in its URL refers to this row."""

    picture = models.ForeignKey(
        Picture, verbose_name=_("picture"), on_delete=models.CASCADE, related_name="links"
    )
    # The picture's, for the list of an account's links: the index begins with it. Null where an
    # older release wrote the row, until `images.links.set_missing_owners` has run.
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="+",
        db_index=False,
        null=True,
        editable=False,
    )
    # The owner, whose tier grants the link, or staff whose permission does.
    maker = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("maker"),
        on_delete=models.CASCADE,
        related_name="links_made",
    )
    created_at = models.DateTimeField(_("created at"), default=timezone.now, editable=False)
    expires_at = models.DateTimeField(_("expires at"), editable=False)
    revoked_at = models.DateTimeField(_("revoked at"), null=True, blank=True, editable=False)
    opened = models.PositiveIntegerField(_("times opened"), default=0, editable=False)
    last_opened_at = models.DateTimeField(_("last opened at"), null=True, editable=False)

    # What its maker asked for. The database defaults serve an older release that still runs during
    # an upgrade. `password` is a hash, "" where none is asked.
    max_opens = models.PositiveIntegerField(_("openings at most"), null=True, editable=False)
    password = models.CharField(
        max_length=128, blank=True, default="", db_default="", editable=False
    )
    note = models.CharField(
        _("note"), max_length=MAX_NOTE_LENGTH, blank=True, default="", db_default="", editable=False
    )
    # For how long browsers and CDNs keep the bytes, also after a revocation.
    cache_seconds = models.PositiveSmallIntegerField(
        _("seconds in caches"), default=0, db_default=0, editable=False
    )

    objects = LinkQuerySet.as_manager()

    class Meta:
        verbose_name, verbose_name_plural = _("link"), _("links")
        constraints = [
            models.CheckConstraint(
                condition=Q(max_opens=None) | Q(max_opens__gt=0), name="link_opens_once_at_least"
            ),
            # What browsers and CDNs keep is given without a question.
            models.CheckConstraint(
                condition=Q(cache_seconds=0)
                | Q(cache_seconds__lte=MAX_CACHE_SECONDS, max_opens=None, password=""),
                name="link_cached_only_without_page",
            ),
        ]
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="link_newest"),
            models.Index(fields=["owner", "-created_at", "-id"], name="link_newest_of_owner"),
            models.Index(fields=["expires_at"], name="link_expiry"),
        ]

    def __str__(self) -> str:
        return f"until {self.expires_at:%Y-%m-%d %H:%M:%S} UTC"

    def save(self, **options: Any) -> None:
        """Store the picture's owner with a new link."""
        if self._state.adding:
            self.owner_id = self.picture.owner_id
        super().save(**options)

    @property
    def has_password(self) -> bool:
        return self.password != ""

    @property
    def asks_first(self) -> bool:
        """Whether opening shows a page before the bytes."""
        return self.has_password or self.max_opens is not None

    @property
    def is_used_up(self) -> bool:
        """Whether no opening is left; who opened it a moment ago may still load the bytes."""
        return self.max_opens is not None and self.opened >= self.max_opens

    def is_over(self, now: datetime) -> bool:
        """Return whether it is revoked or expired."""
        return self.revoked_at is not None or self.expires_at <= now

    def is_live(self, now: datetime) -> bool:
        """Return whether it is neither over nor used up; the maker's grant is not checked."""
        return not (self.is_over(now) or self.is_used_up)


class LinkVisit(models.Model):
    """One opening of a link that asks first, so that the same visitor's retries spend no more.

    No foreign key: rows are deleted within hours, and an older release need not know of them.
    """

    link_id = models.BigIntegerField()
    # Random, made with the page whose button was pressed.
    visit = models.UUIDField()
    opened_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["link_id", "visit"], name="link_visit_once"),
        ]
        indexes = [models.Index(fields=["opened_at"], name="link_visit_age")]

    def __str__(self) -> str:
        return f"{self.link_id} at {self.opened_at:%Y-%m-%d %H:%M:%S} UTC"


class IdempotencyKeyQuerySet(models.QuerySet["IdempotencyKey"]):
    def unfulfilled(self) -> IdempotencyKeyQuerySet:
        """Keys under which no picture is stored yet."""
        return self.filter(picture_id=None)


class IdempotencyKey(models.Model):
    """A key that a client gave to an upload, so that it may send it again: `images.retries`."""

    # The account that uploads; as staff it may do so for another. The constraint begins with it.
    account = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    route = models.CharField(max_length=64, editable=False)
    key = models.CharField(max_length=128, editable=False)
    fingerprint = models.CharField(max_length=64, editable=False)
    # No foreign key, since the row outlives the picture. Null while the upload runs.
    picture_id = models.BigIntegerField(null=True, editable=False)
    begun_at = models.DateTimeField(default=timezone.now, editable=False)
    leased_until = models.DateTimeField(editable=False)

    objects = IdempotencyKeyQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "route", "key"], name="idempotency_key_once"
            ),
        ]
        indexes = [models.Index(fields=["begun_at"], name="idempotency_key_age")]

    def __str__(self) -> str:
        return f"{self.key} at {self.route}"
