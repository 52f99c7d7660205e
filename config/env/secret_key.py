"""The key that signs tokens, links and signed URLs; one that could be guessed is refused."""

from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from config.env.readers import env_secret, load_or_create_secret, require

# The limits of Django's own deployment check (security.W009).
MIN_LENGTH, MIN_DISTINCT_CHARACTERS = 50, 5


def env_secret_key(name: str, local_path: Path, *, local: bool) -> str:
    """Return the signing key; a local run without one creates it at `local_path`."""
    if local:
        return env_secret(name) or load_or_create_secret(local_path)
    value = env_secret(name)
    require(name, value)
    if is_weak(value):
        raise ImproperlyConfigured(
            f"{name} must be at least {MIN_LENGTH} random characters; ./dev env makes one."
        )
    return value


def is_weak(key: str) -> bool:
    """Tell whether a key is short, of few distinct characters, or one of Django's samples."""
    return (
        len(key) < MIN_LENGTH
        or len(set(key)) < MIN_DISTINCT_CHARACTERS
        or key.startswith("django-insecure-")
    )
