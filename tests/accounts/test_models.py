from uuid import UUID

import pytest
from django.db import IntegrityError, connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Session, User
from accounts.request_origin import RequestOrigin
from accounts.sessions import open_bearer_session
from accounts.signals import sessions_ended
from tests.factories import make_user

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("other", ["ALICE", "Alice", "\uff41\uff4c\uff49\uff43\uff45", " alice "])
def test_a_login_is_unique_in_any_case_and_unicode_form(other: str) -> None:
    make_user("alice")
    with pytest.raises(IntegrityError):
        make_user(other)


def test_an_account_is_found_by_its_login_in_any_case() -> None:
    account = make_user("Zoë.K")
    assert User.objects.get_by_natural_key("ZOË.k") == account


def test_two_accounts_may_lack_an_email_but_not_share_one() -> None:
    make_user("alice", email="a@example.com")
    make_user("bob")
    make_user("carol")
    with pytest.raises(IntegrityError):
        make_user("dave", email="A@example.com")


def test_ending_many_sessions_sends_one_signal(
    alice: User, ended_sessions: list[tuple[list[UUID], str]]
) -> None:
    for _ in range(3):
        open_bearer_session(alice, RequestOrigin())
    assert Session.objects.all().end() == 3
    assert [len(sessions) for sessions, _ in ended_sessions] == [3]


def test_ending_sessions_twice_ends_nothing_more(
    alice: User, ended_sessions: list[tuple[list[UUID], str]]
) -> None:
    open_bearer_session(alice, RequestOrigin())
    assert Session.objects.of(alice).end() == 1
    ended_at = Session.objects.get().ended_at
    assert Session.objects.of(alice).end() == 0
    assert Session.objects.get().ended_at == ended_at
    assert len(ended_sessions) == 1


def test_only_the_sessions_of_the_queryset_end_except_the_excepted_one(
    alice: User, bob: User
) -> None:
    for user in (alice, alice, bob):
        open_bearer_session(user, RequestOrigin())
    kept = Session.objects.of(alice).first()
    assert Session.objects.of(alice).end(except_session=kept) == 1
    assert {session.user for session in Session.objects.live()} == {alice, bob}
    assert kept in Session.objects.live()


def test_sessions_can_be_ended_through_a_queryset_that_joins_sorts_and_slices(
    alice: User, bob: User
) -> None:
    for user in (alice, bob):
        open_bearer_session(user, RequestOrigin())
    chosen = Session.objects.filter(user__username_key__startswith="a").select_related("user")
    assert chosen.order_by("-created_at").end() == 1
    assert [session.user for session in Session.objects.live()] == [bob]


def test_all_sessions_are_never_ended_by_omitting_the_filter() -> None:
    with pytest.raises(AttributeError):
        Session.objects.end()


def test_receivers_learn_that_a_peer_announced_the_end_inside_the_transaction(alice: User) -> None:
    received = []

    def receive(from_peer: bool, **kwargs: object) -> None:
        received.append((from_peer, connection.in_atomic_block))

    open_bearer_session(alice, RequestOrigin())
    sessions_ended.connect(receive)
    try:
        Session.objects.of(alice).end(from_peer=True)
    finally:
        sessions_ended.disconnect(receive)
    assert received == [(True, True)]


@pytest.mark.postgres
def test_ending_sessions_locks_their_rows(alice: User) -> None:
    open_bearer_session(alice, RequestOrigin())
    with CaptureQueriesContext(
        connection,
    ) as queries:
        Session.objects.of(alice).end()
    assert any('FOR UPDATE OF "accounts_session"' in query["sql"] for query in queries)
