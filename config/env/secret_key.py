"""The key that signs tokens, links and addresses: refused where it could be guessed."""

from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from config.env.readers import env_secret, kept_secret, require

# As Django's own check (security.W009) draws the line.
KEY_LENGTH, KEY_LETTERS = 50, 5


def signing_key(name: str, kept: Path, *, local: bool) -> str:
    """Read the key that signs; locally it is made on first start and kept at a path."""
    if local:
        return env_secret(name) or kept_secret(kept)
    value = env_secret(name)
    require(name, value)
    if is_weak(value):
        raise ImproperlyConfigured(
            f"{name} must be at least {KEY_LENGTH} random characters; ./dev env makes one."
        )
    return value


def is_weak(key: str) -> bool:
    """Tell whether a key is short, of few letters, or one of Django's samples."""
    return (
        len(key) < KEY_LENGTH or len(set(key)) < KEY_LETTERS or key.startswith("django-insecure-")
    )
