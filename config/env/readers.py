"""Typed readers of environment variables; a bad value raises ImproperlyConfigured."""

import os
import secrets
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from lib import durable_files

_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off"})
_LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


def env_str(name: str, default: str = "", *, choices: tuple[str, ...] = ()) -> str:
    # An empty variable counts as unset: Compose passes on every setting, set or not.
    value = os.environ.get(name) or default
    if choices and value not in choices:
        raise ImproperlyConfigured(f"{name} must be one of {', '.join(choices)}, not {value!r}.")
    return value


def env_int(name: str, default: int, *, min: int = 0, max: int | None = None) -> int:
    """Return a whole number from `min` to `max`, both included."""
    text = os.environ.get(name) or str(default)
    try:
        value = int(text)
    except ValueError:
        raise ImproperlyConfigured(f"{name} must be a whole number, not {text!r}.") from None
    if value < min or (max is not None and value > max):
        bounds = f"at least {min}" if max is None else f"from {min} to {max}"
        raise ImproperlyConfigured(f"{name} must be {bounds}, not {value}.")
    return value


def env_bool(name: str, *, default: bool) -> bool:
    text = os.environ.get(name, "").strip().lower()
    if not text:
        return default
    if text not in _TRUE | _FALSE:
        raise ImproperlyConfigured(f"{name} must be on or off, not {text!r}.")
    return text in _TRUE


def env_list(name: str, default: str = "") -> list[str]:
    return split_list(env_str(name, default))


def split_list(text: str) -> list[str]:
    """Split at commas; empty items are dropped."""
    return [item.strip() for item in text.split(",") if item.strip()]


def env_log_level(name: str, default: str) -> str:
    value = env_str(name, default).upper()
    if value not in _LOG_LEVELS:
        raise ImproperlyConfigured(
            f"{name} must be one of {', '.join(_LOG_LEVELS)}, not {value!r}."
        )
    return value


def env_path_prefix(name: str) -> str:
    """Return the first part of URL paths: empty, or between slashes."""
    value = env_str(name)
    if value and not (value.startswith("/") and value.endswith("/")):
        raise ImproperlyConfigured(f"{name} must begin and end with a slash, not {value!r}.")
    return value


def env_secret(name: str, default: str = "") -> str:
    """Return a secret from NAME, or from the file that NAME_FILE names, but never both."""
    path = os.environ.get(f"{name}_FILE")
    if not path:
        return os.environ.get(name) or default
    if os.environ.get(name):
        raise ImproperlyConfigured(f"Set {name} or {name}_FILE, not both.")
    try:
        value = Path(path).read_text(encoding="utf-8").strip()
    except OSError as error:
        reason = error.strerror or "unreadable"
        raise ImproperlyConfigured(f"{name}_FILE cannot be read: {reason}.") from None
    except UnicodeDecodeError:
        raise ImproperlyConfigured(f"{name}_FILE is not a text.") from None
    if not value:
        raise ImproperlyConfigured(f"{name}_FILE names an empty file.")
    return value


def require(name: str, value: str) -> None:
    """Raise ImproperlyConfigured when a setting without a default is missing."""
    if not value:
        raise ImproperlyConfigured(f"{name} must be set outside local mode.")


def load_or_create_secret(path: Path) -> str:
    """Return the secret stored at `path`, which the first caller creates.

    Processes that start at the same moment agree on one secret, and a power cut leaves no empty
    file: the secret is written whole under another name, then linked into place.
    """
    if not path.exists():
        durable_files.make_folder(path.parent)
        draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
        durable_files.write(draft, [secrets.token_urlsafe(48).encode()], 0o600)
        try:
            path.hardlink_to(draft)
        except FileExistsError:
            pass  # another process was first: its secret counts
        finally:
            draft.unlink()
        durable_files.sync_folder(path.parent)
    return path.read_text(encoding="utf-8").strip()
