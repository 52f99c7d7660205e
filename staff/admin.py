"""An account's page with all that belongs to it at a glance."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse

from accounts.models import User
from staff.account_page import glance_at
from upkeep.admin import ClosableUserAdmin

admin.site.unregister(User)


@admin.register(User)
class GlancedUserAdmin(ClosableUserAdmin):
    """Accounts, each with its newest pictures, links and sessions beside its form."""

    change_form_template = "staff/account.html"

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        account = context.get("original")
        if isinstance(account, User) and isinstance(request.user, User):
            context["glance"] = glance_at(account, request.user)
        return super().render_change_form(request, context, *args, **kwargs)
