"""The security log: who did what to accounts, sessions, links and rights, from where, how it ended.

Each event is a row that its account and staff can look at for RETENTION. What a request has caused
is one line of the logger `tintype.security` besides, written when the request is over. Nothing
secret is in either: no password, token or whole header.
"""

import json
import logging
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Any, Literal
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts.current_request import add_to_request, current_actor, current_origin
from accounts.models import SecurityEvent, User
from lib.batches import delete_batch
from lib.compiled_insert import CompiledInsert

logger = logging.getLogger("tintype.security")
RETENTION = timedelta(days=90)
_events = CompiledInsert(SecurityEvent)
# There may be as many as requests: config.env.logging writes one line a second of each.
REFUSALS = frozenset({"second-factor.refused", "sign-in.refused", "sign-in.throttled"})
Kind = Literal[
    "account.closed", "account.created", "account.deleted", "account.exported", "admin.added",
    "admin.changed", "admin.deleted", "email.changed", "email.verified", "invitation.accepted",
    "invitation.revoked", "link.changed", "link.made", "link.revoked", "password.changed",
    "password.reset", "recovery-code.used", "recovery-codes.made", "reset-link.made",
    "reset-link.revoked", "second-factor.added", "second-factor.refused", "second-factor.removed",
    "sessions.ended", "sign-in", "sign-in.refused", "sign-in.throttled", "token.ended",
    "token.made",
]  # fmt: skip


def record_event(kind: Kind, user: User | UUID | None = None, **facts: Any) -> None:
    """Write a row, in the caller's transaction, and a line once that is committed.

    `user` is the account concerned. Who acts is taken from the request; where nobody is signed in
    yet it is the account itself, unless the event is a refusal. `facts` are plain data.
    """
    event = _make_event(kind, user, facts)
    _events.insert(event)
    transaction.on_commit(partial(_write, event), robust=True)


def write_line(kind: Kind, user: User | UUID | None = None, **facts: Any) -> None:
    """Write a line alone, for what strangers can cause without end."""
    _write(_make_event(kind, user, facts))


def _make_event(kind: Kind, user: User | UUID | None, facts: dict[str, Any]) -> SecurityEvent:
    origin, actor = current_origin(), current_actor()
    user_id = user.pk if isinstance(user, User) else user
    by_itself = None if kind in REFUSALS else user_id
    return SecurityEvent(
        kind=kind,
        user_id=user_id,
        actor_id=actor.pk if actor else by_itself,
        address=origin.client_ip,
        agent=origin.user_agent,
        facts=facts,
        is_new_device=bool(facts.get("new_device")),
    )


def _write(event: SecurityEvent) -> None:
    """Write a line: at once outside of requests, else with what else the request has caused."""
    add_to_request(event, _write_line)


def _write_line(events: Sequence[SecurityEvent]) -> None:
    """Write the first event, and in `also` those that followed from it in the same request."""
    first, *others = events
    line = {"event": first.kind, **_common(first), **first.facts}
    if others:
        line["also"] = [
            {"event": each.kind, **_difference(each, first), **each.facts} for each in others
        ]
    # The kind is an argument of its own, by which a flood is told from other events.
    logger.info("%s %s", first.kind, json.dumps(line, default=str))


def _common(event: SecurityEvent) -> dict[str, Any]:
    return {"account": event.user_id, "by": event.actor_id, "address": event.address}


def _difference(event: SecurityEvent, first: SecurityEvent) -> dict[str, Any]:
    told = _common(first)
    return {name: value for name, value in _common(event).items() if value != told[name]}


def events_of(user_id: UUID, *, before: int | None = None) -> QuerySet[SecurityEvent]:
    """Return what concerns an account, newest first, from the event before an id on.

    By id alone, as the index has it: ids follow the order of events but for moments.
    """
    own = SecurityEvent.objects.filter(user_id=user_id, at__gte=timezone.now() - RETENTION)
    return (own if before is None else own.filter(pk__lt=before)).order_by("-pk")


def purge_security_events() -> int:
    """Delete a batch of events whose retention is over; return how many."""
    old = SecurityEvent.objects.filter(at__lt=timezone.now() - RETENTION)
    return delete_batch(old)
