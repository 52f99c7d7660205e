"""ICC profiles (ISO 15076-1, and version 2), written anew with the tags that colour needs.

Those stay byte for byte. What names a person, a device or a time becomes neutral, everything else
goes, with what lies between the tags and behind the stated end. A profile that says no more than
its colours and a name that a standard or a vendor gave it is left as it is.
"""

import codecs
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass

# A sandboxed process can open no module's file later.
codecs.lookup("utf-16-be")
_HEADER_BYTES, _ENTRY_BYTES = 128, 12
_MAX_TAGS = 100
# Curves, primaries, tables in both directions, the named colours of a profile that has no others.
_COLOURS = frozenset({
    b"wtpt", b"bkpt", b"chad", b"cicp", b"rXYZ", b"gXYZ", b"bXYZ", b"rTRC", b"gTRC", b"bTRC",
    b"kTRC", b"A2B0", b"A2B1", b"A2B2", b"B2A0", b"B2A1", b"B2A2", b"D2B0", b"D2B1", b"D2B2",
    b"D2B3", b"B2D0", b"B2D1", b"B2D2", b"B2D3", b"ncl2", b"clrt", b"clot",
})  # fmt: skip
_NAME, _COPYRIGHT = b"desc", b"cprt"
# What profiles that are published as files say beside their colours, of nobody's device.
_PUBLISHED = frozenset({b"dmnd", b"dmdd", b"vued", b"view", b"lumi", b"meas", b"tech"})
_PUBLISHED_NAMES = re.compile(
    r"sRGB( IEC61966-2[.-]1( black scaled)?| ?v4.*| ?2014|)|sRGB_.{1,30}|uRGB|c2ci?|Display P3|"
    r"Adobe RGB \(1998\)|Apple RGB|ColorMatch RGB|ProPhoto RGB|Dot Gain \d+%|Gray Gamma \d\.\d|"
    r"Generic (RGB|Gray|CMYK)( Gamma \d\.\d)?( Profile)?|Coated FOGRA\d+.*|"
    r"U\.S\. (Web Coated|Sheetfed (Coated|Uncoated)).*|Reference Viewing Condition in .*|"
    r"IEC http://www\.iec\.ch|IEC 61966-2\.1 Default RGB colour space - sRGB|"
)
_PUBLISHERS = re.compile(
    r"(Copyright )?(\(c\) ?)?(©)?[\d, -]*(Hewlett-Packard Company|Apple (Inc|Computer).{0,30}|"
    r"Adobe Systems.{0,20}|Google Inc.{0,10}|International Color Consortium.{0,10}|"
    r"FB|Facebook.{0,10})[\d, -]*|CC0|No copyright, use freely|"
)
_NEUTRAL_NAME, _NEUTRAL_COPYRIGHT = "ICC profile", "CC0"
_SIGNATURES = frozenset({
    b"appl", b"APPL", b"ADBE", b"IEC ", b"HP  ", b"lcms", b"Lino", b"sRGB", b"MSFT", b"none",
    b"GOOG", b"KCMS", b"ICC ", b"UCCM", b"argl", b"SGI ", b"SUNW", b"*nix", bytes(4),
})  # fmt: skip
_TEXT_TYPES = frozenset({b"desc", b"mluc", b"text"})
_XYZ_BYTES = 20


@dataclass(frozen=True, slots=True)
class _Tag:
    name: bytes
    start: int
    content: bytes


def strip_profile(profile: bytes) -> bytes:
    """Return the profile without what colour does not need; b"" for what is no profile.

    The same bytes where there is nothing to leave out.
    """
    try:
        size = struct.unpack_from(">I", profile)[0]
        tags = list(_tags(profile[:size]))
    except (struct.error, ValueError):
        return b""
    colours = [each for each in tags if each.name in _COLOURS]
    if profile[36:40] != b"acsp" or not colours:
        return b""
    return profile if _is_published(profile, size, tags) else _write(profile, colours)


def _tags(profile: bytes) -> Iterator[_Tag]:
    """Yield each tag with the bytes that its type has (section 7.3); raises ValueError."""
    count = struct.unpack_from(">I", profile, _HEADER_BYTES)[0]
    if count > _MAX_TAGS:
        raise ValueError
    for n in range(count):
        name, start, size = struct.unpack_from(
            ">4sII", profile, _HEADER_BYTES + 4 + _ENTRY_BYTES * n
        )
        if start + size > len(profile) or size < 8:
            raise ValueError
        content = profile[start : start + size]
        yield _Tag(name, start, content[: _length(content)])


def _length(content: bytes) -> int:
    """Return how many bytes of a tag its type needs; all where that is not told here."""
    kind = content[:4]
    if kind == b"XYZ ":
        return _XYZ_BYTES
    if kind == b"curv":
        return 12 + 2 * int(struct.unpack_from(">I", content, 8)[0])
    if kind == b"para":
        return 12 + 4 * (1, 3, 4, 5, 7)[min(struct.unpack_from(">H", content, 8)[0], 4)]
    if kind == b"sf32":
        return 8 + 36
    return len(content)


