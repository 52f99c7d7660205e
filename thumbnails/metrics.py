"""Metrics of rendering."""

from prometheus_client import Histogram

RENDER_SECONDS = Histogram(
    "tintype_render_seconds",
    "Seconds to render a picture's missing thumbnails, waiting for a sandboxed process included.",
    buckets=(0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20),
)
