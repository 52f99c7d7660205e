"""Tokens declared ended, remembered until they would expire: most were never seen here."""

import hashlib
from datetime import datetime

from django.db import transaction

from accounts.models import RevokedToken


@transaction.atomic(durable=True)
def remember(name: str, until: datetime) -> None:
    """Remember a token by its name (see `accounts.external_issuer`); committed on return."""
    RevokedToken.objects.get_or_create(digest=_digest(name), defaults={"expires_at": until})


def is_remembered(name: str) -> bool:
    """Tell whether a token of this name was declared ended."""
    return RevokedToken.objects.filter(digest=_digest(name)).exists()


def _digest(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()
