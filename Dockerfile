# One image for every process; docker-compose.yml says which command each runs.
FROM python:3.13-slim-trixie@sha256:9d2e5553305c7c7b0097999bb17187c69b921ccd6bc9d40e4bb5ebe652c00285 AS packages
# `--build-arg TELEMETRY=on` puts the extra `telemetry` into the image (docs/monitoring.md).
ARG TELEMETRY=
COPY requirements.txt requirements-telemetry.txt /
RUN python -m venv /venv \
    && /venv/bin/pip install --no-cache-dir --require-hashes \
    -r "/requirements${TELEMETRY:+-telemetry}.txt"

FROM python:3.13-slim-trixie@sha256:9d2e5553305c7c7b0097999bb17187c69b921ccd6bc9d40e4bb5ebe652c00285
# For back_up and restore: of the same major version as the server in docker-compose.yml, from the packages
# of PostgreSQL's own project, which a script of Debian's adds.
# hadolint ignore=DL3008
RUN apt-get update && apt-get install --yes --no-install-recommends ca-certificates postgresql-common \
    && /usr/share/postgresql-common/pgdg/apt.postgresql.org.sh -y \
    && apt-get install --yes --no-install-recommends postgresql-client-18 \
    && rm -rf /var/lib/apt/lists/*
# Group 101 is nginx's in its own image: it reads the pictures that this user writes.
RUN echo 'tintype:x:10001:101::/app:/usr/sbin/nologin' >> /etc/passwd \
    && install -d -o 10001 -g 101 /data /data/images
COPY --from=packages /venv /venv
WORKDIR /app
COPY . .
# The C library gives back what it no longer needs, instead of keeping a heap for each of many threads; so
# does granian's own allocator, jemalloc, which else keeps what a burst of uploads took.
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 DATA_DIR=/data MALLOC_ARENA_MAX=2 MALLOC_TRIM_THRESHOLD_=131072 _RJEM_MALLOC_CONF=narenas:1,dirty_decay_ms:0,muzzy_decay_ms:0
# Collecting connects to nothing and signs nothing: the values only satisfy the settings.
RUN SECRET_KEY=signs-nothing-and-is-used-only-while-this-image-is-built \
    DATABASE_URL=postgres://build.invalid/none REDIS_URL=redis://build.invalid/0 \
    PUBLIC_URL=https://build.invalid \
    python manage.py collectstatic --no-input \
    && python -m compileall -q .
USER 10001:101
EXPOSE 8000
CMD ["python", "-m", "config.web", "--interface=wsgi", "--host=0.0.0.0", "config.wsgi:application"]
