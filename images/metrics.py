"""What is counted of pictures."""

from prometheus_client import Histogram

UPLOAD_BYTES = Histogram(
    "tintype_upload_bytes",
    "Bytes of each picture that was taken.",
    buckets=[2.0**power for power in range(14, 25)],
)
