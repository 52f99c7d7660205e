"""What an expiring link that asks nothing first leads to, and how its bytes leave."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.utils import timezone

from delivery.access import file_for
from delivery.file_responses import Environ, PlainResponse, respond_negotiated
from images.models import Link

# A link may be revoked at any moment: a browser may store the bytes but revalidates each time.
_REVALIDATE = "private, no-cache"


@dataclass(frozen=True, slots=True)
class LinkTarget:
    """A stored file that a link gives until it expires; for `cache_seconds` it may be kept."""

    link_id: int
    owner_id: UUID
    expires_at: datetime
    cache_seconds: int
    key: str
    content_type: str


def target_of(link: Link) -> LinkTarget:
    """Return what a link leads to whose picture and owner are loaded; raise as `file_for` does."""
    picture = link.picture
    file = file_for(None, picture, by_link=True)
    return LinkTarget(
        link_id=link.pk,
        owner_id=picture.owner_id,
        expires_at=link.expires_at,
        cache_seconds=link.cache_seconds,
        key=file.key,
        content_type=file.content_type,
    )


def respond_with_target(
    environ: Environ, target: LinkTarget, *, cache_control: str = ""
) -> PlainResponse:
    """Respond with the bytes behind a link; raise FileNotFoundError."""
    return respond_negotiated(
        environ,
        target.key,
        target.content_type,
        cache_control=cache_control or _cache_control(target),
    )


def _cache_control(target: LinkTarget) -> str:
    if not target.cache_seconds:
        return _REVALIDATE
    left = int((target.expires_at - timezone.now()).total_seconds())
    return f"public, max-age={max(0, min(target.cache_seconds, left))}, must-revalidate"
