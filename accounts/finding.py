"""Finding rows by whose they are, in the admin: a filter, and the search."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.names import login_key

# Of a beginning that more logins have, the first of them are searched.
MAX_ACCOUNTS = 100
# Rows of some accounts that are looked up first and sorted after that; of more, a list that goes
# by time meets enough soon.
MAX_SORTED = 2_000


class AccountFilter(admin.ListFilter):
    """The rows of one account, by its login or its UUID; a subclass names the field."""

    title = _("account")
    template = "admin/account_filter.html"
    parameter_name = "account"
    field = "user"

    def __init__(
        self, request: HttpRequest, params: dict[str, Any], model: Any, model_admin: Any
    ) -> None:
        super().__init__(request, params, model, model_admin)
        if values := params.pop(self.parameter_name, None):
            self.used_parameters[self.parameter_name] = values[-1]

    def has_output(self) -> bool:
        return True

    def expected_parameters(self) -> list[str | None]:
        return [self.parameter_name]

    def value(self) -> str:
        return str(self.used_parameters.get(self.parameter_name, "")).strip()

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if not self.value():
            return queryset
        account = Q(username_key=login_key(self.value()))
        if (uid := to_uuid(self.value())) is not None:
            account |= Q(pk=uid)
        # The keys themselves: a join would let the database begin with the wrong table.
        return queryset.filter(**{f"{self.field}__in": list(User.objects.filter(account))})

    def choices(self, changelist: Any) -> Iterator[dict[str, Any]]:
        """Yield what the form of the filter needs: other filters go with it."""
        others = [
            (name, value)
            for name, values in changelist.get_filters_params().items()
            if name != self.parameter_name
            for value in values
        ]
        if changelist.query:
            others.append(("q", changelist.query))
        yield {
            "name": self.parameter_name,
            "value": self.value(),
            "others": others,
            "query_string": changelist.get_query_string(remove=[self.parameter_name]),
        }


class OwnerFilter(AccountFilter):
    title = _("owner")
    parameter_name = "owner"
    field = "owner"


class MakerFilter(AccountFilter):
    title = _("maker")
    parameter_name = "maker"
    field = "maker"


def search_by_account(
    rows: QuerySet[Any], term: str, *, field: str, uid: str = ""
) -> QuerySet[Any]:
    """Return the rows of accounts whose login begins so, or those of a whole UUID in `uid`.

    Two look-ups by an index each: one condition for both would be answered by reading everything.
    """
    term = term.strip()
    if not term:
        return rows
    if uid and (whole := to_uuid(term)) is not None:
        return rows.filter(**{uid: whole})
    accounts = User.objects.filter(username_key__startswith=login_key(term))
    first = list(accounts.order_by("username_key").values_list("pk", flat=True)[:MAX_ACCOUNTS])
    return narrow(rows, **{f"{field}__in": first})


def narrow(rows: QuerySet[Any], **condition: Any) -> QuerySet[Any]:
    """Filter a list that goes by time by something with an index of its own.

    The database would read the list from its beginning until it has met a page's rows, which takes
    the whole table where there are few.
    """
    found = rows.model._default_manager.filter(**condition).order_by()
    keys = list(found.values_list("pk", flat=True)[: MAX_SORTED + 1])
    return rows.filter(**condition) if len(keys) > MAX_SORTED else rows.filter(pk__in=keys)


def to_uuid(text: str) -> UUID | None:
    """Read a UUID; None where it is none."""
    try:
        return UUID(text.strip())
    except ValueError:
        return None
