"""Changes of tiers and moves of accounts: shown with what they cost before they are made.

What is planned is applied under a lock, and goes on in bounded batches until it is done.
"""
