"""What the admin's first page says of the service, to each what he or she may see.

Constant queries, none of which reads more than some thousand rows: counts come from `Day`, what is
queued or failed from indexes that hold nothing else.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.db.models import Min, QuerySet
from django.template.defaultfilters import filesizeformat
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from accounts.look_alikes import find_marks
from accounts.models import User
from images.models import Picture
from images.permissions import PicturePermission, reaches_others
from notifications.models import OutboxMessage
from staff.counting import SHOWN_DAYS, count_uploads
from staff.models import Day, TierCounts
from staff.plots import Plot, draw_columns
from thumbnails.failures import describe_failure

# Whatever is queued is counted up to here.
MAX_COUNTED = 10_000
# Of the failed pictures the newest ones tell what fails.
MAX_FAILURES = 1_000
_MAX_REASONS = 8
_NEWEST_ACCOUNTS = 5
# Older counts are said to be old: a worker counts every ten seconds.
_OLD = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Backlog:
    """So many that wait, MAX_COUNTED at most, and since when the first does."""

    count: int
    since: datetime | None

    @property
    def is_more(self) -> bool:
        return self.count >= MAX_COUNTED


@dataclass(frozen=True, slots=True)
class Failures:
    """How many pictures have failed, MAX_FAILURES at most, and why."""

    count: int
    reasons: list[tuple[str, int]]

    @property
    def is_more(self) -> bool:
        return self.count >= MAX_FAILURES


@dataclass(slots=True)
class Home:
    """The figures of the page; None where somebody may not see them."""

    today: Day | None
    is_old: bool
    queue: Backlog
    outbox: Backlog
    sees_pictures: bool
    sees_accounts: bool
    sees_links: bool
    sees_sessions: bool
    uploads_today: int = 0
    openings_today: int = 0
    tiers: list[TierCounts] = field(default_factory=list)
    failures: Failures | None = None
    # Each with why its name may deceive, "" where it does not.
    newest_accounts: list[tuple[User, str]] = field(default_factory=list)
    plots: list[Plot] = field(default_factory=list)


def find_home(viewer: User) -> Home:
    """Return what the first page says to somebody."""
    now = timezone.now()
    days = _newest_days(now)
    counted = [each for each in days.values() if each.is_counted]
    today = max(counted, key=lambda each: each.date, default=None)
    home = Home(
        today=today,
        is_old=bool(today and today.counted_at and today.counted_at < now - _OLD),
        queue=_find_queue(),
        outbox=_find_outbox(),
        sees_pictures=reaches_others(viewer, PicturePermission.VIEW),
        sees_accounts=viewer.has_perm("accounts.view_user"),
        sees_links=viewer.has_perm("images.view_link"),
        sees_sessions=viewer.has_perm("accounts.view_session"),
    )
    if home.sees_pictures:
        uploads = _count_uploads(days, now)
        home.uploads_today = uploads[-1][1][0]
        home.tiers = today.tier_counts if today else []
        home.failures = _find_failures()
        home.plots = [_plot_uploads(uploads), _plot_bytes(days, now)]
    if home.sees_links:
        day = days.get(now.date())
        home.openings_today = day.openings if day else 0
        home.plots.append(_plot_openings(days, now))
    if home.sees_accounts:
        accounts = User.objects.filter(removal_due_at=None).select_related("tier")
        newest = list(accounts.order_by("-date_joined", "id")[:_NEWEST_ACCOUNTS])
        marks = find_marks(newest)
        home.newest_accounts = [(each, marks.get(each.pk, "")) for each in newest]
    return home


def _newest_days(now: datetime) -> dict[date, Day]:
    first = now.date() - timedelta(days=SHOWN_DAYS - 1)
    return {each.date: each for each in Day.objects.filter(date__gte=first)}


def _count_uploads(days: dict[date, Day], now: datetime) -> list[tuple[str, list[int]]]:
    """Return the uploads of each day, today's up to this moment."""
    found = [(label, [day.uploads if day else 0]) for label, day in _by_date(days, now)]
    today = days.get(now.date())
    midnight = datetime.combine(now.date(), datetime.min.time(), UTC)
    since = max(midnight, today.uploads_until) if today and today.uploads_until else midnight
    found[-1][1][0] += count_uploads(since, now, at_most=MAX_COUNTED)
    return found


def _by_date(days: dict[date, Day], now: datetime) -> list[tuple[str, Day | None]]:
    dates = (now.date() - timedelta(days=back) for back in reversed(range(SHOWN_DAYS)))
    return [(date_format(each, "j M"), days.get(each)) for each in dates]


def _plot_uploads(uploads: list[tuple[str, list[int]]]) -> Plot:
    return draw_columns("uploads", _("Uploads a day"), [_("Uploads")], uploads)


def _plot_bytes(days: dict[date, Day], now: datetime) -> Plot:
    values = [
        (
            label,
            [day.originals_bytes, day.thumbnails_bytes, day.other_bytes]
            if day and day.is_counted
            else None,
        )
        for label, day in _by_date(days, now)
    ]
    series = [_("Originals"), _("Thumbnails"), _("Other copies")]
    return draw_columns("bytes", _("Stored bytes"), series, values, show=filesizeformat, base=1024)


def _plot_openings(days: dict[date, Day], now: datetime) -> Plot:
    values = [(label, [day.openings if day else 0]) for label, day in _by_date(days, now)]
    return draw_columns("openings", _("Openings of links a day"), [_("Openings")], values)


def _find_queue() -> Backlog:
    pending = Picture.objects.pending()
    return Backlog(count=_count(pending), since=pending.aggregate(at=Min("render_wanted_at"))["at"])


def _find_outbox() -> Backlog:
    oldest = OutboxMessage.objects.order_by("pk").values_list("created_at", flat=True).first()
    return Backlog(count=_count(OutboxMessage.objects.all()) if oldest else 0, since=oldest)


def _count(rows: QuerySet[Any]) -> int:
    return int(rows.order_by().values("pk")[:MAX_COUNTED].count())


def _find_failures() -> Failures:
    failed = Picture.objects.filter(rendering=Picture.Rendering.FAILED).order_by("-created_at")
    newest = list(failed.values_list("render_failure", flat=True)[:MAX_FAILURES])
    reasons = Counter(newest).most_common(_MAX_REASONS)
    return Failures(len(newest), [(describe_failure(why), count) for why, count in reasons])
