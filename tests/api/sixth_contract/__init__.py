"""A contract that only tests know: a folder as in `api/`, and the record in its `record.py`."""
