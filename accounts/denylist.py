"""Tokens that a peer declared ended before they were seen here, kept until they would expire."""

import hashlib
from collections.abc import Mapping
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from accounts.models import RevokedToken


@transaction.atomic(durable=True)
def deny_tokens(ends: Mapping[str, datetime]) -> None:
    """Put tokens on the denylist, each until it would expire; committed on return.

    See `accounts.external_issuer.token_identity` for what identifies a token.
    """
    rows = [RevokedToken(digest=_digest(each), expires_at=end) for each, end in ends.items()]
    # In one order everywhere: two listeners may have the same tokens, and wait for each other.
    rows.sort(key=lambda row: row.digest)
    RevokedToken.objects.bulk_create(rows, ignore_conflicts=True)


def is_denied(*identities: str) -> bool:
    """Return whether a token is on the denylist under any of its identities; one query."""
    digests = [_digest(each) for each in identities]
    return RevokedToken.objects.filter(digest__in=digests).exists()


def purge_denylist() -> int:
    """Delete the tokens that have expired by now; return how many."""
    return RevokedToken.objects.filter(expires_at__lt=timezone.now()).delete()[0]


def _digest(identity: str) -> str:
    return hashlib.sha256(identity.encode()).hexdigest()
