"""Passwords: the form that is hashed and compared, and the policy's validators over that form.

A keyboard may send "é" as one character or as two, and digits of full width; NFKC makes them the
same (NIST SP 800-63B, section 3.1.1.2).
"""

import unicodedata
from typing import Any

from django.contrib.auth import password_validation

# Of what is taken as a password, so that nobody makes us hash a book.
MAX_PASSWORD_LENGTH = 1024


def normalize_password(password: str) -> str:
    """Return the password in Unicode's NFKC form."""
    return unicodedata.normalize("NFKC", password)


class MinimumLengthValidator(password_validation.MinimumLengthValidator):
    def validate(self, password: str, user: Any = None) -> None:
        super().validate(normalize_password(password), user)


class CommonPasswordValidator(password_validation.CommonPasswordValidator):
    def validate(self, password: str, user: Any = None) -> None:
        super().validate(normalize_password(password), user)


class UserAttributeSimilarityValidator(password_validation.UserAttributeSimilarityValidator):
    def validate(self, password: str, user: Any = None) -> None:
        super().validate(normalize_password(password), user)
