"""Figures that others have published, each file with its source beside it."""
