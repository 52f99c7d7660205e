"""Whether a sign-in comes from a device that an account's log does not know yet."""

import json
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection

from accounts.known_devices import known_device
from accounts.models import SecurityEvent, User
from accounts.request_origin import RequestOrigin
from accounts.throttling import network_key

# Of an account's newest events, so that every sign-in looks at as few.
_LOOKED_AT = 200
_FROM_A_DEVICE = ("account.created", "sign-in")
# Clients that this process found in the log; where they are too many, they are found again.
_found: set["LogQuestion"] = set()
_MAX_FOUND = 10_000
# A text with a JSON array of addresses, by the database.
_LISTED = {
    "postgresql": "json_agg(distinct host(address))::text",
    "sqlite": "json_group_array(distinct address)",
}


@dataclass(frozen=True, slots=True)
class LogQuestion:
    """What an account's log is asked of a client: an SQL expression, and what its value means.

    An expression, so that a statement that is made anyway can ask it.
    """

    user_id: UUID
    network: str
    agent: str

    @property
    def sql(self) -> str:
        """An expression for where the account signed in from by the same program."""
        table = connection.ops.quote_name(SecurityEvent._meta.db_table)
        kinds = ", ".join(f"'{kind}'" for kind in _FROM_A_DEVICE)
        return (
            f"(select {_LISTED[connection.vendor]} from (select kind, address, agent from {table}"  # noqa: S608 (names of our own)
            f" where user_id = %s order by id desc limit {_LOOKED_AT}) newest"
            f" where kind in ({kinds}) and agent = %s)"
        )

    @property
    def parameters(self) -> list[Any]:
        user_id = SecurityEvent._meta.get_field("user_id")
        return [user_id.get_db_prep_value(self.user_id, connection), self.agent]

    def is_new(self, value: str | None) -> bool:
        """Tell from the expression's value whether the log knows nothing of the client."""
        networks = {network_key(RequestOrigin(address)) for address in json.loads(value or "[]")}
        if self.network not in networks:
            # Not remembered: the sign-in that asks is in the log next.
            return True
        if len(_found) >= _MAX_FOUND:
            _found.clear()
        _found.add(self)
        return False


def question_of(user: User, origin: RequestOrigin) -> LogQuestion | None:
    """Return what the log is to be asked; None where it is known that the device is not new.

    That is where a cookie tells of an earlier sign-in from there, or this process has seen it in
    the log. The same client in the same network counts as the same device, for programs keep no
    cookies. Outside of requests nothing is new.
    """
    if origin.client_ip is None and not origin.user_agent:
        return None
    if known_device(origin.device, user.username):
        return None
    question = LogQuestion(user.pk, network_key(origin), origin.user_agent)
    return None if question in _found else question


def find_new_device(user: User, origin: RequestOrigin) -> bool:
    """Return whether neither a cookie nor the log tells of an earlier sign-in from there."""
    question = question_of(user, origin)
    if question is None:
        return False
    with connection.cursor() as cursor:
        cursor.execute(f"select {question.sql}", question.parameters)
        [value] = cursor.fetchone()
    return question.is_new(value)
