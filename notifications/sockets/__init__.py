"""Picture events at `/ws/pictures/`: connections, sign-in, replay after a gap, wake-ups."""
