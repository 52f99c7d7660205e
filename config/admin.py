"""The admin site: throttled like every other sign-in, and fast on large tables."""

from functools import cached_property
from typing import Any

from django.contrib.admin import AdminSite
from django.contrib.admin.apps import AdminConfig as DjangoAdminConfig
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from accounts.exceptions import TooManyAttempts

# Counting every row scans the table, and nobody turns this many rows' pages by hand.
MAX_COUNTED_ROWS = 10_000


class BoundedPaginator(Paginator[Any]):
    """Counts at most MAX_COUNTED_ROWS; search and filters reach the rows beyond."""

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return int(rows.order_by().values("pk")[:MAX_COUNTED_ROWS].count())


class TintypeAdminSite(AdminSite):
    site_header = "Tintype"
    site_title = "Tintype"
    index_title = "Pictures, tiers and people"

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        options = {"paginator": BoundedPaginator, "show_full_result_count": False, **options}
        super().register(model_or_iterable, admin_class, **options)

    def login(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Return 429 when the sign-in is throttled, before any password is hashed."""
        try:
            return super().login(request, extra_context)
        except TooManyAttempts as error:
            context = {"retry_after": error.retry_after}
            response = render(request, "admin/too_many_attempts.html", context, status=429)
            response["Retry-After"] = str(error.retry_after)
            return response


class AdminConfig(DjangoAdminConfig):
    """Replaces Django's admin site by TintypeAdminSite."""

    default_site = "config.admin.TintypeAdminSite"
