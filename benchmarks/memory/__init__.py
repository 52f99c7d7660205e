"""What the service takes of a machine's memory, idle and after a burst of uploads."""
