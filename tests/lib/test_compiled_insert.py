from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import SecurityEvent, Session, User
from lib.compiled_insert import CompiledInsert


def test_a_row_is_as_save_writes_it(
    alice: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    insert = CompiledInsert(Session).insert
    facts = {"user": alice, "scheme": "cookie", "expires_at": timezone.now() + timedelta(days=1)}
    more = {"address": "2001:db8::1", "scopes": ["read"], "issued_jwts": [{"iat": 1}], "name": "ü"}
    for each in ({}, more):
        made, saved = Session(**facts, **each), Session(**facts, **each)
        with django_assert_num_queries(1):
            insert(made)
        saved.save()
        found = Session.objects.filter(pk__in=[made.pk, saved.pk])
        own = {"id", "created_at", "last_used_at"}
        one, other = ({n: v for n, v in row.items() if n not in own} for row in found.values())
        assert one == other
        assert not made._state.adding
        assert made._state.db == saved._state.db
        made.agent = "another"
        made.save(update_fields=["agent"])
    with pytest.raises(IntegrityError), transaction.atomic():
        insert(made)


def test_an_insert_answers_what_it_is_asked_about_other_rows(
    alice: User, bob: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    asked = "(select count(*) from accounts_user where username <> %s)", ["nobody"]
    session = Session(user=alice, scheme="cookie", expires_at=timezone.now())
    event = SecurityEvent(kind="sign-in")
    with django_assert_num_queries(2):
        assert CompiledInsert(Session).insert_and_ask(session, *asked) == 2
        assert CompiledInsert(SecurityEvent).insert_and_ask(event, *asked) == 2
    assert Session.objects.get() == session
    assert SecurityEvent.objects.get(kind="sign-in") == event


def test_a_key_that_the_database_makes_is_the_instances(db: None) -> None:
    events = [SecurityEvent(kind="sign-in", facts={"a": [None, '"%s']}) for _ in range(2)]
    for event in events:
        CompiledInsert(SecurityEvent).insert(event)
    found = {row.pk: row.facts for row in SecurityEvent.objects.all()}
    assert found == {event.pk: event.facts for event in events}


def test_several_rows_take_one_statement_and_each_gets_its_own_key(
    db: None, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    events = [SecurityEvent(kind="sign-in", facts={"number": number}) for number in range(3)]
    with django_assert_num_queries(1):
        CompiledInsert(SecurityEvent).insert_all(events)
    assert not any(event._state.adding for event in events)
    found = {row.pk: row.facts for row in SecurityEvent.objects.all()}
    assert found == {event.pk: event.facts for event in events}
