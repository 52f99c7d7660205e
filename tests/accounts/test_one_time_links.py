"""Links by mail: whose they are, and what ends each."""

from collections.abc import Callable

import pytest
from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.utils import timezone

from accounts.exceptions import BadLink
from accounts.models import User
from accounts.one_time_links import (
    find_user_to_reset,
    find_user_to_verify,
    reset_url,
    verification_url,
)
from tests.factories import replace_password

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice(alice: User) -> User:
    alice.email = "alice@example.org"
    alice.save()
    return alice


def token_of(url: str) -> str:
    return url.rstrip("/").rpartition("/")[2]


def change(**fields: object) -> Callable[[User], object]:
    return lambda user: User.objects.filter(pk=user.pk).update(**fields)


def test_a_link_names_its_own_account_and_serves_its_own_purpose(alice: User, bob: User) -> None:
    reset, verify = token_of(reset_url(alice)), token_of(verification_url(alice))
    assert find_user_to_reset(reset) == find_user_to_verify(verify) == alice
    for find, text in (
        (find_user_to_reset, verify),
        (find_user_to_verify, reset),
        (find_user_to_reset, reset.replace(alice.pk.hex, bob.pk.hex)),
        (find_user_to_reset, "nonsense"),
        (find_user_to_reset, f"{'0' * 32}.{reset.partition('.')[2]}"),
    ):
        with pytest.raises(BadLink):
            find(text)


ENDS: list[tuple[Callable[[User], object], set[str]]] = [
    (lambda user: replace_password(user, "another good one"), {"reset"}),
    (change(reset_revocations=1), {"reset"}),
    (change(email="another@example.org"), {"reset", "verify"}),
    (change(email_verified_at=timezone.now()), {"verify"}),
    (change(is_active=False), {"reset", "verify"}),
]


@pytest.mark.parametrize(("end", "ended"), ENDS)
def test_what_ends_a_link_leaves_those_of_others(
    alice: User, bob: User, end: Callable[[User], object], ended: set[str]
) -> None:
    def good(user: User) -> dict[str, bool]:
        return {"reset": opens(find_user_to_reset, tokens[user.pk, "reset"]),
                "verify": opens(find_user_to_verify, tokens[user.pk, "verify"])}  # fmt: skip

    tokens = {
        (user.pk, kind): token_of(write(user))
        for user in (alice, bob)
        for kind, write in (("reset", reset_url), ("verify", verification_url))
    }
    end(alice)
    assert {kind for kind, is_good in good(alice).items() if not is_good} == ended
    assert all(good(bob).values())


def opens(find: Callable[[str], User], token: str) -> bool:
    try:
        find(token)
    except BadLink:
        return False
    return True


def test_a_link_of_a_release_that_knew_no_revocations_is_good(alice: User) -> None:
    token = PasswordResetTokenGenerator().make_token(alice)
    assert find_user_to_reset(f"{alice.pk.hex}.{token}") == alice
