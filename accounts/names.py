"""Logins as they are compared: any case, and one form of each letter."""

import unicodedata

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator

# Letters and digits of any script, and the three marks that the auth service's logins may have.
login_characters = RegexValidator(
    r"\A[\w.-]+\Z", "Use letters, digits and the characters . _ - only.", code="characters"
)


def normalized(login: str) -> str:
    """Return the login in Unicode's NFKC form, as it is stored and shown."""
    return unicodedata.normalize("NFKC", login).strip()


def folded(login: str) -> str:
    """Return what two logins share when they are the same whatever their case.

    Folding can undo normalization, hence the second pass (UAX #31, section 1.4).
    """
    return unicodedata.normalize("NFKC", normalized(login).casefold())


def refuse_nul(text: str) -> None:
    """Refuse the NUL character, which PostgreSQL cannot hold."""
    if "\0" in text:
        raise ValidationError("Null characters are not allowed.", code="null_characters")
