"""Thumbnails and JPEG renditions of pictures, and backfills after tier changes."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from images.ledger import Column, CountedQuerySet, CountedRow, RowFile
from images.models import Picture
from images.permissions import PicturePermission, reaches_others
from images.storage.keys import owner_of
from tiers.models import Tier, TierHeight


class ThumbnailQuerySet(CountedQuerySet["Thumbnail"]):
    def with_file(self, key: str) -> ThumbnailQuerySet:
        """The thumbnail one of whose files has this key, found by indexes."""
        webp_key = f"{key.rpartition('.')[0]}.webp"
        beside = Q(webp_key=key) | Q(webp_key=webp_key, avif_key=key)
        return self.filter(Q(key=key) | (~Q(webp_key="") & beside))

    def granted(self) -> ThumbnailQuerySet:
        """Thumbnails at a height that their owner's tier grants now."""
        return self.filter(height=F("owner__tier__heights__height"))

    def granted_to(self, owner: User) -> ThumbnailQuerySet:
        """Thumbnails of an account's pictures at the heights that its tier grants now."""
        return self.at_heights_of(owner.pk, owner.tier_id)

    def at_heights_of(self, owner_id: UUID, tier_id: int) -> ThumbnailQuerySet:
        heights = TierHeight.objects.filter(tier=tier_id).order_by()
        return self.filter(owner=owner_id, height__in=heights.values("height"))

    def standing_in_for(self, owner: User) -> ThumbnailQuerySet:
        """Thumbnails of former heights that show no more than the account's tier grants now.

        For pictures that have none of a granted height yet, since their turn is still to come.
        """
        tallest = owner.tier.heights.order_by("-height").values("height")[:1]
        return self.filter(owner=owner, height__lt=tallest)

    def visible_to(self, viewer: User) -> ThumbnailQuerySet:
        """Thumbnails that an account may read by id: its own, or any as staff."""
        return self.in_reach_of(viewer, PicturePermission.VIEW)

    def in_reach_of(self, account: User, permission: PicturePermission) -> ThumbnailQuerySet:
        """Granted thumbnails of one's own pictures, or any of others' by a permission."""
        if account.is_superuser:
            return self
        granted = self.granted_to(account)
        if not reaches_others(account, permission):
            return granted
        return granted | self.exclude(owner=account)


