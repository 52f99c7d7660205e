"""An account's page with all that belongs to it at a glance."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from accounts.look_alikes import find_marks
from accounts.models import User
from plans.admin import PlannedUserAdmin
from staff.account_page import glance_at

admin.site.unregister(User)


class MarkedChangeList(ChangeList):
    """A list of accounts that says which names may be taken for others'."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.result_list = list(self.result_list)
        marks = find_marks(self.result_list)
        for account in self.result_list:
            account.mark = marks.get(account.pk, "")


@admin.register(User)
class GlancedUserAdmin(PlannedUserAdmin):
    """Accounts, each with its newest pictures, links and sessions beside its form."""

    change_form_template = "staff/account.html"
    list_display = ["marked_login", *PlannedUserAdmin.list_display[1:]]

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return MarkedChangeList

    @admin.display(description=_("login"), ordering="username")
    def marked_login(self, user: User) -> str:
        mark = getattr(user, "mark", "")
        if not mark:
            return user.username
        return format_html('{} <span class="look-alike">{}</span>', user.username, mark)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        account = context.get("original")
        if isinstance(account, User) and isinstance(request.user, User):
            context["glance"] = glance_at(account, request.user)
            context["mark"] = find_marks([account]).get(account.pk)
        return super().render_change_form(request, context, *args, **kwargs)
