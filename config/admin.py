"""The admin site: throttled like every other sign-in, and fast on large tables."""

from datetime import MAXYEAR
from functools import cached_property
from typing import Any, Literal

from django.contrib.admin import AdminSite, ModelAdmin, ShowFacets, action, actions
from django.contrib.admin.apps import AdminConfig as DjangoAdminConfig
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.messages import ERROR
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.decorators import method_decorator
from django.utils.http import urlencode
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from accounts.exceptions import HashingBusy, TooManyAttempts
from lib.naming import MAX_NAMED, name_first

# Counting every row scans the table, and nobody turns this many rows' pages by hand.
MAX_COUNTED_ROWS = 10_000
# What Django's filters write into addresses.
_FILTER_LOOKUPS = frozenset({"exact", "isnull", "isempty", "gte", "lt"})


class BoundedPaginator(Paginator[Any]):
    """Counts at most MAX_COUNTED_ROWS; search and filters reach the rows beyond."""

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return int(rows.order_by().values("pk")[:MAX_COUNTED_ROWS].count())


class GuardedAdmin(ModelAdmin[Any]):
    """What holds for every model's pages; the site mixes it into each.

    Pages may declare `is_deleted_with_its_owner`: whoever may delete what a row belongs to may
    delete the row with it; `goes_alone`: nothing refers to a row; and `linked_lookups`, which links
    between our own pages have in their addresses beside those of `list_filter`.
    """

    # Counting what each filter would leave reads the whole table, for each of them.
    show_facets = ShowFacets.NEVER

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Allow what the page's own filters write: no address picks a field or a look-up.

        Django allows any look-up of the model's own fields: a regular expression that runs for
        minutes, or comparisons that tell a hash digit by digit.
        """
        path, _sep, kind = lookup.rpartition("__")
        filtered = {_field_of(each) for each in self.list_filter if not callable(each)}
        linked: tuple[str, ...] = getattr(self, "linked_lookups", ())
        is_filter = kind in _FILTER_LOOKUPS and path.removesuffix("__id") in filtered
        own = {getattr(each, "parameter_name", "") for each in self.list_filter if callable(each)}
        return (
            is_filter
            or lookup in {*filtered, *linked, *own}
            or self._is_date(lookup, value, request)
        )

    def _is_date(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Tell whether a look-up is one of the years, months and days above the list."""
        if not self.date_hierarchy or f"{self.date_hierarchy}__year" not in request.GET:
            return False
        field, _sep, unit = lookup.rpartition("__")
        last = {"year": MAXYEAR - 1, "month": 12, "day": 31}.get(unit, 0)
        return field == self.date_hierarchy and value.isdecimal() and 1 <= int(value) <= last

    def response_action(
        self, request: HttpRequest, queryset: QuerySet[Any], *args: Any, **kwargs: Any
    ) -> HttpResponse | None:
        """Refuse to do with more rows than the list counts what is asked for all of them."""
        if request.POST.get("select_across") == "1":
            everything = self.get_changelist_instance(request).get_queryset(request)
            if (
                everything.order_by().values("pk")[: MAX_COUNTED_ROWS + 1].count()
                > MAX_COUNTED_ROWS
            ):
                text = _("These are more than %d: choose fewer by a filter or a search.")
                self.message_user(request, text % MAX_COUNTED_ROWS, ERROR)
                return HttpResponseRedirect(request.get_full_path())
        return super().response_action(request, queryset, *args, **kwargs)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        if getattr(self, "goes_alone", False):
            count = {capfirst(self.opts.verbose_name_plural): len(objs)}
            allowed = self.has_delete_permission(request)
            return name_first(objs), count, set() if allowed else {self.opts.verbose_name}, []
        names, counts, forbidden, protected = super().get_deleted_objects(objs, request)
        carried = {
            str(model._meta.verbose_name)
            for model, admin in self.admin_site._registry.items()
            if model is not self.model and getattr(admin, "is_deleted_with_its_owner", False)
        }
        return names, counts, forbidden - carried, protected


def _field_of(list_filter: Any) -> str:
    """Return the field of an entry of `list_filter`: its name, or a pair of name and class."""
    return str(list_filter if isinstance(list_filter, str) else list_filter[0])


