"""Health checks: whether the process is alive, and whether the parts it needs are available."""
