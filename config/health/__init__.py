"""Whether a process lives, and whether the parts it needs are there."""
