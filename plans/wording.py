"""What a plan says, as rows of the tables that people read."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.template.defaultfilters import filesizeformat
from django.utils.formats import number_format
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from plans.models import TierPlan
from plans.progress import outcome_of
from tiers.models import Tier
from tiers.quantities import BYTES, PIXELS, format_amount, format_seconds
from tiers.services import HEIGHTS

# By the fields of `counting.Counts`, in the order in which they are shown.
_LABELS = {
    "accounts": gettext_lazy("Accounts"),
    "pictures": gettext_lazy("Pictures concerned"),
    "thumbnails_made": gettext_lazy("Thumbnails to make"),
    "thumbnails_replaced": gettext_lazy("Of these, in place of others"),
    "thumbnails_removed": gettext_lazy("Thumbnails to remove"),
    "bytes_made": gettext_lazy("Bytes that come"),
    "bytes_removed": gettext_lazy("Bytes that go"),
    "failed_pictures": gettext_lazy("Failed pictures that are tried again"),
}
# What people lose, with its note. Shown where it is not 0.
_LOSSES = {
    "lose_originals": gettext_lazy("People who lose their originals"),
    "links_ended": gettext_lazy("Live links that end"),
    "over_quota": gettext_lazy("Accounts over the new quota"),
    "invitations_ended": gettext_lazy("Open invitations that end"),
}
_ESTIMATED = {
    "thumbnails_made", "thumbnails_replaced", "thumbnails_removed", "bytes_made", "bytes_removed",
    "failed_pictures",
}  # fmt: skip
_IN_BYTES = {"bytes_made", "bytes_removed"}
_UNITS = {"max_upload_bytes": BYTES, "max_stored_bytes": BYTES, "max_pixels": PIXELS}


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a table: what was planned, and what has come of it so far."""

    label: str
    planned: str
    outcome: str = ""


def rows_of(plan: TierPlan) -> list[Row]:
    """Return what a plan comes to; where it was applied, with what has come of it."""
    counts = plan.counts or {}
    outcome = {} if plan.is_undecided else outcome_of(plan)
    if plan.kind == TierPlan.Kind.CHANGE:
        outcome.pop("accounts", None)
    shown = [name for name in _LABELS if name in counts or name in outcome]
    rows = [
        Row(
            str(_LABELS[name]),
            _show(name, counts[name], counts) if name in counts else "–",
            _amount(name, outcome[name]) if name in outcome else "",
        )
        for name in shown
        if name != "failed_pictures" or counts.get(name)
    ]
    return [*rows, *_time_rows(counts)]


def _time_rows(counts: dict[str, Any]) -> list[Row]:
    if not counts.get("thumbnails_made"):
        return []
    return [Row(_("Time at the pace of the last day"), show_time(counts["seconds"]))]


def losses_of(plan: TierPlan) -> list[Row]:
    """Return what people lose by a plan; nothing where they lose nothing."""
    counts = plan.counts or {}
    return [
        Row(str(label), number_format(counts[name], force_grouping=True))
        for name, label in _LOSSES.items()
        if counts.get(name)
    ]


def _show(name: str, value: int, counts: dict[str, Any]) -> str:
    is_estimate = name == "bytes_made" or (counts.get("sampled") and name in _ESTIMATED)
    return f"≈ {_amount(name, value)}" if is_estimate and value else _amount(name, value)


def _amount(name: str, value: int) -> str:
    if name in _IN_BYTES:
        return str(filesizeformat(value))
    return number_format(value, force_grouping=True)


def show_time(seconds: float | None) -> str:
    """Return a time as roughly as it is known: two units at most."""
    if seconds is None:
        return _("not known: nothing was rendered in the last day")
    rounded = round(seconds) if seconds < 60 else round(seconds / 60) * 60
    return "≈ " + " ".join(format_seconds(max(1, rounded)).split()[:4])


def changes_of(plan: TierPlan) -> list[tuple[str, str, str]]:
    """Return what a tier says otherwise: the field's name, before and after."""
    return [
        (capfirst(_field(name)), _value(name, before), _value(name, after))
        for name, (before, after) in plan.changes.items()
    ]


def name_fields(names: Iterable[str]) -> list[str]:
    """Return what fields of a tier are called."""
    return [_field(name) for name in names]


def _field(name: str) -> str:
    if name == HEIGHTS:
        return _("heights")
    return str(Tier._meta.get_field(name).verbose_name)  # type: ignore[union-attr]  # a column


def _value(name: str, value: Any) -> str:
    if value is None:
        return _("no limit")
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if name == HEIGHTS:
        return ", ".join(map(str, value)) or _("none")
    if name in _UNITS:
        return format_amount(value, _UNITS[name])
    return format_seconds(value) if name.endswith("_seconds") else str(value)
