import pytest

from accounts.models import Session, User
from accounts.request_origin import RequestOrigin
from accounts.sessions import open_api_token_session
from accounts.token_authentication import authenticate_api_token

pytestmark = pytest.mark.django_db


def test_an_api_token_is_stored_only_as_a_hash(alice: User) -> None:
    token = open_api_token_session(alice, RequestOrigin())
    stored = Session.objects.values().get()
    assert token not in str(stored)
    assert authenticate_api_token(token).user == alice


def test_a_session_records_where_it_was_opened_from(alice: User) -> None:
    open_api_token_session(alice, RequestOrigin("192.0.2.7", "curl/8"))
    session = Session.objects.get()
    assert (session.address, session.agent) == ("192.0.2.7", "curl/8")
