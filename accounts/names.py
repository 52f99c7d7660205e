"""Logins: the form that is stored and shown, and the key by which two logins are the same."""

import unicodedata

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator

# Letters and digits of any script, and the three marks that the auth service's logins may have.
login_characters = RegexValidator(
    r"\A[\w.-]+\Z", "Use letters, digits and the characters . _ - only.", code="characters"
)


def normalize_login(login: str) -> str:
    """Return the login in Unicode's NFKC form, as it is stored and shown."""
    return unicodedata.normalize("NFKC", login).strip()


def login_key(login: str) -> str:
    """Return the key that decides uniqueness: equal for logins that differ only in case or form.

    Case folding can undo the normalization, hence the second pass (UAX #31, section 1.4).
    """
    return unicodedata.normalize("NFKC", normalize_login(login).casefold())


def refuse_nul(text: str) -> None:
    """Raise ValidationError for the NUL character, which PostgreSQL cannot store."""
    if "\0" in text:
        raise ValidationError("Null characters are not allowed.", code="null_characters")
