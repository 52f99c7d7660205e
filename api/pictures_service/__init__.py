"""The pictures service: `/pictures/…`, in Spanish; its files lie under `/images/`."""
