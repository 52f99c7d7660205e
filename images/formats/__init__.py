"""The picture formats that are taken, told from a file's content, within limits.

`registry`, `facts`, `limits` and `errors` are for every process; all else runs in the sandbox.
"""
