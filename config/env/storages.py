"""The storage of pictures: a folder, or an S3-compatible storage that the environment names."""

from typing import Any

from django.core.exceptions import ImproperlyConfigured

from config.env.readers import env_secret, env_str
from images.storage.urls import DISK, InvalidStorageUrl, describe_storage

STORAGE_URL = env_secret("STORAGE_URL")
_BUCKET = env_str("AWS_STORAGE_BUCKET_NAME")
# For what a storage URL leaves out: this one and those that `move_storage` takes.
STORAGE_DEFAULTS = {
    "access_key": env_secret("AWS_ACCESS_KEY_ID"),
    "secret_key": env_secret("AWS_SECRET_ACCESS_KEY"),
    "endpoint_url": env_str("AWS_S3_ENDPOINT_URL"),
    "region": env_str("AWS_DEFAULT_REGION"),
}


def storages(*, local: bool) -> dict[str, Any]:
    """Return Django's STORAGES; raise ImproperlyConfigured."""
    static = (
        "django.contrib.staticfiles.storage.StaticFilesStorage"
        if local
        else "config.static.HashedStaticFiles"
    )
    return {"default": _picture_storage(), "staticfiles": {"BACKEND": static}}


def _picture_storage() -> dict[str, Any]:
    """Take MEDIA_ROOT where no bucket is named; the other AWS variables mean nothing then."""
    if STORAGE_URL and _BUCKET:
        raise ImproperlyConfigured("Set STORAGE_URL or AWS_STORAGE_BUCKET_NAME, not both.")
    if not (STORAGE_URL or _BUCKET):
        return {"BACKEND": DISK}
    try:
        return describe_storage(STORAGE_URL or f"s3://{_BUCKET}", STORAGE_DEFAULTS)
    except InvalidStorageUrl as error:
        name = "STORAGE_URL" if STORAGE_URL else "AWS_STORAGE_BUCKET_NAME"
        raise ImproperlyConfigured(f"{name}: {error}") from None
