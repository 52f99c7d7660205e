"""Filters of the lists of pictures and links that read no more than they show."""

from collections.abc import Iterable
from typing import Any

from django.contrib.admin import SimpleListFilter
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.finding import narrow
from images.formats.registry import FORMATS
from images.models import HAS_OPENINGS, Link
from tiers.models import Tier


class FormatFilter(SimpleListFilter):
    """By one of the formats that are taken: which of them the table has would take a scan."""

    title = gettext_lazy("format")
    parameter_name = "format__exact"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        return [(name, name) for name in FORMATS]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(format=self.value()) if self.value() else queryset


class TierFilter(SimpleListFilter):
    """By the tier that the owner has now."""

    title = gettext_lazy("tier")
    parameter_name = "tier"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        return [(str(pk), name) for pk, name in Tier.objects.values_list("pk", "name")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() not in {value for value, _name in self.lookup_choices}:
            return queryset
        return narrow(queryset, owner__tier=self.value())


class LiveFilter(SimpleListFilter):
    """By whether a link still opens, as its row says."""

    title = gettext_lazy("state")
    parameter_name = "live"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        return [("yes", _("live")), ("revoked", _("revoked")), ("expired", _("expired"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Link]) -> QuerySet[Link]:
        now = timezone.now()
        if self.value() == "yes":
            return queryset.filter(HAS_OPENINGS, revoked_at=None, expires_at__gt=now)
        if self.value() == "revoked":
            return queryset.exclude(revoked_at=None)
        return queryset.filter(expires_at__lte=now) if self.value() == "expired" else queryset
