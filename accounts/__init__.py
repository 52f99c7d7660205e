"""Who someone is: users, sessions, and tokens issued, verified and revoked.

Knows no REST and no pictures; the end of a session is told by `accounts.signals`.
"""
