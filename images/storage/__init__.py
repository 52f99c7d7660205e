"""Where pictures' files lie: one interface, a folder or a bucket behind it, keys made here.

Makes no query. `transactions` opens a transaction for its caller's rows, which the caller writes.
"""
