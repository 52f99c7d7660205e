"""What deploy/proxies/ has besides the Caddyfile, which tests/deployment/test_stack.py starts."""

import os
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.processes import ROOT

FOLDER = ROOT / "deploy" / "proxies"


def test_traefik_leads_to_the_port_of_compose_by_the_name_of_the_other_sample() -> None:
    dynamic = yaml.safe_load((FOLDER / "traefik.yml").read_text())["http"]
    [router], [service] = dynamic["routers"].values(), dynamic["services"].values()
    assert router["rule"] == "Host(`pictures.example.org`)"
    assert router["service"] in dynamic["services"]
    assert service["loadBalancer"] == {
        "passHostHeader": True, "servers": [{"url": "http://127.0.0.1:8080"}]
    }  # fmt: skip
    assert "pictures.example.org {" in (FOLDER / "Caddyfile").read_text()


@pytest.mark.skipif(os.geteuid() != 0, reason="certbot's hooks are run by root")
def test_a_renewed_certificate_is_brought_to_nginx_which_is_told(tmp_path: Path) -> None:
    programs, renewed, target = (tmp_path / name for name in ("bin", "renewed", "certificate"))
    programs.mkdir()
    (programs / "docker").write_text(f'#!/bin/sh\necho "$@" >>{tmp_path}/told\n')
    (programs / "docker").chmod(0o755)
    renewed.mkdir()
    variables = {
        "PATH": f"{programs}:/usr/bin:/bin",
        "RENEWED_LINEAGE": str(renewed),
        "CERTIFICATE_DIR": str(target),
    }
    for content in ("first", "second"):
        for name in ("fullchain.pem", "privkey.pem"):
            (renewed / name).write_text(content)
        subprocess.run([FOLDER / "certbot-deploy.sh"], env=variables, check=True)
        assert {path.name: path.read_text() for path in target.iterdir()} == {
            "fullchain.pem": content, "privkey.pem": content
        }  # fmt: skip
    for path in target.iterdir():
        assert (path.stat().st_gid, path.stat().st_mode & 0o777) == (101, 0o640)
    reload = "compose -f docker-compose.yml -f docker-compose.tls.yml exec -T nginx nginx -s reload"
    assert (tmp_path / "told").read_text().splitlines() == [reload] * 2
