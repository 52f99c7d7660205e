"""Naming a few of many rows."""

from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext as _

MAX_NAMED = 20


def name_first(rows: Sequence[Any]) -> list[str]:
    """Return the names of the first rows that are to be deleted, and how many more there are."""
    names = [str(each) for each in rows[:MAX_NAMED]]
    more = len(rows) - len(names)
    return [*names, _("… and %d more") % more] if more else names