class Thumbnail(CountedRow):
    """A picture at one of its owner's heights; a smaller picture is never enlarged to it."""

    # The unique constraint's index begins with the picture, `thumbnail_newest_of_owner` with the
    # owner: neither needs another.
    picture = models.ForeignKey(
        Picture,
        verbose_name=_("picture"),
        on_delete=models.CASCADE,
        related_name="thumbnails",
        db_index=False,
    )
    # The picture's owner again, so that an account's list is one range of one index.
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("owner"),
        on_delete=models.CASCADE,
        related_name="+",
        editable=False,
        db_index=False,
    )
    height = models.PositiveIntegerField(_("height"), help_text="As the tier names it.")
    width_px = models.PositiveIntegerField("width in pixels")
    height_px = models.PositiveIntegerField("height in pixels")
    key = models.CharField(max_length=200, unique=True, editable=False)
    content_type = models.CharField(_("content type"), max_length=32, editable=False)
    bytes = models.PositiveIntegerField(_("bytes"), editable=False)
    # The same as WebP and as AVIF, stored where each is smaller than what comes before it; see
    # `images.storage.keys.keys_beside`.
    webp_key = models.CharField(
        "WebP", max_length=200, blank=True, default="", db_default="", editable=False
    )
    webp_bytes = models.PositiveIntegerField(
        _("bytes as WebP"), default=0, db_default=0, editable=False
    )
    avif_key = models.CharField(
        "AVIF", max_length=200, blank=True, default="", db_default="", editable=False
    )
    avif_bytes = models.PositiveIntegerField(
        _("bytes as AVIF"), default=0, db_default=0, editable=False
    )
    # The tier's quality when it was rendered; 0 from releases without that setting.
    quality = models.PositiveSmallIntegerField(
        _("quality"), default=0, db_default=0, editable=False
    )
    # Served until its replacement exists (staff requested to render it again).
    is_stale = models.BooleanField(_("stale"), default=False, editable=False)
    created_at = models.DateTimeField(_("created at"), default=timezone.now, editable=False)

    objects = ThumbnailQuerySet.as_manager()

    class Meta:
        verbose_name, verbose_name_plural = _("thumbnail"), _("thumbnails")
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["picture", "height"], name="thumbnail_one_per_picture_and_height"
            ),
            models.UniqueConstraint(
                fields=["webp_key"], condition=~Q(webp_key=""), name="thumbnail_one_per_webp_key"
            ),
            models.CheckConstraint(
                name="thumbnail_webp_is_smaller",
                condition=Q(webp_key="", webp_bytes=0)
                | (~Q(webp_key="") & Q(webp_bytes__gt=0, webp_bytes__lt=F("bytes"))),
            ),
            models.CheckConstraint(
                name="thumbnail_avif_is_smaller",
                condition=Q(avif_key="", avif_bytes=0)
                | (~Q(avif_key="") & Q(avif_bytes__gt=0, avif_bytes__lt=F("webp_bytes"))),
            ),
        ]
        indexes = [
            models.Index(fields=["owner", "-created_at", "-id"], name="thumbnail_newest_of_owner"),
            models.Index(fields=["-created_at", "-id"], name="thumbnail_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.height} px"

    @property
    def account_id(self) -> UUID:
        return self.owner_id

    @property
    def files(self) -> list[RowFile]:
        """Its one to three files."""
        all_ = (
            (self.key, self.bytes),
            (self.webp_key, self.webp_bytes),
            (self.avif_key, self.avif_bytes),
        )
        return [RowFile(Column.THUMBNAILS, key, size) for key, size in all_ if key]

    @property
    def keys(self) -> list[str]:
        return [each.key for each in self.files]


class RenderClaim(models.Model):
    """What `thumbnails.claims` knows of a picture that is being rendered, or failed.

    Not columns of the picture, whose row, and the indexes over it, would be written anew for each.
    There is none before the first attempt, nor once the thumbnails are there with all that is to
    lie beside them.
    """

    # Without a constraint, since an older release, which knows no claims, deletes pictures too.
    picture = models.OneToOneField(
        Picture,
        on_delete=models.CASCADE,
        primary_key=True,
        related_name="+",
        db_constraint=False,
    )
    # Counted before they start.
    attempts = models.PositiveSmallIntegerField(default=0)
    failures = models.PositiveSmallIntegerField(default=0)
    leased_until = models.DateTimeField(null=True)
    # When another worker than the one that rendered the thumbnails makes what is to lie beside
    # them; null where nothing is. The attempts count those at this once the thumbnails are there.
    beside_due_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["beside_due_at"],
                condition=Q(beside_due_at__isnull=False),
                name="render_claim_beside_due",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.attempts} attempts"


class RenditionQuerySet(CountedQuerySet["Rendition"]):
    """Renditions, counted in the ledger."""


class Rendition(CountedRow):
    """A whole picture as JPEG of at most `width`; rendered on its first request."""

    picture = models.ForeignKey(Picture, on_delete=models.CASCADE, related_name="renditions")
    width = models.PositiveIntegerField(help_text="In pixels; 0 is the picture's own.")
    # What it was rendered from: the original, or a thumbnail in a tier without originals.
    source_key = models.CharField(max_length=200, editable=False)
    key = models.CharField(max_length=200, unique=True, editable=False)
    # Null where an older release wrote the row.
    bytes = models.PositiveIntegerField(null=True, editable=False)

    objects = RenditionQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["picture", "width", "source_key"], name="rendition_one_per_width_and_source"
            ),
        ]
        indexes = [models.Index(fields=["source_key"], name="rendition_source")]

    def __str__(self) -> str:
        return f"{self.width} px wide"

    @property
    def account_id(self) -> UUID:
        # The key says it too: a cascade deletes many without loading their pictures.
        return owner_of(self.key)

    @property
    def files(self) -> list[RowFile]:
        return [RowFile(Column.OTHER, self.key, self.bytes)]


class Clearing(models.Model):
    """All pictures that an account had at one moment are to go; the row goes with the last.

    See `thumbnails.deletion.delete_all`. The account itself may be gone before.
    """

    owner_id = models.UUIDField()
    # The newest of them: what is uploaded later stays.
    last_picture_id = models.BigIntegerField()
    # When a worker goes on with it, unless whoever does so now says that more are gone.
    due_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"pictures of {self.owner_id}"


