"""Accounts with a picture and a session each, inserted directly into the tables."""

import uuid
from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from accounts.models import Session, User
from accounts.tokens import issue_jwt
from images.models import Picture
from tiers.models import Tier


def make_people(count: int) -> list[tuple[str, str]]:
    """Create accounts; return the id and a bearer token of each."""
    tier = Tier.objects.get(name="Basic")
    names = [f"bench-{uuid.uuid4().hex[:12]}" for _ in range(count)]
    users = [User(username=name, username_key=name, tier=tier) for name in names]
    User.objects.bulk_create(users)
    until = timezone.now() + timedelta(days=1)
    sessions = [Session(user=user, scheme="bearer", expires_at=until) for user in users]
    Session.objects.bulk_create(sessions)
    Picture.objects.bulk_create(_picture(user) for user in users)
    return [(str(s.user_id), issue_jwt(s, "bearer", settings.BEARER_LIFETIME)) for s in sessions]


def _picture(user: User) -> Picture:
    uid = uuid.uuid4()
    return Picture(
        uid=uid,
        owner=user,
        key=f"users/{user.pk}/{uid}.jpg",
        format="JPEG",
        width=4000,
        height=3000,
        bytes=3_000_000,
        sha256="0" * 64,
        rendering=Picture.Rendering.READY,
    )
