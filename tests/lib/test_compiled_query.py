import threading
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import Session, User
from lib.compiled_query import (
    CompiledQuery,
    CompiledRows,
    CompiledUpdate,
    CompiledValues,
    Parameter,
)
from tests.factories import make_user, token_client


@pytest.fixture
def session(alice: User) -> Session:
    token_client(alice)
    return Session.objects.get(user=alice)


def test_a_row_equals_the_one_that_the_queryset_returns(session: Session, alice: User) -> None:
    found = CompiledQuery(Session.objects.with_user, "id").get(session.pk)
    expected = Session.objects.with_user().get(pk=session.pk)
    for actual, expected_row in (
        (found, expected),
        (found.user, expected.user),
        (found.user.tier, expected.user.tier),
    ):
        assert type(actual) is type(expected_row)
        names = [field.attname for field in actual._meta.concrete_fields]
        assert {n: getattr(actual, n) for n in names} == {
            n: getattr(expected_row, n) for n in names
        }
        assert actual._state.db == expected_row._state.db
        assert not actual._state.adding


def test_what_a_queryset_leaves_out_loads_when_it_is_read(
    session: Session, alice: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    lean = CompiledQuery(
        lambda: Session.objects.select_related("user").only("scheme", "user__name"), "id"
    )
    with django_assert_num_queries(1):
        found = lean.get(session.pk)
        assert (found.scheme, found.user.name) == (session.scheme, alice.name)
    assert found.get_deferred_fields() >= {"agent", "expires_at"}
    with django_assert_num_queries(1):
        assert found.expires_at == session.expires_at
    found.user.name = "Another"
    found.user.save(update_fields=["name"])
    assert User.objects.get(pk=alice.pk).name == "Another"


def test_columns_are_those_of_values_list(session: Session) -> None:
    columns = ("id", "user_id", "ended_at", "expires_at", "scopes", "user__tier__updated_at")
    Session.objects.update(scopes=["read"])
    expected = Session.objects.values_list(*columns).get()
    by_id = CompiledValues(Session.objects.all, "id", columns)
    assert by_id.first(session.pk) == expected
    assert by_id.first(uuid.uuid4()) is None


def test_rows_are_those_of_values_for_each_value_of_a_parameter(
    session: Session, alice: User, bob: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    token_client(bob)
    columns = ("user_id", "created_at", "scopes", "id", "user__name")

    def choose(owner: Any, since: Any) -> QuerySet[Any]:
        # A value may stand twice, beside others that stay.
        rows = Session.objects.filter(user=owner, created_at__gte=since, user__is_active=True)
        return rows.filter(created_at__gte=since).order_by("-created_at")[:3]

    fields: Any = (Session.user.field, Session._meta.get_field("created_at"))
    compiled = CompiledRows(choose(*(Parameter(*each) for each in enumerate(fields))), columns)
    for owner in (alice, bob):
        for since in (session.created_at - timedelta(days=1), timezone.now()):
            with django_assert_num_queries(1):
                found = compiled.get(owner.pk, since)
            assert found == list(choose(owner.pk, since).values(*columns))
            assert bool(found) == (since < session.created_at)


def test_an_update_is_that_of_the_queryset_for_each_value_of_a_parameter(
    alice: User, bob: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    field: Any = User._meta.get_field
    name, pk, login = (
        Parameter(*each) for each in enumerate(map(field, ("name", "id", "username")))
    )
    chosen = User.objects.filter(pk=pk, username=login, is_active=True)
    update = CompiledUpdate(chosen, name=name)
    for user in (alice, bob):
        other = bob if user is alice else alice
        with django_assert_num_queries(3):
            assert update.run(f"100 % {user}", user.pk, user.username) == 1
            assert update.run("another", user.pk, other.username) == 0
            user.refresh_from_db()
        assert user.name == f"100 % {user}"
    User.objects.filter(pk=alice.pk).update(is_active=False)
    assert update.run("another", alice.pk, alice.username) == 0


def test_a_row_and_its_related_rows_cost_one_query(
    session: Session, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    by_key = CompiledQuery(Session.objects.with_user, "key_hash")
    for _ in range(2):
        with django_assert_num_queries(1):
            assert by_key.get(session.key_hash).user.tier.name == "Enterprise"


def test_each_value_gets_its_own_row(db: None) -> None:
    by_name = CompiledQuery(User.objects.all, "username_key")
    for name in ("anna", "ben", "o'hara%s"):
        user = make_user(name)
        assert by_name.get(user.username_key) == user


def test_a_missing_row_is_none_or_raises_does_not_exist(db: None) -> None:
    by_id = CompiledQuery(Session.objects.with_user, "id")
    assert by_id.first(uuid.uuid4()) is None
    with pytest.raises(Session.DoesNotExist):
        by_id.get(uuid.uuid4())


def test_none_matches_no_row_whose_column_is_null(session: Session) -> None:
    Session.objects.filter(pk=session.pk).update(key_hash=None)
    assert CompiledQuery(Session.objects.with_user, "key_hash").first(None) is None


@pytest.mark.django_db(transaction=True)
def test_a_query_compiled_in_one_thread_works_in_another() -> None:
    """The compiled query holds no thread's connection."""
    user, by_id, found = make_user("anna"), CompiledQuery(User.objects.all, "id"), []
    assert by_id.first(user.pk) == user

    def look() -> None:
        found.append(by_id.first(user.pk))
        connection.close()

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert found == [user]