# What a release before looks for `after_id` beyond: so it finds nothing left of an ended backfill.
_AFTER_ALL = 2**63 - 1


class BackfillQuerySet(models.QuerySet["Backfill"]):
    def running(self) -> BackfillQuerySet:
        return self.filter(state=self.model.State.RUNNING)

    def unended(self) -> BackfillQuerySet:
        """Running and paused ones."""
        return self.filter(state__in=[self.model.State.RUNNING, self.model.State.PAUSED])

    def pause(self) -> int:
        """Let running ones rest; return how many there were."""
        return self.running().update(state=self.model.State.PAUSED)

    def resume(self) -> int:
        """Let paused ones go on from where they are; return how many there were."""
        return self.filter(state=self.model.State.PAUSED).update(state=self.model.State.RUNNING)

    def cancel(self) -> int:
        """Stop those that have not ended: what they have requested already is still rendered."""
        return self.unended().update(state=self.model.State.CANCELLED, ended_at=timezone.now())

    def end(self) -> int:
        """Say that nothing is left to do; return how many there are."""
        return self.update(
            state=self.model.State.DONE, ended_at=timezone.now(), after_id=_AFTER_ALL
        )


class Backfill(models.Model):
    """Work through the pictures of a tier or an owner whose heights or quality changed.

    The row is all there is of it: whichever worker has time goes on from here, so that nothing is
    lost with a worker or a broker. See `thumbnails.backfills`.
    """

    class State(models.TextChoices):
        """Only a running one goes on; what it has requested already is rendered all the same."""

        RUNNING = "running", "Running"
        PAUSED = "paused", "Paused"
        CANCELLED = "cancelled", "Cancelled"
        DONE = "done", "Done"

    tier = models.ForeignKey(Tier, on_delete=models.CASCADE, null=True, related_name="+")
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, related_name="+"
    )
    state = models.CharField(
        max_length=9, choices=State.choices, default=State.RUNNING, db_default=State.RUNNING
    )
    # The accounts whose turns are next, in this order, each with how far it has come: pairs of the
    # account's id and the cursor (`lib.keyset`) of its last picture, "" before the first.
    accounts = models.JSONField(default=list, db_default=[])
    # Of a tier: the account up to which, by their ids, all have had a turn or stand in `accounts`;
    # `has_all_accounts` once these are all.
    after_account = models.UUIDField(null=True)
    has_all_accounts = models.BooleanField(default=False, db_default=False)
    # Pictures that were looked at; thumbnails that were rendered, and removed as no longer granted.
    pictures_done = models.BigIntegerField(default=0, db_default=0)
    thumbnails_made = models.BigIntegerField(default=0, db_default=0)
    thumbnails_removed = models.BigIntegerField(default=0, db_default=0)
    # Of those that were rendered; of those that were removed or replaced.
    bytes_made = models.BigIntegerField(default=0, db_default=0)
    bytes_removed = models.BigIntegerField(default=0, db_default=0)
    # Until when one worker alone goes on with it; it has its turn before those that had it later.
    leased_until = models.DateTimeField(null=True)
    turn_at = models.DateTimeField(default=timezone.now, null=True)
    created_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True)
    # How far the release before has come, which knows no other cursor.
    after_id = models.BigIntegerField(default=0)

    objects = BackfillQuerySet.as_manager()

    class Meta:
        db_table = "thumbnails_recheck"
        constraints = [
            models.CheckConstraint(
                name="recheck_of_a_tier_or_an_owner",
                condition=Q(tier=None, owner__isnull=False) | Q(tier__isnull=False, owner=None),
            ),
        ]
        indexes = [
            models.Index(fields=["turn_at"], condition=Q(state="running"), name="backfill_running"),
        ]

    def __str__(self) -> str:
        return f"pictures of {self.tier or self.owner}"


class RenderPace(models.Model):
    """Thumbnails that a process made in an hour, and the seconds of its threads; see `pace`."""

    hour = models.DateTimeField()
    process = models.UUIDField()
    # Pictures of backfills that the process renders at once.
    threads = models.PositiveSmallIntegerField()
    thumbnails = models.BigIntegerField(default=0)
    seconds = models.FloatField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["hour", "process"], name="render_pace_one_per_hour_and_process"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.thumbnails} in {self.seconds:.0f} s"
