#!/bin/sh
# certbot's deploy hook, for TLS at our own nginx (docker-compose.tls.yml):
#   certbot certonly --standalone -d pictures.example.org --deploy-hook /srv/tintype/deploy/proxies/certbot-deploy.sh
# CERTIFICATE_DIR (/etc/tintype) gets the certificate, readable by nginx's group alone, and nginx reads it anew.
set -eu
target=${CERTIFICATE_DIR:-/etc/tintype}
group=${NGINX_GROUP:-101}
cd "$(dirname "$0")/../.."
install -d -g "$group" -m 0750 "$target"
for name in fullchain.pem privkey.pem; do
  # Beside its place, then into it: nginx never reads half a file.
  install -g "$group" -m 0640 "$RENEWED_LINEAGE/$name" "$target/.$name"
  mv "$target/.$name" "$target/$name"
done
export CERTIFICATE_DIR="$target"
docker compose -f docker-compose.yml -f docker-compose.tls.yml exec -T nginx nginx -s reload
