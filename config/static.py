"""How collected static files are named: by their content, so that browsers keep them for ever."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class HashedStaticFiles(CompressedManifestStaticFilesStorage):  # type: ignore[misc]  # untyped
    """Also the modules that a script imports; without this only what a page names is hashed."""

    support_js_module_import_aggregation = True
