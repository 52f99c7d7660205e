"""Plans, the accounts chosen for them, the backfills that they started, and their history."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from thumbnails.models import Backfill
from tiers.models import Tier


class TierPlanQuerySet(models.QuerySet["TierPlan"]):
    def with_tiers(self) -> TierPlanQuerySet:
        """Load both tiers in the same query, whether they are there still or not."""
        return self.select_related("tier", "target")

    def undecided(self) -> TierPlanQuerySet:
        """Plans that may be applied still."""
        return self.filter(state__in=[self.model.State.PROPOSED, self.model.State.SAVED])

    def announced(self) -> TierPlanQuerySet:
        """Saved plans of which people were told."""
        return self.filter(state=self.model.State.SAVED, warned_at__isnull=False)

    def under_way(self) -> TierPlanQuerySet:
        """Plans that were applied and have not ended."""
        return self.filter(state__in=[self.model.State.RUNNING, self.model.State.PAUSED])

    def of_tier(self, tier: Tier) -> TierPlanQuerySet:
        """Plans that change or delete a tier; at most one of them is under way."""
        return self.filter(tier=tier, kind__in=[self.model.Kind.CHANGE, self.model.Kind.DELETE])


class TierPlan(models.Model):
    """A change of a tier, a move of accounts or the end of a tier: counted, then applied or not.

    See `plans.services`. It names accounts and tiers without constraints in the database: it
    outlives them, and the release before deletes them without knowing of it.
    """

    class Kind(models.TextChoices):
        CHANGE = "change", _("Change of a tier")
        MOVE = "move", _("Move of accounts")
        DELETE = "delete", _("End of a tier")

    class State(models.TextChoices):
        """Proposed ones are forgotten after a day; all others are kept."""

        PROPOSED = "proposed", _("Not decided")
        SAVED = "saved", _("Saved for later")
        RUNNING = "running", _("Running")
        PAUSED = "paused", _("Paused")
        CANCELLED = "cancelled", _("Cancelled")
        DONE = "done", _("Done")

    kind = models.CharField(_("kind"), max_length=6, choices=Kind.choices)
    state = models.CharField(
        _("state"), max_length=9, choices=State.choices, default=State.PROPOSED
    )
    # The tier that changes, that ends, or whose accounts all move. Null where chosen accounts move,
    # and once it is deleted.
    tier = models.ForeignKey(
        Tier, on_delete=models.SET_NULL, null=True, related_name="+", db_constraint=False
    )
    tier_name = models.CharField(max_length=64, blank=True)
    # Where accounts move.
    target = models.ForeignKey(
        Tier, on_delete=models.SET_NULL, null=True, related_name="+", db_constraint=False
    )
    target_name = models.CharField(max_length=64, blank=True)
    # What a tier says then, by field: pairs of before and after.
    changes = models.JSONField(default=dict)
    # What both tiers said when it was counted.
    basis = models.JSONField(default=dict)
    # `plans.counting.Counts`; null until it was counted, and where a change was made directly.
    counts = models.JSONField(null=True)
    counted_at = models.DateTimeField(null=True)
    # What came of it, `plans.progress.Outcome`, once it has ended.
    outcome = models.JSONField(null=True)

    # Who made and who applied it, by id and by name; both outlive the account.
    maker_id = models.UUIDField(null=True)
    maker_name = models.CharField(_("made by"), max_length=64, blank=True)
    applier_id = models.UUIDField(null=True)
    applier_name = models.CharField(_("applied by"), max_length=64, blank=True)
    created_at = models.DateTimeField(_("made"), default=timezone.now)
    applied_at = models.DateTimeField(_("applied"), null=True)
    ended_at = models.DateTimeField(_("ended"), null=True)
    # For how long it ran before it was paused last, and since when it runs now.
    ran_seconds = models.FloatField(default=0)
    running_since = models.DateTimeField(null=True)
    # How many pictures, or accounts, were done when that last changed; see `plans.clock`.
    marked_at = models.DateTimeField(null=True)
    marked_done = models.PositiveBigIntegerField(null=True)

    # How many accounts were moved, and how many were not, since they have another tier by now.
    accounts_moved = models.PositiveIntegerField(default=0)
    accounts_skipped = models.PositiveIntegerField(default=0)
    has_moved_all = models.BooleanField(default=False)

    # When a saved plan applies itself; null where somebody has to apply it.
    effective_at = models.DateTimeField(_("applies itself"), null=True)
    # Since when the accounts that lose something say so to their people; see `plans.warnings`.
    warned_at = models.DateTimeField(_("people told"), null=True)
    # Whether accounts are left to be told, in the order of their ids: those after `told_after`.
    is_telling = models.BooleanField(default=False, db_default=False)
    told_after = models.UUIDField(null=True)
    accounts_told = models.PositiveIntegerField(default=0, db_default=0)

    objects = TierPlanQuerySet.as_manager()

    class Meta:
        verbose_name, verbose_name_plural = _("tier plan"), _("tier plans")
        # Who may change what it changes may plan it; see `plans.permissions`.
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["tier"],
                condition=Q(state__in=["running", "paused"], kind__in=["change", "delete"]),
                name="tier_plan_one_under_way",
            ),
        ]
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="tier_plan_newest"),
            models.Index(
                fields=["state"],
                condition=Q(state__in=["proposed", "running", "paused"]),
                name="tier_plan_open",
            ),
            # Asked for whenever somebody reads an account of their own.
            models.Index(
                fields=["effective_at"],
                condition=Q(state="saved", warned_at__isnull=False),
                name="tier_plan_announced",
            ),
        ]

    def __str__(self) -> str:
        if self.kind == self.Kind.MOVE:
            former = self.tier_name or _("chosen accounts")
            return f"{former} → {self.target_name or '…'}"
        return self.tier_name

    @property
    def is_undecided(self) -> bool:
        return self.state in {self.State.PROPOSED, self.State.SAVED}

    @property
    def is_announced(self) -> bool:
        return self.state == self.State.SAVED and self.warned_at is not None

    @property
    def is_under_way(self) -> bool:
        return self.state in {self.State.RUNNING, self.State.PAUSED}


class PlannedAccount(models.Model):
    """An account that was chosen to be moved."""

    plan = models.ForeignKey(
        TierPlan, on_delete=models.CASCADE, related_name="chosen", db_index=False
    )
    account_id = models.UUIDField()
    former_tier_id = models.BigIntegerField()
    # Whether it had its turn: it has moved, or was skipped.
    is_done = models.BooleanField(default=False)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["plan", "account_id"], name="planned_account_once"),
        ]
        indexes = [
            models.Index(
                fields=["plan", "account_id"],
                condition=Q(is_done=False),
                name="planned_account_next",
            ),
            models.Index(fields=["account_id"], name="planned_account_plans"),
        ]

    def __str__(self) -> str:
        return str(self.account_id)


class PlannedBackfill(models.Model):
    """A backfill that a plan has started; every backfill belongs to a plan."""

    plan = models.ForeignKey(TierPlan, on_delete=models.CASCADE, related_name="+")
    backfill = models.OneToOneField(
        Backfill, on_delete=models.CASCADE, related_name="+", db_constraint=False
    )

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.backfill_id} of {self.plan_id}"


class PlanStep(models.Model):
    """What was done with a plan, when, and by whom."""

    class Kind(models.TextChoices):
        MADE = "made", _("Made")
        COUNTED = "counted", _("Counted anew")
        SAVED = "saved", _("Saved for later")
        WARNED = "warned", _("People are told")
        WITHDRAWN = "withdrawn", _("Withdrawn; people are told")
        NOT_APPLIED = "not-due", _("Did not apply itself, since a tier has changed")
        APPLIED = "applied", _("Applied")
        DIRECT = "direct", _("Made directly, without a plan")
        PAUSED = "paused", _("Paused")
        RESUMED = "resumed", _("Resumed")
        CANCELLED = "cancelled", _("Cancelled")
        SUPERSEDED = "superseded", _("Ended by another plan")
        DELETED = "deleted", _("The tier was deleted")
        DONE = "done", _("Done")

    plan = models.ForeignKey(TierPlan, on_delete=models.CASCADE, related_name="steps")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    at = models.DateTimeField(default=timezone.now)
    # "" where no person did it.
    by_name = models.CharField(max_length=64, blank=True)
    by_id = models.UUIDField(null=True)
    # The plan that this one ends for.
    other_id = models.BigIntegerField(null=True)

    class Meta:
        default_permissions = ()
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.at:%Y-%m-%d %H:%M}"
