import pytest
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from accounts.request_origin import RequestOrigin
from accounts.sessions import open_api_token_session, open_bearer_session
from accounts.token_authentication import authenticate_api_token, authenticate_jwt

pytestmark = pytest.mark.django_db


def test_a_token_is_authenticated_with_one_query(
    alice: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    token = open_bearer_session(alice, RequestOrigin())
    api_token = open_api_token_session(alice, RequestOrigin())
    with django_assert_num_queries(1):
        assert authenticate_jwt(token, "bearer").user.tier.name == "Enterprise"
    with django_assert_num_queries(1):
        assert authenticate_api_token(api_token).user.tier.name == "Enterprise"
