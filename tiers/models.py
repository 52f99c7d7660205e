"""A tier and the thumbnail heights it grants."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

# The tier of new accounts; a migration creates it, like Premium and Enterprise.
DEFAULT_TIER_NAME = "Basic"
MIN_HEIGHT = 1
MAX_HEIGHT = 4096
# On libjpeg's and libwebp's scale from 1 to 100: below, artefacts are plain to see; above, files
# grow without visible gain.
MIN_QUALITY, DEFAULT_QUALITY, MAX_QUALITY = 20, 80, 95
# A 50-megapixel phone photograph is 12 to 15 MB as JPEG.
DEFAULT_UPLOAD_BYTES = 15 * 1024 * 1024
MIN_UPLOAD_BYTES, MAX_UPLOAD_BYTES = 1024, 200 * 1024 * 1024
DEFAULT_PIXELS, MAX_PIXELS = 50_000_000, 150_000_000
# The bounds of an expiring link in the specification of the image RESTful API.
DEFAULT_LINK_SECONDS = (300, 30_000)
MAX_LINK_SECONDS = 10 * 365 * 24 * 3600


class Tier(models.Model):
    """A plan that staff define; every account has exactly one."""

    name = models.CharField(_("name"), max_length=64, unique=True)
    grants_original = models.BooleanField(
        _("grants originals"), default=False, help_text=_("May the uploaded picture itself be had?")
    )
    grants_links = models.BooleanField(
        _("grants expiring links"), default=False, help_text=_("May expiring links be made?")
    )
    link_min_seconds = models.PositiveIntegerField(
        _("shortest link (seconds)"),
        default=DEFAULT_LINK_SECONDS[0],
        validators=[MinValueValidator(1)],
    )
    link_max_seconds = models.PositiveIntegerField(
        _("longest link (seconds)"),
        default=DEFAULT_LINK_SECONDS[1],
        validators=[MaxValueValidator(MAX_LINK_SECONDS)],
    )
    max_upload_bytes = models.PositiveIntegerField(
        _("largest upload (bytes)"),
        default=DEFAULT_UPLOAD_BYTES,
        validators=[MinValueValidator(MIN_UPLOAD_BYTES), MaxValueValidator(MAX_UPLOAD_BYTES)],
    )
    max_pixels = models.PositiveIntegerField(
        _("largest upload (pixels)"),
        default=DEFAULT_PIXELS,
        validators=[MinValueValidator(1), MaxValueValidator(MAX_PIXELS)],
    )
    max_pictures = models.PositiveIntegerField(
        _("most pictures"), null=True, blank=True, help_text=_("Empty: as many as one likes.")
    )
    max_stored_bytes = models.PositiveBigIntegerField(
        _("most stored bytes"),
        null=True,
        blank=True,
        help_text=_("Of everything that is stored for an account. Empty: no limit."),
    )
    cleans_originals = models.BooleanField(
        _("cleans originals"),
        default=True,
        help_text=_("Drop camera data, place and comments for anyone but the owner."),
    )
    quality = models.PositiveSmallIntegerField(
        _("thumbnail quality"),
        default=DEFAULT_QUALITY,
        db_default=DEFAULT_QUALITY,
        validators=[MinValueValidator(MIN_QUALITY), MaxValueValidator(MAX_QUALITY)],
        help_text=_(
            "Of JPEG and WebP, from 20 (small files) to 95 (fine detail); 80 suits most. "
            "A change renders the thumbnails of this tier again; the old ones are shown until then."
        ),
    )
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name, verbose_name_plural = _("tier"), _("tiers")
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                name="tier_link_seconds_in_order",
                condition=Q(link_min_seconds__gte=1, link_max_seconds__gte=F("link_min_seconds")),
                violation_error_message=_("The shortest link must not exceed the longest."),
            ),
            models.CheckConstraint(
                name="tier_quality_within_bounds",
                condition=Q(quality__gte=MIN_QUALITY, quality__lte=MAX_QUALITY),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class TierHeight(models.Model):
    """A thumbnail height in pixels that a tier grants."""

    tier = models.ForeignKey(Tier, on_delete=models.CASCADE, related_name="heights")
    height = models.PositiveIntegerField(
        _("height"), validators=[MinValueValidator(MIN_HEIGHT), MaxValueValidator(MAX_HEIGHT)]
    )

    class Meta:
        verbose_name, verbose_name_plural = _("thumbnail height"), _("thumbnail heights")
        ordering = ["height"]
        constraints = [
            models.UniqueConstraint(fields=["tier", "height"], name="tier_height_unique"),
            models.CheckConstraint(
                name="tier_height_within_bounds",
                condition=Q(height__gte=MIN_HEIGHT, height__lte=MAX_HEIGHT),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.height} px"
