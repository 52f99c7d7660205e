"""A million pictures behind nginx: what each request costs, beside floors of the same run."""