def _is_published(profile: bytes, size: int, tags: list[_Tag]) -> bool:
    """Tell whether a profile says nothing but its colours and known names."""
    names = [each.name for each in tags]
    known = _COLOURS | _PUBLISHED | {_NAME, _COPYRIGHT}
    signatures = [profile[n : n + 4] for n in (4, 40, 48, 52, 80)]
    return (
        len(profile) == size
        and len(names) == len(set(names))
        and set(names) <= known
        and _NAME in names
        and all(each in _SIGNATURES for each in signatures)
        and not any(profile[100:_HEADER_BYTES])
        and not any(_between(profile, tags))
        and all(_is_known_text(each) for each in tags if each.content[:4] in _TEXT_TYPES)
    )


def _between(profile: bytes, tags: list[_Tag]) -> bytes:
    """Return what lies in no tag."""
    at, rest = _HEADER_BYTES + 4 + _ENTRY_BYTES * len(tags), []
    for each in sorted(tags, key=lambda tag: tag.start):
        rest.append(profile[at : each.start])
        at = max(at, each.start + len(each.content))
    return b"".join([*rest, profile[at:]])


def _is_known_text(tag: _Tag) -> bool:
    pattern = _PUBLISHERS if tag.name == _COPYRIGHT else _PUBLISHED_NAMES
    texts = list(_texts(tag.content))
    if tag.name == _NAME and not any(texts):
        return False
    return all(pattern.fullmatch(each) for each in texts)


def _texts(content: bytes) -> Iterator[str]:
    """Yield what a text says, in all its languages; what cannot be read is none that is known."""
    kind = content[:4]
    try:
        if kind == b"text":
            yield content[8:].rstrip(b"\0").decode("ascii")
        elif kind == b"desc":
            yield from _texts_of_description(content)
        else:
            count, width = struct.unpack_from(">II", content, 8)
            for n in range(min(count, _MAX_TAGS + 1)):
                length, start = struct.unpack_from(">II", content, 20 + width * n)
                yield content[start : start + length].decode("utf-16-be")
            if count > _MAX_TAGS or width != 12:
                yield "\0"
    except (struct.error, UnicodeDecodeError):
        yield "\0"


def _texts_of_description(content: bytes) -> Iterator[str]:
    """Yield the texts of version 2's type: ASCII, Unicode, and that of a Macintosh."""
    length = struct.unpack_from(">I", content, 8)[0]
    yield content[12 : 12 + length].rstrip(b"\0").decode("ascii")
    at = 12 + length
    count = struct.unpack_from(">I", content, at + 4)[0] if len(content) >= at + 8 else 0
    yield content[at + 8 : at + 8 + 2 * count].decode("utf-16-be").strip("\0\ufeff")
    at += 8 + 2 * count + 3
    yield content[at:].rstrip(b"\0").decode("ascii")


def _write(profile: bytes, colours: list[_Tag]) -> bytes:
    """Return a profile of these tags with a neutral name, which is left out where it has no room.

    A profile lies in some files where nothing longer fits.
    """
    is_new = profile[8] >= 4
    name = _NAME, _name(_NEUTRAL_NAME, is_new=is_new)
    text = _NEUTRAL_COPYRIGHT
    copyright_ = _COPYRIGHT, _unicode(text) if is_new else _ascii(text)
    kept = list({each.name: each.content for each in colours}.items())
    written = (_assemble(profile, [*each, *kept]) for each in ([name, copyright_], [name], []))
    return next((each for each in written if len(each) <= len(profile)), b"")


def _assemble(profile: bytes, tags: list[tuple[bytes, bytes]]) -> bytes:
    """Return a profile of these tags; equal ones are written once."""
    table, body, places = b"", b"", dict[bytes, int]()
    start = _HEADER_BYTES + 4 + _ENTRY_BYTES * len(tags)
    for name, content in tags:
        if content not in places:
            places[content] = start + len(body)
            body += content + bytes(-len(content) % 4)
        table += struct.pack(">4sII", name, places[content], len(content))
    header = bytearray(_HEADER_BYTES)
    for first, end in ((8, 24), (36, 40), (44, 48), (56, 80)):
        header[first:end] = profile[first:end]
    struct.pack_into(">I", header, 0, start + len(body))
    return bytes(header) + struct.pack(">I", len(tags)) + table + body


def _name(text: str, *, is_new: bool) -> bytes:
    if is_new:
        return _unicode(text)
    written = text.encode() + b"\0"
    return b"desc" + bytes(4) + struct.pack(">I", len(written)) + written + bytes(78)


def _unicode(text: str) -> bytes:
    written = text.encode("utf-16-be")
    return (
        b"mluc"
        + bytes(4)
        + struct.pack(">II2s2sII", 1, 12, b"en", b"US", len(written), 28)
        + written
    )


def _ascii(text: str) -> bytes:
    return b"text" + bytes(4) + text.encode() + b"\0"
