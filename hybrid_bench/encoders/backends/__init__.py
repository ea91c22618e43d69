"""Encoder implementations, one module per library."""
