"""The addresses below which pictures' bytes are found, and those that nobody finds by searching."""

# Each stands for itself and for every address below it.
BYTE_PREFIXES = ("/images", "/avatars", "/l")
_BEGINNINGS = tuple(f"{prefix}/" for prefix in BYTE_PREFIXES)
# The first parts of the gallery's own addresses, besides the root.
GALLERY_PARTS = frozenset({"p", "links", "account"})


def leads_to_bytes(path: str) -> bool:
    """Tell whether an address is one of those."""
    return f"{path}/".startswith(_BEGINNINGS)


def is_secret(path: str, query: str) -> bool:
    """Tell whether an address is a link's or signed: what it gives is for no search engine."""
    if f"{path}/".startswith("/l/"):
        return True
    return f"{path}/".startswith("/images/") and "signature=" in query
