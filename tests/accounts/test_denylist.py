"""Tokens on the denylist: several at once, and by several listeners at once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from accounts.denylist import _digest, deny_tokens, is_denied
from accounts.models import RevokedToken
from tests.transactions import another_connection_waits
from tests.waiting import until

END = timezone.now() + timedelta(hours=1)


@pytest.mark.django_db
def test_each_of_several_tokens_is_denied_until_its_own_end() -> None:
    ends = {name: END + timedelta(minutes=number) for number, name in enumerate("cab")}
    deny_tokens(ends)
    assert [is_denied(each) for each in "abcd"] == [True, True, True, False]
    assert is_denied("d", "a")
    found = dict(RevokedToken.objects.values_list("digest", "expires_at"))
    assert found == {_digest(name): end for name, end in ends.items()}


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_listeners_that_hear_the_same_logouts_in_other_orders_do_not_block_each_other() -> None:
    """Whatever a listener heard first, it waits for the other before it has written anything."""
    low, high = sorted("ab", key=_digest)

    def listen() -> None:
        try:
            deny_tokens({high: END, low: END})
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as threads:
        with transaction.atomic():
            RevokedToken.objects.create(digest=_digest(low), expires_at=END)
            other = threads.submit(listen)
            until(another_connection_waits, 30, lambda: "nobody waits")
            RevokedToken.objects.create(digest=_digest(high), expires_at=END)
        other.result(timeout=30)
    assert is_denied(low)
    assert is_denied(high)
    assert RevokedToken.objects.count() == 2
