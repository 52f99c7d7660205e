"""What a plan allows: thumbnail heights, originals, expiring links, upload and storage limits.

Knows neither accounts nor pictures; packages that use tiers receive changes by `tiers.signals`.
"""
