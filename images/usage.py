"""What an account stores, and whether its tier allows more."""

from uuid import UUID

from accounts.models import User
from images.exceptions import QuotaExceeded
from images.ledger import Column, Usage
from lib.compiled_query import CompiledQuery

_usage_of = CompiledQuery(Usage.objects.all, "owner")


def usage_of(owner_id: UUID) -> Usage:
    """Return an account's row of the ledger, by one query; nothing in it is below zero."""
    usage = _usage_of.first(owner_id) or Usage(owner_id=owner_id)
    for column in Column:
        setattr(usage, column, max(0, getattr(usage, column)))
    return usage


def check_quota(owner: User, usage: Usage, size: int) -> None:
    """Raise QuotaExceeded where the owner's tier does not allow one more picture of `size` bytes.

    Everything that is stored for the account counts, but only an upload is ever refused for it:
    thumbnails and copies are made, and stay, however full the storage is.
    """
    tier = owner.tier
    if tier.max_pictures is not None and usage.pictures >= tier.max_pictures:
        raise QuotaExceeded
    if tier.max_stored_bytes is not None and usage.stored_bytes + size > tier.max_stored_bytes:
        raise QuotaExceeded("The account's storage is full.")


def accepts(owner: User, usage: Usage, size: int) -> bool:
    """Tell whether an upload of `size` bytes would be accepted now, whatever is in it."""
    try:
        check_quota(owner, usage, size)
    except QuotaExceeded:
        return False
    return size <= owner.tier.max_upload_bytes
