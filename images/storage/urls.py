"""Addresses of storages: `s3://bucket/prefix?endpoint_url=…` or `file:///folder`, read strictly."""

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


class BadPlace(ValueError):
    """An address that names no storage; the text says why in one line, without any secret."""


def storage_at(url: str, given: Mapping[str, str]) -> dict[str, Any]:
    """Describe a storage as Django's STORAGES does; raises BadPlace.

    `given` holds what the address may leave out: `access_key`, `secret_key`, `endpoint_url`,
    `region`.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise BadPlace(f"it must look like {_EXAMPLE}.") from None
    if parts.scheme == "file":
        return _folder(parts)
    if parts.scheme != "s3":
        raise BadPlace(f"it must start with s3:// or file://, not {parts.scheme or 'nothing'}://.")
    if port is not None:
        raise BadPlace(f"the server goes into endpoint_url: {_EXAMPLE}.")
    return _bucket(parts, {**given, **_options(parts.query)})


def _folder(parts: SplitResult) -> dict[str, Any]:
    if parts.netloc or parts.query or not parts.path.strip("/"):
        raise BadPlace("a folder must look like file:///var/lib/pictures.")
    return {"BACKEND": DISK, "OPTIONS": {"location": unquote(parts.path)}}


def _options(query: str) -> dict[str, str]:
    options = dict(parse_qsl(query, keep_blank_values=True))
    for name, value in options.items():
        if name not in OPTIONS:
            raise BadPlace(f"unknown option {name!r}; there are {', '.join(OPTIONS)}.")
        if not value:
            raise BadPlace(f"{name} is empty.")
    return options


def _bucket(parts: SplitResult, said: Mapping[str, str]) -> dict[str, Any]:
    bucket, prefix = parts.hostname or "", unquote(parts.path).strip("/")
    if not _BUCKET.match(bucket):
        raise BadPlace("the bucket's name is missing." if not bucket else f"no bucket: {bucket!r}.")
    if prefix and (not _PREFIX.match(prefix) or ".." in prefix):
        raise BadPlace("the prefix may have letters, digits, '.', '_', '-' and '/'.")
    access_key = unquote(parts.username or "") or said.get("access_key", "")
    secret_key = unquote(parts.password or "") or said.get("secret_key", "")
    if not (access_key and secret_key):
        raise BadPlace("it needs AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (or …_FILE).")
    keys = {"access_key": access_key, "secret_key": secret_key}
    where = {"bucket_name": bucket, "location": prefix, **_server(said)}
    return {"BACKEND": S3, "OPTIONS": {**where, **keys}}


def _server(said: Mapping[str, str]) -> dict[str, str]:
    """Amazon's own servers where none is named: those of the region, by the bucket's host name."""
    region = said.get("region") or "us-east-1"
    endpoint = _http("endpoint_url", said.get("endpoint_url", ""))
    style = said.get("addressing_style") or ("path" if endpoint else "virtual")
    if style not in _STYLES:
        raise BadPlace(f"addressing_style must be one of {', '.join(_STYLES)}.")
    return {
        "endpoint_url": endpoint or f"https://s3.{region}.amazonaws.com",
        "public_endpoint_url": _http("public_endpoint_url", said.get("public_endpoint_url", "")),
        "region_name": region,
        "addressing_style": style,
    }


def _http(name: str, url: str) -> str:
    parts = urlsplit(url)
    if url and (parts.scheme not in {"http", "https"} or not parts.hostname or parts.query):
        raise BadPlace(f"{name} must look like https://host, not {url!r}.")
    return url.rstrip("/")
