"""Years, months and days to choose from above a list, without reading the list."""

from datetime import date
from typing import Any

from django.template import Library
from django.utils import timezone
from django.utils.dates import MONTHS
from django.utils.formats import date_format
from django.utils.text import capfirst
from django.utils.translation import gettext as _

register = Library()
Choice = dict[str, Any]


@register.inclusion_tag("admin/date_hierarchy.html")
def drill_down(changelist: Any) -> dict[str, Any]:
    """Replace Django's, which asks the whole list which days it has.

    So a day without a row is offered too. The oldest row is found by the index that sorts the list.
    """
    field = changelist.date_hierarchy
    year, month, day = (int(changelist.params.get(f"{field}__{unit}") or 0) for unit in _UNITS)

    def link(*values: int) -> str:
        names = (f"{field}__{unit}" for unit in _UNITS)
        given = dict(zip(names, values, strict=False))
        return str(changelist.get_query_string(given, [f"{field}__"]))

    if year and month and day:
        shown = date(year, month, day)
        back = {"link": link(year, month), "title": _month(shown)}
        choices: list[Choice] = [{"title": _day(shown)}]
    elif year and month:
        back = {"link": link(year), "title": str(year)}
        choices = [
            {"link": link(year, month, each.day), "title": _day(each)}
            for each in _days(year, month)
        ]
    elif year:
        back = {"link": link(), "title": _("All dates")}
        choices = [
            {"link": link(year, each), "title": _month(date(year, each, 1))}
            for each in MONTHS
            if date(year, each, 1) <= timezone.localdate()
        ]
    else:
        back = None
        choices = [{"link": link(each), "title": str(each)} for each in _years(changelist)]
    return {"show": bool(choices), "back": back, "choices": choices}


_UNITS = ("year", "month", "day")


def _years(changelist: Any) -> range:
    field = changelist.date_hierarchy
    oldest = changelist.model._default_manager.order_by(field).values_list(field, flat=True).first()
    first = timezone.localtime(oldest).year if oldest else timezone.localdate().year
    return range(first, timezone.localdate().year + 1)


def _days(year: int, month: int) -> list[date]:
    first = date(year, month, 1)
    days = (date.fromordinal(first.toordinal() + number) for number in range(31))
    return [each for each in days if each.month == month and each <= timezone.localdate()]


def _month(day: date) -> str:
    return str(capfirst(date_format(day, "YEAR_MONTH_FORMAT")))


def _day(day: date) -> str:
    return str(capfirst(date_format(day, "MONTH_DAY_FORMAT")))
