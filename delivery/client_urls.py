"""Addresses in the JSON that a client gets: those of thumbnails in the format that it prefers.

Our own addresses look at `Accept` when they are opened. Where browsers read from the storage itself
nobody there does, so that such an address names the format by the `Accept` of the JSON's request.
"""

from collections.abc import Mapping
from typing import Any

from django.http import HttpResponseBase
from django.utils.cache import patch_vary_headers

from delivery.accept import preferences, preferred_files
from images.formats.registry import content_type_of
from images.signed_urls import UrlSigner
from images.storage.base import picture_storage

# What `ClientUrls.thumbnail_url` reads of a thumbnail's row.
FILE_COLUMNS = ("key", "webp_key", "avif_key")


class ClientUrls(UrlSigner):
    """Signs the addresses of a response for a client that sent this `Accept`."""

    def __init__(self, host: str, accept: str) -> None:
        super().__init__(host)
        self._accept = accept

    def thumbnail_url(self, row: Mapping[str, Any]) -> str:
        """Return the address of a thumbnail whose row has the columns `FILE_COLUMNS`."""
        key: str = row["key"]
        usual = content_type_of(key)
        if self.is_presigned and usual:
            made = {key, row["webp_key"], row["avif_key"]}
            files = preferred_files(self._accept, key, usual)
            key = next(each for each, _ in files if each in made)
        return self.file_url(key)


def depend_on_accept() -> bool:
    """Tell whether addresses of thumbnails depend on the `Accept` of whoever asks for them."""
    return picture_storage.origin != ""


def what_urls_depend_on(accept: str) -> str:
    """Return what of an `Accept` the addresses of thumbnails depend on; "" for nothing."""
    return preferences(accept) if depend_on_accept() else ""


def vary_by_accept(response: HttpResponseBase) -> None:
    """Say of a response with thumbnails that it depends on `Accept`, where it does."""
    if depend_on_accept():
        patch_vary_headers(response, ["Accept"])
