"""Logins in any case and form are one login."""

import pytest
from django.db import IntegrityError
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import User
from accounts.names import folded
from tests.factories import make_user


@given(st.text())
def test_folding_twice_changes_nothing(text):
    assert folded(folded(text)) == folded(text)


@pytest.mark.parametrize("other", ["ALICE", "Alice", "\uff41\uff4c\uff49\uff43\uff45", " alice "])
@pytest.mark.django_db
def test_a_login_is_unique_whatever_its_case_and_form(other):
    make_user("alice")
    with pytest.raises(IntegrityError):
        make_user(other)


@pytest.mark.django_db
def test_an_account_is_found_in_any_case():
    made = make_user("Zoë.K")
    assert User.objects.get_by_natural_key("ZOË.k") == made


@pytest.mark.django_db
def test_two_accounts_may_lack_an_email_but_not_share_one():
    make_user("alice", email="a@example.com")
    make_user("bob")
    make_user("carol")
    with pytest.raises(IntegrityError):
        make_user("dave", email="A@example.com")
