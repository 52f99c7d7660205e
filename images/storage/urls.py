"""Storage URLs: `s3://bucket/prefix?endpoint_url=…` or `file:///folder`, parsed strictly."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

DISK, S3 = "images.storage.disk.DiskStorage", "images.storage.s3.S3PictureStorage"
OPTIONS = ("endpoint_url", "region", "public_endpoint_url", "addressing_style")
_STYLES = ("path", "virtual", "auto")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]\Z")
_PREFIX = re.compile(r"[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*\Z")
_EXAMPLE = "s3://bucket/prefix?endpoint_url=https://…&region=…"


class InvalidStorageUrl(ValueError):
    """A URL that names no storage; the message says why in one line, without any secret."""


def describe_storage(url: str, defaults: Mapping[str, str]) -> dict[str, Any]:
    """Return what Django's STORAGES holds for a storage; raise InvalidStorageUrl.

    `defaults` are for what the URL leaves out: `access_key`, `secret_key`, `endpoint_url`,
    `region`.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise InvalidStorageUrl(f"it must look like {_EXAMPLE}.") from None
    if parts.scheme == "file":
        return _folder(parts)
    if parts.scheme != "s3":
        raise InvalidStorageUrl(
            f"it must start with s3:// or file://, not {parts.scheme or 'nothing'}://."
        )
    if port is not None:
        raise InvalidStorageUrl(f"the server goes into endpoint_url: {_EXAMPLE}.")
    return _bucket(parts, {**defaults, **_options(parts.query)})


def _folder(parts: SplitResult) -> dict[str, Any]:
    if parts.netloc or parts.query or not parts.path.strip("/"):
        raise InvalidStorageUrl("a folder must look like file:///var/lib/pictures.")
    return {"BACKEND": DISK, "OPTIONS": {"location": unquote(parts.path)}}


def _options(query: str) -> dict[str, str]:
    options = dict(parse_qsl(query, keep_blank_values=True))
    for name, value in options.items():
        if name not in OPTIONS:
            raise InvalidStorageUrl(f"unknown option {name!r}; there are {', '.join(OPTIONS)}.")
        if not value:
            raise InvalidStorageUrl(f"{name} is empty.")
    return options


def _bucket(parts: SplitResult, options: Mapping[str, str]) -> dict[str, Any]:
    bucket, prefix = parts.hostname or "", unquote(parts.path).strip("/")
    if not _BUCKET.match(bucket):
        raise InvalidStorageUrl(
            "the bucket's name is missing." if not bucket else f"no bucket: {bucket!r}."
        )
    if prefix and (not _PREFIX.match(prefix) or ".." in prefix):
        raise InvalidStorageUrl("the prefix may have letters, digits, '.', '_', '-' and '/'.")
    access_key = unquote(parts.username or "") or options.get("access_key", "")
    secret_key = unquote(parts.password or "") or options.get("secret_key", "")
    if not (access_key and secret_key):
        raise InvalidStorageUrl("it needs AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (or …_FILE).")
    keys = {"access_key": access_key, "secret_key": secret_key}
    place = {"bucket_name": bucket, "location": prefix, **_server(options)}
    return {"BACKEND": S3, "OPTIONS": {**place, **keys}}


def _server(options: Mapping[str, str]) -> dict[str, str]:
    """Without an endpoint, take Amazon's of the region, where the bucket is part of the host."""
    region = options.get("region") or "us-east-1"
    endpoint = _http_url("endpoint_url", options.get("endpoint_url", ""))
    style = options.get("addressing_style") or ("path" if endpoint else "virtual")
    if style not in _STYLES:
        raise InvalidStorageUrl(f"addressing_style must be one of {', '.join(_STYLES)}.")
    return {
        "endpoint_url": endpoint or f"https://s3.{region}.amazonaws.com",
        "public_endpoint_url": _http_url(
            "public_endpoint_url", options.get("public_endpoint_url", "")
        ),
        "region_name": region,
        "addressing_style": style,
    }


def _http_url(name: str, url: str) -> str:
    parts = urlsplit(url)
    if url and (parts.scheme not in {"http", "https"} or not parts.hostname or parts.query):
        raise InvalidStorageUrl(f"{name} must look like https://host, not {url!r}.")
    return url.rstrip("/")
