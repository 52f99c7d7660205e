"""Five published contracts, a folder each; `contracts.py` is the table of them.

No models and no rules of its own: a view parses, calls one service or query, and responds.
"""
