"""What a plan allows: thumbnail heights, originals, expiring links, upload and storage limits.

Knows nothing of people or pictures; whoever holds a tier is told of a change by `tiers.signals`.
"""
