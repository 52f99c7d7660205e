"""The admin site: behind the same throttle as every door, and fast on large tables."""

from functools import cached_property
from typing import Any

from django.contrib.admin import AdminSite
from django.contrib.admin.apps import AdminConfig as DjangoAdminConfig
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from accounts.exceptions import TooManyAttempts

# Counting every row scans the table; nobody turns more pages than this by hand.
MOST_COUNTED = 10_000


class BoundedPaginator(Paginator[Any]):
    """Counts no further than people page; searching and filtering reach the rest."""

    @cached_property
    def count(self) -> int:
        """Return the number of rows, or MOST_COUNTED where there are more."""
        rows: Any = self.object_list
        return int(rows.order_by().values("pk")[:MOST_COUNTED].count())


class TintypeAdminSite(AdminSite):
    """Django's admin under our name."""

    site_header = "Tintype"
    site_title = "Tintype"
    index_title = "Pictures, tiers and people"

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        """Keep every list from counting its whole table."""
        options = {"paginator": BoundedPaginator, "show_full_result_count": False, **options}
        super().register(model_or_iterable, admin_class, **options)

    def login(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Answer 429 where the throttle says no, before any password is hashed."""
        try:
            return super().login(request, extra_context)
        except TooManyAttempts as error:
            context = {"retry_after": error.retry_after}
            response = render(request, "admin/too_many_attempts.html", context, status=429)
            response["Retry-After"] = str(error.retry_after)
            return response


class AdminConfig(DjangoAdminConfig):
    """Puts our site in place of Django's."""

    default_site = "config.admin.TintypeAdminSite"
