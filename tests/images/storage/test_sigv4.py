"""Our presigned addresses are those that botocore makes, only sooner and as of a chosen moment."""

import datetime

import boto3
import pytest
from botocore import auth
from botocore.client import BaseClient
from botocore.config import Config
from hypothesis import given
from hypothesis import strategies as st

from images.storage.sigv4 import Presigner

MOMENT = 1_800_000_000
KEYS = st.text("abcXYZ019/._-~ +%é'()", min_size=1, max_size=60)
ANSWERS = st.fixed_dictionaries(
    {"content_type": st.text("a/+; =", min_size=1), "content_disposition": st.text(min_size=1)}
)
BOTOCORES = {"content_type": "ResponseContentType",
             "content_disposition": "ResponseContentDisposition"}  # fmt: skip


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> BaseClient:
    then = datetime.datetime.fromtimestamp(MOMENT, datetime.UTC)
    monkeypatch.setattr(auth, "get_current_datetime", lambda: then)
    return boto3.client(
        "s3",
        endpoint_url="https://s3.example.org:8443",
        aws_access_key_id="AK/ID",
        aws_secret_access_key="hu+sh",
        region_name="eu-west-1",
        config=Config(signature_version="s3v4"),
    )


def mark(address: str) -> str:
    """The signature covers the method, the path, the sorted query, the host, moment and scope."""
    return address.rsplit("X-Amz-Signature=", 1)[1]


def test_an_address_is_botocores(client: BaseClient) -> None:
    signer = Presigner("https://s3.example.org:8443/pics/", "eu-west-1", "AK/ID", "hu+sh")

    @given(KEYS, ANSWERS, st.integers(1, 604_800))
    def same(key: str, answer: dict[str, str], seconds: int) -> None:
        ours = signer.presign(key, begins=MOMENT, seconds=seconds, **answer)
        named = {BOTOCORES[name]: value for name, value in answer.items()}
        theirs = client.generate_presigned_url(
            "get_object", {"Bucket": "pics", "Key": key, **named}, ExpiresIn=seconds
        )
        assert mark(ours) == mark(theirs)
        assert ours.split("?")[0] == theirs.split("?")[0]
        assert sorted(ours.split("?")[1].split("&")) == sorted(theirs.split("?")[1].split("&"))

    same()


def test_the_secret_is_not_shown() -> None:
    assert "hush" not in repr(Presigner("https://x/", "r", "k", "hush"))
