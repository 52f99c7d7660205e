"""Storage of collected static files: their names hold a hash, so that browsers may keep them."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class HashedStaticFiles(CompressedManifestStaticFilesStorage):  # type: ignore[misc]  # untyped
    # Without this only the files that a template names get a hash, not the modules they import.
    support_js_module_import_aggregation = True
