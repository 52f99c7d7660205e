"""Typed readers of environment variables that refuse a bad value when the process starts."""

import os
import secrets
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from lib import durable_files

_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off"})
_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


def env_str(name: str, default: str = "", *, choices: tuple[str, ...] = ()) -> str:
    """Read a text; raises ImproperlyConfigured when it is none of `choices`."""
    value = os.environ.get(name) or default
    if choices and value not in choices:
        raise ImproperlyConfigured(f"{name} must be one of {', '.join(choices)}, not {value!r}.")
    return value


def env_int(name: str, default: int, *, least: int = 0, most: int | None = None) -> int:
    """Read a whole number within `least` and `most`, both included."""
    text = os.environ.get(name) or str(default)
    try:
        value = int(text)
    except ValueError:
        raise ImproperlyConfigured(f"{name} must be a whole number, not {text!r}.") from None
    if value < least or (most is not None and value > most):
        bounds = f"at least {least}" if most is None else f"from {least} to {most}"
        raise ImproperlyConfigured(f"{name} must be {bounds}, not {value}.")
    return value


def env_bool(name: str, *, default: bool) -> bool:
    """Read yes or no in any of the usual spellings."""
    text = os.environ.get(name, "").strip().lower()
    if not text:
        return default
    if text not in _TRUE | _FALSE:
        raise ImproperlyConfigured(f"{name} must be on or off, not {text!r}.")
    return text in _TRUE


def env_list(name: str, default: str = "") -> list[str]:
    """Read a comma-separated list; blanks are dropped."""
    return parts_of(env_str(name, default))


def parts_of(text: str) -> list[str]:
    """Split at commas; blanks are dropped."""
    return [part.strip() for part in text.split(",") if part.strip()]


def env_level(name: str, default: str) -> str:
    """Read how much is logged, in capitals or not."""
    value = env_str(name, default).upper()
    if value not in _LEVELS:
        raise ImproperlyConfigured(f"{name} must be one of {', '.join(_LEVELS)}, not {value!r}.")
    return value


def env_prefix(name: str) -> str:
    """Read the first part of paths: empty, or between slashes."""
    value = env_str(name)
    if value and not (value.startswith("/") and value.endswith("/")):
        raise ImproperlyConfigured(f"{name} must begin and end with a slash, not {value!r}.")
    return value


def env_secret(name: str, default: str = "") -> str:
    """Read a secret from NAME, or from the file that NAME_FILE names (never both)."""
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
    """Refuse a missing value; only a local run has defaults for what is required."""
    if not value:
        raise ImproperlyConfigured(f"{name} must be set outside local mode.")


def kept_secret(path: Path) -> str:
    """Read the secret kept at `path`, made on first use; safe when several processes start at once.

    The file is written whole under another name, then linked into place: whoever comes second
    reads the first one's secret, and so does whoever starts after a power cut.
    """
    if not path.exists():
        durable_files.make_folder(path.parent)
        draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
        durable_files.write(draft, [secrets.token_urlsafe(48).encode()], 0o600)
        try:
            path.hardlink_to(draft)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
        durable_files.sync_folder(path.parent)
    return path.read_text(encoding="utf-8").strip()
