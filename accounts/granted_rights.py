"""What the history says of rights: which were given, and which were taken."""

from typing import Any

from django.forms import BaseForm
from django.utils.translation import gettext_noop

# By the field of a form: what the history calls what it holds.
_LISTS = {
    "groups": gettext_noop("role"),
    "user_permissions": gettext_noop("permission"),
    "permissions": gettext_noop("permission"),
}
_TICKS = {
    "is_staff": gettext_noop("staff"),
    "is_superuser": gettext_noop("superuser"),
}
_RIGHT = gettext_noop("right")


def describe_grants(form: BaseForm) -> list[dict[str, Any]]:
    """Return the parts of a change message that name what a form gave and took."""
    return [*_of_ticks(form), *_of_lists(form)]


def _of_ticks(form: BaseForm) -> list[dict[str, Any]]:
    return [
        {"added" if form.cleaned_data[field] else "deleted": {"name": _RIGHT, "object": name}}
        for field, name in _TICKS.items()
        if field in form.changed_data
    ]


def _of_lists(form: BaseForm) -> list[dict[str, Any]]:
    parts: list[dict[str, Any]] = []
    for field, name in _LISTS.items():
        if field in form.changed_data:
            before = {str(each) for each in form.initial.get(field) or []}
            after = {str(each) for each in form.cleaned_data[field]}
            given, taken = sorted(after - before), sorted(before - after)
            parts += [{"added": {"name": name, "object": each}} for each in given]
            parts += [{"deleted": {"name": name, "object": each}} for each in taken]
    return parts
