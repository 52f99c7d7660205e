"""Responses of Django with stored files: what `delivery.file_responses` decides."""

from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase

from delivery.file_responses import PlainResponse, read_chunks, respond, respond_negotiated


def serve(
    request: HttpRequest, key: str, content_type: str, *, cache_control: str, name: str = ""
) -> HttpResponseBase:
    """Return a response with a stored file, under `name` or its key's; raise FileNotFoundError."""
    decided = respond(request.META, key, content_type, cache_control=cache_control, name=name)
    return to_django(decided)


def serve_negotiated(
    request: HttpRequest, key: str, content_type: str, *, cache_control: str, name: str = ""
) -> HttpResponseBase:
    """Return a response with a stored file, or with what lies beside it if the client prefers that.

    Raise FileNotFoundError.
    """
    return to_django(
        respond_negotiated(request.META, key, content_type, cache_control=cache_control, name=name)
    )


def to_django(decided: PlainResponse) -> HttpResponseBase:
    response: HttpResponseBase
    if decided.file is None:
        response = HttpResponse(decided.body, status=decided.status)
    elif decided.status == 206:
        response = FileResponse(read_chunks(decided.file, decided.length), status=206)
    else:
        response = FileResponse(decided.file)
    for name, value in decided.headers.items():
        response[name] = value
    return response
