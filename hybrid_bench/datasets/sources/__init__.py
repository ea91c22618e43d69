"""Readers of the files that collections come from."""
