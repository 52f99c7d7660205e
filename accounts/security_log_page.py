"""The security log as staff read it: newest first, filtered, page by page by the id of the last.

Each filter has an index, so that a page costs as many queries, and no scan, however long the log.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from heapq import nlargest
from ipaddress import ip_address
from itertools import islice
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import urlencode

from accounts.models import SecurityEvent, User
from accounts.names import login_key
from accounts.security_words import GROUPS, NEW_DEVICES, describe

PAGE_SIZE = 50
_DIGITS = re.compile(r"[0-9]{1,18}\Z")


@dataclass(frozen=True, slots=True)
class Entry:
    """An event as a line of the page."""

    event: SecurityEvent
    sentence: str
    account: str
    actor: str
    facts: str


@dataclass(frozen=True, slots=True)
class Filters:
    """What the address asks for; what cannot be read is left out."""

    group: str = ""
    # A login, an account's UUID or an address, as it was typed, and what it was found to be.
    who: str = ""
    account: UUID | None = None
    address: str = ""
    until: date | None = None
    before: int | None = None

    @property
    def finds_nobody(self) -> bool:
        return bool(self.who) and self.account is None and not self.address


def read_filters(request: HttpRequest) -> Filters:
    given = request.GET
    who = given.get("q", "").strip().replace("\0", "")
    address = _read_address(who)
    return Filters(
        group=given["group"] if given.get("group") in GROUPS else "",
        who=who,
        account=None if address or not who else _find_account(who),
        address=address,
        until=_read_date(given.get("until", "")),
        before=int(given["before"]) if _DIGITS.match(given.get("before", "")) else None,
    )


def _read_address(text: str) -> str:
    try:
        return str(ip_address(text))
    except ValueError:
        return ""


def _find_account(text: str) -> UUID | None:
    """Return the account of a login or a UUID, that of a deleted account too."""
    try:
        return UUID(text)
    except ValueError:
        found = User.objects.filter(username_key=login_key(text)).values_list("pk", flat=True)
        return found.first()


def _read_date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def find_entries(filters: Filters) -> tuple[list[Entry], str]:
    """Return the entries of a page, and the query of the next one, "" where there is none."""
    events = _find_events(filters)
    shown = events[:PAGE_SIZE]
    following = ""
    if len(events) > PAGE_SIZE:
        fields = {"group": filters.group, "q": filters.who, "before": str(shown[-1].pk)}
        following = urlencode({name: value for name, value in fields.items() if value})
    return _write(shown), following


def _find_events(filters: Filters) -> list[SecurityEvent]:
    """Return the events of a page and one more, each index asked by a query of its own."""
    if filters.finds_nobody:
        return []
    before = filters.before
    if before is None and filters.until:
        before = _first_after(filters.until)
    found: dict[int, SecurityEvent] = {}
    for rows in _indexed(filters):
        older = rows if before is None else rows.filter(pk__lt=before)
        found |= {each.pk: each for each in older.order_by("-pk")[: PAGE_SIZE + 1]}
    return nlargest(PAGE_SIZE + 1, found.values(), key=lambda each: each.pk)


def _indexed(filters: Filters) -> Iterable[QuerySet[SecurityEvent]]:
    """Yield parts of the log that are together what is asked for, each in the order of an index."""
    rows = SecurityEvent.objects.all()
    kinds = GROUPS[filters.group][1] if filters.group else ()
    if filters.group == NEW_DEVICES:
        rows = rows.filter(is_new_device=True)
    if filters.address or filters.account:
        by_kind = rows.filter(kind__in=kinds) if kinds else rows
        if filters.address:
            yield by_kind.filter(address=filters.address)
        else:
            yield by_kind.filter(user_id=filters.account)
            yield by_kind.filter(actor_id=filters.account)
    elif filters.group == NEW_DEVICES or not kinds:
        yield rows
    else:
        for kind in kinds:
            yield rows.filter(kind=kind)


def _first_after(day: date) -> int | None:
    """Return the id of the first event after a day (UTC), None where there is none."""
    end = datetime.combine(day, time.max, UTC)
    later = SecurityEvent.objects.filter(at__gt=end).order_by("at", "id")
    return later.values_list("pk", flat=True).first()


def _write(events: list[SecurityEvent]) -> list[Entry]:
    ids = {each for event in events for each in (event.user_id, event.actor_id) if each}
    logins = dict(User.objects.filter(pk__in=ids).values_list("pk", "username"))

    def name(user_id: UUID | None) -> str:
        return "" if user_id is None else logins.get(user_id, str(user_id))

    return [
        Entry(each, describe(each), name(each.user_id), name(each.actor_id), _facts(each.facts))
        for each in events
    ]


def _facts(facts: dict[str, Any]) -> str:
    """Return what else is known, without what the sentence says, and cut where it is long."""
    pairs = [(name, value) for name, value in facts.items() if name != "new_device"]
    texts = [f"{name}: {_text(value)}" for name, value in islice(pairs, 8)]
    return ", ".join(texts)[:300]


def _text(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def log_context(request: HttpRequest) -> dict[str, Any]:
    """Return what the page's template shows."""
    filters = read_filters(request)
    entries, following = find_entries(filters)
    home = reverse("admin:accounts_securityevent_changelist")
    return {
        "filters": filters,
        "groups": [(name, label) for name, (label, _) in GROUPS.items()],
        "entries": entries,
        "next_page": f"{home}?{following}" if following else "",
    }
