"""Metrics of sockets."""

from prometheus_client import Gauge

OPEN_SOCKETS = Gauge("tintype_open_sockets", "Open WebSockets.", multiprocess_mode="livesum")
# An earlier process of the same number may have left its count in METRICS_DIR.
OPEN_SOCKETS.set(0)
