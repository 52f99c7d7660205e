"""How alive the libraries are through which strangers' bytes go: a report, never a failure."""

import json
import re
import subprocess
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from itertools import chain
from pathlib import Path
from typing import Any

from devkit import environment
from devkit.messages import say

# Past this age of the newest release, nobody may be there to mend what is found in it.
OLD_DAYS = 274
_TIMEOUT_SECONDS = 8
PACKAGES_URL = "https://pypi.org/pypi/{name}/json"
# Wheels hold libraries in C, which no index of Python's lists; conda-forge packages each of them.
NATIVE_URL = "https://api.anaconda.org/package/conda-forge/{name}"


@dataclass(frozen=True)
class Library:
    """A library: its name here, the index that lists it by a name, what it reads, where it is."""

    name: str
    url: str
    listed_as: str
    reads: str
    inside: str = ""


def _package(name: str, reads: str) -> Library:
    return Library(name, PACKAGES_URL, name, reads)


def _native(name: str, listed_as: str, reads: str, *inside: str) -> Library:
    return Library(name, NATIVE_URL, listed_as, reads, ", ".join(inside))


LIBRARIES = (
    _package("pillow", "headers; AVIF, APNG"),
    _package("pillow-heif", "HEIC"),
    _package("pyvips", "calls libvips"),
    _package("pyvips-binary", "all but HEIC"),
    _package("cffi", "calls libvips"),
    _native("libvips", "libvips", "GIF by its own libnsgif; resizing", "pyvips-binary"),
    _native("mozjpeg", "mozjpeg", "JPEG", "pyvips-binary"),
    _native("libjpeg-turbo", "libjpeg-turbo", "headers of JPEG", "pillow"),
    _native("libpng", "libpng", "PNG", "pyvips-binary", "pillow"),
    _native("libspng", "libspng", "PNG", "pyvips-binary"),
    _native("zlib-ng", "zlib-ng", "PNG, TIFF", "pyvips-binary", "pillow"),
    _native("libwebp", "libwebp-base", "WebP", "pyvips-binary", "pillow"),
    _native("libtiff", "libtiff", "TIFF", "pyvips-binary", "pillow"),
    _native("lcms2", "lcms2", "colour profiles", "pyvips-binary", "pillow"),
    _native("libexif", "libexif", "EXIF", "pyvips-binary"),
    _native("libheif", "libheif", "HEIC, AVIF", "pillow-heif", "pyvips-binary"),
    _native("libde265", "libde265", "HEIC", "pillow-heif"),
    _native("aom", "aom", "AVIF", "pyvips-binary", "pillow"),
    _native("dav1d", "dav1d", "AVIF", "pillow"),
    _native("libavif", "libavif", "AVIF", "pillow"),
)
# What a wheel's library says of its own version, where its file name does not.
_STATED = {
    "mozjpeg": re.compile(rb"mozjpeg version ([\d.]+)"),
    "aom": re.compile(rb"AOMedia Project AV1 Decoder v?([\d.]+)"),
}
# Where Pillow's bill of materials gives a library another name.
_IN_BILL = {"libwebp": "webp", "lcms2": "littlecms2"}
Fetch = Callable[[str], bytes]


@dataclass(frozen=True)
class Release:
    """The newest release of a library."""

    version: str
    day: datetime

    def age(self, now: datetime) -> int:
        """Return its age in days."""
        return (now - self.day).days


def run(_arguments: list[str]) -> int:
    """Print a line for each library, and say which are old, or could not be asked for."""
    environment.prepare(environment.DEVELOPMENT)
    # There the libraries are, and not where this runs.
    command = [environment.python(), "-m", "devkit.freshness"]
    return subprocess.run(command, cwd=environment.ROOT, check=False).returncode


