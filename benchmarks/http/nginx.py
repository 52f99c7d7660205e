"""deploy/nginx.conf on ports of ours, and beside it the floors: a bare view, and nginx alone."""

import os
import re
from pathlib import Path

from devkit.children import Child, Reaper
from tests.servers.nginx import find, render_template
from tests.servers.ports import free_ports, listens, wait_until

DEPLOY = Path(__file__).resolve().parent.parent.parent / "deploy"
DEPLOYED = DEPLOY / "nginx.conf"
_ADDED_AGAIN = re.compile(r"add_header [A-Za-z-]+ \$upstream_http_[a-z_]+ always;")
_AROUND = """
{user}
daemon off;
worker_processes 2;
pcre_jit on;
pid {folder}/pid;
error_log {folder}/errors warn;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    sendfile on;
    tcp_nopush on;
    keepalive_requests 10000000;
    client_body_temp_path {folder}/bodies;
    proxy_temp_path {folder}/proxied;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {deployed}
    upstream bare {{ server 127.0.0.1:{bare}; keepalive 16; }}
    upstream queries {{ server 127.0.0.1:{queries}; keepalive 16; }}
    server {{
        listen 127.0.0.1:{floor};
        proxy_http_version 1.1;
        proxy_set_header Connection "";
        location / {{ proxy_pass http://bare; }}
        location /link/ {{ proxy_pass http://queries; }}
        location /protected/ {{ internal; alias {pictures}/; {kept_headers} }}
        location /alone/ {{ alias {pictures}/; }}
    }}
}}
"""


class Nginx:
    """`front` is the deployed configuration's port, `floor` that of the floors."""

    def __init__(
        self, reaper: Reaper, *, web: int, bare: int, queries: int, pictures: Path
    ) -> None:
        nginx = find()
        if nginx is None:
            raise SystemExit("This benchmark needs nginx on PATH.")
        self.front, self.floor = free_ports(2)
        folder = reaper.make_folder("tintype-nginx-")
        path = folder / "nginx.conf"
        path.write_text(
            _AROUND.format(
                user="user root;" if os.geteuid() == 0 else "",
                folder=folder,
                deployed=_render_configuration(web, self.front, pictures),
                bare=bare,
                queries=queries,
                floor=self.floor,
                pictures=pictures,
                # Of what a view says, nginx sends no more than it is told to.
                kept_headers=" ".join(_ADDED_AGAIN.findall(DEPLOYED.read_text())),
            )
        )
        # The deployed configuration writes its access log there.
        with (folder / "output").open("wb") as output:
            self.child = Child.start(
                reaper, "nginx", [nginx, "-p", folder, "-c", path], output=output
            )
        wait_until(lambda: listens(self.front), "nginx", child=self.child)


def _render_configuration(web: int, front: int, pictures: Path) -> str:
    """Name our processes where the file names the containers."""
    here = {
        "${TRUSTED_ORIGINS}": "",
        "${CORS_ANY_ORIGIN}": "",
        "${TRUSTED_PROXIES}": "1",
        "/etc/nginx/own-headers.conf": str(DEPLOY / "nginx-own-headers.conf"),
        # One address asks for everything here.
        "rate=200r/s": "rate=1000000r/s",
        "server web:8000 resolve": f"server 127.0.0.1:{web}",
        "server sockets:8000 resolve;": f"server 127.0.0.1:{web};",
        "listen 8080;": f"listen 127.0.0.1:{front};",
        "alias /pictures/;": f"alias {pictures}/;",
    }
    return render_template(DEPLOYED, here)
