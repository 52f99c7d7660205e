"""The routes that belong to no contract, in the OpenAPI document: bytes of pictures, and health.

Their views know neither REST framework nor this package, so they are described here; the tests of
the document ask the service at each of them.
"""

from typing import Any

from api.openapi.files import BYTES, BYTES_HEADERS, PICTURE_TYPES

FILES_TAG = {
    "name": "files",
    "x-displayName": "Files",
    "description": "The bytes of pictures, at the addresses that the contracts give. They can be "
    "shown by a browser as they are, and asked for in parts.",
}
SERVICE_TAG = {
    "name": "service",
    "x-displayName": "Service",
    "description": "Whether the service is alive, and whether it is ready.",
}
_ANYONE_OR_TOKEN: list[dict[str, list[str]]] = [
    {"bearerJWT": []}, {"apiToken": []}, {"cookieJWT": []}, {},
]  # fmt: skip
_BINARY = {"type": "string", "format": "binary"}
_UUID = {"type": "string", "format": "uuid"}
_ACCOUNT = {
    "name": "user_id", "in": "path", "required": True, "schema": _UUID,
    "description": "The account's UUID.",
}  # fmt: skip
_FILE_NAME = {
    "name": "file_name", "in": "path", "required": True,
    "schema": {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]*$", "maxLength": 200},
    "description": "The file's name.",
}  # fmt: skip
_CONDITIONS = [
    {
        "name": "Range", "in": "header", "schema": {"type": "string"},
        "description": "Which bytes to send (RFC 9110, section 14.2).",
    },
    {
        "name": "If-None-Match", "in": "header", "schema": {"type": "string"},
        "description": "The entity tag of the version that the client has.",
    },
]  # fmt: skip
_PAGES = {
    404: ("There is no such file, or it is not yours to see.", "Nothing here"),
    403: ("The password is not the link's; the page asks for it again.", "A picture"),
    410: (
        "The link is over: its time has passed, or it was used up or revoked, or the picture is "
        "gone.",
        "This link is no longer valid",
    ),
    429: ("Too many requests, or tries of a password.", "Too many attempts"),
    500: ("A failure that nobody foresaw.", "Something went wrong"),
    503: ("It is being made, or a part of the service is down: try again.", "Not ready yet"),
}


def _page(status: int) -> dict[str, Any]:
    description, title = _PAGES[status]
    content = {"schema": {"type": "string"}, "examples": {"page": {"value": _html(title)}}}
    headers: dict[str, Any] = {"Retry-After": {}} if status in {429, 503} else {}
    return {"description": description, "headers": headers, "content": {"text/html": content}}


def _html(title: str) -> str:
    return f"<!doctype html><html><head><title>{title}</title></head><body>…</body></html>"


def _pages(*statuses: int) -> dict[str, Any]:
    return {str(status): _page(status) for status in (*statuses, 500, 503)}


def _bytes(description: str, *headers: str) -> dict[str, Any]:
    return {
        "description": description,
        "headers": {name: {} for name in (*BYTES_HEADERS, *headers)},
        "content": {content_type: {"schema": _BINARY} for content_type in PICTURE_TYPES},
    }


def _file_responses(*missing: int) -> dict[str, Any]:
    return {
        "200": _bytes(str(BYTES.description), "Vary"),
        "206": _bytes("The part that `Range` asks for.", "Vary", "Content-Range"),
        "304": {"description": "The client has this version.", "headers": {"ETag": {}}},
        "416": {
            "description": "No byte of `Range` is there.", "headers": {"Content-Range": {}},
        },
        "405": _WRONG_METHOD,
        **_pages(*missing),
    }  # fmt: skip


_WRONG_METHOD = {
    "description": "The method is neither GET nor HEAD; the body is empty.",
    "headers": {"Allow": {}},
}


def _get(operation_id: str, summary: str, description: str, **more: Any) -> dict[str, Any]:
    return {
        "get": {
            "operationId": operation_id, "summary": summary, "description": description,
            "tags": [FILES_TAG["name"]],
            **more,
        }
    }  # fmt: skip


