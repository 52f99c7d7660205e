"""Five published contracts, a folder each; one place where an exception becomes their JSON.

No models and no rules of its own: a door parses, calls one service or query, and answers.
"""
