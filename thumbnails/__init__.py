"""The smaller copies a tier asks for: what is missing is made, what is no longer wanted goes.

Leaves telling anyone to `notifications`.
"""
