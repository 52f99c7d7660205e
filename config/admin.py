"""The admin site: throttled like every other sign-in, and fast on large tables."""

from functools import cached_property
from typing import Any

from django.contrib.admin import AdminSite
from django.contrib.admin.apps import AdminConfig as DjangoAdminConfig
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse

from accounts.exceptions import HashingBusy, TooManyAttempts

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
        """Return 429 when the sign-in is throttled, 503 when too many passwords are hashed."""
        from accounts.known_devices import remember_device

        try:
            response = super().login(request, extra_context)
        except (TooManyAttempts, HashingBusy) as error:
            return _come_back_later(request, error)
        if request.method == "POST" and request.user.is_authenticated:
            remember_device(response, request.user)
        return response

    def password_change(  # type: ignore[override]  # redirects are no templates
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponseBase:
        """Return 429 or 503 as `login` does for the check of the current password."""
        # It needs the models, and this module is loaded before them.
        from accounts.own_password import OwnPasswordView

        view = OwnPasswordView.as_view(
            success_url=reverse("admin:password_change_done", current_app=self.name),
            template_name="registration/password_change_form.html",
            extra_context={**self.each_context(request), **(extra_context or {})},
        )
        request.current_app = self.name
        try:
            return view(request)
        except (TooManyAttempts, HashingBusy) as error:
            return _come_back_later(request, error)


def _come_back_later(request: HttpRequest, error: TooManyAttempts | HashingBusy) -> HttpResponse:
    status = 429 if isinstance(error, TooManyAttempts) else 503
    context = {"retry_after": error.retry_after}
    response = render(request, "admin/too_many_attempts.html", context, status=status)
    response["Retry-After"] = str(error.retry_after)
    return response


class AdminConfig(DjangoAdminConfig):
    """Replaces Django's admin site by TintypeAdminSite."""

    default_site = "config.admin.TintypeAdminSite"
