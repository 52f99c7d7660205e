"""Runs tests side by side: collected once, then run in forked processes with their own servers."""
