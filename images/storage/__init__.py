"""Where the bytes live: one interface, a folder or a bucket behind it, keys of our own making.

Asks no database; rows and files are brought together by whoever owns the rows.
"""