class RecordedAdmin(ModelAdmin[Any]):
    """Writes what is added, changed and deleted in the admin into the security log."""

    def log_addition(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        _record("admin.added", obj)
        return super().log_addition(request, obj, message)

    def log_change(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        facts = {"changes": _changed_fields(message), **_grants(message)}
        _record("admin.changed", obj, **facts)
        return super().log_change(request, obj, message)

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        rows = list(queryset)
        for obj in rows[:MAX_NAMED]:
            _record("admin.deleted", obj)
        if len(rows) > MAX_NAMED:
            # An entry for each would be thousands of statements; the admin's history has them all.
            _record("admin.deleted", rows[MAX_NAMED], more=len(rows) - MAX_NAMED - 1)
        return super().log_deletions(request, queryset)


def _record(
    kind: Literal["admin.added", "admin.changed", "admin.deleted"], obj: Model, **facts: Any
) -> None:
    # They need the models, and this module is loaded before them.
    from accounts.models import User
    from accounts.security_log import record_event

    user = obj if isinstance(obj, User) else None
    record_event(kind, user, model=obj._meta.model_name, object=str(obj.pk), **facts)


def _changed_fields(message: Any) -> Any:
    """Return the names of fields of Django's change message; it holds no values."""
    if isinstance(message, str):
        return message
    return [
        field for part in message for change in part.values() for field in change.get("fields", [])
    ]


def _grants(message: Any) -> dict[str, list[str]]:
    """Return the rights that a change message says were given and taken."""
    if isinstance(message, str):
        return {}
    found = {
        fact: [f"{part[kind]['name']} {part[kind]['object']}" for part in message if part.get(kind)]
        for fact, kind in (("given", "added"), ("taken", "deleted"))
    }
    return {fact: names for fact, names in found.items() if names}


@action(
    permissions=["delete"],
    description=actions.delete_selected.short_description,  # type: ignore[attr-defined]  # its decorator's
)
def delete_selected(
    pages: ModelAdmin[Any], request: HttpRequest, queryset: QuerySet[Any]
) -> HttpResponse | None:
    """Delete as Django does, and ask again where there are others than those that were shown.

    The page that asks sends "all" back, not each row: a form may have a thousand fields.
    """
    counted = request.POST.get("counted", "")
    if counted and counted != str(len(queryset)):
        unconfirmed = request.POST.copy()
        unconfirmed.pop("post", None)
        request.POST = unconfirmed  # type: ignore[assignment]  # it is only read from here on
    return actions.delete_selected(pages, request, queryset)


class TintypeAdminSite(AdminSite):
    site_header = "Tintype"
    site_title = "Tintype"
    index_title = _lazy("How the service is")

    def __init__(self, name: str = "admin") -> None:
        super().__init__(name)
        self.disable_action("delete_selected")
        self.add_action(delete_selected)

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        options = {"paginator": BoundedPaginator, "show_full_result_count": False, **options}
        pages = admin_class or ModelAdmin
        guarded = type(
            pages.__name__, (GuardedAdmin, RecordedAdmin, pages), {"__module__": pages.__module__}
        )
        super().register(model_or_iterable, guarded, **options)

    def index(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        """Show how the service is above what there is; a part that hangs is not waited for."""
        # They need the models, and this module is loaded before them.
        from accounts.models import User
        from config.health.views import PartsAtWork
        from staff.home import find_home

        if not isinstance(request.user, User):
            raise PermissionDenied
        parts = PartsAtWork()
        home = find_home(request.user)
        context = {"home": home, "parts": parts.wait(), **(extra_context or {})}
        return super().index(request, context)

    def login(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Return 429 when the sign-in is throttled, 503 when too many passwords are hashed."""
        from accounts.known_devices import remember_device

        if request.method == "GET" and getattr(request.user, "rights_rest", False):
            # A password alone was given.
            return _ask_for_code(request)
        try:
            response = super().login(request, extra_context)
        except (TooManyAttempts, HashingBusy) as error:
            return _come_back_later(request, error)
        if request.method == "POST" and request.user.is_authenticated:
            remember_device(response, request.user)
        return response

    def get_urls(self) -> list[Any]:
        return [
            path("second-factor/", self.second_factor, name="second_factor"),
            path("roles/", self.admin_view(self.roles), name="roles"),
            *super().get_urls(),
        ]

    def roles(self, request: HttpRequest) -> HttpResponse:
        """Show to all staff what each role may do."""
        # They need the models, and this module is loaded before them.
        from accounts.admin import is_superuser
        from staff.roles import describe_roles

        context = {
            **self.each_context(request),
            "title": _("What each role may do"),
            "roles": describe_roles(),
            "shows_members": is_superuser(request),
        }
        return render(request, "admin/roles.html", context)

    @method_decorator(never_cache)
    @method_decorator(sensitive_post_parameters("code"))
    def second_factor(self, request: HttpRequest) -> HttpResponse:
        """Show the page of one's own second factor, also to those whose rights rest without it."""
        # It needs the models, and this module is loaded before them.
        from accounts.second_factor_page import show_second_factor

        request.current_app = self.name
        try:
            return show_second_factor(request, self.each_context(request))
        except TooManyAttempts as error:
            return _come_back_later(request, error)

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


def _ask_for_code(request: HttpRequest) -> HttpResponse:
    query = urlencode({REDIRECT_FIELD_NAME: request.GET.get(REDIRECT_FIELD_NAME, "")})
    return HttpResponseRedirect(f"{reverse('admin:second_factor')}?{query}")


def _come_back_later(request: HttpRequest, error: TooManyAttempts | HashingBusy) -> HttpResponse:
    status = 429 if isinstance(error, TooManyAttempts) else 503
    context = {"retry_after": error.retry_after}
    response = render(request, "admin/too_many_attempts.html", context, status=status)
    response["Retry-After"] = str(error.retry_after)
    return response


class AdminConfig(DjangoAdminConfig):
    """Replaces Django's admin site by TintypeAdminSite."""

    default_site = "config.admin.TintypeAdminSite"
