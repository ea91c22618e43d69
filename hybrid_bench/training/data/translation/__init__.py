"""Parallel question answering data by machine translation."""
