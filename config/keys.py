"""The key that signs tokens, links and addresses."""

from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from config.env import env_secret, kept_secret, require

# What Django's own deployment check asks of a key.
KEY_LENGTH, KEY_LETTERS = 50, 5


def signing_key(name: str, kept: Path, *, local: bool) -> str:
    """Read the key that signs; locally it is made on first start and kept at a path."""
    if local:
        return env_secret(name) or kept_secret(kept)
    value = env_secret(name)
    require(name, value)
    if len(value) < KEY_LENGTH or len(set(value)) < KEY_LETTERS:
        raise ImproperlyConfigured(
            f"{name} must be at least {KEY_LENGTH} random characters; ./dev env makes one."
        )
    return value
