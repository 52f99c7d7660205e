"""Tests of the gallery in a real browser, against the processes of `./dev run`."""