def report(fetch: Fetch, now: datetime, installed: dict[str, str]) -> Iterator[str]:
    """Yield the lines of the report."""
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda each: _newest(each, fetch), LIBRARIES))
    yield f"{'library':<15}{'here':<12}{'newest':<12}{'days old':>8}  reads"
    warnings, unknown, reasons = [], [], set()
    for library, newest in zip(LIBRARIES, found, strict=True):
        here = installed.get(library.name, "?")
        reads = library.reads + (f" (in {library.inside})" if library.inside else "")
        if isinstance(newest, str):
            unknown.append(library.name)
            reasons.add(newest)
            yield f"{library.name:<15}{here:<12}{'?':<12}{'?':>8}  {reads}"
            continue
        age = newest.age(now)
        yield f"{library.name:<15}{here:<12}{newest.version:<12}{age:>8}  {reads}"
        if age > OLD_DAYS:
            warnings.append(f"WARNING: {library.name} has had no release for {age // 30} months.")
    yield from warnings
    if unknown:
        why = "; ".join(sorted(reasons))
        yield f"NOT KNOWN, since no index answered ({why}): {', '.join(unknown)}"


def _newest(library: Library, fetch: Fetch) -> Release | str:
    """Return the newest release, or the reason why it is not known."""
    try:
        content = json.loads(fetch(library.url.format(name=library.listed_as)))
        reader = _newest_package if library.url == PACKAGES_URL else _newest_native
        return reader(content)
    except OSError as error:
        return str(getattr(error, "reason", error)).splitlines()[0][:60]
    except (ValueError, KeyError, TypeError, AttributeError):
        return "an answer of another kind"


def _newest_package(content: Any) -> Release:
    """Read PyPI's JSON."""
    days = [_day(each["upload_time_iso_8601"]) for each in content["urls"]]
    return Release(str(content["info"]["version"]), min(days))


def _newest_native(content: Any) -> Release:
    """Read the index of conda-forge, whose first build of a version is about as old as it."""
    version = str(content["latest_version"])
    files = [each for each in content["files"] if each["version"] == version]
    return Release(version, min(_day(each["upload_time"]) for each in files))


def _day(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def installed_versions() -> dict[str, str]:
    """Return the versions of packages, and of libraries in wheels as far as those state them."""
    python = [each.name for each in LIBRARIES if each.url == PACKAGES_URL]
    found = {name: metadata.version(name) for name in python if _is_installed(name)}
    return _versions_in_pillow() | _versions_by_decoders() | _versions_in_binaries() | found


def _is_installed(name: str) -> bool:
    return bool(list(metadata.distributions(name=name)))


def _versions_in_pillow() -> dict[str, str]:
    bills = [each for each in metadata.files("pillow") or () if each.match("*/pillow-*.cdx.json")]
    listed = chain.from_iterable(json.loads(each.read_text())["components"] for each in bills)
    versions = {each["name"].lower(): str(each.get("version", "")) for each in listed}
    known = ((each.name, _IN_BILL.get(each.name, each.name)) for each in LIBRARIES if each.inside)
    return {name: versions[there] for name, there in known if versions.get(there)}


def _versions_by_decoders() -> dict[str, str]:
    import pillow_heif
    import pyvips

    told = pillow_heif.libheif_info()
    numbers = re.findall(r"version ([\d.]+)", str(told["decoders"]))
    vips = ".".join(str(pyvips.version(n)) for n in range(3))
    return {"libheif": told["libheif"], "libde265": (numbers or ["?"])[0], "libvips": vips}


def _versions_in_binaries() -> dict[str, str]:
    places = [each for each in metadata.files("pyvips-binary") or () if ".so" in each.name]
    content = b"".join(Path(str(each.locate())).read_bytes() for each in places)
    matches = {name: pattern.search(content) for name, pattern in _STATED.items()}
    return {name: match[1].decode().strip(".") for name, match in matches.items() if match}


def _fetch(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=_TIMEOUT_SECONDS) as answer:  # noqa: S310 (ours)
        return bytes(answer.read())


if __name__ == "__main__":
    for line in report(_fetch, datetime.now(UTC), installed_versions()):
        say(line)