def make_plain_paths() -> dict[str, Any]:
    """Return the path items."""
    return {
        "/images/users/{user_id}/{file_name}": _get(
            "files_retrieve",
            "A file of a picture",
            "At the address that a contract gave (`image`, `thumbnail`, `url`), whose signature is "
            "good for half an hour to an hour, anyone gets the file. Without `expires` and "
            "`signature` an original gives what the viewer's token and the picture's visibility "
            "allow.",
            parameters=[
                _ACCOUNT,
                _FILE_NAME,
                {
                    "name": "expires", "in": "query",
                    "schema": {"type": "string", "pattern": "^[0-9]{1,12}$"},
                    "description": "When the signature ends, in seconds since 1970.",
                },
                {
                    "name": "signature", "in": "query", "schema": {"type": "string"},
                    "description": "As the contract gave it.",
                },
                *_CONDITIONS,
            ],
            security=_ANYONE_OR_TOKEN,
            responses=_file_responses(404),
        ),
        "/images/default/default.png": _get(
            "files_default_picture",
            "The picture of accounts that have none",
            "The same for everybody: ours is a PNG, an operator may have set another picture.",
            security=[],
            responses={
                "200": {
                    "description": "The bytes.",
                    "headers": {"ETag": {}, "Cache-Control": {}},
                    "content": {name: {"schema": _BINARY} for name in PICTURE_TYPES},
                },
                "304": {"description": "The client has this version.", "headers": {"ETag": {}}},
                "405": _WRONG_METHOD,
                **_pages(),
            },
        ),
        "/avatars/{user_id}": _get(
            "avatars_retrieve",
            "An account's avatar",
            "Redirects to the thumbnail of the account's active picture whose height is nearest, "
            "or to the default picture: for `<img src>`.",
            parameters=[
                _ACCOUNT,
                {
                    "name": "height", "in": "query",
                    "schema": {
                        "type": "integer", "minimum": 0, "maximum": 99999, "default": 200,
                    },
                    "description": "The height in pixels; the nearest that there is is taken.",
                },
            ],
            security=_ANYONE_OR_TOKEN,
            responses={
                "302": {
                    "description": "The avatar is at `Location`.",
                    "headers": {"Location": {}, "Cache-Control": {}},
                },
                "405": _WRONG_METHOD,
                **_pages(404),
            },
        ),
        "/avatars/{user_id}/{file_name}": _get(
            "avatars_retrieve_file",
            "The thumbnail that an avatar redirects to",
            "What is behind such an address never changes.",
            parameters=[_ACCOUNT, _FILE_NAME, *_CONDITIONS],
            security=_ANYONE_OR_TOKEN,
            responses=_file_responses(404),
        ),
        "/l/{token}": _open_link(),
        "/healthz": _get(
            "health_live",
            "Is the process alive?",
            "200 while the process is alive, whatever else is down.",
            tags=[SERVICE_TAG["name"]],
            security=[],
            responses={
                "200": {
                    "description": "It is.",
                    "content": {
                        "text/plain": {"schema": {"type": "string"}, "example": "ok"},
                    },
                },
                "405": _WRONG_METHOD,
                "500": _page(500),
            },
        ),
        "/readyz": _get(
            "health_ready",
            "Is every part there?",
            "200 when every part is available, else 503 naming those that are not.",
            tags=[SERVICE_TAG["name"]],
            security=[],
            responses={
                "200": _readiness("Every part is available.", []),
                "405": _WRONG_METHOD,
                "500": _page(500),
                "503": _readiness("A part is missing.", ["broker"]),
            },
        ),
    }  # fmt: skip


def _open_link() -> dict[str, Any]:
    token = {
        "name": "token", "in": "path", "required": True, "schema": {"type": "string"},
        "description": "The last part of a link's address.",
    }  # fmt: skip
    found = _get(
        "links_open",
        "Open an expiring link",
        "Whoever has the link needs no account. The bytes are clean of camera data, place and "
        "comments. A link with a password, or for a number of openings, gives a page instead, "
        "whose button sends `links_press`, and the bytes to whoever pressed it within the last "
        "minute.",
        parameters=[token, *_CONDITIONS],
        security=[],
        responses=_file_responses(404, 410, 429),
    )
    found["get"]["responses"]["200"]["content"]["text/html"] = {
        "schema": {"type": "string"},
        "examples": {"page": {"value": _html("A hill at dawn")}},
    }
    form = {
        "type": "object",
        "properties": {
            "visit": {
                **_UUID,
                "description": "As the page has it: the same visit spends one opening a minute.",
            },
            "password": {"type": "string", "description": "Where the page asks for one."},
        },
    }
    shown = {"visit": "0b9f3c52-8d1e-4a7b-9c55-2f6f1d0e7a34", "password": "the name of our boat"}
    pressed = _get(
        "links_press",
        "Press the button of a link's page",
        "Spend one opening of a link, or give its password. No CSRF token is asked for.",
        parameters=[token],
        security=[],
        requestBody={
            "content": {
                "application/x-www-form-urlencoded": {
                    "schema": form,
                    "examples": {"example": {"value": shown}},
                },
            },
        },
        responses={
            "303": {
                "description": "The bytes are at `Location`, for a minute, for whoever sends the "
                "cookie.",
                "headers": {"Location": {}, "Set-Cookie": {}, "Cache-Control": {}},
            },
            "405": {**_WRONG_METHOD, "description": "The link opens without a page."},
            **_pages(403, 410, 429),
        },
    )
    return {"get": found["get"], "post": pressed["get"]}


def _readiness(description: str, missing: list[str]) -> dict[str, Any]:
    parts = ("database", "migrations", "cache", "broker", "storage", "worker", "auth-events")
    shown = {name: "missing" if name in missing else "ok" for name in parts}
    schema = {
        "type": "object",
        "properties": {
            "ready": {"type": "boolean"},
            "missing": {"type": "array", "items": {"type": "string"}},
            "parts": {
                "type": "object",
                "additionalProperties": {"type": "string", "enum": ["ok", "missing"]},
            },
        },
        "required": ["ready", "missing", "parts"],
    }
    value = {"ready": not missing, "missing": missing, "parts": shown}
    content = {"schema": schema, "examples": {"example": {"value": value}}}
    return {"description": description, "content": {"application/json": content}}
