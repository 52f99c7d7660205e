"""Origins are read as browsers write them."""

import pytest

from config.env.urls import env_origins


@pytest.mark.parametrize(
    ("text", "origins"),
    [
        ("https://app.example", ["https://app.example"]),
        ("https://App.Example:443/, http://b.example:80", ["https://app.example", "http://b.example"]),
        ("https://b.example:8443", ["https://b.example:8443"]),
        ("http://localhost:*", ["http://localhost:*"]),
        ("http://[::1]:3000", ["http://[::1]:3000"]),
        ("https://fotos.españa.example", ["https://fotos.xn--espaa-rta.example"]),
        ("", ["https://own.example"]),
    ],
)  # fmt: skip
def test_an_origin_is_written_as_browsers_write_it(
    monkeypatch: pytest.MonkeyPatch, text: str, origins: list[str]
) -> None:
    monkeypatch.setenv("TRUSTED_ORIGINS", text)
    assert env_origins("TRUSTED_ORIGINS", "https://own.example") == origins
