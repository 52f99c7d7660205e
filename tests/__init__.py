"""Tests mirror the tree; `alice` owns things, `bob` is a stranger, `staff` uses the admin."""
