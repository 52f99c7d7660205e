"""The smaller copies that a tier grants: missing ones are rendered, unwanted ones deleted.

Leaves serving them to `delivery` and events to `notifications`.
"""
