"""Figures as people read them."""

from datetime import datetime

from django.template import Library
from django.utils import timezone

from staff.plots import show_count
from tiers.quantities import format_seconds

register = Library()
register.filter("grouped", show_count)
# A time of several units is shown with the largest two.
_SHOWN_UNITS = 2


@register.filter
def age(at: datetime | None) -> str:
    """Return how long ago something was: "2 min 5 s"."""
    if at is None:
        return "–"
    seconds = max(0, int((timezone.now() - at).total_seconds()))
    return " ".join(format_seconds(seconds).split()[: 2 * _SHOWN_UNITS])
