"""The format of a submission: its schema, tables, runs and vectors, and readers that trust nothing."""
