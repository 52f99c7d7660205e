"""Short signatures: good for one purpose, one message and the keys in force."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pytest_django import Settings

from lib.signing import make_signature, verify_signature

SURROGATE = "\ud800"
encodable = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


@given(encodable, encodable, encodable)
def test_a_signature_is_good_for_its_own_purpose_and_message_alone(
    purpose: str, message: str, other: str
) -> None:
    assume(other not in (purpose, message))
    signature = make_signature(purpose, message)
    assert verify_signature(purpose, message, signature)
    assert not verify_signature(purpose, other, signature)
    assert not verify_signature(other, message, signature)
    assert not verify_signature(purpose, message, signature[:-1])
    assert not verify_signature(purpose, message, "")


@pytest.mark.parametrize(
    ("message", "signature"),
    [(SURROGATE, "x"), ("x", SURROGATE), (f"7{SURROGATE}", make_signature("p", "7"))],
)
def test_half_a_surrogate_pair_was_signed_by_nobody(message: str, signature: str) -> None:
    assert verify_signature("p", message, signature) is False


def test_a_former_key_is_good_while_it_is_kept(settings: Settings) -> None:
    signature = make_signature("p", "m")
    settings.SECRET_KEY_FALLBACKS = ["another, older still", settings.SECRET_KEY]
    settings.SECRET_KEY = "the next key, which is long enough"
    assert verify_signature("p", "m", signature)
    assert make_signature("p", "m") != signature
    settings.SECRET_KEY_FALLBACKS = []
    assert not verify_signature("p", "m", signature)
