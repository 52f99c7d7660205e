"""Metrics for Prometheus, traces for OpenTelemetry, and request ids that follow into tasks."""
