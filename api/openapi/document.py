"""What the OpenAPI document says beside its operations."""

from copy import deepcopy
from typing import Any

from api.contracts import CONTRACTS, Contract
from api.openapi.plain_routes import FILES_TAG, SERVICE_TAG, make_plain_paths

ASYNCAPI_PATH = "/api/schema/asyncapi.yaml"
_REQUEST_ID = "X-Request-ID"
# Each header that a response may have: what it says, its type, and an example.
_HEADERS: dict[str, tuple[str, str, Any]] = {
    _REQUEST_ID: (
        "Names the request in the service's logs: tell it to whoever runs the service.",
        "string", "6f1c0b7e5f0b4c0f9a3d1c2b4e5f6a7b",
    ),
    "Link": (
        'The address of the next page, as RFC 8288 writes it, with `rel="next"`; absent on the '
        "last page.",
        "string",
        '<http://localhost:8000/api/user/images/?cursor=AAYTrQQJ0AAAAAAAAAAAKg>; rel="next"',
    ),
    "Last-Event-ID": (
        "The id of the account's newest event, also where the page ends before it.",
        "integer", 1207,
    ),
    "Retry-After": ("Seconds after which to try again.", "integer", 42),
    "WWW-Authenticate": ("The scheme of authentication.", "string", 'Bearer realm="api"'),
    "X-Status-Reason": (
        "The reason in plain ASCII: accents are left out.", "string", "Este registro ya existe.",
    ),
    "Allow": ("The methods of the route.", "string", "GET, POST, HEAD"),
    "Set-Cookie": (
        "The two JWT cookies, set or cleared, or the pass of a link's page: HttpOnly, "
        "SameSite=Lax, over HTTPS Secure.",
        "string", "access_token=eyJhbGciOiJIUzI1NiJ9.e30.c2ln; HttpOnly; SameSite=Lax; Path=/",
    ),
    "Clear-Site-Data": ("That browsers forget what they kept of the site.", "string", '"cache"'),
    "ETag": (
        "Names these bytes, for `If-None-Match` and `If-Range`.",
        "string", '"3f7a1c5e9b2d4f608a1c3e5d7f90b1a2"',
    ),
    "Cache-Control": ("Who may keep the bytes, and for how long.", "string", "private, no-cache"),
    "Accept-Ranges": ("That parts can be asked for, by `Range`.", "string", "bytes"),
    "Content-Range": ("Which bytes these are, of how many.", "string", "bytes 0-1023/48213"),
    "Content-Disposition": (
        "The name to save it by.",
        "string", 'inline; filename="0b9f3c52-8d1e-4a7b-9c55-2f6f1d0e7a34.jpg"',
    ),
    "Vary": ("The request's headers that the bytes depend on.", "string", "Accept"),
    "Location": (
        "The address to go to.",
        "string", "/avatars/5f0c7d0a-6a55-4c2e-8a0a-3b6f3c1d9e11/0b9f3c52_200_1a2b3c4d.jpg",
    ),
}  # fmt: skip
# An example of each parameter, by its name, unless its schema has one.
PARAMETER_EXAMPLES: dict[str, Any] = {
    "id": 42,
    "uid": "0b9f3c52-8d1e-4a7b-9c55-2f6f1d0e7a34",
    "user_id": "5f0c7d0a-6a55-4c2e-8a0a-3b6f3c1d9e11",
    "session_id": "3c0f5d5e-6a55-4c2e-8a0a-9d1e3b6f7a10",
    "user": "5f0c7d0a-6a55-4c2e-8a0a-3b6f3c1d9e11",
    "name": "0b9f3c52-8d1e-4a7b-9c55-2f6f1d0e7a34",
    "file_name": "0b9f3c52-8d1e-4a7b-9c55-2f6f1d0e7a34.jpg",
    "token": "7.q6m3k1XhT0Qd2b8Jb1l0Vw",
    "limit": 50,
    "cursor": "AAYTrQQJ0AAAAAAAAAAAKg",
    "live": True,
    "since": 1200,
    "time": 3600,
    "upload": 3_145_728,
    "Size": 320,
    "height": 200,
    "expires": "1764416400",
    "fields": "id,name,thumbnails",
    "state": "ready",
    "visibility": "private",
    "format": "JPEG",
    "is_active": False,
    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "created_after": "2025-11-29T00:00:00Z",
    "created_before": "2025-11-30T00:00:00Z",
    "q": "hill",
    "order": "created_at",
    "image_id": 42,
    "ids": "42,43",
    "signature": "q6m3k1XhT0Qd2b8Jb1l0Vw",
    "Range": "bytes=0-1023",
    "Idempotency-Key": "7b1c3a52-53d6-4a0f-9f0e-6e5f6a3f1c2d",
    "Content-Digest": "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:",
    "If-None-Match": '"3f7a1c5e9b2d4f608a1c3e5d7f90b1a2"',
}


def complete(result: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
    """Add tags, headers, the examples of parameters, and the routes of no contract."""
    result["paths"] |= deepcopy(make_plain_paths())
    # Relative to the document's own address: right under every name that a service has.
    result["servers"] = [{"url": "/", "description": "The service that this document is from."}]
    result["externalDocs"] = {
        "url": ASYNCAPI_PATH,
        "description": "What the WebSocket `/ws/pictures/` sends, as AsyncAPI.",
    }
    result["info"]["license"] = {"name": "MIT", "url": "https://spdx.org/licenses/MIT.html"}
    result["tags"] = [*map(_tag, CONTRACTS), FILES_TAG, SERVICE_TAG]
    used: set[str] = set()
    for item in result["paths"].values():
        for operation in item.values():
            _complete_operation(operation, used)
    result["components"]["headers"] = {name: _header(name) for name in _HEADERS if name in used}
    return result


def _tag(contract: Contract) -> dict[str, Any]:
    text = contract.description or f"`{contract.prefixes[0]}`"
    return {"name": contract.tag, "x-displayName": contract.title, "description": text}


def _complete_operation(operation: dict[str, Any], used: set[str]) -> None:
    for parameter in operation.get("parameters", ()):
        own = parameter["schema"].pop("example", None)
        parameter["example"] = own or PARAMETER_EXAMPLES[parameter["name"]]
    for response in operation["responses"].values():
        names = [*response.get("headers", {}), _REQUEST_ID]
        response["headers"] = {name: {"$ref": f"#/components/headers/{name}"} for name in names}
        used.update(names)


def _header(name: str) -> dict[str, Any]:
    description, type_name, value = _HEADERS[name]
    return {"description": description, "schema": {"type": type_name}, "example": value}
