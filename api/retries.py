"""What the headers of an upload promise: that it may be a repeated one, and which bytes it has.

`Idempotency-Key` names an upload, so that a client that lost the response sends it again;
`images.retries` keeps the rule. `Content-Digest` (RFC 9530) is compared with the body.
"""

import hashlib
import json
import re
from binascii import Error as NotBase64
from binascii import a2b_base64
from collections.abc import Container
from typing import IO, Any

from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, QueryDict
from rest_framework.request import Request

from accounts.models import User
from api.problems import Problem, ProblemError
from images.retries import Retry

MAX_KEY_LENGTH = 128
KEY_PATTERN = f"[!-~]{{1,{MAX_KEY_LENGTH}}}"
INVALID_KEY = Problem(
    "validation",
    400,
    f"Idempotency-Key must have 1 to {MAX_KEY_LENGTH} visible ASCII characters.",
    "idempotency_key",
)
OTHER_DIGEST = Problem(
    "validation", 400, "The body is not the one that Content-Digest names.", "content_digest"
)
_MALFORMED_DIGEST = Problem(
    "validation", 400, "Content-Digest cannot be read: see RFC 9530.", "content_digest"
)
# Others are passed over, as RFC 9530 allows: who sends one of these too gets it compared.
_ALGORITHMS = {"sha-256": hashlib.sha256, "sha-512": hashlib.sha512}
# A member of a dictionary (RFC 9651) whose values are bytes.
_MEMBER = re.compile(r"\s*([a-z*][a-z0-9_.*-]*)=:([A-Za-z0-9+/]*=*):(?:;[^,]*)?\s*")


def check_headers(request: HttpRequest) -> None:
    """Refuse headers that cannot be read, and have the body compared while it is read."""
    read_key(request)
    header = request.headers.get("Content-Digest")
    if header is not None and (digests := _read_digests(header)):
        length = int(request.META.get("CONTENT_LENGTH") or 0)
        request._stream = _ComparedStream(request._stream, length, digests)  # type: ignore[assignment]  # Django reads no more of it than `read`


def read_key(request: HttpRequest) -> str | None:
    """Return the Idempotency-Key, None where there is none; raise ProblemError."""
    key = request.headers.get("Idempotency-Key")
    if key is not None and not re.fullmatch(KEY_PATTERN, key):
        raise ProblemError(INVALID_KEY)
    return key


def read_retry(
    request: Request, account: User, *, picture: str, ignored: Container[str]
) -> Retry | None:
    """Return what tells that an upload is a repeated one; None where the client gave no key.

    `picture` is the field that holds the picture, whose bytes are compared elsewhere: of a file the
    name remains. `ignored` fields may differ.
    """
    key, match = read_key(request._request), request.resolver_match
    if key is None or match is None:
        return None
    # A form, or else the object that the contract's serializer has taken.
    data: Any = request.data
    given = dict(data.lists()) if isinstance(data, QueryDict) else data
    fields = {
        name: _without_content(value) if name == picture else value
        for name, value in given.items()
        if name not in ignored
    }
    text = json.dumps(fields, sort_keys=True)
    digest = hashlib.sha256(text.encode()).hexdigest()
    return Retry(account.pk, match.url_name or "", key, digest)


def _without_content(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_content(each) for each in value]
    return value.name if isinstance(value, UploadedFile) else ""


class _ComparedStream:
    """A body that raises ProblemError at its end where it is not what a digest says."""

    def __init__(self, stream: IO[bytes], length: int, digests: list[tuple[Any, bytes]]) -> None:
        self._stream, self._left, self._digests = stream, length, digests

    def read(self, *size: int) -> bytes:
        chunk = self._stream.read(*size)
        self._left -= len(chunk)
        for hasher, _ in self._digests:
            hasher.update(chunk)
        if not chunk or self._left <= 0:
            self._compare()
        return chunk

    def _compare(self) -> None:
        if any(hasher.digest() != expected for hasher, expected in self._digests):
            raise ProblemError(OTHER_DIGEST)


def _read_digests(header: str) -> list[tuple[Any, bytes]]:
    """Return a hasher and the expected digest for each that is known; raise ProblemError."""
    found = []
    for member in header.split(","):
        match = _MEMBER.fullmatch(member)
        if match is None:
            raise ProblemError(_MALFORMED_DIGEST)
        name, text = match.groups()
        try:
            expected = a2b_base64(text, strict_mode=True)
        except NotBase64:
            raise ProblemError(_MALFORMED_DIGEST) from None
        if name in _ALGORITHMS:
            found.append((_ALGORITHMS[name](), expected))
    return found
