"""Short signatures: good for one purpose, one message and the keys in force."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pytest_django import Settings

from lib.signing import _keyed, make_signature, verify_signature

SURROGATE = "\ud800"
KEY = "a secret of fifty characters, for this test alone!!"
# RFC 2104 with SHA-256, its first 16 bytes, in base64 (RFC 4648 section 5) without padding.
SIGNATURE_OF_7 = "ynXRIggM_0MSfnEidk1zdA"
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


@pytest.mark.parametrize("foreign", ["é" * 22, "ß" * 22])
def test_what_is_no_ascii_is_no_signature(foreign: str) -> None:
    assert verify_signature("p", "m", foreign) is False
    assert verify_signature("p", "m", make_signature("p", "m")[:-1] + foreign[0]) is False


def test_a_former_key_is_good_while_it_is_kept(settings: Settings) -> None:
    signature = make_signature("p", "m")
    settings.SECRET_KEY_FALLBACKS = ["another, older still", settings.SECRET_KEY]
    settings.SECRET_KEY = "the next key, which is long enough"
    assert verify_signature("p", "m", signature)
    assert make_signature("p", "m") != signature
    settings.SECRET_KEY_FALLBACKS = []
    assert not verify_signature("p", "m", signature)


def test_what_was_signed_once_stays_good_from_release_to_release(settings: Settings) -> None:
    settings.SECRET_KEY = KEY
    settings.SECRET_KEY_FALLBACKS = []
    assert make_signature("link", "7") == SIGNATURE_OF_7


def test_a_process_that_never_had_a_former_key_in_force_takes_what_it_signed(
    settings: Settings,
) -> None:
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "the next key, which is long enough", [KEY]
    _keyed.cache_clear()
    assert verify_signature("link", "7", SIGNATURE_OF_7)
    assert not verify_signature("link", "8", SIGNATURE_OF_7)
