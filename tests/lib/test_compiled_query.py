import threading
import uuid

import pytest
from django.db import connection

from accounts.models import Session, User
from lib.compiled_query import RowBy
from tests.factories import make_user, token_client


@pytest.fixture
def session(alice) -> Session:
    token_client(alice)
    return Session.objects.get(user=alice)


def test_a_row_is_what_the_queryset_finds(session, alice):
    """Field by field, along with what the queryset selects, on every database."""
    found = RowBy(Session.objects.with_user, "id").get(session.pk)
    usual = Session.objects.with_user().get(pk=session.pk)
    for mine, theirs in (
        (found, usual),
        (found.user, usual.user),
        (found.user.tier, usual.user.tier),
    ):
        assert type(mine) is type(theirs)
        names = [field.attname for field in mine._meta.concrete_fields]
        assert {n: getattr(mine, n) for n in names} == {n: getattr(theirs, n) for n in names}
        assert mine._state.db == theirs._state.db
        assert not mine._state.adding


def test_a_row_costs_one_query_with_all_it_selects(session, django_assert_num_queries):
    by_key = RowBy(Session.objects.with_user, "key_hash")
    for _ in range(2):
        with django_assert_num_queries(1):
            assert by_key.get(session.key_hash).user.tier.name == "Enterprise"


def test_each_value_finds_its_own_row(db):
    by_name = RowBy(User.objects.all, "username_key")
    for name in ("anna", "ben", "o'hara%s"):
        made = make_user(name)
        assert by_name.get(made.username_key) == made


def test_what_is_not_there_is_not_found(db):
    by_id = RowBy(Session.objects.with_user, "id")
    assert by_id.first(uuid.uuid4()) is None
    with pytest.raises(Session.DoesNotExist):
        by_id.get(uuid.uuid4())


def test_a_missing_value_finds_no_row_without_one(session):
    Session.objects.filter(pk=session.pk).update(key_hash=None)
    assert RowBy(Session.objects.with_user, "key_hash").first(None) is None


@pytest.mark.django_db(transaction=True)
def test_a_row_found_in_one_thread_is_found_in_another():
    """What is kept holds on to no thread's connection."""
    made, by_id, found = make_user("anna"), RowBy(User.objects.all, "id"), []
    assert by_id.first(made.pk) == made

    def look() -> None:
        found.append(by_id.first(made.pk))
        connection.close()

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert found == [made]
