"""What is counted of sockets."""

from prometheus_client import Gauge

OPEN_SOCKETS = Gauge("tintype_open_sockets", "Sockets that are open.", multiprocess_mode="livesum")
# Where several processes count together, an earlier one of the same number may have left its count.
OPEN_SOCKETS.set(0)
