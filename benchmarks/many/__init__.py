"""Work on all pictures of an account or a tier: how long it takes, and keeps others waiting."""
