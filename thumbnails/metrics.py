"""Metrics of rendering."""

from prometheus_client import Histogram

_BUCKETS = (0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20)
RENDER_SECONDS = Histogram(
    "tintype_render_seconds",
    "Seconds to render a picture's missing thumbnails, waiting for a sandboxed process included.",
    buckets=_BUCKETS,
)
BESIDE_SECONDS = Histogram(
    "tintype_beside_seconds",
    "Seconds to make the WebP and AVIF of a picture's thumbnails once it is ready.",
    buckets=_BUCKETS,
)
