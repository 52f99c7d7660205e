"""The addresses below which pictures' bytes are found; everything else here is a page."""

# Each stands for itself and for every address below it.
BYTE_PREFIXES = ("/images", "/avatars", "/l")


def leads_to_bytes(path: str) -> bool:
    """Tell whether an address is one of those."""
    return f"{path}/".startswith(tuple(f"{prefix}/" for prefix in BYTE_PREFIXES))
