"""Metrics of pictures."""

from prometheus_client import Histogram

UPLOAD_BYTES = Histogram(
    "tintype_upload_bytes",
    "Size of each stored upload in bytes.",
    buckets=[2.0**power for power in range(14, 25)],
)
