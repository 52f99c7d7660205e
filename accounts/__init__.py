"""Who someone is: users, sessions, and tokens issued, verified and revoked.

Knows neither the contracts nor pictures. `accounts.signals` announces the end of sessions. Only
`request_authentication`, `backends`, the modules of pages and the admin take an HTTP request;
services take values.
"""
