"""Where files lie: in a folder, or in an S3-compatible storage that the environment names."""

from typing import Any

from django.core.exceptions import ImproperlyConfigured

from config.env.readers import env_secret, env_str
from images.storage.urls import DISK, BadPlace, storage_at

STORAGE_URL = env_secret("STORAGE_URL")
_BUCKET = env_str("AWS_STORAGE_BUCKET_NAME")
# What an address of a storage may leave out, this one and those that `move_storage` names.
STORAGE_DEFAULTS = {
    "access_key": env_secret("AWS_ACCESS_KEY_ID"),
    "secret_key": env_secret("AWS_SECRET_ACCESS_KEY"),
    "endpoint_url": env_str("AWS_S3_ENDPOINT_URL"),
    "region": env_str("AWS_DEFAULT_REGION"),
}


def storages(*, local: bool) -> dict[str, Any]:
    """Describe the pictures' storage and the static files'; raises ImproperlyConfigured."""
    static = (
        "django.contrib.staticfiles.storage.StaticFilesStorage"
        if local
        else "config.static.HashedStaticFiles"
    )
    return {"default": _pictures(), "staticfiles": {"BACKEND": static}}


def _pictures() -> dict[str, Any]:
    """Without a bucket: MEDIA_ROOT, and then the AWS names mean nothing to us."""
    if STORAGE_URL and _BUCKET:
        raise ImproperlyConfigured("Set STORAGE_URL or AWS_STORAGE_BUCKET_NAME, not both.")
    if not (STORAGE_URL or _BUCKET):
        return {"BACKEND": DISK}
    try:
        return storage_at(STORAGE_URL or f"s3://{_BUCKET}", STORAGE_DEFAULTS)
    except BadPlace as bad:
        name = "STORAGE_URL" if STORAGE_URL else "AWS_STORAGE_BUCKET_NAME"
        raise ImproperlyConfigured(f"{name}: {bad}") from None
