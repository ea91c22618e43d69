"""The submission format: schema, rank tables, runs and vectors, with parsers for untrusted input."""
